"""A run's name and its times."""

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.core.run import RUN_ID_PATTERN, milliseconds, run_at, run_date, run_id_of, utc_text
from patchlake.errors import InputError

WHOLE_SECONDS = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0))
MINUTES = st.integers(-14 * 60, 14 * 60)


@given(at=WHOLE_SECONDS)
def test_a_run_id_names_its_scheduled_time(at: datetime) -> None:
    run_id = run_id_of(at.isoformat())

    assert re.match(RUN_ID_PATTERN, run_id)
    assert run_at(run_id) == at
    assert run_date(run_id) == at.date().isoformat()


def test_the_text_of_a_time_is_in_utc_and_in_whole_seconds() -> None:
    at = datetime(2026, 11, 23, 1, 30, 7, 999_999, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    assert utc_text(at) == "2026-11-22T20:00:07Z"


@given(first=WHOLE_SECONDS, second=WHOLE_SECONDS)
def test_run_ids_sort_as_their_times_do(first: datetime, second: datetime) -> None:
    assert (run_id_of(first.isoformat()) < run_id_of(second.isoformat())) == (first < second)


@given(at=st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)), minutes=MINUTES)  # noqa: DTZ001  # given a zone below
def test_an_instant_has_one_run_id_whatever_its_offset(at: datetime, minutes: int) -> None:
    instant = at.replace(microsecond=0, tzinfo=UTC)
    elsewhere = instant.astimezone(timezone(timedelta(minutes=minutes)))

    assert run_id_of(elsewhere.isoformat()) == run_id_of(instant.isoformat())


@pytest.mark.parametrize(
    ("local", "fold", "run_id"),
    [
        (datetime(2026, 3, 29, 1, 30), 0, "20260329T003000Z"),  # noqa: DTZ001  # given a zone below
        (datetime(2026, 3, 29, 3, 30), 0, "20260329T013000Z"),  # noqa: DTZ001
        (datetime(2026, 10, 25, 2, 30), 0, "20261025T003000Z"),  # noqa: DTZ001
        (datetime(2026, 10, 25, 2, 30), 1, "20261025T013000Z"),  # noqa: DTZ001
    ],
    ids=["before the leap", "after the leap", "the first 02:30", "the second 02:30"],
)
def test_the_hours_of_a_change_to_and_from_summer_time_are_runs_of_their_own(
    local: datetime, fold: int, run_id: str
) -> None:
    at = local.replace(tzinfo=ZoneInfo("Europe/Berlin"), fold=fold)

    assert run_id_of(at.isoformat()) == run_id


@pytest.mark.parametrize(
    "scheduled_time",
    [
        None,
        7,
        "",
        "2026-11-01",
        "2026-11-01T06:00:00",
        "2026-11-01T06:00:00.5Z",
        "2026-02-30T06:00Z",
        "2026-11-01T06:00:00.0000009Z",
        "2026-11-01T06:00:00,0000009Z",
        "2026-11-01T06:00:00+00:00:00.5",
    ],
)
def test_what_is_not_a_scheduled_time_is_refused_with_what_was_expected(scheduled_time: object) -> None:
    with pytest.raises(InputError) as failure:
        run_id_of(scheduled_time)
    assert str(failure.value).startswith(f"the event's scheduled_time is {scheduled_time!r}: expected an ISO 8601 time")


def test_the_partition_is_the_date_in_utc() -> None:
    assert run_date(run_id_of("2026-11-01T00:30:00+01:00")) == "2026-10-31"


@pytest.mark.parametrize(
    "run_id",
    [
        "",
        "20261123",
        "20261123T060000",
        "20261123T060000z",
        "20261123T060000Z\n",
        " 20261123T060000Z",
        "20269999T000000Z",
        "20260230T000000Z",
        "20261123T240000Z",
        "20261123T060060Z",
        "00000101T000000Z",
        "../../x",
        "20261123T060000Z/../..",
        "２０２６１１２３T060000Z",  # noqa: RUF001
    ],
)
def test_what_is_not_a_run_id_is_refused(run_id: str) -> None:
    with pytest.raises(InputError, match="is not a run id: expected a UTC time such as 20261123T060000Z"):
        run_at(run_id)


def test_times_are_held_as_milliseconds_since_the_epoch() -> None:
    assert milliseconds(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert milliseconds(datetime(2026, 11, 1, 6, tzinfo=UTC)) == 1_793_512_800_000
