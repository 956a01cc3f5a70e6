"""The one rule by which a node is COMPLIANT, NON_COMPLIANT or UNKNOWN: case by case."""

from pathlib import Path
from typing import Any

import pytest

from patchlake.core.run import milliseconds, run_at
from patchlake_cli.lake.engine import open_lake
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import Settings
from tests.analytics.synthetic import COUNTS, collected, listed, write_run

RUN_ID = "20261112T060000Z"
NOW = run_at(RUN_ID)
COLLECTED_AT = milliseconds(NOW)
DAY = 86_400_000
YEAR_1 = -62_135_596_800_000

OLD_SCAN = {"operation_end_time": COLLECTED_AT - 7 * DAY - 1}
ENDED_BEFORE_ITS_START = {"operation_start_time": COLLECTED_AT - DAY + 1, "operation_end_time": COLLECTED_AT - DAY}
NO_STATE = {**dict.fromkeys(COUNTS), "operation_end_time": None}

CASES: dict[str, tuple[dict[str, Any], str, str | None, bool | None]] = {
    "nothing lacks": ({}, "COMPLIANT", None, False),
    **{f"{count} above 0": ({count: 1}, "NON_COMPLIANT", None, False) for count in COUNTS},
    **{f"{count} absent": ({count: None}, "UNKNOWN", "COUNT_ABSENT", False) for count in COUNTS},
    "lacking beats a stale scan, which shows too": (
        {"missing_count": 1, **OLD_SCAN},
        "NON_COMPLIANT",
        None,
        True,
    ),
    "lacking beats a scan time that is invalid": (
        {"missing_count": 1, "operation_end_time": YEAR_1},
        "NON_COMPLIANT",
        None,
        True,
    ),
    "lacking beats a count that is absent": (
        {"missing_count": None, "failed_count": 1},
        "NON_COMPLIANT",
        None,
        False,
    ),
    "lacking counts only where a state was collected": (
        {"missing_count": 1, "collection_status": "NOT_COLLECTED"},
        "UNKNOWN",
        "NOT_COLLECTED",
        False,
    ),
    "not collected": ({**NO_STATE, "collection_status": "NOT_COLLECTED"}, "UNKNOWN", "NOT_COLLECTED", None),
    "invalid": ({**NO_STATE, "collection_status": "INVALID_RESPONSE"}, "UNKNOWN", "INVALID_RESPONSE", None),
    "never scanned": ({**NO_STATE, "collection_status": "NO_PATCH_STATE"}, "UNKNOWN", "NO_PATCH_STATE", None),
    "a status of the future": ({"collection_status": "PARTLY"}, "UNKNOWN", "PARTLY", False),
    "scanned in the year 1": ({"operation_end_time": YEAR_1}, "UNKNOWN", "SCAN_TIME_INVALID", True),
    "scanned in 1970": ({"operation_end_time": 0}, "UNKNOWN", "SCAN_TIME_INVALID", True),
    "scanned at no time": ({"operation_end_time": None}, "UNKNOWN", "SCAN_TIME_INVALID", None),
    "scanned to an end before its start": (ENDED_BEFORE_ITS_START, "UNKNOWN", "SCAN_TIME_INVALID", False),
    "an end before the start comes before a stale scan": (
        {"operation_start_time": COLLECTED_AT - 8 * DAY + 1, "operation_end_time": COLLECTED_AT - 8 * DAY},
        "UNKNOWN",
        "SCAN_TIME_INVALID",
        True,
    ),
    "lacking beats an end before the start": (
        {"missing_count": 1, **ENDED_BEFORE_ITS_START},
        "NON_COMPLIANT",
        None,
        False,
    ),
    "scanned within a millisecond": (
        {"operation_start_time": COLLECTED_AT - DAY, "operation_end_time": COLLECTED_AT - DAY},
        "COMPLIANT",
        None,
        False,
    ),
    "started at a time that could not be read": (
        {"operation_start_time": None, "collection_detail": "OperationStartTime: expected `float`, got `str`"},
        "UNKNOWN",
        "SCAN_TIME_INVALID",
        False,
    ),
    "started at a time that was not there": ({"operation_start_time": None}, "COMPLIANT", None, False),
    "another value could not be read": (
        {"operation_start_time": None, "collection_detail": "OwnerInformation: expected `str`, got `int`"},
        "COMPLIANT",
        None,
        False,
    ),
    "started in the year 1": ({"operation_start_time": YEAR_1}, "COMPLIANT", None, False),
    "collected at no time": ({"collected_at": None}, "UNKNOWN", "SCAN_TIME_INVALID", None),
    "scanned a day ahead": ({"operation_end_time": COLLECTED_AT + DAY}, "COMPLIANT", None, False),
    "scanned more than a day ahead": (
        {"operation_end_time": COLLECTED_AT + DAY + 1},
        "UNKNOWN",
        "SCAN_TIME_INVALID",
        False,
    ),
    "scanned seven days ago": ({"operation_end_time": COLLECTED_AT - 7 * DAY}, "COMPLIANT", None, False),
    "scanned more than seven days ago": (OLD_SCAN, "UNKNOWN", "STALE_SCAN", True),
    "a stale scan comes before a count that is absent": (
        {"missing_count": None, **OLD_SCAN},
        "UNKNOWN",
        "STALE_SCAN",
        True,
    ),
    "an invalid scan time comes before a count that is absent": (
        {"missing_count": None, "operation_end_time": YEAR_1},
        "UNKNOWN",
        "SCAN_TIME_INVALID",
        True,
    ),
    "a negative count, which no answer may have": ({"missing_count": -1}, "UNKNOWN", "COUNT_ABSENT", False),
    **{
        f"{count} decides nothing": ({count: 9}, "COMPLIANT", None, False)
        for count in (
            "installed_other_count",
            "not_applicable_count",
            "unreported_not_applicable_count",
            "available_security_update_count",
        )
    },
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, ...]]:
    folder = tmp_path_factory.mktemp("policy")
    nodes = [collected(RUN_ID, number, **columns) for number, (columns, *_) in enumerate(CASES.values())]
    write_run(folder, RUN_ID, [listed(len(nodes))], nodes)
    answer = open_lake(LakeLocation(str(folder)), now=NOW).query(
        "SELECT compliance_status, unknown_reason, is_stale FROM latest_patch_states ORDER BY instance_id"
    )
    return dict(zip(CASES, answer.rows, strict=True))


@pytest.mark.parametrize("case", CASES)
def test_the_first_rule_that_applies_decides(verdicts: dict[str, tuple[Any, ...]], case: str) -> None:
    _columns, *expected = CASES[case]

    assert verdicts[case] == tuple(expected)


def test_the_greatest_age_of_a_scan_is_a_parameter_and_stands_beside_the_verdict(tmp_path: Path) -> None:
    write_run(tmp_path, RUN_ID, [listed(1)], [collected(RUN_ID, 1, **OLD_SCAN)])

    answer = open_lake(LakeLocation(str(tmp_path)), now=NOW, settings=Settings(scan_max_age_days=8)).query(
        "SELECT compliance_status, scan_age_days, scan_max_age_days, policy_version FROM latest_patch_states"
    )

    # A millisecond over a week, which by date is seven days.
    assert answer.rows == [("COMPLIANT", 7, 8, 3)]


def test_a_scan_that_ended_before_its_start_or_at_an_unread_one_has_no_age(tmp_path: Path) -> None:
    unread = {"operation_start_time": None, "collection_detail": "OperationStartTime: a reason"}
    nodes = [
        collected(RUN_ID, 1, **ENDED_BEFORE_ITS_START),
        collected(RUN_ID, 2, **unread),
        collected(RUN_ID, 3, operation_start_time=None),
    ]
    write_run(tmp_path, RUN_ID, [listed(len(nodes))], nodes)

    answer = open_lake(LakeLocation(str(tmp_path)), now=NOW).query(
        "SELECT scan_age_days FROM latest_patch_states ORDER BY instance_id"
    )

    assert answer.rows == [(None,), (None,), (0,)]


def test_unapproved_security_updates_are_shown_and_their_absence_is_not_a_no(tmp_path: Path) -> None:
    nodes = [
        collected(RUN_ID, 1, available_security_update_count=2),
        collected(RUN_ID, 2, available_security_update_count=0),
        collected(RUN_ID, 3, available_security_update_count=None),
    ]
    write_run(tmp_path, RUN_ID, [listed(3)], nodes)

    answer = open_lake(LakeLocation(str(tmp_path)), now=NOW).query(
        "SELECT has_unapproved_security_updates FROM latest_patch_states ORDER BY instance_id"
    )

    assert answer.rows == [(True,), (False,), (None,)]
