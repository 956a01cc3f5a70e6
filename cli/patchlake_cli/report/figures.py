"""The figures of a report, as plain values: ``reading`` reads them, the charts and the page show them.

None is NULL in the views: not known. Nothing turns it into 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from patchlake_cli.lake.runs import TargetCoverage
from patchlake_cli.lake.statements import Settings
from patchlake_cli.report.deadline_figures import Deadlines
from patchlake_cli.report.instance_figures import Ec2
from patchlake_cli.report.node_figures import (
    Account,
    Age,
    Change,
    Day,
    Findings,
    Fleet,
    OverdueNode,
    PatchGroup,
    Platform,
    Ungrouped,
)
from patchlake_cli.report.patch_figures import Patches
from patchlake_cli.report.shortlist import Shortlist


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
class Unread:
    """Active targets that the run did not list.

    Attributes:
        last_known_nodes: the nodes of those that an earlier run in the window listed; None if there are none.
        last_known_rows_without_id: the rows without an id that it listed besides.
        never_read: the number of those that no run in the window has listed.
    """

    targets: int
    last_known_nodes: int | None
    last_known_rows_without_id: int | None
    never_read: int


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
class Details:
    """The details of a run.

    Attributes:
        unread: targets of the plan that the run could not list.
        not_planned: targets that earlier runs in the window planned and this one did not.
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
        unpublished: a sentence for each newer run without a whole snapshot in the window, or for those after today.
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
