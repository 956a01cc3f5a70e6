"""Rows of a listing without an id: nodes that exist, are in no snapshot, and count in every lower bound."""

from pathlib import Path

import pytest

from patchlake.core.run import run_at
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.gaps import find_gaps
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.overview import answer_questions
from patchlake_cli.lake.run_reader import read_run
from patchlake_cli.report.headline import in_words
from patchlake_cli.report.page import render_page
from patchlake_cli.report.reading import read_figures
from tests.analytics.rows import pick, view
from tests.analytics.synthetic import REGION, collected, listed, unread, write_run
from tests.world import HOME

FIRST, SECOND, THIRD = "20261101T060000Z", "20261102T060000Z", "20261103T060000Z"
GROUPS = ("web", "web", "db", "db")
BOUNDS = ("compliance_overall", "compliance_by_account", "compliance_by_target", "compliance_by_platform")
EVERYWHERE = "compliant_percent_lower_bound"


def nodes(run_id: str, *numbers: int, bad: tuple[int, ...] = ()) -> list[dict[str, object]]:
    platform = {"platform_type": "Linux", "platform_name": "Amazon Linux", "platform_version": "2023"}
    return [
        collected(run_id, number, patch_group=GROUPS[number], missing_count=int(number in bad), **platform)
        for number in numbers
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a lake of four nodes; in the second run, the two bad ones are rows without an id."""
    write_run(tmp_path, FIRST, [listed(4, rows_without_id=0)], nodes(FIRST, 0, 1, 2, 3, bad=(0, 2)))
    write_run(tmp_path, SECOND, [listed(2, rows_without_id=2)], nodes(SECOND, 1, 3))
    return tmp_path


def opened(folder: Path) -> Lake:
    return open_lake(LakeLocation(str(folder)), now=run_at("20261104T060000Z"))


def test_they_count_in_every_lower_bound(folder: Path) -> None:
    lake = opened(folder)

    assert [view(lake, name, "compliant_percent", EVERYWHERE) for name in BOUNDS] == [[(100.0, 50.0)]] * len(BOUNDS)
    assert view(lake, "compliance_trend", "run_date", EVERYWHERE) == [("2026-11-01", 50.0), ("2026-11-02", 50.0)]
    assert view(lake, "compliance_by_patch_group", "patch_group", "nodes_unplaced", EVERYWHERE) == [
        ("db", 2, 33.3),
        ("web", 2, 33.3),
    ]


def test_those_of_the_last_listing_count_while_the_target_is_not_read(folder: Path) -> None:
    write_run(folder, THIRD, [unread()], [])
    lake = opened(folder)

    assert view(lake, "target_compliance", "run_date", "nodes_bound") == [
        ("2026-11-01", 4),
        ("2026-11-02", 4),
        ("2026-11-03", 4),
    ]
    [(nodes_unplaced,)] = lake.query("SELECT DISTINCT nodes_unplaced FROM compliance_by_patch_group").rows
    assert nodes_unplaced == 2
    page = render_page(read_figures(lake))
    assert "when last read they had 2 nodes and 2 rows without an id." in page


def test_a_run_that_did_not_count_them_had_none(folder: Path) -> None:
    write_run(folder, THIRD, [listed(2)], nodes(THIRD, 1, 3))

    [(bound, rows)] = view(opened(folder), "compliance_overall", EVERYWHERE, "rows_without_id")

    assert (bound, rows) == (100.0, None)


def test_a_listing_of_nothing_but_such_rows_is_no_empty_fleet(tmp_path: Path) -> None:
    write_run(tmp_path, FIRST, [listed(0, rows_without_id=2)], [])
    lake = opened(tmp_path)

    [overall] = view(lake, "compliance_overall", "run_status", "nodes_listed", "compliant_percent", EVERYWHERE)
    assert overall == ("PARTIAL", 0, None, 0.0)


def test_every_answer_says_how_many_there_are(folder: Path) -> None:
    lake = opened(folder)
    words = "1 of 1 targets read, 2 rows without an id"

    assert view(lake, "latest_run", "run_coverage") == [(words,)]
    assert read_run(lake, SECOND).targets_in_words == words
    assert find_gaps(lake) == [f"run {SECOND} is PARTIAL: {words}; not read: see --named not_read"]
    assert words in in_words(read_figures(lake))
    assert pick(lake.named("not_read"), "what", "region", "reason", "last_known_rows_without_id") == [
        ("ROWS", REGION, "ROWS_WITHOUT_ID", 2)
    ]
    [unknown] = [answer for answer in answer_questions(lake) if "unknown" in answer.question]
    assert unknown.rows == [("ROWS_WITHOUT_ID", "rows", f"{HOME} {REGION}", 2)]


def test_one_is_one_row(tmp_path: Path) -> None:
    write_run(tmp_path, FIRST, [listed(1, rows_without_id=1)], nodes(FIRST, 0))

    assert view(opened(tmp_path), "latest_run", "run_coverage") == [("1 of 1 targets read, 1 row without an id",)]


def test_the_report_connects_the_bound_with_them(folder: Path) -> None:
    lake = opened(folder)
    figures = read_figures(lake)
    assert figures.details is not None
    fleet, rows = figures.details.fleet, figures.run.rows_without_id

    page = render_page(figures)

    assert (fleet.nodes_listed, rows, fleet.compliant_percent_lower_bound) == (2, 2, 50.0)
    assert sum(target.rows_without_id or 0 for target in figures.details.coverage.rows) == rows
    assert sum(account.rows_without_id or 0 for account in figures.details.accounts.rows) == rows
    assert "<li>2 rows without an id. SSM lists these nodes without an id: they exist" in page
    assert "What to do: report them to AWS Support." in page
    assert "Nor are the 2 rows without an id." in page
    assert "Every target was read, and the state of every node" not in page
