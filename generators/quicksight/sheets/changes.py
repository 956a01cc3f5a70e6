"""The changes since each target was read before, and the nodes that are gone."""

from generators.quicksight.colors import CHANGE_COLORS, GRAY, STATUS_COLORS
from generators.quicksight.fields import Field
from generators.quicksight.layout import Sheet, row
from generators.quicksight.sheets.shared import (
    ACCOUNT,
    CHANGE,
    NODE_COLUMNS,
    NODE_COUNT,
    choices_row,
    run_row,
)
from generators.quicksight.visuals import Bars, Table

CHANGES = Sheet(
    "changes",
    "Changes",
    "What changed since each target was last read, and which nodes are gone?",
    [
        run_row("changes"),
        choices_row("changes"),
        row(
            12,
            Bars(
                id="changes-accounts",
                dataset="changes_since_previous_run",
                title="Changes by account",
                question="Where did nodes change, and how? Targets that could not be compared are in the table.",
                category=ACCOUNT,
                value=NODE_COUNT,
                color=CHANGE,
            ),
            Bars(
                id="changes-gone",
                dataset="nodes_last_seen",
                title="Nodes not in this run, by reason",
                question="Why are nodes in the window no longer listed?",
                category=Field("reason", "Reason"),
                value=NODE_COUNT,
                tint=GRAY,
            ),
        ),
        row(
            16,
            Table(
                id="changes-nodes",
                dataset="changes_since_previous_run",
                title="Changes",
                question="What changed? NOT_COMPARED: the target is unread, or was never read before in the window.",
                columns=[
                    CHANGE,
                    *NODE_COLUMNS,
                    Field("previous_compliance_status", "State before", null="-"),
                    Field("compliance_status", "State now", null="-"),
                    Field("previous_run_id", "Compared with", null="-"),
                ],
                sort=["change", "account_id", "region"],
                colors={"change": CHANGE_COLORS},
            ),
        ),
        row(
            16,
            Table(
                id="changes-last-seen",
                dataset="nodes_last_seen",
                title="Nodes not in this run",
                question="Which nodes are gone, and in what state? VANISHED: stopped, terminated or deregistered.",
                columns=[
                    Field("reason", "Reason"),
                    *NODE_COLUMNS,
                    Field("last_compliance_status", "State when last seen"),
                    Field("last_seen_at", "Last seen (UTC)"),
                    Field("days_since_seen", "Days ago"),
                ],
                sort=["-last_seen_at", "account_id", "region"],
                colors={"last_compliance_status": STATUS_COLORS},
            ),
        ),
    ],
)
