"""``patchlake redrive``: a deployed stack's dead letters, sent again."""

from typing import Annotated

import typer

from patchlake_cli.commands.options import ProfileOption, RegionOption, StackOption
from patchlake_cli.exit_codes import ExitCode


def redrive(
    *,
    stack: StackOption,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> ExitCode:
    """Send the dead letters of a deployed stack back to their queues; fix the cause first.

    Each one is received, sent and deleted, in that order: none is lost if the command is killed, and sending one twice
    changes nothing. Dead letters that arrive later stay. Failed events of the schedule have no queue to go back to: the
    command deletes those whose run has started since, and prints a command for each of the others.

    Exit codes: 0 none is left, 1 error, 3 some are left, or a queue could not be read.

    Example: patchlake redrive --stack patchlake
    """
    from patchlake_cli.operations.redrive import print_redriven, progress_in_words, redrive_stack
    from patchlake_cli.operations.stack import find_stack
    from patchlake_cli.terminal.console import error_console

    with error_console().status("reading the dead letters") as shown:
        redriven = redrive_stack(
            find_stack(stack, profile, region),
            lambda queue, moved: shown.update(f"{queue}: {progress_in_words(moved)}"),
        )
    print_redriven(stack, redriven, as_json=as_json)
    return ExitCode.PARTIAL if redriven.is_any_left else ExitCode.COMPLETE
