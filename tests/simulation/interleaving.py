"""Several handlers at once, one at a time: the order in which they take turns is the schedule's to decide.

A handler that may be interrupted runs in a greenlet, which moves only between ``resume`` and ``pause``. As one of them
moves at any time, nothing depends on the operating system, and a seed replays exactly.
"""

from collections.abc import Callable

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """The execution environment of a handler died; nothing of the handler may catch it."""


class Strand:
    """A call that runs in turns."""

    def __init__(self, work: Callable[[], None]) -> None:
        """Prepare ``work``; its first turn comes with the first ``resume``."""
        self._greenlet = greenlet(work)

    def resume(self) -> bool:
        """Give it a turn; return whether it paused, and so wants another one. What it raised is raised here."""
        self._greenlet.parent = getcurrent()
        self._greenlet.switch()
        return not self._greenlet.dead

    def pause(self) -> None:
        """Let others have their turns; called from inside the work.

        Raises:
            Killed: there is no further turn.
        """
        caller = self._greenlet.parent
        assert caller is not None
        caller.switch()

    def kill(self) -> None:
        """End it where it paused."""
        self._greenlet.parent = getcurrent()
        self._greenlet.throw(Killed)
