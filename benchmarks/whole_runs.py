"""Whole runs of the deployed handlers through the embedded AWS, over HTTP: `patchlake demo` of one day."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measured import machine
from benchmarks.tables import report, table


def measure(sizes: list[int]) -> str:
    """Return the table; the embedded AWS runs on the same processors, and uses more time than the functions."""
    rows = []
    for nodes in sizes:
        with tempfile.TemporaryDirectory(prefix="patchlake-runs-") as folder:
            patchlake = str(Path(sys.executable).with_name("patchlake"))
            size = ["--nodes", str(nodes), "--accounts", "1", "--days", "1"]
            command = [patchlake, "demo", *size, "--out", f"{folder}/demo", "--json"]
            found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        rows.append([f"{nodes:,}", str(found["status"]), f"{found['api_calls']:,}", f"{found['wall_seconds']:.1f}"])
    return (
        table(["nodes, 2 targets, one run each", "run status", "SSM calls", "seconds"], rows)
        + f"\n\n{machine('boto3', 'pyarrow')}."
    )


def main(*, full: bool) -> None:
    """Report the table."""
    report("performance.md", "runs", measure([5000, 50_000, 200_000] if full else [5000]), full=full)
