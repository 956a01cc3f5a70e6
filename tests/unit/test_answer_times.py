"""The times of answers: a value that is no time is never read as one."""

from datetime import UTC, datetime

import pytest

from patchlake.adapters.answer_times import read_time

AT = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        AT.timestamp(),
        int(AT.timestamp()),
        "2026-11-26T10:00:00Z",
        "2026-11-26T10:00:00.000Z",
        "2026-11-26T11:00:00+01:00",
        "20261126T100000Z",
        "2026-11-26 10:00:00 GMT",
        "Thu, 26 Nov 2026 10:00:00 GMT",
        "THU, 26 NOV 2026 10:00:00 GMT",
        "26 Nov 2026 10:00:00 GMT",
        "Thursday, 26-Nov-26 10:00:00 GMT",
        "Thu, 26-Nov-2026 10:00:00 GMT",
    ],
)
def test_each_form_of_a_time_is_read_in_utc(value: object) -> None:
    assert read_time(value) == AT
    assert read_time(value).tzinfo is UTC


def test_a_time_without_a_zone_gets_none() -> None:
    for text in ("2026-11-26T10:00:00", "Thu Nov 26 10:00:00 2026"):
        assert read_time(text) == AT.replace(tzinfo=None)


def test_a_day_may_have_one_digit() -> None:
    assert read_time("Sun, 1 Nov 2026 10:00:00 GMT") == read_time("Sun Nov  1 10:00:00 2026").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        *(False, True, None, [], {}, "", "false", "0", "10", "1700000000", "Monday", "May", "2026", "12:00"),
        *(float("nan"), float("inf"), 1e300, "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00"),
        "9999-12-31T23:00:00-05:00",
    ],
)
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        read_time(value)
