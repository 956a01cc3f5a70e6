"""The simulated clock: the time that every answer of the embedded AWS shows in its ``Date`` header.

It does not move until it is set or advanced. patchlake takes its times from these headers, so tests reach deadlines
without waiting, and equal runs write equal bytes. SQS's visibility timeouts are not simulated: they use real time.
"""

from datetime import datetime, timedelta
from email.utils import format_datetime
from threading import Lock


class SimulatedClock:
    """A clock that moves only when it is set or advanced; safe to use from many threads.

    Args:
        now: the time it shows first, in UTC.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._lock = Lock()

    def now(self) -> datetime:
        """Return the time it shows, in UTC."""
        return self._now

    def set(self, now: datetime) -> None:
        """Set it to a time, given in UTC; it may go back."""
        with self._lock:
            self._now = now

    def advance(self, seconds: float) -> None:
        """Move it on by a number of seconds."""
        with self._lock:
            self._now += timedelta(seconds=seconds)

    def http_date(self) -> str:
        """Return the time as a ``Date`` header has it: to the second, cut, not rounded."""
        return format_datetime(self._now, usegmt=True)
