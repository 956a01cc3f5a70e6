"""``patchlake status``: a deployed stack at a glance."""

import json
from collections.abc import Callable
from threading import Event
from typing import Annotated

import typer
from rich.live import Live

from patchlake.adapters.parquet import ParquetTables
from patchlake_cli.consoles import output_console
from patchlake_cli.export.settings import ProfileOption
from patchlake_cli.failure import ExitCode
from patchlake_cli.operations.deployment import StackOption, find_deployment
from patchlake_cli.operations.runs import Runs
from patchlake_cli.operations.status import Status, read_status, status_as_json
from patchlake_cli.operations.status_page import status_page

WATCH_SECONDS = 5
"""Between two looks of ``--watch``."""


def status(
    *,
    stack: StackOption,
    runs: Annotated[int, typer.Option(min=1, max=100, help="How many runs to show.")] = 7,
    watch: Annotated[bool, typer.Option(help=f"Look again every {WATCH_SECONDS} seconds, until Ctrl-C.")] = False,
    profile: ProfileOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; with --watch one a line.")] = False,
) -> ExitCode:
    """Show the last runs of a deployed stack, the run under way, and the queues.

    Exit codes: 0 the newest snapshot is COMPLETE, 3 it is PARTIAL or there is none.

    Example: patchlake status --stack patchlake --watch
    """
    aws, deployment = find_deployment(stack, profile)
    reader = Runs(deployment.store(aws), ParquetTables(), aws.clock)

    def look() -> Status:
        return read_status(aws, deployment, reader, runs)

    if watch:
        return _watch(look, as_json=as_json)
    seen = look()
    if as_json:
        typer.echo(json.dumps(status_as_json(seen)))
    else:
        output_console().print(status_page(seen))
    return seen.exit_code


def _watch(look: Callable[[], Status], *, as_json: bool) -> ExitCode:
    """Look again and again until Ctrl-C, which is how a watch ends well."""
    console, never = output_console(), Event()
    seen = look()
    try:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                if as_json:
                    typer.echo(json.dumps(status_as_json(seen)))
                elif console.is_terminal:
                    live.update(status_page(seen), refresh=True)
                else:
                    console.print(status_page(seen))
                never.wait(WATCH_SECONDS)
                seen = look()
    except KeyboardInterrupt:
        return seen.exit_code
