"""What a run's objects must hold, derived anew: by other means than the stages', from what SSM really answered."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from patchlake.core.keys import coverage_key, part_key, parts_prefix, plan_key, shard_key, snapshot_key
from patchlake.core.plan import PlannedTarget
from patchlake.core.records import Page, Record
from patchlake.core.run import milliseconds
from patchlake.core.tables import Column, Columns, ColumnType
from patchlake.core.targets import Target
from patchlake.core.timings import PERMANENT_FROM_RECEIVE, RESERVE_SECONDS
from patchlake.ports import TableFile
from patchlake.sources.nodes import NAMELESS_ROW, NODE_COLUMNS
from patchlake.sources.patch_states import PATCH_STATE_COLUMNS
from patchlake.stages.discover import TOO_LARGE
from patchlake.stages.fence import NO_PART, NO_SHARD
from tests.simulation.world import Invocation, World, run_of


@dataclass(frozen=True, slots=True)
class PlanPlace:
    """Where a run's plan belongs."""

    run_id: str


@dataclass(frozen=True, slots=True)
class ShardPlace:
    """Where a shard that the plan names belongs."""

    run_id: str
    target: Target


@dataclass(frozen=True, slots=True)
class PartPlace:
    """Where a part that the plan and a shard name belongs; ``nodes`` is its batch."""

    run_id: str
    target: Target
    nodes: Columns


@dataclass(frozen=True, slots=True)
class CoveragePlace:
    """Where a run's coverage belongs."""

    run_id: str


@dataclass(frozen=True, slots=True)
class SnapshotPlace:
    """Where a run's snapshot belongs."""

    run_id: str


type Place = PlanPlace | ShardPlace | PartPlace | CoveragePlace | SnapshotPlace


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
    return None


def batch(world: World, run_id: str, target: Target, number: int) -> Columns | None:
    """Return the nodes of a batch, by the stored shard; None where there is no such batch."""
    shard = world.tables.get(shard_key(run_id, target))
    if shard is None or number >= len(shard.row_counts):
        return None
    return shard.columns(shard.column_names, number)


def listed(world: World, run_id: str) -> list[tuple[str, str, str]]:
    """Return account, region and id of each node of a run, by its shards."""
    shards = ((target, world.tables.get(shard_key(run_id, target))) for target in world.active[run_id])
    return [(*target, i) for target, shard in shards if shard for i in shard.columns(["instance_id"])["instance_id"]]


def parts(world: World, run_id: str) -> list[TableFile]:
    """Return the parts of a run, in key order."""
    prefix = parts_prefix(run_id)
    return [world.tables[key] for key in sorted(key for key in world.tables if key.startswith(prefix))]


def rows(file: TableFile, names: Iterable[str]) -> list[tuple[Any, ...]]:
    """Return a table's rows."""
    return list(zip(*file.columns(names).values(), strict=True))


def planned_targets(by: Invocation, excluded_accounts: Iterable[str]) -> list[PlannedTarget]:
    """Return what a plan must name, by what its maker was told of the organization."""
    covered = {account.account_id: account for account in by.accounts if account.account_id not in excluded_accounts}
    return [
        PlannedTarget(account_id, region, covered[account_id].name, covered[account_id].active)
        for account_id in sorted(covered)
        for region in sorted(by.regions)
    ]


def shard_problems(shard: TableFile, by: Invocation) -> Iterator[str]:
    """Yield where a shard is not what SSM listed, or the true reason why it did not."""
    status, ids = shard.metadata.get("listing_status"), shard.columns(["instance_id"])["instance_id"]
    detail = shard.metadata.get("listing_detail")
    if by.stage == "commit":
        if (status, detail) != ("NOT_LISTED", NO_SHARD) or ids:
            yield f"{by} wrote a tombstone that says {status}, {detail} with {len(ids)} nodes"
    elif status != "LISTED":
        met = {(by.refusal.listing_status, by.refusal.code)} if by.refusal is not None else set()
        if by.seconds_left < RESERVE_SECONDS and not by.pauses and not by.restarts:
            met.add(("NOT_LISTED", TOO_LARGE))
        if any(row.instance_id is None for page in by.listing for row in page.invalid):
            met.add(("NOT_LISTED", NAMELESS_ROW))
        if (status, detail) not in met or by.receive_count < PERMANENT_FROM_RECEIVE or ids:
            yield f"{by} says {status}, {detail} at receive {by.receive_count}, and met {met}"
    else:
        if not by.listing or by.listing[-1].next_token is not None:
            yield f"{by} says LISTED, and never saw the last page"
        if detail is not None:
            yield f"{by} says LISTED, and why not: {detail}"
        described = {record.instance_id for page in by.listing for record in page.records}
        described |= {row.instance_id or "?" for page in by.listing for row in page.invalid}
        if ids != sorted(described):
            yield f"{by} stored the nodes {ids}, where SSM listed {sorted(described)}"


def part_problems(part: TableFile, nodes: Columns, by: Invocation) -> Iterator[str]:
    """Yield where a row is not what SSM answered about its node, or the true reason why that is not known."""
    found = part.columns(part.column_names)
    ids = found["instance_id"]
    if not set(nodes["instance_id"]) <= set(ids) or len(set(ids)) < len(ids):
        yield f"{by} has the rows {ids} for the nodes {nodes['instance_id']}"
        return
    attributes = [column.name for column in NODE_COLUMNS if column.name in nodes]
    for number, instance_id in enumerate(nodes["instance_id"]):
        row = ids.index(instance_id)
        expected = {name: nodes[name][number] for name in attributes}
        expected |= _outcome(by, instance_id, nodes["invalid_reason"][number])
        stored = {name: found[name][row] for name in expected if name in found}
        wrong = {name: value for name, value in stored.items() if value != expected[name]}
        if wrong:
            yield f"{by} says of {instance_id} {wrong}, where { ({name: expected[name] for name in wrong}) } is true"


def _outcome(by: Invocation, instance_id: str, invalid_reason: str | None) -> dict[str, Any]:
    """Return the collection and patch state columns that a node must have after these answers."""
    if invalid_reason is not None:
        return _unknown("INVALID_RESPONSE") | {"collection_detail": invalid_reason, "collected_at": None}
    if by.stage == "commit":
        return _unknown("NOT_COLLECTED") | {"collection_detail": NO_PART, "collected_at": None}
    if by.refusal is not None and by.receive_count >= PERMANENT_FROM_RECEIVE:
        return _unknown("NOT_COLLECTED") | {"collection_detail": by.refusal.code, "collected_at": None}
    for ids, pages in by.answers.items():
        if instance_id in ids and pages and pages[-1].next_token is None:
            return _answered(pages, instance_id)
    return {"collection_status": "nothing: SSM has not answered to the end"}


def _answered(pages: list[Page[Any]], instance_id: str) -> dict[str, Any]:
    states = [record for page in pages for record in page.records if record.instance_id == instance_id]
    broken = {row.instance_id for page in pages for row in page.invalid}
    if instance_id in broken or any(state != states[0] for state in states):
        return _unknown("INVALID_RESPONSE")
    if states:
        at = next(page.answered_at_ms for page in pages if states[0] in page.records)
        return {
            "collection_status": "COLLECTED",
            "collection_detail": None,
            "collected_at": at,
            **{column.name: _stored(column, states[0]) for column in PATCH_STATE_COLUMNS},
        }
    status = "INVALID_RESPONSE" if None in broken else "NO_PATCH_STATE"
    return (
        _unknown(status)
        | {"collected_at": pages[-1].answered_at_ms}
        | ({"collection_detail": None} if status == "NO_PATCH_STATE" else {})
    )


def _unknown(status: str) -> dict[str, Any]:
    return {"collection_status": status, **{column.name: None for column in PATCH_STATE_COLUMNS}}


def _stored(column: Column, state: Record) -> Any:  # noqa: ANN401
    value = getattr(state, column.name)
    if column.sensitive or value is None:
        return None
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
    nothing = dict.fromkeys(("listing_detail", "listed_at", *counted))
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
    return {**row, "listed_at": int(footer["listed_at"]), "nodes_listed": sum(shard.row_counts), **counts}


def is_complete(world: World, run_id: str) -> bool:
    """Whether the published tables of a run leave nothing unknown."""
    if coverage_key(run_id) not in world.tables:
        return False
    listings = world.tables[coverage_key(run_id)].columns(["listing_status"])["listing_status"]
    statuses = world.tables[snapshot_key(run_id)].columns(["collection_status"])["collection_status"]
    return set(listings) <= {"LISTED", "ACCOUNT_NOT_ACTIVE"} and set(statuses) <= {"COLLECTED", "NO_PATCH_STATE"}
