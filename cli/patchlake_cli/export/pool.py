"""The hands of an export: worker threads that take discover and collect messages until the run is published.

Of one target one message is under way at a time. So a throttled account holds one worker and never the others, and no
target sees more calls at once than one collect stage has connections.
"""

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Condition

from patchlake.adapters.memory import MemoryQueue
from patchlake.core.messages import CollectMessage, DiscoverMessage
from patchlake.errors import RetryableError
from patchlake.ports import Delivery
from patchlake.stages.collect import CollectResult, CollectStage
from patchlake.stages.discover import DiscoverResult
from patchlake_cli.export.composition import Stages

LOOK_SECONDS = 0.2
"""Between two looks of a worker that found no message: one that was deferred comes back by itself."""

type Result = DiscoverResult | CollectResult
type Message = DiscoverMessage | CollectMessage


class Pool:
    """Workers over the queues of ``stages``; safe to watch from another thread."""

    def __init__(
        self, stages: Stages, on_result: Callable[[Result], object], on_trouble: Callable[[Exception], object]
    ) -> None:
        """Start nothing yet.

        Args:
            stages: one collect stage for each worker.
            on_result: called with what became of each message, from any worker.
            on_trouble: called with each failure that passes by itself: its message comes back.
        """
        self._stages = stages
        self._on_result = on_result
        self._on_trouble = on_trouble
        self._busy: set[str] = set()
        self._changed = Condition()
        self._threads = ThreadPoolExecutor(len(stages.collect), thread_name_prefix="worker")
        self._workers: list[Future[None]] = []

    def start(self) -> None:
        """Let every worker begin."""
        self._workers = [self._threads.submit(self._work, collect) for collect in self._stages.collect]

    def wait(self, seconds: float) -> None:
        """Wait until something has been done, at most for so long.

        Raises:
            PatchlakeError: what ended a worker, other than a failure that passes.
        """
        with self._changed:
            self._changed.wait(seconds)
        for worker in self._workers:
            if worker.done():
                worker.result()

    @property
    def is_idle(self) -> bool:
        """Whether no message is under way, waiting or deferred."""
        with self._changed:
            return not (self._busy or self._stages.discover_queue.messages or self._stages.collect_queue.messages)

    def stop(self) -> None:
        """Let no worker ask anything more; calls that are under way are not waited for."""
        self._stages.stopping.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _work(self, collect: CollectStage) -> None:
        while not self._stages.stopping.is_set():
            with self._changed:
                taken = self._take()
                if taken is None:
                    self._changed.wait(LOOK_SECONDS)
                    continue
            queue, message, delivery = taken
            try:
                self._on_result(self._handle(collect, message, delivery))
                queue.delete(delivery)
            except RetryableError as error:
                self._on_trouble(error)
            finally:
                with self._changed:
                    self._busy.discard(str(message.target))
                    self._changed.notify_all()

    def _take(self) -> tuple[MemoryQueue, Message, Delivery] | None:
        """Take the first message of a target that no worker is at; discover first, so that the nodes are soon known."""
        for queue, kind in (
            (self._stages.discover_queue, DiscoverMessage),
            (self._stages.collect_queue, CollectMessage),
        ):
            if (delivery := queue.receive(except_groups=self._busy)) is not None:
                message = kind.decode(delivery.body)
                self._busy.add(str(message.target))
                return queue, message, replace(delivery, seconds_left=self._seconds_left)
        return None

    def _seconds_left(self) -> float:
        """Let a worker go on forever, or end it: it must not take the stop for a target's slowness."""
        if self._stages.stopping.is_set():
            raise RetryableError("the export is ending")
        return math.inf

    def _handle(self, collect: CollectStage, message: Message, delivery: Delivery) -> Result:
        match message:
            case DiscoverMessage():
                return self._stages.discover.handle(message, delivery)
            case CollectMessage():
                return collect.handle(message, delivery)
