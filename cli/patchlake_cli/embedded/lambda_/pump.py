"""One SQS event source of a function: between a queue and the function's execution environments.

Receives, invokes with partial batch responses, deletes the messages that succeeded, and leaves the others to the
queue's visibility timeout and redrive policy. There is one pump per event source, with environments of its own. It can
simulate the trouble that a queue or a host causes (`Disturbance`).
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

# The limit of ReceiveMessage; an event source without a batching window waits for no more.
_RECEIVE_LIMIT = 10

# Lambda polls for up to 20 seconds. This pump instead polls an empty queue at growing intervals: it sees a message that
# becomes visible sooner than moto's long poll would, and stops without waiting for a poll.
_SHORTEST_IDLE_SECONDS = 0.02
_LONGEST_IDLE_SECONDS = 0.2

type Batch = Sequence[MessageTypeDef]


class Crash(Enum):
    """The moment at which an execution environment dies."""

    BEFORE = "before the handler saw the event"
    AFTER = "after the handler answered and before the answer arrived"


def _as_received(batch: Batch) -> Iterable[Batch]:
    return [batch]


def _never(_batch: Batch) -> Crash | None:
    return None


@dataclass(frozen=True, slots=True)
class Disturbance:
    """The trouble to simulate; none by default.

    Attributes:
        arrange: turns the messages of one receive into invocations: more batches, the same message twice, another
            order, fewer messages, or ones kept back earlier. Called by one thread, so it may keep state.
        crash: whether the environment dies around this batch's invocation. Called by several threads.
    """

    arrange: Callable[[Batch], Iterable[Batch]] = _as_received
    crash: Callable[[Batch], Crash | None] = _never


@dataclass(frozen=True, slots=True)
class InvocationStarted:
    """A function received a batch."""

    stage: str
    batch: Batch


@dataclass(frozen=True, slots=True)
class InvocationEnded:
    """A function has finished a batch; the messages that did not fail have been deleted from the queue.

    Attributes:
        stage: of the function.
        batch: the batch.
        failed_ids: the ids of the messages that stay in the queue.
        seconds: the time that it took, including the start of a process.
        error: the reason why the whole invocation failed; None if the function answered.
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
    """The pump stopped: the embedded AWS answered an error, or ended."""

    stage: str
    error: BaseException


type PumpEvent = InvocationStarted | InvocationEnded | LogLine | PumpBroken


class Pump:
    """Feeds one function from one queue, with up to ``concurrency`` execution environments.

    Usage: ``with Pump(function, source, endpoint, observe): …``. Leaving the block kills current invocations;
    their messages become visible again after their visibility timeout, as after the death of a host.
    """

    def __init__(  # noqa: PLR0913
        self,
        function: DeployedFunction,
        source: EventSource,
        endpoint: Endpoint,
        observe: Callable[[PumpEvent], None],
        *,
        concurrency: int | None = None,
        disturbance: Disturbance | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            function: the function to invoke.
            source: the queue to read.
            endpoint: the AWS of its queue.
            observe: called with every event, by several threads; it must not raise or block.
            concurrency: the maximum number of environments, no more than the event source's own maximum.
            disturbance: the trouble to simulate.
        """
        self._function = function
        self._source = source
        self._observe = observe
        self._disturbance = disturbance or Disturbance()
        limits = (limit for limit in (concurrency, self._source.maximum_concurrency) if limit is not None)
        self._concurrency = min(limits, default=1)
        self._sqs = endpoint.session.client("sqs", endpoint_url=endpoint.url, config=endpoint.config)
        self._environments = [ExecutionEnvironment(function, endpoint, self._on_log) for _ in range(self._concurrency)]
        # Last in, first out: as in Lambda, a warm environment is used before a cold one. None means stop.
        self._idle: queue.LifoQueue[ExecutionEnvironment | None] = queue.LifoQueue()
        for environment in self._environments:
            self._idle.put(environment)
        self._stopping = threading.Event()
        self._flowing = threading.Event()
        self._flowing.set()
        self._threads = ThreadPoolExecutor(self._concurrency + 1, thread_name_prefix=f"pump-{source.name}")

    def start(self) -> None:
        """Start receiving."""
        self._run(self._poll)

    def pause(self) -> None:
        """Stop receiving until ``resume``; messages already received are still handled."""
        self._flowing.clear()

    def resume(self) -> None:
        """Receive again."""
        self._flowing.set()

    def flow(self, enabled: bool) -> None:  # noqa: FBT001 - its only argument
        """Resume or pause, like an enabled or a disabled event source mapping."""
        self.resume() if enabled else self.pause()

    def kill_environments(self) -> None:
        """Kill all processes of the function, as failing hosts would; the pump continues with new ones."""
        for environment in self._environments:
            environment.kill()

    def stop(self) -> None:
        """Stop receiving, kill current invocations, and wait until they have ended."""
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
        """Run a task in a thread of the pump; an error of the task breaks the pump."""

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
        """Wait for a free environment, so that no batch waits here while its visibility timeout runs."""
        self._flowing.wait()
        # It stays free after it is put back: only this thread takes environments.
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
        """Return the ids of the failed messages, and the error that failed them all, if there was one."""
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
        # A message whose deletion fails becomes visible again, as in any standard queue.
        for few in batched(messages, _RECEIVE_LIMIT, strict=False):
            self._sqs.delete_message_batch(
                QueueUrl=self._source.queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]} for number, message in enumerate(few)
                ],
            )
