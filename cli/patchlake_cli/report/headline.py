"""The headline of a report: its percentage, and what the command prints, one line or one JSON object."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from patchlake_cli.report.figures import Compliance, Day, Figures


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
    compliant = f"{percent} compliant" + (f" ({percent.aside})" if percent.aside else "")
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
            return "an unknown share"
        return f"at least {self.value} %" if self.is_bound else f"{self.value} %"


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
    newest = date.fromisoformat(trend[-1].run_date) if trend else date.max
    week = (newest - timedelta(days=7)).isoformat()
    day = next((day for day in reversed(trend) if day.run_date <= week), None)
    if day is None:
        return "There is no run of a week before to compare with."
    percent = headline_percent(day, day.run_status)
    aside = f" ({percent.aside})" if percent.aside else ""
    return f"A week before, on {day.run_date}, the run was {day.run_status}: {percent} compliant{aside}."


def as_json_object(figures: Figures, out: Path) -> dict[str, Any]:
    """Return the JSON object of ``--json``: the run, and the nodes of the whole fleet."""
    fleet = {} if figures.details is None else asdict(figures.details.fleet)
    run = asdict(figures.run)
    return {"report": str(out), **run, "run_at": run["run_at"] and f"{run['run_at'].isoformat()}Z", **fleet}
