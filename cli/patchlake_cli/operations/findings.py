"""A check of a stack, and its findings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from patchlake_cli.operations.stack import Stack

OVERDUE_FIX = (
    'see CommitDeadLetterAlarm and WatchTooOldAlarm in docs/operations.md; if neither alarm went off, see "Send a lost '
    'watch message by hand" there'
)
"""What to do about a run that is past its deadline and not published."""


class Verdict(StrEnum):
    """The verdict of a check."""

    OK = "OK"
    FINDING = "FINDING"
    UNKNOWN = "UNKNOWN"
    """It could not be checked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem and its fix."""

    text: str
    fix: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check.

    Attributes:
        reason: why it could not be checked.
    """

    name: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    reason: str | None = None


type Check = Callable[[Stack], Iterator[Finding]]
