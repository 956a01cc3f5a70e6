"""A stack's dead letters, sent again: those of each queue, and the failed events of its schedule."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import typer
from rich.console import Console

from patchlake.core.counts import counted
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.operations.calls import reading_the_lake
from patchlake_cli.operations.dead_letters import Moved, SqsDeadLetters, SqsSource, move
from patchlake_cli.operations.failed_events import FailedEvent, FailedEvents, Fate, settle
from patchlake_cli.operations.manual_run import scheduled_event
from patchlake_cli.operations.stack import Stack
from patchlake_cli.terminal.console import output_console


@dataclass(frozen=True, slots=True)
class Redriven:
    """The result of a redrive.

    Attributes:
        moved: the dead letters, by their queue.
        events: the failed events of the schedule.
        most_late_seconds: how long after its scheduled time plan of this stack still starts a run.
        problems: why a queue could not be read, by its name; ``plan`` is that of the failed events.
    """

    moved: Mapping[str, Moved]
    events: Sequence[FailedEvent]
    most_late_seconds: int
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_any_left(self) -> bool:
        """Whether a letter or an event is still there, or may be."""
        return (
            bool(self.problems)
            or any(each.left for each in self.moved.values())
            or any(event.fate is not Fate.SETTLED for event in self.events)
        )


def redrive_stack(stack: Stack, on_progress: Callable[[str, Moved], None]) -> Redriven:
    """Settle the failed events, then send each dead letter back to its queue; a queue that fails costs no other one.

    Args:
        stack: the deployed stack.
        on_progress: called with the name of a queue and what is moved so far.

    Raises:
        CommandError: the stack's ``MaxLatenessSeconds`` is not a whole number; nothing is sent then.
    """
    most_late_seconds = stack.number("MaxLatenessSeconds")
    sqs = stack.aws.client("sqs")
    moved, failed, problems = dict[str, Moved](), FailedEvents([]), dict[str, str]()
    try:
        with reading_the_lake():
            failed = settle(SqsDeadLetters(sqs, stack.deployment.plan_dead_letters), stack.runs.is_planned)
        if failed.problem is not None:
            problems["plan"] = failed.problem
    except CommandError as error:
        problems["plan"] = str(error)
    for queue in stack.deployment.queues:
        try:
            letters, source = SqsDeadLetters(sqs, queue.dead_letters), SqsSource(sqs, queue.address)
            moved[queue.name] = move(letters, source, partial(on_progress, queue.name))
        except CommandError as error:
            problems[queue.name] = str(error)
    return Redriven(moved, failed.events, most_late_seconds, problems)


def progress_in_words(moved: Moved) -> str:
    """Return how many dead letters of a queue are sent again."""
    return f"{moved.moved} of {moved.found} dead letters sent again"


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
        "not_read": redriven.problems,
    }


def _print(console: Console, stack: str, redriven: Redriven) -> None:
    if not redriven.events and "plan" not in redriven.problems:
        console.print("plan: no failed events.")
    for event, count in Counter(redriven.events).items():
        times = "" if count == 1 else f" ({count} events)"
        console.print(f"plan: {_advice(stack, event, redriven.most_late_seconds)}{times}", soft_wrap=True)
    for stage, each in redriven.moved.items():
        said = "no dead letters." if each.found == 0 else f"{progress_in_words(each)}."
        left = "" if each.problem is None else f" {each.left} are left: {each.problem}"
        console.print(f"{stage}: {said}{left}", soft_wrap=True)
    for stage, problem in redriven.problems.items():
        console.print(f"{stage}: could not be read: {problem}", soft_wrap=True)


def _advice(stack: str, event: FailedEvent, most_late_seconds: int) -> str:
    reason = "" if event.reason is None else f" ({event.reason})"
    match event:
        case FailedEvent(Fate.SETTLED, run_id):
            return f"deleted the failed event of run {run_id}: the run has a plan now."
        case FailedEvent(Fate.NOT_DELETED, run_id):
            return f"run {run_id} has a plan now, but its failed event could not be deleted: try again in a minute."
        case FailedEvent(Fate.START_AGAIN, str(run_id)):
            time = scheduled_event(run_id)["scheduled_time"]
            return (
                f"run {run_id} was never planned{reason}. Within {_in_words(most_late_seconds)} of its scheduled time, "
                f"start it with `patchlake run --stack {stack} --scheduled-time {time}`; redrive then deletes the "
                "event."
            )
    return (
        f"an event has no scheduled time{reason}: it does not come from the schedule. "
        "Find out who sent it, then delete it."
    )


def _in_words(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return counted(seconds // 60, "minute") if rest else counted(hours, "hour")
