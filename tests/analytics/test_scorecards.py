"""Scorecards, row by row: two nodes over three runs, of which one lacks a critical patch from the second run on."""

from datetime import timedelta
from pathlib import Path

import pytest

from patchlake.core.run import run_at
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.location import LakeLocation
from tests.analytics.patch_story import covered
from tests.analytics.policy_files import write_policy
from tests.analytics.rows import view
from tests.analytics.synthetic import REGION, collected, no_patch, patch, tag, unread, write_run
from tests.world import HOME

RUNS = [f"202611{day:02}T060000Z" for day in (1, 11, 21)]
NOW = run_at(RUNS[-1]) + timedelta(hours=6)
LINE = "Update for"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Return the lake, with a deadline of nine days for critical patches."""
    for number, run_id in enumerate(RUNS):
        rows = [patch(run_id, 1, "KB5001111", "Missing")] if number else []
        tags = [tag(1, "Owner", "shop")]
        target = covered(2, "COMPLETE", len(rows), tags_status="LISTED", tags_rows_without_id=0, tags_rows=len(tags))
        nodes = [
            collected(run_id, 1, baseline_id="pb-1", missing_count=len(rows), patch_group="web"),
            collected(run_id, 2, baseline_id="pb-1", patch_group=""),
        ]
        write_run(tmp_path, run_id, [target], nodes, rows, tags=tags)
    policy = write_policy(tmp_path / "files", sla=("Critical,,,9",))
    return open_lake(LakeLocation(str(tmp_path)), now=NOW, policy=policy)


def test_a_tag_key_that_was_seen_is_a_scope(lake: Lake) -> None:
    assert view(lake, "scopes", "scope", "tag_key") == [
        ("ACCOUNT", None),
        ("FLEET", None),
        ("PATCH_GROUP", None),
        ("TAG", "Owner"),
    ]


def test_a_line_has_the_deadlines_of_its_severity(lake: Lake) -> None:
    assert view(lake, "line_deadlines", "instance_id", "line", "days_open", "strictest_days", "longest_days") == [
        ("i-00000001", LINE, 10, 9, 9)
    ]


def test_a_line_is_in_the_cohort_of_its_month_and_in_that_of_all_months(lake: Lake) -> None:
    assert view(lake, "line_cohorts", "instance_id", "month", "severity", "severity_rank", "days") == [
        ("i-00000001", "2026-11", "Critical", 4, 10),
        ("i-00000001", None, None, None, 10),
    ]


def test_lines_are_remediated_by_the_tags_of_their_nodes(lake: Lake) -> None:
    figures = ("month", "lines", "lines_open", "lines_remediated", "median_days")
    assert view(lake, "remediation_by_tag", "tag_key", "tag_status", "tag_value", *figures) == [
        ("Owner", "READ", "shop", "2026-11", 1, 1, 0, 10),
        ("Owner", "READ", "shop", None, 1, 1, 0, 10),
    ]


def test_each_part_of_the_fleet_has_a_scorecard(lake: Lake) -> None:
    names = ("scope", "account_id", "patch_group", "tag_key", "tag_status", "tag_value")
    figures = ("nodes_listed", "compliant_percent_lower_bound", "lines_overdue", "nodes_overdue", "median_days")
    assert view(lake, "scorecards", *names, *figures) == [
        ("ACCOUNT", HOME, None, None, None, None, 2, 50.0, 1, 1, 10),
        ("FLEET", None, None, None, None, None, 2, 50.0, 1, 1, 10),
        ("PATCH_GROUP", None, "", None, None, None, 1, 100.0, 0, 0, None),
        ("PATCH_GROUP", None, "web", None, None, None, 1, 0.0, 1, 1, 10),
        ("TAG", None, None, "Owner", "NO_TAG", None, 1, 100.0, 0, 0, None),
        ("TAG", None, None, "Owner", "READ", "shop", 1, 0.0, 1, 1, 10),
    ]


def test_scorecards_develop_from_day_to_day(lake: Lake) -> None:
    rows = view(
        lake, "scorecard_trend", "scope", "tag_value", "run_date", "nodes_compliant", "nodes_listed", "lines_overdue"
    )

    assert [row for row in rows if row[0] in {"FLEET", "TAG"}] == [
        ("FLEET", None, "2026-11-01", 2, 2, 0),
        ("FLEET", None, "2026-11-11", 1, 2, 0),
        ("FLEET", None, "2026-11-21", 1, 2, 1),
        ("TAG", "shop", "2026-11-01", 1, 1, 0),
        ("TAG", "shop", "2026-11-11", 0, 1, 0),
        ("TAG", "shop", "2026-11-21", 0, 1, 1),
        ("TAG", None, "2026-11-01", 1, 1, 0),
        ("TAG", None, "2026-11-11", 1, 1, 0),
        ("TAG", None, "2026-11-21", 1, 1, 0),
    ]


def test_clocks_that_a_question_reads_more_than_twice_are_computed_once(lake: Lake) -> None:
    kept = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'patch_clocks'"
    clocks = "SELECT * FROM patch_clocks ORDER BY account_id, region, instance_id, clock, line, kb_id, title, opened_at"

    computed = lake.query(clocks).rows
    assert lake._database.execute(kept).fetchall() == [(0,)]  # noqa: SLF001
    for _ in range(2):
        lake.query("SELECT count(*) FROM scorecards")
        assert lake._database.execute(kept).fetchall() == [(1,)]  # noqa: SLF001

    assert lake.query(clocks).rows == computed
    assert computed


def test_what_was_not_asked_is_not_known_to_be_overdue(tmp_path: Path) -> None:
    target = covered(1, "COMPLETE", 0)
    write_run(
        tmp_path,
        RUNS[0],
        [{key: target[key] for key in target if not key.startswith("patches")}],
        [collected(RUNS[0], 1)],
    )

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert view(lake, "scorecards", "scope", "lines_overdue", "lines_excepted", "lines_begun", "median_days")[:2] == [
        ("ACCOUNT", None, None, None, None),
        ("FLEET", None, None, None, None),
    ]
    assert view(lake, "scorecard_trend", "scope", "lines_overdue")[:2] == [("ACCOUNT", None), ("FLEET", None)]


OF_LINES = (
    *("lines_overdue", "lines_possibly_overdue", "lines_excepted", "lines_exception_expired", "nodes_overdue"),
    *("lines_begun", "lines_remediated", "median_days"),
)
NOT_KNOWN = (None,) * len(OF_LINES)
NONE_FOUND = (0,) * 7 + (None,)
OTHER = {"account_id": "777788889999"}


def lines_of(folder: Path, scope: str, name: str) -> dict[str | None, tuple[int | None, ...]]:
    lake = open_lake(LakeLocation(str(folder)), now=NOW)
    rows = view(lake, "scorecards", "scope", name, *OF_LINES)
    return {key: tuple(figures) for kind, key, *figures in rows if kind == scope}


def test_lines_of_an_account_that_was_never_read_are_not_known(tmp_path: Path) -> None:
    refused = unread(**OTHER, patches_status="PARTIAL", patches_detail="nodes: ACCESS_DENIED")
    write_run(tmp_path, RUNS[-1], [covered(1, "COMPLETE", 0), refused], [collected(RUNS[-1], 1)], [])

    assert lines_of(tmp_path, "ACCOUNT", "account_id") == {HOME: NONE_FOUND, OTHER["account_id"]: NOT_KNOWN}
    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)
    trend = view(lake, "scorecard_trend", "scope", "account_id", "lines_overdue")
    assert [row for row in trend if row[0] == "ACCOUNT"] == [
        ("ACCOUNT", HOME, 0),
        ("ACCOUNT", OTHER["account_id"], None),
    ]


def test_lines_of_an_account_whose_patches_were_refused_are_not_known(tmp_path: Path) -> None:
    run_id = RUNS[-1]
    denied = covered(1, "PARTIAL", 1, "AccessDeniedException", patches_nodes_not_collected=1, **OTHER)
    lacking = collected(run_id, 2, missing_count=1, patch_group="web", **OTHER)
    write_run(
        tmp_path,
        run_id,
        [covered(1, "COMPLETE", 0), denied],
        [collected(run_id, 1, patch_group="db"), lacking],
        [no_patch(run_id, 2, "NOT_COLLECTED", "AccessDeniedException", **OTHER)],
    )

    assert lines_of(tmp_path, "ACCOUNT", "account_id") == {HOME: NONE_FOUND, OTHER["account_id"]: NOT_KNOWN}
    assert lines_of(tmp_path, "PATCH_GROUP", "patch_group") == {"db": NONE_FOUND, "web": NOT_KNOWN}
    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)
    trend = view(lake, "scorecard_trend", "scope", "patch_group", "lines_overdue")
    assert [row for row in trend if row[0] == "PATCH_GROUP"] == [("PATCH_GROUP", "db", 0), ("PATCH_GROUP", "web", None)]


def test_lines_of_nodes_without_a_patch_state_are_not_known(tmp_path: Path) -> None:
    never_scanned = {"account_id": HOME, "region": REGION, "instance_id": "i-2", "collection_status": "NO_PATCH_STATE"}
    nodes = [collected(RUNS[-1], 1, patch_group="db"), never_scanned]
    write_run(tmp_path, RUNS[-1], [covered(2, "COMPLETE", 0)], nodes, [])

    assert lines_of(tmp_path, "PATCH_GROUP", "patch_group") == {"db": NONE_FOUND, None: NOT_KNOWN}


def test_an_account_without_nodes_has_no_lines(tmp_path: Path) -> None:
    write_run(tmp_path, RUNS[-1], [covered(0, "COMPLETE", 0), unread(**OTHER)], [], [])

    assert lines_of(tmp_path, "ACCOUNT", "account_id") == {HOME: NONE_FOUND, OTHER["account_id"]: NOT_KNOWN}


def test_an_account_without_nodes_in_the_one_region_that_was_read_may_have_lines_in_the_other(tmp_path: Path) -> None:
    write_run(tmp_path, RUNS[-1], [covered(0, "COMPLETE", 0), unread(region="us-east-1")], [], [])

    assert lines_of(tmp_path, "ACCOUNT", "account_id") == {HOME: NOT_KNOWN}


def test_nodes_whose_patches_were_read_and_are_only_rejected_have_no_lines(tmp_path: Path) -> None:
    run_id = RUNS[-1]
    rejected = [patch(run_id, 1, "KB5001111", "InstalledRejected")]
    write_run(
        tmp_path, run_id, [covered(1, "COMPLETE", 1)], [collected(run_id, 1, installed_rejected_count=1)], rejected
    )

    assert lines_of(tmp_path, "ACCOUNT", "account_id") == {HOME: NONE_FOUND}


def test_the_lines_of_a_patch_group_that_is_no_longer_read_are_at_most_possibly_overdue(tmp_path: Path) -> None:
    lacking = [collected(RUNS[0], 1, baseline_id="pb-1", missing_count=1, patch_group="web")]
    write_run(tmp_path, RUNS[0], [covered(1, "COMPLETE", 1)], lacking, [patch(RUNS[0], 1, "KB5001111", "Missing")])
    write_run(tmp_path, RUNS[-1], [unread(patches_status="PARTIAL", patches_rows=0)], [], [])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)
    rows = view(lake, "scorecards", "scope", "nodes_listed", "nodes_compliant", *OF_LINES)
    assert {tuple(row) for row in rows} == {
        (scope, None, None, None, 1, 0, 0, None, 1, 0, 0) for scope in ("FLEET", "ACCOUNT", "PATCH_GROUP")
    }
