"""The expected objects of a run, derived from SSM's real answers by other means than in the stages."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from patchlake.core.plan import PlannedTarget
from patchlake.core.records import Page, Record
from patchlake.core.run import milliseconds
from patchlake.core.tables import Column, Columns, ColumnType, Table
from patchlake.core.targets import Target
from patchlake.core.timings import PERMANENT_FROM_RECEIVE
from patchlake.ports import TableFile
from patchlake.sources.nodes import NODE_COLUMNS
from patchlake.sources.patch_states import PATCH_STATE_COLUMNS
from tests.simulation.builds import Build
from tests.simulation.invocations import Invocation
from tests.simulation.keys import (
    child_key,
    coverage_key,
    part_key,
    plan_key,
    run_of,
    secondary_shard_key,
    shard_key,
    snapshot_key,
    table_key,
)
from tests.simulation.proof import GET_STATES, Proof, refusal_recorded
from tests.simulation.secondary_oracle import (
    TABLE_COLUMNS,
    asked,
    details,
    known,
    listings,
    number_of,
    object_keys,
    planned,
    slice_rows,
)
from tests.simulation.world import World
from tests.world import HOME

# What a lake says, written out: none of it is taken from the code that writes it.
_NO_SHARD = "no shard by the run's deadline"
_NO_PART = "no part by the run's deadline"
_TOO_LARGE = "too many nodes to list in one invocation (docs/limits.md)"
_UNATTRIBUTED_ROW = "a row of the answer has no usable id: broken on purpose"
_ROW_ABOUT_ANOTHER = "the answer has a row about a node that was not asked for"
_UNKNOWN_FORM = "eks_c:"
_ANSWERED_TWICE = "the node occurs twice, with different values"


@dataclass(frozen=True, slots=True)
class PlanPlace:
    """The key of a run's plan."""

    run_id: str


@dataclass(frozen=True, slots=True)
class ShardPlace:
    """The key of a shard that the plan names."""

    run_id: str
    target: Target


@dataclass(frozen=True, slots=True)
class PartPlace:
    """The key of a part that the plan and a shard name; ``nodes`` is its batch."""

    run_id: str
    target: Target
    nodes: Columns


@dataclass(frozen=True, slots=True)
class SecondaryShardPlace:
    """The key of a shard of a secondary source that the plan names."""

    run_id: str
    target: Target
    source: str


@dataclass(frozen=True, slots=True)
class ChildPlace:
    """The key of a part of a secondary source that the plan names; ``slice`` is the slice of its batch."""

    run_id: str
    target: Target
    source: str
    batch: int
    slice: int


@dataclass(frozen=True, slots=True)
class TablePlace:
    """The key of a run's table of a secondary source that the plan names."""

    run_id: str
    source: str


@dataclass(frozen=True, slots=True)
class CoveragePlace:
    """The key of a run's coverage."""

    run_id: str


@dataclass(frozen=True, slots=True)
class SnapshotPlace:
    """The key of a run's snapshot."""

    run_id: str


type Place = (
    PlanPlace | ShardPlace | PartPlace | SecondaryShardPlace | ChildPlace | CoveragePlace | TablePlace | SnapshotPlace
)


def place(world: World, key: str) -> Place | None:  # noqa: PLR0911  # one kind of key after another
    """Return what ``key`` is the key of; None where it follows from no plan and no shard."""
    run_id = run_of(key)
    if run_id not in world.plans:
        return None
    match key.removesuffix(".parquet").split("/"):
        case ["plans", *_] if key == plan_key(run_id):
            return PlanPlace(run_id)
        case ["lake", "coverage", *_] if key == coverage_key(run_id):
            return CoveragePlace(run_id)
        case ["lake", "patch_states", *_] if key == snapshot_key(run_id):
            return SnapshotPlace(run_id)
        case ["runs", _, "shards", name]:
            target = Target(*name.split(".", 1))
            if target in world.active[run_id] and key == shard_key(run_id, target):
                return ShardPlace(run_id, target)
        case ["runs", _, "parts", name, number]:
            target = Target(*name.split(".", 1))
            nodes = batch(world, run_id, target, int(number))
            if target in world.active[run_id] and nodes is not None and key == part_key(run_id, target, int(number)):
                return PartPlace(run_id, target, nodes)
    return _secondary_place(world, run_id, key)


def _secondary_place(world: World, run_id: str, key: str) -> Place | None:
    plan = world.plans[run_id]
    match key.removesuffix(".parquet").split("/"):
        case ["lake", source, *_] if source in planned(plan) and key == table_key(run_id, source):
            return TablePlace(run_id, source)
        case ["runs", _, "shards", source, name] if source in listings(plan):
            target = Target(*name.split(".", 1))
            if target in world.active[run_id] and key == secondary_shard_key(run_id, source, target):
                return SecondaryShardPlace(run_id, target, source)
        case ["runs", _, "details", source, name, number] if source in details(plan):
            target = Target(*name.split(".", 1))
            if target in world.active[run_id] and key == child_key(run_id, source, target, int(number)):
                return ChildPlace(run_id, target, source, *divmod(int(number), number_of(plan, source, 1, 0)))
    return None


def source_of(where: Place | None) -> str | None:
    """Return the secondary source that a place belongs to."""
    return getattr(where, "source", None)


def batch(world: World, run_id: str, target: Target, number: int) -> Columns | None:
    """Return the nodes of a batch, by the stored shard; None where there is no such batch."""
    shard = world.tables.get(shard_key(run_id, target))
    if shard is None or number >= len(shard.row_counts):
        return None
    return shard.columns(shard.column_names, number)


def listed(world: World, run_id: str, *targets: Target) -> list[tuple[str, str, str]]:
    """Return account, region and id of each node of a run, by its shards; of some targets, or of all."""
    shards = ((one, world.tables.get(shard_key(run_id, one))) for one in targets or world.active[run_id])
    return [(*target, i) for target, shard in shards if shard for i in shard.columns(["instance_id"])["instance_id"]]


def parts(world: World, run_id: str) -> list[TableFile]:
    """Return the parts of a run, in key order."""
    shards = {target: world.tables.get(shard_key(run_id, target)) for target in world.active[run_id]}
    keys = [part_key(run_id, t, n) for t, shard in shards.items() if shard for n in range(len(shard.row_counts))]
    return [world.tables[key] for key in sorted(keys) if key in world.tables]


def column_problems(names: Iterable[str], table: Table, by: Invocation) -> Iterator[str]:
    """Yield where a file has other columns than its build knows."""
    found = list(names)
    expected = [column.name for column in table if column.name not in by.build.unknown_columns]
    if found != expected:
        yield f"{by} wrote a {table.name} with the columns {found}, and knows {expected}"


def rows(file: TableFile, names: Iterable[str]) -> list[tuple[Any, ...]]:
    """Return a table's rows."""
    return list(zip(*file.columns(names).values(), strict=True))


def planned_targets(by: Invocation, excluded_accounts: Iterable[str]) -> list[PlannedTarget]:
    """Return what a plan must name, by what its maker was told of the organization; the home account is active."""
    covered = {account.account_id: account for account in by.accounts if account.account_id not in excluded_accounts}
    return [
        PlannedTarget(account_id, region, covered[account_id].name, covered[account_id].active or account_id == HOME)
        for account_id in sorted(covered)
        for region in sorted(by.regions)
    ]


def shard_problems(shard: TableFile, by: Invocation, *, sensitive: bool) -> Iterator[str]:
    """Yield where a shard is not what SSM listed, or the true reason why it did not.

    Args:
        shard: the shard.
        by: who wrote it.
        sensitive: whether its run includes sensitive fields.
    """
    status, detail = shard.metadata.get("listing_status"), shard.metadata.get("listing_detail")
    nameless = nameless_rows(by) if status == "LISTED" else 0
    if shard.metadata.get("rows_without_id") != (str(nameless) if nameless else None):
        yield f"{by} says {shard.metadata.get('rows_without_id')} rows without an id, where there were {nameless}"
    found = list(_rows_by_name(shard))
    if by.stage == "commit":
        if (status, detail) != ("NOT_LISTED", _NO_SHARD) or found:
            yield f"{by} wrote a tombstone that says {status}, {detail} with {len(found)} nodes"
    elif status != "LISTED":
        met = set(_reasons_met(by))
        if (status, detail) not in met or found:
            yield f"{by} says {status}, {detail} at receive {by.receive_count}, and met {met}"
    else:
        if not by.listing or by.listing[-1].next_token is not None:
            yield f"{by} says LISTED, and never saw the last page"
        if detail is not None:
            yield f"{by} says LISTED, and why not: {detail}"
        described = _described(by.listing, sensitive=sensitive)
        ids = [row["instance_id"] for row in found]
        if ids != sorted(described):
            yield f"{by} stored the nodes {ids}, where SSM listed {sorted(described)}"
        for row in found:
            yield from _differences(by, row, described[row["instance_id"]])


def _reasons_met(by: Invocation) -> Iterator[tuple[str, str]]:
    """Yield what may be recorded of a target that was not listed: listing status and detail."""
    if by.final_refusal is not None:
        yield by.final_refusal.listing_status, by.final_refusal.code
    if by.receive_count < PERMANENT_FROM_RECEIVE:
        return
    if by.is_too_large_to_list:
        yield "NOT_LISTED", _TOO_LARGE


def nameless_rows(by: Invocation) -> int:
    """Return the number of rows of a listing that named nothing."""
    return sum(row.instance_id is None for page in by.listing for row in page.invalid)


def is_unknown_form(instance_id: str) -> bool:
    """Whether the id of a node has a form that SSM's model does not have."""
    return instance_id.startswith(_UNKNOWN_FORM)


def _described(listing: list[Page[Any]], *, sensitive: bool) -> dict[str, dict[str, Any]]:
    """Return the row of each node of a listing, by its id: the last description counts."""
    described: dict[str, dict[str, Any]] = {}
    for page in listing:
        for bad in page.invalid:
            if bad.instance_id is not None and bad.record is not None:
                values = _stored(NODE_COLUMNS, bad.record, sensitive)
                described[bad.instance_id] = {**values, "invalid_reason": bad.reason}
        for record in page.records:
            described[record.instance_id] = {**_stored(NODE_COLUMNS, record, sensitive), "invalid_reason": None}
    return described


def part_problems(part: TableFile, nodes: Columns, by: Invocation, proof: Proof, *, sensitive: bool) -> Iterator[str]:
    """Yield where a row is not what SSM answered about its node, or the true reason why that is not known.

    Args:
        part: the part.
        nodes: its batch, as its shard holds it.
        by: who wrote it.
        proof: decides which ids always fail.
        sensitive: whether its run includes sensitive fields.
    """
    ids = part.columns(["instance_id"])["instance_id"]
    if not set(nodes["instance_id"]) <= set(ids) or len(set(ids)) < len(ids):
        yield f"{by} has the rows {ids} for the nodes {nodes['instance_id']}"
        return
    if [i for i in ids if i in set(nodes["instance_id"])] != nodes["instance_id"]:
        yield f"{by} has the rows {ids} in another order than the shard: {nodes['instance_id']}"
    found = {row["instance_id"]: row for row in _rows_by_name(part)}
    attributes = [column.name for column in NODE_COLUMNS if column.name in nodes]
    asked = [row for instance_id, row in found.items() if not is_unknown_form(instance_id)]
    refusal = refusal_recorded(by, ((row["collection_status"], row["collection_detail"]) for row in asked))
    if refusal is not None:
        proof = Proof(by, GET_STATES, refusal=refusal)
    for number, instance_id in enumerate(nodes["instance_id"]):
        expected = {name: nodes[name][number] for name in attributes}
        expected |= _outcome(by, instance_id, nodes["invalid_reason"][number], proof, sensitive=sensitive)
        yield from _differences(by, found[instance_id], expected)


def _rows_by_name(file: TableFile) -> Iterator[dict[str, Any]]:
    columns = file.columns(file.column_names)
    return (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))


def _differences(by: Invocation, row: dict[str, Any], expected: dict[str, Any]) -> Iterator[str]:
    wrong = {name: row[name] for name in expected if name in row and row[name] != expected[name]}
    if wrong:
        yield f"{by} says of {row['instance_id']} {wrong}, where { ({name: expected[name] for name in wrong}) } is true"


def _outcome(
    by: Invocation, instance_id: str, invalid_reason: str | None, proof: Proof, *, sensitive: bool
) -> dict[str, Any]:
    """Return the collection and patch state columns that a node must have after these answers.

    Where SSM answered about the node, the row also names what is broken in its description.
    """
    if is_unknown_form(instance_id):
        return _unknown("INVALID_RESPONSE", invalid_reason) | {"collected_at": None}
    outcome = _settled(by, instance_id, proof, sensitive=sensitive)
    if invalid_reason is None or outcome["collection_status"] not in {"COLLECTED", "NO_PATCH_STATE"}:
        return outcome
    detail = outcome["collection_detail"]
    return outcome | {"collection_detail": invalid_reason if detail is None else f"{invalid_reason}; {detail}"}


def _settled(by: Invocation, instance_id: str, proof: Proof, *, sensitive: bool) -> dict[str, Any]:
    if by.stage == "commit":
        return _unknown("NOT_COLLECTED", _NO_PART) | {"collected_at": None}
    if proof.refusal is not None:
        return _unknown("NOT_COLLECTED", proof.refusal.code) | {"collected_at": None}
    for ids, pages in by.answers.items():
        if instance_id in ids and pages and pages[-1].next_token is None:
            return _answered(ids, pages, instance_id, sensitive=sensitive)
    if code := proof.code(instance_id):
        return _unknown("NOT_COLLECTED", code) | {"collected_at": None}
    return {"collection_status": "nothing: SSM has not answered to the end"}


def _answered(ids: Collection[str], pages: list[Page[Any]], instance_id: str, *, sensitive: bool) -> dict[str, Any]:
    rows = [
        (named, (page.answered_at_ms, record, reason))
        for page in pages
        for named, record, reason in (
            *((record.instance_id, record, None) for record in page.records),
            *((row.instance_id, row.record, row.reason) for row in page.invalid),
        )
    ]
    found = [row for named, row in rows if named == instance_id]
    if any(values[1:] != found[0][1:] for values in found):
        return _unknown("INVALID_RESPONSE", _ANSWERED_TWICE)
    if found:
        at, state, reason = found[0]
        if state is None:
            return _unknown("INVALID_RESPONSE", reason)
        return {
            "collection_status": "COLLECTED",
            "collection_detail": reason,
            "collected_at": at,
            **_stored(PATCH_STATE_COLUMNS, state, sensitive),
        }
    names = {named for named, _ in rows}
    if None in names:
        settled = _unknown("INVALID_RESPONSE", _UNATTRIBUTED_ROW)
    elif names <= set(ids):
        settled = _unknown("NO_PATCH_STATE", None)
    else:
        settled = _unknown("INVALID_RESPONSE", _ROW_ABOUT_ANOTHER)
    return settled | {"collected_at": pages[-1].answered_at_ms}


def _unknown(status: str, detail: str | None) -> dict[str, Any]:
    return {
        "collection_status": status,
        "collection_detail": detail,
        **{column.name: None for column in PATCH_STATE_COLUMNS},
    }


def _stored(columns: Iterable[Column], record: Record, sensitive: bool) -> dict[str, Any]:  # noqa: FBT001
    return {column.name: _stored_value(column, getattr(record, column.name), sensitive) for column in columns}


def _stored_value(column: Column, value: Any, sensitive: bool) -> Any:  # noqa: ANN401, FBT001
    if value is None or (column.sensitive and not sensitive):
        return None
    if column.name == "install_override_list" and not sensitive:
        return value.split("?")[0]
    return round(value * 1000) if column.type is ColumnType.TIMESTAMP else value


def coverage_row(world: World, run_id: str, planned: PlannedTarget) -> dict[str, Any]:
    """Return the coverage row that a target must have."""
    row: dict[str, Any] = {
        "run_id": run_id,
        "run_at": milliseconds(world.plans[run_id].run_at),
        "account_id": planned.account_id,
        "account_name": planned.account_name,
        "region": planned.region,
    }
    counted = (
        "nodes_listed",
        "nodes_collected",
        "nodes_no_patch_state",
        "nodes_not_collected",
        "nodes_invalid_response",
    )
    nothing = dict.fromkeys(("listing_detail", "listed_at", *counted, "rows_without_id"))
    if not planned.active:
        return {**row, "listing_status": "ACCOUNT_NOT_ACTIVE", **nothing}
    shard = world.tables[shard_key(run_id, planned.target)]
    footer = shard.metadata
    row |= {"listing_status": footer["listing_status"], **nothing, "listing_detail": footer.get("listing_detail")}
    if footer["listing_status"] != "LISTED":
        return row
    keys = (part_key(run_id, planned.target, number) for number in range(len(shard.row_counts)))
    statuses = [s for key in keys for s in world.tables[key].columns(["collection_status"])["collection_status"]]
    counts = {name: statuses.count(name.removeprefix("nodes_").upper()) for name in counted[1:]}
    counts |= {"nodes_listed": sum(shard.row_counts), "rows_without_id": int(footer.get("rows_without_id", 0))}
    return {**row, "listed_at": int(footer["listed_at"]), **counts}


def is_complete(world: World, run_id: str) -> bool:
    """Whether the published tables of a run leave nothing unknown."""
    if coverage_key(run_id) not in world.tables:
        return False
    coverage = world.tables[coverage_key(run_id)].columns(["listing_status", "rows_without_id"])
    listings, nameless = set(coverage["listing_status"]), any(coverage["rows_without_id"])
    statuses = world.tables[snapshot_key(run_id)].columns(["collection_status"])["collection_status"]
    is_read = "LISTED" in listings <= {"LISTED", "ACCOUNT_NOT_ACTIVE"}
    return is_read and not nameless and set(statuses) <= {"COLLECTED", "NO_PATCH_STATE"}


def fits(world: World, key: str) -> bool:
    """Whether an object has the bytes that it must have, though someone put them there: an empty part has no owner."""
    match place(world, key):
        case ChildPlace(run_id, target, source, number, slice_):
            states = slice_rows(world, run_id, target, source, number, slice_)
            table = world.tables[key]
            is_empty = list(table.column_names) == TABLE_COLUMNS[source] and not sum(table.row_counts)
            return is_empty and states is not None and not asked(world.plans[run_id], source, states)
    return False


def keys_read(world: World, run_id: str, build: Build) -> Iterator[str]:
    """Yield the key of everything that a build publishes a run from."""
    for source in known(world.plans[run_id], build):
        yield from object_keys(world, run_id, source)
        yield table_key(run_id, source)
    yield plan_key(run_id)
    yield coverage_key(run_id)
    for target in world.active[run_id]:
        key = shard_key(run_id, target)
        yield key
        if key in world.tables:
            yield from (part_key(run_id, target, number) for number in range(len(world.tables[key].row_counts)))
