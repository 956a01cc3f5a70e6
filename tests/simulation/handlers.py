"""The four functions as Lambda runs them: the production stages over the simulated ports, whole or in turns."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from msgspec.structs import astuple

from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER, RESERVE_SECONDS
from patchlake.errors import InputError, PatchlakeError
from patchlake.ports import Delivery, Queue
from patchlake.sources.nodes import NODES
from patchlake.stages.collect import CollectStage
from patchlake.stages.commit import CommitResult, CommitStage
from patchlake.stages.discover import DiscoverStage
from patchlake.stages.plan import PlanSettings, PlanStage
from patchlake.stages.retry_policy import RetryPolicy
from patchlake.stages.stored_run import StoredRuns
from tests.simulation import functions
from tests.simulation.builds import Build
from tests.simulation.calls import Calls
from tests.simulation.checking import check
from tests.simulation.events import Answered, Ended, Failed, Waited
from tests.simulation.faults import Fault
from tests.simulation.functions import records
from tests.simulation.interleaving import Killed, Strand
from tests.simulation.invocations import Invocation, Message, Process, QueueName, Stage
from tests.simulation.ports import (
    STAGES,
    SimulatedAccounts,
    SimulatedClock,
    SimulatedQueue,
    SimulatedStore,
    decoded,
)
from tests.simulation.target_apis import SimulatedSources
from tests.simulation.turns import Turns
from tests.simulation.world import World

_TIMEOUT_SECONDS = {
    "plan": 300,
    "discover": DISCOVER.timeout_seconds,
    "collect": COLLECT.timeout_seconds,
    "commit": COMMIT.timeout_seconds,
}
_MOST_PAUSED = 5
_MOST_RECORDS = 3
_CONNECTIONS = 8
_MOST_SKEW_SECONDS = 900
_NEW_PROCESSES = 0.3


class Handlers:
    """Starts handlers and lets those that paused go on.

    Attributes:
        paused: the handlers under way, each with its strand.
    """

    def __init__(self, world: World) -> None:
        """Deploy the functions into ``world``."""
        self._world = world
        self._strand: Strand | None = None
        self._warm: list[tuple[Build, CommitStage]] = []
        self.paused: list[tuple[Invocation, Strand]] = []
        world.under_way = self.paused
        calls = Calls(world, self._pause, self._elapse)
        self._store = SimulatedStore(calls)
        self._sources = SimulatedSources(calls)
        self._accounts = SimulatedAccounts(calls)
        self._queues: dict[QueueName, SimulatedQueue] = {name: SimulatedQueue(calls, name) for name in STAGES}
        self._clock = SimulatedClock(calls)
        self._turns = Turns(world)
        self._processes: dict[Stage, list[Process]] = defaultdict(list)
        self._map = self._turns.threads(_CONNECTIONS)

    def fire(self, run_id: str, scheduled_time: str, failed: Callable[[], None]) -> None:
        """Let the schedule's event reach plan; ``failed`` is called where plan fails."""
        self._deploy_at_times()
        event = {"scheduled_time": scheduled_time}
        if self._in_functions():
            try:
                self._invoke("plan", event, lambda event: self._handle_event(run_id, event))
            except (Killed, PatchlakeError):
                failed()
            return
        by = self._invocation("plan", None, run_id, None, 1)
        self._start(by, partial(self._plan(by).handle, event), lambda: None, failed)

    def deliver(self, name: QueueName, delivery: Delivery) -> None:
        """Let a received message reach its function."""
        world, queue = self._world, self._world.queues[name]
        if world.dice.strike(0.2, (Fault.DUPLICATED,)):
            queue.messages[int(delivery.receipt)].visible_at = world.clock.at
        self._deploy_at_times()
        if self._in_functions():
            self._deliver_to_function(name, delivery)
            return
        try:
            message = decoded(name, delivery.body)
        except InputError as error:
            world.story.tell(name, "refused a message: %s", error)
            return
        by = self._invocation(STAGES[name], name, message.run_id, message, delivery.receive_count)
        handle = self._handling(by, message, replace(delivery, seconds_left=partial(self._seconds_left, by)))
        self._start(by, handle, lambda: self._acknowledge(name, delivery), lambda: None)

    def _deploy_at_times(self) -> None:
        """Deploy another build between two events: all messages of one event meet the same."""
        if self._world.dice.strike(0.03, (Fault.DEPLOYED,)):
            self._world.deploy()

    def _in_functions(self) -> bool:
        """Whether the next event goes through the deployed functions, at one go."""
        scenario = self._world.scenario
        return scenario.deployed and self._world.random.random() >= scenario.in_turns

    def _deliver_to_function(self, name: QueueName, delivery: Delivery) -> None:
        """Invoke the function for a message, and others of its queue that can be received at this time."""
        queue = self._world.queues[name]
        deliveries = [delivery]
        while len(deliveries) < _MOST_RECORDS and (another := queue.receive()) is not None:
            if another.receipt in {each.receipt for each in deliveries}:
                break
            deliveries.append(another)
        with suppress(Killed):
            failed = self._invoke(STAGES[name], records(deliveries), partial(self._handle_message, name))
            for each in deliveries:
                if each.receipt not in failed:
                    self._acknowledge(name, each)

    def _acknowledge(self, name: QueueName, delivery: Delivery) -> None:
        if not self._world.dice.strike(self._world.dice.call_rate, (Fault.UNACKNOWLEDGED,)):
            self._world.queues[name].delete(delivery)

    def _handle_event(self, run_id: str, event: object) -> tuple[str, object]:
        by = self._invocation("plan", None, run_id, None, 1)
        return "", self._handle(by, partial(self._plan(by).handle, event))

    def _handle_message(self, name: QueueName, message: Message, delivery: Delivery) -> tuple[str, object]:
        by = self._invocation(STAGES[name], name, message.run_id, message, delivery.receive_count)
        return delivery.receipt, self._handle(by, self._handling(by, message, delivery))

    def _invoke(self, stage: Stage, event: dict[str, Any], handle: Callable[..., tuple[str, object]]) -> frozenset[str]:
        """Invoke a deployed function; return the ids of the messages that it reports as failed."""
        world = self._world
        self._strand = None
        results: dict[str, object] = {}
        unexpected: list[Exception] = []
        handled: list[Invocation] = []

        def handle_and_remember(*arguments: object) -> object:
            try:
                name, result = handle(*arguments)
            except PatchlakeError:
                raise
            except Exception as error:
                unexpected.append(error)
                raise
            finally:
                handled.append(world.acting)
            results[name] = result
            return result

        world.apis.call_counter.drain()
        answer = functions.invoke(
            stage, handle_and_remember, self._sources, self._clock, event, lambda: self._seconds_left(world.acting)
        )
        for error in unexpected:
            raise error
        failed = frozenset(i["itemIdentifier"] for i in (answer.returned or {}).get("batchItemFailures", ()))
        received = frozenset(r["messageId"] for r in event.get("Records", ()))
        calls, absorbed = sum(by.calls for by in handled), sum(by.absorbed for by in handled)
        build = handled[0].build if handled else None
        check(world, Answered(stage, results, received, failed, answer.metrics, calls, absorbed, build))
        return failed

    @property
    def waiting(self) -> Callable[..., None]:
        """The stand-in for the wait for concurrent calls."""
        return self._turns.wait

    @property
    def awake(self) -> list[tuple[Invocation, Strand]]:
        """The handlers under way that do not sleep."""
        return [(by, strand) for by, strand in self.paused if by.wakes_at <= self._world.clock.at]

    def resume(self, paused: tuple[Invocation, Strand]) -> None:
        """Let a paused handler go on, unless its time is out."""
        self.paused.remove(paused)
        by, strand = paused
        self._world.acting, self._strand = by, strand
        if self._time_left(by) < 0:
            self._world.dice.note(Fault.TIMED_OUT)
            self._world.story.tell(self._world.who, "time is out")
            strand.kill()
        elif strand.resume():
            self.paused.append(paused)

    def kill_all(self) -> None:
        """End every handler under way."""
        for _, strand in self.paused:
            strand.kill()
        self.paused.clear()

    def _invocation(
        self, stage: Stage, queue: QueueName | None, run_id: str, message: Message | None, receive_count: int
    ) -> Invocation:
        world = self._world
        self._turns.go_on()
        world.begun += 1
        skewed = world.dice.strike(0.3, (Fault.SKEWED,))
        skew = world.random.randint(-_MOST_SKEW_SECONDS, _MOST_SKEW_SECONDS) if skewed else 0
        by = Invocation(
            number=world.begun,
            stage=stage,
            run_id=run_id,
            message=message,
            receive_count=receive_count,
            begun_at=world.clock.at,
            begun_late=run_id in world.published_at,
            build=world.build,
            skew=timedelta(seconds=skew),
            regions=tuple(world.regions),
            process=self._process(stage),
            queue=queue,
        )
        by.process.by = world.acting = by
        told = run_id if message is None else " ".join(str(value) for value in astuple(message)[1:])
        world.story.tell(
            world.who, "begins %s, receive %d%s", told, receive_count, f", its clock {skew:+} s" if skew else ""
        )
        return by

    def _process(self, stage: Stage) -> Process:
        """Return a process of a function that is idle, or a new one."""
        self._processes[stage] = idle = [process for process in self._processes[stage] if not process.ended]
        found = next((process for process in idle if process.is_idle), None)
        if found is None or self._world.random.random() < _NEW_PROCESSES:
            found = Process()
            idle.append(found)
        return found

    def _start(
        self,
        by: Invocation,
        handle: Callable[[], object],
        acknowledge: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        world = self._world

        def work() -> None:
            try:
                self._handle(by, handle)
            except (Killed, PatchlakeError):
                failed()
            else:
                acknowledge()

        if len(self.paused) >= _MOST_PAUSED or world.random.random() >= world.scenario.in_turns:
            self._strand = None
            work()
            return
        strand = self._strand = Strand(work)
        if strand.resume():
            world.dice.note(Fault.OVERLAPPED)
            self.paused.append((by, strand))

    def _handle(self, by: Invocation, handle: Callable[[], object]) -> object:
        """Let a handler handle its event.

        Raises:
            Killed: its process died.
            PatchlakeError: it failed.
        """
        world = self._world
        try:
            result = handle()
        except Killed:
            world.story.tell(world.who, "dies")
            by.process.ended = True
            self._turns.forget(by)
            raise
        except PatchlakeError as error:
            world.story.tell(world.who, "fails: %s: %s", type(error).__name__, error)
            # Another of its concurrent calls may have failed first: whether it remembers the refusal cannot be told.
            by.process.ended |= bool(by.refused[True])
            check(world, Failed(error, by))
            raise
        finally:
            by.over = True
        world.story.tell(world.who, "returns %s", _outcome(result))
        if isinstance(result, CommitResult) and result.detail is not None:
            world.corrupt[result.run_id] = result.detail
        check(world, Ended(result, by))
        return result

    def _pause(self) -> None:
        dice = self._world.dice
        if self._strand is not None and dice.random.random() < dice.pause_rate:
            self._strand.pause()

    def _handling(self, by: Invocation, message: Message, delivery: Delivery) -> Callable[[], object]:
        match message:
            case DiscoverMessage():
                discover = DiscoverStage(
                    self._store,
                    by.build,
                    self._sources,
                    by.build.sources,
                    self._source_queues,
                    self._retry_policy(("discover", "listing"), by),
                    self._clock,
                    **self._page_seconds,
                )
                return lambda: discover.handle(message, delivery)
            case CollectMessage():
                collect = CollectStage(
                    self._store,
                    by.build,
                    self._sources,
                    by.build.sources,
                    self._source_queues,
                    self._retry_policy(("collect", "detail"), by),
                    parallel_map=self._map,
                    detail_map=self._map,
                    clock=self._clock,
                )
                return lambda: collect.handle(message, delivery)
            case CommitMessage():
                return lambda: self._commit(by, message, delivery)

    def _seconds_left(self, by: Invocation) -> float:
        """Tell a worker how much time it has, and remember what it was told."""
        world = self._world
        left = self._time_left(by)
        by.hurries |= bool(world.dice.strike(world.dice.call_rate / 4, (Fault.OUT_OF_TIME,)))
        if by.hurries:
            left = min(left, RESERVE_SECONDS / 2)
        by.seconds_left = min(by.seconds_left, left)
        if by.is_too_large_to_list:
            world.blank(by)
        return left

    @property
    def _page_seconds(self) -> dict[str, float]:
        """The setting of discover for targets whose rows take SSM longer than any others do."""
        row_seconds = self._world.scenario.row_seconds
        return {"page_seconds": row_seconds * NODES.operation.page_size} if row_seconds else {}

    def _retry_policy(self, names: Sequence[QueueName], by: Invocation) -> RetryPolicy:
        world = self._world

        def pause(seconds: float) -> None:
            left = self._time_left(by)
            if by.refused[False] and not by.asked_again:
                by.refusal_pauses.append(seconds)
            else:
                by.waited_seconds += seconds
            check(world, Waited(seconds, left, by))
            by.throttled = False
            self._elapse(seconds + world.random.random() * world.scenario.most_overslept * (left - seconds))

        return RetryPolicy(
            [self._queues[name] for name in names],
            world.scenario.retry_seconds,
            world.random.random,
            pause,
            final_refusals=by.process.memory,
        )

    def _elapse(self, seconds: float) -> None:
        """Let time go by for the acting handler; a handler that runs without a pause delays no other."""
        by = self._world.acting
        if self._strand is not None:
            by.wakes_at = self._world.clock.at + timedelta(seconds=seconds)
            self._strand.pause()
            return
        by.lost_seconds += seconds
        if self._time_left(by) < 0:
            self._world.dice.note(Fault.TIMED_OUT)
            self._world.story.tell(self._world.who, "time is out")
            raise Killed

    def _time_left(self, by: Invocation) -> float:
        gone = (self._world.clock.at - by.begun_at).total_seconds() + by.lost_seconds
        return _TIMEOUT_SECONDS[by.stage] - gone

    def _plan(self, by: Invocation) -> PlanStage:
        scenario = self._world.scenario
        settings = PlanSettings(
            accounts="organization",
            excluded_accounts=scenario.excluded_accounts,
            regions=tuple(by.regions),
            batch_size=by.build.batch_size,
            deadline_seconds=by.build.deadline_seconds,
            max_lateness_seconds=scenario.max_lateness_seconds,
            include_sensitive_fields=scenario.include_sensitive_fields,
            sources=tuple(source.name for source in by.build.sources.secondary),
            tag_keys=scenario.tag_keys,
            detail_deadline_seconds=scenario.detail_deadline_seconds,
        )
        return PlanStage(
            self._store,
            self._accounts,
            by.build.sources,
            self._source_queues,
            self._queues["commit"],
            self._clock,
            settings,
        )

    @property
    def _source_queues(self) -> dict[str, Queue]:
        return {
            "nodes": self._queues["discover"],
            "gadgets": self._queues["listing"],
            "patch_states": self._queues["collect"],
            "toys": self._queues["detail"],
            "patches": self._queues["detail"],
            "instances": self._queues["listing"],
            "tags": self._queues["listing"],
        }

    def _commit(self, by: Invocation, message: CommitMessage, delivery: Delivery) -> object:
        """Run commit where it ran before and remembers shards, or in a new place; one that dies is not run again."""
        build, stage = self._warm.pop() if self._warm else (by.build, self._new_commit(by.build))
        if build != by.build:
            stage = self._new_commit(by.build)
        try:
            return stage.handle(message, delivery)
        except Killed:
            stage = self._new_commit(by.build)
            raise
        finally:
            self._warm.append((by.build, stage))

    def _new_commit(self, build: Build) -> CommitStage:
        scenario = self._world.scenario
        return CommitStage(
            runs=StoredRuns(self._store, build, build.sources, self._map),
            source_queues=self._source_queues,
            commit_queue=self._queues["commit"],
            clock=self._clock,
            tick_seconds=scenario.tick_seconds,
            max_lateness_seconds=scenario.max_lateness_seconds,
            deadline_seconds=build.deadline_seconds,
            version=build.version,
        )


def _outcome(result: object) -> str:
    """Return what a handler's result comes to, in a word."""
    return str(getattr(result, "outcome", None) or getattr(result, "step", None))
