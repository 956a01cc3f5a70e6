"""Each of the questions, answered by its named query over the story: every row was worked out by hand."""

from datetime import UTC, datetime
from typing import Any

import pytest

from generators.lakes import sample_arguments
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.statements import queries
from tests.analytics.rows import pick
from tests.analytics.story import CLOSED, LAB, R1, R2, R3, R4, R5, SHOP
from tests.world import HOME, node_id

EU, US = "eu-central-1", "us-east-1"
LINUX = ("Linux", "Amazon Linux", "2023")
UBUNTU = ("Linux", "Ubuntu", "22.04")
WINDOWS = ("Windows", "Microsoft Windows Server 2022 Datacenter", "10.0.20348")


def at(text: str) -> datetime:
    """Return a time of the year 2026 as answers hold it."""
    return datetime.fromisoformat(f"2026-{text}+00:00").astimezone(UTC).replace(tzinfo=None)


def numbers(rows: list[tuple[Any, ...]]) -> list[int]:
    """Return the numbers of the nodes in the first column."""
    return [int(row[0].removeprefix("i-"), 16) for row in rows]


def test_1_compliance_by_account_and_region(lake: Lake) -> None:
    answer = lake.named("accounts_and_regions")

    assert pick(
        answer,
        "account_id",
        "account_name",
        "region",
        "listing_status",
        "nodes_listed",
        "nodes_compliant",
        "nodes_non_compliant",
        "nodes_unknown",
        "compliant_percent",
        "compliant_percent_lower_bound",
    ) == [
        (HOME, "platform", US, "LISTED", 0, 0, 0, 0, None, None),
        (SHOP, "shop", US, "ACCESS_DENIED", None, None, None, None, None, 0.0),
        (LAB, "lab", EU, "ACCOUNT_NOT_ACTIVE", None, None, None, None, None, None),
        (LAB, "lab", US, "ACCOUNT_NOT_ACTIVE", None, None, None, None, None, None),
        (CLOSED, "closed", EU, "TARGET_NOT_PLANNED", None, None, None, None, None, 0.0),
        (CLOSED, "closed", US, "TARGET_NOT_PLANNED", None, None, None, None, None, None),
        (SHOP, "shop", EU, "LISTED", 2, 0, 0, 2, 0.0, 0.0),
        (HOME, "platform", EU, "LISTED", 10, 2, 3, 5, 20.0, 20.0),
    ]


def test_2_compliance_by_platform(lake: Lake) -> None:
    answer = lake.named("platforms")

    assert pick(
        answer,
        "platform_type",
        "platform_name",
        "platform_version",
        "nodes_listed",
        "nodes_compliant",
        "nodes_non_compliant",
        "nodes_unknown",
        "nodes_unread",
        "nodes_unplaced",
        "compliant_percent",
        "compliant_percent_lower_bound",
    ) == [
        (*UBUNTU, 2, 0, 2, 0, 1, 1, 0.0, 0.0),
        (*WINDOWS, 3, 0, 1, 2, 0, 1, 0.0, 0.0),
        (None, None, None, 1, 0, 0, 1, 0, 1, 0.0, 0.0),
        (*LINUX, 6, 2, 0, 4, 2, 1, 33.3, 22.2),
    ]


def test_3_critical_security_and_other_patches_missing(lake: Lake) -> None:
    answer = lake.named("missing_patches")

    # host-3 lacks 1 critical and 3 security patches, host-5 2 security, host-4 3 others. Of the ten nodes at home three
    # lack some of the counts: one was never scanned (6), one answer is invalid (14), one lacks a count (8).
    assert pick(
        answer,
        "account_id",
        "region",
        "nodes_listed",
        "critical_nodes",
        "critical_patches",
        "security_nodes",
        "security_patches",
        "other_nodes",
        "other_patches",
        "nodes_without_counts",
    ) == [
        (HOME, US, 0, 0, None, 0, None, 0, None, 0),
        (SHOP, EU, 2, 0, None, 0, None, 0, None, 2),
        (SHOP, US, None, None, None, None, None, None, None, None),
        (LAB, EU, None, None, None, None, None, None, None, None),
        (LAB, US, None, None, None, None, None, None, None, None),
        (CLOSED, EU, None, None, None, None, None, None, None, None),
        (CLOSED, US, None, None, None, None, None, None, None, None),
        (HOME, EU, 10, 1, 1, 2, 5, 1, 3, 3),
    ]


def test_4_the_non_compliant_nodes_with_their_baseline(lake: Lake) -> None:
    answer = lake.named("non_compliant_nodes")

    assert pick(
        answer,
        "computer_name",
        "baseline_id",
        "critical_non_compliant_count",
        "security_non_compliant_count",
        "other_non_compliant_count",
        "missing_count",
        "failed_count",
        "installed_pending_reboot_count",
        "operation_end_time",
        "is_stale",
    ) == [
        ("host-3", "pb-0000000000000db10", 1, 3, 0, 4, 0, 0, at("10-20T05:00:00"), True),
        ("host-5", "pb-0000000000000win0", 0, 2, 0, 0, 2, 0, at("11-12T05:00:00"), False),
        ("host-4", "pb-0000000000000db20", 0, 0, 3, 0, 0, 3, at("11-12T05:00:00"), False),
    ]


def test_5_the_compliant_nodes_as_evidence(lake: Lake) -> None:
    answer = lake.named("compliant_nodes")

    assert pick(
        answer,
        "account_id",
        "region",
        "instance_id",
        "baseline_id",
        "operation",
        "operation_end_time",
        "collected_at",
        "scan_age_days",
        "scan_max_age_days",
        "policy_version",
        "run_at",
    ) == [
        (
            HOME,
            EU,
            node_id(number),
            "pb-0000000000000web0",
            "Scan",
            at("11-12T05:00:00"),
            at("11-12T06:01:00"),
            0,
            7,
            3,
            at("11-12T06:00:00"),
        )
        for number in (1, 2)
    ]


def test_6_the_history_of_one_node(lake: Lake) -> None:
    answer = lake.named("node_history", [node_id(4)])

    assert pick(answer, "run_id", "presence", "compliance_status", "unknown_reason", "operation_end_time") == [
        (R5, "LISTED", "NON_COMPLIANT", None, at("11-12T05:00:00")),
        (R4, "LISTED", "UNKNOWN", "STALE_SCAN", at("11-02T20:00:00")),
        (R3, "LISTED", "NON_COMPLIANT", None, at("11-02T17:00:00")),
        (R2, "LISTED", "COMPLIANT", None, at("11-02T05:00:00")),
        (R1, "LISTED", "COMPLIANT", None, at("11-01T05:00:00")),
    ]


def test_6_the_history_of_a_node_tells_its_absence_from_a_target_that_was_not_read(lake: Lake) -> None:
    answer = lake.named("node_history", [node_id(23)])

    assert pick(answer, "run_id", "presence", "compliance_status") == [
        (R5, "TARGET_NOT_READ", None),
        (R4, "ABSENT", None),
        (R3, "TARGET_NOT_READ", None),
        (R2, "LISTED", "COMPLIANT"),
        (R1, "LISTED", "COMPLIANT"),
    ]


def test_7_the_nodes_that_await_a_reboot(lake: Lake) -> None:
    answer = lake.named("awaiting_reboot")

    assert pick(answer, "instance_id", "installed_pending_reboot_count", "reboot_option", "operation_end_time") == [
        (node_id(4), 3, "NoReboot", at("11-12T05:00:00")),
    ]


def test_8_the_nodes_where_installs_failed(lake: Lake) -> None:
    answer = lake.named("failed_installs")

    assert pick(answer, "instance_id", "patch_group", "failed_count", "operation") == [
        (node_id(5), "win", 2, "Install"),
    ]


def test_9_the_nodes_not_scanned_in_days(lake: Lake) -> None:
    answer = lake.named("not_scanned", ["5"])

    assert pick(answer, "instance_id", "scan_age_days", "ping_status", "compliance_status", "unknown_reason") == [
        (node_id(6), None, "Online", "UNKNOWN", "NO_PATCH_STATE"),
        (node_id(7), None, "Online", "UNKNOWN", "SCAN_TIME_INVALID"),
        (node_id(14), None, "Online", "UNKNOWN", "INVALID_RESPONSE"),
        (node_id(11), None, "Online", "UNKNOWN", "NOT_COLLECTED"),
        (node_id(12), None, "Online", "UNKNOWN", "NOT_COLLECTED"),
        (node_id(3), 23, "Online", "NON_COMPLIANT", None),
        (node_id(15), 7, "ConnectionLost", "UNKNOWN", "STALE_SCAN"),
    ]


def test_10_the_nodes_that_were_never_scanned(lake: Lake) -> None:
    answer = lake.named("never_scanned")

    assert pick(answer, "instance_id", "platform_type", "agent_version", "ping_status") == [
        (node_id(6), "Windows", "3.3.3598.0", "Online"),
    ]


def test_11_compliance_by_patch_group(lake: Lake) -> None:
    answer = lake.named("patch_groups")

    assert pick(
        answer,
        "patch_group",
        "baselines",
        "nodes_listed",
        "nodes_compliant",
        "nodes_non_compliant",
        "nodes_unknown",
        "nodes_unread",
        "nodes_unplaced",
        "compliant_percent",
        "compliant_percent_lower_bound",
    ) == [
        ("", 1, 1, 0, 0, 1, 0, 0, 0.0, 0.0),
        ("db", 2, 2, 0, 2, 0, 1, 0, 0.0, 0.0),
        ("win", 1, 2, 0, 1, 1, 0, 0, 0.0, 0.0),
        (None, 0, 1, 0, 0, 1, 0, 0, 0.0, 0.0),
        ("web", 1, 6, 2, 0, 4, 2, 0, 33.3, 25.0),
    ]


def test_12_the_baseline_of_each_node_and_what_is_installed_outside_of_it(lake: Lake) -> None:
    answer = lake.named("baselines")

    assert pick(answer, "instance_id", "baseline_id", "installed_count", "installed_other_count") == [
        (node_id(5), "pb-0000000000000win0", 40, 9),
        (node_id(1), "pb-0000000000000web0", 40, 5),
        (node_id(2), "pb-0000000000000web0", 40, 5),
        (node_id(3), "pb-0000000000000db10", 40, 5),
        (node_id(4), "pb-0000000000000db20", 40, 5),
        (node_id(7), "pb-0000000000000web0", 40, 5),
        (node_id(15), "pb-0000000000000def0", 40, 5),
        (node_id(8), "pb-0000000000000web0", 40, None),
    ]


def test_13_the_agent_versions(lake: Lake) -> None:
    answer = lake.named("agent_versions")

    # Windows: 5, 6, 12. Unknown platform: 15. Old agent: 3. The other seven: 1, 2, 4, 7, 8, 11, 14.
    assert pick(answer, "platform_type", "agent_version", "nodes", "nodes_not_online", "nodes_not_latest") == [
        ("Linux", "3.3.3598.0", 7, 0, 0),
        ("Windows", "3.3.3598.0", 3, 0, 0),
        ("Linux", "3.3.3050.0", 1, 0, 1),
        (None, "3.3.3598.0", 1, 1, 0),
    ]


def test_14_what_changed_since_the_last_run(lake: Lake) -> None:
    answer = lake.named("changes")

    columns = ("change", "instance_id", "previous_run_id", "previous_compliance_status", "compliance_status")
    assert pick(answer, *columns) == [
        ("BECAME_KNOWN", node_id(4), R4, "UNKNOWN", "NON_COMPLIANT"),
        ("BECAME_UNKNOWN", node_id(7), R4, "COMPLIANT", "UNKNOWN"),
        ("BECAME_UNKNOWN", node_id(14), R4, "COMPLIANT", "UNKNOWN"),
        ("BECAME_UNKNOWN", node_id(15), R4, "COMPLIANT", "UNKNOWN"),
        ("BECAME_UNKNOWN", node_id(11), R4, "NON_COMPLIANT", "UNKNOWN"),
        ("BECAME_UNKNOWN", node_id(12), R4, "COMPLIANT", "UNKNOWN"),
        ("NEW", node_id(8), R4, None, "UNKNOWN"),
        ("NEWLY_NON_COMPLIANT", node_id(5), R4, "COMPLIANT", "NON_COMPLIANT"),
        ("NOT_COMPARED", None, R4, None, None),
        ("NOT_COMPARED", None, R3, None, None),
        ("NOT_COMPARED", None, R3, None, None),
        ("REMEDIATED", node_id(2), R4, "NON_COMPLIANT", "COMPLIANT"),
        ("VANISHED", node_id(10), R4, "NON_COMPLIANT", None),
    ]
    assert pick(answer, "account_id", "region")[8:11] == [(SHOP, US), (CLOSED, EU), (CLOSED, US)]


def test_14_what_changed_since_a_date(lake: Lake) -> None:
    answer = lake.named("changes_since", ["2026-11-02"])

    columns = ("change", "instance_id", "previous_run_id", "previous_compliance_status", "compliance_status")
    assert pick(answer, *columns) == [
        ("BECAME_UNKNOWN", node_id(14), R3, "COMPLIANT", "UNKNOWN"),
        ("BECAME_UNKNOWN", node_id(15), R3, "COMPLIANT", "UNKNOWN"),
        ("BECAME_UNKNOWN", node_id(11), R3, "NON_COMPLIANT", "UNKNOWN"),
        ("BECAME_UNKNOWN", node_id(12), R3, "COMPLIANT", "UNKNOWN"),
        ("NEW", node_id(7), R3, None, "UNKNOWN"),
        ("NEW", node_id(8), R3, None, "UNKNOWN"),
        ("NEWLY_NON_COMPLIANT", node_id(5), R3, "COMPLIANT", "NON_COMPLIANT"),
        ("NOT_COMPARED", None, R2, None, None),
        ("NOT_COMPARED", None, R3, None, None),
        ("NOT_COMPARED", None, R3, None, None),
        ("REMEDIATED", node_id(2), R3, "NON_COMPLIANT", "COMPLIANT"),
        ("VANISHED", node_id(10), R3, "NON_COMPLIANT", None),
    ]


def test_14_what_changed_since_a_date_before_the_window_cannot_be_told(lake: Lake) -> None:
    answer = lake.named("changes_since", ["2026-10-02"])

    assert pick(answer, "change", "reason", "account_id", "region", "instance_id", "previous_run_id") == [
        ("NOT_COMPARED", "NO_EARLIER_LISTING", HOME, EU, None, None),
        ("NOT_COMPARED", "NO_EARLIER_LISTING", HOME, US, None, None),
        ("NOT_COMPARED", "NO_EARLIER_LISTING", SHOP, EU, None, None),
        ("NOT_COMPARED", "TARGET_NOT_READ", SHOP, US, None, None),
        ("NOT_COMPARED", "TARGET_NOT_PLANNED", CLOSED, EU, None, None),
        ("NOT_COMPARED", "TARGET_NOT_PLANNED", CLOSED, US, None, None),
    ]


def test_14_what_changed_since_the_date_of_the_newest_run_cannot_be_told(lake: Lake) -> None:
    answer = lake.named("changes_since", ["2026-11-12"])

    assert pick(answer, "change", "reason", "account_id", "region", "previous_run_id") == [
        ("NOT_COMPARED", "NO_LATER_RUN", HOME, EU, R5),
        ("NOT_COMPARED", "NO_LATER_RUN", HOME, US, R5),
        ("NOT_COMPARED", "NO_LATER_RUN", SHOP, EU, R5),
        ("NOT_COMPARED", "TARGET_NOT_READ", SHOP, US, R4),
        ("NOT_COMPARED", "TARGET_NOT_PLANNED", CLOSED, EU, R3),
        ("NOT_COMPARED", "TARGET_NOT_PLANNED", CLOSED, US, R3),
    ]


def test_15_the_nodes_that_have_been_non_compliant_for_too_long(lake: Lake) -> None:
    answer = lake.named("overdue_nodes", ["1"])

    assert pick(
        answer,
        "overdue_status",
        "instance_id",
        "compliance_status",
        "unknown_reason",
        "non_compliant_since",
        "last_non_compliant_at",
        "days_non_compliant",
        "is_lower_bound",
        "most_days_non_compliant",
        "days_unobserved",
    ) == [
        ("OVERDUE", node_id(3), "NON_COMPLIANT", None, at("11-01T06:00:00"), at("11-12T06:00:00"), 11, True, None, 8),
        ("OVERDUE", node_id(4), "NON_COMPLIANT", None, at("11-02T18:00:00"), at("11-12T06:00:00"), 10, False, 10, 9),
        (
            *("POSSIBLY_OVERDUE", node_id(11), "UNKNOWN", "NOT_COLLECTED"),
            *(at("11-01T06:00:00"), at("11-10T06:00:00"), 11, True, None, 9),
        ),
        (
            *("POSSIBLY_OVERDUE", node_id(41), "UNKNOWN", "TARGET_NOT_PLANNED"),
            *(at("11-01T06:00:00"), at("11-02T18:00:00"), 11, True, None, 10),
        ),
        (
            *("POSSIBLY_OVERDUE", node_id(21), "UNKNOWN", "TARGET_NOT_READ"),
            *(at("11-10T06:00:00"), at("11-10T06:00:00"), 2, True, 9, 2),
        ),
    ]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        # Node 5 was COMPLIANT on the 10th and NON_COMPLIANT on the 12th, and the 11th had no run.
        ("0", [("OVERDUE", 3), ("OVERDUE", 4), *[("POSSIBLY_OVERDUE", number) for number in (11, 41, 21, 5)]]),
        (
            "8",
            [
                ("OVERDUE", 3),
                ("OVERDUE", 4),
                ("POSSIBLY_OVERDUE", 11),
                ("POSSIBLY_OVERDUE", 41),
                ("POSSIBLY_OVERDUE", 21),
            ],
        ),
        ("9", [("OVERDUE", 3), ("OVERDUE", 4), ("POSSIBLY_OVERDUE", 11), ("POSSIBLY_OVERDUE", 41)]),
        ("10", [("OVERDUE", 3), ("POSSIBLY_OVERDUE", 11), ("POSSIBLY_OVERDUE", 41)]),
        # The history is shorter than the deadline: these were non-compliant in all of it.
        ("11", [("POSSIBLY_OVERDUE", 3), ("POSSIBLY_OVERDUE", 11), ("POSSIBLY_OVERDUE", 41)]),
        ("9999", [("POSSIBLY_OVERDUE", 3), ("POSSIBLY_OVERDUE", 11), ("POSSIBLY_OVERDUE", 41)]),
    ],
)
def test_15_a_node_whose_age_is_not_fully_known_is_possibly_overdue(
    lake: Lake, days: str, expected: list[tuple[str, int]]
) -> None:
    answer = lake.named("overdue_nodes", [days])

    assert pick(answer, "overdue_status", "instance_id") == [(status, node_id(number)) for status, number in expected]


def test_16_what_could_not_be_read(lake: Lake) -> None:
    answer = lake.named("not_read")

    assert pick(
        answer,
        "what",
        "account_id",
        "account_name",
        "region",
        "instance_id",
        "reason",
        "detail",
        "last_known_nodes",
        "last_read_at",
        "days_since_read",
    ) == [
        ("TARGET", SHOP, "shop", US, None, "ACCESS_DENIED", "AccessDeniedException", 2, at("11-10T06:00:00"), 2),
        ("TARGET", LAB, "lab", EU, None, "ACCOUNT_NOT_ACTIVE", None, 1, at("11-02T18:00:00"), 10),
        ("TARGET", LAB, "lab", US, None, "ACCOUNT_NOT_ACTIVE", None, 0, at("11-02T18:00:00"), 10),
        ("TARGET", CLOSED, "closed", EU, None, "TARGET_NOT_PLANNED", None, 1, at("11-02T18:00:00"), 10),
        ("TARGET", CLOSED, "closed", US, None, "TARGET_NOT_PLANNED", None, 0, at("11-02T18:00:00"), 10),
        (
            "NODE",
            HOME,
            "platform",
            EU,
            node_id(14),
            "INVALID_RESPONSE",
            "FailedCount: expected a whole number",
            None,
            None,
            None,
        ),
        ("NODE", SHOP, "shop", EU, node_id(11), "NOT_COLLECTED", "AccessDeniedException", None, None, None),
        ("NODE", SHOP, "shop", EU, node_id(12), "NOT_COLLECTED", "AccessDeniedException", None, None, None),
    ]


def test_16_what_is_no_longer_planned(lake: Lake) -> None:
    answer = lake.named("no_longer_planned")

    assert pick(
        answer,
        "what",
        "account_id",
        "account_name",
        "region",
        "instance_id",
        "computer_name",
        "last_compliance_status",
        "last_known_nodes",
        "last_read_at",
        "days_since_read",
    ) == [
        ("TARGET", CLOSED, "closed", EU, None, None, None, 1, at("11-02T18:00:00"), 10),
        ("TARGET", CLOSED, "closed", US, None, None, None, 0, at("11-02T18:00:00"), 10),
        ("NODE", CLOSED, "closed", EU, node_id(41), "host-41", "NON_COMPLIANT", None, at("11-02T18:00:00"), 10),
    ]


def test_6_the_history_of_a_node_tells_a_target_that_was_not_planned(lake: Lake) -> None:
    answer = lake.named("node_history", [node_id(41)])

    assert pick(answer, "run_id", "presence", "compliance_status") == [
        (R5, "TARGET_NOT_PLANNED", None),
        (R4, "TARGET_NOT_PLANNED", None),
        (R3, "LISTED", "NON_COMPLIANT"),
        (R2, "LISTED", "NON_COMPLIANT"),
        (R1, "LISTED", "NON_COMPLIANT"),
    ]


@pytest.mark.parametrize("name", [query.name for query in queries() if query.name != "node_history"])
def test_beside_every_answer_stand_the_run_its_status_its_age_and_its_coverage(lake: Lake, name: str) -> None:
    answer = lake.named(name, sample_arguments(lake).get(name, []))

    assert set(pick(answer, "run_id", "run_status", "run_age_hours", "run_coverage")) == {
        (R5, "PARTIAL", 30, "3 of 4 targets read, 2 no longer planned")
    }


def test_the_questions_are_numbered_from_1_without_a_gap() -> None:
    numbers = [query.number or 0 for query in queries()]

    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))
