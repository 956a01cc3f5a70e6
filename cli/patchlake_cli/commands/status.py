"""``patchlake status``: the last runs and the queues of a deployed stack."""

from typing import Annotated

import typer

from patchlake_cli.commands.options import ProfileOption, RegionOption, StackOption
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.option_values import whole_number

WATCH_SECONDS = 5
"""The pause between two refreshes of ``--watch``."""


def status(  # noqa: PLR0913  # one option each
    *,
    stack: StackOption,
    runs: Annotated[int, whole_number("Number of runs to show", 1, 100)] = 7,
    watch: Annotated[bool, typer.Option(help=f"Refresh every {WATCH_SECONDS} seconds until Ctrl-C.")] = False,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; with --watch, one per line.")] = False,
) -> ExitCode:
    """Show the last runs of a deployed stack, the current run and the queues.

    Exit codes: 0 the newest snapshot is COMPLETE, 1 error, 3 it is PARTIAL, there is none, or a newer run is CORRUPT.

    Example: patchlake status --stack patchlake --watch
    """
    from patchlake_cli.operations.stack import find_stack
    from patchlake_cli.operations.watch import show_status, watch_status

    found = find_stack(stack, profile, region)
    if watch:
        return watch_status(found, runs, WATCH_SECONDS, as_json=as_json).exit_code
    return show_status(found, runs, as_json=as_json).exit_code
