"""EventBridge Scheduler, which invokes plan asynchronously at each scheduled time."""

import json
from datetime import UTC, datetime
from typing import Any

from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.embedded.lambda_.environment import ExecutionEnvironment
from patchlake_cli.embedded.lambda_.function_process import InvocationError


def scheduled_event(stack: DeployedStack, scheduled_at: datetime) -> Any:  # noqa: ANN401 - any JSON of the template
    """Return the event that the stack's schedule sends at a time.

    Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    time = scheduled_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.loads(stack.schedule_input.replace("<aws.scheduler.scheduled-time>", time))


def invoke_asynchronously(environment: ExecutionEnvironment, event: object, *, retries: int) -> Any:  # noqa: ANN401
    """Invoke as Lambda does for Scheduler: retry after an error, but at once rather than after minutes.

    Raises:
        InvocationError: the last attempt failed as well; the event is lost, as in Lambda.
    """
    for _ in range(retries):
        try:
            return environment.invoke(event)
        except InvocationError:
            continue
    return environment.invoke(event)
