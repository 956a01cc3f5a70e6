"""Faults of the embedded SSM and EC2, decided by the content of a call, never by its time.

A fault is drawn from the seed, the day, the target, the operation and the call's own content, so two runs meet the same
faults in any order of their threads. A fault is temporary: a repeated call succeeds at its third attempt or earlier.
"""

from collections import Counter
from enum import StrEnum
from threading import Lock
from typing import Final

from patchlake_cli.embedded.aws.settings import FaultRates
from patchlake_cli.embedded.aws.ssm_calls import Call, Chain
from patchlake_cli.embedded.fleet.dice import Dice

_LONGEST_FAULT: Final = 2
"""The maximum number of consecutive attempts that a fault fails."""

_REFUSED_PAGES: Final = (1, 3)
"""A refused token sends the caller back to the first page, so only early ones are."""


class Fault(StrEnum):
    """The way in which a call fails."""

    THROTTLING = "throttling"
    INTERNAL_ERROR = "internal_error"
    TRUNCATED_BODY = "truncated_body"
    CONNECTION_RESET = "connection_reset"
    INVALID_NEXT_TOKEN = "invalid_next_token"  # noqa: S105


class Faults:
    """Counts the attempts of each call of a run, and decides which of them fail.

    Args:
        seed: of the embedded AWS.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._day = 0
        self._attempts: Counter[Call] = Counter()
        self._lock = Lock()

    def begin(self, day: int) -> None:
        """Begin the run of a day: no call of it was made yet."""
        with self._lock:
            self._day = day
            self._attempts.clear()

    def attempt(self, call: Call) -> int:
        """Count a call, and return the number of its attempt, from 1."""
        with self._lock:
            self._attempts[call] += 1
            return self._attempts[call]

    def of(self, call: Call, attempt: int, rates: FaultRates) -> Fault | None:
        """Return how an attempt of a call fails, None if it succeeds."""
        dice = Dice(self._seed, "fault", self._day, *call)
        if attempt > dice.between((1, _LONGEST_FAULT)):
            return None
        draw = dice.share()
        for fault, rate in (
            (Fault.THROTTLING, rates.throttling),
            (Fault.INTERNAL_ERROR, rates.internal_error),
            (Fault.TRUNCATED_BODY, rates.truncated_body),
            (Fault.CONNECTION_RESET, rates.connection_reset),
        ):
            if draw < rate:
                return fault
            draw -= rate
        return None

    def refuses_token(self, chain: Chain, page: int, attempt: int, rates: FaultRates) -> bool:
        """Whether the token of a page, counted from 0, is refused: the first time, on one early page of some chains."""
        dice = Dice(self._seed, "token", self._day, *chain)
        return attempt == 1 and dice.share() < rates.invalid_next_token and page == dice.between(_REFUSED_PAGES)
