"""The readiness of an export, target by target: credentials, role, region and each API."""

from dataclasses import dataclass, replace
from pathlib import Path

from patchlake.adapters.explanations import utc_now
from patchlake.adapters.memory import MemoryStore
from patchlake.bootstrap import Aws
from patchlake.errors import PatchlakeError
from patchlake_cli.access.advice import Advice, Refusals, advise, advise_on_refusal, explain
from patchlake_cli.access.checks import ANY_TAG_KEY, TargetCheck, check_folder, check_store, check_targets
from patchlake_cli.access.permissions import SOURCE_PERMISSIONS, Permission
from patchlake_cli.access.sessions import Identity, open_session
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.export.composition import aws_ports, compose
from patchlake_cli.export.settings import ExportSettings
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.runs import current_run_id
from patchlake_cli.lake.store import open_store


@dataclass(frozen=True, slots=True)
class Readiness:
    """The result of all checks of an export.

    Attributes:
        lake: the location of the lake, if one was given.
        lake_obstacle: the problem with the lake, if any.
        targets: every active target.
    """

    identity: Identity
    lake: LakeLocation | None
    lake_obstacle: str | None
    targets: list[TargetCheck]
    advice: list[Advice]

    @property
    def readable(self) -> int:
        """The number of targets that an export could read."""
        return sum(target.works for target in self.targets)

    @property
    def exit_code(self) -> ExitCode:
        """COMPLETE if an export could read every target; ERROR if it could read none or not use the lake."""
        if self.lake_obstacle or not self.readable:
            return ExitCode.ERROR
        return ExitCode.COMPLETE if self.readable == len(self.targets) else ExitCode.PARTIAL


def read_readiness(settings: ExportSettings, lake: LakeLocation | None, profile: str | None) -> Readiness:
    """Make one harmless call for each permission that an export needs; nothing is kept.

    Raises:
        CommandError: there are no credentials, or the accounts cannot be listed.
    """
    session = open_session(profile, default_region=settings.first_region, region_option="--regions")
    settings = replace(settings.of_session(session), tag_keys=(ANY_TAG_KEY,))
    aws = Aws(session, utc_now)
    ports = aws_ports(aws, settings, MemoryStore())
    identity = ports.identify()
    try:
        plan = compose(ports, settings).plan.new_plan(current_run_id(ports.clock))
    except PatchlakeError as error:
        raise explain(error, partition=identity.partition) from error
    targets = list(check_targets(plan, ports.apis))

    def lacking(permission: Permission) -> set[str]:
        return {check.target.account_id for check in targets if permission in check.missing}

    advice = advise(
        Refusals(
            lacking(Permission.ASSUME_ROLE),
            lacking(Permission.LIST_NODES),
            {permission: lacking(permission) for permission in SOURCE_PERMISSIONS.values()},
        ),
        home_account_id=plan.home_account_id,
        role_name=settings.role_name,
        external_id=settings.external_id,
        partition=identity.partition,
    )
    obstacle = None
    if lake is not None:
        obstacle = lake.obstacle() or (check_folder(Path(lake.text)) if lake.bucket is None else None)
        if obstacle is None and (refusal := check_store(open_store(lake, aws, connections=1))) is not None:
            obstacle = str(refusal)
            advice += advise_on_refusal(refusal, lake, partition=identity.partition)
    return Readiness(identity, lake, obstacle, targets, advice)
