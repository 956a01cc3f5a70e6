"""The rule for AWS's time: one answer with a wrong ``Date`` header changes nothing.

A time counts when two consecutive answers agree, whichever services gave them. A wrong answer agrees neither with the
one before nor with the one after it. So four answers are enough, even if one of them is wrong.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from patchlake.core.run import utc_text
from patchlake.errors import RetryableError

AGREEMENT = timedelta(minutes=15)
"""The longest time between two answers of one invocation that agree; an invocation takes no longer."""

ASKS = 4
"""The calls that are made only to learn the time, before the message is retried."""


def agree(first: datetime | None, second: datetime | None) -> bool:
    """Whether two times may both be right; None is the time of an answer that has none."""
    return first is not None and second is not None and abs(first - second) <= AGREEMENT


class AgreedTime:
    """The latest two answers of one invocation; safe to use from many threads.

    Attributes:
        latest: the time of the latest answer; None if it has none.
    """

    def __init__(self) -> None:
        """Begin without an answer."""
        self._answers: tuple[datetime | None, datetime | None] = (None, None)

    @property
    def latest(self) -> datetime | None:
        """The time of the latest answer; None if it has none."""
        return self._answers[1]

    def begin(self) -> None:
        """Begin another invocation: earlier answers no longer count."""
        self._answers = (None, None)

    def hear(self, at: datetime | None) -> None:
        """Take the time of an answer; None if it has none."""
        self._answers = (self._answers[1], at)

    def agreed(self) -> datetime | None:
        """Return the time of the latest answer if it agrees with the one before."""
        first, second = self._answers
        return second if agree(first, second) else None

    def now(self, ask: Callable[[], object]) -> datetime:
        """Return the time of the latest answer that agrees with the one before.

        Args:
            ask: makes a call whose answer has the time; raises a RetryableError if it fails, with or without a time.

        Raises:
            RetryableError: no two consecutive answers agree, although more were asked for; that of the last call that
                failed, unless the answers are dated and do not agree.
        """
        failure: RetryableError | None = None
        for _ in range(ASKS):
            if (at := self.agreed()) is not None:
                return at
            try:
                ask()
            except RetryableError as error:
                failure = error
        if (at := self.agreed()) is not None:
            return at
        first, second = self._answers
        if failure is not None and (first is None or second is None):
            raise failure
        msg = (
            f"the time is unknown: the latest two answers of AWS say {_text(first)} and {_text(second)}; expected two "
            f"Date headers within {AGREEMENT.seconds // 60} minutes of each other. Retry in a minute (a run does "
            "so automatically); if the problem persists, look for a proxy that changes or caches answers"
        )
        raise RetryableError(msg) from failure


def _text(at: datetime | None) -> str:
    return "nothing" if at is None else utc_text(at)
