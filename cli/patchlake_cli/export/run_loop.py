"""One run from its plan to its snapshot, in this process."""

import time
from collections.abc import Callable
from datetime import timedelta

from patchlake.core.messages import CommitMessage
from patchlake.core.plan import Plan
from patchlake.errors import NotReadyError, RetryableError
from patchlake.stages.commit import CommitResult
from patchlake_cli.access.sessions import CredentialsError
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.export.composition import Ports, Stages
from patchlake_cli.export.follower import Follower
from patchlake_cli.export.pool import Pool
from patchlake_cli.terminal.observation import Observation

REFRESH_SECONDS = 0.25
"""The longest time between two updates of the progress."""

LOOK_SECONDS = 10
"""The time between two looks of commit at a run that has work left: each look lists the run's keys."""

THROTTLED = "AWS throttles calls; the workers wait and retry"
"""The trouble of an export that is throttled."""

CLOSING_SECONDS = 300
"""The time after its deadline in which a run is closed, or given up: AWS or the lake may not answer at all."""


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
        CommandError: the run could not be closed for ``CLOSING_SECONDS``.
    """

    def on_trouble(error: Exception) -> None:
        observation.trouble = str(error)

    def takes_details() -> bool:
        return ports.clock.now() < plan.closes_details_at

    pool = Pool(stages, Follower(plan, observation).follow, on_trouble, takes_details)
    left = plan.deadline_at - ports.clock.now()
    is_open = left > timedelta()
    if is_open:
        pool.start()
    # By this machine's clock, since AWS's is not known while AWS cannot be reached.
    gives_up_at = time.monotonic() + max(left, timedelta()).total_seconds() + CLOSING_SECONDS
    next_look = time.monotonic() + look_seconds
    try:
        while True:
            pool.wait(REFRESH_SECONDS)
            counts = ports.apis.call_counter.drain()
            observation.metrics.update(counts.metrics())
            if counts.throttles:
                # Workers keep a message that is throttled, so there is no failure that would say so.
                observation.trouble = THROTTLED
            on_progress()
            if is_open and not pool.is_idle and time.monotonic() < next_look:
                continue
            next_look = time.monotonic() + look_seconds
            if (result := _look(ports, stages, on_trouble)) is not None:
                observation.metrics.update(ports.apis.call_counter.drain().metrics())
                return result
            if time.monotonic() >= gives_up_at:
                raise CommandError(
                    f"run {plan.run_id} has passed its deadline, and could not be closed within {CLOSING_SECONDS} "
                    f"seconds: {observation.trouble}. The same command closes it"
                )
    finally:
        pool.stop()


def _look(ports: Ports, stages: Stages, on_trouble: Callable[[Exception], None]) -> CommitResult | None:
    """Let commit look at the run once, after it has asked for the time; None if the run continues."""
    delivery = stages.commit_queue.receive()
    if delivery is None:
        return None
    try:
        ports.identify()
    except CredentialsError:
        raise
    except CommandError as error:
        # The lake may still be reached, and earlier answers have the time.
        on_trouble(error)
    try:
        return stages.commit.handle(CommitMessage.decode(delivery.body), delivery)
    except NotReadyError:
        return None
    except RetryableError as error:
        on_trouble(error)
    return None
