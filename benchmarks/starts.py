"""Starting: what importing each function costs, and which packages that goes to.

What a cold start of the built functions costs under AWS's own runtime client, `make verify` prints.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import median

from benchmarks.measured import machine
from benchmarks.tables import table, write

FUNCTIONS = Path(__file__).resolve().parents[1] / "functions"
STAGES = ("plan", "discover", "collect", "commit")
SHOWN = ("aws_lambda_powertools", "boto3", "botocore", "msgspec", "pyarrow", "patchlake")
_LINE = re.compile(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", re.MULTILINE)
_COST = """
import sys, time
began = time.process_time()
sys.path.insert(0, sys.argv[1])
import app
from patchlake import bootstrap
if app.__name__ and sys.argv[2] != "plan":
    bootstrap._tables()
print(time.process_time() - began, len(sys.modules))
"""


def measure(rounds: int) -> str:
    """Return the table; the packages' shares come from the interpreter's own timing, standard library apart."""
    rows = []
    for stage in STAGES:
        command = [sys.executable, "-c", _COST, str(FUNCTIONS / stage), stage]
        seconds, modules = zip(*(map(float, _output(command).split()) for _ in range(rounds)), strict=True)
        timed = [sys.executable, "-X", "importtime", *command[1:]]
        lines = subprocess.run(timed, capture_output=True, check=True, text=True).stderr
        shares: Counter[str] = Counter()
        for micros, module in _LINE.findall(lines):
            shares[module.partition(".")[0]] += int(micros)
        named = {name: shares[name] for name in SHOWN}
        rows.append(
            [
                stage,
                f"{median(seconds):.2f}",
                f"{modules[0]:.0f}",
                *(f"{100 * micros / shares.total():.0f} %" for micros in named.values()),
            ]
        )
    head = ["function", f"CPU s, median of {rounds}", "modules", *(f"`{name}`" for name in SHOWN)]
    return table(head, rows) + f"\n\n{machine('aws-lambda-powertools', 'boto3', 'pyarrow')}."


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def main(*, full: bool) -> None:
    """Write the table into the docs."""
    write("performance.md", "starts", measure(11 if full else 5))
