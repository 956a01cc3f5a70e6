"""``patchlake run``: a run of a deployed stack, started by hand and followed."""

from typing import Annotated

import typer

from patchlake_cli.commands.options import ProfileOption, RegionOption, ScheduledTimeOption, StackOption
from patchlake_cli.exit_codes import ExitCode


def run(
    *,
    stack: StackOption,
    run_id: ScheduledTimeOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as one JSON object.")] = False,
) -> ExitCode:
    """Start a run of a deployed stack and follow it until its snapshot is published.

    The scheduled time names the run; the default is the current minute. It must not be in the future, or older than the
    stack allows (by default 24 hours). If the run already exists, the command follows it. Ctrl-C ends the command, but
    not the run.

    Exit codes: 0 COMPLETE, 3 PARTIAL, 1 refused or not published, 130 interrupted with Ctrl-C.

    Example: patchlake run --stack patchlake --scheduled-time 2026-11-23T06:00:00Z
    """
    from patchlake_cli.lake.runs import current_run_id
    from patchlake_cli.operations.manual_run_page import print_ended, start_and_follow
    from patchlake_cli.operations.stack import find_stack

    found = find_stack(stack, profile, region)
    ended = start_and_follow(found, run_id or current_run_id(found.aws.clock))
    print_ended(ended, as_json=as_json)
    return ExitCode.of_run(ended.status)
