"""Print a stack's status: once, or repeatedly until Ctrl-C."""

import json
from threading import Event

import typer
from rich.live import Live

from patchlake_cli.operations.stack import Stack
from patchlake_cli.operations.status import Status, read_status, status_as_json
from patchlake_cli.operations.status_page import status_page
from patchlake_cli.terminal.console import output_console


def show_status(stack: Stack, most_runs: int, *, as_json: bool) -> Status:
    """Read a stack's status once, print it and return it.

    Raises:
        CommandError: a part of it cannot be read.
    """
    seen = read_status(stack, most_runs)
    if as_json:
        typer.echo(json.dumps(status_as_json(seen)))
    else:
        output_console().print(status_page(seen))
    return seen


def watch_status(stack: Stack, most_runs: int, pause_seconds: float, *, as_json: bool) -> Status:
    """Print a stack's status repeatedly until Ctrl-C, and return the last one.

    Raises:
        CommandError: a part of it cannot be read.
    """
    console, never = output_console(), Event()
    seen = read_status(stack, most_runs)
    try:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                if as_json:
                    typer.echo(json.dumps(status_as_json(seen)))
                elif console.is_terminal:
                    live.update(status_page(seen), refresh=True)
                else:
                    console.print(status_page(seen))
                never.wait(pause_seconds)
                seen = read_status(stack, most_runs)
    except KeyboardInterrupt:
        return seen
