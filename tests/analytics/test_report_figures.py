"""The figures of a report over the story, where every row is known."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlglot import parse_one

from patchlake_cli.lake.engine import Answer, Lake, open_lake
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import Settings
from patchlake_cli.report import reading
from patchlake_cli.report.figures import Details, Figures, LatestRun, Reason, Unread
from patchlake_cli.report.node_figures import Account, Findings, Fleet
from patchlake_cli.report.patch_figures import PatchGap
from patchlake_cli.report.reading import read_figures
from patchlake_cli.report.shortlist import Shortlist
from tests.analytics import story
from tests.analytics.patch_story import CUMULATIVE, FIREFOX, KERNEL, OFFICE, OLD, OPENSSL
from tests.analytics.story import CLOSED, LAB, R1, R3, R4, R5, R6, SHOP
from tests.world import HOME, node_id

EU, US = "eu-central-1", "us-east-1"


@pytest.fixture(scope="module")
def figures(lake: Lake) -> Figures:
    return read_figures(lake)


@pytest.fixture(scope="module")
def details(figures: Figures) -> Details:
    assert figures.details is not None
    return figures.details


def test_the_run_is_the_newest_published_one_and_a_newer_one_without_a_snapshot_is_named(figures: Figures) -> None:
    run_at = datetime(2026, 11, 12, 6, tzinfo=UTC).replace(tzinfo=None)
    coverage = "3 of 4 targets read, 2 no longer planned"
    assert figures.run == LatestRun(
        R5, run_at, "2026-11-12", "PARTIAL", 30, coverage, 3, 4, 2, 2, 0, *["NOT_ASKED"] * 3
    )
    [sentence] = figures.unpublished
    assert sentence.startswith(f"run {R6} is UNPUBLISHED: its coverage counts 14 nodes, and its snapshot has 0. ")
    assert (figures.as_of, figures.window_start, figures.no_snapshot) == (story.NOW, "2026-10-09", None)


def test_what_is_unread_stands_beside_what_is_known_of_the_fleet(details: Details) -> None:
    assert details.fleet == Fleet(12, 2, 3, 7, 16.6, 13.3, None, "INSTANCES_NOT_ASKED", None, None)
    assert details.unread == Unread(targets=1, last_known_nodes=2, last_known_rows_without_id=0, never_read=0)
    assert details.not_planned == Unread(targets=2, last_known_nodes=1, last_known_rows_without_id=0, never_read=0)
    assert [(row.account_name, row.region, row.last_known_nodes) for row in details.left_targets.rows] == [
        ("closed", "eu-central-1", 1),
        ("closed", "us-east-1", 0),
    ]


def test_a_target_that_was_never_read_leaves_no_bound(story_folder: Path) -> None:
    lake = open_lake(LakeLocation(str(story_folder)), now=story.NOW, settings=Settings(window_days=1))

    found = read_figures(lake).details

    assert found is not None
    assert found.unread == Unread(targets=1, last_known_nodes=None, last_known_rows_without_id=None, never_read=1)
    assert found.fleet.compliant_percent_lower_bound is None


def test_findings_count_nodes_and_those_that_cannot_be_counted(details: Details) -> None:
    # host-3 lacks critical and security patches, host-5 security patches that failed to install, host-4 a reboot. Five
    # nodes lack counts: never scanned (6), without a count (8), an invalid answer (14), and two that were refused.
    assert details.findings == Findings(
        nodes_critical=1,
        nodes_security=2,
        nodes_other=1,
        nodes_failed=1,
        nodes_awaiting_reboot=1,
        nodes_without_counts=5,
    )


def test_the_trend_has_a_day_for_each_date_with_a_run(details: Details) -> None:
    assert [(day.run_date, day.run_id, day.run_status, day.nodes_unknown) for day in details.trend] == [
        ("2026-11-01", R1, "COMPLETE", 1),
        ("2026-11-02", R3, "PARTIAL", 1),
        ("2026-11-10", R4, "COMPLETE", 2),
        ("2026-11-12", R5, "PARTIAL", 7),
    ]


def test_accounts_come_with_the_least_compliant_first_and_those_nobody_asks_last(details: Details) -> None:
    none = (None, None, None, None, None)
    assert details.accounts.rows == [
        Account(2, 0, 0, 2, 0.0, 0.0, SHOP, "shop", 1, 2, 0, 0),
        Account(10, 2, 3, 5, 20.0, 20.0, HOME, "platform", 2, 2, 0, 0),
        Account(*none, None, LAB, "lab", 0, 0, 0, None),
        Account(*none, 0.0, CLOSED, "closed", 0, 0, 2, None),
    ]
    assert details.accounts.total == 4


def test_platforms_and_patch_groups_keep_the_nodes_whose_kind_is_not_known(details: Details) -> None:
    assert [(row.platform_name, row.nodes_listed, row.nodes_unread) for row in details.platforms.rows] == [
        ("Microsoft Windows Server 2022 Datacenter", 3, 0),
        ("Ubuntu", 2, 1),
        (None, 1, 0),
        ("Amazon Linux", 6, 2),
    ]
    assert [(row.patch_group, row.nodes_non_compliant, row.nodes_listed) for row in details.patch_groups.rows] == [
        ("db", 2, 2),
        ("win", 1, 2),
        ("", 0, 1),
        ("web", 0, 6),
    ]
    listed = sum(row.nodes_listed or 0 for row in details.patch_groups.rows)
    assert listed + details.ungrouped.listed == details.fleet.nodes_listed


def test_the_oldest_non_compliant_nodes_come_first_with_their_lower_bounds(details: Details) -> None:
    assert [
        (row.instance_id, row.days_non_compliant, row.is_lower_bound, row.compliance_status, row.unknown_reason)
        for row in details.overdue.rows
    ] == [
        (node_id(3), 11, True, "NON_COMPLIANT", None),
        (node_id(11), 11, True, "UNKNOWN", "NOT_COLLECTED"),
        (node_id(41), 11, True, "UNKNOWN", "TARGET_NOT_PLANNED"),
        (node_id(4), 10, False, "NON_COMPLIANT", None),
        (node_id(21), 2, True, "UNKNOWN", "TARGET_NOT_READ"),
        (node_id(5), 0, True, "NON_COMPLIANT", None),
    ]
    assert [(age.days_non_compliant, age.is_lower_bound, age.nodes) for age in details.ages] == [
        (0, True, 1),
        (2, True, 1),
        (10, False, 1),
        (11, True, 3),
    ]


def test_changes_are_counted_by_kind_and_come_with_the_worst_first(details: Details) -> None:
    assert sum(details.changes_by_kind.values()) == details.changes.total
    assert [(row.instance_id, row.change) for row in details.changes.rows][:2] == [
        (node_id(5), "NEWLY_NON_COMPLIANT"),
        (node_id(7), "BECAME_UNKNOWN"),
    ]
    assert details.changes_by_kind["VANISHED"] == 1
    assert details.not_compared == 3
    assert details.compared_with == [R4]


def test_every_unknown_node_and_every_unread_target_has_a_reason(details: Details) -> None:
    assert details.unknown_nodes == [
        Reason("NOT_COLLECTED", 2),
        Reason("COUNT_ABSENT", 1),
        Reason("INVALID_RESPONSE", 1),
        Reason("NO_PATCH_STATE", 1),
        Reason("SCAN_TIME_INVALID", 1),
        Reason("STALE_SCAN", 1),
    ]
    assert details.unread_targets == [Reason("ACCESS_DENIED", 1)]


def test_the_coverage_begins_with_what_was_not_read(details: Details) -> None:
    rows = [(row.account_id, row.region, row.listing_status, row.last_known_nodes) for row in details.coverage.rows]
    assert rows == [
        (SHOP, US, "ACCESS_DENIED", 2),
        (LAB, EU, "ACCOUNT_NOT_ACTIVE", 1),
        (LAB, US, "ACCOUNT_NOT_ACTIVE", 0),
        (HOME, EU, "LISTED", 10),
        (HOME, US, "LISTED", 0),
        (SHOP, EU, "LISTED", 2),
    ]


def test_a_long_list_is_cut_and_says_how_long_it_is(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "NODES_SHOWN", 2)

    found = read_figures(lake).details

    assert found is not None
    assert ([row.instance_id for row in found.overdue.rows], found.overdue.total) == ([node_id(3), node_id(11)], 6)


def test_a_window_without_a_snapshot_has_no_figures_at_all(story_folder: Path) -> None:
    figures = read_figures(open_lake(LakeLocation(str(story_folder)), now=datetime(2027, 3, 1, tzinfo=UTC)))

    assert figures.details is None
    assert figures.run.run_status == "NO_SNAPSHOT"
    assert figures.run.run_coverage == "no snapshot since 2027-01-25"
    assert set(astuple(figures.run)) == {None, "NO_SNAPSHOT", "no snapshot since 2027-01-25"}


def test_a_report_without_patches_says_so(details: Details) -> None:
    assert details.patches.worst == Shortlist([], 0)
    assert [(gap.reason, gap.targets) for gap in details.patches.gaps] == [
        ("NOT_ASKED", 4),
        ("TARGET_NOT_PLANNED", 2),
    ]


def test_the_patches_that_most_nodes_need_come_first_with_their_cves(patch_lake: Lake) -> None:
    figures = read_figures(patch_lake)
    assert figures.details is not None
    patches = figures.details.patches

    assert figures.run.patches_status == "PARTIAL"
    assert [(patch.kb_id, patch.nodes_lower_bound, patch.cves) for patch in patches.worst.rows] == [
        (CUMULATIVE, 3, 2),
        (FIREFOX, 1, None),
        (OLD, 1, 1),
        (OFFICE, 1, 1),
        (OPENSSL, 1, 0),
        (KERNEL, 1, 0),
    ]
    assert patches.cve_ids[CUMULATIVE, f"Update for {CUMULATIVE}"] == ["CVE-2026-1001", "CVE-2026-1002"]
    assert patches.gaps == [
        PatchGap("nodes: ACCESS_DENIED", 1, None),
        PatchGap("AccessDeniedException", 1, 1),
        PatchGap("COUNTS_DIFFER", 0, 1),
        PatchGap("NO_PATCH_STATE", 0, 1),
        PatchGap("State: expected a text", 0, 1),
    ]


def test_no_rows_of_a_report_come_in_an_order_of_chance(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_of, questions_of_many_rows = lake.select, list[str]()

    def select(sql: str, values: Sequence[str] = ()) -> Answer:
        answer = answer_of(sql, values)
        if len(answer.rows) > 1:
            questions_of_many_rows.append(sql)
        return answer

    monkeypatch.setattr(lake, "select", select)
    read_figures(lake)

    assert questions_of_many_rows
    assert [sql for sql in questions_of_many_rows if parse_one(sql, read="athena").args.get("order") is None] == []
