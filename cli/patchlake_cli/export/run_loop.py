"""One run from its plan to its snapshot, in this process."""

import time
from collections.abc import Callable

from patchlake.core.messages import CommitMessage
from patchlake.core.plan import Plan
from patchlake.errors import NotReadyError, RetryableError
from patchlake.stages.commit import CommitResult
from patchlake_cli.access.sessions import CredentialsError
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.export.composition import TICK_SECONDS, Ports, Stages
from patchlake_cli.export.follower import Follower
from patchlake_cli.export.pool import Pool
from patchlake_cli.terminal.observation import Observation

REFRESH_SECONDS = 0.25
"""The longest time between two updates of the progress."""

LOOK_SECONDS = 10
"""The time between two looks of commit at a run that has work left: each look lists the run's keys."""


def finish_run(  # noqa: PLR0913
    plan: Plan,
    ports: Ports,
    stages: Stages,
    observation: Observation,
    on_progress: Callable[[], object],
    *,
    look_seconds: float = LOOK_SECONDS,
) -> CommitResult:
    """Do the work of a planned run until commit ends its watch; after the deadline, only commit works.

    Args:
        plan: the plan whose messages are in the queues of ``stages``.
        ports: the ports of the stages.
        stages: the stages, with one collect stage for each worker.
        observation: updated with the progress of the run.
        on_progress: called often, after each update of the observation.
        look_seconds: the time between two looks of commit while there is work left.

    Raises:
        PatchlakeError: no retry will help: the lake refuses access, or its objects contradict each other.
        CredentialsError: the credentials have expired.
    """

    def on_trouble(error: Exception) -> None:
        observation.trouble = str(error)

    def takes_details() -> bool:
        return ports.clock.now() < plan.closes_details_at

    pool = Pool(stages, Follower(plan, observation).follow, on_trouble, takes_details)
    is_open = ports.clock.now() < plan.deadline_at
    if is_open:
        pool.start()
    next_look = time.monotonic() + look_seconds
    try:
        while True:
            pool.wait(REFRESH_SECONDS)
            observation.metrics.update(ports.apis.call_counter.drain().metrics())
            on_progress()
            if is_open and not pool.is_idle and time.monotonic() < next_look:
                continue
            next_look = time.monotonic() + look_seconds
            if (result := _look(ports, stages, on_trouble)) is not None:
                return result
    finally:
        pool.stop()


def _look(ports: Ports, stages: Stages, on_trouble: Callable[[Exception], None]) -> CommitResult | None:
    """Let commit look at the run once, after an answer of AWS has set the clock; None if the run continues."""
    delivery = stages.commit_queue.receive()
    if delivery is None:
        return None
    try:
        ports.identify()
    except CredentialsError:
        raise
    except CommandError as error:
        # AWS cannot be reached now, so the time is not known either.
        on_trouble(error)
        stages.commit_queue.defer(delivery, TICK_SECONDS)
        return None
    try:
        return stages.commit.handle(CommitMessage.decode(delivery.body), delivery)
    except NotReadyError:
        return None
    except RetryableError as error:
        on_trouble(error)
    return None
