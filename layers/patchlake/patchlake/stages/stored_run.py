"""The stored state of a run: its objects, and the missing ones.

Each shard and part has one key, so a listing of keys shows the progress of a run. The plan and the shards of the nodes
decide which parts it must have.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from patchlake.core.keys import by_first_digit, part_key, parts_prefix, shard_key, shards_prefix
from patchlake.core.plan import Plan
from patchlake.core.targets import Target
from patchlake.errors import RetryableError
from patchlake.ports import ParallelMap, Store, TableFile, TableFormat
from patchlake.sources.registry import Registry
from patchlake.sources.source import DetailSource, ListingSource
from patchlake.stages.stored_objects import open_shard, open_table

READ_AHEAD = 32
"""The number of objects of one run that are read and held in memory at once; fewer if each has several batches."""

KEYS_PER_PAGE = 1000
"""The maximum number of keys of one ListObjectsV2."""

MOST_REMEMBERED = 50_000
"""The maximum number of shards whose batches are cached between two checks of a run."""


class Batch(NamedTuple):
    """One batch of a target's nodes: its number, and its count of nodes."""

    target: Target
    number: int
    nodes: int


def by_target(batches: Iterable[Batch]) -> dict[Target, list[Batch]]:
    """Group batches by their target; a target without any has an empty list."""
    grouped: dict[Target, list[Batch]] = defaultdict(list)
    for batch in batches:
        grouped[batch.target].append(batch)
    return grouped


class Slice(NamedTuple):
    """The nodes of one part: a slice of a batch, by its number. Slices sort as their keys do."""

    batch: Batch
    number: int = 0


@dataclass(frozen=True, slots=True)
class StoredRuns:
    """The access to the stored objects of every run; shards seldom change, so the batches of each are remembered."""

    store: Store
    tables: TableFormat
    sources: Registry
    parallel_map: ParallelMap
    _row_counts: dict[str, tuple[int, ...]] = field(default_factory=dict, repr=False)

    def of(self, plan: Plan) -> "StoredRun":
        """Return the stored state of the plan's run."""
        return StoredRun(self, plan)

    def row_counts(self, key: str, count: Callable[[], Sequence[int]]) -> tuple[int, ...]:
        """Return the number of nodes of each batch of a shard, as counted on first use."""
        if key not in self._row_counts:
            if len(self._row_counts) >= MOST_REMEMBERED:
                self._row_counts.clear()
            self._row_counts[key] = tuple(count())
        return self._row_counts[key]

    def forget(self, key: str) -> None:
        """Forget what was counted of a shard that is gone, as an operator may delete a damaged one."""
        self._row_counts.pop(key, None)


@dataclass(frozen=True, slots=True)
class StoredRun:
    """The stored shards and parts of one run, read many at once."""

    runs: StoredRuns
    plan: Plan

    @property
    def sources(self) -> Registry:
        """The sources that this build knows."""
        return self.runs.sources

    def missing_shards(self, source: ListingSource) -> set[Target]:
        """Return the active targets without a shard of this source."""
        active = self.plan.active_targets()
        present = self._keys(shards_prefix(self.plan.run_id, source.name), len(active))
        missing = {target for target in active if self.shard_key(source, target) not in present}
        for target in missing:
            self.runs.forget(self.shard_key(source, target))
        return missing

    def batches(self, targets: Sequence[Target]) -> list[Batch]:
        """Return every batch of these targets' nodes, in the order of the snapshot.

        Raises:
            IntegrityError: a shard is absent, damaged or another target's.
        """
        counts = self.read_in_groups(self._row_counts, targets)
        return [
            Batch(target, number, nodes)
            for target, row_counts in zip(targets, counts, strict=True)
            for number, nodes in enumerate(row_counts)
        ]

    def slices(self, source: DetailSource, batches: Iterable[Batch]) -> list[Slice]:
        """Return the slices of these batches that each have a part of this source, in the order of its table."""
        return [Slice(batch, number) for batch in batches for number in self.plan.slices(source.name, batch.nodes)]

    def missing_parts(self, source: DetailSource, slices: Sequence[Slice]) -> set[Slice]:
        """Return the slices that have no part."""
        present = self._keys(parts_prefix(self.plan.run_id, source.name), len(slices))
        return {slice_ for slice_ in slices if self.part_key(source, slice_) not in present}

    def shard(self, source: ListingSource, target: Target) -> TableFile:
        """Open a target's shard.

        Raises:
            IntegrityError: it is absent, damaged, another source's or target's, or holds rows without being listed.
        """
        body = self.runs.store.get(self.shard_key(source, target))
        return open_shard(self.runs.tables, source, self.plan.run_target(target), body)

    def counted_shard(self, target: Target, batches: Sequence[Batch]) -> TableFile:
        """Open a target's shard of the nodes, which must still have these batches.

        It has others if someone deleted the shard, and it was made again since this process counted it.

        Raises:
            RetryableError: it has other batches; the next look at the run counts them.
            IntegrityError: as in ``shard``.
        """
        shard = self.shard(self.sources.nodes, target)
        if list(shard.row_counts) != [batch.nodes for batch in batches]:
            key = self.shard_key(self.sources.nodes, target)
            self.runs.forget(key)
            msg = f"{key}: the object was deleted and created again, with other batches"
            raise RetryableError(msg)
        return shard

    def part(self, source: DetailSource, slice_: Slice) -> TableFile:
        """Open a part.

        Raises:
            IntegrityError: it is absent or damaged.
        """
        key = self.part_key(source, slice_)
        return open_table(self.runs.tables, key, self.runs.store.get(key))

    def shard_key(self, source: ListingSource, target: Target) -> str:
        """Return the key of a target's shard."""
        return shard_key(self.plan.run_id, target, source.name)

    def part_key(self, source: DetailSource, slice_: Slice) -> str:
        """Return the key of a part."""
        number = self.plan.part_number(source.name, slice_.batch.number, slice_.number)
        return part_key(self.plan.run_id, slice_.batch.target, number, source.name)

    def read_in_groups[A, B](
        self, function: Callable[[A], B], items: Iterable[A], size: Callable[[A], int] = lambda _: 1
    ) -> Iterator[B]:
        """Apply a reading function to every item, in order, to groups of up to ``READ_AHEAD`` by size."""
        group: list[A] = []
        for item in items:
            if group and sum(map(size, group)) + size(item) > READ_AHEAD:
                yield from self.runs.parallel_map(function, group)
                group = []
            group.append(item)
        yield from self.runs.parallel_map(function, group)

    def for_each_in_groups[A](
        self, function: Callable[[A], object], items: Iterable[A], size: Callable[[A], int] = lambda _: 1
    ) -> None:
        """Apply a function to every item, in the groups of ``read_in_groups``."""
        deque(self.read_in_groups(function, items, size), maxlen=0)

    def _keys(self, prefix: str, expected: int) -> set[str]:
        """List the shards or parts of one source.

        S3 lists one prefix page by page, so a large run is listed under several prefixes at once.
        """
        prefixes = [prefix] if expected <= KEYS_PER_PAGE else by_first_digit(prefix)
        listed = self.runs.parallel_map(lambda one: list(self.runs.store.keys(one)), prefixes)
        return set(chain.from_iterable(listed))

    def _row_counts(self, target: Target) -> tuple[int, ...]:
        nodes = self.sources.nodes
        return self.runs.row_counts(self.shard_key(nodes, target), lambda: self.shard(nodes, target).row_counts)
