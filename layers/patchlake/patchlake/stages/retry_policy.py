"""The policy for a failed message: how long it is tried, and when a refusal is final.

A message is tried within one invocation while the target only throttles and time is left (``ThrottledCalls``); then it
goes back to its queue for a pause of its own. A refusal counts only when it lasts over several receives.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from patchlake.core.timings import PERMANENT_FROM_RECEIVE, retry_seconds
from patchlake.errors import OutOfTimeError, RefusedError, RetryableError, UnknownSourceError
from patchlake.ports import Delivery, Queue
from patchlake.stages.throttled_calls import ThrottledCalls


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The policy of the stages that ask AWS about targets.

    Attributes:
        queues: the queues that the stage's messages come from.
        base_seconds: the shortest pause of a failed message; the longest is four times that.
        chance: returns a number in [0, 1), so that messages that failed together do not come back together.
        pause: waits for some seconds.
        permanent_from_receive: the receive of a message from which a refusal is recorded.
    """

    queues: Sequence[Queue]
    base_seconds: int
    chance: Callable[[], float]
    pause: Callable[[float], None]
    permanent_from_receive: int = PERMANENT_FROM_RECEIVE

    @contextmanager
    def attempt(self, delivery: Delivery, subject: str) -> Iterator["Attempt"]:
        """Handle a message once; one that fails for now is deferred on the queue that it came from.

        If it cannot be deferred, the queue's visibility is the pause.

        Args:
            delivery: the message.
            subject: the run and target that errors name.
        """
        try:
            yield Attempt(self, delivery, subject)
        except UnknownSourceError:
            # Not deferred: within the queue's own visibility its receives outlast every deadline.
            raise
        except RetryableError:
            with suppress(RetryableError):
                for queue in self.queues:
                    if queue.name == delivery.queue_name:
                        queue.defer(delivery, retry_seconds(self.base_seconds, self.chance()))
            raise


@dataclass(frozen=True, slots=True)
class Attempt:
    """One receive of one message."""

    policy: RetryPolicy
    delivery: Delivery
    subject: str

    def calls(self, longest_wait_seconds: float = math.inf) -> ThrottledCalls:
        """Return the calls that the message may make; its pauses take at most ``longest_wait_seconds`` in total."""
        return ThrottledCalls(self.subject, self.delivery, self.policy.pause, self.policy.chance, longest_wait_seconds)

    def require_final(self, reason: RefusedError | OutOfTimeError) -> None:
        """Return if the reason has lasted.

        Raises:
            RetryableError: it may still be transient.
        """
        receive, final = self.delivery.receive_count, self.policy.permanent_from_receive
        if receive < final:
            msg = f"{reason} (receive {receive} of {final} before it is recorded)"
            raise RetryableError(msg) from reason
