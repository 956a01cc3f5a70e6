"""The memory of each function: the high-water mark of its processes in runs of the demo.

Each run is a separate `patchlake demo`. Its function processes hold the same as a Lambda environment: the handler,
the layers' packages and the data of its messages.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.deployed import STAGES, gigabytes
from benchmarks.tables import report, table

RUNS = {
    "5,000 nodes, 6 targets": ["--nodes", "5000"],
    "50,000 nodes, 6 targets": ["--nodes", "50000"],
    "100,000 nodes, 1 target": ["--nodes", "100000", "--accounts", "1", "--regions", "1"],
    "250,000 nodes, 6 targets": ["--nodes", "250000"],
}
_LOOK_SECONDS = 0.2


def main(*, full: bool) -> None:
    """Report the table."""
    runs = dict(list(RUNS.items())[: None if full else 1])
    peaks = [peaks_of(arguments) for arguments in runs.values()]
    rows = [
        [stage, f"{1024 * gigabytes(stage):.0f}", *(f"{run[stage] / 1024:.0f}" for run in peaks)] for stage in STAGES
    ]
    report("operations.md", "memory", table(["MiB", "`MemorySize`", *runs], rows), full=full)


def peaks_of(arguments: list[str]) -> dict[str, int]:
    """Run one demo and return the high-water mark of each stage, in KiB.

    Raises:
        subprocess.CalledProcessError: the demo failed.
    """
    peaks: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="patchlake-memory-") as folder:
        patchlake = Path(sys.executable).with_name("patchlake")
        command = [str(patchlake), "demo", "--days", "1", "--out", f"{folder}/demo", "--json", *arguments]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as demo:
            ended = False
            while not ended:
                try:
                    ended = demo.wait(_LOOK_SECONDS) is not None
                except subprocess.TimeoutExpired:
                    for stage, kibibytes in _functions_of(demo.pid):
                        peaks[stage] = max(peaks.get(stage, 0), kibibytes)
        if demo.returncode:
            raise subprocess.CalledProcessError(demo.returncode, command)
    return peaks


def _functions_of(demo_pid: int) -> list[tuple[str, int]]:
    """Return stage and high-water mark of each function process that runs now."""
    found = []
    for children in Path(f"/proc/{demo_pid}/task").glob("*/children"):
        for child in children.read_text().split():
            try:
                environment = Path(f"/proc/{child}/environ").read_text()
                status = Path(f"/proc/{child}/status").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended since
            variables = dict(pair.split("=", 1) for pair in environment.split("\0") if "=" in pair)
            marks = re.findall(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
            if "_HANDLER" in variables and marks:
                found.append((Path(variables["LAMBDA_TASK_ROOT"]).name, int(marks[0])))
    return found
