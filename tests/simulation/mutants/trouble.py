"""Mistakes that show when something is refused, damaged, lost, slow or throttled, or when there is very much of it."""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any

from patchlake.adapters import threaded_map
from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.run import run_id_of
from patchlake.core.targets import Target
from patchlake.errors import IntegrityError, NotReadyError, PermanentError, ThrottledError
from patchlake.ports import Delivery, ParallelMap, TableFile
from patchlake.sources.source import ListingSource
from patchlake.stages import commit, publish, stored_objects, stored_run, throttled_calls
from patchlake.stages.collect import CollectResult, CollectStage
from patchlake.stages.commit import CommitOutcome, CommitResult, CommitStage
from patchlake.stages.discover import DiscoverResult, DiscoverStage
from patchlake.stages.fence import close_run
from patchlake.stages.plan import PlanResult, PlanStage
from patchlake.stages.step import Step
from patchlake.stages.stored_run import StoredRun
from patchlake.stages.throttled_calls import ThrottledCalls
from tests.simulation.faults import Fault
from tests.simulation.keys import plan_key
from tests.simulation.mutants.deaf_queue import DeafQueue
from tests.simulation.mutants.mutant import Patch, mutant
from tests.simulation.mutants.provocations import (
    A_PLAN_THAT_NEVER_COMES,
    HURRIED,
    LARGE_BATCHES,
    PARTS_DAMAGED,
    PEOPLED,
    THROTTLED_FOR_GOOD,
    WORKERS_STALLED,
)
from tests.simulation.provocation import CALM, struck_by

# What is damaged or gone.


@mutant("I1", "commit publishes a part that is not its batch's", PARTS_DAMAGED)
def _publishes_any_part(patch: Patch) -> None:
    def unchecked(_source: object, _run_target: object, part: TableFile, _ids: object) -> list[Any]:
        return part.columns(["collection_status"])["collection_status"]

    patch.setattr(publish, "_require_rows", unchecked)


@mutant("I14", "commit calls a run CORRUPT and keeps its watch message to itself", PEOPLED & struck_by(Fault.DAMAGED))
def _keeps_dead_letter(patch: Patch) -> None:
    handle = CommitStage.handle

    def handle_silently(stage: CommitStage, message: CommitMessage, delivery: Delivery) -> CommitResult:
        return handle(dataclasses.replace(stage, commit_queue=DeafQueue()), message, delivery)

    patch.setattr(CommitStage, "handle", handle_silently)


@mutant("I14", "a CORRUPT run is not counted", PEOPLED & struck_by(Fault.DAMAGED))
def _counts_no_corrupt(patch: Patch) -> None:
    counts = CommitResult.counts

    def without_corrupt(result: CommitResult) -> dict[str, int]:
        return {name: count for name, count in counts(result).items() if name != "RunsCorrupt"}

    patch.setattr(CommitResult, "counts", without_corrupt)


@mutant("I14", "a CORRUPT run does not say which object", PEOPLED & struck_by(Fault.DAMAGED))
def _names_nothing(patch: Patch) -> None:
    @contextmanager
    def silent(_key: str) -> Iterator[None]:
        yield

    for module in (stored_objects, publish):
        patch.setattr(module, "about", silent)


@mutant("L1", "a damaged run is waited for", PEOPLED & struck_by(Fault.DAMAGED))
def _waits_for_damage(patch: Patch) -> None:
    handle = CommitStage._commit  # noqa: SLF001

    def wait(stage: CommitStage, run_id: str) -> CommitResult:
        try:
            return handle(stage, run_id)
        except IntegrityError as error:
            raise PermanentError(str(error)) from error

    patch.setattr(CommitStage, "_commit", wait)


@mutant("L1", "plan sends no watch message for a plan that was there", PEOPLED & struck_by(Fault.WATCH_LOST))
def _watches_once(patch: Patch) -> None:
    handle = PlanStage.handle

    def handle_once(stage: PlanStage, event: Mapping[str, object]) -> PlanResult:
        if not stage.store.exists(plan_key(run_id_of(event.get("scheduled_time")))):
            return handle(stage, event)
        return handle(dataclasses.replace(stage, commit_queue=DeafQueue()), event)

    patch.setattr(PlanStage, "handle", handle_once)


# What the store refuses.


@mutant("L1", "commit gives a run up that the store refuses", PEOPLED & struck_by(Fault.STORE_REFUSED_ONCE))
def _commit_gives_up(patch: Patch) -> None:
    handle = CommitStage.handle

    def handle_or_miss(stage: CommitStage, message: CommitMessage, delivery: Delivery) -> CommitResult:
        try:
            return handle(stage, message, delivery)
        except PermanentError:
            return CommitResult(message.run_id, CommitOutcome.MISSED)

    patch.setattr(CommitStage, "handle", handle_or_miss)


@mutant(
    "I8", "collect acknowledges a batch whose part the store refuses", PEOPLED & struck_by(Fault.STORE_REFUSED_ONCE)
)
def _collect_gives_up(patch: Patch) -> None:
    handle = CollectStage.handle

    def handle_or_adopt(stage: CollectStage, message: CollectMessage, delivery: Delivery) -> CollectResult:
        try:
            return handle(stage, message, delivery)
        except PermanentError:
            return CollectResult(message.run_id, message.target, message.batch, Step.ADOPTED)

    patch.setattr(CollectStage, "handle", handle_or_adopt)


@mutant(
    "I10",
    "discover takes a run for published that the store refuses to look for",
    PEOPLED & struck_by(Fault.STORE_REFUSED_ONCE),
)
def _discover_gives_up(patch: Patch) -> None:
    handle = DiscoverStage.handle

    def handle_or_be_late(stage: DiscoverStage, message: DiscoverMessage, delivery: Delivery) -> DiscoverResult:
        try:
            return handle(stage, message, delivery)
        except PermanentError:
            return DiscoverResult(message.run_id, message.target, Step.LATE)

    patch.setattr(DiscoverStage, "handle", handle_or_be_late)


# Calls at once.


@mutant("I16", "calls under way are left behind, where another one failed")
def _returns_early(patch: Patch) -> None:
    def without_waiting(made: ThreadedMap, function: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        futures = [made._pool.submit(function, item) for item in items]  # noqa: SLF001
        threaded_map.wait(futures, return_when=FIRST_EXCEPTION)  # type: ignore[attr-defined]  # the simulated one
        for future in futures:
            future.cancel()
        return [future.result() for future in futures if future.done() and not future.cancelled()]

    patch.setattr(ThreadedMap, "__call__", without_waiting)


# Throttling.


@mutant("I17", "a worker waits for a throttled target until Lambda ends it", THROTTLED_FOR_GOOD)
def _waits_for_ever(patch: Patch) -> None:
    patch.setattr(throttled_calls, "RESERVE_SECONDS", 0)


@mutant("I21", "a worker keeps the time of a third of a call in reserve", HURRIED)
def _keeps_too_little(patch: Patch) -> None:
    patch.setattr(throttled_calls, "RESERVE_SECONDS", 20)


@mutant("I17", "a throttled worker asks again at once")
def _asks_at_once(patch: Patch) -> None:
    patch.setattr(ThrottledCalls, "_pause_if_due", lambda *_: None)


@mutant("I17", "a throttled worker pauses for no time")
def _pauses_for_nothing(patch: Patch) -> None:
    patch.setattr(throttled_calls, "throttle_pause_seconds", lambda *_: 0.0)


@mutant("I17", "calls are begun after one was throttled", LARGE_BATCHES & struck_by(Fault.THROTTLED))
def _begins_more(patch: Patch) -> None:
    def ask_all(
        calls: ThrottledCalls, ask: Callable[[Any], Any], items: Sequence[Any], parallel_map: ParallelMap
    ) -> Iterator[Any]:
        waiting = deque(items)
        throttled: list[ThrottledError] = []

        def ask_or_put_off(item: object) -> list[Any]:
            calls.require_time()
            try:
                return [ask(item)]
            except ThrottledError as error:
                waiting.append(item)
                throttled.append(error)
                return []

        while waiting:
            now = [waiting.popleft() for _ in range(len(waiting))]
            for found in parallel_map(ask_or_put_off, now):
                yield from found
            if throttled:
                calls._pause_due = throttled.pop()  # noqa: SLF001
                calls._pause_if_due()  # noqa: SLF001
                throttled.clear()

    patch.setattr(ThrottledCalls, "call_each", ask_all)


# Very much.


@mutant("L1", "the fence closes a thousand targets at most", WORKERS_STALLED, crowd=True)
def _fences_a_thousand(patch: Patch) -> None:
    missing_shards = StoredRun.missing_shards

    def some(run: StoredRun, source: ListingSource) -> set[Target]:
        return set(islice(sorted(missing_shards(run, source)), 1000))

    def close_some(run: StoredRun) -> None:
        with patch.context() as inner:
            inner.setattr(StoredRun, "missing_shards", some)
            close_run(run)

    patch.setattr(commit, "close_run", close_some)


@mutant("L1", "keys are looked for under the first digits alone", PEOPLED & CALM)
def _looks_under_some(patch: Patch) -> None:
    # A run of any size is looked for as a large one is, so that it does not take thousands of targets.
    patch.setattr(stored_run, "KEYS_PER_PAGE", 0)
    patch.setattr(stored_run, "by_first_digit", lambda prefix: [prefix + digit for digit in "0123"])


@mutant("L1", "keys are taken from the first page of a listing")
def _lists_one_page(patch: Patch) -> None:
    def first_page(run: StoredRun, prefix: str, _expected: int) -> set[str]:
        size = run.runs.store.calls.world.scenario.store_page_size  # type: ignore[attr-defined]  # the simulated store
        return set(islice(run.runs.store.keys(prefix), size))

    patch.setattr(StoredRun, "_keys", first_page)


@mutant("L1", "commit waits forever for a plan that does not come", A_PLAN_THAT_NEVER_COMES)
def _waits_for_a_plan(patch: Patch) -> None:
    patch.setattr(commit, "is_missed", lambda *_: False)


@mutant("L1", "commit waits for the deadline of a run that is ready")
def _waits_for_the_deadline(patch: Patch) -> None:
    def never_ready(_stage: CommitStage, run: StoredRun, _now: datetime) -> None:
        raise NotReadyError(run.plan.run_id)

    patch.setattr(CommitStage, "_require_everything", never_ready)
