"""Cold starts: each function as built by `sam build`, under AWS's own runtime client, up to its first answer.

The first event is a real one, of a run of a hundred nodes, so the answer includes the SDK's first clients and calls.
"""

import os
import re
import subprocess
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.deployed import ROOT, STAGES
from benchmarks.measured import machine, spread
from benchmarks.tables import report, table
from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.aws.settings import Settings
from tests.deployed import new_stack, running
from tests.e2e.lambda_process import LambdaProcess, Usage
from tests.e2e.tools import Build, build_stack, program

SHOWN = ("aws_lambda_powertools", "boto3", "botocore", "s3transfer", "asyncio", "msgspec", "pyarrow", "patchlake")
_LINE = re.compile(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", re.MULTILINE)
_IMPORT = """
import sys
import app
print(len(sys.modules))
"""


def measure(rounds: int) -> str:
    """Return the tables of the starts, and of the cost of imports."""
    for tool in ("sam", "lambda"):
        subprocess.run([ROOT / "scripts" / "setup", tool], check=True)
    with tempfile.TemporaryDirectory(prefix="patchlake-starts-") as name:
        folder = Path(name)
        build = build_stack(folder)
        used = starts(build, folder, rounds)
        imported = [[stage, *imports(build, stage)] for stage in STAGES]
    started = [
        [
            stage,
            spread([one.first_cpu_seconds for one in used[stage]]),
            spread([one.first_seconds for one in used[stage]]),
            spread([one.peak_bytes / (1 << 20) for one in used[stage]], 0),
        ]
        for stage in STAGES
    ]
    starting = table([f"function, {rounds} runs", "CPU s", "wall s", "peak MiB"], started)
    importing = table(["share of its import time", "modules", *(f"`{name}`" for name in SHOWN)], imported)
    return f"{starting}\n\n{importing}\n\n{machine('aws-lambda-powertools', 'boto3', 'pyarrow')}."


def starts(build: Build, folder: Path, rounds: int) -> Mapping[str, list[Usage]]:
    """Return the time that every process of a function took to its first answer, in separate runs."""
    used: defaultdict[str, list[Usage]] = defaultdict(list)
    with start_server(Settings(nodes=100, accounts=1, regions=1, days=rounds)) as aws:
        for day in range(rounds):
            processes: list[LambdaProcess] = []

            def start(
                variables: Mapping[str, str],
                code: str,
                on_log: Callable[[str], None],
                processes: list[LambdaProcess] = processes,
            ) -> LambdaProcess:
                processes.append(LambdaProcess(variables, code, on_log))
                return processes[-1]

            with running(aws, build.stack(new_stack(aws, BatchSize="2000"), start), day, folder) as run:
                run.fire()
                run.wait_until_committed()
            for process in processes:
                if process.usage is not None:
                    used[process.function.rpartition("-")[2]].append(process.usage)
    return used


def imports(build: Build, stage: str) -> list[str]:
    """Return the number of modules that a function imports, and the share of import time of some packages."""
    variables = {
        "PYTHONPATH": build.path(stage),
        "PATH": os.defpath,
        "POWERTOOLS_SERVICE_NAME": "patchlake",
        "POWERTOOLS_METRICS_NAMESPACE": "patchlake",
    }
    python = str(program("lambda", "python3.13"))
    command = [python, "-s", "-P", "-B", "-X", "importtime", "-c", _IMPORT]
    result = subprocess.run(command, env=variables, capture_output=True, check=True, text=True)
    shares: Counter[str] = Counter()
    for micros, module in _LINE.findall(result.stderr):
        shares[module.partition(".")[0]] += int(micros)
    return [result.stdout.strip(), *(f"{100 * shares[name] / shares.total():.0f} %" for name in SHOWN)]


def main(*, full: bool) -> None:
    """Report the tables."""
    report("performance.md", "starts", measure(11 if full else 3), full=full)
