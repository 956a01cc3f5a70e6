"""The worker threads of an export: they handle discover and collect messages until the run is published.

Nodes come first, then patch states, then secondary sources, which no worker begins after their deadline.

The workers handle one message of a target and service at a time. So an account that a service throttles holds only one
worker of that service, and no target gets more concurrent calls than one collect stage has connections.
"""

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Condition
from typing import NamedTuple

from patchlake.adapters.memory import MemoryQueue
from patchlake.core.messages import CollectMessage, DiscoverMessage
from patchlake.errors import RetryableError
from patchlake.ports import Delivery
from patchlake.stages.collect import CollectResult, CollectStage
from patchlake.stages.discover import DiscoverResult
from patchlake_cli.export.composition import Stages

LOOK_SECONDS = 0.2
"""The pause of a worker that found no message: a deferred message becomes visible without a notification."""

type Result = DiscoverResult | CollectResult
type Message = DiscoverMessage | CollectMessage


class _Work(NamedTuple):
    """A queue, the kind of its messages, and the service that they ask."""

    queue: MemoryQueue
    kind: type[Message]
    service: str


class Pool:
    """Workers over the queues of ``stages``; safe to watch from another thread."""

    def __init__(
        self,
        stages: Stages,
        on_result: Callable[[Result], object],
        on_trouble: Callable[[Exception], object],
        takes_details: Callable[[], bool],
    ) -> None:
        """Start nothing yet.

        Args:
            stages: the stages, with one collect stage for each worker.
            on_result: called with the result of each message, from any worker.
            on_trouble: called with each failure whose message will be retried.
            takes_details: whether the messages of secondary sources are handled, or left to commit.
        """
        self._stages = stages
        self._on_result = on_result
        self._on_trouble = on_trouble
        self._takes_details = takes_details
        self._busy: dict[str, set[str]] = {"ssm": set(), "ec2": set()}
        """The targets that a worker asks about, by service."""
        self._changed = Condition()
        self._threads = ThreadPoolExecutor(len(stages.collect), thread_name_prefix="worker")
        self._workers: list[Future[None]] = []

    def start(self) -> None:
        """Start every worker."""
        self._workers = [self._threads.submit(self._work, collect) for collect in self._stages.collect]

    def wait(self, seconds: float) -> None:
        """Wait until a message has been handled, but no longer than this.

        Raises:
            PatchlakeError: the error that ended a worker.
        """
        with self._changed:
            self._changed.wait(seconds)
        for worker in self._workers:
            if worker.done():
                worker.result()

    @property
    def is_idle(self) -> bool:
        """Whether no message is in flight, waiting or deferred."""
        with self._changed:
            return not (any(self._busy.values()) or any(work.queue.messages for work in self._queues()))

    def stop(self) -> None:
        """Stop every worker, without waiting for calls in flight."""
        self._stages.stopping.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _work(self, collect: CollectStage) -> None:
        while not self._stages.stopping.is_set():
            with self._changed:
                taken = self._take()
                if taken is None:
                    self._changed.wait(LOOK_SECONDS)
                    continue
            work, message, delivery = taken
            try:
                self._on_result(self._handle(collect, message, delivery))
                work.queue.delete(delivery)
            except RetryableError as error:
                self._on_trouble(error)
            finally:
                with self._changed:
                    self._busy[work.service].discard(str(message.target))
                    self._changed.notify_all()

    def _take(self) -> tuple[_Work, Message, Delivery] | None:
        """Take the first message of a target that is not busy."""
        for work in self._queues():
            busy = self._busy[work.service]
            if (delivery := work.queue.receive(except_groups=busy)) is not None:
                message = work.kind.decode(delivery.body)
                busy.add(str(message.target))
                return work, message, replace(delivery, seconds_left=self._seconds_left)
        return None

    def _queues(self) -> list[_Work]:
        """Return the queues in the order of work; discover first, to know the number of nodes soon."""
        stages = self._stages
        root = [
            _Work(stages.discover_queue, DiscoverMessage, "ssm"),
            _Work(stages.collect_queue, CollectMessage, "ssm"),
        ]
        secondary = [
            _Work(stages.listing_queue, DiscoverMessage, "ec2"),
            _Work(stages.detail_queue, CollectMessage, "ssm"),
        ]
        return [*root, *secondary] if self._takes_details() else root

    def _seconds_left(self) -> float:
        """Give a worker unlimited time, or end it: a stop must not look like a slow target."""
        if self._stages.stopping.is_set():
            raise RetryableError("the export is ending")
        return math.inf

    def _handle(self, collect: CollectStage, message: Message, delivery: Delivery) -> Result:
        match message:
            case DiscoverMessage():
                return self._stages.discover.handle(message, delivery)
            case CollectMessage():
                return collect.handle(message, delivery)
