"""``patchlake redrive``: a deployed stack's dead letters, sent again."""

from typing import Annotated

import typer

from patchlake_cli.commands.options import ProfileOption, StackOption
from patchlake_cli.exit_codes import ExitCode


def redrive(
    *,
    stack: StackOption,
    profile: ProfileOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> ExitCode:
    """Send each dead letter of a deployed stack back to its queue, once its cause has been taken away.

    Each is received, sent and deleted, in this order, so none is lost when the command is killed, and sending one twice
    changes nothing. Only those that are there at the start are moved. Failed events of the schedule cannot be sent to a
    queue: those whose run has begun meanwhile are deleted, and for the others the command to type is printed.

    Exit codes: 0 none is left, 3 some are.

    Example: patchlake redrive --stack patchlake
    """
    from patchlake_cli.operations.redrive import print_redriven, redrive_stack
    from patchlake_cli.operations.stack import find_stack

    redriven = redrive_stack(find_stack(stack, profile))
    print_redriven(stack, redriven, as_json=as_json)
    return ExitCode.PARTIAL if redriven.is_any_left else ExitCode.COMPLETE
