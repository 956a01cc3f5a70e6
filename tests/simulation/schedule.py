"""One schedule: a seed decides who moves next, how far, and what breaks meanwhile."""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from unittest.mock import patch

from patchlake.adapters import threaded_map
from patchlake.core.run import run_at
from patchlake.ports import Delivery
from tests.simulation import invariants, mischief, operator, oracle, secondary_invariants
from tests.simulation.checking import Violation, check
from tests.simulation.events import Rested, Rewrote, Wrote
from tests.simulation.faults import BROKEN_API, SABOTAGE, Dice, Fault
from tests.simulation.handlers import Handlers
from tests.simulation.invocations import QueueName
from tests.simulation.keys import run_of, snapshot_key
from tests.simulation.provocation import ANY, Provocation
from tests.simulation.scenario import draw
from tests.simulation.world import World
from tests.world import RUN_AT

INVARIANTS = (invariants, secondary_invariants)
"""The modules whose functions are the invariants: to import them is to hold them."""

CROWD_EVERY = 10_000
"""Every so many seeds, a fleet has thousands of targets."""

_MOST_STEPS = 100_000
_MOST_REPAIRS = 50
_STALLED_AFTER_DEADLINE = timedelta(seconds=900)


@dataclass
class Tally:
    """The results of schedules; tallies add up.

    Attributes:
        runs: by COMPLETE, PARTIAL, or what else became of them.
        with_secondary: published runs whose plan names secondary sources.
        nodes_lost: nodes of a published run's shards that its snapshot lacks.
        duplicated_rows: rows of a snapshot about a node that has one already.
        rewritten: objects that were written again or deleted.
    """

    schedules: int = 0
    steps: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    with_secondary: int = 0
    nodes: int = 0
    nodes_lost: int = 0
    duplicated_rows: int = 0
    rewritten: int = 0

    def add(self, other: "Tally") -> None:
        """Add another tally to this one."""
        self.schedules += other.schedules
        self.steps += other.steps
        self.faults += other.faults
        self.runs += other.runs
        self.with_secondary += other.with_secondary
        self.nodes += other.nodes
        self.nodes_lost += other.nodes_lost
        self.duplicated_rows += other.duplicated_rows
        self.rewritten += other.rewritten


class Schedule:
    """A stack, a fleet and a few runs, from the first event to the last late message.

    Attributes:
        tally: what came of it.
    """

    def __init__(self, seed: int, without: Iterable[Fault] = (), provocation: Provocation = ANY) -> None:
        """Set the stage for a seed.

        Args:
            seed: decides everything.
            without: faults that do not strike.
            provocation: changes what the seed decides, before anything happens.
        """
        self._random = Random(seed)  # noqa: S311  # a schedule is to be replayed
        scenario = provocation.shape(draw(self._random, crowd=seed % CROWD_EVERY == 0))
        self._dice = Dice(self._random)
        if scenario.sabotage:
            self._dice.enable(SABOTAGE)
        healthy = scenario.healthy and (scenario.toys is None or scenario.toys_healthy)
        self._dice.disable((*without, *(BROKEN_API if healthy else ()), *(() if scenario.sabotage else SABOTAGE)))
        provocation.load(self._dice)
        self.world = World(self._random, scenario, self._dice, self._changed)
        provocation.prepare(self.world)
        self._handlers = Handlers(self.world)
        self._numbers = count()
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self.tally = Tally(schedules=1)

    def run(self) -> None:
        """Play it to its end.

        Raises:
            Violation: an invariant does not hold.
        """
        try:
            for run in range(len(self.world.scenario.run_spacings)):
                seconds = self._random.randint(0, 60)
                for _ in range(1 + bool(self._dice.strike(0.5, (Fault.FIRED_AGAIN,)))):
                    self._fire_later(run, seconds, retries=2)
            with patch.object(threaded_map, "wait", self._handlers.waiting):
                self._play_runs()
        finally:
            self._handlers.kill_all()
            self._count()

    def _play_runs(self) -> None:
        self._play()
        check(self.world, Rested())
        repairs = 0
        # Each deletes one object, and the one that commit stores in its place is not damaged.
        while repairs < _MOST_REPAIRS + len(self.world.objects) and operator.attend(self.world, self._start_again):
            repairs += 1
            self._play()
        if repairs:
            check(self.world, Rested(attended=True))
        self._come_late()
        self._play()

    def _start_again(self, run_id: str) -> None:
        spacing = (run_at(run_id) - RUN_AT).total_seconds()
        self._fire_later(self.world.scenario.run_spacings.index(round(spacing)), 0, retries=2)

    def _play(self) -> None:
        """Go on until nothing is under way and nothing will come."""
        world, handlers = self.world, self._handlers
        while self._step():
            self.tally.steps += 1
            self._dice.rolling = world.clock.at < world.quiet_at
            if self._dice.rolling:
                world.clock.advance(self._random.random() * world.scenario.pace_seconds)
                mischief.maybe(world, lambda run: self._fire_later(run, 0, retries=0))
            if self.tally.steps > _MOST_STEPS:
                raise Violation("L1", "A schedule comes to rest.", f"it did not in {_MOST_STEPS} steps")
        handlers.kill_all()

    def _step(self) -> bool:
        """Let one handler move, or time pass; return whether there was anything to do."""
        handlers = self._handlers
        if self._due and self._due[0][0] <= self.world.clock.at:
            self._due.pop(0)[2]()
        elif (awake := handlers.awake) and self._random.random() < 0.4:
            handlers.resume(self._random.choice(awake))
        elif (received := self._receive()) is not None:
            handlers.deliver(*received)
        elif awake and (not self._dice.rolling or self._random.random() < 0.5):
            handlers.resume(self._random.choice(awake))
        else:
            return self._wait()
        return True

    def _receive(self) -> tuple[QueueName, Delivery] | None:
        names = [name for name in self._working() if self.world.queues[name].messages]
        while names:
            name = names.pop(self._random.randrange(len(names)))
            delivery = self.world.queues[name].receive()
            if delivery is not None:
                return name, delivery
        return None

    def _working(self) -> list[QueueName]:
        """Return the queues whose messages are received."""
        stalled = self.world.scenario.stalled and self.world.clock.at < self._stalled_until()
        return [name for name in self.world.queues if not (stalled and name == "discover")]

    def _stalled_until(self) -> datetime:
        deadlines = (plan.deadline_at + _STALLED_AFTER_DEADLINE for plan in self.world.plans.values())
        return max([self.world.quiet_at, *deadlines])

    def _wait(self) -> bool:
        """Let time pass until something is due; return whether anything ever will be."""
        working = self._working()
        times = [m.visible_at for name in working for m in self.world.queues[name].messages.values()]
        times += [self._stalled_until()] if len(working) < len(self.world.queues) else []
        times += [at for at, _, _ in self._due[:1]]
        times += [by.wakes_at for by, _ in self._handlers.paused if by.wakes_at > self.world.clock.at]
        if not times:
            return bool(self._handlers.paused)
        self.world.clock.at = max(self.world.clock.at, min(times)) + timedelta(seconds=self._random.random() * 3)
        return True

    def _fire_later(self, run: int, seconds: float, retries: int) -> None:
        """Let the schedule of a run fire; Lambda repeats a plan that failed, and a person may do so much later."""
        scheduled = RUN_AT + timedelta(seconds=self.world.scenario.run_spacings[run])
        scheduled_time = f"{scheduled:%Y-%m-%dT%H:%M:%SZ}"
        run_id = f"{scheduled:%Y%m%dT%H%M%SZ}"

        def failed() -> None:
            if retries > 0:
                self._fire_later(run, 60 * (3 - retries), retries - 1)
            elif retries == 0 and self._random.random() < 0.5:
                self._fire_later(run, self._random.randrange(self.world.scenario.max_lateness_seconds), -1)

        at = max(self.world.clock.at, scheduled) + timedelta(seconds=seconds)
        insort(self._due, (at, next(self._numbers), lambda: self._handlers.fire(run_id, scheduled_time, failed)))

    def _come_late(self) -> None:
        """Let ``runs/`` expire, and let old messages and the schedule come once more."""
        world = self.world
        world.clock.advance(1)
        for run, spacing in enumerate(world.scenario.run_spacings):
            run_id = f"{RUN_AT + timedelta(seconds=spacing):%Y%m%dT%H%M%SZ}"
            if run_id in world.published_at:
                if self._random.random() < 0.5:
                    self._dice.note(Fault.EXPIRED)
                    world.story.tell("", "%s: runs/%s/", Fault.EXPIRED, run_id)
                    world.objects.expire(f"runs/{run_id}/")
                self._fire_later(run, 0, retries=-1)
        for name, body in self._random.sample(world.sent, min(3, len(world.sent))):
            self._dice.note(Fault.REDRIVEN)
            world.story.tell("", "%s: %s", Fault.REDRIVEN, world.redrive(name, body))

    def _changed(self, key: str, before: bytes | None) -> None:
        world = self.world
        if before is None:
            world.record(key)
            where = oracle.place(world, key)
            # A table may be made from an object that was deleted since: there is nothing to compare it with.
            if not (key.startswith("lake/") and run_of(key) in map(run_of, world.deleted)):
                check(world, Wrote(key, where, world.acting))
            if isinstance(where, oracle.PlanPlace):
                mischief.throttle_to_the_deadline(world, world.plans[where.run_id])
        else:
            world.rewritten += 1
            check(world, Rewrote(key, world.acting))

    def _count(self) -> None:
        world = self.world
        self.tally.faults = self._dice.struck
        self.tally.rewritten = world.rewritten
        for spacing in world.scenario.run_spacings:
            run_id = f"{RUN_AT + timedelta(seconds=spacing):%Y%m%dT%H%M%SZ}"
            if run_id not in world.plans:
                self.tally.runs["never planned"] += 1
            elif run_id not in world.published_at:
                self.tally.runs["CORRUPT" if run_id in world.corrupt else "never published"] += 1
            else:
                self.tally.runs["COMPLETE" if oracle.is_complete(world, run_id) else "PARTIAL"] += 1
                nodes = Counter(oracle.listed(world, run_id))
                rows = Counter(oracle.rows(world.tables[snapshot_key(run_id)], ["account_id", "region", "instance_id"]))
                self.tally.with_secondary += bool(world.plans[run_id].sources)
                self.tally.nodes += nodes.total()
                self.tally.nodes_lost += (nodes - rows).total()
                self.tally.duplicated_rows += rows.total() - len(rows)
