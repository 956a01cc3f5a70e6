"""The expected objects of the secondary sources, derived again from what AWS answered.

Keys, columns and reasons are written out: none of it is taken from the code that writes it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any, NamedTuple

from patchlake.core.plan import Plan, PlannedTarget
from patchlake.core.run import milliseconds
from patchlake.core.tables import Columns
from patchlake.core.targets import Target
from patchlake.core.timings import PERMANENT_FROM_RECEIVE
from patchlake.ports import TableFile
from tests.simulation import ec2_oracle, patches_oracle
from tests.simulation.builds import Build
from tests.simulation.invocations import Invocation
from tests.simulation.keys import child_key, part_key, secondary_shard_key, shard_key
from tests.simulation.proof import Proof, refusal_recorded
from tests.simulation.world import World

_WHOSE_COLUMNS = ["run_id", "run_at", "account_id", "region"]
_COLLECTION_COLUMNS = ["instance_id", "collection_status", "collection_detail", "collected_at"]


class Listing(NamedTuple):
    """A listing source, written out.

    Attributes:
        columns: of a row, without those of its target.
        listed: the number of rows without an id, and the rows of a shard, by what its writer was told.
    """

    columns: list[str]
    listed: Callable[[Invocation, Plan], tuple[int, Columns]]


def _gadgets_listed(by: Invocation, _: Plan) -> tuple[int, Columns]:
    nameless = sum(len(page.invalid) for page in by.listing)
    return nameless, {"gadget_id": sorted({record.gadget_id for page in by.listing for record in page.records})}


LISTINGS = {
    "gadgets": Listing(["gadget_id"], _gadgets_listed),
    "instances": Listing(ec2_oracle.INSTANCE_COLUMNS, lambda by, plan: ec2_oracle.instances(by.ec2_rows, plan)),
    "tags": Listing(ec2_oracle.TAG_COLUMNS, lambda by, plan: ec2_oracle.tags(by.ec2_rows, plan)),
}


class Detail(NamedTuple):
    """A detail source, written out.

    Attributes:
        operation: that its parts ask.
        columns: of an answered row.
        parent_columns: of the patch states that decide whom it asks about.
        nothing: the status of a node for which AWS answered nothing.
        asks: the nodes that it asks about, by the version of its rule and the patch states.
    """

    operation: str
    columns: list[str]
    parent_columns: list[str]
    nothing: str
    asks: Callable[[int | None, Columns], list[str]]

    @property
    def part_columns(self) -> list[str]:
        """The columns of a part and of the table."""
        return [*_WHOSE_COLUMNS, *_COLLECTION_COLUMNS, *self.columns]


def _toys_asked(version: int | None, rows: Columns) -> list[str]:
    """Return the nodes that miss a patch or may miss one; by version 2 all that are collected."""
    states = zip(rows["instance_id"], rows["collection_status"], rows["missing_count"], strict=True)
    return [i for i, status, missing in states if status == "COLLECTED" and (version == 2 or missing != 0)]


DETAILS = {
    "toys": Detail("DescribeToys", ["name", "size"], ["missing_count"], "NO_TOYS", _toys_asked),
    "patches": Detail(
        "DescribeInstancePatches",
        patches_oracle.COLUMNS,
        [*patches_oracle.DECIDING, patches_oracle.AVAILABLE],
        "NO_PATCHES",
        lambda _, rows: patches_oracle.asked(rows),
    ),
}
ASKED_BY = {detail.operation: source for source, detail in DETAILS.items()}
"""The source of each operation that is asked about nodes."""

TABLE_COLUMNS = {
    **{source: [*_WHOSE_COLUMNS, *listing.columns] for source, listing in LISTINGS.items()},
    **{source: detail.part_columns for source, detail in DETAILS.items()},
}
_COUNTED = {
    source: [
        f"{source}_nodes_collected",
        f"{source}_nodes_{detail.nothing.lower()}",
        f"{source}_nodes_not_collected",
        f"{source}_nodes_invalid_response",
        f"{source}_rows",
    ]
    for source, detail in DETAILS.items()
}
_STATUSES = {
    **{source: [f"{source}_status", f"{source}_detail", f"{source}_listed_at"] for source in LISTINGS},
    **{source: [f"{source}_status", f"{source}_detail"] for source in DETAILS},
}
_COUNTS = {**{source: [f"{source}_rows_without_id", f"{source}_rows"] for source in LISTINGS}, **_COUNTED}
STATUS_COLUMNS = tuple(name for names in _STATUSES.values() for name in names)
COUNT_COLUMNS = tuple(name for names in _COUNTS.values() for name in names)
COVERAGE_COLUMNS = {source: [*_STATUSES[source], *_COUNTS[source]] for source in TABLE_COLUMNS}
PREFIXES = tuple(f"{source}_" for source in TABLE_COLUMNS)
"""The beginnings of the columns of coverage about secondary sources."""

_NO_DETAIL_SHARD = "no shard by the run's detail deadline"
_NO_DETAIL = "no part by the run's detail deadline"
_GAPS = ("NOT_COLLECTED", "INVALID_RESPONSE")
_UNKNOWN_ID = ("InvalidInstanceId", "InvalidInstanceIdException")


def planned(plan: Plan) -> list[str]:
    """Return the secondary sources of a plan."""
    return [source.name for source in plan.sources]


def toys_version(plan: Plan) -> int | None:
    """Return the version of the rule by which the run's toys select nodes; None where it has no toys."""
    return next((source.asks_version for source in plan.sources if source.name == "toys"), None)


def known(plan: Plan, build: Build) -> list[str]:
    """Return the secondary sources of a plan that a build reads: tags only if a key is allowed."""
    return [name for name in _known(plan, build) if name != "tags" or plan.tag_keys]


def _known(plan: Plan, build: Build) -> list[str]:
    """Return the secondary sources of a plan that a build knows as the plan has them."""
    toys = build.toys
    if toys is None:
        return []
    knows = {
        "gadgets": True,
        "toys": toys.asks_version == toys_version(plan),
        "patches": build.patches_per_part is not None,
        "instances": build.lists_ec2,
        "tags": build.lists_ec2,
    }
    return [name for name in planned(plan) if knows[name]]


def details(plan: Plan) -> list[str]:
    """Return the secondary detail sources of a plan."""
    return [name for name in planned(plan) if name in DETAILS]


def listings(plan: Plan) -> list[str]:
    """Return the secondary listing sources of a plan."""
    return [name for name in planned(plan) if name in LISTINGS]


def nodes_per_part(plan: Plan, source: str) -> int:
    """Return how many nodes a part of a source of the run is about."""
    return next(each.nodes_per_part for each in plan.sources if each.name == source) or 0


def number_of(plan: Plan, source: str, batch: int, slice_: int) -> int:
    """Return the number in the key of a part of a source."""
    return batch * ceil(plan.batch_size / nodes_per_part(plan, source)) + slice_


def slice_rows(  # noqa: PLR0913, PLR0917
    world: World, run_id: str, target: Target, source: str, batch: int, slice_: int
) -> Columns | None:
    """Return the patch states of one slice of a batch; None where there is no such slice, or no such part."""
    part = world.tables.get(part_key(run_id, target, batch))
    if part is None:
        return None
    size = nodes_per_part(world.plans[run_id], source)
    columns = part.columns(["instance_id", "collection_status", *DETAILS[source].parent_columns])
    rows = {name: values[slice_ * size : (slice_ + 1) * size] for name, values in columns.items()}
    return rows if rows["instance_id"] else None


def asked(plan: Plan, source: str, rows: Columns) -> list[str]:
    """Return the nodes that a source asks about."""
    return DETAILS[source].asks(toys_version(plan), rows)


def slices(world: World, run_id: str, target: Target, source: str) -> list[tuple[int, int]]:
    """Return batch and number of each slice that must have a part, by the target's shard."""
    shard = world.tables.get(shard_key(run_id, target))
    size = nodes_per_part(world.plans[run_id], source)
    counts = () if shard is None else shard.row_counts
    return [(batch, number) for batch, nodes in enumerate(counts) for number in range(ceil(nodes / size))]


def object_keys(world: World, run_id: str, source: str) -> list[str]:
    """Return the key of every shard or part that a run must have of a source, in key order."""
    targets = sorted(world.active[run_id])
    if source in LISTINGS:
        return [secondary_shard_key(run_id, source, target) for target in targets]
    plan = world.plans[run_id]
    return [
        child_key(run_id, source, target, number_of(plan, source, batch, number))
        for target in targets
        for batch, number in slices(world, run_id, target, source)
    ]


def shard_problems(shard: TableFile, source: str, target: Target, by: Invocation, plan: Plan) -> Iterator[str]:
    """Yield where a shard is not what AWS listed, or the true reason why it did not."""
    footer = dict(shard.metadata)
    said = footer.pop("listing_status", None), footer.pop("listing_detail", None), footer.pop("listed_at", None)
    nameless, listed = LISTINGS[source].listed(by, plan) if said[0] == "LISTED" else (0, {})
    if footer.pop("rows_without_id", None) != (str(nameless) if nameless else None):
        yield f"{by} wrote a shard of {shard.metadata}, where {nameless} rows had no id"
    whose = {"run_id": plan.run_id, "account_id": target.account_id, "region": target.region, "source": source}
    if footer != whose:
        yield f"{by} wrote a shard of {footer}, where it is one of {whose}"
    found = shard.columns(shard.column_names)
    rows = len(found["run_id"])
    if by.stage == "commit":
        if said != ("NOT_LISTED", _NO_DETAIL_SHARD, None) or rows:
            yield f"{by} wrote a tombstone that says {said} with {rows} rows"
    elif said[0] != "LISTED":
        reasons = set(_reasons_met(by))
        if said not in reasons or rows:
            yield f"{by} says {said} at receive {by.receive_count}, and met {reasons}"
    elif not by.listing or by.listing[-1].next_token is not None:
        yield f"{by} says LISTED, and never saw the last page"
    else:
        if said != ("LISTED", None, str(by.listing[-1].answered_at_ms)):
            yield f"{by} says {said} of a target that was listed at {by.listing[-1].answered_at_ms}"
        if found != {**_whose(plan, target, rows), **listed}:
            yield f"{by} stored the rows {found}, where AWS listed {listed}"


def _reasons_met(by: Invocation) -> Iterator[tuple[str, str, None]]:
    """Yield what may be recorded of a target that was not listed."""
    if by.final_refusal is not None:
        yield by.final_refusal.listing_status, by.final_refusal.code, None
    if by.receive_count < PERMANENT_FROM_RECEIVE:
        return
    if by.is_too_large_to_list:
        yield "NOT_LISTED", "too many nodes to list in one invocation (docs/limits.md)", None


def part_problems(  # noqa: PLR0913, PLR0917
    part: TableFile, source: str, target: Target, rows: Columns, by: Invocation, plan: Plan, retry_seconds: float
) -> Iterator[str]:
    """Yield where a part is not what AWS answered about its slice, or the true reason why that is not known.

    Args:
        part: the part.
        source: its source.
        target: its target.
        rows: its slice of the patch states.
        by: who wrote it.
        plan: of its run.
        retry_seconds: the pause between two failures that count.
    """
    found = part.columns(part.column_names)
    refusal = refusal_recorded(by, zip(found["collection_status"], found["collection_detail"], strict=True))
    # Whether other parts ask about any id cannot be told here, so a listing always counts.
    proof = Proof(by, DETAILS[source].operation, retry_seconds, listing_counts=True, refusal=refusal)
    expected = [row for instance_id in asked(plan, source, rows) for row in _rows_of(by, source, instance_id, proof)]
    names = [*_COLLECTION_COLUMNS, *DETAILS[source].columns]
    wanted = {**_whose(plan, target, len(expected)), **{n: [row[n] for row in expected] for n in names}}
    wrong = [name for name in wanted if found[name] != wanted[name]]
    if wrong:
        yield (
            f"{by} says { ({name: found[name] for name in ['instance_id', *wrong]}) }, "
            f"where { ({name: wanted[name] for name in ['instance_id', *wrong]}) } is true"
        )


def _rows_of(by: Invocation, source: str, instance_id: str, proof: Proof) -> list[dict[str, Any]]:
    """Return the rows that a node must have after these answers."""
    if by.source != source:
        return [_status_row(source, instance_id, "NOT_COLLECTED", _NO_DETAIL)]
    if proof.refusal is not None:
        return [_status_row(source, instance_id, "NOT_COLLECTED", proof.refusal.code)]
    rows = _patches_answered(by, instance_id) if source == "patches" else _toys_answered(by, instance_id)
    if rows is not None:
        return rows
    if code := proof.code(instance_id):
        return [_status_row(source, instance_id, "NOT_COLLECTED", code)]
    return [_status_row(source, instance_id, "nothing: AWS has not answered to the end", None)]


def _patches_answered(by: Invocation, instance_id: str) -> list[dict[str, Any]] | None:
    said = by.said.get((instance_id,), [])
    whose = {"instance_id": instance_id}
    return patches_oracle.answered(said, whose) if patches_oracle.is_whole(said) else None


def _toys_answered(by: Invocation, instance_id: str) -> list[dict[str, Any]] | None:
    pages = by.answers.get((instance_id,), [])
    if not pages or pages[-1].next_token is not None:
        return None
    at = pages[-1].answered_at_ms
    if reasons := [row.reason for page in pages for row in page.invalid]:
        return [_status_row("toys", instance_id, "INVALID_RESPONSE", reasons[0], at)]
    rows = [
        {
            **_status_row("toys", instance_id, "COLLECTED", None, page.answered_at_ms),
            "name": record.name,
            "size": record.size,
        }
        for page in pages
        for record in page.records
    ]
    return rows or [_status_row("toys", instance_id, "NO_TOYS", None, at)]


def _status_row(
    source: str, instance_id: str, status: str, detail: str | None, at: int | None = None
) -> dict[str, Any]:
    return {
        "instance_id": instance_id,
        "collection_status": status,
        "collection_detail": detail,
        "collected_at": at,
        **dict.fromkeys(DETAILS[source].columns),
    }


def _whose(plan: Plan, target: Target, rows: int) -> dict[str, list[Any]]:
    return {
        "run_id": [plan.run_id] * rows,
        "run_at": [milliseconds(plan.run_at)] * rows,
        "account_id": [target.account_id] * rows,
        "region": [target.region] * rows,
    }


def coverage_values(world: World, run_id: str, target: PlannedTarget) -> dict[str, Any]:
    """Return what coverage must say of a target about every secondary source of the plan."""
    values: dict[str, Any] = dict.fromkeys((*STATUS_COLUMNS, *COUNT_COLUMNS))
    plan = world.plans[run_id]
    for source in listings(plan):
        values |= _listing_values(world, run_id, target, source)
    for source in details(plan) if target.active else ():
        values |= _detail_values(world, run_id, target.target, source)
    return values


def _listing_values(world: World, run_id: str, target: PlannedTarget, source: str) -> dict[str, Any]:
    if not target.active:
        return {f"{source}_status": "ACCOUNT_NOT_ACTIVE"}
    shard = world.tables.get(secondary_shard_key(run_id, source, target.target))
    if shard is None:
        return {}
    footer = shard.metadata
    is_listed = footer["listing_status"] == "LISTED"
    return {
        f"{source}_status": footer["listing_status"],
        f"{source}_detail": footer.get("listing_detail"),
        f"{source}_listed_at": int(footer["listed_at"]) if is_listed else None,
        f"{source}_rows_without_id": int(footer.get("rows_without_id", 0)) if is_listed else None,
        f"{source}_rows": sum(shard.row_counts) if is_listed else None,
    }


def _detail_values(world: World, run_id: str, target: Target, source: str) -> dict[str, Any]:
    shard = world.tables[shard_key(run_id, target)]
    listing_status = shard.metadata["listing_status"]
    if listing_status != "LISTED":
        return {f"{source}_status": "PARTIAL", f"{source}_detail": f"nodes: {listing_status}"}
    found = _detail_rows(world, run_id, target, source)
    statuses = Counter({instance_id: status for instance_id, status, _ in found}.values())
    batches = [world.tables[part_key(run_id, target, number)] for number in range(len(shard.row_counts))]
    parents = {s for batch in batches for s in batch.columns(["collection_status"])["collection_status"]}
    detail = next((f"patch_states: {status}" for status in _GAPS if status in parents), None)
    if "rows_without_id" in shard.metadata:
        detail = "nodes: rows without an id"
    reasons = Counter(reason or status for _, status, reason in found if status in _GAPS)
    if detail is None and reasons:
        detail = min(reasons, key=lambda reason: (-reasons[reason], reason))
    counts = [statuses[each] for each in ("COLLECTED", DETAILS[source].nothing, *_GAPS)]
    return {
        f"{source}_status": "COMPLETE" if detail is None else "PARTIAL",
        f"{source}_detail": detail,
        **dict(zip(_COUNTED[source], [*counts, len(found)], strict=True)),
    }


def sources_with_gaps(world: World, run_id: str, build: Build) -> list[str]:
    """Return the secondary sources of a published run that a build does not know, or that were not read in full.

    A node that AWS no longer knows is no gap.
    """
    plan = world.plans[run_id]
    active = [target for target in plan.targets if target.active]
    unknown = [source for source in planned(plan) if source not in _known(plan, build)]
    read = known(plan, build)
    return unknown + [source for source in read if any(_has_gap(world, run_id, target, source) for target in active)]


def _has_gap(world: World, run_id: str, target: PlannedTarget, source: str) -> bool:
    found = coverage_values(world, run_id, target)
    if source in LISTINGS:
        return (found[f"{source}_status"], found[f"{source}_rows_without_id"]) != ("LISTED", 0)
    if found[f"{source}_status"] == "COMPLETE":
        return False
    if (found[f"{source}_detail"] or "").startswith(("nodes: ", "patch_states: ")):
        return True
    rows = _detail_rows(world, run_id, target.target, source)
    return any(status in _GAPS and reason not in _UNKNOWN_ID for _, status, reason in rows)


def _detail_rows(world: World, run_id: str, target: Target, source: str) -> list[tuple[str, str, str | None]]:
    """Return node, status and reason of each stored row of a detail source."""
    plan = world.plans[run_id]
    keys = [
        child_key(run_id, source, target, number_of(plan, source, *place))
        for place in slices(world, run_id, target, source)
    ]
    return [row for key in keys if key in world.tables for row in _collection_rows(world.tables[key])]


def _collection_rows(part: TableFile) -> list[tuple[str, str, str | None]]:
    names = ["instance_id", "collection_status", "collection_detail"]
    return list(zip(*part.columns(names).values(), strict=True))
