"""What of a run is stored, and what is missing: commit's view of it.

Each shard and part has one key, so a listing of keys tells how far a run is; which parts there must be, only its shards
can tell.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from patchlake.core.keys import by_first_digit, part_key, parts_prefix, shard_key, shards_prefix
from patchlake.core.plan import Plan
from patchlake.core.targets import Target
from patchlake.ports import ParallelMap, Store, TableFile, TableFormat
from patchlake.stages.stored import open_shard, open_table, run_target_of

READ_AHEAD = 32
"""Objects of one batch that are asked for at once, and held in memory at once; fewer where each has several."""

KEYS_PER_PAGE = 1000
"""Keys that one call lists at most (ListObjectsV2)."""

MOST_REMEMBERED = 50_000
"""Shards whose numbers of batches are kept between two looks at a run, at most."""


class Batch(NamedTuple):
    """One batch of a target's shard, by its number."""

    target: Target
    number: int


@dataclass(frozen=True, slots=True)
class StoredRun:
    """Reads a run's shards and parts, many at once; shards never change, so the batches of each are counted once."""

    store: Store
    tables: TableFormat
    parallel_map: ParallelMap
    _batch_counts: dict[str, int] = field(default_factory=dict, repr=False)

    def unlisted(self, plan: Plan) -> set[Target]:
        """Return the active targets without a shard, and forget what was counted of one that an operator deleted."""
        active = plan.active_targets()
        present = self._keys(shards_prefix(plan.run_id), len(active))
        missing = {target for target in active if shard_key(plan.run_id, target) not in present}
        for target in missing:
            self._batch_counts.pop(shard_key(plan.run_id, target), None)
        return missing

    def batches(self, plan: Plan, targets: Sequence[Target]) -> list[Batch]:
        """Return every batch of these targets' shards, in the order of the snapshot.

        Raises:
            IntegrityError: a shard is absent, damaged or another target's.
        """
        counts = self.read_in_groups(lambda target: self._count_batches(plan, target), targets)
        return [Batch(target, number) for target, count in zip(targets, counts, strict=True) for number in range(count)]

    def without_part(self, plan: Plan, batches: Sequence[Batch]) -> set[Batch]:
        """Return the batches among these that have no part."""
        present = self._keys(parts_prefix(plan.run_id), len(batches))
        return {batch for batch in batches if part_key(plan.run_id, *batch) not in present}

    def shard(self, plan: Plan, target: Target) -> TableFile:
        """Open a target's shard.

        Raises:
            IntegrityError: it is absent, damaged, another target's, or holds nodes without being listed.
        """
        key = shard_key(plan.run_id, target)
        shard = open_shard(self.tables, run_target_of(plan, target), self.store.get(key))
        if len(self._batch_counts) >= MOST_REMEMBERED:
            self._batch_counts.clear()
        self._batch_counts[key] = len(shard.row_counts)
        return shard

    def part(self, plan: Plan, batch: Batch) -> TableFile:
        """Open a batch's part.

        Raises:
            IntegrityError: it is absent or damaged.
        """
        key = part_key(plan.run_id, *batch)
        return open_table(self.tables, key, self.store.get(key))

    def read_in_groups[A, B](
        self, function: Callable[[A], B], items: Iterable[A], size: Callable[[A], int] = lambda _: 1
    ) -> Iterator[B]:
        """Apply a reading function to every item, in order, at once to as many as ``READ_AHEAD`` by size, or one."""
        group: list[A] = []
        for item in items:
            if group and sum(map(size, group)) + size(item) > READ_AHEAD:
                yield from self.parallel_map(function, group)
                group = []
            group.append(item)
        yield from self.parallel_map(function, group)

    def _keys(self, prefix: str, expected: int) -> set[str]:
        """List the shards or parts of a run.

        Of one prefix S3 lists page after page, so a large run is listed under several at once.
        """
        prefixes = [prefix] if expected <= KEYS_PER_PAGE else by_first_digit(prefix)
        return set(chain.from_iterable(self.parallel_map(lambda one: list(self.store.keys(one)), prefixes)))

    def _count_batches(self, plan: Plan, target: Target) -> int:
        count = self._batch_counts.get(shard_key(plan.run_id, target))
        return len(self.shard(plan, target).row_counts) if count is None else count
