"""The last stage: watch a run until every object exists, then publish it with one object.

Its one watch message comes back every tick. Before a deadline commit sends messages for missing objects
again; at the deadline it closes those objects, so that nothing can change. Then the parts, in key order, are the
snapshot.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from patchlake.core.keys import plan_key
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import Plan, decode_plan, plan_sha256
from patchlake.core.run import run_at
from patchlake.core.statuses import CollectionStatus, ListingStatus
from patchlake.core.targets import Target
from patchlake.core.timings import (
    COLLECT,
    DISCOVER,
    RESEND_LIMIT,
    ResendWindow,
    is_missed,
    plan_wait_seconds,
    resend_window,
)
from patchlake.errors import IntegrityError, NoPlanError, NotReadyError, PermanentError, RetryableError
from patchlake.ports import Clock, Delivery, Queue
from patchlake.sources.source import DetailSource, ListingSource
from patchlake.stages.fence import close_run, close_secondary
from patchlake.stages.publish import publish
from patchlake.stages.stored_plan import is_published
from patchlake.stages.stored_run import Batch, Slice, StoredRun, StoredRuns


class CommitOutcome(StrEnum):
    """The end of a run's watch."""

    COMPLETE = "COMPLETE"
    """Published: at least one active target, each of them listed, no node unknown."""
    PARTIAL = "PARTIAL"
    """Published, with unknown nodes or targets recorded as such."""
    LATE = "LATE"
    """It was published before."""
    MISSED = "MISSED"
    """It has no plan, and it is too late for one."""
    CORRUPT = "CORRUPT"
    """Its objects contradict each other: the watch message is in the dead-letter queue."""


RUN_METRICS = {
    CommitOutcome.COMPLETE: "RunsComplete",
    CommitOutcome.PARTIAL: "RunsPartial",
    CommitOutcome.LATE: "LateMessages",
    CommitOutcome.MISSED: "RunsMissed",
    CommitOutcome.CORRUPT: "RunsCorrupt",
}
PUBLISHED_METRICS = (RUN_METRICS[CommitOutcome.COMPLETE], RUN_METRICS[CommitOutcome.PARTIAL])
"""The metrics that alarms add up: reported at each tick, zeros included, since a missing one has no sum."""

NODE_METRICS = {
    CollectionStatus.COLLECTED: "NodesCollected",
    CollectionStatus.NO_PATCH_STATE: "NodesNoPatchState",
    CollectionStatus.NOT_COLLECTED: "NodesNotCollected",
    CollectionStatus.INVALID_RESPONSE: "NodesInvalidResponse",
}
TARGET_METRICS = {
    ListingStatus.LISTED: "TargetsListed",
    ListingStatus.ROLE_NOT_ASSUMABLE: "TargetsRoleNotAssumable",
    ListingStatus.ACCESS_DENIED: "TargetsAccessDenied",
    ListingStatus.REGION_DISABLED: "TargetsRegionDisabled",
    ListingStatus.NOT_LISTED: "TargetsNotListed",
    ListingStatus.ACCOUNT_NOT_ACTIVE: "TargetsAccountNotActive",
}

ROWS_METRIC = "RowsWithoutId"
"""The rows of listings that name no node."""

GAPS_METRIC = "DetailGaps"
"""The secondary sources of a run that did not read everything."""


@dataclass(frozen=True, slots=True)
class CommitResult:
    """The result of one check of a run.

    Attributes:
        statuses: nodes by ``collection_status``, if this call published the run.
        listings: targets by ``listing_status``, if this call published the run.
        rows_without_id: rows of listings that are in no snapshot, if this call published the run.
        source_gaps: the secondary sources that did not read everything that AWS knows, if this call published the run.
        age: from the scheduled time to now, by AWS's time, if this call published the run.
        detail: the reason why a run is CORRUPT.
    """

    run_id: str
    outcome: CommitOutcome
    statuses: Mapping[str, int] = field(default_factory=dict)
    listings: Mapping[str, int] = field(default_factory=dict)
    rows_without_id: int = 0
    source_gaps: Sequence[str] = ()
    age: timedelta | None = None
    detail: str | None = None

    def counts(self) -> dict[str, int]:
        """Return the counts of this check, by the names of their metrics."""
        counts = {RUN_METRICS[self.outcome]: 1}
        if self.age is not None:
            counts |= {metric: self.statuses.get(status, 0) for status, metric in NODE_METRICS.items()}
            counts |= {metric: self.listings.get(status, 0) for status, metric in TARGET_METRICS.items()}
            counts[ROWS_METRIC] = self.rows_without_id
            counts[GAPS_METRIC] = len(self.source_gaps)
        return counts


@dataclass(frozen=True, slots=True)
class CommitStage:
    """The stage that turns the stored parts of a run into its published snapshot.

    Attributes:
        source_queues: the queue of each source, by its name.
        tick_seconds: between two checks of a run.
        max_lateness_seconds: the maximum lateness of a plan; commit waits that long, and ``deadline_seconds`` more, for
            a run without a plan.
        version: of patchlake, for the footers.
    """

    runs: StoredRuns
    source_queues: Mapping[str, Queue]
    commit_queue: Queue
    clock: Clock
    tick_seconds: int
    max_lateness_seconds: int
    deadline_seconds: int
    version: str

    def handle(self, message: CommitMessage, delivery: Delivery) -> CommitResult:
        """Check the message's run once.

        Raises:
            NoPlanError: the run has no plan yet; the message comes back a tick later each time.
            NotReadyError: the run is not complete yet; the message comes back at the next tick.
            RetryableError: AWS could not answer for now; the message comes back at the next tick.
            PermanentError: AWS refuses; the message comes back until the cause is fixed or it is a dead letter.
        """
        try:
            return self._commit(message.run_id)
        except IntegrityError as error:
            try:
                self.commit_queue.dead_letter(delivery)
            except RetryableError as failure:
                msg = f"{error}. The watch message could not be sent to the dead-letter queue: {failure}"
                raise PermanentError(msg) from error
            return CommitResult(message.run_id, CommitOutcome.CORRUPT, detail=str(error))
        except NoPlanError:
            self._defer(delivery, plan_wait_seconds(self.tick_seconds, delivery.receive_count))
            raise
        except (RetryableError, PermanentError):
            self._defer(delivery, self.tick_seconds)
            raise

    def _defer(self, delivery: Delivery, seconds: int) -> None:
        """Let the message come back after this time; if SQS refuses, after the queue's visibility."""
        with suppress(RetryableError):
            self.commit_queue.defer(delivery, seconds)

    def _commit(self, run_id: str) -> CommitResult:
        store = self.runs.store
        if is_published(store, run_id):
            return CommitResult(run_id, CommitOutcome.LATE)
        body = store.get(plan_key(run_id))
        if body is None:
            return self._without_plan(run_id)
        plan = decode_plan(body, run_id)
        run = self.runs.of(plan)
        now = self.clock.now()
        if now < plan.deadline_at:
            self._require_everything(run, now)
        else:
            close_run(run)
        metadata = {"run_id": run_id, "plan_sha256": plan_sha256(body), "patchlake_version": self.version}
        published = publish(run, metadata)
        return CommitResult(
            run_id,
            CommitOutcome.COMPLETE if published.is_complete else CommitOutcome.PARTIAL,
            published.statuses,
            published.listings,
            published.rows_without_id,
            published.source_gaps,
            self.clock.now() - plan.run_at,
        )

    def _without_plan(self, run_id: str) -> CommitResult:
        if is_missed(run_at(run_id), self.clock.now(), self.max_lateness_seconds, self.deadline_seconds):
            return CommitResult(run_id, CommitOutcome.MISSED)
        msg = f"run {run_id}: there is no plan yet"
        raise NoPlanError(msg)

    def _require_everything(self, run: StoredRun, now: datetime) -> None:
        """Return if every shard and part exists; otherwise re-send the messages that are due, and wait.

        While shards of the nodes are missing and nothing is due, no shard is read: a tick of a large run costs one
        listing.
        """
        plan, sources = run.plan, run.sources
        elapsed = now - plan.planned_at
        discover_window = resend_window(elapsed, DISCOVER.visibility_seconds, self.tick_seconds)
        collect_window = resend_window(elapsed, COLLECT.visibility_seconds, self.tick_seconds)
        is_closing = bool(plan.sources) and now >= plan.closes_details_at
        active = plan.active_targets()
        unlisted = run.missing_shards(sources.nodes)
        if unlisted and discover_window.is_closed and collect_window.is_closed and not is_closing:
            msg = f"run {plan.run_id}: {len(unlisted)} of {len(active)} shards are missing"
            raise NotReadyError(msg)
        batches = run.slices(sources.patch_states, run.batches([target for target in active if target not in unlisted]))
        missing = run.missing_parts(sources.patch_states, batches)
        stored = [slice_.batch for slice_ in batches if slice_ not in missing]
        if is_closing:
            close_secondary(run, stored)
        expected: list[_Expected[Target] | _Expected[Slice]] = [
            _Expected(sources.nodes, active, unlisted, discover_window),
            _Expected(sources.patch_states, batches, missing, collect_window),
            *(
                _Expected(source, active, run.missing_shards(source), discover_window)
                for source in sources.listings(plan)
            ),
            *(self._children(run, source, batches, stored, collect_window) for source in sources.details(plan)),
        ]
        if not any(each.missing for each in expected):
            return
        self._send_again(plan, expected)
        waiting = [f"{len(unlisted)} of {len(active)} shards and {len(missing)} parts"]
        waiting += [f"{len(each.missing)} of {each.source.name}" for each in expected[2:] if each.missing]
        msg = f"run {plan.run_id}: {', '.join(waiting)} are missing"
        raise NotReadyError(msg)

    def _send_again(self, plan: Plan, expected: Sequence["_Expected[Target] | _Expected[Slice]"]) -> None:
        """Send the due messages for missing objects, up to the limit of one tick.

        Root sources come first; the others share what is left, so that none waits for another's backlog.
        """
        room = RESEND_LIMIT
        for place, each in enumerate(expected):
            is_root = plan.planned_source(each.source.name) is None
            share = room if is_root else room // (len(expected) - place)
            lost = list(islice(each.lost(plan.run_id), share))
            room -= len(lost)
            if lost:
                self.source_queues[each.source.name].send(lost)

    def _children(
        self,
        run: StoredRun,
        source: DetailSource,
        batches: Sequence[Slice],
        stored: Sequence[Batch],
        window: ResendWindow,
    ) -> "_Expected[Slice]":
        """Return the parts of a secondary detail: places by all batches, missing only where the parent is stored."""
        places = run.slices(source, [slice_.batch for slice_ in batches])
        return _Expected(source, places, run.missing_parts(source, run.slices(source, stored)), window)


@dataclass(frozen=True, slots=True)
class _Expected[P: (Target, Slice)]:
    """The shards or parts that a run must have of one source, and the window in which missing ones are sent again."""

    source: ListingSource | DetailSource
    all: Sequence[P]
    missing: set[P]
    window: ResendWindow

    def lost(self, run_id: str) -> Iterator[tuple[str, str]]:
        """Yield a message for each missing place that is due."""
        for place in self.window.due(self.all):
            if place in self.missing:
                yield _message(run_id, self.source.name, place).grouped()


def _message(run_id: str, source: str, place: Target | Slice) -> DiscoverMessage | CollectMessage:
    if isinstance(place, Slice):
        return CollectMessage.of(run_id, place.batch.target, place.batch.number, source, place.number)
    return DiscoverMessage.of(run_id, place, source)
