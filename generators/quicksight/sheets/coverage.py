"""The targets and runs that were read, and those that were not."""

from generators.quicksight.colors import RUN_COLORS, STATUS_COLORS
from generators.quicksight.fields import Field
from generators.quicksight.layout import Sheet, row
from generators.quicksight.sheets.shared import ACCOUNT, DAY, REGION, SERIES, run_row
from generators.quicksight.visuals import Bars, Table

COVERAGE = Sheet(
    "coverage",
    "Coverage",
    "What was read, what was not and why, and what was last known?",
    [
        run_row("coverage"),
        row(
            12,
            Bars(
                id="coverage-by-day",
                dataset="trend",
                title="Targets by day",
                question="How many of the targets did each day's last run read, not read, or no longer plan?",
                category=DAY,
                value=Field("amount", "Targets", how="MAX"),
                color=SERIES,
                order="ascending",
                only={"series": ["read", "not read", "no longer planned"]},
            ),
            Bars(
                id="coverage-reasons",
                dataset="latest_coverage",
                title="Targets by outcome",
                question="How did the listing of each account and region end?",
                category=Field("listing_status", "Outcome"),
                value=Field("region", "Targets", how="COUNT"),
            ),
        ),
        row(
            14,
            Table(
                id="coverage-targets",
                dataset="latest_coverage",
                title="Targets",
                question="Which targets were not read, why, and how many nodes did they have when last read?",
                columns=[
                    ACCOUNT,
                    Field("account_name", "Name", null="not given"),
                    REGION,
                    Field("listing_status", "Outcome"),
                    Field("listing_detail", "Detail", null="-"),
                    Field("nodes_listed", "Nodes listed"),
                    Field("nodes_no_patch_state", "Never scanned"),
                    Field("nodes_not_collected", "Not collected"),
                    Field("nodes_invalid_response", "Invalid answers"),
                    Field("rows_without_id", "Rows without an id"),
                    Field("last_known_nodes", "Last known nodes"),
                    Field("last_read_at", "Last read (UTC)", null="not in the window"),
                    Field("days_since_read", "Days since read"),
                ],
                sort=["-days_since_read", "listing_status", "account_id"],
                colors={"listing_status": {"LISTED": STATUS_COLORS["COMPLIANT"]}},
            ),
        ),
        row(
            14,
            Table(
                id="coverage-runs",
                dataset="runs",
                title="Runs",
                question="Which runs are in the window, and what did each read? Newest first.",
                columns=[
                    Field("run_at", "Run (UTC)"),
                    Field("run_status", "Status"),
                    Field("run_coverage", "Coverage"),
                    Field("nodes_listed", "Nodes listed"),
                    Field("nodes_collected", "Collected"),
                    Field("nodes_no_patch_state", "Never scanned"),
                    Field("nodes_not_collected", "Not collected"),
                    Field("nodes_invalid_response", "Invalid answers"),
                    Field("rows_without_id", "Rows without an id"),
                ],
                sort=["-run_at"],
                colors={"run_status": RUN_COLORS},
            ),
        ),
    ],
)
