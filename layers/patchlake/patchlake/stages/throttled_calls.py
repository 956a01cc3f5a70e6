"""How a worker spends its time: patient with a target that throttles, and done before Lambda ends it.

Calls that were answered are lost when the message fails, and must be made again: under throttling that costs more than
any pause. So a worker holds on to its message, asks for less, and gives it back only when its time is nearly over.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from patchlake.core.timings import RESERVE_SECONDS, throttle_pause_seconds
from patchlake.errors import OutOfTimeError, RestartError, ThrottledError
from patchlake.ports import Delivery, ParallelMap


@dataclass(slots=True)
class ThrottledCalls:
    """One worker's calls with one target.

    Attributes:
        subject: whom an error names.
        pause: lets seconds pass.
        chance: returns a number in [0, 1), so that workers that were throttled together do not ask again together.
        pauses: how often it waited.
        restarts: how often a chain of pages broke and was begun anew.
    """

    subject: str
    delivery: Delivery
    pause: Callable[[float], None]
    chance: Callable[[], float]
    pauses: int = 0
    restarts: int = 0
    _in_a_row: int = 0

    def call[T](self, ask: Callable[[], T]) -> T:
        """Ask until the answer is not that we are throttled.

        Raises:
            OutOfTimeError: the time is nearly over.
        """
        while True:
            self.require_time()
            try:
                answer = ask()
            except ThrottledError as error:
                self._wait(error)
            except RestartError:
                self.restarts += 1
                raise
            else:
                self._in_a_row = 0
                return answer

    def call_each[A, B](self, ask: Callable[[A], B], items: Sequence[A], parallel_map: ParallelMap) -> Iterator[B]:
        """Yield the answer for every item, in any order, asking for as much at once as the target bears.

        As soon as one call is throttled no further one is begun. After a pause as many items are asked for as were
        answered before it, and twice as many after each time that none is throttled.

        Raises:
            OutOfTimeError: the time is nearly over.
        """
        waiting, width = list(items), len(items)
        while waiting:
            throttled: list[ThrottledError] = []

            def ask_unless_throttled(item: A, throttled: list[ThrottledError] = throttled) -> list[B]:
                if throttled:
                    return []
                self.require_time()
                try:
                    return [ask(item)]
                except ThrottledError as error:
                    throttled.append(error)
                    return []

            answers = list(parallel_map(ask_unless_throttled, waiting[:width]))
            yield from (answer for found in answers for answer in found)
            unanswered = [item for item, found in zip(waiting, answers, strict=False) if not found]
            waiting = unanswered + waiting[width:]
            answered = len(answers) - len(unanswered)
            if answered:
                self._in_a_row = 0
            if throttled:
                width = max(1, answered)
                self._wait(throttled[0])
            else:
                width *= 2

    @property
    def is_held_up(self) -> bool:
        """Whether the target throttled, or broke a chain of pages: what takes too long now may not another time."""
        return self.pauses + self.restarts > 0

    def require_time(self, seconds: float = 0) -> None:
        """Make sure that something which takes ``seconds`` can still be done, and its result be stored.

        Raises:
            OutOfTimeError: the time is too short for that.
        """
        left = self.delivery.seconds_left()
        if left < RESERVE_SECONDS + seconds:
            msg = f"{self.subject}: {left:.0f} seconds are left of the invocation, after {self.pauses} pauses"
            raise OutOfTimeError(msg)

    def _wait(self, throttled: ThrottledError) -> None:
        seconds = throttle_pause_seconds(self._in_a_row, self.chance())
        try:
            self.require_time(seconds)
        except OutOfTimeError as error:
            raise error from throttled
        self.pause(seconds)
        self.pauses += 1
        self._in_a_row += 1
