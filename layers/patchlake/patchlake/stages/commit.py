"""The last stage: watch a run until every part is there, then publish it by one object.

Its one watch message comes back every tick. Before the deadline commit sends again what is missing; at the deadline it
fences the run, so that nothing can change any more. Then the parts, in key order, are the snapshot.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from patchlake.core.keys import plan_key
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import Plan, decode_plan, plan_sha256
from patchlake.core.run import run_at
from patchlake.core.tables import CollectionStatus, ListingStatus
from patchlake.core.timings import COLLECT, DISCOVER, RESEND_LIMIT, is_missed, plan_wait_seconds, resend_slice
from patchlake.errors import IntegrityError, NoPlanError, NotReadyError, PermanentError, RetryableError
from patchlake.ports import Clock, Delivery, Queue
from patchlake.stages.fence import fence
from patchlake.stages.publish import publish
from patchlake.stages.stored import is_published
from patchlake.stages.stored_run import StoredRun


class CommitOutcome(StrEnum):
    """What became of a run; each of these ends its watch."""

    COMPLETE = "COMPLETE"
    """Published: every active target listed, no node unknown."""
    PARTIAL = "PARTIAL"
    """Published, with the unknown in it named as such."""
    LATE = "LATE"
    """It was published before."""
    MISSED = "MISSED"
    """It has no plan, and it is too late for one."""
    CORRUPT = "CORRUPT"
    """Its objects contradict each other: the watch message is in the dead-letter queue."""


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What became of a run.

    Attributes:
        statuses: nodes by ``collection_status``, where this call published the run.
        listings: targets by ``listing_status``, likewise.
        age: from the scheduled time to now, by AWS's time, likewise.
        detail: why a run is CORRUPT.
    """

    run_id: str
    outcome: CommitOutcome
    statuses: Mapping[str, int] = field(default_factory=dict)
    listings: Mapping[str, int] = field(default_factory=dict)
    age: timedelta | None = None
    detail: str | None = None

    def counts(self) -> dict[str, int]:
        """Return what is counted, by the names of the metrics: RunsPartial, NodesNoPatchState, TargetsListed, …."""
        if self.outcome is CommitOutcome.LATE:
            return {"LateMessages": 1}
        counts = {_metric("Runs", self.outcome): 1}
        if self.age is not None:
            counts |= {_metric("Nodes", status): self.statuses.get(status, 0) for status in CollectionStatus}
            counts |= {_metric("Targets", status): self.listings.get(status, 0) for status in ListingStatus}
        return counts


@dataclass(frozen=True, slots=True)
class CommitStage:
    """Turns the stored parts of a run into its published snapshot.

    Attributes:
        tick_seconds: between two looks at a run.
        max_lateness_seconds: how late a plan can be made at most; a run without a plan is waited for that long and
            ``deadline_seconds`` more.
        version: patchlake's own, for the footers.
    """

    stored_run: StoredRun
    discover_queue: Queue
    collect_queue: Queue
    commit_queue: Queue
    clock: Clock
    tick_seconds: int
    max_lateness_seconds: int
    deadline_seconds: int
    version: str

    def handle(self, message: CommitMessage, delivery: Delivery) -> CommitResult:
        """Look at the message's run once.

        Raises:
            NoPlanError: the run has no plan yet; the message stays away a tick longer each time.
            NotReadyError: the run is not complete yet; the message is back at the next tick.
            RetryableError: AWS could not answer for now; likewise.
            PermanentError: AWS refuses; likewise, until somebody mends it or the message is a dead letter.
        """
        try:
            return self._commit(message.run_id)
        except IntegrityError as error:
            self.commit_queue.dead_letter(delivery)
            return CommitResult(message.run_id, CommitOutcome.CORRUPT, detail=str(error))
        except NoPlanError:
            self.commit_queue.defer(delivery, plan_wait_seconds(self.tick_seconds, delivery.receive_count))
            raise
        except (RetryableError, PermanentError):
            self.commit_queue.defer(delivery, self.tick_seconds)
            raise

    def _commit(self, run_id: str) -> CommitResult:
        store = self.stored_run.store
        if is_published(store, run_id):
            return CommitResult(run_id, CommitOutcome.LATE)
        body = store.get(plan_key(run_id))
        if body is None:
            return self._without_plan(run_id)
        plan = decode_plan(body, run_id)
        if self.clock.now() < plan.deadline_at:
            self._require_every_part(plan)
        else:
            fence(plan, self.stored_run)
        metadata = {"run_id": run_id, "plan_sha256": plan_sha256(body), "patchlake_version": self.version}
        published = publish(plan, self.stored_run, metadata)
        return CommitResult(
            run_id,
            CommitOutcome.COMPLETE if published.complete else CommitOutcome.PARTIAL,
            published.statuses,
            published.listings,
            self.clock.now() - plan.run_at,
        )

    def _without_plan(self, run_id: str) -> CommitResult:
        if is_missed(run_at(run_id), self.clock.now(), self.max_lateness_seconds, self.deadline_seconds):
            return CommitResult(run_id, CommitOutcome.MISSED)
        msg = f"run {run_id}: there is no plan yet"
        raise NoPlanError(msg)

    def _require_every_part(self, plan: Plan) -> None:
        """Pass when every shard and part exists; otherwise send again what is due, and wait.

        While shards are missing and nothing is due, no shard is read: a tick of a large run costs one listing.
        """
        elapsed = self.clock.now() - plan.planned_at
        due_targets = resend_slice(elapsed, DISCOVER.visibility_seconds, self.tick_seconds)
        due_batches = resend_slice(elapsed, COLLECT.visibility_seconds, self.tick_seconds)
        active = plan.active_targets()
        unlisted = self.stored_run.unlisted(plan)
        if unlisted and due_targets.stop == due_batches.stop == 0:
            msg = f"run {plan.run_id}: {len(unlisted)} of {len(active)} shards are missing"
            raise NotReadyError(msg)
        batches = self.stored_run.batches(plan, [target for target in active if target not in unlisted])
        missing = self.stored_run.without_part(plan, batches)
        if not unlisted and not missing:
            return
        lost = [target for target in active[due_targets] if target in unlisted]
        lost_batches = [batch for batch in batches[due_batches] if batch in missing]
        room = RESEND_LIMIT - len(lost)
        self.discover_queue.send(DiscoverMessage.of(plan.run_id, target).grouped() for target in lost)
        self.collect_queue.send(CollectMessage.of(plan.run_id, *batch).grouped() for batch in lost_batches[:room])
        msg = f"run {plan.run_id}: {len(unlisted)} of {len(active)} shards and {len(missing)} parts are missing"
        raise NotReadyError(msg)


def _metric(subject: str, status: StrEnum) -> str:
    return subject + status.title().replace("_", "")
