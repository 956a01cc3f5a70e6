"""``patchlake export``: a snapshot without a deployment, from this machine."""

import json
import time
from dataclasses import replace
from typing import Annotated

import boto3
import typer
from rich.console import Console

from patchlake.bootstrap import Aws
from patchlake.core.run import run_id_of
from patchlake.errors import InputError, PatchlakeError
from patchlake.stages.commit import CommitOutcome
from patchlake.stages.stored_run import READ_AHEAD
from patchlake_cli.advice import advise, explain
from patchlake_cli.analytics.lake import open_lake
from patchlake_cli.aws_session import open_session
from patchlake_cli.consoles import output_console
from patchlake_cli.export.composition import WORKERS, Ports, Stages, aws_ports, compose
from patchlake_cli.export.page import print_page, print_what_to_do, read_page
from patchlake_cli.export.run import finish_run
from patchlake_cli.export.runs import Begun, begin
from patchlake_cli.export.settings import (
    BATCH_SIZE,
    CONNECTIONS,
    DEADLINE_SECONDS,
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
from patchlake_cli.failure import CommandError, ExitCode
from patchlake_cli.lake_location import LakeLocation
from patchlake_cli.observation import Observation
from patchlake_cli.progress import RunProgress, Troubles


def export(  # noqa: PLR0913  # one option each
    *,
    lake: Annotated[str, typer.Option(help="A folder, or s3://BUCKET with or without a prefix; made when needed.")],
    accounts: AccountsOption = "self",
    regions: RegionsOption = None,
    role_name: RoleNameOption = ROLE_NAME,
    external_id: ExternalIdOption = "",
    profile: ProfileOption = None,
    scheduled_time: Annotated[
        str | None,
        typer.Option(metavar="ISO", help="Name of the run: 2026-11-23T06:00:00Z. Without it, see above."),
    ] = None,
    connections: Annotated[int, typer.Option(help="Calls to one account and region at once.")] = CONNECTIONS,
    batch_size: Annotated[int, typer.Option(help="Nodes that are stored together.")] = BATCH_SIZE,
    deadline: Annotated[int, typer.Option(help="Seconds until a run ends with what it has.")] = DEADLINE_SECONDS,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object about the run.")] = False,
) -> ExitCode:
    """Take one snapshot from this machine, with your own AWS credentials and without a deployment.

    Ctrl-C is safe: the same command goes on where it was. Without --scheduled-time it takes up the newest unfinished
    run with equal settings, else it starts one at the current minute.

    Exit codes: 0 every node was read, 3 something could not be read and is named, 1 error.

    Example: patchlake export --lake lake --regions eu-central-1,us-east-1
    """
    settings = read_settings(
        accounts=accounts,
        regions=regions,
        role_name=role_name,
        external_id=external_id,
        connections=connections,
        batch_size=batch_size,
        deadline=deadline,
    )
    location = read_lake(lake)
    run_id = None if scheduled_time is None else _run_id(scheduled_time)
    session = open_session(profile, region=next(iter(settings.regions), None))
    settings = replace(settings, regions=settings.regions or (session.region_name,))
    return _export(location, settings, session, run_id, as_json=as_json)


def _run_id(scheduled_time: str) -> str:
    try:
        return run_id_of(scheduled_time)
    except InputError as error:
        msg = f"{scheduled_time!r}: expected an ISO 8601 time with an offset and whole seconds: 2026-11-23T06:00:00Z"
        raise typer.BadParameter(msg, param_hint="--scheduled-time") from error


def _export(
    lake: LakeLocation, settings: ExportSettings, session: boto3.Session, run_id: str | None, *, as_json: bool
) -> ExitCode:
    if (obstacle := lake.obstacle()) is not None:
        raise CommandError(f"--lake {lake.text}: {obstacle}")
    aws = Aws(session)
    ports = aws_ports(aws, settings, lake.store(aws, connections=WORKERS + READ_AHEAD))
    identity = ports.identify()
    began = time.monotonic()
    try:
        stages = compose(ports, settings)
        begun = begin(stages.plan, run_id)
        with RunProgress(Console(stderr=True)) as progress:
            observation = _finish(begun, ports, stages, progress)
        opened = open_lake(lake.text, now=begun.plan.run_at, session=session)
        page = read_page(opened, lake.tables, observation, time.monotonic() - began)
    except PatchlakeError as error:
        raise explain(error, lake, partition=identity.partition) from error
    advice = advise(
        page.refusals,
        home_account_id=begun.plan.home_account_id,
        role_name=settings.role_name,
        external_id=settings.external_id,
        partition=identity.partition,
    )
    if as_json:
        typer.echo(json.dumps(page.summary.as_json()))
    else:
        print_page(output_console(), page)
    print_what_to_do(Console(stderr=True, highlight=False) if as_json else output_console(), page, advice, lake.text)
    return ExitCode.of_run(page.summary.status)


def _finish(begun: Begun, ports: Ports, stages: Stages, progress: RunProgress) -> Observation:
    """Bring a run to its end, in sight of the user."""
    run_id = begun.plan.run_id
    observation = Observation(run_id)
    if begun.is_published:
        progress.say(f"Run {run_id} is published already: nothing is left to do.")
        return observation
    try:
        _work(begun, ports, stages, observation, progress)
    except KeyboardInterrupt:
        msg = f"interrupted: run {run_id} is unfinished, and the same command goes on where it was"
        raise CommandError(msg, ExitCode.INTERRUPTED) from None
    return observation


def _work(begun: Begun, ports: Ports, stages: Stages, observation: Observation, progress: RunProgress) -> None:
    run_id, deadline_at = begun.plan.run_id, begun.plan.deadline_at
    verb = "is new" if begun.is_new else "goes on"
    progress.say(
        f"Run {run_id} {verb}: {len(begun.plan.targets)} targets, until {deadline_at:%Y-%m-%dT%H:%M:%SZ} at most."
    )
    troubles = Troubles(progress.say)
    bars = progress.follow(observation, begun.plan.run_at)

    def on_progress() -> None:
        bars.refresh()
        troubles.tell(observation.trouble)

    result = finish_run(begun.plan, ports, stages, observation, on_progress)
    bars.close()
    if result.outcome is CommitOutcome.CORRUPT:
        raise CommandError(f"run {run_id} cannot be published: {result.detail}")
    if ports.clock.now() >= deadline_at:
        progress.say(f"Run {run_id} has reached its deadline: what had not come by then is named as missing.")
