"""``patchlake probe``: AWS's behavior in the user's account, against what patchlake assumes about it."""

from typing import Annotated

import typer

from patchlake_cli.commands.options import ProfileOption, region_option
from patchlake_cli.exit_codes import CommandError, ExitCode


def probe(
    *,
    profile: ProfileOption = None,
    region: Annotated[str | None, region_option("Region to ask")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> ExitCode:
    """Check in your account what patchlake assumes about AWS, with output that you can paste into an issue.

    Makes at most 60 read-only calls, one a second, in one account and region. It stops calling a service that throttles
    a call, or fails three times in a row. Prints numbers, error codes and the region, but no id, name, address, tag or
    ARN.

    Exit codes: 0 every assumption that could be observed is confirmed, 3 one is refuted, 1 AWS did not answer any call.

    Example: patchlake probe --region eu-central-1
    """
    from patchlake_cli.probe.page import print_probe
    from patchlake_cli.probe.probing import run_probe

    found = run_probe(profile, region)
    print_probe(found, as_json=as_json)
    if found.exit_code is ExitCode.ERROR:
        raise CommandError("AWS did not answer any call: the findings name the reason")
    return found.exit_code
