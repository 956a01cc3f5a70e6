"""Every reader shows the reason that a worker recorded: in words first, then the code as it was recorded."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.targets import Target
from patchlake.errors import RefusedError
from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.engine import Lake, open_lake_as_of
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.run_reader import Runs, read_run
from patchlake_cli.operations.status import Status, run_as_json
from patchlake_cli.operations.status_page import status_page
from patchlake_cli.report.page import render_page
from patchlake_cli.report.reading import read_figures
from patchlake_cli.terminal.run_summary import RunSummary, print_run
from tests.world import EU, HOME, RUN_AT, RUN_ID, World

REFUSING = {
    "222233334444": ("ROLE_NOT_ASSUMABLE", "AccessDenied", "role not assumable"),
    "333344445555": ("NOT_LISTED", "RegionDisabledException", "not listed"),
    "444455556666": ("NOT_LISTED", "404", "not listed"),
    "555566667777": ("REGION_DISABLED", "UnrecognizedClientException", "region not enabled"),
    "666677778888": ("ACCESS_DENIED", "KMS.AccessDeniedException", "access denied"),
}
NODES_REFUSED = "SubscriptionRequiredException"


@pytest.fixture(scope="module")
def world() -> World:
    """Return a world after a run in which five accounts refuse, and one refuses to show its patch states."""
    world = World(accounts=(HOME, *REFUSING), tables=ParquetTables())
    world.add_nodes(EU, [1])

    def refuse_role(target: Target) -> None:
        if target.account_id in REFUSING:
            status, code, _ = REFUSING[target.account_id]
            raise RefusedError(status, code, f"{target}: {code}", "AssumeRole")

    def refuse_states(operation: str) -> None:
        if operation == SOURCES.patch_states.operation.name:
            raise RefusedError("ACCESS_DENIED", NODES_REFUSED, "why", operation)

    world.apis.before_open = refuse_role
    world.apis.of(EU).before_call = refuse_states
    world.start()
    world.run_until_committed()
    return world


@pytest.fixture(scope="module")
def lake(world: World, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("lake")
    store = DirectoryStore(folder)
    for key, body in world.store.objects.items():
        store.create(key, body)
    return open_lake_as_of(LakeLocation(str(folder)), RUN_AT.date())


def printed(*contents: object) -> list[list[str]]:
    """Return the words of each printed line."""
    console = Console(width=300, file=StringIO())
    for content in contents:
        console.print(content)
    assert isinstance(console.file, StringIO)
    return [line.split() for line in console.file.getvalue().splitlines()]


def line_of(account_id: str, lines: list[list[str]]) -> str:
    [line] = [line for line in lines if account_id in line]
    return " ".join(line)


def recorded(run: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["account_id"]: (each["listing_status"], each["listing_detail"]) for each in run["unread"]}


def test_the_status_of_a_stack_shows_each_reason(world: World) -> None:
    run = Runs(world.store, world.tables, world.clock).run(RUN_ID)

    lines = printed(status_page(Status("stack", HOME, EU.region, "s3://lake", world.clock.now(), [run], [])))

    for account_id, (status, code, words) in REFUSING.items():
        assert line_of(account_id, lines).endswith(f"eu-central-1 {words} {status}: {code}")
    assert recorded(run_as_json(run)) == {account: (status, code) for account, (status, code, _) in REFUSING.items()}


def test_the_summary_of_an_export_shows_each_reason(lake: Lake) -> None:
    summary = RunSummary(read_run(lake, RUN_ID), 0, 0, 0.0, "lake")
    console = Console(width=300, file=StringIO())

    print_run(console, summary, [])

    assert isinstance(console.file, StringIO)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    for account_id, (status, code, words) in REFUSING.items():
        assert line_of(account_id, lines) == f"{account_id} eu-central-1 {words} {status}: {code} not read"
    assert recorded(summary.as_json()) == {account: (status, code) for account, (status, code, _) in REFUSING.items()}


def test_the_query_about_what_was_not_read_has_each_code(lake: Lake) -> None:
    answer = lake.named("not_read")

    places = [answer.columns.index(name) for name in ("what", "account_id", "reason", "detail")]
    assert sorted(tuple(row[place] for place in places) for row in answer.rows) == sorted(
        [
            ("NODE", HOME, "NOT_COLLECTED", NODES_REFUSED),
            *(("TARGET", account_id, status, code) for account_id, (status, code, _) in REFUSING.items()),
        ]
    )


def test_the_report_shows_each_reason(lake: Lake) -> None:
    page = render_page(read_figures(lake))

    for status, code, words in REFUSING.values():
        assert f"<td>{words} ({status}: <bdi>{code}</bdi>)</td>" in page
