"""A stack's dead letters, sent again: those of each queue, and the failed events of its schedule."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import typer
from rich.console import Console

from patchlake_cli.operations.calls import reading_the_lake
from patchlake_cli.operations.dead_letters import Moved, SqsDeadLetters, SqsSource, move
from patchlake_cli.operations.failed_events import FailedEvent, Fate, settle
from patchlake_cli.operations.manual_run import scheduled_event
from patchlake_cli.operations.stack import Stack
from patchlake_cli.terminal.console import output_console


@dataclass(frozen=True, slots=True)
class Redriven:
    """The result of a redrive.

    Attributes:
        moved: the dead letters, by their queue.
        events: the failed events of the schedule.
    """

    moved: Mapping[str, Moved]
    events: Sequence[FailedEvent]

    @property
    def is_any_left(self) -> bool:
        """Whether a letter or an event is still there."""
        return any(each.left for each in self.moved.values()) or any(
            event.fate is not Fate.SETTLED for event in self.events
        )


def redrive_stack(stack: Stack) -> Redriven:
    """Settle the failed events, then send each dead letter back to its queue.

    Raises:
        CommandError: a queue or the lake cannot be read or written.
    """
    sqs = stack.aws.client("sqs")
    with reading_the_lake():
        events = settle(SqsDeadLetters(sqs, stack.deployment.plan_dead_letter_url), stack.runs.is_planned)
    moved = {
        queue.name: move(SqsDeadLetters(sqs, queue.dead_letter_url), SqsSource(sqs, queue.url))
        for queue in stack.deployment.queues
    }
    return Redriven(moved, events)


def print_redriven(stack: str, redriven: Redriven, *, as_json: bool) -> None:
    """Print the result of a redrive, as text or as one JSON object."""
    if as_json:
        typer.echo(json.dumps(_as_json(redriven)))
    else:
        _print(output_console(), stack, redriven)


def _as_json(redriven: Redriven) -> dict[str, Any]:
    return {
        "queues": [{"stage": stage, "left": each.left} | asdict(each) for stage, each in redriven.moved.items()],
        "failed_events": [asdict(event) for event in redriven.events],
    }


def _print(console: Console, stack: str, redriven: Redriven) -> None:
    if not redriven.events:
        console.print("plan: no failed events.")
    for event in redriven.events:
        console.print(f"plan: {_advice(stack, event)}", soft_wrap=True)
    for stage, each in redriven.moved.items():
        said = "no dead letters." if each.found == 0 else f"{each.moved} of {each.found} dead letters sent again."
        console.print(f"{stage}: {said}")


def _advice(stack: str, event: FailedEvent) -> str:
    reason = "" if event.reason is None else f" ({event.reason})"
    match event:
        case FailedEvent(Fate.SETTLED, run_id):
            return f"deleted the failed event of run {run_id}: the run has a plan now."
        case FailedEvent(Fate.START_AGAIN, str(run_id)):
            time = scheduled_event(run_id)["scheduled_time"]
            return (
                f"run {run_id} was never planned{reason}. Within 24 hours of its time, start it with "
                f"`patchlake run --stack {stack} --scheduled-time {time}`; redrive then deletes the event."
            )
    return (
        f"an event has no scheduled time{reason}: it does not come from the schedule. Find its sender, and delete it."
    )
