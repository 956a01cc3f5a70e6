"""The catalogue of the simulated fleet: accounts, regions, operating systems, patch groups, agent versions.

Data only; `fleet.py` draws from it. Names follow the patterns and limits of the SSM API model, and include unusual ones
(spaces, letters outside ASCII), since these are the names that break programs.
"""

from datetime import date
from typing import NamedTuple

CALENDAR_START = date(2024, 1, 1)
"""The day before which no patch was released and no node was maintained."""

LAST_DAY = date(2026, 11, 1)
"""The date of a fleet's last day; fixed, so that equal seeds give equal bytes at any time."""


class Account(NamedTuple):
    """An account of the organization."""

    account_id: str
    name: str


class Unit(NamedTuple):
    """An organizational unit.

    Attributes:
        parent_id: of the unit that it is in, or of the root.
    """

    unit_id: str
    name: str
    parent_id: str


class Platform(NamedTuple):
    """An operating system, as agents report it, and the rhythm of its patches.

    Attributes:
        platform_type: member ``PlatformType``.
        name: member ``PlatformName``.
        version: member ``PlatformVersion``.
        weight: share of the fleet, relative to the other platforms.
        release_days: days between two releases; 0 means the second Tuesday of each month.
        release_size: patches in a release, fewest and most.
        installed: patches of the baseline found on a node, fewest and most.
        not_applicable: patches of the baseline that do not concern a node, fewest and most.
        critical_percent: of the patches that a node lacks, those the baseline calls critical.
    """

    platform_type: str
    name: str
    version: str
    weight: int
    release_days: int
    release_size: tuple[int, int]
    installed: tuple[int, int]
    not_applicable: tuple[int, int]
    critical_percent: int


class PatchGroup(NamedTuple):
    """A patch group: nodes that share a maintenance window and its options.

    Attributes:
        name: member ``PatchGroup``.
        weight: share of the fleet, relative to the other groups.
        window_weekday: the day of the weekly maintenance window, Monday is 0.
        reboots: whether the window ends with a reboot (``RebootIfNeeded``) or not (``NoReboot``).
        custom_baseline: whether it has its own baseline, or the one that AWS provides.
        neglected_per_mille: the share of its nodes that no window reaches any longer.
    """

    name: str
    weight: int
    window_weekday: int
    reboots: bool
    custom_baseline: bool
    neglected_per_mille: int


PLATFORMS = (
    Platform("Linux", "Amazon Linux", "2023", 32, 21, (4, 16), (120, 420), (0, 60), 12),
    Platform("Linux", "Ubuntu", "22.04", 14, 14, (3, 14), (300, 780), (0, 240), 10),
    Platform("Linux", "Ubuntu", "24.04", 9, 14, (3, 12), (280, 700), (0, 240), 10),
    Platform("Linux", "Red Hat Enterprise Linux", "9.4", 12, 14, (2, 10), (180, 520), (0, 150), 15),
    Platform("Linux", "SLES", "15.6", 5, 14, (2, 9), (90, 360), (0, 120), 15),
    Platform(
        "Windows", "Microsoft Windows Server 2019 Datacenter", "10.0.17763", 11, 0, (3, 6), (8, 46), (900, 2600), 35
    ),
    Platform(
        "Windows", "Microsoft Windows Server 2022 Datacenter", "10.0.20348", 16, 0, (3, 6), (6, 32), (800, 2200), 35
    ),
    Platform("MacOS", "macOS", "15.5", 1, 30, (1, 2), (1, 9), (0, 8), 40),
)

PATCH_GROUPS = (
    PatchGroup("web-prod", 24, 3, reboots=True, custom_baseline=True, neglected_per_mille=15),
    PatchGroup("batch/eu:night", 14, 5, reboots=True, custom_baseline=False, neglected_per_mille=25),
    PatchGroup("db prod", 12, 6, reboots=False, custom_baseline=True, neglected_per_mille=30),
    PatchGroup("Linux Default", 11, 4, reboots=True, custom_baseline=False, neglected_per_mille=40),
    PatchGroup("tier=1+pci", 9, 3, reboots=True, custom_baseline=True, neglected_per_mille=5),
    PatchGroup("ci@runners", 8, 5, reboots=True, custom_baseline=False, neglected_per_mille=10),
    PatchGroup("Büro Köln", 6, 1, reboots=False, custom_baseline=True, neglected_per_mille=120),
    PatchGroup("データ基盤", 5, 6, reboots=True, custom_baseline=True, neglected_per_mille=30),
    PatchGroup("søndag_vindue", 4, 6, reboots=True, custom_baseline=False, neglected_per_mille=20),
    PatchGroup("canary.δ", 3, 0, reboots=True, custom_baseline=False, neglected_per_mille=0),
    PatchGroup("legacy - do not touch", 3, 2, reboots=False, custom_baseline=False, neglected_per_mille=550),
    PatchGroup("x", 1, 3, reboots=False, custom_baseline=True, neglected_per_mille=60),
)

AGENT_VERSIONS = (
    (date(2024, 1, 1), "3.2.2222.0"),
    (date(2024, 9, 3), "3.3.859.0"),
    (date(2025, 4, 8), "3.3.1957.0"),
    (date(2026, 1, 13), "3.3.3050.0"),
    (date(2026, 6, 2), "3.3.3598.0"),
    (date(2026, 10, 20), "3.3.3972.0"),
)
"""Versions of SSM Agent with the day each became the latest, oldest first."""

ANCIENT_AGENT = "2.3.1319.0"
"""The version on nodes that no one updates; it does not report the newer counts by severity."""

ROOT_ID = "r-abcd"
"""The root of the organization; the home account is in no unit."""

UNITS = (
    Unit("ou-abcd-11111111", "workloads", ROOT_ID),
    Unit("ou-abcd-22222222", "experiments", "ou-abcd-11111111"),
    Unit("ou-abcd-33333333", "closed", ROOT_ID),
)
"""The units of the organization: the first two have the other accounts in turn, the last those that are closed."""

_ACCOUNT_IDS = ("111122223333", "444455556666", "777788889999")
_ACCOUNT_NAMES = ("platform", "payments", "research", "warehouse", "storefront", "analytics", "identity", "media")
_REGIONS = (
    "eu-central-1",
    "us-east-1",
    "ap-southeast-2",
    "eu-west-1",
    "us-west-2",
    "ap-northeast-1",
    "eu-north-1",
    "ca-central-1",
    "sa-east-1",
    "ap-south-1",
    "us-east-2",
    "eu-west-2",
    "eu-west-3",
    "ap-northeast-2",
    "ap-southeast-1",
    "us-west-1",
)


def fleet_accounts(count: int) -> tuple[Account, ...]:
    """Return the first ``count`` accounts; the first is the home account, where patchlake itself runs."""
    return tuple(_account(index) for index in range(count))


def parent_of_account(index: int) -> str:
    """Return the unit or root that has an account of the fleet, by its number."""
    return UNITS[(index - 1) % 2].unit_id if index else ROOT_ID


def fleet_regions(count: int) -> tuple[str, ...]:
    """Return the first ``count`` regions; the first is the home region.

    Raises:
        ValueError: there are not that many.
    """
    if not 1 <= count <= len(_REGIONS):
        raise ValueError(f"a fleet has 1 to {len(_REGIONS)} regions, not {count}")
    return _REGIONS[:count]


def _account(index: int) -> Account:
    account_id = _ACCOUNT_IDS[index] if index < len(_ACCOUNT_IDS) else f"{index + 1:04d}" * 3
    lap, position = divmod(index, len(_ACCOUNT_NAMES))
    return Account(account_id, _ACCOUNT_NAMES[position] + (f"-{lap + 1}" if lap else ""))
