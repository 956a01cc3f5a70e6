"""A run that was started by hand, on the screen: followed until it is published, then one page or one JSON object."""

import json
from threading import Event

import typer
from botocore.config import Config
from rich.console import Console

from patchlake.bootstrap import CLIENTS
from patchlake.stages.step import Step
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.runs import Run
from patchlake_cli.operations.manual_run import INVOKE_SECONDS, follow, start_run
from patchlake_cli.operations.queues import read_depth
from patchlake_cli.operations.stack import Stack
from patchlake_cli.operations.status import run_as_json
from patchlake_cli.operations.status_page import progress_line, run_line
from patchlake_cli.terminal.console import output_console

LOOK_SECONDS = 2
"""Between two looks at the run."""

_SAID = {
    Step.STORED: "planned",
    Step.ADOPTED: "planned before; its messages were sent again",
    Step.LATE: "published before; nothing was started",
}


def start_and_follow(stack: Stack, run_id: str) -> Run:
    """Start a run and follow it on standard error until it is published; where that is no terminal, in silence.

    Raises:
        CommandError: it was refused, it will not be published, or Ctrl-C ended the following.
    """
    slow = CLIENTS.merge(Config(read_timeout=INVOKE_SECONDS))
    started = start_run(stack.aws.client("lambda", slow), stack.deployment, run_id)
    try:
        typer.echo(f"patchlake: run {started.run_id}: {_SAID[started.step]}", err=True)
        return _followed(stack, run_id)
    except KeyboardInterrupt:
        text = f"no longer followed; run {run_id} goes on: `patchlake status --stack {stack.deployment.stack}` shows it"
        raise CommandError(text, ExitCode.INTERRUPTED) from None


def print_ended(ended: Run, *, as_json: bool) -> None:
    """Print a run that has ended, as a page or as one JSON object."""
    if as_json:
        typer.echo(json.dumps(run_as_json(ended)))
        return
    console = output_console()
    console.print(run_line(ended))
    for target in ended.unread:
        detail = f" ({target.listing_detail})" if target.listing_detail else ""
        console.print(f"Not read: {target.account_id} {target.region}: {target.listing_status}{detail}")


def _followed(stack: Stack, run_id: str) -> Run:
    sqs, dead_letters = stack.aws.client("sqs"), stack.deployment.commit.dead_letter_url
    before = read_depth(sqs, dead_letters).total
    never = Event()
    with Console(stderr=True, highlight=False).status("looking at the run") as line:
        return follow(
            stack.runs,
            run_id,
            pause=lambda: never.wait(LOOK_SECONDS),
            show=lambda seen: line.update(progress_line(seen)),
            trouble=lambda: read_depth(sqs, dead_letters).total > before,
        )
