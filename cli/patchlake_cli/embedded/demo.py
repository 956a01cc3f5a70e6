"""The demo's days: the deployed handlers write one snapshot of a simulated fleet per day, in a folder."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path

from patchlake.adapters.directory import DirectoryStore
from patchlake.core.run import run_at, run_id_of
from patchlake.errors import PermanentError
from patchlake.stages.commit import CommitOutcome
from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.cloudformation.deploy import deploy
from patchlake_cli.embedded.function_log import FunctionLog
from patchlake_cli.embedded.lambda_.function_process import InvocationError
from patchlake_cli.embedded.lambda_.pipeline import Pipeline, PipelineError, running_pipeline
from patchlake_cli.embedded.laptop_stack import CONCURRENCY, refusing_accounts, stack_parameters, trusted_callers
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.engine import Lake, open_lake_as_of
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.project_files import template_path
from patchlake_cli.terminal.observation import Observation
from patchlake_cli.terminal.progress import RunProgress
from patchlake_cli.terminal.run_summary import RunSummary, read_summary

PATIENCE_SECONDS = 60
"""The time without progress after which the demo gives up."""

REFUSED_DAYS = 3
"""The number of last days on which one account refuses its role: its nodes are known before, and unknown then."""


def run_days(
    settings: Settings, out: Path, progress: RunProgress, parameters: Mapping[str, str] | None = None
) -> tuple[Lake, RunSummary]:
    """Simulate every day of the settings, and return the lake in ``out`` with the summary of the last run.

    Args:
        settings: of the embedded AWS.
        out: the folder of the lake and the logs.
        progress: shows the days.
        parameters: of the stack, in addition to those that every demo has.

    Raises:
        CommandError: a run makes no progress or ends without a snapshot, a node is not accounted for, or the folder
            cannot be written.
    """
    over = progress.working("starting the embedded AWS")
    observations: list[Observation] = []
    refused = refusing_accounts(settings)
    with (
        closing(FunctionLog(out / "functions.log")) as log,
        template_path() as template,
        start_server(settings, out / "aws.log") as aws,
    ):

        def on_log(stage: str, line: str) -> None:
            log.write(f"{stage}: {line}")
            if observations:
                observations[-1].read(line)

        stack = deploy(
            template,
            aws.endpoint,
            stack_name="patchlake",
            parameters=stack_parameters(settings) | dict(parameters or {}),
        )
        aws.change(trusted_callers=trusted_callers(stack))
        over()
        lake = DirectoryStore(out)
        seconds = 0.0
        for days, refusing in _phases(settings, refused):
            aws.change(refused_accounts=refusing)
            # New functions for these days: a session outlives a refused role by up to an hour, not by a day.
            with running_pipeline(stack, aws.endpoint, on_log, concurrency=CONCURRENCY) as pipeline:
                for day in days:
                    began = time.monotonic()
                    aws.begin_day(day)
                    scheduled_at = aws.fleet.run_at(day)
                    observations.append(Observation(run_id_of(scheduled_at.isoformat())))
                    _run(pipeline, observations[-1], scheduled_at, progress, log)
                    _copy(pipeline, lake)
                    seconds = time.monotonic() - began
        expected = sum(aws.fleet.size(target) for target in aws.fleet.targets if target.account_id not in refused)
    return _summed_up(out, observations[-1], seconds, expected)


def _phases(settings: Settings, refused: frozenset[str]) -> Iterator[tuple[range, frozenset[str]]]:
    """Yield the days on which every role can be assumed, if there are any, and those on which one role is refused."""
    lost = max(0, settings.days - REFUSED_DAYS)
    if lost and refused:
        yield range(lost), frozenset()
        yield range(lost, settings.days), refused
    else:
        yield range(settings.days), refused


def _run(
    pipeline: Pipeline, observation: Observation, scheduled_at: datetime, progress: RunProgress, log: FunctionLog
) -> None:
    bars = progress.follow(observation, scheduled_at)
    try:
        pipeline.fire(scheduled_at)
        ended = pipeline.wait(
            lambda: log.has_failed or observation.outcome is not None,
            progress=bars.refresh,
            patience_seconds=PATIENCE_SECONDS,
        )
    except (InvocationError, PipelineError) as error:
        msg = f"run {observation.run_id}: {error}"
        raise CommandError(msg) from error
    finally:
        bars.close()
    log.require_written()
    if not ended:
        msg = f"run {observation.run_id}: it has made no progress for {PATIENCE_SECONDS} seconds; see functions.log"
        raise CommandError(msg)
    if observation.outcome not in {CommitOutcome.COMPLETE, CommitOutcome.PARTIAL}:
        msg = f"run {observation.run_id} ended as {observation.outcome}: {observation.detail}"
        raise CommandError(msg)


def _copy(pipeline: Pipeline, lake: DirectoryStore) -> None:
    """Copy the objects of the bucket that the folder does not have.

    Raises:
        CommandError: one cannot be written.
    """
    for key in pipeline.store.keys(""):
        try:
            if not lake.exists(key):
                lake.create(key, pipeline.store.get(key) or b"")
        except PermanentError as error:
            raise CommandError(str(error)) from error


def _summed_up(
    out: Path, observation: Observation, wall_seconds: float, expected_nodes: int
) -> tuple[Lake, RunSummary]:
    """Read the last run from the lake, and compare it with the simulated fleet.

    Raises:
        CommandError: a node is not accounted for.
    """
    location = LakeLocation(str(out))
    lake = open_lake_as_of(location, run_at(observation.run_id))
    summary = read_summary(lake, location.tables, observation, wall_seconds)
    if not expected_nodes == summary.nodes_listed == summary.nodes_accounted_for:
        msg = (
            f"run {observation.run_id}: the fleet has {expected_nodes} nodes in readable targets, the snapshot lists "
            f"{summary.nodes_listed} and accounts for {summary.nodes_accounted_for}"
        )
        raise CommandError(msg)
    return lake, summary
