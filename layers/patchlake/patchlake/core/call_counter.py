"""The counts of calls to SSM, for throttling and cost."""

from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple


class CallCounts(NamedTuple):
    """Calls, throttled answers and retries.

    Attributes:
        calls: requests, each counted once regardless of the SDK's retries.
        throttles: answers that said to slow down, to first attempts and to retries.
        retries: the SDK's retries; so SSM received ``calls + retries`` requests.
    """

    calls: int
    throttles: int
    retries: int

    def metrics(self) -> dict[str, int]:
        """Return the counts by the names of their metrics."""
        return {"SsmCalls": self.calls, "SsmThrottles": self.throttles, "SsmRetries": self.retries}


@dataclass
class CallCounter:
    """A counter of calls that many threads may use."""

    _calls: int = 0
    _throttles: int = 0
    _retries: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, *, calls: int = 0, throttles: int = 0, retries: int = 0) -> None:
        """Add to the counts."""
        with self._lock:
            self._calls += calls
            self._throttles += throttles
            self._retries += retries

    @property
    def retries(self) -> int:
        """The number of retries since the last drain."""
        return self._retries

    def drain(self) -> CallCounts:
        """Return the counts since the last drain, and start again from zero."""
        with self._lock:
            taken = CallCounts(self._calls, self._throttles, self._retries)
            self._calls = self._throttles = self._retries = 0
        return taken
