"""A finding of a probe: an assumption about AWS, and the verdict on it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from patchlake_cli.probe.observations import Observations


class Verdict(StrEnum):
    """The verdict on an assumption."""

    CONFIRMED = "CONFIRMED"
    REFUTED = "REFUTED"
    NOT_OBSERVABLE = "NOT_OBSERVABLE"
    """No answer from AWS shows it."""


class Judged(NamedTuple):
    """A verdict, and what was seen: words of our own and numbers, never a value of the account."""

    verdict: Verdict
    seen: str


@dataclass(frozen=True, slots=True)
class Assumption:
    """An assumption about AWS.

    Attributes:
        name: its name in docs/aws-assumptions.md.
        statement: what is assumed.
        judge: returns the verdict on it.
    """

    name: str
    statement: str
    judge: Callable[[Observations], Judged]


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on an assumption."""

    assumption: str
    statement: str
    verdict: Verdict
    seen: str


def confirmed(seen: str) -> Judged:
    """Return the verdict that an assumption holds."""
    return Judged(Verdict.CONFIRMED, seen)


def refuted(seen: str) -> Judged:
    """Return the verdict that an assumption is wrong."""
    return Judged(Verdict.REFUTED, seen)


def not_observable(reason: str) -> Judged:
    """Return the verdict that nothing shows whether an assumption holds."""
    return Judged(Verdict.NOT_OBSERVABLE, reason)
