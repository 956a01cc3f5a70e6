"""``patchlake redrive``: a deployed stack's dead letters, sent again."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from patchlake.adapters.parquet import ParquetTables
from patchlake_cli.consoles import output_console
from patchlake_cli.export.settings import ProfileOption
from patchlake_cli.failure import ExitCode
from patchlake_cli.operations.calls import reading_the_lake
from patchlake_cli.operations.deployment import StackOption, find_deployment
from patchlake_cli.operations.failed_events import FailedEvent, Fate, settle
from patchlake_cli.operations.redrive import Moved, SqsDeadLetters, SqsSource, move
from patchlake_cli.operations.run import scheduled_event
from patchlake_cli.operations.runs import Runs


def redrive(
    *,
    stack: StackOption,
    profile: ProfileOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> ExitCode:
    """Send each dead letter of a deployed stack back to its queue, once its cause has been taken away.

    Each is received, sent and deleted, in this order, so none is lost when the command is killed, and sending one twice
    changes nothing. Only those that are there at the start are moved. Failed events of the schedule cannot be sent to a
    queue: those whose run has begun meanwhile are deleted, and for the others the command to type is printed.

    Exit codes: 0 none is left, 3 some are.

    Example: patchlake redrive --stack patchlake
    """
    aws, deployment = find_deployment(stack, profile)
    sqs = aws.client("sqs")
    runs = Runs(deployment.store(aws), ParquetTables(), aws.clock)
    with reading_the_lake():
        events = settle(SqsDeadLetters(sqs, deployment.plan_dead_letter_url), runs.is_planned)
    moved = {
        queue.stage: move(SqsDeadLetters(sqs, queue.dead_letter_url), SqsSource(sqs, queue.url))
        for queue in deployment.queues
    }
    if as_json:
        typer.echo(json.dumps(_as_json(moved, events)))
    else:
        _print(output_console(), stack, moved, events)
    left = any(each.left for each in moved.values()) or any(event.fate is not Fate.SETTLED for event in events)
    return ExitCode.PARTIAL if left else ExitCode.COMPLETE


def _as_json(moved: dict[str, Moved], events: list[FailedEvent]) -> dict[str, Any]:
    return {
        "queues": [{"stage": stage, "left": each.left} | asdict(each) for stage, each in moved.items()],
        "failed_events": [asdict(event) for event in events],
    }


def _print(console: Console, stack: str, moved: dict[str, Moved], events: list[FailedEvent]) -> None:
    if not events:
        console.print("plan: no failed event.")
    for event in events:
        console.print(Text(f"plan: {_advice(stack, event)}"), soft_wrap=True)
    for stage, each in moved.items():
        said = "no dead letter." if each.found == 0 else f"{each.moved} of {each.found} dead letters sent again."
        console.print(f"{stage}: {said}")


def _advice(stack: str, event: FailedEvent) -> str:
    reason = "" if event.reason is None else f" ({event.reason})"
    match event:
        case FailedEvent(Fate.SETTLED, run_id):
            return f"the failed event of run {run_id} is deleted, since the run has a plan by now."
        case FailedEvent(Fate.START_AGAIN, str(run_id)):
            time = scheduled_event(run_id)["scheduled_time"]
            return (
                f"run {run_id} was never planned{reason}. Within 24 hours of its time: "
                f"patchlake run --stack {stack} --scheduled-time {time} starts it, and redrive then deletes the event."
            )
    return f"an event names no scheduled time{reason}: it is not the schedule's, so find out whose, and delete it."
