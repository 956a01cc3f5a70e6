"""Lines of patches against the deadlines and exceptions of the policy, as a report shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from patchlake_cli.report.shortlist import Shortlist


@dataclass(frozen=True, slots=True)
class Scorecard:
    """The compliance and the overdue lines of patches of a part of the fleet; None where they are not known.

    Attributes:
        lines_overdue: at least; so are the next four.
        lines_begun: the lines that began in the history.
        lines_remediated: those of them that are remediated.
        median_days: at least half of them took, or have taken so far, this many days or more; None if there are none.
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
    lines_begun: int | None
    lines_remediated: int | None
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
    """The overdue lines of the fleet on a UTC date; None if they are not known."""

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
