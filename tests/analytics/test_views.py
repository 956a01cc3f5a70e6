"""The views over the story, where no named query shows all of them, row by row."""

from datetime import datetime

from patchlake_cli.lake.engine import Lake
from tests.analytics.rows import view
from tests.analytics.story import CLOSED, LAB, R1, R2, R3, R4, R5, R6, SHOP
from tests.world import HOME, node_id

EU, US = "eu-central-1", "us-east-1"
FIGURES = (
    "nodes_listed",
    "nodes_compliant",
    "nodes_non_compliant",
    "nodes_unknown",
    "compliant_percent",
    "compliant_percent_lower_bound",
)


def test_runs_tells_published_from_unpublished_and_complete_from_partial(lake: Lake) -> None:
    assert view(
        lake,
        "runs",
        "run_id",
        "run_status",
        "is_published",
        "is_latest",
        "is_last_of_date",
        "run_age_hours",
        "run_coverage",
        "targets_not_active",
        "targets_not_planned",
    ) == [
        (R1, "COMPLETE", True, False, True, 294, "8 of 8 targets read", 0, 0),
        (R2, "COMPLETE", True, False, False, 270, "8 of 8 targets read", 0, 0),
        (R3, "PARTIAL", True, False, True, 258, "7 of 8 targets read", 0, 0),
        (R4, "COMPLETE", True, False, True, 78, "4 of 4 targets read, 2 no longer planned", 2, 2),
        (R5, "PARTIAL", True, True, True, 30, "3 of 4 targets read, 2 no longer planned", 2, 2),
        (R6, "UNPUBLISHED", False, False, False, 6, "4 of 4 targets read, 2 no longer planned", 2, 2),
    ]


def test_runs_counts_what_the_coverage_counts(lake: Lake) -> None:
    assert view(
        lake,
        "runs",
        "run_id",
        "nodes_listed",
        "nodes_collected",
        "nodes_no_patch_state",
        "nodes_not_collected",
        "nodes_invalid_response",
    ) == [
        (R1, 17, 16, 1, 0, 0),
        (R2, 17, 16, 1, 0, 0),
        (R3, 13, 12, 1, 0, 0),
        (R4, 14, 13, 1, 0, 0),
        (R5, 12, 8, 1, 2, 1),
        (R6, 14, 13, 1, 0, 0),
    ]


def test_a_run_is_published_by_its_coverage_and_snapshot_alone(lake: Lake) -> None:
    assert view(
        lake, "covered_runs", "run_id", "run_status", "is_published", "is_latest", "nodes_listed", "patches_read"
    ) == [
        (R1, "COMPLETE", True, False, 17, "NOT_ASKED"),
        (R2, "COMPLETE", True, False, 17, "NOT_ASKED"),
        (R3, "PARTIAL", True, False, 13, "NOT_ASKED"),
        (R4, "COMPLETE", True, False, 14, "NOT_ASKED"),
        (R5, "PARTIAL", True, True, 12, "NOT_ASKED"),
        (R6, "UNPUBLISHED", False, False, 14, "NOT_ASKED"),
    ]


def test_the_latest_run_is_the_newest_published_one(lake: Lake) -> None:
    assert view(
        lake,
        "latest_run",
        "run_id",
        "run_status",
        "run_age_hours",
        "run_coverage",
        "targets_not_active",
        "targets_not_planned",
        "window_start",
    ) == [(R5, "PARTIAL", 30, "3 of 4 targets read, 2 no longer planned", 2, 2, "2026-10-09")]


def test_no_view_shows_a_run_that_is_not_published_or_outside_the_window(lake: Lake) -> None:
    for name in ("node_compliance", "target_runs", "target_compliance", "compliance_of_runs"):
        assert lake.query(f"SELECT DISTINCT run_id FROM {name} ORDER BY run_id").rows == [  # noqa: S608
            (R1,),
            (R2,),
            (R3,),
            (R4,),
            (R5,),
        ]


def test_a_target_knows_when_it_was_read_before_and_after_a_run_that_could_not_read_it(lake: Lake) -> None:
    answer = lake.query(
        "SELECT run_id, listing_status, is_active, last_read_run_id, last_known_nodes, previous_read_run_id, "
        "next_read_run_id FROM target_runs WHERE account_id = ? AND region = ? ORDER BY run_id",
        [SHOP, US],
    )

    assert answer.rows == [
        (R1, "LISTED", True, R1, 3, None, R2),
        (R2, "LISTED", True, R2, 3, R1, R4),
        (R3, "ROLE_NOT_ASSUMABLE", True, R2, 3, R2, R4),
        (R4, "LISTED", True, R4, 2, R2, None),
        (R5, "ACCESS_DENIED", True, R4, 2, R4, None),
    ]


def test_the_last_listing_of_a_target_is_found_by_its_run_and_its_date(lake: Lake) -> None:
    answer = lake.query(
        "SELECT run_id, listing_status, last_read_run_id, last_read_date, previous_read_run_id, previous_read_date "
        "FROM target_listings WHERE account_id = ? AND region = ? ORDER BY run_id",
        [SHOP, US],
    )

    assert answer.rows == [
        (R1, "LISTED", R1, "2026-11-01", None, None),
        (R2, "LISTED", R2, "2026-11-02", R1, "2026-11-01"),
        (R3, "ROLE_NOT_ASSUMABLE", R2, "2026-11-02", R2, "2026-11-02"),
        (R4, "LISTED", R4, "2026-11-10", R2, "2026-11-02"),
        (R5, "ACCESS_DENIED", R4, "2026-11-10", R4, "2026-11-10"),
    ]


def test_the_compliance_of_nodes_is_their_states_in_the_published_runs(lake: Lake) -> None:
    judged = lake.query(
        "SELECT run_id, account_id, region, instance_id, compliance_status, unknown_reason FROM node_states "
        "ORDER BY 1, 2, 3, 4"
    )
    published = lake.query(
        "SELECT run_id, account_id, region, instance_id, compliance_status, unknown_reason FROM node_compliance "
        "ORDER BY 1, 2, 3, 4"
    )

    assert judged == published
    assert len(judged.rows) == 73


def test_the_states_of_a_target_are_unknown_where_it_was_not_read_and_bounded_by_what_was_known(lake: Lake) -> None:
    answer = lake.query(
        "SELECT account_id, region, listing_status, nodes_listed, nodes_compliant, nodes_non_compliant, nodes_unknown, "
        "nodes_bound FROM target_compliance WHERE is_latest ORDER BY account_id, region"
    )

    assert answer.rows == [
        (HOME, EU, "LISTED", 10, 2, 3, 5, 10),
        (HOME, US, "LISTED", 0, 0, 0, 0, 0),
        (SHOP, EU, "LISTED", 2, 0, 0, 2, 2),
        (SHOP, US, "ACCESS_DENIED", None, None, None, None, 2),
        (LAB, EU, "ACCOUNT_NOT_ACTIVE", None, None, None, None, 0),
        (LAB, US, "ACCOUNT_NOT_ACTIVE", None, None, None, None, 0),
        (CLOSED, EU, "TARGET_NOT_PLANNED", None, None, None, None, 1),
        (CLOSED, US, "TARGET_NOT_PLANNED", None, None, None, None, 0),
    ]


def test_every_node_of_the_latest_run_has_a_state_or_the_reason_why_it_has_none(lake: Lake) -> None:
    answer = lake.query(
        "SELECT instance_id, compliance_status, unknown_reason, is_stale, scan_age_days FROM node_compliance "
        "WHERE is_latest ORDER BY instance_id"
    )

    assert answer.rows == [
        (node_id(1), "COMPLIANT", None, False, 0),
        (node_id(2), "COMPLIANT", None, False, 0),
        (node_id(3), "NON_COMPLIANT", None, True, 23),
        (node_id(4), "NON_COMPLIANT", None, False, 0),
        (node_id(5), "NON_COMPLIANT", None, False, 0),
        (node_id(6), "UNKNOWN", "NO_PATCH_STATE", None, None),
        (node_id(7), "UNKNOWN", "SCAN_TIME_INVALID", True, None),
        (node_id(8), "UNKNOWN", "COUNT_ABSENT", False, 0),
        (node_id(11), "UNKNOWN", "NOT_COLLECTED", None, None),
        (node_id(12), "UNKNOWN", "NOT_COLLECTED", None, None),
        (node_id(14), "UNKNOWN", "INVALID_RESPONSE", None, None),
        (node_id(15), "UNKNOWN", "STALE_SCAN", True, 7),
    ]


def test_the_compliance_of_a_run_is_that_of_the_nodes_that_it_read(lake: Lake) -> None:
    assert view(
        lake,
        "compliance_of_runs",
        "run_id",
        "is_latest",
        "targets_read",
        "targets_total",
        "targets_not_planned",
        *FIGURES,
    ) == [
        (R1, False, 8, 8, 0, 17, 11, 5, 1, 64.7, 64.7),
        (R2, False, 8, 8, 0, 17, 11, 5, 1, 64.7, 64.7),
        (R3, False, 7, 8, 0, 13, 6, 6, 1, 46.1, 37.5),
        (R4, False, 4, 4, 2, 14, 7, 5, 2, 50.0, 46.6),
        (R5, True, 3, 4, 2, 12, 2, 3, 7, 16.6, 13.3),
    ]


def test_the_trend_has_each_dates_last_published_run_and_no_other_dates(lake: Lake) -> None:
    assert view(
        lake,
        "compliance_trend",
        "run_date",
        "run_id",
        "run_status",
        "targets_read",
        "targets_total",
        "targets_not_planned",
        *FIGURES,
    ) == [
        ("2026-11-01", R1, "COMPLETE", 8, 8, 0, 17, 11, 5, 1, 64.7, 64.7),
        ("2026-11-02", R3, "PARTIAL", 7, 8, 0, 13, 6, 6, 1, 46.1, 37.5),
        ("2026-11-10", R4, "COMPLETE", 4, 4, 2, 14, 7, 5, 2, 50.0, 46.6),
        ("2026-11-12", R5, "PARTIAL", 3, 4, 2, 12, 2, 3, 7, 16.6, 13.3),
    ]


def test_compliance_by_account_sums_up_its_regions(lake: Lake) -> None:
    assert view(
        lake,
        "compliance_by_account",
        "account_id",
        "account_name",
        "targets_read",
        "targets_total",
        "targets_not_planned",
        *FIGURES,
    ) == [
        (HOME, "platform", 2, 2, 0, 10, 2, 3, 5, 20.0, 20.0),
        (SHOP, "shop", 1, 2, 0, 2, 0, 0, 2, 0.0, 0.0),
        (LAB, "lab", 0, 0, 0, None, None, None, None, None, None),
        (CLOSED, "closed", 0, 0, 2, None, None, None, None, None, 0.0),
    ]


def test_the_whole_fleet_is_one_row(lake: Lake) -> None:
    assert view(
        lake,
        "compliance_overall",
        "run_id",
        "targets_read",
        "targets_total",
        "targets_not_planned",
        *FIGURES,
    ) == [(R5, 3, 4, 2, 12, 2, 3, 7, 16.6, 13.3)]


def test_the_latest_coverage_remembers_what_an_unread_target_had(lake: Lake) -> None:
    assert view(
        lake,
        "latest_coverage",
        "account_id",
        "region",
        "account_name",
        "listing_status",
        "is_planned",
        "is_active",
        "nodes_listed",
        "last_read_run_id",
        "last_known_nodes",
        "days_since_read",
    ) == [
        (HOME, EU, "platform", "LISTED", True, True, 10, R5, 10, 0),
        (HOME, US, "platform", "LISTED", True, True, 0, R5, 0, 0),
        (SHOP, EU, "shop", "LISTED", True, True, 2, R5, 2, 0),
        (SHOP, US, "shop", "ACCESS_DENIED", True, True, None, R4, 2, 2),
        (LAB, EU, "lab", "ACCOUNT_NOT_ACTIVE", True, False, None, R3, 1, 10),
        (LAB, US, "lab", "ACCOUNT_NOT_ACTIVE", True, False, None, R3, 0, 10),
        (CLOSED, EU, "closed", "TARGET_NOT_PLANNED", False, True, None, R3, 1, 10),
        (CLOSED, US, "closed", "TARGET_NOT_PLANNED", False, True, None, R3, 0, 10),
    ]


def test_nodes_of_an_unread_target_are_unknown_whatever_they_were(lake: Lake) -> None:
    answer = lake.query(
        "SELECT instance_id, compliance_status, unknown_reason, last_seen_run_id FROM latest_known_nodes "
        "WHERE NOT is_read ORDER BY instance_id"
    )

    assert answer.rows == [
        (node_id(21), "UNKNOWN", "TARGET_NOT_READ", R4),
        (node_id(22), "UNKNOWN", "TARGET_NOT_READ", R4),
        (node_id(41), "UNKNOWN", "TARGET_NOT_PLANNED", R3),
    ]


def test_a_node_that_was_not_read_keeps_its_last_known_patch_group_and_platform(lake: Lake) -> None:
    answer = lake.query(
        "SELECT instance_id, is_read, platform_name, patch_group, baseline_id, is_platform_known, is_patch_group_known "
        "FROM latest_known_nodes WHERE unknown_reason IS NOT NULL ORDER BY instance_id"
    )

    web, win = "pb-0000000000000web0", "pb-0000000000000win0"
    windows = "Microsoft Windows Server 2022 Datacenter"
    assert answer.rows == [
        (node_id(6), True, windows, None, None, True, True),
        (node_id(7), True, "Amazon Linux", "web", web, True, True),
        (node_id(8), True, "Amazon Linux", "web", web, True, True),
        (node_id(11), True, "Amazon Linux", "web", web, True, True),
        (node_id(12), True, windows, "win", win, True, True),
        (node_id(14), True, "Amazon Linux", "web", web, True, True),
        (node_id(15), True, None, "", "pb-0000000000000def0", False, True),
        (node_id(21), False, "Amazon Linux", "web", web, True, True),
        (node_id(22), False, "Ubuntu", "db", "pb-0000000000000db10", True, True),
        (node_id(41), False, "Amazon Linux", "web", web, True, True),
    ]
    unknown = lake.query("SELECT DISTINCT instance_id FROM node_compliance WHERE NOT is_platform_known")
    assert unknown.rows == [(node_id(15),)]


def test_a_run_knows_the_targets_that_it_left_out(lake: Lake) -> None:
    answer = lake.query(
        "SELECT run_id, region, account_name, listing_status, is_planned, is_active, nodes_listed FROM known_targets "
        "WHERE account_id = ? AND run_id >= ? ORDER BY run_id, region",
        [CLOSED, R3],
    )

    left = [
        (run_id, region, "closed", "TARGET_NOT_PLANNED", False, True, None)
        for run_id in (R4, R5, R6)
        for region in (EU, US)
    ]
    assert answer.rows == [
        (R3, EU, "closed", "LISTED", True, True, 1),
        (R3, US, "closed", "LISTED", True, True, 0),
        *left,
    ]


def test_those_who_left_are_told_from_those_nobody_could_see(lake: Lake) -> None:
    assert view(
        lake,
        "nodes_last_seen",
        "instance_id",
        "reason",
        "last_seen_run_id",
        "missed_run_id",
        "last_compliance_status",
        "last_unknown_reason",
        "days_since_seen",
    ) == [
        (node_id(9), "VANISHED", R2, R3, "COMPLIANT", None, 10),
        (node_id(10), "VANISHED", R4, R5, "NON_COMPLIANT", None, 2),
        (node_id(21), "TARGET_NOT_READ", R4, None, "NON_COMPLIANT", None, 2),
        (node_id(22), "TARGET_NOT_READ", R4, None, "COMPLIANT", None, 2),
        (node_id(23), "VANISHED", R2, R4, "COMPLIANT", None, 10),
        (node_id(31), "ACCOUNT_NOT_ACTIVE", R3, None, "COMPLIANT", None, 10),
        (node_id(41), "TARGET_NOT_PLANNED", R3, None, "NON_COMPLIANT", None, 10),
    ]


def test_a_node_that_turned_non_compliant_in_the_latest_run_has_been_so_for_no_day(lake: Lake) -> None:
    answer = lake.query(
        "SELECT non_compliant_since, days_non_compliant, most_days_non_compliant, is_lower_bound, days_unobserved "
        "FROM days_non_compliant WHERE instance_id = ?",
        [node_id(5)],
    )

    # It was COMPLIANT two days before, and no run saw it on the day between.
    assert answer.rows == [(datetime(2026, 11, 12, 6), 0, 1, True, 0)]  # noqa: DTZ001
