"""Nodes by their state, problem, age and change, as a report shows them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Compliance:
    """Nodes by state; all are None if nothing was read."""

    nodes_listed: int | None
    nodes_compliant: int | None
    nodes_non_compliant: int | None
    nodes_unknown: int | None
    compliant_percent: float | None
    compliant_percent_lower_bound: float | None


@dataclass(frozen=True, slots=True)
class Fleet(Compliance):
    """The nodes of the whole fleet by state, and the instances that SSM does not manage.

    Attributes:
        fleet_unknown_reason: why instances_not_managed is None.
        fleet_compliant_percent: of nodes and unmanaged instances; None where one of these is not known.
    """

    instances_not_managed: int | None
    fleet_unknown_reason: str | None
    fleet_compliant_percent: float | None
    fleet_compliant_percent_lower_bound: float | None


@dataclass(frozen=True, slots=True)
class Findings:
    """Nodes by problem, and the number that cannot be counted; None if no node was listed."""

    nodes_critical: int | None
    nodes_security: int | None
    nodes_other: int | None
    nodes_failed: int | None
    nodes_awaiting_reboot: int | None
    nodes_without_counts: int | None


@dataclass(frozen=True, slots=True)
class Day(Compliance):
    """The last published run of a UTC date."""

    run_date: str
    run_id: str
    run_status: str
    run_coverage: str


@dataclass(frozen=True, slots=True)
class Account(Compliance):
    """One account."""

    account_id: str
    account_name: str | None
    targets_read: int
    targets_total: int
    targets_not_planned: int
    rows_without_id: int | None


@dataclass(frozen=True, slots=True)
class Platform(Compliance):
    """One operating system and version; the name is None if SSM does not report it."""

    platform_name: str | None
    platform_version: str | None
    nodes_unread: int


@dataclass(frozen=True, slots=True)
class PatchGroup(Compliance):
    """One patch group; the empty text stands for nodes in none."""

    patch_group: str
    baselines: int
    nodes_unread: int


@dataclass(frozen=True, slots=True)
class Ungrouped:
    """Nodes whose patch group is not known, since SSM reports it with the patch state: listed ones and unread ones."""

    listed: int
    unread: int


@dataclass(frozen=True, slots=True)
class OverdueNode:
    """A node that was non-compliant and has not been seen compliant since."""

    account_id: str
    region: str
    instance_id: str
    computer_name: str | None
    platform_name: str | None
    patch_group: str | None
    compliance_status: str
    unknown_reason: str | None
    non_compliant_since: datetime
    days_non_compliant: int
    is_lower_bound: bool
    days_unobserved: int


@dataclass(frozen=True, slots=True)
class Age:
    """The number of nodes that have been non-compliant for a number of days, or for at least that number."""

    days_non_compliant: int
    is_lower_bound: bool
    nodes: int


@dataclass(frozen=True, slots=True)
class Change:
    """A node whose state differs from the run that its target is compared with."""

    change: str
    account_id: str
    region: str
    instance_id: str
    computer_name: str | None
    patch_group: str | None
    previous_compliance_status: str | None
    compliance_status: str | None
