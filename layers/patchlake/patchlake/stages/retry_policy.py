"""What a failed message costs: a pause of its own length, and a refusal counts only when it lasts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from patchlake.core.timings import PERMANENT_FROM_RECEIVE, retry_seconds
from patchlake.errors import OutOfTimeError, RefusedError, RetryableError, UnlistableError
from patchlake.ports import Delivery, Queue
from patchlake.stages.throttled_calls import ThrottledCalls


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How the stages that ask SSM retry.

    Attributes:
        queue: the stage's own queue.
        base_seconds: the shortest pause of a failed message; the longest is four times that.
        chance: returns a number in [0, 1), so that messages that failed together do not come back together.
        pause: lets seconds pass.
        permanent_from_receive: the receive of a message from which on a refusal is recorded.
    """

    queue: Queue
    base_seconds: int
    chance: Callable[[], float]
    pause: Callable[[float], None]
    permanent_from_receive: int = PERMANENT_FROM_RECEIVE

    @contextmanager
    def deferring(self, delivery: Delivery) -> Iterator[None]:
        """Give a message that fails for now its own pause; without it, the queue's visibility is the pause."""
        try:
            yield
        except RetryableError:
            with suppress(RetryableError):
                self.queue.defer(delivery, retry_seconds(self.base_seconds, self.chance()))
            raise

    def calls(self, subject: str, delivery: Delivery) -> ThrottledCalls:
        """Return what a worker has for a message; ``subject`` is whom its errors name."""
        return ThrottledCalls(subject, delivery, self.pause, self.chance)

    def require_lasting(self, reason: RefusedError | OutOfTimeError | UnlistableError, delivery: Delivery) -> None:
        """Accept a reason that lasted.

        Raises:
            RetryableError: it may still be a passing one.
        """
        if delivery.receive_count < self.permanent_from_receive:
            msg = f"{reason} (receive {delivery.receive_count} of {self.permanent_from_receive} before it is recorded)"
            raise RetryableError(msg) from reason
