"""The nodes by the tags of their instances: owners, environments and whatever else the tags say."""

from generators.quicksight.colors import ORANGE
from generators.quicksight.fields import Field
from generators.quicksight.layout import Choice, Note, Sheet, row
from generators.quicksight.sheets.shared import COUNTS_AND_UNREAD, PERCENTS, run_row
from generators.quicksight.visuals import Bars, Table

TAGS = Sheet(
    "tags",
    "Tags",
    "How compliant are the nodes of each owner, environment or other tag?",
    [
        run_row("tags"),
        row(3, Choice("tags-choose-key", "tag_key", "Tag"), Choice("tags-choose-value", "tag_value", "Value")),
        row(
            2,
            Note(
                "tags-note",
                "A node is in one row per tag key: choose one key before you add up rows. Hybrid nodes have no EC2 "
                "tags. Nodes whose tags were not read may have any value: “at least” shares count them in every row.",
            ),
        ),
        row(
            12,
            Bars(
                id="tags-nodes",
                dataset="compliance_by_tag",
                title="Non-compliant nodes by tag",
                question="Which values of the tags have the most non-compliant nodes?",
                category=Field("tag", "Tag"),
                value=Field("nodes_non_compliant", "Non-compliant nodes"),
                tint=ORANGE,
            ),
        ),
        row(
            16,
            Table(
                id="tags-figures",
                dataset="compliance_by_tag",
                title="Compliance by tag",
                question="How compliant are the nodes of each value? NOT_READ: their tags are not known.",
                columns=[
                    Field("tag_key", "Tag", null="none known"),
                    Field("tag_value", "Value", null="-"),
                    Field("tag_status", "Tag read"),
                    *(*COUNTS_AND_UNREAD, *PERCENTS),
                ],
                sort=["tag_key", "compliant_percent", "-nodes_non_compliant"],
            ),
        ),
    ],
)
