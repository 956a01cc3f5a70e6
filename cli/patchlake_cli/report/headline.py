"""The headline of a report: its percentage, and what the command prints, one line or one JSON object."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from patchlake.core.counts import counted
from patchlake_cli.report.deadline_figures import OverdueDay, Scorecard
from patchlake_cli.report.figures import Figures
from patchlake_cli.report.node_figures import Compliance, Day
from patchlake_cli.report.words import OVERDUE_UNKNOWN

_WEEK = timedelta(days=7)


def in_words(figures: Figures) -> str:
    """Return one line about the run of the figures and its compliant nodes."""
    run = figures.run
    if figures.details is None:
        return f"There is {figures.no_snapshot}."
    fleet = figures.details.fleet
    nodes = "no target was read"
    if fleet.nodes_listed is not None:
        nodes = (
            f"{fleet.nodes_compliant:,} compliant, {fleet.nodes_unknown:,} unknown, "
            f"{fleet.nodes_non_compliant:,} non-compliant of {fleet.nodes_listed:,} listed nodes"
        )
    percent = headline_percent(fleet, run.run_status)
    compliant = str(percent) + (f" ({percent.aside})" if percent.aside else "")
    return f"Run {run.run_id} is {run.run_status}: {run.run_coverage}, {nodes}: {compliant}."


@dataclass(frozen=True, slots=True)
class Percent:
    """The percentage of a headline.

    Attributes:
        value: in percent; None if it is not known.
        is_bound: whether it is the least that it can be.
        aside: the percentage of the listed nodes, in words; empty if it is the same.
    """

    value: float | None
    is_bound: bool
    aside: str

    def __str__(self) -> str:
        if self.value is None:
            return "the compliant percentage is not known"
        return f"at least {self.value} % compliant" if self.is_bound else f"{self.value} % compliant"


def headline_percent(nodes: Compliance, run_status: str) -> Percent:
    """Return the percentage of compliant nodes; if something was not read, the least that it can be.

    The percentage of the listed nodes rises if bad nodes become unreadable, so it is a headline only if nothing is
    missing.
    """
    percent, bound = nodes.compliant_percent, nodes.compliant_percent_lower_bound
    if run_status == "COMPLETE" and percent == bound:
        return Percent(percent, is_bound=False, aside="")
    aside = "no node was listed" if percent is None else f"{percent} % of the listed nodes"
    return Percent(bound, is_bound=True, aside=aside)


def week_before(trend: Sequence[Day]) -> str:
    """Return one sentence about the percentage a week before the last day, or on the last day with a run before that.

    Args:
        trend: in the order of time.
    """
    week = _day_a_week_before([day.run_date for day in trend])
    day = next((day for day in trend if day.run_date == week), None)
    if day is None:
        return "There is no run from a week ago or earlier to compare with."
    percent = headline_percent(day, day.run_status)
    aside = f" ({percent.aside})" if percent.aside else ""
    ago = _how_long_before(day.run_date, trend[-1].run_date)
    return f"{ago.capitalize()} earlier, on {day.run_date}, the run was {day.run_status}: {percent}{aside}."


def _day_a_week_before(dates: Sequence[str]) -> str | None:
    """Return the last of some dates, in the order of time, that is a week before the last one or earlier."""
    newest = date.fromisoformat(dates[-1]) if dates else date.max
    week = (newest - _WEEK).isoformat()
    return next((day for day in reversed(dates) if day <= week), None)


def _how_long_before(day: str, newest: str) -> str:
    days = (date.fromisoformat(newest) - date.fromisoformat(day)).days
    return "a week" if days == _WEEK.days else counted(days, "day")


def goal_in_words(goal: float, percent: Percent) -> str:
    """Return one sentence about the goal of a fleet with this percentage in its headline."""
    if percent.value is None:
        return f"It is not known whether the goal of {goal:g} % is reached."
    if percent.value >= goal:
        return f"The goal of {goal:g} % is reached."
    verdict = "may or may not be reached" if percent.is_bound else "is missed"
    return f"The goal of {goal:g} % {verdict}."


def overdue_in_words(fleet: Scorecard, trend: Sequence[OverdueDay], patches_status: str) -> str:
    """Return one or two sentences about the overdue lines of the fleet, and those of a week before.

    Args:
        fleet: the scorecard of the fleet.
        trend: the overdue lines in the order of time.
        patches_status: of the run.
    """
    if fleet.lines_overdue is None or fleet.nodes_overdue is None:
        unread = "no target was read" if fleet.nodes_listed is None else "the patches of no node are known"
        reason = OVERDUE_UNKNOWN.get(patches_status, unread)
        return f"It is not known how many patches are overdue: {reason}."
    lines = counted(fleet.lines_overdue, "line of patches is", "lines of patches are")
    sentence = f"At least {lines} overdue, on {counted(fleet.nodes_overdue, 'node')}"
    more = [
        f"{number:,} more may be" if kind == "possibly" else f"{counted(number, 'more has', 'more have')} an exception"
        for kind, number in (("possibly", fleet.lines_possibly_overdue), ("exempt", fleet.lines_excepted))
        if number
    ]
    day = _day_a_week_before([each.run_date for each in trend])
    before = next((each.lines_overdue for each in trend if each.run_date == day), None)
    return f"{'; '.join([sentence, *more])}.{_compared(fleet, trend, day, before)}"


def _compared(fleet: Scorecard, trend: Sequence[OverdueDay], day: str | None, before: int | None) -> str:
    """Return the sentence about an earlier day; a figure of the trend is compared with another one of the trend."""
    if day is None or before is None:
        return ""
    then = f"on {day}, {_how_long_before(day, trend[-1].run_date)} earlier, it was at least {before:,}."
    if not fleet.lines_excepted:
        return f" {then.capitalize()}"
    return f" Including exceptions, it is at least {trend[-1].lines_overdue or 0:,}; {then}"


def as_json_object(figures: Figures, out: Path) -> dict[str, Any]:
    """Return the JSON object of ``--json``: the run, and the nodes of the whole fleet."""
    fleet = {} if figures.details is None else asdict(figures.details.fleet)
    run = asdict(figures.run)
    return {"report": str(out), **run, "run_at": run["run_at"] and f"{run['run_at'].isoformat()}Z", **fleet}
