"""The EC2 instances that Systems Manager does not manage, and the nodes by the tags of their instances."""

from generators.quicksight.colors import GREY, ORANGE
from generators.quicksight.fields import Field
from generators.quicksight.layout import Choice, Note, Sheet, row
from generators.quicksight.sheets.shared import ACCOUNT, COUNTS_AND_UNREAD, PERCENTS, REGION, run_row
from generators.quicksight.visuals import Bars, Table

INSTANCES = Sheet(
    "instances",
    "Instances and tags",
    "Which instances does Systems Manager not manage, and how compliant are the nodes of each tag?",
    [
        run_row("instances"),
        row(
            3,
            Choice("instances-choose-account", "account_id", "Account"),
            Choice("instances-choose-region", "region", "Region"),
            Choice("instances-choose-key", "tag_key", "Tag"),
            Choice("instances-choose-value", "tag_value", "Value"),
        ),
        row(
            2,
            Note(
                "instances-note",
                "A node is in one row of each tag key: choose one key before you add up rows. Hybrid nodes have no EC2 "
                "tags. Targets that were not read may have more unmanaged instances: they are in the last table.",
            ),
        ),
        row(
            12,
            Bars(
                id="instances-unmanaged",
                dataset="unmanaged_instances",
                title="Unmanaged instances by account",
                question="How many instances run that Systems Manager does not manage? At least that many.",
                category=ACCOUNT,
                value=Field("instance_id", "Instances", how="COUNT"),
                tint=GREY,
            ),
            Bars(
                id="instances-tags",
                dataset="compliance_by_tag",
                title="Non-compliant nodes by tag",
                question="Which values of the tags have the most non-compliant nodes?",
                category=Field("tag", "Tag"),
                value=Field("nodes_non_compliant", "Non-compliant nodes"),
                tint=ORANGE,
            ),
        ),
        row(
            14,
            Table(
                id="instances-tag-figures",
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
        row(
            16,
            Table(
                id="instances-nodes",
                dataset="unmanaged_instances",
                title="Unmanaged instances",
                question="Which instances run, although Systems Manager does not manage them, and whose are they?",
                columns=[
                    ACCOUNT,
                    Field("account_name", "Name", null="not given"),
                    REGION,
                    Field("instance_id", "Instance"),
                    Field("tags", "Tags", null="not read"),
                    Field("launch_time", "Launched (UTC)"),
                    Field("image_id", "Image"),
                    Field("platform_details", "Platform"),
                    Field("instance_type", "Type"),
                    Field("iam_instance_profile", "Instance profile", null="none"),
                ],
                sort=["account_id", "region", "launch_time"],
            ),
        ),
        row(
            14,
            Table(
                id="instances-gaps",
                dataset="targets_not_known",
                title="Targets that are not known",
                question="Where were nodes, instances or tags not all read, and why?",
                columns=[
                    ACCOUNT,
                    Field("account_name", "Name", null="not given"),
                    REGION,
                    Field("nodes_reason", "Nodes", null="read"),
                    Field("instances_reason", "Instances", null="read"),
                    Field("tags_reason", "Tags", null="read"),
                ],
                sort=["account_id", "region"],
            ),
        ),
    ],
)
