"""The calls of one message: they wait for a target that throttles, and end before Lambda ends the worker.

When a message fails, its answered calls are lost and must be made again: under throttling that costs more than any
pause. So a worker keeps its message, makes fewer calls, and returns it only when its time is nearly over.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from patchlake.core.counts import counted
from patchlake.core.timings import RESERVE_SECONDS, throttle_pause_seconds
from patchlake.errors import OutOfTimeError, ThrottledError
from patchlake.ports import Delivery, ParallelMap


@dataclass(slots=True)
class ThrottledCalls:
    """One worker's calls to one target, for one message.

    Attributes:
        subject: the run and target that an error names.
        pause: waits for some seconds.
        chance: returns a number in [0, 1), so that workers that were throttled together do not ask again together.
        longest_wait_seconds: the maximum total of the pauses of one message.
        must_yield: whether a throttled worker still has to leave the target to others.
        pauses: the number of pauses.
        waited_seconds: their total.
        call_seconds: the time of the latest call that was answered.
    """

    subject: str
    delivery: Delivery
    pause: Callable[[float], None]
    chance: Callable[[], float]
    longest_wait_seconds: float = math.inf
    must_yield: Callable[[], bool] = lambda: False
    pauses: int = 0
    waited_seconds: float = 0
    call_seconds: float = 0
    _in_a_row: int = 0
    _pause_due: ThrottledError | None = None

    def call[T](self, ask: Callable[[], T]) -> T:
        """Repeat a call until it is not throttled.

        Raises:
            OutOfTimeError: the time is nearly over.
        """
        while True:
            self._pause_if_due()
            left = self.require_time()
            try:
                answer = ask()
            except ThrottledError as error:
                self._pause_due = error
            else:
                self._in_a_row = 0
                self.call_seconds = left - self.delivery.seconds_left()
                return answer

    def call_each[A, B](self, ask: Callable[[A], B], items: Sequence[A], parallel_map: ParallelMap) -> Iterator[B]:
        """Yield the answer for every item, in any order, with as many concurrent calls as the target allows.

        As soon as one call is throttled, no further call is started. After a pause, as many calls are made as were
        answered before it, and twice as many after each round without throttling. If another call of the round is
        refused, the pause comes before the next call, if there is one.

        Raises:
            OutOfTimeError: the time is nearly over.
        """
        waiting, width = list(items), len(items)
        while waiting:
            self._pause_if_due()
            attempt = _Round(ask, self.require_time)
            try:
                answers = list(parallel_map(attempt.answers, waiting[:width]))
            finally:
                self._pause_due = attempt.throttled
            yield from (answer for found in answers for answer in found)
            unanswered = [item for item, found in zip(waiting, answers, strict=False) if not found]
            waiting = unanswered + waiting[width:]
            answered = len(answers) - len(unanswered)
            if answered:
                self._in_a_row = 0
            width = width * 2 if attempt.throttled is None else max(1, answered)

    def require_time(self, seconds: float = 0) -> float:
        """Return the seconds left, if that is enough for ``seconds`` of work and for storing its result.

        Raises:
            OutOfTimeError: there is not enough time.
        """
        left = self.delivery.seconds_left()
        if left < RESERVE_SECONDS + seconds:
            msg = (
                f"{self.subject}: {left:.0f} seconds are left of the invocation, after {counted(self.pauses, 'pause')}"
            )
            raise OutOfTimeError(msg)
        return left

    def pause_for(self, seconds: float) -> None:
        """Wait without a call.

        Raises:
            OutOfTimeError: there is not enough time.
        """
        self.require_time(seconds)
        self.pause(seconds)

    def _pause_if_due(self) -> None:
        """Pause if the last call, or another one of its round, was throttled."""
        if self._pause_due is not None:
            throttled, self._pause_due = self._pause_due, None
            self._pause_once(throttled)
            while self.must_yield():
                self._pause_once(throttled)

    def _pause_once(self, throttled: ThrottledError) -> None:
        seconds = throttle_pause_seconds(self._in_a_row, self.chance())
        left = self.delivery.seconds_left()
        if left < RESERVE_SECONDS + seconds:
            msg = f"{throttled} ({left:.0f} seconds are left of the invocation, after {counted(self.pauses, 'pause')})"
            raise OutOfTimeError(msg) from throttled
        if self.waited_seconds + seconds > self.longest_wait_seconds:
            msg = f"{throttled} (throttled for {self.waited_seconds:.0f} seconds)"
            raise OutOfTimeError(msg) from throttled
        self.pause(seconds)
        self.pauses += 1
        self.waited_seconds += seconds
        self._in_a_row += 1


@dataclass(slots=True)
class _Round[A, B]:
    """Concurrent calls: as soon as one is throttled, no further call is started.

    Attributes:
        throttled: the error of a call that was throttled.
    """

    ask: Callable[[A], B]
    require_time: Callable[[], object]
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
