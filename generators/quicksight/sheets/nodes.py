"""The nodes that lack the most patches, those non-compliant for longest, and the reasons for unknown ones."""

from generators.quicksight.colors import GRAY, STATUS_COLORS
from generators.quicksight.fields import Field
from generators.quicksight.layout import Sheet, row
from generators.quicksight.sheets.shared import NODE_COLUMNS, NODE_COUNT, STATUS, choices_row, run_row
from generators.quicksight.visuals import Bars, Table

NODES = Sheet(
    "nodes",
    "Nodes",
    "Which nodes lack the most patches, which have been non-compliant the longest, and why are some unknown?",
    [
        run_row("nodes"),
        choices_row("nodes"),
        row(
            12,
            Bars(
                id="nodes-age",
                dataset="days_non_compliant",
                title="Time since compliant",
                question="How long have nodes been non-compliant? Becoming unknown does not stop the clock.",
                category=Field("age_band", "Time"),
                value=NODE_COUNT,
                color=STATUS,
                order="ascending",
            ),
            Bars(
                id="nodes-unknown",
                dataset="latest_known_nodes",
                title="Unknown nodes by reason",
                question="Why are nodes unknown? Nodes with TARGET_NOT_READ are as last listed.",
                category=Field("unknown_reason", "Reason"),
                value=NODE_COUNT,
                tint=GRAY,
                only={"compliance_status": ["UNKNOWN"]},
            ),
        ),
        row(
            16,
            Table(
                id="nodes-worst",
                dataset="latest_patch_states",
                title="Worst nodes",
                question="Which nodes lack the most patches? By critical, then security, then all missing patches.",
                columns=[
                    *NODE_COLUMNS,
                    Field("critical_non_compliant_count", "Critical"),
                    Field("security_non_compliant_count", "Security"),
                    Field("missing_count", "Missing"),
                    Field("failed_count", "Failed"),
                    Field("installed_pending_reboot_count", "Awaiting reboot"),
                    Field("scan_age_days", "Scan age, days"),
                ],
                sort=["-critical_non_compliant_count", "-security_non_compliant_count", "-missing_count"],
                only={"compliance_status": ["NON_COMPLIANT"]},
            ),
        ),
        row(
            16,
            Table(
                id="nodes-oldest",
                dataset="days_non_compliant",
                title="Oldest non-compliant nodes",
                question="Which nodes have been non-compliant longest? “Possibly longer”: since before the window.",
                columns=[
                    *NODE_COLUMNS,
                    STATUS,
                    Field("non_compliant_since", "Since (UTC)"),
                    Field("days_non_compliant", "Days"),
                    Field("is_lower_bound", "Possibly longer"),
                    Field("days_unobserved", "Days not observed"),
                ],
                sort=["-days_non_compliant", "account_id", "instance_id"],
                colors={"compliance_status": STATUS_COLORS},
            ),
        ),
    ],
)
