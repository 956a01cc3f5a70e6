"""The status of a deployed stack: its last runs, the current run, its queues."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.lake.runs import Progress, Run, RunStatus, counts_as_json
from patchlake_cli.operations.calls import reading_the_lake
from patchlake_cli.operations.queues import StageDepth, read_depths
from patchlake_cli.operations.stack import Stack


@dataclass(frozen=True, slots=True)
class Status:
    """A stack at one moment, by AWS's clock.

    Attributes:
        lake: the location of its lake, as --lake takes it.
        runs: its last runs, newest first.
    """

    stack: str
    account_id: str
    region: str
    lake: str
    at: datetime
    runs: list[Run]
    queues: list[StageDepth]

    @property
    def snapshot(self) -> Run | None:
        """The newest published run among the runs shown."""
        return next((run for run in self.runs if run.is_published), None)

    @property
    def snapshot_age_seconds(self) -> int | None:
        """The seconds since the scheduled time of that run."""
        return None if self.snapshot is None else int((self.at - self.snapshot.run_at).total_seconds())

    @property
    def exit_code(self) -> ExitCode:
        """COMPLETE if the newest snapshot is; PARTIAL if it is not, if there is none, or if a newer run is corrupt."""
        newest = (run for run in self.runs if run.is_published or run.status is RunStatus.CORRUPT)
        found = next(newest, None)
        return ExitCode.of_run("" if found is None else found.status)


def read_status(stack: Stack, most_runs: int) -> Status:
    """Read the status of a stack once.

    Raises:
        CommandError: a part of it cannot be read.
    """
    deployment, home = stack.deployment, stack.deployment.home
    depths = read_depths(stack.aws.client("sqs"), deployment)
    with reading_the_lake():
        newest = stack.runs.newest(most_runs)
        now = stack.runs.clock.now()
    return Status(deployment.stack, home.account_id, home.region, deployment.lake.text, now, newest, depths)


def status_as_json(status: Status) -> dict[str, Any]:
    """Return a status as ``--json`` prints it; a value that is not known is null."""
    return {
        "stack": status.stack,
        "account_id": status.account_id,
        "region": status.region,
        "lake": status.lake,
        "at": as_time(status.at),
        "snapshot": None if status.snapshot is None else status.snapshot.run_id,
        "snapshot_age_seconds": status.snapshot_age_seconds,
        "runs": [run_as_json(run) for run in status.runs],
        "queues": [asdict(depth) for depth in status.queues],
    }


def run_as_json(run: Run) -> dict[str, Any]:
    """Return a run as ``--json`` prints it, with the demo's names; a value that is not known yet is null."""
    return counts_as_json(run) | {
        "unread": [asdict(target) for target in run.unread],
        "problem": run.problem,
        "progress": None if run.progress is None else _progress_as_json(run.progress),
    }


def _progress_as_json(progress: Progress) -> dict[str, Any]:
    return asdict(progress) | {
        "deadline_at": as_time(progress.deadline_at),
        "detail_deadline_at": None if progress.detail_deadline_at is None else as_time(progress.detail_deadline_at),
    }


def as_time(at: datetime) -> str:
    """Return a time of AWS as text; it is in UTC and in whole seconds."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
