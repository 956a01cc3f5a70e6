"""The managed nodes: SSM DescribeInstanceInformation.

The root of every run: its shards decide which nodes the run has, and their attributes go into ``patch_states``.
"""

from patchlake.core.keys import ROOT_LISTING
from patchlake.core.plan import Plan
from patchlake.core.records import NodeRecord, Page, record_type
from patchlake.core.rows import record_values
from patchlake.core.tables import INSTANCE_ID, Column, Columns, ColumnType, Table, string, timestamp, unique_string
from patchlake.core.targets import RunTarget
from patchlake.sources.source import ListingSource, Operation

NODE_COLUMNS = (
    string("ping_status", "Online or ConnectionLost, as SSM last saw the agent.", "PingStatus"),
    timestamp("last_ping_date_time", "When the agent last pinged the service.", "LastPingDateTime"),
    string("agent_version", "The version of SSM Agent on the node.", "AgentVersion"),
    Column(
        "is_latest_version",
        ColumnType.BOOLEAN,
        "Whether a Linux node has the latest SSM Agent; SSM does not keep this up to date for Windows nodes.",
        "IsLatestVersion",
    ),
    string("platform_type", "Windows, Linux or MacOS.", "PlatformType"),
    string("platform_name", "The operating system's name.", "PlatformName"),
    string("platform_version", "The operating system's version.", "PlatformVersion"),
    string("activation_id", "The activation that registered a node outside EC2.", "ActivationId"),
    string(
        "iam_role",
        "The IAM role of a node outside EC2; SSM reports none for EC2 nodes, which have instance profiles.",
        "IamRole",
    ),
    timestamp("registration_date", "When a node outside EC2 was registered.", "RegistrationDate"),
    string("resource_type", "EC2Instance or ManagedInstance.", "ResourceType"),
    string("name", "The name given to a node outside EC2 when it was registered.", "Name"),
    unique_string("ip_address", "The node's IP address; sensitive.", "IPAddress", sensitive=True),
    unique_string("computer_name", "The node's fully qualified host name.", "ComputerName"),
    string("association_status", "The status of the node's associations.", "AssociationStatus"),
    timestamp(
        "last_association_execution_date", "When an association last ran on the node.", "LastAssociationExecutionDate"
    ),
    timestamp(
        "last_successful_association_execution_date",
        "When an association last succeeded on the node.",
        "LastSuccessfulAssociationExecutionDate",
    ),
    unique_string("source_id", "The id of the resource behind the node, such as an EC2 instance id.", "SourceId"),
    string("source_type", "The type of that resource, such as AWS::EC2::Instance.", "SourceType"),
)

NODE_MEMBERS_LEFT_OUT = {
    "AssociationOverview": "nested counts of associations; association_status summarizes them",
    "SourceLocation": "the cloud region of nodes at other providers; no query needs it yet",
}
"""Members of InstanceInformation that the tables leave out, each with the reason."""

NodeInformation = record_type("NodeInformation", NODE_COLUMNS, NodeRecord)
"""A node as DescribeInstanceInformation describes it."""

SHARD = Table(
    "shard",
    "A target's managed nodes, sorted by id, one row group per batch.",
    (
        INSTANCE_ID,
        *NODE_COLUMNS,
        string("invalid_reason", "The members of SSM's description that break a rule, each with the rule."),
    ),
)


def _rows(_run_target: RunTarget, page: Page[NodeRecord], plan: Plan) -> Columns:
    """Return the rows of one page; a node whose description breaks rules has the reasons and its other attributes."""
    named = page.named_rows()
    return {
        **record_values(
            NODE_COLUMNS, [row.record for row in named], include_sensitive_fields=plan.include_sensitive_fields
        ),
        "instance_id": [row.instance_id for row in named],
        "invalid_reason": [row.reason for row in named],
    }


NODES = ListingSource(
    name=ROOT_LISTING,
    operation=Operation(
        service="ssm",
        name="DescribeInstanceInformation",
        rows_member="InstanceInformationList",
        record=NodeInformation,
        page_size=50,
        id_member=INSTANCE_ID.member,
    ),
    table=SHARD,
    row_key=("instance_id",),
    rows=_rows,
)
"""Fifty a page: DescribeInstanceInformation accepts no more (docs/adr/0004-fifty-a-page.md)."""
