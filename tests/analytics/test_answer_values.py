"""The values that an answer cannot hold: one sentence, whatever the format, and never another value."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from patchlake_cli.lake.answer_parquet import as_arrow, as_parquet
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


@pytest.mark.parametrize(
    ("maps", "kind", "expected"),
    [
        (
            "map(ARRAY['a', 'b'], ARRAY[1, NULL]), map(ARRAY['b'], ARRAY[2])",
            pa.map_(pa.string(), pa.int32()),
            [{"a": 1, "b": None}, {"b": 2}],
        ),
        (
            "map(ARRAY[1], ARRAY['x']), map(ARRAY[2], ARRAY['y'])",
            pa.map_(pa.int32(), pa.string()),
            [{1: "x"}, {2: "y"}],
        ),
        (
            "map(ARRAY[1.5], ARRAY[current_date]), NULL",
            pa.map_(pa.decimal128(2, 1), pa.date32()),
            [{Decimal("1.5"): date.min}, None],
        ),
        (
            "map(ARRAY['a'], ARRAY[current_timestamp]), map()",
            pa.map_(pa.string(), pa.timestamp("us", "UTC")),
            [{"a": datetime.min.replace(tzinfo=UTC)}, {}],
        ),
        (
            "map(ARRAY['a'], ARRAY[map(ARRAY[true], ARRAY[ARRAY[1e0]])]), map()",
            pa.map_(pa.string(), pa.map_(pa.bool_(), pa.list_(pa.float64()))),
            [{"a": {True: [1.0]}}, {}],
        ),
    ],
)
def test_each_map_has_its_own_keys_in_parquet(maps: str, kind: pa.DataType, expected: list[object]) -> None:
    lake = Lake(no_files(), datetime.min.replace(tzinfo=UTC), Settings())
    answer = lake.query(f"SELECT m, ARRAY[m] AS some FROM UNNEST(ARRAY[{maps}]) AS t (m)")  # noqa: S608

    table = pq.read_table(pa.BufferReader(as_parquet(answer)))

    assert as_arrow(answer).schema.field("m").type == kind
    assert table.column("m").to_pylist(maps_as_pydicts="strict") == expected
    assert table.column("some").to_pylist(maps_as_pydicts="strict") == [[each] for each in expected]


def test_counts_by_value_are_whole_numbers_in_parquet() -> None:
    answer = empty_lake().query(
        "SELECT histogram(x) AS m, histogram(DATE '2026-11-01') AS d, map() AS none FROM (VALUES 'a') AS t (x)"
    )

    table = as_arrow(answer)

    assert [str(field.type) for field in table.schema] == [
        "map<string, int64>",
        "map<date32[day], int64>",
        "map<string, string>",
    ]
    assert as_parquet(answer)


@pytest.mark.parametrize("key", ["ARRAY[1]", "map(ARRAY['a'], ARRAY[1])", "(1, 'a')", "ARRAY[1.5]"])
def test_a_map_whose_keys_have_parts_is_refused(key: str) -> None:
    with pytest.raises(QueryError, match=r"^column m has a map whose keys are arrays, maps or rows, which no format"):
        empty_lake().query(f"SELECT ARRAY[map(ARRAY[{key}], ARRAY[2])] AS m")


def test_a_map_of_rows_is_refused_in_parquet_only() -> None:
    answer = empty_lake().query("SELECT map(ARRAY['a'], ARRAY[(1, 'x')]) AS m")

    assert json.loads(as_json(answer)) == [{"m": {"a": "(1, 'x')"}}]
    with pytest.raises(QueryError, match=r"column m is a map.*, which has no type in Parquet"):
        as_parquet(answer)


def test_a_whole_number_that_a_bigint_does_not_hold_is_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match=r"^column n has a number that is too large for a bigint: cast it to double"):
        lake.query("SELECT 9223372036854775808 AS n")


@pytest.mark.parametrize(
    "select",
    [
        "SELECT sum(x)",
        "SELECT sum(x) > 0",
        "SELECT sum(x) - sum(x)",
        "SELECT CASE WHEN sum(x) > 0 THEN 'up' END",
        "SELECT sum(x) FILTER (WHERE x > 0) > 0",
        "SELECT sum(x) OVER () > 0",
        "SELECT sum(sum(x)) OVER () > 0",
    ],
)
def test_a_sum_that_a_bigint_does_not_hold_is_refused_wherever_it_is(lake: Lake, select: str) -> None:
    with pytest.raises(QueryError, match=r"^9223372036854775808 is too large for a bigint: cast what is added up to"):
        lake.query(f"{select} FROM (VALUES 9223372036854775807, 1) AS t (x)")


def test_the_largest_whole_numbers_are_answered(lake: Lake) -> None:
    sql = "SELECT sum(x) AS n FROM (VALUES 9223372036854775807, NULL) AS t (x) UNION ALL SELECT -9223372036854775808"

    assert lake.query(sql).rows == [(2**63 - 1,), (-(2**63),)]
