"""The way of every call to a port: at each of them others may go first, or something breaks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NoReturn

from patchlake.errors import (
    FailedCallError,
    PatchlakeError,
    PermanentError,
    RefusedError,
    RestartError,
    RetryableError,
    ThrottledError,
)
from tests.simulation.checking import check
from tests.simulation.events import Outlived, Read
from tests.simulation.faults import Fault
from tests.simulation.interleaving import Killed
from tests.simulation.world import World
from tests.world import HOME

CRASHES = (Fault.CRASHED_BEFORE, Fault.CRASHED_AFTER)
LATE = (Fault.SLOW, Fault.TRICKLED)

_ERRORS: dict[Fault, Callable[[str], PatchlakeError]] = {
    Fault.INTERNAL_ERROR: partial(FailedCallError, "InternalServerError"),
    Fault.INVALID_TOKEN: RestartError,
    Fault.THROTTLED: ThrottledError,
    Fault.STORE_REFUSED_ONCE: PermanentError,
}
"""The error of a fault, if it is not a plain RetryableError."""

_LONGEST_CALL_SECONDS = 300
_GIVEN_UP_SECONDS = 3 * (5 + 15) + 1 + 2
_MOST_RETRIES, _LONGEST_BACKOFF_SECONDS = 3, 12


@dataclass(frozen=True, slots=True)
class Calls:
    """The way of every call to a port.

    Attributes:
        pause: lets other handlers go first, if the schedule wants it.
        elapse: lets seconds go by for the acting handler.
    """

    world: World
    pause: Callable[[], None]
    elapse: Callable[[float], None]

    def make[T](
        self, call: str, act: Callable[[], T], faults: Sequence[Fault], refused: RefusedError | None = None
    ) -> T:
        """Make a call that one of ``faults`` may strike; the acting handler hears the time of its answer.

        Args:
            call: its name in the story.
            act: what it does.
            faults: what may strike it.
            refused: what it raises where it is refused.
        """
        try:
            answer = self._make(call, act, faults, refused)
        except PatchlakeError:
            self._answered(call)
            raise
        self._answered(call)
        return answer

    def _answered(self, call: str) -> None:
        """Let the acting handler hear the time of an answer, which may be days off.

        A refusal has the time as well; where there was no answer, it hears that of an attempt of the SDK.
        """
        world, by = self.world, self.world.acting
        if by.stage == "plan" and not by.moved and world.dice.strike(world.dice.call_rate, (Fault.DATES_MOVED,)):
            by.moved = timedelta(days=world.random.choice((-2, 2)))
            world.story.tell(world.who, "%s: Date is %s off from now on", call, by.moved)
        at = world.clock.now() + by.skew + by.moved
        if world.dice.strike(world.dice.call_rate, (Fault.DATE_JUMPED,)):
            # No two jumps of a handler agree.
            by.jumps += 1
            jump = timedelta(days=world.random.choice((-2, 2)), hours=by.jumps)
            world.story.tell(world.who, "%s: Date is %s off", call, jump)
            by.heard.hear(at + jump)
        else:
            by.dates.add(at)
            by.heard.hear(at)

    def now(self) -> datetime:
        """Return the time, by the answers that the acting handler has heard."""
        by = self.world.acting
        at = by.heard.now(lambda: self.make("GetCallerIdentity", lambda: HOME, CRASHES))
        check(self.world, Read(at, by))
        return at

    def _make[T](self, call: str, act: Callable[[], T], faults: Sequence[Fault], refused: RefusedError | None) -> T:
        self.pause()
        if self.world.acting.over:
            check(self.world, Outlived(call, self.world.acting))
        dice = self.world.dice
        fault = dice.strike(dice.call_rate, faults)
        if fault is None:
            return act()
        self.world.story.tell(self.world.who, "%s: %s", call, fault)
        match fault:
            case Fault.CRASHED_BEFORE:
                raise Killed
            case Fault.CRASHED_AFTER:
                act()
                raise Killed
            case Fault.ANSWER_LOST:
                act()
            case Fault.SLOW:
                self.elapse(self.world.random.random() * _LONGEST_CALL_SECONDS)
            case Fault.ABSORBED:
                self.absorb()
            case _:
                self._give_up(act, fault, refused)
        return act()

    def _give_up(self, act: Callable[[], object], fault: Fault, refused: RefusedError | None) -> NoReturn:
        match fault:
            case Fault.ANSWER_LOST_FOR_GOOD:
                act()
            case Fault.TRICKLED:
                self.elapse(_GIVEN_UP_SECONDS)
            case Fault.REFUSED_ONCE if refused is not None:
                self.fail(refused)
            case _:
                pass
        raise _ERRORS.get(fault, RetryableError)(fault)

    def fail(self, error: RetryableError | RefusedError) -> NoReturn:
        """Let a call fail, and remember a refusal as the reason that a handler may record.

        Raises:
            RetryableError: the error.
            RefusedError: the same, as a refusal.
        """
        by = self.world.acting
        if isinstance(error, RefusedError):
            if error.listing_status != "NOT_LISTED":
                by.denied = set()
            by.refused[by.asked_again].append(error)
            if by.final_refusal is not None:
                self.world.excuse(by)
                by.process.learn(by)
        raise error

    def absorb(self) -> None:
        """Let the SDK repeat a call that is throttled."""
        retries = self.world.random.randint(1, _MOST_RETRIES)
        self.world.apis.call_counter.add(throttles=retries, retries=retries)
        self.world.acting.absorbed += retries
        self.elapse(self.world.random.random() * _LONGEST_BACKOFF_SECONDS)
