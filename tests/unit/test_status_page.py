"""The status of a stack, as a person sees it."""

from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from patchlake.core.plan import Account
from patchlake.core.statuses import CollectionStatus
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.lake.run_reader import OVERDUE_AFTER, Runs
from patchlake_cli.lake.runs import Run, RunStatus, TargetCoverage, counts_as_json
from patchlake_cli.operations.status import Status
from patchlake_cli.operations.status_page import in_words, progress_line, run_line, status_page
from tests.world import EU, HOME, RUN_AT, RUN_ID, World

OTHER = "222233334444"


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=59), "0 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=6, minutes=5), "6 h 5 min"),
        (timedelta(hours=47, minutes=59), "47 h 59 min"),
        (timedelta(days=3, hours=2), "3 days 2 h"),
    ],
)
def test_an_age_is_told_as_people_say_it(age: timedelta, words: str) -> None:
    assert in_words(age) == words


def test_a_run_is_one_line_under_way_overdue_and_published() -> None:
    world = World()
    world.add_nodes(EU, range(5))
    world.start()
    runs = Runs(world.store, world.tables, world.clock)
    world.deliver_discover()

    under_way = str(progress_line(runs.run(RUN_ID)))
    world.clock.advance(14_401 + OVERDUE_AFTER.total_seconds())
    overdue = str(progress_line(runs.run(RUN_ID)))
    world.run_until_committed()
    published = runs.run(RUN_ID)

    progress = "1 of 1 targets listed, 0 of 3 parts collected, deadline 2026-11-01T10:01:00Z."
    assert under_way == f"Run {RUN_ID} is RUNNING: {progress}"
    assert overdue.startswith(f"Run {RUN_ID} is OVERDUE: {progress} It is past its deadline")
    assert str(run_line(published)) == str(progress_line(published))
    assert "1 of 1 targets read, 5 nodes listed, 5 of them not read." in str(run_line(published))


def test_targets_of_an_account_that_is_not_active_are_no_targets_that_could_be_read() -> None:
    world = World(regions=(EU.region,), accounts="organization")
    world.accounts.organization = [Account(HOME, "home"), Account(OTHER, "other", active=False)]
    world.add_nodes(EU, range(5))
    world.start()
    runs = Runs(world.store, world.tables, world.clock)
    under_way = runs.run(RUN_ID)
    world.run_until_committed()
    published = runs.run(RUN_ID)

    assert (under_way.targets, under_way.targets_active) == (published.targets, published.targets_active) == (2, 1)
    assert "COMPLETE: 1 of 1 targets read" in str(run_line(published))
    counts = counts_as_json(published)
    assert counts["targets"] == counts["targets_listed"] + len(published.unread) + counts["targets_not_active"]


def test_the_nodes_of_a_run_are_collected_never_scanned_or_not_read() -> None:
    world = World()
    world.add_nodes(EU, range(5))
    world.start()
    world.run_until_committed()
    run = Runs(world.store, world.tables, world.clock).run(RUN_ID)
    console = Console(width=200, file=StringIO())

    console.print(status_page(Status("stack", HOME, EU.region, "s3://lake", world.clock.now(), [run], [])))

    assert isinstance(console.file, StringIO)
    lines = [line.split() for line in console.file.getvalue().splitlines() if RUN_ID in line or "targets" in line]
    assert lines[-2:] == [
        ["run", "status", "targets", "read", "nodes", "collected", "no", "patch", "state", "not", "read"],
        f"{RUN_ID} COMPLETE 1 of 1 5 5 0 0".split(),
    ]


def test_rows_without_an_id_are_counted_and_come_with_their_fix() -> None:
    target = TargetCoverage(HOME, None, EU.region, "LISTED", None, 5, 2)
    nodes = dict.fromkeys(map(str, CollectionStatus), 0) | {"COLLECTED": 5}
    run = Run(RUN_ID, RUN_AT, RunStatus.PARTIAL, 1, (target,), nodes)
    console = Console(width=200, file=StringIO())

    console.print(status_page(Status("stack", HOME, EU.region, "s3://lake", RUN_AT, [run], [])))

    assert isinstance(console.file, StringIO)
    page = console.file.getvalue()
    assert "1 of 1 targets read, 2 rows without an id." in page
    assert f"Rows without an id in run {RUN_ID}" in page
    assert "they exist, but no snapshot can contain them. Fix: report them to AWS Support." in page
    assert counts_as_json(run)["rows_without_id"] == 2


CORRUPT = Run("20261102T060000Z", RUN_AT + timedelta(days=1), RunStatus.CORRUPT, 0, problem="plans/x.json is no plan")
COMPLETE = Run(RUN_ID, RUN_AT, RunStatus.COMPLETE, 0, (), dict.fromkeys(map(str, CollectionStatus), 0))


def test_a_corrupt_run_is_one_line_and_the_others_are_shown() -> None:
    console = Console(width=200, file=StringIO())

    console.print(status_page(Status("stack", HOME, EU.region, "s3://lake", RUN_AT, [CORRUPT, COMPLETE], [])))

    assert isinstance(console.file, StringIO)
    page = console.file.getvalue()
    assert (
        "Run 20261102T060000Z is CORRUPT: plans/x.json is no plan. See RunCorruptAlarm in docs/operations.md." in page
    )
    assert f"Newest snapshot: run {RUN_ID}" in page
    rows = [line.split() for line in page.splitlines()]
    assert [CORRUPT.run_id, "CORRUPT", *"-----"] in rows


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        ([COMPLETE], ExitCode.COMPLETE),
        ([CORRUPT, COMPLETE], ExitCode.PARTIAL),
        ([COMPLETE, CORRUPT], ExitCode.COMPLETE),
        ([CORRUPT], ExitCode.PARTIAL),
        ([], ExitCode.PARTIAL),
    ],
)
def test_a_corrupt_run_counts_until_a_newer_snapshot(runs: list[Run], code: ExitCode) -> None:
    assert Status("stack", HOME, EU.region, "s3://lake", RUN_AT, runs, []).exit_code is code
