"""The fence that closes a run: a tombstone for every object that is still missing.

The secondary sources are closed from the run's detail deadline on, everything at its deadline. A tombstone is created
like any other object, so a worker that is still running wins or loses the key atomically, and either outcome is valid.
After that, every key that was closed exists.
"""

from collections.abc import Sequence
from itertools import groupby

from patchlake.core.listing import ListingResult, listing_metadata
from patchlake.core.statuses import ListingStatus
from patchlake.core.tables import Columns
from patchlake.core.targets import Target
from patchlake.sources.source import DetailSource, ListingSource, slice_of
from patchlake.stages.stored_objects import about
from patchlake.stages.stored_run import Batch, Slice, StoredRun, by_target

NO_SHARD = "no shard by the run's deadline"
NO_PART = "no part by the run's deadline"
NO_DETAIL_SHARD = "no shard by the run's detail deadline"
NO_DETAIL = "no part by the run's detail deadline"


def close_run(run: StoredRun) -> None:
    """Create a tombstone for every missing object of the run: shards and parts of the root sources, then the others.

    A second call finds nothing to do.

    Raises:
        RetryableError: the store could not answer for now, or a shard was made again; existing tombstones stay.
        IntegrityError: a shard or part cannot be read.
    """
    _close_shards(run, run.sources.nodes, NO_SHARD)
    batches = run.batches(run.plan.active_targets())
    _close_batches(run, batches)
    close_secondary(run, batches)


def close_secondary(run: StoredRun, batches: Sequence[Batch]) -> None:
    """Create a tombstone for every missing shard of the secondary sources, and part whose parent's part exists.

    Args:
        run: past its detail deadline.
        batches: those whose part exists.

    Raises:
        RetryableError, IntegrityError: as in ``close_run``.
    """
    for listing in run.sources.listings(run.plan):
        _close_shards(run, listing, NO_DETAIL_SHARD)
    for detail in run.sources.details(run.plan):
        _close_slices(run, detail, batches)


def _close_shards(run: StoredRun, source: ListingSource, reason: str) -> None:
    def close(target: Target) -> None:
        listing = ListingResult(ListingStatus.NOT_LISTED, reason)
        metadata = listing_metadata(run.plan.run_target(target), listing, source.name)
        run.runs.store.create(run.shard_key(source, target), run.runs.tables.encode(source.table, [], metadata))

    run.for_each_in_groups(close, sorted(run.missing_shards(source)))


def _close_batches(run: StoredRun, batches: Sequence[Batch]) -> None:
    """Close the missing parts of the root detail, target by target, so that a large shard is read once."""
    source, nodes = run.sources.patch_states, run.sources.nodes
    missing = run.missing_parts(source, run.slices(source, batches))
    batches_of = by_target(batches)

    def close(slices: list[Slice]) -> None:
        target = slices[0].batch.target
        shard = run.counted_shard(target, batches_of[target])
        for slice_ in slices:
            with about(run.shard_key(nodes, target)):
                rows = shard.columns(nodes.table.column_names, slice_.batch.number)
            _create_tombstone(run, source, slice_, rows, NO_PART)

    groups = [list(some) for _, some in groupby(sorted(missing), key=lambda slice_: slice_.batch.target)]
    run.for_each_in_groups(close, groups, lambda slices: len(batches_of[slices[0].batch.target]))


def _close_slices(run: StoredRun, source: DetailSource, batches: Sequence[Batch]) -> None:
    """Close the missing parts of a secondary detail, batch by batch, so that each parent is read once."""
    parent = run.sources.patch_states
    missing = run.missing_parts(source, run.slices(source, batches))

    def close(slices: list[Slice]) -> None:
        batch = Slice(slices[0].batch)
        part = run.part(parent, batch)
        with about(run.part_key(parent, batch)):
            batch_rows = part.columns(run.sources.columns_for_children(run.plan))
        for slice_ in slices:
            rows = slice_of(batch_rows, run.plan.nodes_per_part(source.name), slice_.number)
            _create_tombstone(run, source, slice_, rows, NO_DETAIL)

    by_batch = [list(some) for _, some in groupby(sorted(missing), key=lambda slice_: slice_.batch)]
    run.for_each_in_groups(close, by_batch)


def _create_tombstone(run: StoredRun, source: DetailSource, slice_: Slice, parent_rows: Columns, reason: str) -> None:
    target = slice_.batch.target
    rows = source.not_collected(run.plan.run_target(target), run.plan, parent_rows, reason)
    run.runs.store.create(run.part_key(source, slice_), run.runs.tables.encode(source.table, [rows], {}))
