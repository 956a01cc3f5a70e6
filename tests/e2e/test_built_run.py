"""The x86_64 build does a whole run under AWS's own runtime client, with the same bytes as the demo."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from patchlake.sources.registry import SOURCES
from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.aws.settings import Conditions, Settings
from tests.deployed import new_stack, running
from tests.e2e.lambda_process import LambdaProcess
from tests.e2e.tools import Build, program

SEED = 20261123
# Those of `patchlake demo`, whose last account refuses its role.
DEMO = Settings(seed=SEED)
REFUSED = DEMO.account_list()[-1].account_id
STAGES = ("plan", "discover", "collect", "commit")


def test_the_build_collects_the_bytes_that_the_demo_collects(
    build: Build, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    processes: list[LambdaProcess] = []

    def start(variables: Mapping[str, str], folder: str, on_log: Callable[[str], None]) -> LambdaProcess:
        processes.append(LambdaProcess(variables, folder, on_log))
        return processes[-1]

    command = [
        str(Path(sys.executable).with_name("patchlake")),
        "demo",
        "--days",
        "1",
        "--seed",
        str(SEED),
        "--out",
        "demo",
    ]
    subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL, check=True)
    settings = Settings(seed=SEED, conditions=Conditions(refused_accounts=frozenset({REFUSED})))
    with start_server(settings) as aws:
        parameters = {"BatchSize": "2000", "RoleName": settings.role_name, "TagKeys": "Owner,Environment"}
        stack = build.stack(new_stack(aws, **parameters), start)
        with running(aws, stack, 0, tmp_path) as run:
            run.fire()
            run.wait_until_committed()
            lake = {key: body for key, body in run.objects().items() if key.startswith("lake/")}

    for line in table(processes):
        record_property("measured", line)
    assert lake == {
        path.relative_to(tmp_path / "demo").as_posix(): path.read_bytes()
        for path in (tmp_path / "demo" / "lake").rglob("*.parquet")
    }
    assert {key.split("/")[1] for key in lake} == {table.name for table in SOURCES.tables}


def table(processes: list[LambdaProcess]) -> list[str]:
    """Return each function's slowest start and its highest peak."""
    lines = ["function     cold start to first answer: wall, CPU     peak memory"]
    for stage in STAGES:
        used = [process.usage for process in processes if process.function.endswith(f"-{stage}") and process.usage]
        seconds = max(usage.first_seconds for usage in used)
        cpu_seconds = max(usage.first_cpu_seconds for usage in used)
        peak_bytes = max(usage.peak_bytes for usage in used)
        lines.append(f"{stage:<12} {seconds:>29.2f} s, {cpu_seconds:.2f} s {peak_bytes / 1e6:>12.0f} MB")
    return lines


@pytest.mark.parametrize("stage", STAGES)
def test_a_function_loads_nothing_but_its_code_its_layers_python_and_the_runtime_client(
    build: Build, stage: str
) -> None:
    code = """
import json, sys
import awslambdaric.bootstrap
import app
print(json.dumps([module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]))
"""
    python = program("lambda", "python3.13")
    variables = {
        "PYTHONPATH": build.path(stage),
        "POWERTOOLS_SERVICE_NAME": "patchlake",
        "POWERTOOLS_METRICS_NAMESPACE": "patchlake",
    }
    command = [str(python), "-s", "-P", "-B", "-c", code]

    loaded = json.loads(subprocess.run(command, env=variables, stdout=subprocess.PIPE, check=True).stdout)

    ours = [file for file in loaded if file.startswith(str(build.folder))]
    others = [file for file in loaded if file not in ours and "/lib/python3.13/" not in file]
    packages = [file for file in loaded if "/site-packages/" in file]
    assert str(build.packages("PatchlakeLayer") / "patchlake" / "bootstrap" / f"{stage}.py") in ours
    assert others == []
    assert {Path(file.split("/site-packages/")[1]).parts[0].partition(".")[0] for file in packages} <= {
        *("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")
    }
