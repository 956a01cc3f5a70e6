"""The calls of one message: they wait out a target that throttles, and end before Lambda ends the worker.

Calls that were answered are lost when the message fails, and must be made again: under throttling that costs more than
any pause. So a worker holds on to its message, asks for less, and gives it back only when its time is nearly over.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from patchlake.core.timings import RESERVE_SECONDS, throttle_pause_seconds
from patchlake.errors import OutOfTimeError, RestartError, ThrottledError
from patchlake.ports import Delivery, ParallelMap


@dataclass(slots=True)
class ThrottledCalls:
    """One worker's calls to one target, for one message.

    Attributes:
        subject: the run and target that an error names.
        pause: lets seconds pass.
        chance: returns a number in [0, 1), so that workers that were throttled together do not ask again together.
        longest_wait_seconds: the pauses of one message, taken together, are no longer.
        pauses: how often it waited.
        waited_seconds: how long, in total.
        restarts: how often a chain of pages broke and was begun again.
    """

    subject: str
    delivery: Delivery
    pause: Callable[[float], None]
    chance: Callable[[], float]
    longest_wait_seconds: float = math.inf
    pauses: int = 0
    waited_seconds: float = 0
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
            attempt = _Round(ask, self.require_time)
            answers = list(parallel_map(attempt.answers, waiting[:width]))
            yield from (answer for found in answers for answer in found)
            unanswered = [item for item, found in zip(waiting, answers, strict=False) if not found]
            waiting = unanswered + waiting[width:]
            answered = len(answers) - len(unanswered)
            if answered:
                self._in_a_row = 0
            if attempt.throttled is None:
                width *= 2
            else:
                width = max(1, answered)
                self._wait(attempt.throttled)

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
        if self.waited_seconds + seconds > self.longest_wait_seconds:
            msg = f"{self.subject}: throttled for {self.waited_seconds:.0f} seconds of the invocation"
            raise OutOfTimeError(msg) from throttled
        self.pause(seconds)
        self.pauses += 1
        self.waited_seconds += seconds
        self._in_a_row += 1


@dataclass(slots=True)
class _Round[A, B]:
    """Calls made at once: after the first that is throttled, none is begun.

    Attributes:
        throttled: the error of a call that was throttled.
    """

    ask: Callable[[A], B]
    require_time: Callable[[], None]
    throttled: ThrottledError | None = None

    def answers(self, item: A) -> list[B]:
        """Return the answer for an item, or nothing where a call was throttled."""
        if self.throttled is not None:
            return []
        self.require_time()
        try:
            return [self.ask(item)]
        except ThrottledError as error:
            self.throttled = error
            return []
