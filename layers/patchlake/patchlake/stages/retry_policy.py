"""The policy for a failed message: how long it is retried, and when a refusal is final.

A message is retried within one invocation while the target only throttles and time is left (``ThrottledCalls``); then
it goes back to its queue for a pause of its own. A refusal counts only when it lasts over several receives, and when a
second ask with a fresh session is refused too.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from patchlake.core.targets import Target
from patchlake.core.timings import PERMANENT_FROM_RECEIVE, RESERVE_SECONDS, retry_seconds, second_ask_seconds
from patchlake.errors import OutOfTimeError, RefusedError, RetryableError, UnknownSourceError
from patchlake.ports import Delivery, Queue
from patchlake.stages.throttled_calls import ThrottledCalls


class Ask[T](Protocol):
    """A question to a target."""

    def __call__(self, *, fresh_session: bool) -> T:
        """Return the answer; with ``fresh_session``, ask in a session that is not older than the question."""
        ...


@dataclass(slots=True)
class FinalRefusals:
    """The refusals that this process recorded: the same account need not refuse the same operation twice again.

    They are kept for one run at a time, so that a refusal of today says nothing about tomorrow.
    """

    _run_id: str = ""
    _seen: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, run_id: str, target: Target, refusal: RefusedError) -> None:
        """Remember a refusal that is final."""
        if run_id != self._run_id:
            self._run_id = run_id
            self._seen.clear()
        self._seen.add((target.account_id, refusal.operation, refusal.code))

    def has(self, run_id: str, target: Target, refusal: RefusedError) -> bool:
        """Whether the account has refused the operation with this code for good."""
        return run_id == self._run_id and (target.account_id, refusal.operation, refusal.code) in self._seen


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The policy of the stages that ask AWS about targets.

    Attributes:
        queues: the queues that the stage's messages come from.
        base_seconds: the shortest pause of a failed message; the longest is four times that.
        chance: returns a number in [0, 1), so that messages that failed together do not come back together.
        pause: waits for some seconds.
        records_at_once: whether a reason is recorded the first time: a person is waiting.
        final_refusals: those of this process.
    """

    queues: Sequence[Queue]
    base_seconds: int
    chance: Callable[[], float]
    pause: Callable[[float], None]
    records_at_once: bool = False
    final_refusals: FinalRefusals = field(default_factory=FinalRefusals)

    @contextmanager
    def attempt(self, delivery: Delivery, run_id: str, target: Target) -> Iterator["Attempt"]:
        """Handle a message once; one that fails for now is deferred on the queue that it came from.

        If it cannot be deferred, the queue's visibility is the pause.

        Args:
            delivery: the message.
            run_id: its run.
            target: its target.
        """
        try:
            yield Attempt(self, delivery, run_id, target)
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
    run_id: str
    target: Target

    def calls(
        self, longest_wait_seconds: float = math.inf, must_yield: Callable[[], bool] = lambda: False
    ) -> ThrottledCalls:
        """Return the calls that the message may make.

        Args:
            longest_wait_seconds: the maximum total of its pauses.
            must_yield: whether it still has to leave a target that throttles to others.
        """
        subject = f"run {self.run_id}, target {self.target}"
        policy = self.policy
        return ThrottledCalls(subject, self.delivery, policy.pause, policy.chance, longest_wait_seconds, must_yield)

    def ask[T](self, question: Ask[T]) -> T:
        """Return the answer to a question, which a refused target is asked twice.

        Raises:
            RefusedError: the refusal is final.
            RetryableError: it may still be transient, or anything else failed for now.
        """
        policy = self.policy
        try:
            return question(fresh_session=False)
        except RefusedError as refusal:
            if policy.records_at_once or policy.final_refusals.has(self.run_id, self.target, refusal):
                raise
            self.require_final(refusal)
            self._pause_before_second_ask(refusal)
            first = refusal
        try:
            return question(fresh_session=True)
        except RefusedError as second:
            if (second.operation, second.code) == (first.operation, first.code):
                policy.final_refusals.add(self.run_id, self.target, second)
            raise

    def require_final(self, reason: RefusedError | OutOfTimeError) -> None:
        """Return if the reason has lasted.

        Raises:
            RetryableError: it may still be transient.
        """
        receive = self.delivery.receive_count
        if receive < PERMANENT_FROM_RECEIVE and not self.policy.records_at_once:
            msg = f"{reason} (receive {receive} of {PERMANENT_FROM_RECEIVE} before it is recorded)"
            raise RetryableError(msg) from reason

    def _pause_before_second_ask(self, refusal: RefusedError) -> None:
        seconds = second_ask_seconds(self.policy.base_seconds)
        if self.delivery.seconds_left() < RESERVE_SECONDS + seconds:
            msg = f"{refusal} (no time is left to ask again before it is recorded)"
            raise RetryableError(msg) from refusal
        self.policy.pause(seconds)
