"""The tables, declared once as data.

The Parquet schema, the decoding of SSM's answers, the Glue columns, the DDL and the data dictionary derive from these
declarations or are tested against them. A column is named after its API member in snake_case; absent is NULL, never 0.

In memory a table is ``Columns``: one list per column, all of one length, with ``str``, ``int``, ``bool`` or ``None``;
a timestamp is an ``int`` of milliseconds since the epoch, UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

type Columns = dict[str, list[Any]]


class ColumnType(StrEnum):
    """The four types a column can have, by their Arrow names."""

    STRING = "string"
    INT32 = "int32"
    BOOLEAN = "bool"
    TIMESTAMP = "timestamp[ms, UTC]"


class CollectionStatus(StrEnum):
    """What became of one node of one run."""

    COLLECTED = "COLLECTED"
    NO_PATCH_STATE = "NO_PATCH_STATE"
    NOT_COLLECTED = "NOT_COLLECTED"
    INVALID_RESPONSE = "INVALID_RESPONSE"


class ListingStatus(StrEnum):
    """What became of one target of one run."""

    LISTED = "LISTED"
    ROLE_NOT_ASSUMABLE = "ROLE_NOT_ASSUMABLE"
    ACCESS_DENIED = "ACCESS_DENIED"
    REGION_DISABLED = "REGION_DISABLED"
    NOT_LISTED = "NOT_LISTED"
    ACCOUNT_NOT_ACTIVE = "ACCOUNT_NOT_ACTIVE"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        member: the API member that it holds, where it comes from one.
        nullable: whether a row may lack it; for an API member, whether an answer may.
        repetitive: few distinct values in a file, so that a dictionary makes it smaller.
        sensitive: NULL unless the stack includes sensitive fields.
    """

    name: str
    type: ColumnType
    description: str
    member: str | None = None
    nullable: bool = True
    repetitive: bool = False
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A named list of columns, in the order of the file."""

    name: str
    description: str
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(column.name for column in self.columns)

    def __iter__(self) -> Iterator[Column]:
        """Iterate over the columns, in order."""
        return iter(self.columns)


def _string(name: str, description: str, member: str | None = None, *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.STRING, description, member, nullable, repetitive=True)


def _unique_string(
    name: str, description: str, member: str | None = None, *, nullable: bool = True, sensitive: bool = False
) -> Column:
    return Column(name, ColumnType.STRING, description, member, nullable, sensitive=sensitive)


def _time(name: str, description: str, member: str | None = None, *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.TIMESTAMP, description, member, nullable)


def _count(name: str, description: str, member: str | None = None, *, nullable: bool = True) -> Column:
    return Column(name, ColumnType.INT32, description, member, nullable, repetitive=True)


RUN_COLUMNS = (
    _string("run_id", "The run: its scheduled time in UTC, such as 20261123T060000Z.", nullable=False),
    _time("run_at", "The run's scheduled time.", nullable=False),
)
TARGET_COLUMNS = (
    _string("account_id", "The AWS account of the target, twelve digits.", nullable=False),
    _string("region", "The AWS region of the target.", nullable=False),
)
INSTANCE_ID = _unique_string(
    "instance_id",
    "The node: i- and 8 or 17 characters, or mi- and 17 for a node outside EC2.",
    "InstanceId",
    nullable=False,
)

NODE_COLUMNS = (
    _string("ping_status", "Online, ConnectionLost or Inactive, as SSM saw the agent last.", "PingStatus"),
    _time("last_ping_date_time", "When the agent last pinged the service.", "LastPingDateTime"),
    _string("agent_version", "The version of SSM Agent on the node.", "AgentVersion"),
    Column(
        "is_latest_version",
        ColumnType.BOOLEAN,
        "Whether SSM Agent is the latest version, for Linux nodes; SSM does not keep it up to date for Windows.",
        "IsLatestVersion",
    ),
    _string("platform_type", "Windows, Linux or MacOS.", "PlatformType"),
    _string("platform_name", "The operating system's name.", "PlatformName"),
    _string("platform_version", "The operating system's version.", "PlatformVersion"),
    _string("activation_id", "The activation that registered a node outside EC2.", "ActivationId"),
    _string(
        "iam_role", "The IAM role of a node outside EC2; for EC2 SSM gives none here, see instance profiles.", "IamRole"
    ),
    _time("registration_date", "When a node outside EC2 was registered.", "RegistrationDate"),
    _string("resource_type", "EC2Instance or ManagedInstance.", "ResourceType"),
    _string("name", "The name given when a node outside EC2 was registered.", "Name"),
    _unique_string("ip_address", "The node's IP address; sensitive.", "IPAddress", sensitive=True),
    _unique_string("computer_name", "The node's fully qualified host name.", "ComputerName"),
    _string("association_status", "The status of the node's associations.", "AssociationStatus"),
    _time(
        "last_association_execution_date", "When an association last ran on the node.", "LastAssociationExecutionDate"
    ),
    _time(
        "last_successful_association_execution_date",
        "When an association last ran on the node with success.",
        "LastSuccessfulAssociationExecutionDate",
    ),
    _unique_string("source_id", "The id of the resource that the node is, in the service it came from.", "SourceId"),
    _string("source_type", "The type of that resource, such as AWS::EC2::Instance.", "SourceType"),
)

NODE_MEMBERS_LEFT_OUT = {
    "AssociationOverview": "nested counts of associations; association_status sums them up",
    "SourceLocation": "the cloud region of nodes of other providers; no question asked so far needs it",
}
"""Members of InstanceInformation that the tables do not hold, each with the reason."""

COLLECTION_COLUMNS = (
    _string(
        "collection_status",
        "COLLECTED: the patch state below is what SSM answered. NO_PATCH_STATE: SSM has none for the node: it was "
        "never scanned. NOT_COLLECTED: SSM was not or could not be asked. INVALID_RESPONSE: SSM's answer broke its own "
        "rules.",
        nullable=False,
    ),
    _string("collection_detail", "Why a node is NOT_COLLECTED or INVALID_RESPONSE; NULL otherwise."),
    _time(
        "collected_at", "When SSM answered, by the Date header of its answer; NULL where SSM gave no answer about it."
    ),
)

PATCH_STATE_COLUMNS = (
    _string("patch_group", "The patch group that the node belongs to.", "PatchGroup", nullable=False),
    _string("baseline_id", "The patch baseline used to patch the node.", "BaselineId", nullable=False),
    _unique_string("snapshot_id", "The patch baseline snapshot used during the last operation.", "SnapshotId"),
    _string(
        "install_override_list",
        "The list of patches that overrode the baseline; an https URL without its query, which may hold a signature.",
        "InstallOverrideList",
    ),
    _unique_string(
        "owner_information",
        "A placeholder that SSM documents as always empty; sensitive.",
        "OwnerInformation",
        sensitive=True,
    ),
    _count("installed_count", "Patches of the baseline that are installed.", "InstalledCount"),
    _count("installed_other_count", "Installed patches that the baseline does not name.", "InstalledOtherCount"),
    _count(
        "installed_pending_reboot_count",
        "Patches installed since the last reboot of the node.",
        "InstalledPendingRebootCount",
    ),
    _count(
        "installed_rejected_count",
        "Installed patches that the baseline rejects.",
        "InstalledRejectedCount",
    ),
    _count("missing_count", "Patches of the baseline that apply and are not installed.", "MissingCount"),
    _count("failed_count", "Patches that the last operation failed to install.", "FailedCount"),
    _count(
        "unreported_not_applicable_count",
        "Patches beyond the limit of not_applicable_count.",
        "UnreportedNotApplicableCount",
    ),
    _count(
        "not_applicable_count",
        "Patches of the baseline that do not apply; SSM may cut it off, see unreported_not_applicable_count.",
        "NotApplicableCount",
    ),
    _count(
        "available_security_update_count",
        "Windows only: security updates that are available and not approved by the baseline.",
        "AvailableSecurityUpdateCount",
    ),
    _time("operation_start_time", "When the last patching operation started.", "OperationStartTime", nullable=False),
    _time("operation_end_time", "When the last patching operation ended.", "OperationEndTime", nullable=False),
    _string("operation", "The last patching operation: Scan or Install.", "Operation", nullable=False),
    _time(
        "last_no_reboot_install_operation_time",
        "When patches were last installed with the reboot option NoReboot.",
        "LastNoRebootInstallOperationTime",
    ),
    _string("reboot_option", "RebootIfNeeded or NoReboot.", "RebootOption"),
    _count(
        "critical_non_compliant_count",
        "Patches reported as Critical by the baseline that are not installed, failed, rejected or await a reboot.",
        "CriticalNonCompliantCount",
    ),
    _count(
        "security_non_compliant_count",
        "Patches marked Security in an advisory that are not installed, failed, rejected or await a reboot.",
        "SecurityNonCompliantCount",
    ),
    _count(
        "other_non_compliant_count",
        "Other patches that do not comply with the baseline.",
        "OtherNonCompliantCount",
    ),
)

SHARD = Table(
    "shard",
    "A target's managed nodes, sorted by id, one row group per batch.",
    (
        INSTANCE_ID,
        *NODE_COLUMNS,
        _string("invalid_reason", "Why SSM's description of the node could not be read; its attributes are NULL then."),
    ),
)
PATCH_STATES = Table(
    "patch_states",
    "One row per node that SSM lists, per run.",
    (
        *RUN_COLUMNS,
        *TARGET_COLUMNS,
        INSTANCE_ID,
        *NODE_COLUMNS,
        *COLLECTION_COLUMNS,
        *(
            # A node without a collected state has none of these, so what an answer must have may still be NULL here.
            Column(c.name, c.type, c.description, c.member, repetitive=c.repetitive, sensitive=c.sensitive)
            for c in PATCH_STATE_COLUMNS
        ),
    ),
)
COVERAGE = Table(
    "coverage",
    "One row per target, per run: what was read, and what was not.",
    (
        *RUN_COLUMNS,
        TARGET_COLUMNS[0],
        _string("account_name", "The account's name in AWS Organizations; NULL where accounts are given as a list."),
        TARGET_COLUMNS[1],
        _string(
            "listing_status",
            "LISTED: every node that SSM lists is in the snapshot. ROLE_NOT_ASSUMABLE, ACCESS_DENIED, REGION_DISABLED: "
            "the target refused. NOT_LISTED: no answer by the run's deadline, or a listing that cannot be completed. "
            "ACCOUNT_NOT_ACTIVE: a closed or suspended account, not asked.",
            nullable=False,
        ),
        _string("listing_detail", "The error code or the reason behind any other status than LISTED."),
        _time("listed_at", "When SSM answered the last page of the listing, by its Date header; NULL unless LISTED."),
        _count("nodes_listed", "Nodes of the target in the snapshot. This and the counts below: NULL unless LISTED."),
        _count("nodes_collected", "Those with a patch state."),
        _count("nodes_no_patch_state", "Those that were never scanned."),
        _count("nodes_not_collected", "Those whose state could not be asked for."),
        _count("nodes_invalid_response", "Those whose answer broke SSM's rules."),
    ),
)
TABLES = (PATCH_STATES, COVERAGE)
"""The published tables."""
