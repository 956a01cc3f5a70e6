"""``patchlake run``: a run of a deployed stack, started by hand and followed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Annotated

import typer
from botocore.config import Config
from rich.console import Console
from rich.status import Status

from patchlake.adapters.parquet import ParquetTables
from patchlake.bootstrap import CLIENTS, Aws
from patchlake.core.run import run_id_of
from patchlake.errors import InputError
from patchlake.stages.step import Step
from patchlake_cli.consoles import output_console
from patchlake_cli.export.runs import current_run_id
from patchlake_cli.export.settings import ProfileOption
from patchlake_cli.failure import CommandError, ExitCode
from patchlake_cli.operations.deployment import Deployment, StackOption, find_deployment
from patchlake_cli.operations.queues import read_depth
from patchlake_cli.operations.run import INVOKE_SECONDS, Started, follow, start_run
from patchlake_cli.operations.runs import Run, Runs
from patchlake_cli.operations.status import run_as_json
from patchlake_cli.operations.status_page import progress_line, run_line

LOOK_SECONDS = 2
"""Between two looks at the run."""

_SAID = {
    Step.STORED: "planned",
    Step.ADOPTED: "planned before; its messages were sent again",
    Step.LATE: "published before; nothing was started",
}


def run(
    *,
    stack: StackOption,
    scheduled_time: Annotated[
        str | None,
        typer.Option(metavar="ISO", help="Which run, as 2026-11-23T06:00:00Z; the current minute by default."),
    ] = None,
    profile: ProfileOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object about the run.")] = False,
) -> ExitCode:
    """Start a run of a deployed stack, and follow it until its snapshot is published.

    The scheduled time names the run. It must not lie in the future, nor further back than the stack allows (24 hours);
    naming a run that there is already follows it. Ctrl-C stops following; the run goes on.

    Exit codes: 0 COMPLETE, 3 PARTIAL, 1 refused or not published, 130 no longer followed.

    Example: patchlake run --stack patchlake --scheduled-time 2026-11-23T06:00:00Z
    """
    named = None if scheduled_time is None else _run_id(scheduled_time)
    aws, deployment = find_deployment(stack, profile)
    run_id = named or current_run_id(aws.clock)
    slow = CLIENTS.merge(Config(read_timeout=INVOKE_SECONDS))
    started = start_run(aws.client("lambda", slow), deployment, run_id)
    try:
        _tell(started)
        ended = _followed(aws, deployment, run_id)
    except KeyboardInterrupt:
        text = f"no longer followed; run {run_id} goes on: `patchlake status --stack {stack}` shows it"
        raise CommandError(text, ExitCode.INTERRUPTED) from None
    _print(ended, as_json=as_json)
    return ExitCode.of_run(ended.status)


def _run_id(scheduled_time: str) -> str:
    try:
        return run_id_of(scheduled_time)
    except InputError:
        raise typer.BadParameter(
            f"{scheduled_time!r}: expected an ISO 8601 time with an offset and whole seconds, such as "
            "2026-11-23T06:00:00Z",
            param_hint="--scheduled-time",
        ) from None


def _tell(started: Started) -> None:
    typer.echo(f"patchlake: run {started.run_id}: {_SAID[started.step]}", err=True)


def _followed(aws: Aws, deployment: Deployment, run_id: str) -> Run:
    runs = Runs(deployment.store(aws), ParquetTables(), aws.clock)
    sqs, dead_letters = aws.client("sqs"), deployment.commit.dead_letter_url
    before = read_depth(sqs, dead_letters).total
    never = Event()
    with _line() as line:
        return follow(
            runs,
            run_id,
            pause=lambda: never.wait(LOOK_SECONDS),
            show=lambda seen: line.update(progress_line(seen)),
            trouble=lambda: read_depth(sqs, dead_letters).total > before,
        )


@contextmanager
def _line() -> Iterator[Status]:
    """Show one line that changes; where standard error is no terminal, nothing."""
    with Console(stderr=True, highlight=False).status("looking at the run") as status:
        yield status


def _print(ended: Run, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(run_as_json(ended)))
        return
    console = output_console()
    console.print(run_line(ended))
    for target in ended.unread:
        detail = f" ({target.listing_detail})" if target.listing_detail else ""
        console.print(f"Not read: {target.account_id} {target.region}: {target.listing_status}{detail}")
