"""The dead letters of plan: events of the schedule, which have no queue to go back to.

A run starts again by its scheduled time. A dead letter from Scheduler is the event itself; one from Lambda wraps it and
adds the error of plan.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import batched
from typing import Any

import msgspec

from patchlake.adapters.one_line import one_line
from patchlake.adapters.sqs import MESSAGES_PER_CALL
from patchlake.core.run import run_id_of
from patchlake.errors import InputError
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.operations.dead_letters import NOT_RECEIVED, DeadLetter, DeadLetterQueue, Received


class Fate(StrEnum):
    """The fate of a failed event."""

    SETTLED = "SETTLED"
    """Its run has a plan now, so the event was deleted: commit sends all missing messages again."""
    NOT_DELETED = "NOT_DELETED"
    """Its run has a plan now, but SQS did not delete the event: it is visible again in a minute."""
    START_AGAIN = "START_AGAIN"
    """Its run can be started by hand, if its time is not too old."""
    UNKNOWN = "UNKNOWN"
    """It has no scheduled time: it does not come from the schedule."""


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """An event that started no run; ``reason`` is the error of plan, if Lambda passed it on."""

    fate: Fate
    run_id: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class FailedEvents:
    """The failed events that were received; ``problem`` says why others were not, and which calls failed."""

    events: Sequence[FailedEvent]
    problem: str | None = None


def settle(letters: DeadLetterQueue, is_planned: Callable[[str], bool]) -> FailedEvents:
    """Read the failed events, delete those whose run has a plan, and leave the others.

    An event that could not be deleted is read again the next time, with the same result.
    """
    found, received, seen = letters.count(), Received(letters), list[tuple[DeadLetter, FailedEvent]]()
    problems, missing = list[str](), 0
    try:
        while few := received.next(found):
            seen += [(letter, read_event(letter, is_planned)) for letter in few]
        missing = found - received.count
    except CommandError as error:
        problems.append(str(error))
    events = list[FailedEvent]()
    for some in batched(seen, MESSAGES_PER_CALL, strict=False):
        settled = [letter for letter, event in some if event.fate is Fate.SETTLED]
        deleted: Sequence[DeadLetter] = []
        try:
            deleted = letters.delete(settled) if settled else []
            if kept := [letter for letter, event in some if event.fate is not Fate.SETTLED]:
                letters.release(kept)
        except CommandError as error:
            problems.append(str(error))
        events += [
            replace(event, fate=Fate.NOT_DELETED) if letter in settled and letter not in deleted else event
            for letter, event in some
        ]
    if missing > 0:
        problems.append(f"{missing} of {found} failed events: {NOT_RECEIVED}")
    return FailedEvents(events, "; ".join(dict.fromkeys(problems)) or None)


def read_event(letter: DeadLetter, is_planned: Callable[[str], bool]) -> FailedEvent:
    """Read a dead letter of plan, and decide what happens to it."""
    content = _json(letter.body)
    wrapped = content.get("requestPayload")
    event, reason = (wrapped, content.get("responsePayload")) if isinstance(wrapped, dict) else (content, None)
    said = reason.get("errorMessage") if isinstance(reason, dict) else None
    said = None if said is None else one_line(str(said))
    try:
        run_id = run_id_of(event.get("scheduled_time"))
    except InputError:
        return FailedEvent(Fate.UNKNOWN, None, said)
    return FailedEvent(Fate.SETTLED if is_planned(run_id) else Fate.START_AGAIN, run_id, said)


def _json(body: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
