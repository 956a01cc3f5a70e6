"""The dead letters of plan: events of the schedule, which no queue takes back; a run is started again by its time.

From Scheduler it is the event itself; Lambda wraps it, and adds what plan said.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import batched
from typing import Any

from patchlake.core.run import run_id_of
from patchlake.errors import InputError
from patchlake_cli.operations.dead_letters import MESSAGES_PER_CALL, DeadLetter, DeadLetterQueue


class Fate(StrEnum):
    """The fate of a failed event."""

    SETTLED = "SETTLED"
    """Its run has a plan by now, so it was deleted: commit sends again whatever is missing."""
    START_AGAIN = "START_AGAIN"
    """Its run can be started by hand, while its time is not too old."""
    UNKNOWN = "UNKNOWN"
    """It names no scheduled time: it is not the schedule's."""


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """An event that started no run when it came; ``reason`` is what plan said, where Lambda passes it on."""

    fate: Fate
    run_id: str | None
    reason: str | None


def settle(letters: DeadLetterQueue, is_planned: Callable[[str], bool]) -> list[FailedEvent]:
    """Look at the failed events there are, delete those whose run has a plan, and leave the others where they are."""
    found, seen = letters.count(), list[tuple[DeadLetter, FailedEvent]]()
    while len(seen) < found and (received := letters.receive(min(MESSAGES_PER_CALL, found - len(seen)))):
        seen += [(letter, read_event(letter, is_planned)) for letter in received]
    for few in batched(seen, MESSAGES_PER_CALL, strict=False):
        if settled := [letter for letter, event in few if event.fate is Fate.SETTLED]:
            letters.delete(settled)
        if kept := [letter for letter, event in few if event.fate is not Fate.SETTLED]:
            letters.release(kept)
    return [event for _, event in seen]


def read_event(letter: DeadLetter, is_planned: Callable[[str], bool]) -> FailedEvent:
    """Tell what a dead letter of plan is, and what is to be done about it."""
    content = _json(letter.body)
    wrapped = content.get("requestPayload")
    event, reason = (wrapped, content.get("responsePayload")) if isinstance(wrapped, dict) else (content, None)
    said = reason.get("errorMessage") if isinstance(reason, dict) else None
    try:
        run_id = run_id_of(event.get("scheduled_time"))
    except InputError:
        return FailedEvent(Fate.UNKNOWN, None, said)
    return FailedEvent(Fate.SETTLED if is_planned(run_id) else Fate.START_AGAIN, run_id, said)


def _json(body: str) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
