"""``patchlake demo`` as people type it: a separate process, its output and its exit code."""

import json
import os
import select
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.aws.settings import Conditions, Settings
from tests.command_line import PATCHLAKE, objects, patchlake, variables
from tests.ec2_of_fleet import found_in, values_that_are_not_allowed

MEMBERS = [
    "run_id",
    "status",
    "targets",
    "targets_listed",
    "not_planned",
    "targets_not_active",
    "nodes_listed",
    "nodes_collected",
    "nodes_no_patch_state",
    "nodes_not_collected",
    "nodes_invalid_response",
    "rows_without_id",
    "sources",
    "unread",
    "api_calls",
    "retries",
    "wall_seconds",
    "lake",
]
DEADLINE_OF_A_STACK = "14400"
ENVIRONMENT = os.environ | {"COLUMNS": "120", "NO_COLOR": "1"}


def demo(out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    usual = {"--nodes": "300", "--days": "1"}
    options = [word for name, value in usual.items() if name not in arguments for word in (name, value)]
    return patchlake(ENVIRONMENT, "demo", *options, "--out", out, *arguments)


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Return the folder of a demo of two runs, and how it ended."""
    out = tmp_path_factory.mktemp("two-days") / "demo"
    return out, demo(out, "--json", "--days", "2")


def test_json_is_one_object_about_the_last_run(two_days: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, ended = two_days

    summary = json.loads(ended.stdout)
    assert ended.returncode == 0, ended.stderr
    assert list(summary) == [*MEMBERS, "report"]
    assert summary["run_id"] == "20261101T060000Z"
    assert summary["status"] == "PARTIAL"
    assert (summary["targets"], summary["targets_listed"]) == (6, 4)
    accounted = [name for name in MEMBERS if name.startswith("nodes_") and name != "nodes_listed"]
    assert summary["nodes_listed"] == sum(summary[name] for name in accounted) > 0
    published = [str(file.relative_to(out)) for file in sorted((out / "lake").rglob("*.parquet"))]
    assert published == [
        f"lake/{table}/run_date={date}/{date.replace('-', '')}T060000Z.parquet"
        for table in ("coverage", "instances", "patch_states", "patches", "tags")
        for date in ("2026-10-31", "2026-11-01")
    ]
    assert (out / "report.html").is_file()


def test_nothing_that_a_demo_writes_has_a_tag_that_is_not_allowed_or_an_address(
    two_days: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, ended = two_days
    written = {str(path): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    settings = Settings(nodes=300, days=2)

    assert any(path.endswith("functions.log") and body for path, body in written.items())
    assert any("/lake/tags/" in path for path in written)
    assert (
        found_in(written | {"printed": ended.stdout.encode()}, values_that_are_not_allowed(settings, range(2))) == set()
    )


def test_an_export_gives_the_bytes_of_the_demos_last_day(
    two_days: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    out, demo = two_days
    *_, refused = Settings().account_list()
    aws = Settings(nodes=300, days=2, conditions=Conditions(refused_accounts=frozenset({refused.account_id})))
    regions = ",".join(aws.region_list())
    options = ("--accounts", "organization", "--regions", regions, "--deadline", DEADLINE_OF_A_STACK)
    sources = ("--patches", "--instances", "--tag-keys", "Owner,Environment")

    with start_server(aws) as server:
        # The sizes of the pages, and so the number of calls, depend on the day.
        server.begin_day(1)
        export = patchlake(variables(server.endpoint), "export", "--lake", tmp_path, *options, *sources, "--json")

    assert (demo.returncode, export.returncode) == (0, 3), export.stderr
    ours, theirs = json.loads(export.stdout), json.loads(demo.stdout)
    assert objects(tmp_path) == {key: body for key, body in objects(out).items() if ours["run_id"] in key}
    assert list(ours) == MEMBERS
    assert {name for name in ours if ours[name] != theirs[name]} <= {"lake", "wall_seconds"}


def test_a_single_account_refuses_nothing_and_is_complete(tmp_path: Path) -> None:
    ended = demo(tmp_path / "demo", "--accounts", "1", "--nodes", "30", "--json")

    assert json.loads(ended.stdout)["status"] == "COMPLETE"


def children_of(process: subprocess.Popen[str]) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{process.pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended since
            children += map(int, task.read_text().split())
    return children


def test_ctrl_c_leaves_nothing_running(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [PATCHLAKE, "demo", "--nodes", "20000", "--out", tmp_path / "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # The embedded AWS, plan, and the functions of a queue.
    while len(started := children_of(running)) < 4:
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=0.1)
    children = [os.pidfd_open(child) for child in started]

    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)

    for child in children:
        # A file descriptor of a process can be read once the process has ended.
        assert select.select([child], [], [], 10)[0], "a process of the demo goes on"
        os.close(child)
    assert running.returncode == 130
    assert "Traceback" not in errors
