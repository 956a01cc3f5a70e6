"""A fleet behind a token bucket for each target, asked by collect workers as Lambda runs them, in simulated time."""

from collections import Counter
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from patchlake.adapters.memory import MemoryApis, MemoryQueue
from patchlake.core.messages import CollectMessage
from patchlake.core.targets import Target
from patchlake.core.timings import CALL, COLLECT
from patchlake.errors import RetryableError, ThrottledError
from patchlake.stages.collect import CollectStage
from patchlake.stages.retry_policy import RetryPolicy
from tests.simulation.virtual_time import VirtualTime
from tests.world import World

CONNECTIONS = 8
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

_RETRY_QUOTA, _RETRY_COST = 500, 5
"""Of one client of the SDK, so of one worker: what it may spend on repeated calls, and what each costs."""

_LATENCY_SECONDS = 0.06


def listed_world(nodes: dict[Target, int], batch_size: int) -> World:
    """Return a world whose targets are listed, in their order, and whose batches wait in a fair queue."""
    world = World(accounts=tuple(target.account_id for target in nodes), batch_size=batch_size)
    world.collect_queue = FairQueue(world.clock, COLLECT.visibility_seconds, COLLECT.max_receive_count)
    for target, count in nodes.items():
        world.add_nodes(target, range(count))
    world.start()
    while world.deliver_discover():
        pass
    world.apis.call_counter.drain()
    return world


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
    """The collect workers of one run whose targets are listed.

    Attributes:
        throttles: how many requests were throttled.
        done_at: when each target's last part was stored, in seconds since the workers began.
    """

    def __init__(
        self,
        world: World,
        workers: int,
        calls_a_second: dict[Target, float],
        timeout_seconds: int = COLLECT.timeout_seconds,
    ) -> None:
        """Prepare the workers; ``calls_a_second`` names every target."""
        self._world, self._workers, self._timeout_seconds = world, workers, timeout_seconds
        self._random = Random(1)  # noqa: S311  # a run is to be repeated
        self._time = VirtualTime()
        self._began = world.clock.at
        self.throttles = 0
        self.done_at: dict[Target, float] = {}
        self._buckets = {target: Bucket(rate, self._time) for target, rate in calls_a_second.items()}

    def play(self) -> float:
        """Let the workers empty the queue; return the seconds until the last part was stored."""
        for _ in range(self._workers):
            self._time.start(self._work)
        self._time.run()
        return max(self.done_at.values())

    def _work(self) -> None:
        world, queue = self._world, self._world.collect_queue
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
            detail_map=map,
            clock=world.clock,
        )
        while queue.messages:
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
                self.done_at[result.target] = self._time.seconds

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
