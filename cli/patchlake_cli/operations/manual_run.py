"""Start a run of a deployed stack as its schedule does, and follow it until it is published.

Following only reads: the run continues when it stops.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from patchlake.adapters.one_line import one_line
from patchlake.adapters.streamed_bodies import read_streamed
from patchlake.core.run import run_at
from patchlake.stages.step import Step
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.run_reader import Runs
from patchlake_cli.lake.runs import Run, RunStatus
from patchlake_cli.operations.calls import asking, read_answer, read_json, reading_the_lake
from patchlake_cli.operations.deployment import Deployment
from patchlake_cli.operations.findings import OVERDUE_FIX

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

INVOKE_SECONDS = 330
"""The longest time to wait for the answer of plan: its time-out and a cold start."""


class _Invoked(TypedDict):
    FunctionError: NotRequired[str]


@dataclass(frozen=True, slots=True)
class Started:
    """The answer of plan: STORED is a new run, ADOPTED one that already had a plan, LATE a published one."""

    run_id: str
    step: Step


def scheduled_event(run_id: str) -> dict[str, str]:
    """Return the event that the schedule sends for a run."""
    return {"scheduled_time": f"{run_at(run_id):%Y-%m-%dT%H:%M:%SZ}"}


def start_run(client: "LambdaClient", deployment: Deployment, run_id: str) -> Started:
    """Invoke plan and wait for its answer; for a run that already has a plan, it only sends the messages again.

    Raises:
        CommandError: plan refuses or fails, with its own message, or the invocation is denied.
    """
    payload = json.dumps(scheduled_event(run_id))
    with asking("lambda:InvokeFunction", f"function {deployment.plan_function}"):
        answer = client.invoke(FunctionName=deployment.plan_function, Payload=payload)
        body = read_streamed(answer["Payload"])
        if "FunctionError" in read_answer(answer, _Invoked):
            raise CommandError(_refusal(deployment, run_id, read_json(body, Any)))
        started = read_json(body, Started)
    if started.run_id != run_id:
        raise CommandError(
            f"function {deployment.plan_function} answered {started.step} for run {started.run_id}, not for run "
            f"{run_id}: it is not the plan function of a patchlake stack"
        )
    return started


def require_stored(runs: Runs, deployment: Deployment, started: Started) -> None:
    """Require that the lake has what plan says about a run.

    Raises:
        CommandError: it has no such run, or the lake cannot be read.
    """
    run_id, is_late = started.run_id, started.step is Step.LATE
    with reading_the_lake():
        is_stored = runs.is_published(run_id) if is_late else runs.is_planned(run_id)
    if not is_stored:
        answered = f"function {deployment.plan_function} answered {started.step} for run {run_id}"
        raise CommandError(
            f"{answered}, but s3://{deployment.bucket} has no {'snapshot' if is_late else 'plan'} of that run: the "
            "function uses another bucket, or a proxy changes answers. Compare the function's variable "
            "PATCHLAKE_BUCKET with the stack's output BucketName"
        )


def follow(runs: Runs, run_id: str, *, pause: Callable[[], object], show: Callable[[Run], object]) -> Run:
    """Read a run until it is published, and return the published run.

    Args:
        runs: the runs of the stack.
        run_id: a run that has a plan.
        pause: called between two reads.
        show: called with the run after each read.

    Raises:
        CommandError: it is not published by its deadline, it is damaged, or the lake cannot be read.
    """
    while True:
        with reading_the_lake():
            run = runs.run(run_id)
        show(run)
        if run.is_published:
            return run
        if run.status is RunStatus.OVERDUE:
            raise CommandError(f"run {run_id} is past its deadline and is not published: {OVERDUE_FIX}")
        pause()


def _refusal(deployment: Deployment, run_id: str, body: object) -> str:
    said = body.get("errorMessage", "") if isinstance(body, dict) else body
    text = one_line(str(said)) or "it gives no reason: see its log"
    reason = text if run_id in text else f"run {run_id}: {text}"
    return f"{deployment.plan_function} failed. {reason}"
