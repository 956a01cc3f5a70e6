"""Start a run of a deployed stack as its schedule does, and follow it until it is published.

Whoever follows only looks: the run goes on when he stops.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patchlake.core.run import run_at
from patchlake.stages.step import Step
from patchlake_cli.failure import CommandError
from patchlake_cli.operations.calls import asking, reading_the_lake
from patchlake_cli.operations.deployment import Deployment
from patchlake_cli.operations.runs import Run, Runs, RunStatus

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

INVOKE_SECONDS = 330
"""How long the answer of plan is waited for: its time-out and a start."""


@dataclass(frozen=True, slots=True)
class Started:
    """What plan said: STORED is a new run, ADOPTED one that had its plan already, LATE one that is published."""

    run_id: str
    step: Step


def scheduled_event(run_id: str) -> dict[str, str]:
    """Return the event that the schedule sends for a run."""
    return {"scheduled_time": f"{run_at(run_id):%Y-%m-%dT%H:%M:%SZ}"}


def start_run(client: "LambdaClient", deployment: Deployment, run_id: str) -> Started:
    """Invoke plan, and wait for its answer; a run that has its plan already is only sent on its way again.

    Raises:
        CommandError: plan refuses or fails, in its own words, or it may not be invoked.
    """
    payload = json.dumps(scheduled_event(run_id))
    with asking("lambda:InvokeFunction", f"function {deployment.plan_function}"):
        answer = client.invoke(FunctionName=deployment.plan_function, Payload=payload)
        body: Any = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise CommandError(_refusal(deployment, run_id, body))
    return Started(body["run_id"], Step(body["step"]))


def follow(
    runs: Runs, run_id: str, *, pause: Callable[[], object], show: Callable[[Run], object], trouble: Callable[[], bool]
) -> Run:
    """Look at a run until it is published, and return it as it was published.

    Args:
        runs: of the stack.
        run_id: of a run that has a plan.
        pause: called between two looks.
        show: called with the run at each look.
        trouble: whether its watch has become a dead letter, so that it will not be published.

    Raises:
        CommandError: it will not be published, or the lake cannot be read.
    """
    while True:
        with reading_the_lake():
            run = runs.run(run_id)
        show(run)
        if run.is_published:
            return run
        if run.status is RunStatus.OVERDUE or trouble():
            what = "is past its deadline" if run.status is RunStatus.OVERDUE else "has left a dead letter of commit"
            raise CommandError(
                f"run {run_id} {what} and is not published: the log of commit says why; see CommitDeadLetterAlarm in "
                "docs/operations.md"
            )
        pause()


def _refusal(deployment: Deployment, run_id: str, body: Any) -> str:  # noqa: ANN401 - whatever the function says
    text = body.get("errorMessage", "") if isinstance(body, dict) else str(body)
    told = text if run_id in text else f"run {run_id}: {text}"
    return f"{deployment.plan_function} refuses. {told}"
