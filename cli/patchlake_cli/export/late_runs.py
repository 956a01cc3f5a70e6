"""The late runs of a lake: they have a plan, no snapshot, and a deadline that has passed.

An export closes each of them, whatever its settings, before it takes its own snapshot: what was read by the deadline is
published, and the rest is named. None of them keeps today's snapshot from being taken.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from patchlake.core.messages import CommitMessage
from patchlake.errors import PatchlakeError
from patchlake.stages.commit import CommitOutcome
from patchlake_cli.access.sessions import CredentialsError
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.export.composition import Ports, compose
from patchlake_cli.export.resume import unfinished_plans
from patchlake_cli.export.run_loop import finish_run
from patchlake_cli.export.settings import ExportSettings
from patchlake_cli.terminal.observation import Observation


@dataclass(frozen=True, slots=True)
class LateRun:
    """A late run, and the reason why it could not be closed, if any."""

    run_id: str
    obstacle: str | None = None

    def __str__(self) -> str:
        """Return what happened, as one sentence."""
        if self.obstacle is None:
            return (
                f"Run {self.run_id} passed its deadline unfinished, and is now closed: its snapshot names everything "
                "that was not read by then."
            )
        return f"Run {self.run_id} passed its deadline unfinished, and cannot be closed: {self.obstacle}"


def close_late_runs(ports: Ports, settings: ExportSettings, run_id: str | None) -> Iterator[LateRun]:
    """Close every late run, the oldest first, except the one that this export is to finish.

    Args:
        ports: the ports of the export.
        settings: its settings.
        run_id: the run that it is to finish, if the user has named one.

    Raises:
        CredentialsError: the credentials have expired.
    """
    now = ports.clock.now()
    late = [plan for plan in unfinished_plans(ports.store) if plan.deadline_at <= now and plan.run_id != run_id]
    for plan in reversed(late):
        stages = compose(ports, settings)
        stages.commit_queue.send([(CommitMessage(run_id=plan.run_id).encode(), plan.run_id)])
        try:
            result = finish_run(plan, ports, stages, Observation(plan.run_id), lambda: None)
        except CredentialsError:
            raise
        except (CommandError, PatchlakeError) as error:
            yield LateRun(plan.run_id, str(error))
        else:
            yield LateRun(plan.run_id, result.detail if result.outcome is CommitOutcome.CORRUPT else None)
