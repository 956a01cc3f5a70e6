"""EventBridge Scheduler, which invokes plan asynchronously at each scheduled time."""

import json
from datetime import datetime
from typing import Any

from patchlake.core.run import utc_text
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.embedded.lambda_.environment import ExecutionEnvironment
from patchlake_cli.embedded.lambda_.function_process import InvocationError


def scheduled_event(stack: DeployedStack, scheduled_at: datetime) -> Any:  # noqa: ANN401 - any JSON of the template
    """Return the event that the stack's schedule sends at a time.

    Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    return json.loads(stack.schedule_input.replace("<aws.scheduler.scheduled-time>", utc_text(scheduled_at)))


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
