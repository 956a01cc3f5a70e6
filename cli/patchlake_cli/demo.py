"""``patchlake demo``: the deployed handlers, a simulated fleet, an embedded AWS, one snapshot per day."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from patchlake.adapters.directory import DirectoryStore
from patchlake.core.run import run_at, run_id_of
from patchlake.core.targets import Target
from patchlake.stages.commit import CommitOutcome
from patchlake_cli.analytics.lake import open_lake
from patchlake_cli.answers import Answer, answer
from patchlake_cli.consoles import output_console
from patchlake_cli.demo_folder import replace_folder
from patchlake_cli.embedded.deploy import deploy
from patchlake_cli.embedded.function_process import InvocationError
from patchlake_cli.embedded.pipeline import Pipeline, PipelineError, running_pipeline
from patchlake_cli.embedded.server import start_server
from patchlake_cli.embedded.settings import NO_FAULTS, USUAL_FAULTS, Conditions, Settings
from patchlake_cli.failure import CommandError
from patchlake_cli.observation import Observation
from patchlake_cli.progress import RunProgress
from patchlake_cli.run_page import print_run
from patchlake_cli.summary import Coverage, Summary, read_coverage, read_summary

PATIENCE_SECONDS = 60
"""How long a run may make no progress before the demo gives up."""

CONCURRENCY = 2
"""Execution environments of each queue's function."""

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


@dataclass(frozen=True, slots=True)
class DemoRun:
    """What one run of the demo left."""

    summary: Summary
    coverage: list[Coverage]
    answers: list[Answer]


def demo(  # noqa: PLR0913
    *,
    nodes: Annotated[int, typer.Option(min=1, max=1_000_000, help="Managed nodes of the simulated fleet.")] = 5000,
    accounts: Annotated[int, typer.Option(min=1, max=100, help="Accounts; the last of several refuses.")] = 3,
    regions: Annotated[int, typer.Option(min=1, max=10, help="Regions that every account uses.")] = 2,
    days: Annotated[int, typer.Option(min=1, max=60, help="Days, one run each.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the fleet and of the faults: the same seed, the same bytes.")] = 7,
    faults: Annotated[bool, typer.Option(help="Let SSM throttle, fail, and break off its answers.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the lake; replaced when the demo made it.")] = Path("demo"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object about the last run.")] = False,
) -> None:
    """Run the whole pipeline on this machine, against an embedded AWS.

    The four Lambda handlers take a simulated fleet over real HTTP to one Parquet snapshot per day, in OUT/lake.

    Example: patchlake demo --nodes 50000 --faults
    """
    settings = Settings(
        seed=seed,
        nodes=nodes,
        accounts=accounts,
        regions=regions,
        days=days,
        conditions=_conditions(accounts, faults=faults),
    )
    replace_folder(out)
    with RunProgress(Console(stderr=True)) as progress:
        last = _run_days(settings, out, progress)
    if as_json:
        typer.echo(json.dumps(last.summary.as_json()))
    else:
        print_run(output_console(), last.summary, last.coverage, last.answers)


def _conditions(accounts: int, *, faults: bool) -> Conditions:
    refused = [account.account_id for account in Settings(accounts=accounts).account_list()][1:][-1:]
    return Conditions(refused_accounts=frozenset(refused), faults=USUAL_FAULTS if faults else NO_FAULTS)


def _run_days(settings: Settings, out: Path, progress: RunProgress) -> DemoRun:
    over = progress.working("starting the embedded AWS")
    observations: list[Observation] = []
    with (out / "functions.log").open("w", encoding="utf-8") as log, start_server(settings, out / "aws.log") as aws:

        def on_log(stage: str, line: str) -> None:
            log.write(f"{stage}: {line}\n")
            if observations:
                observations[-1].read(line)

        stack = deploy(TEMPLATE, aws.endpoint, stack_name="patchlake", parameters=_parameters(settings))
        with running_pipeline(stack, aws.endpoint, on_log, concurrency=CONCURRENCY) as pipeline:
            over()
            lake = DirectoryStore(out)
            seconds = 0.0
            for day in range(settings.days):
                began = time.monotonic()
                aws.begin_day(day)
                scheduled_at = aws.fleet.run_at(day)
                observations.append(Observation(run_id_of(scheduled_at.isoformat())))
                _run(pipeline, observations[-1], scheduled_at, progress)
                _copy(pipeline, lake)
                seconds = time.monotonic() - began
            expected = sum(aws.fleet.size(target) for target in aws.fleet.targets if _is_readable(target, settings))
    return _result(out, observations[-1], seconds, expected)


def _parameters(settings: Settings) -> dict[str, str]:
    """Return the stack's parameters; time is compressed by these alone."""
    return {
        "Accounts": "organization",
        "Regions": ",".join(settings.region_list()),
        "RoleName": settings.role_name,
        "TickSeconds": "1",
        "RetrySeconds": "0",
    }


def _run(pipeline: Pipeline, observation: Observation, scheduled_at: datetime, progress: RunProgress) -> None:
    bars = progress.follow(observation, scheduled_at)
    try:
        pipeline.fire(scheduled_at)
        ended = pipeline.wait(
            lambda: observation.outcome is not None, progress=bars.refresh, patience_seconds=PATIENCE_SECONDS
        )
    except (InvocationError, PipelineError) as error:
        msg = f"run {observation.run_id}: {error}"
        raise CommandError(msg) from error
    finally:
        bars.close()
    if not ended:
        msg = f"run {observation.run_id}: it has made no progress for {PATIENCE_SECONDS} seconds; see functions.log"
        raise CommandError(msg)
    if observation.outcome not in {CommitOutcome.COMPLETE, CommitOutcome.PARTIAL}:
        msg = f"run {observation.run_id} ended as {observation.outcome}: {observation.detail}"
        raise CommandError(msg)


def _copy(pipeline: Pipeline, lake: DirectoryStore) -> None:
    """Copy what the bucket has and the folder has not."""
    for key in pipeline.store.keys(""):
        if not lake.exists(key):
            lake.create(key, pipeline.store.get(key) or b"")


def _is_readable(target: Target, settings: Settings) -> bool:
    return target.account_id not in settings.conditions.refused_accounts


def _result(out: Path, observation: Observation, wall_seconds: float, expected_nodes: int) -> DemoRun:
    """Read the last run from the lake, and hold it against the fleet that was simulated.

    Raises:
        CommandError: a node is not accounted for.
    """
    lake = open_lake(str(out), now=run_at(observation.run_id))
    summary = read_summary(lake, str(out / "lake"), observation, wall_seconds)
    if not expected_nodes == summary.nodes_listed == summary.nodes_accounted_for:
        msg = (
            f"run {summary.run_id}: the fleet has {expected_nodes} nodes in readable targets, the snapshot lists "
            f"{summary.nodes_listed} and accounts for {summary.nodes_accounted_for}"
        )
        raise CommandError(msg)
    return DemoRun(summary, read_coverage(lake, summary.run_id), answer(lake))
