"""``patchlake check``: the targets that an export could read, or the problems of a deployed stack or of a policy."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchlake.core.counts import counted
from patchlake_cli.commands.options import (
    DEFAULTS,
    AccountsOption,
    ExcludeAccountsOption,
    ExternalIdOption,
    HistoryDaysOption,
    ProfileOption,
    RegionOption,
    RegionsOption,
    RoleNameOption,
    lake_option,
    read_stack,
    refuse_unless,
    refuse_unused,
    refuse_unused_role,
)
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.export.settings import ROLE_NAME, read_settings
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import Settings
from patchlake_cli.option_values import path
from patchlake_cli.visible_text import visible

if TYPE_CHECKING:
    from patchlake_cli.lake.policy_check import PolicyCheck


def check(  # noqa: PLR0913  # one option each
    context: typer.Context,
    *,
    lake: Annotated[LakeLocation | None, lake_option("Also check this lake: a folder, or s3://BUCKET/PREFIX.")] = None,
    accounts: AccountsOption = "self",
    exclude_accounts: ExcludeAccountsOption = "",
    regions: RegionsOption = None,
    role_name: RoleNameOption = ROLE_NAME,
    external_id: ExternalIdOption = "",
    profile: ProfileOption = None,
    stack: Annotated[
        str | None,
        typer.Option("--stack", "-s", parser=read_stack, metavar="STACK", help="Check this deployed stack instead."),
    ] = None,
    region: RegionOption = None,
    policy: Annotated[
        Path | None,
        path("Check this policy instead: a folder with sla/ and exceptions/."),
    ] = None,
    history_days: HistoryDaysOption = DEFAULTS.history_days,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> ExitCode:
    """Check what an export could read: credentials, role, region and each API, target by target.

    It changes nothing, apart from storing and removing a temporary file if the lake is a folder.

    Exit codes: 0 every target can be read, 1 an export would fail, 3 some targets cannot be read. Patches, instances
    and tags do not count: an export reads them only with their options, and is complete without them.

    Exit codes with --stack: 0 all checks passed, 1 error, 3 a check found a problem or could not run.

    Exit codes with --policy: 0 every row can be used, or there is none, 1 error, 3 a row or a file is bad. This needs
    no AWS account.

    Example: patchlake check --accounts organization --role-name my-export-role
    """
    refuse_unless(context, "history_days", "--policy", given=policy is not None)
    if policy is not None:
        refuse_unused(
            context,
            ("lake", "accounts", "exclude_accounts", "regions", "role_name", "external_id", "profile", "stack"),
            "--policy",
        )
        return _check_policy(policy, history_days, as_json=as_json)
    if stack is not None:
        refuse_unused(
            context, ("lake", "accounts", "exclude_accounts", "regions", "role_name", "external_id"), "--stack"
        )
        return _check_stack(stack, profile, region, as_json=as_json)
    refuse_unless(context, "region", "--stack", given=False)
    from patchlake_cli.export.readiness import read_readiness
    from patchlake_cli.export.readiness_page import print_readiness

    settings = read_settings(
        accounts=accounts,
        exclude_accounts=exclude_accounts,
        regions=regions,
        role_name=role_name,
        external_id=external_id,
    )
    refuse_unused_role(context, settings.accounts)
    readiness = read_readiness(settings, lake, profile)
    print_readiness(readiness, as_json=as_json)
    return readiness.exit_code


def _check_stack(stack: str, profile: str | None, region: str | None, *, as_json: bool) -> ExitCode:
    from patchlake_cli.operations.checks import check_all
    from patchlake_cli.operations.checks_page import print_checks
    from patchlake_cli.operations.findings import Verdict
    from patchlake_cli.operations.stack import find_stack

    checked = check_all(find_stack(stack, profile, region))
    print_checks(stack, checked, as_json=as_json)
    passed = all(each.verdict is Verdict.OK for each in checked)
    return ExitCode.COMPLETE if passed else ExitCode.PARTIAL


def _check_policy(folder: Path, history_days: int, *, as_json: bool) -> ExitCode:
    from patchlake_cli.lake.policy_check import check_policy

    try:
        checked = check_policy(folder, Settings(history_days=history_days))
    except LakeError as error:
        raise CommandError(str(error)) from error
    if as_json:
        typer.echo(json.dumps({"policy": str(folder), **asdict(checked)}))
    else:
        for finding in checked.findings:
            typer.echo(visible(str(finding)))
        typer.echo(_policy_verdict(checked))
    return ExitCode.PARTIAL if checked.findings else ExitCode.COMPLETE


def _policy_verdict(checked: "PolicyCheck") -> str:
    match checked.rows, len(checked.findings):
        case 0, 0:
            return "The policy has no rows: the built-in deadlines apply, and there are no exceptions."
        case _, 0:
            return "Every row of the policy can be used."
        case _, problems:
            return f"{counted(problems, 'problem')}."
