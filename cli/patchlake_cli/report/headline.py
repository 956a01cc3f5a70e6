"""The headline of a report, as the command prints it: one line or one JSON object."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from patchlake_cli.report.figures import Figures


def in_words(figures: Figures) -> str:
    """Return one line about the run of the figures and its compliant nodes."""
    run = figures.run
    if figures.details is None:
        return f"There is {run.run_coverage}; the newest run is from {figures.newest_date}."
    fleet = figures.details.fleet
    nodes = "no target was read"
    if fleet.nodes_listed is not None:
        nodes = (
            f"{fleet.nodes_compliant:,} compliant, {fleet.nodes_unknown:,} unknown, "
            f"{fleet.nodes_non_compliant:,} non-compliant of {fleet.nodes_listed:,} listed nodes"
        )
    return f"Run {run.run_id} is {run.run_status}: {run.run_coverage}, {nodes}."


def as_json_object(figures: Figures, out: Path) -> dict[str, Any]:
    """Return the JSON object of ``--json``: the run, and the nodes of the whole fleet."""
    fleet = {} if figures.details is None else asdict(figures.details.fleet)
    run = asdict(figures.run)
    return {"report": str(out), **run, "run_at": run["run_at"] and f"{run['run_at'].isoformat()}Z", **fleet}
