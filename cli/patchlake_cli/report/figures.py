"""The figures of a report, as plain values: ``reading`` reads them, the charts and the page show them.

None is NULL in the views: not known. Nothing turns it into 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from patchlake_cli.lake.runs import TargetCoverage
from patchlake_cli.lake.statements import Settings


@dataclass(frozen=True, slots=True)
class LatestRun:
    """The run of the figures; if the window has none, run_status is NO_SNAPSHOT and the rest is None."""

    run_id: str | None
    run_at: datetime | None
    run_date: str | None
    run_status: str
    run_age_hours: int | None
    run_coverage: str
    targets_read: int | None
    targets_total: int | None
    targets_not_active: int | None
    targets_not_planned: int | None
    rows_without_id: int | None
    patches_status: str
    instances_status: str
    tags_status: str


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
class Unread:
    """Active targets that the run did not list.

    Attributes:
        last_known_nodes: the nodes of those that an earlier run of the window listed; None if there are none.
        last_known_rows_without_id: the rows without an id that it listed besides.
        never_read: the number of those that no run of the window has listed.
    """

    targets: int
    last_known_nodes: int | None
    last_known_rows_without_id: int | None
    never_read: int


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


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason why nodes, or the nodes of targets, are unknown, and the number of these."""

    reason: str
    how_many: int


@dataclass(frozen=True, slots=True)
class CoveredTarget(TargetCoverage):
    """One account and region: the result of this run, and the last known values of earlier runs."""

    nodes_no_patch_state: int | None
    nodes_not_collected: int | None
    nodes_invalid_response: int | None
    last_known_nodes: int | None
    last_known_rows_without_id: int | None
    last_read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch that nodes need; the numbers of nodes and accounts are those that are known."""

    kb_id: str
    title: str
    severity: str | None
    severity_rank: int
    nodes_lower_bound: int
    accounts_lower_bound: int
    nodes_failed: int
    nodes_awaiting_reboot: int
    cves: int | None
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class PatchGap:
    """A reason why the patches of nodes are not known.

    Attributes:
        targets: the targets to which it applies as a whole.
        nodes: the nodes that this is known to concern; None if their number is not known.
    """

    reason: str
    targets: int
    nodes: int | None


@dataclass(frozen=True, slots=True)
class Management:
    """The number of EC2 instances that are managed in one way, or of which that is not known for one reason."""

    management: str
    unknown_reason: str | None
    instances: int


@dataclass(frozen=True, slots=True)
class UnmanagedInstance:
    """An EC2 instance that runs, and that SSM does not manage; tags are None if they were not read."""

    account_id: str
    account_name: str | None
    region: str
    instance_id: str
    launch_time: datetime | None
    image_id: str | None
    platform_details: str | None
    tags: str | None


@dataclass(frozen=True, slots=True)
class TargetGap:
    """A target of which nodes, instances or tags were not read in full, and the reason of each."""

    account_id: str
    account_name: str | None
    region: str
    nodes_reason: str | None
    instances_reason: str | None
    tags_reason: str | None


@dataclass(frozen=True, slots=True)
class TagValue(Compliance):
    """A tag and its value, or the nodes that have no such tag, whose tags are not known, or that are not in EC2."""

    tag_key: str
    tag_status: str
    tag_value: str | None
    nodes_unread: int


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The compliance and the overdue lines of patches of a part of the fleet; None where the run did not read them.

    Attributes:
        lines_overdue: at least; so are the next four.
        lines_begun: the lines that began in the history.
        lines_remediated: those of them that are remediated.
        median_days: the days that half of them took at least; None if there are none.
    """

    scope: str
    account_id: str | None
    account_name: str | None
    patch_group: str | None
    tag_key: str | None
    tag_status: str | None
    tag_value: str | None
    nodes_listed: int | None
    compliant_percent_lower_bound: float | None
    lines_overdue: int | None
    lines_possibly_overdue: int | None
    lines_excepted: int | None
    lines_exception_expired: int | None
    nodes_overdue: int | None
    lines_begun: int
    lines_remediated: int
    median_days: int | None


@dataclass(frozen=True, slots=True)
class Breach:
    """A line of patches that is past its deadline, or may be; tags are None if none was read."""

    account_id: str
    account_name: str | None
    region: str
    instance_id: str
    computer_name: str | None
    platform_name: str | None
    patch_group: str | None
    tags: str | None
    line: str
    severity: str
    severity_rank: int
    breach_status: str
    overdue_status: str
    reason: str | None
    days_open: int
    is_lower_bound: bool
    strictest_days: int
    longest_days: int
    excepted_until: str | None


@dataclass(frozen=True, slots=True)
class OverdueAccount:
    """The overdue lines of an account by severity."""

    account_id: str
    account_name: str | None
    lines_critical: int
    lines_important: int
    lines_medium: int
    lines_low: int
    lines_unranked: int


@dataclass(frozen=True, slots=True)
class OverdueDay:
    """The overdue lines of the fleet on a UTC date; None if the newest run did not read patches."""

    run_date: str
    lines_overdue: int | None


@dataclass(frozen=True, slots=True)
class RemediatedMonth:
    """The lines of a severity that began in a month."""

    month: str
    severity: str
    severity_rank: int
    lines: int
    lines_remediated: int
    lines_open: int
    lines_older: int
    median_days: int
    p90_days: int


@dataclass(frozen=True, slots=True)
class PolicyProblem:
    """A row of the policy that is bad."""

    policy: str
    path: str
    text: str | None
    problem: str


@dataclass(frozen=True, slots=True)
class Shortlist[Row]:
    """The most important rows of a list, and the length of the list."""

    rows: Sequence[Row]
    total: int


@dataclass(frozen=True, slots=True)
class Patches:
    """The patches of a run.

    Attributes:
        gaps: the reasons why patches are not known.
        worst: the patches that nodes need, most nodes first.
        cve_ids: the CVEs of the patches in ``worst``, by the id and title of the patch.
    """

    gaps: Sequence[PatchGap]
    worst: Shortlist[Patch]
    cve_ids: Mapping[tuple[str, str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Ec2:
    """The EC2 instances of a run, and the nodes by the tags of their instances.

    Attributes:
        gaps: the targets of which nodes, instances or tags were not read in full.
        unmanaged: the instances that run unmanaged, those launched first at the top.
    """

    management: Sequence[Management]
    unmanaged: Shortlist[UnmanagedInstance]
    gaps: Shortlist[TargetGap]
    tags: Shortlist[TagValue]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The lines of patches of a run against the deadlines and exceptions of the policy.

    Attributes:
        fleet: the scorecard of the whole fleet.
        scorecards: those of its accounts, patch groups and values of tags, the most overdue ones first.
        worst: the lines that are overdue, or may be, the overdue and most severe first.
        accounts: the accounts with overdue lines, those with the most severe first.
        lines_of_accounts: the worst overdue lines of each of these, by its id, the worst first.
        trend: the overdue lines day by day.
        remediation: the newest months first.
    """

    fleet: Scorecard
    scorecards: Shortlist[Scorecard]
    worst: Shortlist[Breach]
    accounts: Shortlist[OverdueAccount]
    lines_of_accounts: Mapping[str, Sequence[Breach]]
    trend: Sequence[OverdueDay]
    remediation: Sequence[RemediatedMonth]
    problems: Shortlist[PolicyProblem]

    def nodes_of(self, account_id: str) -> Sequence[Sequence[Breach]]:
        """Return the worst lines of an account, node by node: the node with the worst line first."""
        nodes: dict[tuple[str, str], list[Breach]] = {}
        for breach in self.lines_of_accounts[account_id]:
            nodes.setdefault((breach.region, breach.instance_id), []).append(breach)
        return list(nodes.values())


@dataclass(frozen=True, slots=True)
class Details:
    """The details of a run.

    Attributes:
        unread: targets of the plan that the run could not list.
        not_planned: targets that earlier runs of the window planned and this one did not.
        overdue_states: the nodes of ``overdue`` by their state now: NON_COMPLIANT, or the reason why it is unknown.
        compared_with: the earlier runs that targets are compared with; each target has its own.
        changes_by_kind: nodes by kind of change.
        not_compared: active targets that cannot be compared: not read by this run, or by any earlier one.
        coverage: the targets of the plan.
        left_targets: the targets of ``not_planned``.
    """

    fleet: Fleet
    unread: Unread
    not_planned: Unread
    findings: Findings
    trend: Sequence[Day]
    accounts: Shortlist[Account]
    platforms: Shortlist[Platform]
    patch_groups: Shortlist[PatchGroup]
    ungrouped: Ungrouped
    overdue: Shortlist[OverdueNode]
    overdue_states: Sequence[Reason]
    ages: Sequence[Age]
    compared_with: Sequence[str]
    changes_by_kind: dict[str, int]
    changes: Shortlist[Change]
    not_compared: int
    unknown_nodes: Sequence[Reason]
    unread_targets: Sequence[Reason]
    patches: Patches
    deadlines: Deadlines
    ec2: Ec2
    coverage: Shortlist[CoveredTarget]
    left_targets: Shortlist[CoveredTarget]


@dataclass(frozen=True, slots=True)
class Figures:
    """A whole report.

    Attributes:
        title: whose fleet it is, in the user's words; None if the user gave none.
        goal: the percentage of compliant nodes that the user wants; None if the user gave none.
        as_of: the time from which ages and the window count, in UTC.
        window_start: the first date of the window.
        no_snapshot: why the window has no published run, and what to ask instead; None if it has one.
        unpublished: a sentence for each newer run of the window without a whole snapshot.
        details: None if the window has no published run; then nothing is known.
    """

    as_of: datetime
    settings: Settings
    window_start: str
    no_snapshot: str | None
    run: LatestRun
    unpublished: Sequence[str]
    details: Details | None
    title: str | None = None
    goal: float | None = None
