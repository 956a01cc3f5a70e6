"""Calls that one handler makes at once, one at a time: in an order of the schedule's own, on no threads."""

from collections.abc import Callable, Iterable
from concurrent.futures import ALL_COMPLETED, FIRST_EXCEPTION
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.errors import PatchlakeError
from patchlake.ports import ParallelMap
from tests.simulation.invocations import Invocation
from tests.simulation.world import World

_MOST_UNDER_WAY = 3


@dataclass(slots=True, eq=False)
class Call:
    """The part of a ``Future`` that ``ThreadedMap`` uses, at a tenth of its cost."""

    by: Invocation
    function: Callable[[], Any]
    begun: bool = False
    dropped: bool = False
    results: list[Any] = field(default_factory=list)
    error: PatchlakeError | None = None

    def make(self) -> None:
        """Make the call."""
        self.begun = True
        try:
            self.results.append(self.function())
        except PatchlakeError as error:
            self.error = error

    def done(self) -> bool:
        """Whether it has ended, or will not begin."""
        return self.dropped or self.error is not None or bool(self.results)

    def cancel(self) -> bool:
        """Drop the call, unless it has begun."""
        self.dropped = not self.begun
        return self.dropped

    def cancelled(self) -> bool:
        """Whether it was dropped."""
        return self.dropped

    def result(self) -> Any:  # noqa: ANN401
        """Return its result, or raise its error."""
        if self.error is not None:
            raise self.error
        return self.results[0]


class Turns:
    """Stands in for what ``ThreadedMap`` has of ``concurrent.futures``: a pool, and the wait for its calls.

    After a failure some of the other calls are in flight already. A handler that does not wait for them leaves them
    behind, and they continue in the middle of a later handler, as in Lambda.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._under_way: list[Call] = []

    def threads(self, count: int) -> ParallelMap:
        """Return the production ``ThreadedMap`` of so many threads, over calls that take turns."""
        made = ThreadedMap(count, "turns")
        made._pool = self  # type: ignore[assignment]  # noqa: SLF001
        return made

    def submit[A](self, function: Callable[[A], object], item: A) -> Call:
        """Take a call that has not begun."""
        return Call(self._world.acting, partial(function, item))

    def wait(self, calls: Iterable[Call], return_when: str = ALL_COMPLETED) -> None:
        """Make the calls, or some until one fails; then a few others are under way."""
        waiting = [call for call in calls if not call.done()]
        self._world.random.shuffle(waiting)
        if return_when == FIRST_EXCEPTION:
            self._world.acting.under_way = 0
        while waiting:
            call = waiting.pop()
            call.make()
            if call.error is not None and return_when == FIRST_EXCEPTION:
                under_way = waiting[: self._world.random.randint(0, _MOST_UNDER_WAY)]
                for other in under_way:
                    other.begun = True
                self._under_way += under_way
                self._world.acting.under_way = len(under_way)
                break

    def forget(self, by: Invocation) -> None:
        """Let the calls of a handler end with its process."""
        self._under_way = [call for call in self._under_way if call.by is not by]

    def go_on(self) -> None:
        """Let go on what handlers left behind that are over."""
        left = [call for call in self._under_way if not call.done()]
        self._under_way = [call for call in left if not call.by.over]
        for call in left:
            if call.by.over:
                self._world.acting = call.by
                call.make()
