"""A check of a stack, and its findings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from patchlake_cli.operations.stack import Stack


class Verdict(StrEnum):
    """The verdict of a check."""

    OK = "OK"
    FINDING = "FINDING"
    UNKNOWN = "UNKNOWN"
    """It could not be looked into."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be, and its fix."""

    text: str
    fix: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A check's verdict.

    Attributes:
        reason: why it could not be looked into.
    """

    name: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    reason: str | None = None


type Check = Callable[[Stack], Iterator[Finding]]
