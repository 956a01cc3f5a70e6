"""The third stage: collect one part of a detail source. The part it stores is the receipt of its message.

A part of the patch states is a batch of the target's nodes. Once it is stored or found, its children are due: the parts
of the secondary detail sources, one for each slice of the batch.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from patchlake.core.keys import ROOT_DETAIL, part_key, shard_key
from patchlake.core.messages import CollectMessage
from patchlake.core.plan import Plan
from patchlake.core.rows import Outcome
from patchlake.core.statuses import CollectionStatus
from patchlake.core.tables import Columns
from patchlake.core.targets import Target
from patchlake.core.timings import CALLS_BETWEEN_LOOKS
from patchlake.errors import InputError, PatchlakeError, RefusedError
from patchlake.ports import Clock, Delivery, ParallelMap, Queue, Store, TableFile, TableFormat, TargetApis
from patchlake.sources.registry import Registry
from patchlake.sources.source import DetailSource, slice_of
from patchlake.stages.calls_about_ids import CallsAboutIds
from patchlake.stages.fence import NO_DETAIL
from patchlake.stages.retry_policy import Attempt, RetryPolicy
from patchlake.stages.step import Step
from patchlake.stages.stored_objects import about, open_shard, open_table, required
from patchlake.stages.stored_plan import is_published, stored_plan
from patchlake.stages.throttled_calls import ThrottledCalls


class _OvertakenError(PatchlakeError):
    """Another worker, or the fence, stored the part that is being collected."""


@dataclass(frozen=True, slots=True)
class CollectResult:
    """The result of a collect message; ``statuses`` counts the rows of a part that this very call stored."""

    run_id: str
    target: Target
    batch: int
    step: Step
    statuses: Counter[str] = field(default_factory=Counter)
    source: str = ROOT_DETAIL
    slice: int = 0


@dataclass(frozen=True, slots=True)
class CollectStage:
    """The stage that turns one batch of a stored shard, or one slice of a stored batch, into a stored part.

    Attributes:
        detail_queues: the queue of each secondary detail source, by its name.
        parallel_map: for the calls about one batch.
        detail_map: for the calls about one slice.
    """

    store: Store
    tables: TableFormat
    apis: TargetApis
    sources: Registry
    detail_queues: Mapping[str, Queue]
    retry_policy: RetryPolicy
    parallel_map: ParallelMap
    detail_map: ParallelMap
    clock: Clock

    def handle(self, message: CollectMessage, delivery: Delivery) -> CollectResult:
        """Collect the message's part; if it exists, AWS is not asked.

        Nothing is done once the run is published, or its deadline for the source has passed.

        Raises:
            InputError: the message names no part of a stored shard of an active target.
            RetryableError: the message fails for now; nothing was recorded.
            IntegrityError: the plan, the shard or the parent's part cannot be read.
        """
        with self.retry_policy.attempt(delivery, message.run_id, message.target) as attempt:
            return self._collect(message, attempt)

    def _collect(self, message: CollectMessage, attempt: Attempt) -> CollectResult:
        if is_published(self.store, message.run_id):
            return _result(message, Step.LATE)
        plan = stored_plan(self.store, message.run_id)
        plan.require(message.target)
        source = self.sources.detail(plan, message.source)
        if self.clock.now() >= plan.closes_at(source.name):
            return _result(message, Step.LATE)
        if source is self.sources.patch_states:
            return self._collect_batch(plan, message, attempt)
        return self._collect_slice(plan, source, message, attempt)

    def _collect_batch(self, plan: Plan, message: CollectMessage, attempt: Attempt) -> CollectResult:
        source, target, batch = self.sources.patch_states, message.target, message.batch
        key = part_key(plan.run_id, target, batch)
        rows = None
        if not self.store.exists(key):
            rows = self._part(plan, source, self._nodes(plan, target, batch), message, attempt)
            if not self.store.create(key, self.tables.encode(source.table, [rows], {})):
                rows = None
        if children := self.sources.details(plan):
            self._wake_children(plan, children, message, rows)
        return _result(message, Step.ADOPTED if rows is None else Step.STORED, rows)

    def _collect_slice(
        self, plan: Plan, source: DetailSource, message: CollectMessage, attempt: Attempt
    ) -> CollectResult:
        target, batch = message.target, message.batch
        key = part_key(plan.run_id, target, plan.part_number(source.name, batch, message.slice), source.name)
        if self.store.exists(key):
            return _result(message, Step.ADOPTED)
        batch_rows = self._stored_batch(plan, target, batch)
        nodes = len(batch_rows["instance_id"])
        if message.slice not in plan.slices(source.name, nodes):
            msg = f"run {plan.run_id}: batch {batch} of {target} has {nodes} nodes, so slice {message.slice} is refused"
            raise InputError(msg)
        parent_rows = slice_of(batch_rows, plan.nodes_per_part(source.name), message.slice)
        try:
            rows = self._part(plan, source, parent_rows, message, attempt, key)
        except _OvertakenError:
            return _result(message, Step.ADOPTED)
        if not self.store.create(key, self.tables.encode(source.table, [rows], {})):
            return _result(message, Step.ADOPTED)
        return _result(message, Step.STORED, rows)

    def _wake_children(
        self, plan: Plan, children: Sequence[DetailSource], message: CollectMessage, stored: Columns | None
    ) -> None:
        """Store the parts of slices that select no nodes; request the others, or close them once it is too late.

        Args:
            plan: of the run.
            children: its secondary detail sources.
            message: names the batch.
            stored: the rows of its part if this very call stored it: then there can be no parts of children yet.
        """
        target, batch = message.target, message.batch
        rows = self._stored_batch(plan, target, batch) if stored is None else stored
        is_closing = self.clock.now() >= plan.closes_details_at
        for source in children:
            due = []
            for number in plan.slices(source.name, len(rows["instance_id"])):
                key = part_key(plan.run_id, target, plan.part_number(source.name, batch, number), source.name)
                if stored is None and self.store.exists(key):
                    continue
                parent_rows = slice_of(rows, plan.nodes_per_part(source.name), number)
                if is_closing or not source.asks_about(parent_rows):
                    closed = source.not_collected(plan.run_target(target), plan, parent_rows, NO_DETAIL)
                    self.store.create(key, self.tables.encode(source.table, [closed], {}))
                else:
                    due.append(CollectMessage.of(plan.run_id, target, batch, source.name, number))
            self.detail_queues[source.name].send(child.grouped() for child in due)

    def _shard(self, plan: Plan, target: Target) -> TableFile:
        body = required(self.store, plan.run_id, shard_key(plan.run_id, target))
        return open_shard(self.tables, self.sources.nodes, plan.run_target(target), body)

    def _nodes(self, plan: Plan, target: Target, batch: int) -> Columns:
        key, shard = shard_key(plan.run_id, target), self._shard(plan, target)
        if batch >= len(shard.row_counts):
            msg = f"run {plan.run_id}: {key} has {len(shard.row_counts)} batches, so batch {batch} is refused"
            raise InputError(msg)
        with about(key):
            return shard.columns(self.sources.nodes.table.column_names, batch)

    def _stored_batch(self, plan: Plan, target: Target, batch: int) -> Columns:
        """Return the columns of a batch's part that its children read.

        Raises:
            InputError: there is no such part.
        """
        key = part_key(plan.run_id, target, batch)
        part = open_table(self.tables, key, required(self.store, plan.run_id, key))
        with about(key):
            return part.columns(self.sources.columns_for_children(plan))

    def _part(  # noqa: PLR0913, PLR0917
        self,
        plan: Plan,
        source: DetailSource,
        parent_rows: Columns,
        message: CollectMessage,
        attempt: Attempt,
        key: str | None = None,
    ) -> Columns:
        """Return the rows of a part, once every id is settled or refused for good.

        Raises:
            _OvertakenError: an object under ``key`` was created in the meantime.
        """
        settled: dict[str, Sequence[Outcome]] = {}
        if ids := source.asks_about(parent_rows):
            calls = attempt.calls(must_yield=self._must_yield(plan, source, message.target))
            question = partial(self._ask, plan, message.target, source, ids, calls, self._looks(key))
            try:
                settled = attempt.ask(question)
            except RefusedError as refusal:
                settled = dict.fromkeys(ids, (Outcome(CollectionStatus.NOT_COLLECTED, refusal.code),))
        return source.part(plan.run_target(message.target), plan, parent_rows, settled)

    def _must_yield(self, plan: Plan, source: DetailSource, target: Target) -> Callable[[], bool]:
        """Return whether a throttled worker must still leave the target to the workers of the root detail.

        It must for at most half of the time for details, so that a batch that cannot be collected does not cost the
        target its details.
        """
        if source is self.sources.patch_states:
            return lambda: False
        yields_until = plan.planned_at + (plan.closes_details_at - plan.planned_at) / 2
        missing: list[int] | None = None

        def must_yield() -> bool:
            nonlocal missing
            if self.clock.now() >= yields_until:
                return False
            if missing is None:
                missing = list(range(len(self._shard(plan, target).row_counts)))
            while missing and self.store.exists(part_key(plan.run_id, target, missing[-1])):
                missing.pop()
            return bool(missing)

        return must_yield

    def _looks(self, key: str | None) -> Callable[[], None]:
        """Return a function to call before each call to AWS: every tenth time, it checks whether ``key`` exists.

        Raises:
            _OvertakenError: (the returned function) it exists.
        """
        calls = count(1)

        def look() -> None:
            if key is not None and next(calls) % CALLS_BETWEEN_LOOKS == 0 and self.store.exists(key):
                raise _OvertakenError

        return look

    def _ask(  # noqa: PLR0913, PLR0917
        self,
        plan: Plan,
        target: Target,
        source: DetailSource,
        ids: Sequence[str],
        calls: ThrottledCalls,
        look: Callable[[], None],
        *,
        fresh_session: bool,
    ) -> dict[str, Sequence[Outcome]]:
        about_ids = CallsAboutIds(
            calls.call(partial(self.apis.open, plan, target, fresh_session=fresh_session)),
            source,
            look,
            calls,
            self.parallel_map if source is self.sources.patch_states else self.detail_map,
            partial(calls.pause_for, self.retry_policy.base_seconds),
            self._other_ids(plan, source, target, ids),
            self.sources.nodes.operation,
        )
        return about_ids.settled(ids)

    def _other_ids(self, plan: Plan, source: DetailSource, target: Target, ids: Sequence[str]) -> Iterator[str]:
        """Yield the ids of a target that a source asks about, except these; a random batch comes first."""
        batches = len(self._shard(plan, target).row_counts)
        first = int(self.retry_policy.chance() * batches)
        for batch in (*range(first, batches), *range(first)):
            with suppress(InputError):
                is_root = source is self.sources.patch_states
                rows = self._nodes(plan, target, batch) if is_root else self._stored_batch(plan, target, batch)
                yield from (instance_id for instance_id in source.asks_about(rows) if instance_id not in ids)


def _result(message: CollectMessage, step: Step, rows: Columns | None = None) -> CollectResult:
    statuses = Counter[str]() if rows is None else Counter(rows["collection_status"])
    return CollectResult(message.run_id, message.target, message.batch, step, statuses, message.source, message.slice)
