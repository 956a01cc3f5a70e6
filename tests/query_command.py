"""``patchlake query`` as tests call it."""

from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from patchlake_cli.commands.query import query
from patchlake_cli.exit_codes import CommandError

app = typer.Typer()
app.command()(query)


WIDE = {"COLUMNS": "400"}


def run(lake: Path, *arguments: str) -> Result:
    """Call the command on a lake as of the day of the story."""
    return run_as_of("2026-11-13", lake, *arguments)


def run_as_of(day: str, lake: Path, *arguments: str) -> Result:
    """Call the command; the result's value is what it returned."""
    options = ["--lake", str(lake), "--as-of", day, *arguments]
    return CliRunner().invoke(app, options, standalone_mode=False)


def refusal(lake: Path, *arguments: str) -> str:
    """Return the one line with which the command ends."""
    result = run(lake, *arguments)
    assert isinstance(result.exception, CommandError)
    assert result.stdout == ""
    return str(result.exception)
