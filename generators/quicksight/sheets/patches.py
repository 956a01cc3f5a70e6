"""The patches that nodes need, by patch, and the targets and nodes whose patches are not known."""

from generators.quicksight.colors import GRAY, ORANGE
from generators.quicksight.fields import Field
from generators.quicksight.layout import Note, Sheet, row
from generators.quicksight.sheets.shared import ACCOUNT, COMPUTER, NODE, REGION, run_row
from generators.quicksight.visuals import Bars, Table

PATCHES = Sheet(
    "patches",
    "Patches",
    "Which patches do the most nodes need, and whose patches are not known?",
    [
        run_row("patches"),
        row(
            2,
            Note(
                "patches-note",
                "A node needs a patch that is missing, failed to install or awaits a reboot. An available update that "
                "its baseline has not approved does not count. The figures count only what is known.",
            ),
        ),
        row(
            12,
            Bars(
                id="patches-unknown",
                dataset="patches_not_known",
                title="Patches not known, by reason",
                question="Why are the patches of targets and nodes not known? They may need any patch.",
                category=Field("reason", "Reason"),
                value=Field("region", "Targets and nodes", how="COUNT"),
                tint=GRAY,
            ),
            Bars(
                id="patches-severities",
                dataset="patches_overview",
                title="Patches by severity",
                question="How many different patches are there of each severity, in the vendors' words?",
                category=Field("severity", "Severity"),
                value=Field("kb_id", "Patches", how="COUNT"),
                tint=ORANGE,
            ),
        ),
        row(
            16,
            Table(
                id="patches-worst",
                dataset="patches_overview",
                title="Patches",
                question="Which patches do the most nodes need? Nodes are in the view open_patches.",
                columns=[
                    Field("kb_id", "Patch"),
                    Field("title", "Title"),
                    Field("severity", "Severity"),
                    Field("nodes_lower_bound", "Nodes, at least"),
                    Field("accounts_lower_bound", "Accounts, at least"),
                    Field("nodes_missing", "Missing"),
                    Field("nodes_failed", "Failed"),
                    Field("nodes_awaiting_reboot", "Awaiting reboot"),
                    Field("nodes_available", "Not approved"),
                    Field("cves", "CVEs"),
                    Field("oldest_at", "First seen (UTC)", null="-"),
                ],
                sort=["-nodes_lower_bound", "kb_id"],
            ),
        ),
        row(
            14,
            Table(
                id="patches-gaps",
                dataset="patches_not_known",
                title="Patches not known",
                question="Whose patches are not known, and why? A target has no node.",
                columns=[
                    Field("reason", "Reason"),
                    ACCOUNT,
                    Field("account_name", "Name", null="not given"),
                    REGION,
                    NODE,
                    COMPUTER,
                    Field("nodes", "Nodes"),
                ],
                sort=["reason", "account_id", "region"],
            ),
        ),
    ],
)
