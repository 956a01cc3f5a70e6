"""The command ``patchlake``: the list of its commands, and nothing else."""

import sys

import typer

from patchlake_cli import demo, query
from patchlake_cli.failure import CommandError

app = typer.Typer(
    name="patchlake",
    help="Complete snapshots of the patch state of every node that AWS Systems Manager lists.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo.demo)
app.command()(query.query)


@app.callback()
def patchlake() -> None:
    """Complete snapshots of the patch state of every node that AWS Systems Manager lists."""


def main() -> None:
    """Run the command line; an error that can be expected is one line, not a traceback."""
    try:
        app()
    except CommandError as error:
        sys.exit(f"patchlake: {error}")
