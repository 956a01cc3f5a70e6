"""Several handlers at once, one at a time: the order in which they take turns is the schedule's to decide.

A handler that may be interrupted runs on a thread of its own, which moves only between ``resume`` and ``pause``. As one
thread moves at any time, nothing depends on the operating system, and a seed replays exactly.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from threading import Lock


class Killed(BaseException):
    """The execution environment of a handler died; nothing of the handler may catch it."""


class Strand:
    """A call that runs in turns."""

    def __init__(self, executor: Executor, work: Callable[[], None]) -> None:
        """Prepare ``work``; its first turn comes with the first ``resume``."""
        self._work = work
        self._turn = _taken_lock()
        self._rest = _taken_lock()
        self._over = False
        self._doomed = False
        self._future = executor.submit(self._run)

    def resume(self) -> bool:
        """Give it a turn; return whether it paused, and so wants another one. What it raised is raised here."""
        self._turn.release()
        self._rest.acquire()
        if self._over:
            self._future.result()
        return not self._over

    def pause(self) -> None:
        """Let others have their turns; called from inside the work.

        Raises:
            Killed: there is no further turn.
        """
        self._rest.release()
        self._turn.acquire()
        if self._doomed:
            raise Killed

    def kill(self) -> None:
        """End it where it paused."""
        self._doomed = True
        self.resume()

    def _run(self) -> None:
        self._turn.acquire()
        try:
            self._work()
        finally:
            self._over = True
            self._rest.release()


def _taken_lock() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock
