"""The ages of patches over the history of a fleet: time and memory of one question, for a small and a large fleet.

    python -m benchmarks.clocks FOLDER

asks in a process that does nothing else.
"""

import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from benchmarks.history import FIRST, write_history
from benchmarks.measured import apart, machine, peak_mebibytes, spending, tell
from benchmarks.tables import report, table
from patchlake_cli.lake.engine import open_lake_as_of
from patchlake_cli.lake.location import LakeLocation

DAYS = 35
FEW_NODES, MANY_NODES = 10_000, 102_000
"""The nodes of a small and of a large fleet."""

_QUESTION = "SELECT outcome, count(*), sum(days_open), min(opened_at) FROM patch_age GROUP BY outcome"


def main(*, full: bool) -> None:
    """Report the table."""
    rows = []
    for nodes in (FEW_NODES, MANY_NODES) if full else (FEW_NODES,):
        with tempfile.TemporaryDirectory(prefix="patchlake-clocks-") as name:
            patches = write_history(Path(name), nodes, DAYS)
            found = apart("benchmarks.clocks", name)
        figures = f"{found['wall_seconds']:.1f}", f"{found['cpu_seconds']:.1f}", f"{found['peak_mebibytes']:.0f}"
        rows.append([f"{nodes:,}", f"{DAYS}", f"{patches:,}", *figures])
    head = ["nodes", "days", "open patches per day", "s", "CPU s", "peak MiB"]
    report("performance.md", "clocks", f"{table(head, rows)}\n\n{machine('duckdb', 'pyarrow')}.", full=full)


def _ask(folder: Path) -> None:
    with spending() as spent:
        lake = open_lake_as_of(LakeLocation(str(folder)), FIRST + timedelta(days=DAYS - 1))
        lake.query(_QUESTION)
    tell(
        {"wall_seconds": spent.wall_seconds, "cpu_seconds": spent.cpu_seconds, "peak_mebibytes": peak_mebibytes()},
    )


if __name__ == "__main__":
    _ask(Path(sys.argv[1]))
