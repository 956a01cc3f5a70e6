"""Texts that become dates and times, and back: the values are those of Athena, or the SELECT is refused."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake_cli.lake.catalogue import empty_lake
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

no_digits = st.text(st.characters(codec="utf-8", exclude_characters="0123456789\0")) | st.sampled_from(
    ["infinity", "-infinity", " Infinity ", "inf", "-INF", "epoch", "Epoch "]
)


@pytest.mark.parametrize(
    "value",
    [
        "DATE 'infinity'",
        "DATE 'epoch'",
        "TIMESTAMP '-infinity'",
        "TIME 'epoch'",
        "CAST('inf' AS timestamp)",
        "CAST('epoch' AS timestamp with time zone)",
        "date('infinity')",
        "from_iso8601_date('infinity')",
        "from_iso8601_timestamp('epoch')",
        "date_parse('infinity', '%Y-%m-%d')",
        "CAST(('infinity', 1) AS row(d date, n integer))",
        "localtimestamp < 'infinity'",
        "'epoch' = current_date",
        "localtimestamp BETWEEN '-infinity' AND '2026-11-01'",
        "CASE localtimestamp WHEN 'epoch' THEN 1 END",
    ],
)
def test_a_text_in_quotes_without_digits_is_no_date_or_time(value: str) -> None:
    with pytest.raises(QueryError, match=r"^' ?-?[a-z]+' is not a date or time: write one such as '2026-11-01'$"):
        empty_lake().query(f"SELECT {value}")


@pytest.mark.parametrize(
    "value",
    [
        "CAST(coalesce('epoch', '') AS date)",
        "CAST((SELECT 'infinity') AS timestamp)",
        "CAST(ARRAY['infinity'] AS array(date))",
        "CAST(ARRAY[split('2026-11-01,epoch', ',')] AS array(array(timestamp)))",
        "CAST(element_at(split('infinity,2', ','), 1) AS date)",
        "CAST(regexp_extract('epoch', '[a-z]+') AS time)",
        "transform(ARRAY['epoch'], each -> date(each))",
        "localtimestamp IN (SELECT CAST(x AS date) FROM (VALUES 'infinity') AS t (x))",
    ],
)
def test_no_other_text_without_digits_is_a_date_or_time(value: str) -> None:
    with pytest.raises(QueryError, match=r"'(infinity|epoch)'"):
        empty_lake().query(f"SELECT {value}")


@given(no_digits, st.sampled_from(["date", "time", "timestamp", "timestamp with time zone"]))
def test_no_value_without_digits_is_a_date_or_time(value: str, kind: str) -> None:
    with pytest.raises(QueryError):
        empty_lake().query(f"SELECT CAST(? AS {kind}) IS NULL", [value])
    assert empty_lake().query(f"SELECT TRY_CAST(? AS {kind})", [value]).rows == [(None,)]


@pytest.mark.parametrize("time", ["localtimestamp", "current_date", "localtime", "from_unixtime(0)"])
def test_a_value_without_digits_is_not_compared_with_a_time(time: str) -> None:
    for comparison in (f"{time} < ?", f"? = {time}", f"{time} IN (?)", f"CASE {time} WHEN ? THEN 1 END"):
        with pytest.raises(QueryError, match="'infinity'"):
            empty_lake().query(f"SELECT {comparison}", ["infinity"])


def test_a_cell_without_digits_is_no_date(lake: Lake) -> None:
    lake.add_csv("deadlines", "node,due\na,2026-11-14\nb,infinity\n")

    assert lake.query("SELECT TRY_CAST(due AS date) > DATE '2026-11-12' FROM deadlines").rows == [(True,), (None,)]
    with pytest.raises(QueryError, match="the text 'infinity' cannot be cast to date"):
        lake.query("SELECT count(*) FROM deadlines WHERE CAST(due AS date) > DATE '2026-11-12'")


def test_a_cast_of_a_map_to_times_or_of_times_is_refused() -> None:
    for values, kind in (("'infinity'", "date"), ("localtimestamp", "varchar")):
        with pytest.raises(
            QueryError, match=r"^a cast of a map to MAP\(\w+, \w+\) is not supported: cast its keys and"
        ):
            empty_lake().query(f"SELECT CAST(map(ARRAY[1], ARRAY[{values}]) AS map(integer, {kind}))")


@given(st.datetimes(min_value=datetime(1000, 1, 1)))  # noqa: DTZ001  # answers have no zone
def test_a_time_and_its_text_are_made_of_each_other(time: datetime) -> None:
    text = time.isoformat(" ", "milliseconds")
    at = time.replace(microsecond=time.microsecond // 1000 * 1000)
    sql = "SELECT at, CAST(at AS varchar), CAST(date(at) AS varchar) FROM (SELECT CAST(? AS timestamp) AS at)"

    assert empty_lake().query(sql, [text]).rows == [(at, text, text[:10])]
