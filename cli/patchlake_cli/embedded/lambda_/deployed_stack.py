"""A deployed stack: its bucket, outputs and functions, as the rest of the embedded run needs them.

Made by `deploy`; read by `environment`, `pump` and `schedule`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from patchlake_cli.embedded.lambda_.function_process import FunctionProcess, Runtime


@dataclass(frozen=True, slots=True)
class EventSource:
    """A queue that feeds a function, and how Lambda reads it.

    Attributes:
        name: the queue's name without that of its stack: discover, listing, collect, detail or commit.
        queue_url: the source queue.
        queue_arn: of the same queue.
        dead_letter_queue_url: the queue to which SQS moves messages received too often; None without a redrive policy.
        batch_size: messages per invocation, at most.
        maximum_concurrency: invocations at the same time, at most; None for Lambda's own limit.
        reports_item_failures: whether Lambda uses ``batchItemFailures`` in the function's answer.
    """

    name: str
    queue_url: str
    queue_arn: str
    dead_letter_queue_url: str | None
    batch_size: int
    maximum_concurrency: int | None
    reports_item_failures: bool


@dataclass(frozen=True, slots=True)
class DeployedFunction:
    """One Lambda function.

    Attributes:
        stage: the name of its code's folder: plan, discover, collect or commit.
        name: the function's name.
        arn: with the stack's own account and region.
        code_path: the folder that is the root of its code.
        layer_paths: the folders that follow it on Python's path.
        handler: ``module.function``.
        environment: its own variables, all resolved, and no others.
        timeout_seconds: of one invocation.
        memory_mb: the memory that the context shows to the handler; the process has no such limit.
        asynchronous_retries: the number of times that Lambda retries a failed asynchronous invocation.
        event_sources: the queues that feed it, each with its own concurrency; none for a function without a queue.
        role_name: the name of its role, by which the embedded AWS recognizes its calls.
        runtime: starts the processes of its handler.
    """

    stage: str
    name: str
    arn: str
    code_path: Path
    layer_paths: tuple[Path, ...]
    handler: str
    environment: Mapping[str, str]
    timeout_seconds: int
    memory_mb: int
    asynchronous_retries: int
    event_sources: tuple[EventSource, ...]
    role_name: str = "function"
    runtime: Runtime = FunctionProcess


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """A stack in the embedded AWS.

    Attributes:
        name: of the stack.
        account_id: the account that owns it.
        region: the region of the stack.
        bucket: the name of its bucket.
        functions: by stage.
        schedule_input: the JSON text that the schedule sends, with Scheduler's placeholders still in it.
        outputs: the template's outputs whose resources the embedded AWS makes.
    """

    name: str
    account_id: str
    region: str
    bucket: str
    functions: Mapping[str, DeployedFunction]
    schedule_input: str
    outputs: Mapping[str, str]

    @property
    def event_sources(self) -> Mapping[str, tuple[DeployedFunction, EventSource]]:
        """Every event source with the function that it feeds, by its name."""
        return {source.name: (each, source) for each in self.functions.values() for source in each.event_sources}
