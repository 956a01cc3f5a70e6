"""The functions as built by `sam build`, under AWS's own runtime client: memory and time of their invocations.

The runs read all sources of the embedded AWS. The largest one has only a plan, and a commit of stored patch states.
"""

import json
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import commit
from benchmarks.deployed import ROOT, STAGES, gigabytes, time_out
from benchmarks.measured import machine
from benchmarks.stored import RUN_ID
from benchmarks.tables import report, table
from patchlake.adapters.directory import DirectoryStore
from patchlake.bootstrap import bucket_store
from patchlake.core.keys import snapshot_key
from patchlake.core.messages import CommitMessage
from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.embedded.lambda_.environment import ExecutionEnvironment
from patchlake_cli.embedded.lambda_.schedule import scheduled_event
from tests.deployed import DeployedRun, new_stack, running, s3
from tests.e2e.lambda_process import Invocation, LambdaProcess
from tests.e2e.tools import Build, build_stack

WORK = {
    "plan": ("plan", "the plan"),
    "discover": ("discover", "nodes of a target"),
    "listing": ("discover", "instances or tags of a target"),
    "collect": ("collect", "patch states of a batch"),
    "detail": ("collect", "patches of 50 nodes"),
    "commit": ("commit", "a run"),
}
"""The function of each queue, and what its invocation reads or writes; plan has none."""

LARGEST = (1_000_000, 1_000)
"""The nodes of commit and the targets of plan. The queues of the embedded AWS are too slow for many more messages."""
_WRITERS = 8

type Found = Mapping[str, list[Invocation]]
"""The invocations of a run, by the name of their queue."""


def whole_run(build: Build, folder: Path, settings: Settings, batch_size: int) -> Found:
    """Return the invocations of a run of every source."""
    started: list[LambdaProcess] = []
    with start_server(settings) as aws:
        stack = _stack(build, new_stack(aws, **_parameters(batch_size)), started)
        with running(aws, stack, 0, folder) as run:
            run.fire()
            is_done = partial(_has_ended, run)
            assert run.pipeline.wait(is_done, progress=run.lines.__len__, patience_seconds=time_out("discover"))
    return _by_queue(stack, started)


def largest_run(build: Build, folder: Path, nodes: int, targets: int) -> Found:
    """Return the invocation of plan for so many targets, and that of commit for the patch states of so many nodes."""
    stored = folder / "stored"
    commit.store_run(stored, nodes)
    started: list[LambdaProcess] = []
    with start_server(Settings(nodes=targets, accounts=targets // 2, regions=2)) as aws:
        stack = _stack(build, new_stack(aws, **_parameters(2000)), started)
        _upload(DirectoryStore(stored), aws.endpoint, stack.bucket)
        event = json.loads((ROOT / "events" / "commit.json").read_text(encoding="utf-8"))
        event["Records"][0]["body"] = CommitMessage(run_id=RUN_ID).encode()
        event["Records"][0]["eventSourceARN"] = stack.event_sources["commit"][1].queue_arn
        for stage, given in (("plan", scheduled_event(stack, aws.fleet.run_at(0))), ("commit", event)):
            with closing(ExecutionEnvironment(stack.functions[stage], aws.endpoint, lambda _: None)) as environment:
                answer = environment.invoke(given)
                assert not (answer or {}).get("batchItemFailures"), answer
        assert bucket_store(s3(aws.endpoint), stack.bucket).get(snapshot_key(RUN_ID)) is not None
    return _by_queue(stack, started)


def _has_ended(run: DeployedRun) -> bool:
    return run.observation.outcome is not None


def _parameters(batch_size: int) -> dict[str, str]:
    return {"BatchSize": str(batch_size), "TagKeys": "Owner,Environment"}


def _stack(build: Build, stack: DeployedStack, started: list[LambdaProcess]) -> DeployedStack:
    """Return a stack that runs the build, and keeps its processes in ``started``."""

    def start(variables: Mapping[str, str], folder: str, on_log: Callable[[str], None]) -> LambdaProcess:
        started.append(LambdaProcess(variables, folder, on_log))
        return started[-1]

    return build.stack(stack, start)


def _by_queue(stack: DeployedStack, started: list[LambdaProcess]) -> Found:
    names = {source.queue_arn: name for name, (_, source) in stack.event_sources.items()}
    found: defaultdict[str, list[Invocation]] = defaultdict(list)
    for process in started:
        for invocation in process.invocations:
            records: list[Any] = invocation.event.get("Records", [])
            found[names[records[0]["eventSourceARN"]] if records else "plan"].append(invocation)
    return found


def _upload(stored: DirectoryStore, endpoint: Endpoint, bucket: str) -> None:
    """Store everything of a run that its commit reads."""
    store = bucket_store(s3(endpoint), bucket)
    with ThreadPoolExecutor(_WRITERS) as writers:
        for prefix in ("plans/", "runs/"):
            list(writers.map(partial(_copy, stored, store), stored.keys(prefix)))


def _copy(stored: DirectoryStore, store: Any, key: str) -> None:  # noqa: ANN401  # the store of a bucket
    store.create(key, stored.get(key) or b"")


def memory_table(runs: Mapping[str, Found]) -> str:
    """Return the peak of each function in each run; an environment serves all queues of its function."""
    rows = []
    for stage in STAGES:
        peaks = [
            max(
                (one.peak_bytes for name, (of, _) in WORK.items() if of == stage for one in found.get(name, ())),
                default=0,
            )
            for found in runs.values()
        ]
        rows.append(
            [stage, f"{1024 * gigabytes(stage):.0f}", *(f"{peak / (1 << 20):.0f}" if peak else "-" for peak in peaks)]
        )
    return table(["MiB", "`MemorySize`", *runs], rows)


def time_table(runs: Mapping[str, Found]) -> str:
    """Return the time of the invocations of each queue in each run."""
    rows = []
    for run, found in runs.items():
        for name, (stage, work) in WORK.items():
            if invocations := found.get(name):
                cpu = [one.cpu_seconds for one in invocations]
                rows.append(
                    [
                        f"{stage}: {work}; {run}",
                        f"{len(invocations):,}",
                        f"{median(cpu):.2f}",
                        f"{max(cpu):.2f}",
                        f"{max(one.seconds for one in invocations):.1f}",
                        f"{max(cpu) / processors(stage):.1f}",
                        f"{time_out(stage)}",
                    ]
                )
    head = [
        "work of an invocation",
        "invocations",
        "median CPU s",
        "max CPU s",
        "max wall s",
        "max CPU s at its share",
        "`Timeout`",
    ]
    return table(head, rows)


def processors(stage: str) -> float:
    """Return the share of a processor that Lambda gives to a function: one for 1,769 MB."""
    return min(1.0, 1024 * gigabytes(stage) / 1769)


def main(*, full: bool) -> None:
    """Report the tables."""
    for tool in ("sam", "lambda"):
        subprocess.run([ROOT / "scripts" / "setup", tool], check=True)
    with tempfile.TemporaryDirectory(prefix="patchlake-functions-") as name:
        folder = Path(name)
        build = build_stack(folder)
        runs = {"5,000 nodes, 6 targets": whole_run(build, folder, Settings(nodes=5000), 2000)}
        if full:
            one_target = Settings(nodes=50_000, accounts=1, regions=1)
            runs["50,000 nodes, 1 target, `BatchSize` 5,000"] = whole_run(build, folder, one_target, 5000)
        nodes, targets = LARGEST if full else (20_000, 100)
        runs[f"{nodes:,} nodes; {targets:,} targets in the plan"] = largest_run(build, folder, nodes, targets)
    report("operations.md", "memory", memory_table(runs), full=full)
    versions = machine("aws-lambda-powertools", "boto3", "pyarrow")
    report("performance.md", "functions", f"{time_table(runs)}\n\n{versions}.", full=full)
