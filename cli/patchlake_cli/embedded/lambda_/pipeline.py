"""The deployed pipeline on the embedded AWS: the four functions, fed as Lambda and Scheduler feed them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from patchlake.adapters.s3 import S3Store
from patchlake.bootstrap import bucket_store
from patchlake_cli.embedded.aws.control import ControlClient
from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.embedded.lambda_.environment import ExecutionEnvironment
from patchlake_cli.embedded.lambda_.function_host import hosted
from patchlake_cli.embedded.lambda_.pump import Disturbance, LogLine, Pump, PumpBroken, PumpEvent
from patchlake_cli.embedded.lambda_.schedule import invoke_asynchronously, scheduled_event


class PipelineError(Exception):
    """The pipeline stopped: the embedded AWS ended, or answered an error."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A running pipeline.

    Attributes:
        store: the stack's bucket.
        pumps: by the name of their event source.
    """

    stack: DeployedStack
    store: S3Store
    pumps: dict[str, Pump]
    _plan: ExecutionEnvironment
    _changed: threading.Condition
    _broken: list[PumpBroken]

    def fire(self, scheduled_at: datetime) -> None:
        """Let the schedule fire.

        Raises:
            InvocationError: plan failed, and so did Lambda's retries.
        """
        event = scheduled_event(self.stack, scheduled_at)
        invoke_asynchronously(self._plan, event, retries=self.stack.functions["plan"].asynchronous_retries)

    def wait(self, done: Callable[[], bool], *, progress: Callable[[], object], patience_seconds: float) -> bool:
        """Wait until ``done``, and call ``progress`` whenever a function has logged a line.

        Returns:
            False if the result of ``progress`` has been the same for ``patience_seconds``.

        Raises:
            PipelineError: a pump broke.
        """
        seen, since = progress(), time.monotonic()
        with self._changed:
            while not done():
                self._changed.wait(patience_seconds)
                if self._broken:
                    broken = self._broken[0]
                    msg = f"the pump of {broken.stage} broke: {broken.error}"
                    raise PipelineError(msg) from broken.error
                if (now_seen := progress()) != seen:
                    seen, since = now_seen, time.monotonic()
                elif time.monotonic() - since >= patience_seconds:
                    return False
        return True


@contextmanager
def running_pipeline(
    stack: DeployedStack,
    endpoint: Endpoint,
    on_log: Callable[[str, str], None],
    *,
    concurrency: int,
    disturbances: dict[str, Disturbance] | None = None,
) -> Iterator[Pipeline]:
    """Run a stack's functions until the block ends; their processes end with it.

    Args:
        stack: the stack to run.
        endpoint: the AWS that it is deployed to.
        on_log: called with the stage and each line that its function prints, from several threads.
        concurrency: environments of an event source, at most.
        disturbances: by event source, the trouble that its queue or host causes.
    """
    changed = threading.Condition()
    broken: list[PumpBroken] = []

    def observe(event: PumpEvent) -> None:
        match event:
            case LogLine(stage, line):
                on_log(stage, line)
            case PumpBroken():
                broken.append(event)
        with changed:
            changed.notify_all()

    def tell(stage: str, line: str) -> None:
        observe(LogLine(stage, line))

    with ExitStack() as running:
        # One environment per function for direct invocations, apart from its pump's; it starts with its first event.
        invoked = {
            stage: ExecutionEnvironment(function, endpoint, partial(tell, stage))
            for stage, function in stack.functions.items()
        }
        for environment in invoked.values():
            running.callback(environment.close)
        pumps = {
            name: running.enter_context(
                Pump(
                    function,
                    source,
                    endpoint,
                    observe,
                    concurrency=concurrency,
                    disturbance=(disturbances or {}).get(name),
                )
            )
            for name, (function, source) in stack.event_sources.items()
        }
        store = bucket_store(
            endpoint.session.client("s3", endpoint_url=endpoint.url, config=endpoint.config), stack.bucket
        )
        running.enter_context(
            hosted(
                stack,
                ControlClient.at(endpoint.url),
                {stage: environment.invoke for stage, environment in invoked.items()},
                {name: pump.flow for name, pump in pumps.items()},
            )
        )
        yield Pipeline(stack, store, pumps, invoked["plan"], changed, broken)
