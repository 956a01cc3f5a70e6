"""The top of a long list."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortlist[Row]:
    """The most important rows of a list, and the length of the list."""

    rows: Sequence[Row]
    total: int
