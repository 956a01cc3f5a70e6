"""How much was asked of SSM: what throttling and cost are read from."""

from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple


class CallCounts(NamedTuple):
    """What was sent, and how often it was too much.

    Attributes:
        calls: requests, each counted once however often the SDK repeated it.
        throttles: answers that said to slow down, to first attempts and to repetitions alike.
        retries: the SDK's repetitions; so ``calls + retries`` is what SSM was sent.
    """

    calls: int
    throttles: int
    retries: int

    def metrics(self) -> dict[str, int]:
        """Return the counts by the names of their metrics."""
        return {"SsmCalls": self.calls, "SsmThrottles": self.throttles, "SsmRetries": self.retries}


@dataclass
class CallCounter:
    """CallCounts of calls, safe to add to from many threads."""

    _calls: int = 0
    _throttles: int = 0
    _retries: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, *, calls: int = 0, throttles: int = 0, retries: int = 0) -> None:
        """Count some more."""
        with self._lock:
            self._calls += calls
            self._throttles += throttles
            self._retries += retries

    def drain(self) -> CallCounts:
        """Return the counts since the last take, and start again from zero."""
        with self._lock:
            taken = CallCounts(self._calls, self._throttles, self._retries)
            self._calls = self._throttles = self._retries = 0
        return taken
