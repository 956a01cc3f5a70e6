"""The simulated fleet: the managed nodes of each target on each day.

The embedded SSM answers from it. Everything is a pure function of the seed and the calendar date: no day depends on
an earlier call.

Patches are released (Windows' on the second Tuesday of a month) and approved a week later. Each night most nodes are
scanned; once a week, in the window of its patch group, a node is patched. Some miss a window, fail, wait for a reboot,
are no longer scanned, or never were. About every tenth place of the fleet has short-lived nodes: on the day one leaves,
another takes its place, so the number of nodes stays the same.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from itertools import accumulate, pairwise
from typing import Final

from patchlake.core.targets import Target
from patchlake_cli.embedded.fleet.catalogue import PATCH_GROUPS, PLATFORMS, Account, Platform
from patchlake_cli.embedded.fleet.dice import Dice
from patchlake_cli.embedded.fleet.node import FINAL_DAY, FIRST_DAY, RUN_SECONDS, Habit, ManagedNode, Node, Profile
from patchlake_cli.embedded.fleet.patches import Patches
from patchlake_cli.embedded.fleet.releases import Releases

_RUN_TIME: Final = time(RUN_SECONDS // 3600, tzinfo=UTC)
_PLATFORM_WEIGHTS: Final = tuple(accumulate(platform.weight for platform in PLATFORMS))
_GROUP_WEIGHTS: Final = tuple(accumulate(group.weight for group in PATCH_GROUPS))
_LARGEST_SHARE: Final = 0.4

# Chances, per mille.
_SHORT_LIVED: Final = 125
_SHORT_ID: Final = 20
_NEVER_SCANNED: Final = 25
_SILENT: Final = 45
_FAILING: Final = 20

_NEGLECT_PERCENT: Final = (100, 60, 250, 140)
"""The neglect of each account's nodes, in percent of that of its patch groups, in turn."""


class Fleet:
    """The nodes of all targets over a number of days.

    Days are numbered from 0. The last is always 1 November 2026, so a fleet of one day equals the last day of a longer
    one with the same seed.

    Args:
        seed: the seed of everything random.
        nodes: the number of nodes on every day, over all targets.
        accounts: the accounts of the organization, home account first.
        regions: the regions of every account, home region first.
        days: the number of days.

    Raises:
        ValueError: ``days`` is not between 1 and half the calendar.
    """

    def __init__(
        self, *, seed: int, nodes: int, accounts: Sequence[Account], regions: Sequence[str], days: int = 1
    ) -> None:
        limit = (FINAL_DAY - FIRST_DAY) // 2
        if not 1 <= days <= limit:
            raise ValueError(f"a fleet has 1 to {limit} days, not {days}")
        self.days = days
        self.targets = tuple(Target(account.account_id, region) for account in accounts for region in regions)
        # Shares fall from account to account, and from region to region.
        by_size = [Target(account.account_id, region) for region in regions for account in accounts]
        self._sizes = dict(zip(by_size, _split(nodes, len(by_size)), strict=True))
        self._offsets = dict(zip(by_size, accumulate(self._sizes.values(), initial=0), strict=False))
        self._neglect = {
            account.account_id: _NEGLECT_PERCENT[index % len(_NEGLECT_PERCENT)]
            for index, account in enumerate(accounts)
        }
        self._systems = {platform: _System(seed, platform) for platform in PLATFORMS}
        self._seed = seed
        self._places: dict[Target, list[_Place]] = {}

    def run_at(self, day: int) -> datetime:
        """Return the scheduled time of the run of a day: 06:00 UTC.

        Raises:
            ValueError: the fleet has no such day.
        """
        return datetime.combine(date.fromordinal(self._ordinal(day)), _RUN_TIME)

    def size(self, target: Target) -> int:
        """Return the number of nodes of a target on any day; 0 if it is not in the fleet."""
        return self._sizes.get(target, 0)

    def nodes(self, target: Target, day: int) -> list[ManagedNode]:
        """Return the nodes of a target on a day, sorted by id; none if it is not in the fleet.

        Raises:
            ValueError: the fleet has no such day.
        """
        today = self._ordinal(day)
        if target not in self._places:
            self._places[target] = [self._place(target, number) for number in range(self.size(target))]
        nodes = [place.on(today) for place in self._places[target]]
        return sorted(nodes, key=lambda node: node.instance_id)

    def _ordinal(self, day: int) -> int:
        if not 0 <= day < self.days:
            raise ValueError(f"the fleet has days 0 to {self.days - 1}, not {day}")
        return FINAL_DAY - (self.days - 1 - day)

    def _place(self, target: Target, number: int) -> "_Place":
        number += self._offsets[target]
        return _Place(self._seed, target, number, self._systems, neglect_percent=self._neglect[target.account_id])


class _System:
    """The releases of one operating system."""

    def __init__(self, seed: int, platform: Platform) -> None:
        self.releases = Releases(seed, platform)
        self.patches = Patches(platform, self.releases)


class _Place:
    """A place in the fleet: its platform and patch group stay the same, its node may change.

    Args:
        seed: of the fleet.
        target: the target of the place.
        number: the number of the place in the fleet.
        systems: the patches of each platform.
        neglect_percent: the chance that its node is neglected, in percent of the chance in its group.
    """

    def __init__(
        self, seed: int, target: Target, number: int, systems: Mapping[Platform, _System], *, neglect_percent: int
    ) -> None:
        dice = Dice(seed, "place", number)
        platform = PLATFORMS[dice.index(_PLATFORM_WEIGHTS)]
        group = PATCH_GROUPS[dice.index(_GROUP_WEIGHTS)]
        short_lived = dice.per_mille(_SHORT_LIVED) and platform.platform_type == "Linux"
        self._lifetime_days = dice.between((4, 40)) if short_lived else None
        self._phase = dice.below(self._lifetime_days or 1)
        short_id = f"{(number * 0x9E3779B1 + seed) % (1 << 32):08x}" if dice.per_mille(_SHORT_ID) else None
        self._profile = Profile(
            target,
            platform,
            systems[platform].releases,
            systems[platform].patches,
            group,
            habit=Habit.STEADY if short_lived else _habit(dice, group.neglected_per_mille * neglect_percent // 100),
            short_id=None if short_lived else short_id,
            launched=FIRST_DAY,
        )
        self._seed = seed
        self._number = number
        self._generation: int | None = None
        self._node: Node | None = None

    def on(self, today: int) -> ManagedNode:
        """Return the node of the place on a day."""
        generation, launched = 0, FIRST_DAY
        if self._lifetime_days is not None:
            generation = (today - FIRST_DAY + self._phase) // self._lifetime_days
            launched = FIRST_DAY + generation * self._lifetime_days - self._phase
        if self._node is None or generation != self._generation:
            dice = Dice(self._seed, "node", self._number, generation)
            self._generation, self._node = generation, Node(dice, self._profile._replace(launched=launched))
        return self._node.on(today)


def _habit(dice: Dice, neglected_per_mille: int) -> Habit:
    draw = dice.below(1000)
    for habit, per_mille in (
        (Habit.NEVER_SCANNED, _NEVER_SCANNED),
        (Habit.SILENT, _SILENT),
        (Habit.FAILING, _FAILING),
        (Habit.NEGLECTED, neglected_per_mille),
    ):
        if draw < per_mille:
            return habit
        draw -= per_mille
    return Habit.STEADY


def _split(nodes: int, targets: int) -> list[int]:
    """Split the nodes over targets: about 40 % to the first, to the others a share that falls with their rank."""
    if targets == 1:
        return [nodes]
    first = round(nodes * _LARGEST_SHARE)
    weights = [1 / rank for rank in range(1, targets)]
    cuts = [round((nodes - first) * reached / sum(weights)) for reached in accumulate(weights, initial=0.0)]
    return [first, *(upper - lower for lower, upper in pairwise(cuts))]
