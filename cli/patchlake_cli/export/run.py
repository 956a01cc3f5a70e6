"""One run from its plan to its snapshot, in this process."""

import time
from collections.abc import Callable

from patchlake.core.messages import CommitMessage
from patchlake.core.plan import Plan
from patchlake.errors import NotReadyError, RetryableError
from patchlake.stages.commit import CommitResult
from patchlake_cli.aws_session import CredentialsError
from patchlake_cli.export.composition import TICK_SECONDS, Ports, Stages
from patchlake_cli.export.follower import Follower
from patchlake_cli.export.pool import Pool
from patchlake_cli.failure import CommandError
from patchlake_cli.observation import Observation

REFRESH_SECONDS = 0.25
"""Between two pictures of the progress, at most."""

LOOK_SECONDS = 10
"""Between two looks of commit at a run that has work left: each lists the run's keys."""


def finish_run(  # noqa: PLR0913
    plan: Plan,
    ports: Ports,
    stages: Stages,
    observation: Observation,
    on_progress: Callable[[], object],
    *,
    look_seconds: float = LOOK_SECONDS,
) -> CommitResult:
    """Do the work of a planned run until commit ends its watch; past its deadline only commit is asked.

    Args:
        plan: whose messages are in the queues of ``stages``.
        ports: of the stages.
        stages: with one collect stage for each worker.
        observation: told how far the run is.
        on_progress: called often, after the observation has been told.
        look_seconds: between two looks of commit while there is work left.

    Raises:
        PatchlakeError: what no retry will mend: the lake refuses, or its objects contradict each other.
        CredentialsError: our credentials have ended.
    """

    def on_trouble(error: Exception) -> None:
        observation.trouble = str(error)

    pool = Pool(stages, Follower(plan, observation).follow, on_trouble)
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
    """Let commit look at the run once, after AWS has told the time; None where it goes on."""
    delivery = stages.commit_queue.receive()
    if delivery is None:
        return None
    try:
        ports.identify()
    except CredentialsError:
        raise
    except CommandError as error:
        # AWS cannot be reached for now: then it does not tell the time either.
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
