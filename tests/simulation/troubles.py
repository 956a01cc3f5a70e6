"""Refusals of a target, of a node and of the store."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from patchlake.errors import FailedCallError, RefusedError, RetryableError


@dataclass(frozen=True, slots=True)
class Trouble:
    """A target's refusal: its error, its end, and its operation; an empty one means all operations."""

    error: RetryableError | RefusedError
    until: datetime
    operation: str


class Poison(NamedTuple):
    """The error of every call about a node: of one operation, or of all where it is empty."""

    error: FailedCallError | RefusedError
    operation: str = ""


@dataclass(frozen=True, slots=True)
class StoreTrouble:
    """A refusal of the store, and its end, when the bucket or the use of its key is granted again."""

    operations: frozenset[str]
    until: datetime
