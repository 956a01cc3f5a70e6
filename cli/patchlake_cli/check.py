"""``patchlake check``: what an export, or a deployed stack, could do, told beforehand and target by target."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from patchlake.adapters.memory import MemoryStore
from patchlake.bootstrap import Aws
from patchlake.errors import PatchlakeError
from patchlake_cli.advice import Advice, Refusals, advise, advise_on_lake, explain
from patchlake_cli.aws_session import Identity, open_session
from patchlake_cli.consoles import output_console
from patchlake_cli.export.composition import aws_ports, compose
from patchlake_cli.export.runs import current_run_id
from patchlake_cli.export.settings import (
    ROLE_NAME,
    AccountsOption,
    ExportSettings,
    ExternalIdOption,
    ProfileOption,
    RegionsOption,
    RoleNameOption,
    read_lake,
    read_settings,
)
from patchlake_cli.failure import ExitCode
from patchlake_cli.lake_location import LakeLocation
from patchlake_cli.permissions import Permission
from patchlake_cli.probes import OK, OWN, UNTRIED, TargetCheck, check_store, check_targets
from patchlake_cli.run_page import new_table
from patchlake_cli.stack_check import check_stack

_LAKE_WORKS = "nothing is in the way; that an object can be stored in a bucket shows only when one is"
_BAD = "bold red"
_STYLES = {OK: "green", OWN: "green", UNTRIED: ""}


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found out.

    Attributes:
        lake: the lake's place, where one was named.
        lake_obstacle: what is wrong with it.
        targets: every active one.
    """

    identity: Identity
    lake: str | None
    lake_obstacle: str | None
    targets: list[TargetCheck]
    advice: list[Advice]

    @property
    def exit_code(self) -> ExitCode:
        """COMPLETE where an export would be; ERROR where it could do nothing."""
        working = sum(target.works for target in self.targets)
        if self.lake_obstacle or not working:
            return ExitCode.ERROR
        return ExitCode.COMPLETE if working == len(self.targets) else ExitCode.PARTIAL


def check(  # noqa: PLR0913  # one option each
    *,
    lake: Annotated[str | None, typer.Option(help="Also look into this lake: a folder, or s3://BUCKET/PREFIX.")] = None,
    accounts: AccountsOption = "self",
    regions: RegionsOption = None,
    role_name: RoleNameOption = ROLE_NAME,
    external_id: ExternalIdOption = "",
    profile: ProfileOption = None,
    stack: Annotated[str | None, typer.Option(help="Check this deployed stack instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> ExitCode:
    """Tell beforehand what an export could read: credentials, role, region and each API, target by target.

    Writes nothing. Exit codes: 0 all works, 1 nothing would, 3 some targets could not be read. With --stack: 0 all is
    well, 3 something is amiss or could not be looked into.

    Example: patchlake check --accounts organization --regions eu-central-1,us-east-1
    """
    if stack is not None:
        return check_stack(stack, profile=profile, as_json=as_json)
    settings = read_settings(accounts=accounts, regions=regions, role_name=role_name, external_id=external_id)
    report = _check(settings, None if lake is None else read_lake(lake), profile)
    if as_json:
        typer.echo(json.dumps(_as_json(report)))
    else:
        _print(output_console(), report)
    return report.exit_code


def _check(settings: ExportSettings, lake: LakeLocation | None, profile: str | None) -> Report:
    session = open_session(profile, region=next(iter(settings.regions), None))
    settings = replace(settings, regions=settings.regions or (session.region_name,))
    aws = Aws(session)
    ports = aws_ports(aws, settings, MemoryStore())
    identity = ports.identify()
    try:
        plan = compose(ports, settings).plan.new_plan(current_run_id(ports.clock))
    except PatchlakeError as error:
        raise explain(error, partition=identity.partition) from error
    targets = list(check_targets(plan, ports.apis))
    advice = advise(
        Refusals(
            {check.target.account_id for check in targets if Permission.ASSUME_ROLE in check.missing},
            {check.target.account_id for check in targets if Permission.LIST_NODES in check.missing},
        ),
        home_account_id=plan.home_account_id,
        role_name=settings.role_name,
        external_id=settings.external_id,
        partition=identity.partition,
    )
    obstacle = None if lake is None else lake.obstacle() or check_store(lake.store(aws, connections=1))
    if lake is not None and obstacle is not None:
        advice += advise_on_lake(lake, partition=identity.partition)
    return Report(identity, None if lake is None else lake.text, obstacle, targets, advice)


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "account_id": report.identity.account_id,
        "arn": report.identity.arn,
        "lake": report.lake,
        "lake_obstacle": report.lake_obstacle,
        "targets": [
            {
                "account_id": check.target.account_id,
                "region": check.target.region,
                "works": check.works,
                "role": check.role,
                "list_nodes": check.list_nodes,
                "read_patch_states": check.read_patch_states,
                "detail": check.detail,
                "missing_permissions": list(check.missing),
            }
            for check in report.targets
        ],
        "advice": [asdict(advice) for advice in report.advice],
    }


def _print(console: Console, report: Report) -> None:
    console.print(f"We are {report.identity.arn}, account {report.identity.account_id}.\n")
    if report.lake is not None:
        console.print(f"Lake {report.lake}: {report.lake_obstacle or _LAKE_WORKS}.\n", soft_wrap=True)
    table = new_table("Targets", "account", "region", "role", "list nodes", "read patch states")
    for check in report.targets:
        steps = (
            Text(step, style=_STYLES.get(step, _BAD))
            for step in (check.role, check.list_nodes, check.read_patch_states)
        )
        table.add_row(check.target.account_id, check.target.region, *steps)
    console.print(table)
    for check in report.targets:
        if check.detail is not None:
            console.print(f"{check.target}: {check.detail}", soft_wrap=True)
    working = sum(check.works for check in report.targets)
    console.print(f"{working} of {len(report.targets)} targets can be read.")
    for advice in report.advice:
        console.print(f"\n{advice}", soft_wrap=True)
