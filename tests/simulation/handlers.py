"""The four functions as Lambda runs them: the production stages over the simulated ports, whole or in turns."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count

from msgspec.structs import astuple

from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER, PERMANENT_FROM_RECEIVE, RESERVE_SECONDS
from patchlake.errors import InputError, PatchlakeError
from patchlake.ports import Delivery
from patchlake.stages.collect import CollectStage
from patchlake.stages.commit import CommitStage
from patchlake.stages.discover import DiscoverStage
from patchlake.stages.plan import PlanSettings, PlanStage
from patchlake.stages.retry_policy import RetryPolicy
from patchlake.stages.stored_run import StoredRun
from tests.simulation.events import Ended, Failed
from tests.simulation.faults import Fault
from tests.simulation.interleaving import Killed, Strand
from tests.simulation.invariants import check
from tests.simulation.ports import (
    MESSAGES,
    AnyOrder,
    Calls,
    SimulatedAccounts,
    SimulatedClock,
    SimulatedQueue,
    SimulatedSources,
    SimulatedStore,
)
from tests.simulation.world import Build, Invocation, Message, Stage, World

_TIMEOUT_SECONDS = {
    "plan": 300,
    "discover": DISCOVER.timeout_seconds,
    "collect": COLLECT.timeout_seconds,
    "commit": COMMIT.timeout_seconds,
}
_MOST_PAUSED = 5
_MOST_SKEW_SECONDS = 900
_MOST_OVERSLEPT_SECONDS = 300


class Handlers:
    """Starts handlers and lets those that paused go on.

    Attributes:
        paused: the handlers under way, each with its strand.
    """

    def __init__(self, world: World, executor: Executor) -> None:
        """Deploy the functions into ``world``; handlers that run in turns do so on ``executor``."""
        self._world = world
        self._executor = executor
        self._numbers = count(1)
        self._strand: Strand | None = None
        self._warm: list[tuple[Build, CommitStage]] = []
        self.paused: list[tuple[Invocation, Strand]] = []
        calls = Calls(world, self._pause)
        self._store = SimulatedStore(calls)
        self._sources = SimulatedSources(calls)
        self._accounts = SimulatedAccounts(calls)
        self._queues: dict[Stage, SimulatedQueue] = {stage: SimulatedQueue(calls, stage) for stage in MESSAGES}
        self._clock = SimulatedClock(world)
        self._each = AnyOrder(world)

    def fire(self, run_id: str, scheduled_time: str, failed: Callable[[], None]) -> None:
        """Let the schedule's event reach plan; ``failed`` is called where plan fails."""
        by = self._invocation("plan", run_id, None, 1)
        stage = self._plan(by)
        self._start(by, lambda: stage.handle({"scheduled_time": scheduled_time}), lambda: None, failed)

    def deliver(self, stage: Stage, delivery: Delivery) -> None:
        """Let a received message reach its function."""
        world, queue = self._world, self._world.queues[stage]
        if world.dice.strike(0.2, (Fault.DUPLICATED,)):
            queue.messages[int(delivery.receipt)].visible_at = world.clock.at
        try:
            message = MESSAGES[stage].decode(delivery.body)
        except InputError as error:
            world.story.tell(stage, "refused a message: %s", error)
            return

        def acknowledge() -> None:
            if not world.dice.strike(world.dice.call_rate, (Fault.UNACKNOWLEDGED,)):
                queue.delete(delivery)

        by = self._invocation(stage, message.run_id, message, delivery.receive_count)
        self._start(by, self._handling(by, message, delivery), acknowledge, lambda: None)

    @property
    def awake(self) -> list[tuple[Invocation, Strand]]:
        """The handlers under way that do not sleep."""
        return [(by, strand) for by, strand in self.paused if by.wakes_at <= self._world.clock.at]

    def resume(self, paused: tuple[Invocation, Strand]) -> None:
        """Let a paused handler go on, unless its time is out."""
        self.paused.remove(paused)
        by, strand = paused
        self._world.acting, self._strand = by, strand
        if self._world.clock.at - by.begun_at > timedelta(seconds=_TIMEOUT_SECONDS[by.stage]):
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

    def _invocation(self, stage: Stage, run_id: str, message: Message | None, receive_count: int) -> Invocation:
        world = self._world
        if world.dice.strike(0.03, (Fault.DEPLOYED,)):
            world.deploy()
        skewed = world.dice.strike(0.3, (Fault.SKEWED,))
        skew = world.random.randint(-_MOST_SKEW_SECONDS, _MOST_SKEW_SECONDS) if skewed else 0
        by = Invocation(
            number=next(self._numbers),
            stage=stage,
            run_id=run_id,
            message=message,
            receive_count=receive_count,
            begun_at=world.clock.at,
            begun_late=run_id in world.published_at,
            build=world.build,
            skew=timedelta(seconds=skew),
            regions=tuple(world.regions),
        )
        world.acting = by
        told = run_id if message is None else " ".join(str(value) for value in astuple(message)[1:])
        world.story.tell(
            world.who, "begins %s, receive %d%s", told, receive_count, f", its clock {skew:+} s" if skew else ""
        )
        return by

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
                result = handle()
            except Killed:
                world.story.tell(world.who, "dies")
                failed()
            except PatchlakeError as error:
                world.story.tell(world.who, "fails: %s: %s", type(error).__name__, error)
                check(world, Failed(error, by))
                failed()
            else:
                world.story.tell(world.who, "returns %s", _outcome(result))
                check(world, Ended(result, by))
                acknowledge()

        if len(self.paused) >= _MOST_PAUSED or world.random.random() >= world.scenario.in_turns:
            self._strand = None
            work()
            return
        strand = self._strand = Strand(self._executor, work)
        if strand.resume():
            world.dice.note(Fault.OVERLAPPED)
            self.paused.append((by, strand))

    def _pause(self) -> None:
        dice = self._world.dice
        if self._strand is not None and dice.random.random() < dice.pause_rate:
            self._strand.pause()

    def _handling(self, by: Invocation, message: Message, delivery: Delivery) -> Callable[[], object]:
        delivery = replace(delivery, seconds_left=partial(self._seconds_left, by))
        match message:
            case DiscoverMessage():
                discover = DiscoverStage(
                    self._store, by.build, self._sources, self._queues["collect"], self._retry_policy("discover", by)
                )
                return lambda: discover.handle(message, delivery)
            case CollectMessage():
                collect = CollectStage(
                    self._store, by.build, self._sources, self._retry_policy("collect", by), self._each
                )
                return lambda: collect.handle(message, delivery)
            case CommitMessage():
                return lambda: self._commit(by, message, delivery)

    def _seconds_left(self, by: Invocation) -> float:
        """Tell a worker how much time it has, and remember what it was told."""
        world = self._world
        left = _TIMEOUT_SECONDS[by.stage] - (world.clock.at - by.begun_at).total_seconds() - by.lost_seconds
        if world.dice.strike(world.dice.call_rate / 4, (Fault.OUT_OF_TIME,)):
            left = min(left, RESERVE_SECONDS / 2)
        by.seconds_left = min(by.seconds_left, left)
        if left < RESERVE_SECONDS and by.receive_count >= PERMANENT_FROM_RECEIVE and by.run_id is not None:
            world.blanked.add(by.run_id)
        return left

    def _retry_policy(self, stage: Stage, by: Invocation) -> RetryPolicy:
        world = self._world

        def pause(seconds: float) -> None:
            by.pauses += 1
            seconds += world.random.random() * _MOST_OVERSLEPT_SECONDS
            if self._strand is None:
                # A handler that runs at one go holds up nobody.
                by.lost_seconds += seconds
            else:
                by.wakes_at = world.clock.at + timedelta(seconds=seconds)
                self._strand.pause()

        return RetryPolicy(self._queues[stage], self._world.scenario.retry_seconds, self._world.random.random, pause)

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
        )
        return PlanStage(
            self._store, self._accounts, self._queues["discover"], self._queues["commit"], self._clock, settings
        )

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
            stored_run=StoredRun(self._store, build, self._each),
            discover_queue=self._queues["discover"],
            collect_queue=self._queues["collect"],
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
