"""A fleet behind a token bucket for each target, asked by collect workers as Lambda runs them, in simulated time."""

from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import NamedTuple

import msgspec

from patchlake.adapters.memory import MemoryApis, MemoryQueue
from patchlake.core.keys import ROOT_DETAIL
from patchlake.core.messages import CollectMessage, CommitMessage
from patchlake.core.targets import Target
from patchlake.core.timings import CALL, COLLECT
from patchlake.errors import RetryableError, ThrottledError
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.patches import DECIDING_COUNTS, PATCHES, Patch
from patchlake.sources.registry import SOURCES, Registry
from patchlake.stages.collect import CollectStage
from patchlake.stages.retry_policy import RetryPolicy
from patchlake.stages.step import Step
from tests.simulation.virtual_time import VirtualTime
from tests.world import EU, ROOT_SOURCES, World, node_id, patch_state

CONNECTIONS, DETAIL_CONNECTIONS = 8, 2
CASES = (
    (5, 4, 12_000, 2000),
    (20, 4, 24_000, 2000),
    (50, 4, 40_000, 2000),
    (5, 20, 10_000, 500),
    (20, 40, 24_000, 500),
    (50, 20, 50_000, 1000),
    (5, 20, 40_000, 2000),
)
"""Calls a second that a target bears, workers that ask it, its nodes, and nodes of a batch."""

PATCHES_CASES = (
    (5, 4, 2, 5000),
    (20, 40, 2, 20_000),
)
PATCHES_LONG_CASES = (
    (5, 4, 40, 20_000),
    (20, 40, 40, 20_000),
    (50, 40, 40, 40_000),
)
"""Calls a second that a target bears, workers that ask for its states, workers that ask for its patches, its nodes.

The long ones last longer than the visibility of the queue, so that commit sends messages again, or have most workers.
"""

_LACKING = 10, 3
"""Of so many nodes so many lack a patch."""

_RETRY_QUOTA, _RETRY_COST = 500, 5
"""Of one client of the SDK, so of one worker: what it may spend on repeated calls, and what each costs."""

_LATENCY_SECONDS = 0.06
_BATCH_SIZE = 2000
_CLEAN = {
    str(column.member): 0 for column in ROOT_SOURCES.patch_states.answer_columns if column.name in DECIDING_COUNTS
}
_PATCH = msgspec.convert(
    {
        "Title": "a patch",
        "KBId": "KB5000000",
        "Classification": "SecurityUpdates",
        "Severity": "Critical",
        "State": "Missing",
        "InstalledTime": 0,
    },
    type=Patch,
)


def listed_world(nodes: dict[Target, int], batch_size: int, sources: Registry = ROOT_SOURCES) -> World:
    """Return a world whose targets are listed, in their order, and whose batches wait in a fair queue."""
    world = World(accounts=tuple(target.account_id for target in nodes), batch_size=batch_size, sources=sources)
    world.collect_queue = _fair_queue(world, "collect")
    world.detail_queue = _fair_queue(world, "detail")
    for target, count in nodes.items():
        world.add_nodes(target, range(count))
    world.start()
    while world.deliver_discover():
        pass
    world.apis.call_counter.drain()
    return world


def world_with_patches(nodes: int) -> World:
    """Return a world whose target is listed, in which some of the nodes lack a patch."""
    world = listed_world({EU: nodes}, _BATCH_SIZE, SOURCES)
    api, (of, lacking) = world.apis.of(EU), _LACKING
    for number in range(nodes):
        missing = int(number % of < lacking)
        api.states[node_id(number)] = patch_state(number, **_CLEAN | {"MissingCount": missing})
        if missing:
            api.others.setdefault(PATCHES.operation.name, {})[node_id(number)] = [_PATCH]
    return world


def _fair_queue(world: World, name: str) -> "FairQueue":
    return FairQueue(world.clock, COLLECT.visibility_seconds, COLLECT.max_receive_count, name)


class FairQueue(MemoryQueue):
    """A queue as SQS treats message groups: the group with the fewest messages in flight is next."""

    def _first_visible(self, except_groups: Container[str]) -> int | None:
        now = self.clock.at
        hidden = Counter(message.group for message in self.messages.values() if message.visible_at > now)
        visible = [
            number
            for number, message in self.messages.items()
            if message.visible_at <= now and message.group not in except_groups
        ]
        return min(visible, key=lambda number: hidden[self.messages[number].group], default=None)


class Pace(NamedTuple):
    """The pace of a run with patches, compared with what its target bears.

    Attributes:
        run: its workers.
        world: where it was published.
        seconds: until the last part was stored.
        of_bucket: that, compared with the time that the bucket needs for its calls.
        of_root: the time of the last root part, compared with that of a run without patches.
    """

    run: "ThrottledRun"
    world: World
    seconds: float
    of_bucket: float
    of_root: float


def pace_with_patches(calls_a_second: int, workers: int, detail_workers: int, nodes: int) -> Pace:
    """Play a run with patches, and the same one without."""
    alone = ThrottledRun(listed_world({EU: nodes}, _BATCH_SIZE), workers, {EU: calls_a_second})
    root_seconds = alone.play()
    world = world_with_patches(nodes)
    run = ThrottledRun(world, workers, {EU: calls_a_second}, detail_workers=detail_workers)
    seconds = run.play()
    lacking = len(world.apis.of(EU).others[PATCHES.operation.name])
    calls = nodes / PATCH_STATES.operation.ids_per_call + lacking
    return Pace(run, world, seconds, seconds * calls_a_second / calls, run.root_done_at[EU] / root_seconds)


@dataclass
class Bucket:
    """So many calls a second, and as many at once at first."""

    calls_a_second: float
    time: VirtualTime
    _tokens: float = 0
    _at: float = -1

    def take(self) -> bool:
        """Whether one more call is borne now; one that is not costs nothing."""
        self._tokens = min(self.calls_a_second, self._tokens + (self.time.seconds - self._at) * self.calls_a_second)
        self._at = self.time.seconds
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class ThrottledRun:
    """The collect workers of one run whose targets are listed, and the commits of a run with patches.

    Attributes:
        throttles: how many requests were throttled.
        done_at: when each target's last part was stored, in seconds since the workers began.
        root_done_at: when its last part of the patch states was.
        calls: how many requests were answered.
    """

    def __init__(
        self,
        world: World,
        workers: int,
        calls_a_second: dict[Target, float],
        timeout_seconds: int = COLLECT.timeout_seconds,
        *,
        detail_workers: int = 0,
    ) -> None:
        """Prepare the workers; ``calls_a_second`` names every target."""
        self._world, self._timeout_seconds = world, timeout_seconds
        self._workers, self._detail_workers = workers, detail_workers
        self._random = Random(1)  # noqa: S311  # a run is to be repeated
        self._time = VirtualTime()
        self._began = world.clock.at
        self._is_over = False
        self.calls = self.throttles = 0
        self.done_at: dict[Target, float] = {}
        self.root_done_at: dict[Target, float] = {}
        self._buckets = {target: Bucket(rate, self._time) for target, rate in calls_a_second.items()}

    def play(self) -> float:
        """Let the workers empty the queues; return the seconds until the last part was stored."""
        world = self._world
        for _ in range(self._workers):
            self._time.start(lambda: self._work(world.collect_queue))
        for _ in range(self._detail_workers):
            self._time.start(lambda: self._work(world.detail_queue))
        if self._detail_workers:
            self._time.start(self._commit)
        self._time.run()
        return max(self.done_at.values())

    def _commit(self) -> None:
        """Let commit check the run every tick, and send again what is missing, until it is published."""
        world, stage = self._world, self._world.commit
        while not self._is_over:
            delivery = world.commit_queue.receive()
            if delivery is None:
                self._sleep(stage.tick_seconds / 10)
                continue
            try:
                world.committed.append(stage.handle(CommitMessage.decode(delivery.body), delivery))
            except RetryableError:
                continue
            world.commit_queue.delete(delivery)
            self._is_over = True

    def _is_done(self, queue: MemoryQueue) -> bool:
        return self._is_over if self._detail_workers else not queue.messages

    def _work(self, queue: MemoryQueue) -> None:
        world = self._world
        retry_policy = RetryPolicy([queue], 30, self._random.random, self._sleep)
        apis = MemoryApis(
            world.clock,
            targets={
                target: replace(world.apis.of(target), before_call=self._request(bucket))
                for target, bucket in self._buckets.items()
            },
        )
        stage = CollectStage(
            world.store,
            world.tables,
            apis,
            world.sources,
            world.source_queues,
            retry_policy,
            parallel_map=self._time.threads(CONNECTIONS),
            detail_map=self._time.threads(DETAIL_CONNECTIONS),
            clock=world.clock,
        )
        while not self._is_done(queue):
            delivery = queue.receive()
            if delivery is None:
                self._sleep(1)
                continue
            delivery = replace(delivery, seconds_left=self._seconds_left(self._time.seconds + self._timeout_seconds))
            try:
                result = stage.handle(CollectMessage.decode(delivery.body), delivery)
            except RetryableError as error:
                world.failures.append(error)
            else:
                queue.delete(delivery)
                if result.step is Step.STORED:
                    self.done_at[result.target] = self._time.seconds
                    if result.source == ROOT_DETAIL:
                        self.root_done_at[result.target] = self._time.seconds

    def _seconds_left(self, ends_at: float) -> Callable[[], float]:
        return lambda: ends_at - self._time.seconds

    def _request(self, bucket: Bucket) -> Callable[[str], None]:
        """Return what a worker's call does before its answer: the SDK's standard retries, with its quota of them."""
        quota = _RETRY_QUOTA

        def request(_: str) -> None:
            nonlocal quota
            for attempt in range(CALL.attempts):
                self._sleep(_LATENCY_SECONDS * (1 + self._random.random()))
                if bucket.take():
                    self.calls += 1
                    quota = min(_RETRY_QUOTA, quota + (_RETRY_COST if attempt else 1))
                    return
                self.throttles += 1
                if attempt == CALL.attempts - 1 or quota < _RETRY_COST:
                    break
                quota -= _RETRY_COST
                self._sleep(self._random.random() * 2**attempt)
            raise ThrottledError("Rate exceeded")

        return request

    def _sleep(self, seconds: float) -> None:
        self._time.sleep(seconds)
        self._world.clock.at = self._began + timedelta(seconds=self._time.seconds)
