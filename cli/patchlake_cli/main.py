"""The command ``patchlake``: its commands, and their exit codes."""

import os
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from threading import active_count
from typing import Annotated

import typer
from typer.exceptions import TyperException

from patchlake import __version__
from patchlake.errors import ConfigError
from patchlake_cli.commands.check import check
from patchlake_cli.commands.demo import demo
from patchlake_cli.commands.embedded_aws import embedded_aws
from patchlake_cli.commands.export import export
from patchlake_cli.commands.probe import probe
from patchlake_cli.commands.query import query
from patchlake_cli.commands.redrive import redrive
from patchlake_cli.commands.report import report
from patchlake_cli.commands.run import run
from patchlake_cli.commands.status import status
from patchlake_cli.commands.template import template
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.standard_streams import buffer_output, escape_what_has_no_code, open_missing_streams
from patchlake_cli.typer_commands import Command, Group
from patchlake_cli.visible_text import visible_lines

app = typer.Typer(
    name="patchlake",
    cls=Group,
    suggest_commands=False,
    help="Complete snapshots of the patch state of every node that AWS Systems Manager lists.",
    pretty_exceptions_show_locals=False,
    # Rich breaks the lines of a paragraph twice, and shows the type of each flag.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
app.command(cls=Command)(demo)
app.command(cls=Command)(embedded_aws)
app.command(cls=Command)(query)
app.command(cls=Command)(report)
app.command(cls=Command)(check)
app.command(cls=Command)(export)
app.command(cls=Command)(template)
app.command(cls=Command)(status)
app.command(cls=Command)(run)
app.command(cls=Command)(redrive)
app.command(cls=Command)(probe)


def _print_version(is_asked: bool) -> None:  # noqa: FBT001  # as typer calls it
    if is_asked:
        typer.echo(f"patchlake {__version__}")
        raise typer.Exit


@app.callback()
def patchlake(
    *,
    version: Annotated[  # its callback prints it
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Complete snapshots of the patch state of every node that AWS Systems Manager lists."""


def main() -> None:
    """Run the command line and end this process with its code, although an export's threads may still wait for AWS."""
    open_missing_streams()
    buffer_output()
    escape_what_has_no_code()
    try:
        code = run_command_line()
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        # As with `| head`, where the reader has all that it wants, a broken pipe is not an error.
        if not isinstance(error, BrokenPipeError):
            _say(f"{error.filename or 'cannot write the output'}: {error.strerror or error}")
        os._exit(ExitCode.ERROR)
    if code == ExitCode.INTERRUPTED or active_count() > 1:
        # The next export reads what the threads have not stored.
        os._exit(code)
    sys.exit(code)


def run_command_line() -> int:
    """Run the command line and return its exit code; an expected error is one line, not a traceback.

    A command returns nothing or an ``ExitCode``. It raises ``CommandError``, ``typer.BadParameter`` for an option, or
    ``ConfigError`` for a variable of the environment.
    """
    if sys.stdout is None:
        _say("standard output is closed: redirect it to a file, or to /dev/null")
        return ExitCode.ERROR
    try:
        Path.cwd()
    except OSError as error:
        _say(f"the working folder cannot be used: {error.strerror}. Change to another one")
        return ExitCode.ERROR
    # The SDK's parser of times quotes an expiration of credentials that has such a time zone; then it is an error.
    warnings.filterwarnings("ignore", "tzname .* identified but not understood")
    try:
        code: int | None = app(standalone_mode=False)
    except CommandError as error:
        _say(str(error))
        return error.exit_code
    except ConfigError as error:
        _say(str(error))
        return ExitCode.ERROR
    except TyperException as error:
        if text := error.format_message():
            command = getattr(error, "ctx", None)
            help_of = command.command_path if command else app.info.name
            _say(f"{text}{'' if text.endswith(('.', '?')) else '.'} Run `{help_of} --help` for usage.")
        return ExitCode.USAGE
    except KeyboardInterrupt:
        # Typer turns only that of a command into a code, and not one while it builds them.
        code = ExitCode.INTERRUPTED
    if code == ExitCode.INTERRUPTED:
        _say("interrupted")
    return code or ExitCode.COMPLETE


def _say(text: str) -> None:
    # Where standard error is full or closed, the exit code still says that something is wrong.
    with suppress(OSError):
        sys.stderr.write(f"patchlake: {visible_lines(text)}\n")
        sys.stderr.flush()
