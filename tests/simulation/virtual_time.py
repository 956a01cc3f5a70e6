"""Many threads of work in simulated time: each runs until it sleeps, and time jumps to the next one that wakes."""

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count

from patchlake.errors import PatchlakeError
from patchlake.ports import ParallelMap
from tests.simulation.interleaving import Strand


class VirtualTime:
    """A clock that costs nothing to wait for; one thread moves at any time, so a run can be repeated exactly.

    Attributes:
        seconds: since the beginning.
    """

    def __init__(self) -> None:
        """Begin."""
        self.seconds = 0.0
        self._sleeping: list[tuple[float, int, Strand]] = []
        self._numbers = count()
        self._moving: Strand | None = None

    def start(self, work: Callable[[], None]) -> None:
        """Let a thread begin now."""
        self._wake_later(0, Strand(work))

    def sleep(self, seconds: float) -> None:
        """Let time pass for the thread that moves."""
        strand = self._moving
        assert strand is not None
        self._wake_later(seconds, strand)
        strand.pause()

    def run(self) -> None:
        """Let every thread run until all have ended."""
        while self._sleeping:
            self.seconds, _, self._moving = heappop(self._sleeping)
            self._moving.resume()

    def threads(self, number: int) -> ParallelMap:
        """Return ``ParallelMap`` by so many threads."""

        def each[A, B](function: Callable[[A], B], items: Iterable[A], /) -> list[B]:
            waiting = deque(enumerate(items))
            results: dict[int, B] = {}
            errors: list[PatchlakeError] = []
            under_way = min(number, len(waiting))
            caller = self._moving
            assert caller is not None

            def work() -> None:
                nonlocal under_way
                try:
                    while waiting and not errors:
                        position, item = waiting.popleft()
                        results[position] = function(item)
                except PatchlakeError as error:
                    errors.append(error)
                under_way -= 1
                if not under_way:
                    self._wake_later(0, caller)

            for _ in range(under_way):
                self.start(work)
            if under_way:
                caller.pause()
            if errors:
                raise errors[0]
            return [results[position] for position in sorted(results)]

        return each

    def _wake_later(self, seconds: float, strand: Strand) -> None:
        heappush(self._sleeping, (self.seconds + seconds, next(self._numbers), strand))
