"""The patches of each node that may lack one: SSM DescribeInstancePatches, one id per call.

One row per node and patch. SSM is asked only for the patches that count against a node and for the security updates
that its baseline has not approved: a Windows node has thousands of others that do not apply to it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from patchlake.core.paging import ListingNews
from patchlake.core.plan import Plan
from patchlake.core.records import Page, Record, record_type
from patchlake.core.rows import Outcome
from patchlake.core.statuses import COLLECTION, CollectionStatus, Explanation
from patchlake.core.tables import Columns, string, timestamp
from patchlake.sources.source import DetailSource, Operation, detail_table

NO_PATCHES: Final = "NO_PATCHES"

DECIDING_COUNTS: Final = (
    "missing_count",
    "failed_count",
    "installed_pending_reboot_count",
    "installed_rejected_count",
    "critical_non_compliant_count",
    "security_non_compliant_count",
    "other_non_compliant_count",
)
"""The counts that decide whether a node is compliant."""

AVAILABLE_COUNT: Final = "available_security_update_count"

STATES: Final = ("Missing", "Failed", "InstalledPendingReboot", "InstalledRejected", "AvailableSecurityUpdate")
"""The states of the patches that SSM is asked for, as its answers spell them; the API model has MISSING and so on."""

MOST_PATCHES: Final = 10_000
"""More than the packages of any node, each of which may be out of date."""

STATUSES = {
    CollectionStatus.COLLECTED: Explanation("a patch of the node, as SSM returned it"),
    NO_PATCHES: Explanation("SSM was asked, and the node has no patch in these states"),
    CollectionStatus.NOT_COLLECTED: Explanation("SSM could not be asked, or gave no answer by the detail deadline"),
    CollectionStatus.INVALID_RESPONSE: COLLECTION[CollectionStatus.INVALID_RESPONSE],
}

PATCH_COLUMNS = (
    string("title", "The title of the patch; empty if SSM has none.", "Title", nullable=False),
    string(
        "kb_id",
        "The id of the patch, without white space around it: a KB number on Windows, the name of a package elsewhere.",
        "KBId",
        nullable=False,
    ),
    string(
        "classification",
        "The classification, such as SecurityUpdates, Security or Bugfix.",
        "Classification",
        nullable=False,
    ),
    string(
        "severity",
        "The severity in the words of the operating system's vendor; empty if SSM has none.",
        "Severity",
        nullable=False,
    ),
    string(
        "state",
        "Missing, Failed, InstalledPendingReboot, InstalledRejected, or AvailableSecurityUpdate, which does not count "
        "against the node.",
        "State",
        nullable=False,
    ),
    timestamp(
        "installed_time",
        "When the patch was installed; NULL if it is not, or if the operating system does not report it.",
        "InstalledTime",
        nullable=False,
        zero_is_absent=True,
    ),
    string("cve_ids", "The CVEs that the patch resolves, separated by commas; only for Missing and Failed.", "CVEIds"),
)

Patch = record_type("Patch", PATCH_COLUMNS, Record, ids={"kb_id"})
"""A patch of a node as DescribeInstancePatches returns it; it does not name the node."""


def _request(ids: Sequence[str], _plan: Plan) -> dict[str, Any]:
    return _question(ids, STATES)


def _narrower(ids: Sequence[str], _plan: Plan) -> Sequence[dict[str, Any]]:
    return [_question(ids, [state]) for state in STATES]


def _question(ids: Sequence[str], states: Sequence[str]) -> dict[str, Any]:
    (instance_id,) = ids
    return {"InstanceId": instance_id, "Filters": [{"Key": "State", "Values": list(states)}]}


def _asks_about(states: Columns) -> list[str]:
    """Return the nodes that may lack a patch, and those with security updates to approve."""
    counts = zip(*(states[name] for name in DECIDING_COUNTS), strict=True)
    rows = zip(states["instance_id"], states["collection_status"], counts, states[AVAILABLE_COUNT], strict=True)
    return [
        instance_id
        for instance_id, status, deciding, available in rows
        if status == CollectionStatus.COLLECTED and (any(count != 0 for count in deciding) or (available or 0) > 0)
    ]


def _settle(asked: Sequence[str], pages: Iterable[Page[Any]]) -> dict[str, Sequence[Outcome]]:
    """Settle the patches of a node, in the order of their ids and titles.

    A patch that comes twice, since it moved between pages or changed its state while they were read, counts as its last
    row has it; a row whose id or title broke a rule, or that has neither, is a patch of its own. A row of which nothing
    can be read might be any patch, so the node is INVALID_RESPONSE.

    Raises:
        RestartError: too many pages in a row bring no further patch: the chain would never end.
    """
    (instance_id,) = asked
    found: dict[tuple[Any, ...], Outcome] = {}
    answered_at_ms: int | None = None
    broken: str | None = None
    news = ListingNews(instance_id)
    for page in pages:
        answered_at_ms = page.answered_at_ms
        for reason, record in page.reasons_and_records():
            if record is None:
                broken = reason
            else:
                patch = _trimmed(record)
                found[_key(patch, len(found))] = Outcome(CollectionStatus.COLLECTED, reason, answered_at_ms, patch)
        news.require(len(found))
    if broken is not None:
        return {instance_id: [Outcome(CollectionStatus.INVALID_RESPONSE, broken, answered_at_ms)]}
    outcomes = [found[patch] for patch in sorted(found)]
    return {instance_id: outcomes or [Outcome(NO_PATCHES, None, answered_at_ms)]}


def _trimmed(patch: Any) -> Any:  # noqa: ANN401
    """Return a patch without white space around its id, with which it would be another patch than on other nodes."""
    kb_id = (patch.kb_id or "").strip()
    return patch if kb_id == (patch.kb_id or "") else replace(patch, kb_id=kb_id)


def _key(patch: Any, number: int) -> tuple[str, str, int]:  # noqa: ANN401
    """Return the place of a patch among the others of its node; no other patch has the place of one without a name."""
    is_named = patch.kb_id is not None and patch.title is not None and (patch.kb_id + patch.title).strip()
    return patch.kb_id or "", patch.title or "", 0 if is_named else number + 1


PATCHES = DetailSource(
    name="patches",
    operation=Operation(
        service="ssm",
        name="DescribeInstancePatches",
        rows_member="Patches",
        record=Patch,
        page_size=50,
        ids_per_call=1,
        request=_request,
        narrower=_narrower,
        rows_per_id=MOST_PATCHES,
    ),
    answer_columns=PATCH_COLUMNS,
    table=detail_table(
        "patches",
        "One row per patch that counts against a node or that its baseline could approve, per run. A node that SSM was "
        "asked about has at least one row.",
        PATCH_COLUMNS,
        STATUSES,
    ),
    statuses=STATUSES,
    asks_about=_asks_about,
    settle=_settle,
    parent_columns=("collection_status", *DECIDING_COUNTS, AVAILABLE_COUNT),
    nodes_per_part=50,
)
"""Fifty nodes a part: larger parts lose more answers when a worker's time ends (docs/adr/0011-secondary-sources.md)."""
