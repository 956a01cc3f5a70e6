"""Patch groups and baselines."""

from generators.quicksight.fields import Field
from generators.quicksight.layout import Sheet, row
from generators.quicksight.sheets.shared import (
    BASELINE,
    COUNTS_AND_UNREAD,
    GROUP,
    LOWEST_FIRST,
    NODE_COUNT,
    PERCENTS,
    PLATFORM,
    run_row,
    states_of,
)
from generators.quicksight.visuals import Table

GROUPS = Sheet(
    "groups",
    "Patch groups and baselines",
    "Which patch groups lag behind, and against which baselines are nodes measured?",
    [
        run_row("groups"),
        row(
            14,
            states_of("groups-nodes", "Nodes by patch group", "Which patch groups have the most problems?", GROUP),
            states_of("groups-baselines", "Nodes by baseline", "Which baselines have the most problems?", BASELINE),
        ),
        row(
            14,
            Table(
                id="groups-figures",
                dataset="compliance_by_patch_group",
                title="Compliance by patch group",
                question="How compliant is each patch group? Lowest first.",
                columns=[GROUP, Field("baselines", "Baselines"), *COUNTS_AND_UNREAD, *PERCENTS],
                sort=LOWEST_FIRST,
            ),
        ),
        row(
            14,
            Table(
                id="groups-patches",
                dataset="latest_patch_states",
                title="Patches by baseline and platform",
                question="What is missing, and what is installed outside the baseline, on the nodes that were read? A "
                "node with an unknown count adds nothing.",
                columns=[BASELINE, PLATFORM],
                values=[
                    NODE_COUNT,
                    Field("critical_non_compliant_count", "Critical"),
                    Field("security_non_compliant_count", "Security"),
                    Field("missing_count", "Missing"),
                    Field("failed_count", "Failed"),
                    Field("installed_rejected_count", "Rejected, installed"),
                    Field("installed_other_count", "Not in baseline, installed"),
                ],
                sort=["-missing_count"],
            ),
        ),
    ],
)
