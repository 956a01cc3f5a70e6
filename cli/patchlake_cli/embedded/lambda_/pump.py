"""Lambda's SQS event source for one function: between a queue and the function's execution environments.

Receives, invokes with partial batch responses, deletes what succeeded and leaves the rest to the visibility timeout and
the redrive policy, which are the queue's own. One pump per function stands on each arrow between the stages. It can
be told to make the trouble that a queue and a host make (`Disturbance`).
"""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from itertools import batched
from types import TracebackType
from typing import TYPE_CHECKING, Self

from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedFunction, EventSource
from patchlake_cli.embedded.lambda_.environment import ExecutionEnvironment
from patchlake_cli.embedded.lambda_.function_process import InvocationError
from patchlake_cli.embedded.lambda_.sqs_event import failed_message_ids, sqs_event

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# ReceiveMessage returns no more, and an event source without a batching window waits for no more.
_RECEIVE_LIMIT = 10

# Lambda polls for up to 20 seconds. Here a look at an empty queue is repeated at growing intervals instead: a message
# whose visibility timeout ends is seen sooner than by moto's own long poll, and stopping waits for no poll.
_SHORTEST_IDLE_SECONDS = 0.02
_LONGEST_IDLE_SECONDS = 0.2

type Batch = Sequence[MessageTypeDef]


class Crash(Enum):
    """The moment at which an execution environment dies."""

    BEFORE = "before the handler saw the event"
    AFTER = "after the handler answered and before anybody heard it"


def _as_received(batch: Batch) -> Iterable[Batch]:
    return [batch]


def _never(_batch: Batch) -> Crash | None:
    return None


@dataclass(frozen=True, slots=True)
class Disturbance:
    """The trouble to make; none by default.

    Attributes:
        arrange: turns the messages of one receive into invocations: more batches, the same message twice, another
            order, fewer messages, or ones kept back earlier. Called by one thread, so it may keep state.
        crash: whether the environment dies around this batch's invocation. Called by several threads.
    """

    arrange: Callable[[Batch], Iterable[Batch]] = _as_received
    crash: Callable[[Batch], Crash | None] = _never


@dataclass(frozen=True, slots=True)
class InvocationStarted:
    """A function was handed a batch."""

    stage: str
    batch: Batch


@dataclass(frozen=True, slots=True)
class InvocationEnded:
    """A function is done with a batch; what did not fail has been deleted from the queue.

    Attributes:
        stage: of the function.
        batch: what it was handed.
        failed_ids: the ids of the messages that stay in the queue.
        seconds: how long it took, the start of a process included.
        error: why the whole invocation failed; None when the function answered.
    """

    stage: str
    batch: Batch
    failed_ids: frozenset[str]
    seconds: float
    error: InvocationError | None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A function printed or logged a line; metrics are lines too (embedded metric format)."""

    stage: str
    line: str


@dataclass(frozen=True, slots=True)
class PumpBroken:
    """The pump stopped by itself: the embedded AWS answered an error or is gone."""

    stage: str
    error: BaseException


type PumpEvent = InvocationStarted | InvocationEnded | LogLine | PumpBroken


class Pump:
    """Feeds one function from its queue, with up to ``concurrency`` execution environments.

    Usage: ``with Pump(function, endpoint, observe): …``. Leaving the block kills invocations that are under way, whose
    messages come back when their visibility timeout ends, as after the death of a host.
    """

    def __init__(
        self,
        function: DeployedFunction,
        endpoint: Endpoint,
        observe: Callable[[PumpEvent], None],
        *,
        concurrency: int | None = None,
        disturbance: Disturbance | None = None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            function: what to feed; it must have an event source.
            endpoint: the AWS of its queue.
            observe: told everything that happens, by several threads; it must not raise or block.
            concurrency: at most so many environments; by default, and at most, the event source's own maximum.
            disturbance: the trouble to make.

        Raises:
            ValueError: the function has no event source.
        """
        if function.event_source is None:
            raise ValueError(f"{function.name} has no event source")
        self._function = function
        self._source: EventSource = function.event_source
        self._observe = observe
        self._disturbance = disturbance or Disturbance()
        limits = (limit for limit in (concurrency, self._source.maximum_concurrency) if limit is not None)
        self._concurrency = min(limits, default=1)
        self._sqs = endpoint.session.client("sqs", endpoint_url=endpoint.url, config=endpoint.config)
        self._environments = [ExecutionEnvironment(function, endpoint, self._on_log) for _ in range(self._concurrency)]
        # Last in, first out: as in Lambda a warm environment is taken before a cold one. None means: stop.
        self._idle: queue.LifoQueue[ExecutionEnvironment | None] = queue.LifoQueue()
        for environment in self._environments:
            self._idle.put(environment)
        self._stopping = threading.Event()
        self._flowing = threading.Event()
        self._flowing.set()
        self._threads = ThreadPoolExecutor(self._concurrency + 1, thread_name_prefix=f"pump-{function.stage}")

    def start(self) -> None:
        """Begin to receive."""
        self._run(self._poll)

    def pause(self) -> None:
        """Receive no more until ``resume``; what has been received is still handled."""
        self._flowing.clear()

    def resume(self) -> None:
        """Receive again."""
        self._flowing.set()

    def flow(self, enabled: bool) -> None:  # noqa: FBT001 - the one thing it is told
        """Resume or pause, as an event source mapping that is enabled or disabled."""
        self.resume() if enabled else self.pause()

    def kill_environments(self) -> None:
        """Kill all processes of the function, as failing hosts would; the pump goes on with new ones."""
        for environment in self._environments:
            environment.kill()

    def stop(self) -> None:
        """Stop receiving, kill what is under way, and wait until nothing of it is left."""
        self._stopping.set()
        self._flowing.set()
        self._idle.put(None)
        for environment in self._environments:
            environment.close()
        self._threads.shutdown()
        self._sqs.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _on_log(self, line: str) -> None:
        self._observe(LogLine(self._function.stage, line))

    def _run[**Arguments](
        self, task: Callable[Arguments, None], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> None:
        """Run a task in a thread of the pump; its error, which has no other place to go, breaks the pump."""

        def note_error(done: Future[None]) -> None:
            error = done.exception()
            if error is not None and not self._stopping.is_set():
                self._stopping.set()
                self._observe(PumpBroken(self._function.stage, error))

        self._threads.submit(task, *args, **kwargs).add_done_callback(note_error)

    def _poll(self) -> None:
        idle_seconds = _SHORTEST_IDLE_SECONDS
        while self._wait_for_free_environment():
            batches = [batch for batch in self._disturbance.arrange(self._receive()) if batch]
            for batch in batches:
                if environment := self._idle.get():
                    self._run(self._deliver, environment, batch)
            if batches:
                idle_seconds = _SHORTEST_IDLE_SECONDS
            else:
                self._stopping.wait(idle_seconds)
                idle_seconds = min(2 * idle_seconds, _LONGEST_IDLE_SECONDS)

    def _wait_for_free_environment(self) -> bool:
        """Wait until a batch could be handled at once, lest it wait here while its visibility timeout runs."""
        self._flowing.wait()
        # It stays free when it is put back: this thread alone takes them.
        self._idle.put(self._idle.get())
        return not self._stopping.is_set()

    def _receive(self) -> Batch:
        return self._sqs.receive_message(
            QueueUrl=self._source.queue_url,
            MaxNumberOfMessages=min(self._source.batch_size, _RECEIVE_LIMIT),
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])

    def _deliver(self, environment: ExecutionEnvironment, batch: Batch) -> None:
        stage = self._function.stage
        self._observe(InvocationStarted(stage, batch))
        began = time.monotonic()
        try:
            failed_ids, error = self._invoke(environment, batch)
            self._delete([message for message in batch if message["MessageId"] not in failed_ids])
            self._observe(InvocationEnded(stage, batch, failed_ids, time.monotonic() - began, error))
        finally:
            self._idle.put(environment)

    def _invoke(self, environment: ExecutionEnvironment, batch: Batch) -> tuple[frozenset[str], InvocationError | None]:
        """Return the ids of the messages that failed, and the error that failed them all, if there was one."""
        message_ids = [message["MessageId"] for message in batch]
        try:
            answer = self._invoke_or_crash(environment, batch)
        except InvocationError as error:
            return frozenset(message_ids), error
        if not self._source.reports_item_failures:
            return frozenset(), None
        return failed_message_ids(answer, message_ids), None

    def _invoke_or_crash(self, environment: ExecutionEnvironment, batch: Batch) -> object:
        crash = self._disturbance.crash(batch)
        answer = None
        if crash is not Crash.BEFORE:
            answer = environment.invoke(sqs_event(batch, self._source.queue_arn))
        if crash is not None:
            environment.kill()
            raise InvocationError("Runtime.ExitError", f"killed {crash.value}")
        return answer

    def _delete(self, messages: Batch) -> None:
        # A message whose deletion fails comes back, as in any standard queue: nothing to do about it here.
        for few in batched(messages, _RECEIVE_LIMIT, strict=False):
            self._sqs.delete_message_batch(
                QueueUrl=self._source.queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(few)
                ],
            )
