"""The publication of a run: its objects merged into tables, each created by one atomic write, the snapshot last.

Batches are consecutive pieces of a sorted shard, and slices of a batch. So each table is a concatenation, made in
constant memory. It depends only on the plan, the shards and the parts, so any number of finishers write the same bytes.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import BinaryIO

import msgspec

from patchlake.core.keys import coverage_key, table_key
from patchlake.core.listing import ListingResult, read_listing
from patchlake.core.rows import target_values
from patchlake.core.statuses import NOT_READ, CollectionStatus, ListingStatus
from patchlake.core.tables import Columns, Table
from patchlake.core.targets import RunTarget, Target
from patchlake.errors import IntegrityError
from patchlake.ports import TableFile
from patchlake.sources.coverage import SourceRead, TargetRead, coverage_row, coverage_table, has_gap, is_complete
from patchlake.sources.source import DetailSource, ListingSource, Source, slice_of
from patchlake.stages.stored_objects import about, open_table
from patchlake.stages.stored_run import Batch, Slice, StoredRun, by_target

_TABLE_ENTRY = "table"
"""The entry of a published footer that names its table."""


@dataclass(frozen=True, slots=True)
class Published:
    """The contents of a snapshot: nodes by ``collection_status``, targets by ``listing_status``.

    Attributes:
        source_gaps: the secondary sources of the plan that did not read everything that AWS knows.
    """

    statuses: Counter[str]
    listings: Counter[str]
    rows_without_id: int
    source_gaps: Sequence[str] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the run read everything."""
        return is_complete(self.listings, self.statuses, self.rows_without_id)


def publish(run: StoredRun, metadata: dict[str, str]) -> Published:
    """Publish a run whose every shard and part exists: coverage, the secondary tables, and the snapshot as the commit.

    Args:
        run: the stored run.
        metadata: the entries of every published footer; each also names its table.

    Raises:
        RetryableError: the store could not answer for now, or a shard was made again; the snapshot is not published.
        IntegrityError: shards and parts contradict each other, or other files are published under the run's keys.
    """
    merge = _Merge(run, metadata)
    secondary = run.sources.secondary_of(run.plan)
    with ExitStack() as files:
        snapshot = files.enter_context(merge.snapshot())
        tables = [(source, files.enter_context(merge.table(source))) for source in secondary]
        coverage = files.enter_context(merge.coverage(secondary))
        _create(run, coverage_key(run.plan.run_id), coverage)
        for source, table in tables:
            _create(run, table_key(run.plan.run_id, source.name), table)
        _create(run, table_key(run.plan.run_id, run.sources.patch_states.name), snapshot)
    reads = merge.reads.values()
    statuses: Counter[str] = Counter()
    for read in reads:
        statuses.update(read.statuses)
    gaps = {source.name for source in secondary if any(has_gap(source, read) for read in reads)}
    gaps |= run.sources.unknown_of(run.plan)
    return Published(
        statuses=statuses,
        listings=Counter(str(read.listing.status) for read in reads),
        rows_without_id=sum(read.listing.rows_without_id for read in reads),
        source_gaps=tuple(planned.name for planned in run.plan.sources if planned.name in gaps),
    )


@dataclass
class _Merge:
    """The tables of a run, merged one after the other; the snapshot comes first.

    Attributes:
        reads: the result of reading each target of the plan, in its order.
        batches: those of every active target, in the order of the snapshot.
        asked: a digest of the ids that each slice must have asked about, by source and slice.
    """

    run: StoredRun
    metadata: dict[str, str]
    reads: dict[Target, TargetRead] = field(init=False)
    batches: list[Batch] = field(init=False)
    asked: dict[tuple[str, Slice], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plan = self.run.plan
        not_active = ListingResult(ListingStatus.ACCOUNT_NOT_ACTIVE)
        self.reads = {
            planned.target: TargetRead(plan.run_target(planned.target), planned.account_name, not_active)
            for planned in plan.targets
        }
        self.batches = self.run.batches(plan.active_targets())

    def _footer(self, table: Table) -> dict[str, str]:
        return {**self.metadata, _TABLE_ENTRY: table.name}

    def coverage(self, sources: Sequence[Source]) -> BinaryIO:
        """Return the coverage of what was merged so far."""
        table = coverage_table(sources)
        rows = [coverage_row(read, sources) for read in self.reads.values()]
        columns = {name: [row[name] for row in rows] for name in table.column_names}
        return io.BytesIO(self.run.runs.tables.encode(table, [columns], self._footer(table)))

    def snapshot(self) -> BinaryIO:
        """Concatenate the parts of the root detail, each checked against its batch of the nodes' shard."""
        run, nodes, source = self.run, self.run.sources.nodes, self.run.sources.patch_states
        details = run.sources.details(run.plan)
        writer = run.runs.tables.writer(source.table, self._footer(source.table))
        for target, shard, parts in self._shards_with_parts():
            read = self.reads[target]
            key = run.shard_key(nodes, target)
            with about(key):
                read.listing = read_listing(read.run_target, shard.metadata)
                ids = _ascending_ids(shard)
            start = 0
            for slice_, part in parts:
                end = start + slice_.batch.nodes
                with about(run.part_key(source, slice_)):
                    statuses = _require_rows(source, read.run_target, part, ids[start:end])
                    self._note_asked(details, slice_, part)
                    writer.append(part)
                read.statuses.update(statuses)
                start = end
        return writer.finish()

    def table(self, source: Source) -> BinaryIO:
        """Concatenate the shards or parts of a secondary source."""
        match source:
            case ListingSource():
                return self._listing_table(source)
            case DetailSource():
                return self._detail_table(source)

    def _listing_table(self, source: ListingSource) -> BinaryIO:
        run, active = self.run, self.run.plan.active_targets()
        writer = run.runs.tables.writer(source.table, self._footer(source.table))
        batches_of = Counter(batch.target for batch in self.batches)
        shards = run.read_in_groups(lambda target: run.shard(source, target), active, lambda one: batches_of[one] or 1)
        for target, shard in zip(active, shards, strict=True):
            read = self.reads[target]
            with about(run.shard_key(source, target)):
                listing = read_listing(read.run_target, shard.metadata, source.name)
                rows = _require_listed_rows(source, read.run_target, shard)
                writer.append(shard)
            read.sources[source.name] = SourceRead(listing, rows=rows)
        return writer.finish()

    def _detail_table(self, source: DetailSource) -> BinaryIO:
        run, active = self.run, self.run.plan.active_targets()
        writer = run.runs.tables.writer(source.table, self._footer(source.table))
        slices = run.slices(source, self.batches)
        for target in active:
            self.reads[target].sources[source.name] = SourceRead()
        parts = run.read_in_groups(lambda slice_: run.part(source, slice_), slices)
        for slice_, part in zip(slices, parts, strict=True):
            read = self.reads[slice_.batch.target]
            with about(run.part_key(source, slice_)):
                rows = _require_detail_rows(source, read.run_target, part, self.asked[source.name, slice_])
                writer.append(part)
            found = read.sources[source.name]
            found.rows += len(rows["instance_id"])
            found.nodes.update(_status_by_node(rows).values())
            found.gaps.update(
                detail or status
                for status, detail in zip(rows["collection_status"], rows["collection_detail"], strict=True)
                if status in NOT_READ
            )
        return writer.finish()

    def _shards_with_parts(self) -> Iterator[tuple[Target, TableFile, Iterator[tuple[Slice, TableFile]]]]:
        """Yield each active target's shard with the parts of its batches, which are read on demand."""
        run, source = self.run, self.run.sources.patch_states
        active = run.plan.active_targets()
        slices, batches_of = run.slices(source, self.batches), by_target(self.batches)
        slices_of = {target: list(some) for target, some in groupby(slices, lambda slice_: slice_.batch.target)}
        objects: list[Target | Slice] = [one for target in active for one in (target, *slices_of.get(target, ()))]

        def read(one: Target | Slice) -> TableFile:
            return run.counted_shard(one, batches_of[one]) if isinstance(one, Target) else run.part(source, one)

        def size(one: Target | Slice) -> int:
            return max(1, len(batches_of[one])) if isinstance(one, Target) else 1

        files = run.read_in_groups(read, objects, size)
        for target in active:
            shard = next(files)
            yield target, shard, zip(slices_of.get(target, ()), files, strict=False)

    def _note_asked(self, details: Iterable[DetailSource], slice_: Slice, part: TableFile) -> None:
        """Record the ids that the children of a batch must have asked about."""
        plan, batch = self.run.plan, slice_.batch
        for source in details:
            rows = part.columns(["instance_id", *source.parent_columns])
            for number in plan.slices(source.name, batch.nodes):
                ids = source.asks_about(slice_of(rows, plan.nodes_per_part(source.name), number))
                self.asked[source.name, Slice(batch, number)] = _digest(ids)


def _ascending_ids(shard: TableFile) -> list[str]:
    """Return the node ids of a shard; they ascend, so that no node can be there twice."""
    ids: list[str] = shard.columns(["instance_id"])["instance_id"]
    if None in ids or any(first >= second for first, second in pairwise(ids)):
        msg = "its nodes are not in ascending order, each once"
        raise IntegrityError(msg)
    return ids


def _require_rows(source: DetailSource, run_target: RunTarget, part: TableFile, ids: list[str]) -> list[str]:
    """Check that a part's rows are the batch's, of this run and target; return its collection statuses.

    All columns without NULL are checked here, so that the error of a wrong part names its key.
    """
    wrong = part.differing(target_values(run_target))
    found = part.columns(["instance_id", "collection_status"])
    if found["instance_id"] != ids:
        wrong.append("instance_id")
    if not set(found["collection_status"]) <= set(source.statuses):
        wrong.append("collection_status")
    if wrong:
        msg = f"{', '.join(wrong)} are not those of its batch"
        raise IntegrityError(msg)
    return found["collection_status"]


def _require_listed_rows(source: ListingSource, run_target: RunTarget, shard: TableFile) -> int:
    """Check that a secondary shard's rows are the target's, in order, each once; return their number."""
    wrong = shard.differing(target_values(run_target))
    found = shard.columns(source.row_key)
    keys = list(zip(*(found[name] for name in source.row_key), strict=True))
    if any(None in key for key in keys) or any(first >= second for first, second in pairwise(keys)):
        wrong.append(" and ".join(source.row_key))
    if wrong:
        msg = f"{', '.join(wrong)} are not those of its target, in ascending order, each once"
        raise IntegrityError(msg)
    return len(keys)


def _require_detail_rows(source: DetailSource, run_target: RunTarget, part: TableFile, asked: bytes) -> Columns:
    """Check that a child part's rows are about the ids that it had to ask about; return its collection columns.

    Each id has at least one row, in the parent's order; a row that is not COLLECTED is the only one of its id.
    """
    if not {column.name for column in source.answer_columns} & set(part.column_names):
        msg = f"it has no column of {source.name}"
        raise IntegrityError(msg)
    wrong = part.differing(target_values(run_target))
    found = part.columns(["instance_id", "collection_status", "collection_detail"])
    ids, statuses = found["instance_id"], found["collection_status"]
    if _digest([instance_id for instance_id, _ in groupby(ids)]) != asked:
        wrong.append("instance_id")
    rows_of = Counter(ids)
    is_alone = all(
        status == CollectionStatus.COLLECTED or rows_of[instance_id] == 1
        for instance_id, status in zip(ids, statuses, strict=True)
    )
    if not set(statuses) <= set(source.statuses) or not is_alone:
        wrong.append("collection_status")
    if wrong:
        msg = f"{', '.join(wrong)} are not those of its slice"
        raise IntegrityError(msg)
    return found


def _status_by_node(rows: Columns) -> dict[str, str]:
    return dict(zip(rows["instance_id"], rows["collection_status"], strict=True))


def _digest(ids: Iterable[str]) -> bytes:
    return hashlib.sha256(msgspec.json.encode(list(ids))).digest()


def _create(run: StoredRun, key: str, body: BinaryIO) -> None:
    """Publish one file; if another finisher was first, check that it published the same rows."""
    if run.runs.store.create(key, body):
        return
    body.seek(0)
    ours = body.read()
    theirs = run.runs.store.get(key)
    if theirs != ours and not _same_rows(run.runs.tables.open(ours), open_table(run.runs.tables, key, theirs)):
        msg = f"{key}: the published file differs from the one that this run's plan, shards and parts give"
        raise IntegrityError(msg)


def _same_rows(ours: TableFile, theirs: TableFile) -> bool:
    """Whether two files of a table agree in every column that both have: two builds may differ in the others.

    A file of version 0.1.0 does not name its table.
    """
    table = ours.metadata[_TABLE_ENTRY]
    shared = [name for name in ours.column_names if name in theirs.column_names]
    return (
        theirs.metadata.get(_TABLE_ENTRY, table) == table
        and ours.metadata.get("plan_sha256") == theirs.metadata.get("plan_sha256")
        and ours.row_counts == theirs.row_counts
        and all(
            ours.columns([name], group) == theirs.columns([name], group)
            for name in shared
            for group in range(len(ours.row_counts))
        )
    )
