"""The values that an answer cannot hold: one sentence, whatever the format, and never another value."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from patchlake_cli.lake.answer_parquet import as_parquet
from patchlake_cli.lake.catalogue import empty_lake
from patchlake_cli.lake.engine import Answer, Lake
from patchlake_cli.lake.errors import QueryError
from patchlake_cli.lake.files import no_files
from patchlake_cli.lake.formats import as_csv, as_json, as_json_lines
from patchlake_cli.lake.statements import Settings


@pytest.mark.parametrize(
    "value",
    [
        "INTERVAL '1' MONTH",
        "INTERVAL '36' HOUR",
        "ARRAY[INTERVAL '1' DAY]",
        "CAST(NULL AS timestamp) - current_timestamp",
        "transform(ARRAY[current_timestamp], at -> at - at)",
    ],
)
def test_an_interval_is_refused(value: str) -> None:
    with pytest.raises(QueryError, match="an interval"):
        empty_lake().query(f"SELECT {value} AS late")


@pytest.mark.parametrize(
    "value",
    [
        "DATE '0001-01-01' - INTERVAL '1' DAY",
        "DATE '9999-12-31' + INTERVAL '1' DAY",
        "TIMESTAMP '0001-01-01 00:00:00' - INTERVAL '1' HOUR",
        "date_add('year', 8000, TIMESTAMP '2026-11-12 00:00:00')",
        "ARRAY[DATE '2026-11-12', DATE '0001-01-01' - INTERVAL '1' DAY]",
    ],
)
def test_a_time_outside_the_years_1_to_9999_is_refused(value: str) -> None:
    with pytest.raises(QueryError) as refused:
        empty_lake().query(f"SELECT {value} AS early")

    assert str(refused.value) == "column early has a date or time outside the years 1 to 9999, which no format can hold"


def test_the_days_before_the_first_day_of_all_are_refused_as_of_it() -> None:
    lake = Lake(no_files(), datetime(1, 1, 1, tzinfo=UTC), Settings())

    assert lake.query("SELECT current_date AS today").rows == [(date(1, 1, 1),)]
    with pytest.raises(QueryError, match="column yesterday has a date or time outside the years 1 to 9999"):
        lake.query("SELECT current_date - INTERVAL '1' DAY AS yesterday")


def test_a_text_that_looks_like_such_a_date_is_a_text() -> None:
    assert empty_lake().query("SELECT '0001-12-31 (BC)' AS said").rows == [("0001-12-31 (BC)",)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1.50"), 1.5),
        (Decimal("123456789012.345"), 123456789012.345),
        (Decimal("12345678901234567890.12"), "12345678901234567890.12"),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (Decimal(9007199254740993), "9007199254740993"),
    ],
)
def test_json_keeps_all_digits_of_a_decimal(value: Decimal, expected: float | str) -> None:
    answer = Answer(("n", "some"), ("decimal", "decimal[]"), [(value, [value])])

    assert json.loads(as_json(answer)) == [{"n": expected, "some": [expected]}]
    assert json.loads(as_json_lines(answer)) == {"n": expected, "some": [expected]}
    assert Decimal(str(expected)) == value


def test_every_digit_of_a_decimal_is_in_every_format() -> None:
    answer = empty_lake().query("SELECT CAST('12345678901234567890.12' AS decimal(30, 2)) AS n")

    assert as_csv(answer).splitlines()[1] == "12345678901234567890.12"
    assert json.loads(as_json(answer)) == [{"n": "12345678901234567890.12"}]
    assert as_parquet(answer)
