"""The EC2 instances that Systems Manager does not manage, and the targets that were not read in full."""

from generators.quicksight.colors import GRAY
from generators.quicksight.fields import Field
from generators.quicksight.layout import Sheet, row
from generators.quicksight.sheets.shared import ACCOUNT, REGION, choices_row, run_row
from generators.quicksight.visuals import Bars, Table

INSTANCES = Sheet(
    "instances",
    "Instances",
    "Which instances does Systems Manager not manage, and where is that not known?",
    [
        run_row("instances"),
        choices_row("instances"),
        row(
            12,
            Bars(
                id="instances-accounts",
                dataset="unmanaged_instances",
                title="Unmanaged instances by account",
                question="How many running instances does Systems Manager not manage, at least?",
                category=ACCOUNT,
                value=Field("instance_id", "Instances", how="COUNT"),
                tint=GRAY,
            ),
        ),
        row(
            16,
            Table(
                id="instances-unmanaged",
                dataset="unmanaged_instances",
                title="Unmanaged instances",
                question="Which running instances does Systems Manager not manage, and who owns them?",
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
                question="For which targets were not all nodes, instances or tags read, and why?",
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
