"""Every way in which a schedule breaks the world, and the dice that decide when.

A schedule breaks only in some of the ways, each seed in others: where everything goes wrong at once, nothing gets far
enough to go wrong in an interesting way.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """One way in which the world breaks; the text is what the story and the report call it."""

    # A port call.
    CRASHED_BEFORE = "crashed before a call"
    CRASHED_AFTER = "crashed after a call"
    ANSWER_LOST = "answer lost, call repeated by the SDK"
    ANSWER_LOST_FOR_GOOD = "answer lost, call given up"
    UNAVAILABLE = "503"
    CONFLICT = "409"
    SENT_IN_PART = "messages sent in part"
    THROTTLED = "throttled"
    ABSORBED = "throttled inside the SDK"
    INTERNAL_ERROR = "InternalServerError"
    INVALID_TOKEN = "InvalidNextToken"  # noqa: S105  # the error's name
    BROKEN_BODY = "200 with a body that is no answer"
    REFUSED_ONCE = "refused for one call"
    STORE_REFUSED_ONCE = "store or its key refused for one call"
    SLOW = "slow call"
    TRICKLED = "answer that trickles in until the call is given up"
    DATE_JUMPED = "Date header of one answer days off"
    DATES_MOVED = "Date headers days off from one answer on"
    # What SSM answers.
    LISTED_TWICE = "node listed twice"
    ANSWERED_TWICE = "state answered twice"
    NOT_ASKED_FOR = "row not asked for"
    BAD_VALUE = "row with a bad value"
    INVALID_ROW = "invalid row"
    UNKNOWN_ID = "id of an unknown form"
    NAMELESS_ROW = "row without an id"
    NO_ACCOUNTS = "organization listed without accounts"
    OWN_ACCOUNT_LEFT_OUT = "organization listed without our own account"
    ENDLESS = "chain of pages without an end"
    FILTER_REFUSED = "filter of several values refused"
    NODE_UNKNOWN = "node that SSM does not know"
    # A message.
    DUPLICATED = "message delivered twice at once"
    DELAYED = "message delayed"
    REORDERED = "messages reordered"
    LOST = "message lost"
    REDRIVEN = "message redriven"
    FORGED = "message forged"
    WATCH_LOST = "watch message lost"
    UNACKNOWLEDGED = "acknowledgement lost"
    # A function.
    OVERLAPPED = "handlers overlapped"
    TIMED_OUT = "function timed out"
    OUT_OF_TIME = "time nearly over"
    SKEWED = "clock skewed"
    # The world around.
    FIRED_AGAIN = "schedule fired twice"
    ACCOUNTS_CHANGED = "accounts changed"
    REGIONS_CHANGED = "regions changed"
    NODE_VANISHED = "node vanished"
    NODE_APPEARED = "node appeared"
    NODE_SCANNED = "node scanned"
    THROTTLED_FOR_A_WHILE = "target throttled for a while"
    THROTTLED_FOR_GOOD = "target throttled for good"
    REFUSED_FOR_A_WHILE = "target refused for a while"
    POISONED = "node on which every call fails"
    REFUSED_FOR_GOOD = "target refused for good"
    STORE_REFUSED_FOR_A_WHILE = "store or its key refused until someone fixes it"
    DAMAGED = "object damaged"
    VANISHED = "object vanished"
    DEPLOYED = "build deployed"
    EXPIRED = "runs/ expired"


BAD_ANSWERS = (Fault.ANSWERED_TWICE, Fault.NOT_ASKED_FOR, Fault.INVALID_ROW, Fault.UNKNOWN_ID, Fault.NAMELESS_ROW)
"""Answers that break SSM's own rules so far that a run cannot be COMPLETE; a bad value costs nothing but itself."""

BROKEN_API = (*BAD_ANSWERS, Fault.REFUSED_FOR_A_WHILE, Fault.REFUSED_FOR_GOOD)
"""The faults that a healthy API does not have; it may still throttle, fail and refuse a single call."""


_ALWAYS = (Fault.FILTER_REFUSED, Fault.NODE_UNKNOWN)
"""What a target does in any case, or in none."""

SABOTAGE = (Fault.DAMAGED, Fault.VANISHED, Fault.WATCH_LOST)
"""The faults that no service causes: someone reached into the bucket or the queue."""


class Dice:
    """Decides which faults strike; the same seed decides the same.

    Attributes:
        rolling: whether anything may break at this time.
        struck: how often each fault struck.
    """

    def __init__(self, random: Random) -> None:
        """Choose the faults of this schedule, and how often they strike."""
        self.random = random
        chance = random.choice((0.1, 0.4, 0.8))
        self.enabled = frozenset(fault for fault in Fault if fault not in _ALWAYS and random.random() < chance)
        self.call_rate = random.choice((0.02, 0.08, 0.2))
        self.world_rate = random.choice((0.02, 0.1, 0.3))
        self.pause_rate = random.choice((0.05, 0.2, 0.5))
        self.rolling = True
        self.struck: Counter[Fault] = Counter()

    def disable(self, faults: Iterable[Fault]) -> None:
        """Let these never strike; what else strikes is decided as before, as far as it then comes to that."""
        self.enabled -= frozenset(faults)

    def enable(self, faults: Iterable[Fault]) -> None:
        """Let these strike in any case."""
        self.enabled |= frozenset(faults)

    def choose(self, rate: float, faults: Sequence[Fault]) -> Fault | None:
        """With probability ``rate``, return one of ``faults`` that may strike, if any of them may."""
        if not self.rolling or self.random.random() >= rate:
            return None
        enabled = [fault for fault in faults if fault in self.enabled]
        return self.random.choice(enabled) if enabled else None

    def strike(self, rate: float, faults: Sequence[Fault]) -> Fault | None:
        """Do the same, and count the fault."""
        fault = self.choose(rate, faults)
        return None if fault is None else self.note(fault)

    def note(self, fault: Fault) -> Fault:
        """Count a fault that strikes."""
        self.struck[fault] += 1
        return fault
