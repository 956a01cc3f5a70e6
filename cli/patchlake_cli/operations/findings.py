"""What the checks of a stack look at, and what they say."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from patchlake.bootstrap import Aws
from patchlake_cli.operations.deployment import Deployment
from patchlake_cli.operations.runs import Runs


class Verdict(StrEnum):
    """What a check came to."""

    OK = "OK"
    FINDING = "FINDING"
    UNKNOWN = "UNKNOWN"
    """It could not be looked into."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be, and what mends it."""

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


@dataclass(frozen=True, slots=True)
class Stack:
    """What the checks look at."""

    aws: Aws
    deployment: Deployment
    runs: Runs

    def parameter(self, name: str) -> str:
        """Return a parameter of the stack; empty where its version has none of that name."""
        return self.deployment.parameters.get(name, "")


type Check = Callable[[Stack], Iterator[Finding]]
