"""``patchlake run``: a run of a deployed stack, started by hand and followed."""

from typing import Annotated

import typer

from patchlake_cli.commands.options import ProfileOption, ScheduledTimeOption, StackOption
from patchlake_cli.exit_codes import ExitCode


def run(
    *,
    stack: StackOption,
    run_id: ScheduledTimeOption = None,
    profile: ProfileOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object about the run.")] = False,
) -> ExitCode:
    """Start a run of a deployed stack, and follow it until its snapshot is published.

    The scheduled time names the run; without it, the current minute does. It must not lie in the future, nor further
    back than the stack allows (24 hours); naming a run that there is already follows it. Ctrl-C stops following; the
    run goes on.

    Exit codes: 0 COMPLETE, 3 PARTIAL, 1 refused or not published, 130 no longer followed.

    Example: patchlake run --stack patchlake --scheduled-time 2026-11-23T06:00:00Z
    """
    from patchlake_cli.lake.runs import current_run_id
    from patchlake_cli.operations.manual_run_page import print_ended, start_and_follow
    from patchlake_cli.operations.stack import find_stack

    found = find_stack(stack, profile)
    ended = start_and_follow(found, run_id or current_run_id(found.aws.clock))
    print_ended(ended, as_json=as_json)
    return ExitCode.of_run(ended.status)
