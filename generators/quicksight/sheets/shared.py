"""The parts that sheets share: columns as they are shown, and the row that names the run of the figures."""

from generators.quicksight.colors import RUN_COLORS
from generators.quicksight.fields import Field, percent
from generators.quicksight.layout import Choice, Row, row
from generators.quicksight.visuals import Bars, Table

ACCOUNT = Field("account_id", "Account")
REGION = Field("region", "Region")
NODE = Field("instance_id", "Node", null="-")
NODE_COUNT = Field("instance_id", "Nodes", how="COUNT")
COMPUTER = Field("computer_name", "Computer name")
PLATFORM = Field("platform_name", "Platform")
GROUP = Field("patch_group", "Patch group")
BASELINE = Field("baseline_id", "Baseline")
STATUS = Field("compliance_status", "State")
DAY = Field("run_at", "Day (UTC)")
SERIES = Field("series", "Figure")
CHANGE = Field("change", "Change")

NODE_COLUMNS = (ACCOUNT, REGION, NODE, COMPUTER, PLATFORM, GROUP)
COUNTS = (
    Field("nodes_listed", "Nodes listed"),
    Field("nodes_compliant", "Compliant"),
    Field("nodes_non_compliant", "Non-compliant"),
    Field("nodes_unknown", "Unknown"),
)
PERCENTS = (
    percent("compliant_percent", "Compliant share"),
    percent("compliant_percent_lower_bound", "At least"),
)
FLEET = (
    Field("instances_not_managed", "Unmanaged instances"),
    percent("fleet_compliant_percent", "Compliant, unmanaged included"),
    percent("fleet_compliant_percent_lower_bound", "At least, unmanaged included"),
)
COUNTS_AND_UNREAD = (*COUNTS, Field("nodes_unread", "Of unread targets"))
LOWEST_FIRST = ("compliant_percent", "-nodes_non_compliant")


def run_row(sheet: str) -> Row:
    """Return the row at the top of each sheet: the run of its figures."""
    return row(
        5,
        Table(
            id=f"{sheet}-run",
            dataset="compliance_overall",
            title="Which run is this?",
            question="The newest published run. Everything that it did not read is unknown.",
            columns=[
                Field("run_at", "Run (UTC)", null="none"),
                Field("run_status", "Status"),
                Field("run_coverage", "Coverage"),
                Field("age_hours", "Age, hours"),
                Field("nodes_listed", "Nodes listed"),
                Field("nodes_unknown", "Nodes unknown"),
                *FLEET,
            ],
            colors={"run_status": RUN_COLORS},
        ),
    )


def choices_row(sheet: str) -> Row:
    """Return the row in which the reader chooses accounts and regions."""
    return row(
        3,
        Choice(f"{sheet}-choose-account", "account_id", "Account"),
        Choice(f"{sheet}-choose-region", "region", "Region"),
    )


def states_of(name: str, title: str, question: str, category: Field) -> Bars:
    """Return bars of nodes by a category, divided by state; those of unread targets are among the unknown."""
    return Bars(
        id=name,
        dataset="latest_known_nodes",
        title=title,
        question=f"{question} Nodes of unread targets are unknown.",
        category=category,
        value=NODE_COUNT,
        color=STATUS,
    )
