"""The patch state of each node: SSM DescribeInstancePatchStates, 50 ids per call.

One row per node of the run, with the node's attributes. Its published table is the commit of a run.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from patchlake.core.keys import ROOT_DETAIL, ROOT_LISTING
from patchlake.core.plan import Plan
from patchlake.core.records import NodeRecord, Page, is_node_id, record_type
from patchlake.core.rows import Outcome
from patchlake.core.statuses import COLLECTION, CollectionStatus
from patchlake.core.tables import (
    INSTANCE_ID,
    Column,
    Columns,
    ColumnType,
    count,
    string,
    timestamp,
    unique_string,
)
from patchlake.sources.nodes import NODE_COLUMNS
from patchlake.sources.source import DetailSource, Operation, detail_table

PATCH_STATE_COLUMNS = (
    string("patch_group", "The patch group that the node belongs to.", "PatchGroup", nullable=False),
    string("baseline_id", "The patch baseline used to patch the node.", "BaselineId", nullable=False),
    unique_string("snapshot_id", "The patch baseline snapshot used during the last operation.", "SnapshotId"),
    Column(
        "install_override_list",
        ColumnType.STRING,
        "The location of the patches that overrode the baseline, without user, password, query or fragment.",
        "InstallOverrideList",
        repetitive=True,
        sensitive_parts=True,
    ),
    unique_string(
        "owner_information",
        "A placeholder that SSM documents as always empty; sensitive.",
        "OwnerInformation",
        sensitive=True,
    ),
    count("installed_count", "Patches of the baseline that are installed.", "InstalledCount"),
    count("installed_other_count", "Installed patches that the baseline does not include.", "InstalledOtherCount"),
    count(
        "installed_pending_reboot_count",
        "Patches installed since the node's last reboot.",
        "InstalledPendingRebootCount",
    ),
    count(
        "installed_rejected_count",
        "Installed patches that the baseline rejects.",
        "InstalledRejectedCount",
    ),
    count("missing_count", "Patches of the baseline that apply and are not installed.", "MissingCount"),
    count("failed_count", "Patches that the last operation failed to install.", "FailedCount"),
    count(
        "unreported_not_applicable_count",
        "Patches beyond the limit of not_applicable_count.",
        "UnreportedNotApplicableCount",
    ),
    count(
        "not_applicable_count",
        "Patches of the baseline that do not apply; SSM may limit it, see unreported_not_applicable_count.",
        "NotApplicableCount",
    ),
    count(
        "available_security_update_count",
        "Windows only: security updates that are available but not approved by the baseline.",
        "AvailableSecurityUpdateCount",
    ),
    timestamp(
        "operation_start_time", "When the last patching operation started.", "OperationStartTime", nullable=False
    ),
    timestamp("operation_end_time", "When the last patching operation ended.", "OperationEndTime", nullable=False),
    string("operation", "The last patching operation: Scan or Install.", "Operation", nullable=False),
    timestamp(
        "last_no_reboot_install_operation_time",
        "When patches were last installed with the reboot option NoReboot.",
        "LastNoRebootInstallOperationTime",
    ),
    string("reboot_option", "RebootIfNeeded or NoReboot.", "RebootOption"),
    count(
        "critical_non_compliant_count",
        "Patches that the baseline reports as Critical and that are missing, failed, rejected or awaiting a reboot.",
        "CriticalNonCompliantCount",
    ),
    count(
        "security_non_compliant_count",
        "Patches that an advisory marks as Security and that are missing, failed, rejected or awaiting a reboot.",
        "SecurityNonCompliantCount",
    ),
    count(
        "other_non_compliant_count",
        "Other patches that do not comply with the baseline.",
        "OtherNonCompliantCount",
    ),
)

PatchState = record_type("PatchState", PATCH_STATE_COLUMNS, NodeRecord)
"""A node's patch state as DescribeInstancePatchStates returns it."""

TABLE = detail_table(
    ROOT_DETAIL, "One row per node that SSM lists, per run.", PATCH_STATE_COLUMNS, COLLECTION, carried=NODE_COLUMNS
)


CAME_TWICE = "the node occurs twice, with different values"
NOT_ASKED_FOR = "the answer has a row about a node that was not asked for"


def _request(ids: Sequence[str], _plan: Plan) -> dict[str, Any]:
    return {"InstanceIds": list(ids)}


def _asks_about(nodes: Columns) -> list[str]:
    """Return the nodes whose ids SSM accepts."""
    return [instance_id for instance_id in nodes["instance_id"] if is_node_id(instance_id)]


def _unasked(nodes: Columns) -> dict[str, Outcome]:
    return {
        instance_id: Outcome(CollectionStatus.INVALID_RESPONSE, reason)
        for instance_id, reason in zip(nodes["instance_id"], nodes["invalid_reason"], strict=True)
        if not is_node_id(instance_id)
    }


def _settle(asked: Sequence[str], pages: Iterable[Page[NodeRecord]]) -> dict[str, Sequence[Outcome]]:
    """Settle the outcome of each id of one call's chain of pages.

    A value that breaks a rule is NULL and named in the detail. An id that SSM leaves out is NO_PATCH_STATE, unless a
    row without a usable id, or about a node that was not asked for, might have been about it. Such rows are dropped. A
    node that comes twice with different values is INVALID_RESPONSE.
    """
    settled: dict[str, Outcome] = {}
    unattributed: str | None = None
    answered_at_ms: int | None = None
    for page in pages:
        answered_at_ms = page.answered_at_ms
        for row in page.invalid:
            if row.instance_id is None or not is_node_id(row.instance_id):
                unattributed = f"a row of the answer has no usable id: {row.reason}"
        for instance_id, record, reason in page.named_rows():
            before = settled.get(instance_id)
            if before is None:
                status = CollectionStatus.INVALID_RESPONSE if record is None else CollectionStatus.COLLECTED
                settled[instance_id] = Outcome(status, reason, answered_at_ms, record)
            elif (before.record, before.detail) != (record, reason):
                settled[instance_id] = Outcome(CollectionStatus.INVALID_RESPONSE, CAME_TWICE, answered_at_ms)
    if unattributed is None and not settled.keys() <= set(asked):
        unattributed = NOT_ASKED_FOR
    absent = (
        Outcome(CollectionStatus.NO_PATCH_STATE, None, answered_at_ms)
        if unattributed is None
        else Outcome(CollectionStatus.INVALID_RESPONSE, unattributed, answered_at_ms)
    )
    return {instance_id: (settled.get(instance_id, absent),) for instance_id in asked}


PATCH_STATES = DetailSource(
    name=ROOT_DETAIL,
    operation=Operation(
        service="ssm",
        name="DescribeInstancePatchStates",
        rows_member="InstancePatchStates",
        record=PatchState,
        page_size=50,
        id_member=INSTANCE_ID.member,
        ids_per_call=50,
        request=_request,
    ),
    answer_columns=PATCH_STATE_COLUMNS,
    table=TABLE,
    statuses=COLLECTION,
    asks_about=_asks_about,
    settle=_settle,
    parent=ROOT_LISTING,
    unasked=_unasked,
    carried=NODE_COLUMNS,
    parent_reasons="invalid_reason",
)
"""Fifty a page: the service has been seen to refuse more (docs/adr/0004-fifty-a-page.md)."""
