"""The answers that people wait for: `patchlake query` and `patchlake report` over the history of a fleet."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from benchmarks.history import FIRST, write_history
from benchmarks.measured import machine
from benchmarks.tables import report, table

DAYS = 36
SMALL, FULL = (1000, 10_000), (1000, 10_000, 100_000)
WITHOUT_PATCHES = (100_000, 1_000_000)
"""The nodes of the fleets that are measured without patches."""

QUESTIONS = {
    "newest run": ["query", "--named", "accounts_and_regions", "--format", "csv"],
    "every day": ["query", "--format", "csv", "SELECT days_non_compliant, count(*) FROM days_non_compliant GROUP BY 1"],
    "report": ["report"],
}


class Used(NamedTuple):
    """The use of a process."""

    wall_seconds: float
    cpu_seconds: float
    peak_mebibytes: float


def ask(lake: Path, words: Sequence[str]) -> Used:
    """Run the command once, from the start of its process, and write its answer to a file."""
    patchlake = str(Path(sys.executable).with_name("patchlake"))
    last = FIRST + timedelta(days=DAYS - 1)
    with tempfile.TemporaryDirectory(prefix="patchlake-answer-") as folder:
        command = [patchlake, *words, "--lake", str(lake), "--as-of", str(last), "--out", f"{folder}/answer"]
        measured = [sys.executable, "-m", "benchmarks.process", *command]
        said = subprocess.run(measured, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    return Used(**json.loads(said.splitlines()[-1]))


def rows(nodes: int, tables: Sequence[str]) -> list[str]:
    """Return the row of a fleet, asked about a history with these tables."""
    with tempfile.TemporaryDirectory(prefix="patchlake-answers-") as name:
        patches = write_history(Path(name), nodes, DAYS, tables)
        used = [ask(Path(name), words) for words in QUESTIONS.values()]
    cells = [f"{one.wall_seconds:.1f} s, {one.peak_mebibytes:,.0f} MiB" for one in used]
    return [f"{nodes:,}", f"{patches:,}" if "patches" in tables else "not collected", *cells]


def main(*, full: bool) -> None:
    """Report the table."""
    both = ("patch_states", "patches", "coverage")
    found = [rows(nodes, both) for nodes in (FULL if full else SMALL)]
    if full:
        found += [rows(nodes, ("patch_states", "coverage")) for nodes in WITHOUT_PATCHES]
    head = [f"nodes, {DAYS} days", "open patches per day", *QUESTIONS]
    report("performance.md", "answers", f"{table(head, found)}\n\n{machine('duckdb', 'pyarrow')}.", full=full)
