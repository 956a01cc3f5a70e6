"""Closing a run at its deadline: a tombstone for everything that never came.

A tombstone is created like any other object, so a worker that is still under way wins or loses its key atomically, and
either outcome is a valid one. Afterwards every key of the run exists.
"""

from collections import Counter
from itertools import groupby

from patchlake.core.keys import part_key, shard_key
from patchlake.core.listing import Listing, listing_metadata
from patchlake.core.plan import Plan
from patchlake.core.rows import Outcome, part_columns
from patchlake.core.tables import PATCH_STATES, SHARD, CollectionStatus, ListingStatus
from patchlake.core.targets import Target
from patchlake.stages.stored import about, run_target_of
from patchlake.stages.stored_run import Batch, StoredRun

NO_SHARD = "no shard by the run's deadline"
NO_PART = "no part by the run's deadline"


def fence(plan: Plan, stored_run: StoredRun) -> None:
    """Give every missing shard, then every missing part, its tombstone; a second call finds nothing to do.

    Raises:
        RetryableError: the store could not answer for now; what was closed stays closed.
        IntegrityError: a shard cannot be read.
    """
    for _ in stored_run.read_in_groups(
        lambda target: _close_shard(plan, stored_run, target), sorted(stored_run.unlisted(plan))
    ):
        pass
    batches = stored_run.batches(plan, plan.active_targets())
    batches_of = Counter(batch.target for batch in batches)
    # Target by target, so that a large shard is read once and not for each of its batches.
    missing = groupby(sorted(stored_run.without_part(plan, batches)), key=lambda batch: batch.target)
    for _ in stored_run.read_in_groups(
        lambda some: _close_parts(plan, stored_run, some),
        [list(some) for _, some in missing],
        lambda some: batches_of[some[0].target],
    ):
        pass


def _close_shard(plan: Plan, stored_run: StoredRun, target: Target) -> None:
    metadata = listing_metadata(run_target_of(plan, target), Listing(ListingStatus.NOT_LISTED, NO_SHARD))
    stored_run.store.create(shard_key(plan.run_id, target), stored_run.tables.encode(SHARD, [], metadata))


def _close_parts(plan: Plan, stored_run: StoredRun, batches: list[Batch]) -> None:
    """Close some batches of one target."""
    target = batches[0].target
    shard = stored_run.shard(plan, target)
    for batch in batches:
        with about(shard_key(plan.run_id, target)):
            nodes = shard.columns(SHARD.column_names, batch.number)
        columns = part_columns(
            run_target_of(plan, target),
            nodes,
            dict.fromkeys(nodes["instance_id"], Outcome(CollectionStatus.NOT_COLLECTED, NO_PART)),
            include_sensitive_fields=plan.include_sensitive_fields,
        )
        stored_run.store.create(part_key(plan.run_id, *batch), stored_run.tables.encode(PATCH_STATES, [columns], {}))
