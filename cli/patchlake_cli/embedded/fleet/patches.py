"""The patches of a platform: the text of each, and those that a node lacks.

A node's patch state only counts its patches. The patches themselves are chosen so that there are as many as it counts
on each day, that a line of patches stays open until the node is patched, and that its newest patch replaces the others.
"""

from datetime import date
from functools import cached_property, lru_cache
from typing import Final, NamedTuple
from zlib import crc32

from patchlake_cli.embedded.fleet.catalogue import CALENDAR_START, Platform
from patchlake_cli.embedded.fleet.dice import Dice, mixed
from patchlake_cli.embedded.fleet.patch_lines import Line, Vendor, vendor_of
from patchlake_cli.embedded.fleet.releases import Releases

_FIRST: Final = CALENDAR_START.toordinal()
_OLDEST: Final = date(2019, 1, 1).toordinal()
_MORE_THAN_A_MONTH: Final = 31
_KB_NUMBERS: Final = (4_480_000, 210)
"""The first number of an article, and how many there are a day."""

_RETRIED: Final = 12
"""A patch that fails to install is among this many released before the last week."""

_RANK: Final = 64
"""The subject of the draws that rank a node's lines; smaller ones are those of its days."""


class Patch(NamedTuple):
    """A patch as SSM describes it on any node; ``cve_ids`` is empty if it resolves none."""

    title: str
    kb_id: str
    classification: str
    severity: str
    cve_ids: str


class Patches:
    """The patches of one platform.

    Attributes:
        released: returns a patch of the calendar, by its number in the order of release.
        installed: returns a patch from before the calendar, which every node has installed, newest first.
        not_applicable: returns a patch that concerns other systems.
    """

    def __init__(self, platform: Platform, releases: Releases) -> None:
        self._platform = platform
        self._releases = releases
        self.released = lru_cache(maxsize=None)(self._of_calendar)
        self.installed = lru_cache(maxsize=None)(self._before_calendar)
        self.not_applicable = lru_cache(maxsize=None)(self._of_other_systems)

    @cached_property
    def _vendor(self) -> Vendor:
        return vendor_of(self._platform)

    def lacking(self, word: int, affected_per_mille: int, first: int, end: int) -> list[int]:
        """Return the patches that concern a node, of those from ``first`` to ``end``: that share of them, rounded down.

        As later patches are added, each line that a node lacks remains, with its newest patch.

        Args:
            word: of the node.
            affected_per_mille: the share of all patches that concern the packages on it.
            first: the number of the first patch.
            end: the number after that of the last one.
        """
        newest: dict[int, int] = {}
        lines: list[int] = []
        for wave in self._releases.waves(first, end):
            newest |= {self._line(number): number for number in wave}
            wanted = (wave.stop - first) * affected_per_mille // 1000
            others = sorted(newest.keys() - set(lines), key=lambda line: _rank(word, line))
            lines += others[: wanted - len(lines)]
        replaced = sorted(set(range(first, end)) - set(newest.values()), reverse=True)
        total = (end - first) * affected_per_mille // 1000
        return [newest[line] for line in lines] + replaced[: total - len(lines)]

    def rejected(self, number: int) -> Patch:
        """Return a patch that the baselines reject."""
        return self._other(*self._vendor.rejected[number], _FIRST)

    def failing(self, word: int, count: int, before: int) -> list[int]:
        """Return ``count`` patches of a node that were released before a number and fail to install again and again."""
        newest = {self._line(number): number for number in range(max(0, before - _RETRIED), before)}
        return [newest[line] for line in sorted(newest, key=lambda line: _rank(word, line))[:count]]

    def _of_calendar(self, number: int) -> Patch:
        return self._text(self._vendor.lines[self._line(number)], self._releases.day_of(number))

    def _before_calendar(self, number: int) -> Patch:
        generation, line = divmod(number, len(self._vendor.lines))
        return self._text(self._vendor.lines[line], _FIRST - (generation + 1) * _MORE_THAN_A_MONTH)

    def _of_other_systems(self, number: int) -> Patch:
        generation, place = divmod(number, len(self._vendor.not_applicable))
        return self._other(*self._vendor.not_applicable[place], _FIRST - generation * _MORE_THAN_A_MONTH)

    def _line(self, number: int) -> int:
        """Return the line of a patch: the first of a wave is of line 0, the others are of the other lines in turn."""
        day = self._releases.day_of(number)
        is_first = number == 0 or self._releases.day_of(number - 1) != day
        return 0 if is_first else 1 + number % (len(self._vendor.lines) - 1)

    def _text(self, line: Line, day: int) -> Patch:
        title, kb_id = _filled(line.title, line.kb_id, day)
        dice = Dice(0, "patch", line.title, day)
        if dice.below(100) >= line.security_percent or not line.cves[1]:
            return Patch(title, kb_id, line.classifications[1], self._vendor.no_severity, "")
        severities = self._vendor.severities
        severity = severities[min(dice.below(len(severities)), dice.below(len(severities)))]
        return Patch(title, kb_id, line.classifications[0], severity, _cve_ids(line, day))

    def _other(self, title: str, kb_id: str, day: int) -> Patch:
        return Patch(*_filled(title, kb_id, day), "", self._vendor.no_severity, "")


def _rank(word: int, line: int) -> tuple[int, int]:
    """Return the rank of a line on a node: the first lines concern most nodes, and line 0 all of them."""
    return mixed(word, line, _RANK) % (1 + 2 * line), line


def _filled(title: str, kb_id: str, day: int) -> tuple[str, str]:
    first, a_day = _KB_NUMBERS
    values = {
        "month": f"{date.fromordinal(day):%Y-%m}",
        "serial": (day - _OLDEST) // 7,
        "kb": first + (day - _OLDEST) * a_day + crc32(title.encode()) % a_day,
    }
    return title.format(**values), kb_id.format(**values)


def _cve_ids(line: Line, day: int) -> str:
    """Return the CVEs of a line's software in the month of a release: the same on every platform."""
    released = date.fromordinal(day)
    dice = Dice(0, "cve", line.source, released.year, released.month)
    count = dice.between(line.cves)
    numbers = {
        Dice(0, "cve", line.source, released.year, released.month, place).below(59_000) for place in range(count)
    }
    return ",".join(f"CVE-{released.year}-{number + 1000}" for number in sorted(numbers))
