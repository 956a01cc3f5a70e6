"""One snapshot from this machine: start or continue its run, show the progress, and read the result."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from patchlake.adapters.explanations import utc_now
from patchlake.adapters.parquet import ParquetTables
from patchlake.bootstrap import Aws
from patchlake.core.counts import counted
from patchlake.core.run import utc_text
from patchlake.errors import PatchlakeError
from patchlake.stages.commit import CommitOutcome
from patchlake.stages.stored_run import READ_AHEAD
from patchlake_cli.access.advice import Advice, advise, explain
from patchlake_cli.access.sessions import open_session
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.export.composition import WORKERS, Ports, Stages, aws_ports, compose
from patchlake_cli.export.interruption import saying_what_is_stored
from patchlake_cli.export.late_runs import close_late_runs
from patchlake_cli.export.page import Page, read_page
from patchlake_cli.export.resume import Begun, begin
from patchlake_cli.export.run_loop import finish_run
from patchlake_cli.export.scope import scope_warning
from patchlake_cli.export.settings import ExportSettings
from patchlake_cli.lake.engine import open_lake
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.run_reader import Runs
from patchlake_cli.lake.store import open_store
from patchlake_cli.terminal.console import error_console
from patchlake_cli.terminal.observation import Observation
from patchlake_cli.terminal.progress import RunProgress, Troubles


@dataclass(frozen=True, slots=True)
class Exported:
    """A snapshot, and advice about the targets that refused access."""

    page: Page
    advice: Sequence[Advice]


def take_snapshot(lake: LakeLocation, settings: ExportSettings, profile: str | None, run_id: str | None) -> Exported:
    """Take one snapshot.

    Args:
        lake: the lake to store it in.
        settings: the settings; without regions, the session's region is read.
        profile: the profile of the user's session.
        run_id: the run; None for the newest unfinished one with the same settings and time left, or else the current
            minute's.

    Raises:
        CommandError: the snapshot cannot be taken, or Ctrl-C interrupts it.
    """
    session = open_session(profile, default_region=settings.first_region, region_option="--regions")
    settings = settings.of_session(session)
    if (obstacle := lake.obstacle()) is not None:
        raise CommandError(f"--lake {lake.text}: {obstacle}")
    aws = Aws(session, utc_now)
    ports = aws_ports(aws, settings, open_store(lake, aws, connections=WORKERS + READ_AHEAD))
    identity = ports.identify()
    began = time.monotonic()
    try:
        with RunProgress(error_console()) as progress:
            for late in close_late_runs(ports, settings, run_id):
                progress.say(str(late))
            stages = compose(ports, settings)
            begun = begin(stages.plan, run_id, partial(_wait, ports, progress))
            with saying_what_is_stored(ports.store, begun.plan.run_id, lake):
                observation = _finish(begun, ports, stages, progress)
                opened = open_lake(lake, now=begun.plan.run_at, session=session)
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
    return Exported(page, advice)


def _wait(ports: Ports, progress: RunProgress, why: str, seconds: int) -> None:
    progress.say(f"{why[0].upper()}{why[1:]}.")
    time.sleep(seconds)
    # Its answer has the time.
    ports.identify()


def _finish(begun: Begun, ports: Ports, stages: Stages, progress: RunProgress) -> Observation:
    """Finish a run, and show its progress."""
    run_id = begun.plan.run_id
    observation = Observation(run_id)
    if begun.is_published:
        progress.say(f"Run {run_id} is already published: there is nothing left to do.")
        return observation
    _work(begun, ports, stages, observation, progress)
    return observation


def _work(begun: Begun, ports: Ports, stages: Stages, observation: Observation, progress: RunProgress) -> None:
    run_id, deadline_at = begun.plan.run_id, begun.plan.deadline_at
    runs = Runs(ports.store, ParquetTables(), ports.clock)
    if (warning := scope_warning(begun.plan, ports.store, runs)) is not None:
        progress.say(warning)
    verb = "starts" if begun.is_new else "continues"
    targets = len(begun.plan.targets)
    progress.say(f"Run {run_id} {verb}: {counted(targets, 'target')}, deadline {utc_text(deadline_at)}.")
    troubles = Troubles(progress.say)
    bars = progress.follow(observation, begun.plan.run_at)

    def on_progress() -> None:
        bars.refresh()
        troubles.report(observation.trouble)

    result = finish_run(begun.plan, ports, stages, observation, on_progress)
    bars.close()
    if result.outcome is CommitOutcome.CORRUPT:
        raise CommandError(f"run {run_id} cannot be published: {result.detail}")
    if ports.clock.now() >= deadline_at:
        throttles = observation.metrics["SsmThrottles"]
        progress.say(
            f"Run {run_id} has reached its deadline: the snapshot names everything that was not read by then."
            + (f" AWS throttled {counted(throttles, 'call')}." if throttles else "")
        )
