"""The output of a run that was started by hand: its progress, then one line or one JSON object."""

import json
from collections.abc import Callable
from threading import Event

import typer
from botocore.config import Config

from patchlake.core.statuses import listing_code, listing_words
from patchlake.stages.step import Step
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.runs import Run, rows_in_words
from patchlake_cli.operations.calls import reading_the_lake
from patchlake_cli.operations.manual_run import INVOKE_SECONDS, follow, require_stored, start_run
from patchlake_cli.operations.queues import read_depth
from patchlake_cli.operations.stack import Stack
from patchlake_cli.operations.status import run_as_json
from patchlake_cli.operations.status_page import progress_line, run_line
from patchlake_cli.terminal.console import error_console, output_console
from patchlake_cli.terminal.run_summary import print_sources

LOOK_SECONDS = 2
"""The pause between two reads of the run."""

COMPARED_RUNS = 7
"""The number of newest runs that show which targets a run no longer planned."""

NEW_LETTER = (
    "patchlake: commit has a new dead letter, which may be of another run: see CommitDeadLetterAlarm in "
    "docs/operations.md. This run is followed until its deadline."
)

_SAID = {
    Step.STORED: "planned",
    Step.ADOPTED: "already planned; its messages were sent again",
    Step.LATE: "already published; nothing was started",
}


class NewLetterNotice:
    """The first letter that comes into a dead-letter queue; which run it is of, the number of letters does not show."""

    def __init__(self, count: Callable[[], int]) -> None:
        """Count the letters that are there; those beyond the fewest that are seen are new."""
        self._count = count
        self._known: int | None = count()

    def is_due(self) -> bool:
        """Whether there are new letters for the first time."""
        if self._known is None:
            return False
        count = self._count()
        is_due = count > self._known
        self._known = None if is_due else count
        return is_due


def start_and_follow(stack: Stack, run_id: str) -> Run:
    """Start a run and follow it until it is published; show the progress if standard error is a terminal.

    Raises:
        CommandError: the run was refused, it will not be published, or Ctrl-C interrupted the command.
    """
    slow = Config(read_timeout=INVOKE_SECONDS)
    started = start_run(stack.aws.client("lambda", slow), stack.deployment, run_id)
    try:
        require_stored(stack.runs, stack.deployment, started)
        typer.echo(f"patchlake: run {started.run_id}: {_SAID[started.step]}", err=True)
        return _followed(stack, run_id)
    except KeyboardInterrupt:
        text = f"interrupted; run {run_id} continues: `patchlake status --stack {stack.deployment.stack}` shows it"
        raise CommandError(text, ExitCode.INTERRUPTED) from None


def print_ended(ended: Run, *, as_json: bool) -> None:
    """Print a finished run, as text or as one JSON object."""
    if as_json:
        typer.echo(json.dumps(run_as_json(ended)))
        return
    console = output_console()
    console.print(run_line(ended))
    print_sources(console, ended)
    for target in ended.unread:
        words = listing_words(target.listing_status)
        code = listing_code(target.listing_status, target.listing_detail)
        console.print(f"Not read: {target.account_id} {target.region}: {words} ({code})", soft_wrap=True)
    for target in ended.incomplete:
        console.print(f"Not read: {target.account_id} {target.region}: {rows_in_words(target.rows_without_id or 0)}")


def _followed(stack: Stack, run_id: str) -> Run:
    sqs, dead_letters = stack.aws.client("sqs"), stack.deployment.commit.dead_letters
    notice = NewLetterNotice(lambda: read_depth(sqs, dead_letters).total)
    never = Event()
    console = error_console()

    def pause() -> None:
        if notice.is_due():
            console.print(NEW_LETTER, soft_wrap=True)
        never.wait(LOOK_SECONDS)

    with console.status("reading the run") as line:
        ended = follow(stack.runs, run_id, pause=pause, show=lambda seen: line.update(progress_line(seen)))
    with reading_the_lake():
        recent = stack.runs.newest(COMPARED_RUNS)
    return next((run for run in recent if run.run_id == ended.run_id), ended)
