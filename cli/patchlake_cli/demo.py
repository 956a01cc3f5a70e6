"""``patchlake demo``: the deployed handlers, a simulated fleet, an embedded AWS, one snapshot per day."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from patchlake.adapters.directory import DirectoryStore
from patchlake.core.run import run_at, run_id_of
from patchlake.stages.commit import CommitOutcome
from patchlake_cli.answers import Answer, answer
from patchlake_cli.consoles import output_console, own_name
from patchlake_cli.demo_folder import replace_folder
from patchlake_cli.embedded.deploy import deploy
from patchlake_cli.embedded.function_process import InvocationError
from patchlake_cli.embedded.pipeline import Pipeline, PipelineError, running_pipeline
from patchlake_cli.embedded.server import start_server
from patchlake_cli.embedded.settings import NO_FAULTS, USUAL_FAULTS, Conditions, Settings
from patchlake_cli.failure import CommandError
from patchlake_cli.lake_options import open_lake_as_of
from patchlake_cli.observation import Observation
from patchlake_cli.progress import RunProgress
from patchlake_cli.report.command import write_report
from patchlake_cli.run_page import print_run
from patchlake_cli.summary import Coverage, Summary, read_coverage, read_summary

PATIENCE_SECONDS = 60
"""How long a run may make no progress before the demo gives up."""

CONCURRENCY = 2
"""Execution environments of each queue's function."""

REFUSED_DAYS = 3
"""On so many of the last days one account refuses its role: its nodes were known before, and are unknown since."""

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


@dataclass(frozen=True, slots=True)
class DemoRun:
    """What one run of the demo left."""

    summary: Summary
    coverage: list[Coverage]
    answers: list[Answer]
    report: Path


def demo(  # noqa: PLR0913
    *,
    nodes: Annotated[int, typer.Option(min=1, max=1_000_000, help="Managed nodes of the simulated fleet.")] = 5000,
    accounts: Annotated[int, typer.Option(min=1, max=100, help="Accounts; the last of several refuses.")] = 3,
    regions: Annotated[int, typer.Option(min=1, max=10, help="Regions that every account uses.")] = 2,
    days: Annotated[int, typer.Option(min=1, max=60, help="Days, one run each.")] = 7,
    seed: Annotated[int, typer.Option(help="Of the fleet and of the faults: the same seed, the same bytes.")] = 7,
    faults: Annotated[bool, typer.Option(help="Let SSM throttle, fail, and break off its answers.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for the lake; replaced when the demo made it.")] = Path("demo"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object about the last run.")] = False,
) -> None:
    """Run the whole pipeline on this machine, against an embedded AWS.

    The four Lambda handlers take a simulated fleet over real HTTP to one Parquet snapshot per day, in OUT/lake, and
    OUT/report.html says what is in them.

    Example: patchlake demo --nodes 50000 --faults
    """
    settings = Settings(
        seed=seed,
        nodes=nodes,
        accounts=accounts,
        regions=regions,
        days=days,
        conditions=Conditions(faults=USUAL_FAULTS if faults else NO_FAULTS),
    )
    replace_folder(out)
    with RunProgress(Console(stderr=True)) as progress:
        last = _run_days(settings, out, progress)
    if as_json:
        typer.echo(json.dumps(last.summary.as_json() | {"report": str(last.report)}))
    else:
        print_run(output_console(), last.summary, last.coverage, last.answers)
        _say_what_next(last, out)


def _say_what_next(last: DemoRun, out: Path) -> None:
    """Name the report, and a question to go on with; the demo's days lie in the past, so it says as of when."""
    day = run_at(last.summary.run_id).date()
    typer.echo(f"Report: {last.report}\n")
    typer.echo(f"Next: {own_name()} query --lake {out} --as-of {day} --named overdue_nodes --parameter 3")


def _refused(settings: Settings) -> frozenset[str]:
    """Return the account whose role gets lost, so that a run is PARTIAL as in real life: the last one but the home."""
    return frozenset(account.account_id for account in settings.account_list()[1:][-1:])


def _run_days(settings: Settings, out: Path, progress: RunProgress) -> DemoRun:
    over = progress.working("starting the embedded AWS")
    observations: list[Observation] = []
    refused = _refused(settings)
    with (out / "functions.log").open("w", encoding="utf-8") as log, start_server(settings, out / "aws.log") as aws:

        def on_log(stage: str, line: str) -> None:
            log.write(f"{stage}: {line}\n")
            if observations:
                observations[-1].read(line)

        stack = deploy(TEMPLATE, aws.endpoint, stack_name="patchlake", parameters=_parameters(settings))
        over()
        lake = DirectoryStore(out)
        seconds = 0.0
        for days, refusing in _phases(settings, refused):
            aws.change(refused_accounts=refusing)
            # Functions of their own: their sessions outlive a role by an hour, and not by a day.
            with running_pipeline(stack, aws.endpoint, on_log, concurrency=CONCURRENCY) as pipeline:
                for day in days:
                    began = time.monotonic()
                    aws.begin_day(day)
                    scheduled_at = aws.fleet.run_at(day)
                    observations.append(Observation(run_id_of(scheduled_at.isoformat())))
                    _run(pipeline, observations[-1], scheduled_at, progress)
                    _copy(pipeline, lake)
                    seconds = time.monotonic() - began
        expected = sum(aws.fleet.size(target) for target in aws.fleet.targets if target.account_id not in refused)
    return _result(out, observations[-1], seconds, expected)


def _phases(settings: Settings, refused: frozenset[str]) -> Iterator[tuple[range, frozenset[str]]]:
    """Yield the days on which every role can be assumed, if there are any, and those on which one is refused."""
    lost = max(0, settings.days - REFUSED_DAYS)
    if lost and refused:
        yield range(lost), frozenset()
        yield range(lost, settings.days), refused
    else:
        yield range(settings.days), refused


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


def _result(out: Path, observation: Observation, wall_seconds: float, expected_nodes: int) -> DemoRun:
    """Read the last run from the lake, and hold it against the fleet that was simulated.

    Raises:
        CommandError: a node is not accounted for.
    """
    lake = open_lake_as_of(str(out), run_at(observation.run_id))
    summary = read_summary(lake, str(out / "lake"), observation, wall_seconds)
    if not expected_nodes == summary.nodes_listed == summary.nodes_accounted_for:
        msg = (
            f"run {summary.run_id}: the fleet has {expected_nodes} nodes in readable targets, the snapshot lists "
            f"{summary.nodes_listed} and accounts for {summary.nodes_accounted_for}"
        )
        raise CommandError(msg)
    report = out / "report.html"
    write_report(lake, report)
    return DemoRun(summary, read_coverage(lake, summary.run_id), answer(lake), report)
