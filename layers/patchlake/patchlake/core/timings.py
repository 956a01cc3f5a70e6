"""Every duration of the protocol, in one table; the template is tested against it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class QueueTiming:
    """A stage's function time-out, and its queue's visibility and ``maxReceiveCount``."""

    timeout_seconds: int
    visibility_seconds: int
    max_receive_count: int


DISCOVER = QueueTiming(timeout_seconds=900, visibility_seconds=960, max_receive_count=20)
COLLECT = QueueTiming(timeout_seconds=900, visibility_seconds=960, max_receive_count=20)
COMMIT = QueueTiming(timeout_seconds=900, visibility_seconds=960, max_receive_count=1000)

PERMANENT_FROM_RECEIVE = 3
"""The receive from which a refusal is recorded: a short fault of IAM must not hide an account for a day."""

LONGEST_SECOND_ASK_SECONDS = 5
"""The longest pause between two asks that a target refuses."""


LONGEST_PROLONGED_SECONDS = 5
"""The seconds by which an answer's header ``x-amz-retry-after`` can prolong a pause of the SDK."""


@dataclass(frozen=True, slots=True)
class CallTiming:
    """The time-outs of one call to AWS, and the attempts that the SDK makes."""

    attempts: int
    connect_seconds: int
    answer_seconds: int

    @property
    def longest_seconds(self) -> int:
        """The time of a call that never succeeds, with the SDK's pauses: 1, 2, 4, … seconds, prolonged by AWS."""
        retries = self.attempts - 1
        pauses = (1 << retries) - 1 + retries * LONGEST_PROLONGED_SECONDS
        return self.attempts * (self.connect_seconds + self.answer_seconds) + pauses


CALL = CallTiming(attempts=3, connect_seconds=5, answer_seconds=15)

BYTES_IN_TIME = 256 * 1024
"""The bytes that a call must send or receive in the time of an answer, if it is not over by then."""

RESERVE_SECONDS = 2 * CALL.longest_seconds
"""A worker stops calling when less than this is left of its invocation: time for a call without an answer, and for
storing."""

LONGEST_THROTTLE_PAUSE_SECONDS = 16

CONFLICT_ATTEMPTS = 5
"""The attempts at a write that conflicts with another one of the same object."""

LONGEST_PAGE_SECONDS = 0.5
"""The longest time that a full page of a listing takes while nothing delays it; from another continent, too."""

KEYS_SECONDS = 120
"""The longest time that a listing of an object store takes, page by page: a million keys take less."""

LISTING_PAUSE_SECONDS = 120
"""The longest total pause of a secondary listing for throttling in one invocation."""

CALLS_BETWEEN_LOOKS = 10
"""The interval, in calls, at which a worker of a secondary part checks again whether its key exists."""

RESEND_LIMIT = 1000
"""The maximum number of messages that commit re-sends in one tick."""

PLAN_WAIT_LIMIT_SECONDS = 3600
"""The longest pause between two checks of a run without a plan; SQS hides a message for at most twelve hours."""


def retry_seconds(base_seconds: int, chance: float) -> int:
    """Return the delay of a failed message: one to four times the base, spread by ``chance`` in [0, 1)."""
    return round(base_seconds * (1 + 3 * chance))


def second_ask_seconds(base_seconds: int) -> int:
    """Return the pause of a worker between two asks that a target refuses."""
    return min(base_seconds, LONGEST_SECOND_ASK_SECONDS)


def throttle_pause_seconds(pauses: int, chance: float) -> float:
    """Return the pause of a throttled worker: 1, 2, 4, … seconds, up to 16, plus or minus a half.

    Args:
        pauses: the number of earlier pauses since the last answer.
        chance: in [0, 1).
    """
    return min(1 << pauses, LONGEST_THROTTLE_PAUSE_SECONDS) * (0.5 + chance)


def conflict_pause_seconds(attempt: int, chance: float) -> float:
    """Return the pause before a write that conflicted is repeated: up to 0.2, 0.4, 0.8, … seconds.

    Args:
        attempt: counted from 0.
        chance: in [0, 1).
    """
    return 0.2 * (1 << attempt) * chance


class ResendWindow(NamedTuple):
    """The part of a stage's expected messages, by their places, that is due to be sent again if it is still missing."""

    first: int
    end: int

    @property
    def is_closed(self) -> bool:
        """Whether nothing is due, however much is missing."""
        return self.end == 0

    def due[T](self, expected: Sequence[T]) -> Sequence[T]:
        """Return the due part of everything that is expected of the stage, in the order of the run."""
        return expected[self.first : self.end]


def resend_window(elapsed: timedelta, visibility_seconds: int, tick_seconds: int) -> ResendWindow:
    """Return the range of a stage's expected messages that is due to be sent again.

    A round of re-sending begins at 1, 2, 4, … times the stage's visibility since the plan. From then on each tick
    moves a window of ``RESEND_LIMIT`` forward by half its length, so every message is due in two ticks of each round,
    and a late tick skips none.

    Args:
        elapsed: since the plan was made.
        visibility_seconds: of the stage's queue.
        tick_seconds: between two checks by commit.
    """
    seconds = elapsed.total_seconds()
    if seconds < visibility_seconds:
        return ResendWindow(0, 0)
    began = visibility_seconds
    while began * 2 <= seconds:
        began *= 2
    half = RESEND_LIMIT // 2
    tick = int((seconds - began) // tick_seconds)
    return ResendWindow(max(0, tick - 1) * half, (tick + 1) * half)


def is_missed(run_at: datetime, now: datetime, max_lateness_seconds: int, deadline_seconds: int) -> bool:
    """Whether commit stops waiting for a run's plan.

    Then it is too late to make one, and the deadline of any that was made has passed.
    """
    return now - run_at >= timedelta(seconds=max_lateness_seconds + deadline_seconds)


def plan_wait_seconds(tick_seconds: int, receive_count: int) -> int:
    """Return commit's pause for a run without a plan: a tick longer each time, at most an hour.

    With a check at every tick, more than a day of waiting would use up the receives of the watch message, and the run
    would end as a dead letter instead of a missed run. A late plan sends its own watch message.
    """
    return min(tick_seconds * receive_count, PLAN_WAIT_LIMIT_SECONDS)
