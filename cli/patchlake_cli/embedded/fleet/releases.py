"""The calendar of patches: the numbers that each operating system had released and approved by each day.

A node lacks the patches that were approved between its last maintenance window and its last scan.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date
from itertools import accumulate
from typing import Final

from patchlake_cli.embedded.fleet.catalogue import CALENDAR_START, LAST_DAY, Platform
from patchlake_cli.embedded.fleet.dice import Dice

APPROVAL_DAYS: Final = 7
"""The days from a patch's release until the baselines approve it."""

_FIRST: Final = CALENDAR_START.toordinal()
_LAST: Final = LAST_DAY.toordinal()
_TUESDAY: Final = 1


class Releases:
    """The patches of one platform, released in waves; days are proleptic ordinals, as of ``date.toordinal``."""

    __slots__ = ("_released",)

    def __init__(self, seed: int, platform: Platform) -> None:
        phase = Dice(seed, platform.name, platform.version).below(max(platform.release_days, 1))
        self._released = list(accumulate(_wave(seed, platform, day, phase) for day in range(_FIRST, _LAST + 1)))

    def approved(self, day: int) -> int:
        """Count the patches approved from the calendar's start to the end of a day."""
        return self._released[max(day - APPROVAL_DAYS - _FIRST, 0)]

    def awaiting_approval(self, day: int) -> int:
        """Count the patches released by a day but not approved by then."""
        return self._released[max(day - _FIRST, 0)] - self.approved(day)

    def day_of(self, number: int) -> int:
        """Return the day on which a patch was released, by its number in the order of release, from 0."""
        return _FIRST + bisect_right(self._released, number)

    def waves(self, first: int, end: int) -> Iterator[range]:
        """Split the numbers of consecutive patches by the day of their release."""
        while first < end:
            through = min(self._released[self.day_of(first) - _FIRST], end)
            yield range(first, through)
            first = through


def _wave(seed: int, platform: Platform, day: int, phase: int) -> int:
    if platform.release_days:
        released = day % platform.release_days == phase
    else:
        released = _is_second_tuesday(date.fromordinal(day))
    return Dice(seed, platform.name, platform.version, day).between(platform.release_size) if released else 0


def _is_second_tuesday(day: date) -> bool:
    return day.weekday() == _TUESDAY and day.day in range(8, 15)
