"""The division of integers, which gives an integer in Athena and a fraction in DuckDB."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake_cli.lake.catalogue import empty_lake
from patchlake_cli.lake.engine import Lake

WHOLE = """
    length('abc')
    cardinality(ARRAY[1, 2, 3])
    greatest(3, 1)
    least(3, 5)
    lag(3, 0) OVER (ORDER BY 1)
    first_value(3) OVER ()
    nth_value(3, 1) OVER ()
    arbitrary(3) OVER ()
    max(3) OVER ()
    max_by(3, 1) OVER ()
    min_by(3, 1) OVER ()
    sum(3) OVER ()
    abs(-3)
    mod(3, 4)
    round(3)
    coalesce(3, 1)
    nullif(3, 1)
    nullif(3, 3.5e0)
    if(true, 3, 1)
    CASE WHEN true THEN 3 END
    element_at(ARRAY[3], 1)
    ARRAY[3][1]
    (ARRAY[3] || ARRAY[4])[1]
    concat(ARRAY[3], ARRAY[4])[1]
    (SELECT max(n, 1)[1] FROM (VALUES 3) AS numbers (n))
    array_max(ARRAY[3])
    array_min(ARRAY[3])
    array_position(ARRAY[1, 2, 3], 3)
    month(DATE '2026-03-01')
    day_of_week(DATE '2026-11-25')
    extract(dow FROM DATE '2026-11-25')
    extract(day FROM DATE '2026-11-03')
    date_diff('day', DATE '2026-11-01', DATE '2026-11-04')
    strpos('abc', 'c')
    regexp_count('aaa', 'a')
    cardinality(split('a,b,c', ','))
    bitwise_and(3, 7)
    CAST('3' AS integer)
    try_cast('3' AS bigint)
    (SELECT max(n) FROM (VALUES 3) AS numbers (n))
    (SELECT n FROM UNNEST(ARRAY[3]) AS numbers (n))
    (SELECT 2 + count_if(true) FROM (VALUES 3) AS numbers (n))
"""


@pytest.mark.parametrize("whole", [line.strip() for line in WHOLE.strip().splitlines()])
def test_three_divided_by_two_is_one_whatever_gives_the_three(lake: Lake, whole: str) -> None:
    [(found,)] = lake.query(f"SELECT {whole} / 2 AS n").rows

    assert (type(found), found) == (int, 1)


def test_a_truncated_number_is_a_double(lake: Lake) -> None:
    assert lake.query("SELECT truncate(5) / 2 AS n").rows == [(2.5,)]


whole_numbers = st.integers(-(2**63) + 1, 2**63 - 1)


@given(whole_numbers, whole_numbers.filter(bool))
def test_quotient_and_remainder_give_the_dividend_to_the_last_digit(dividend: int, divisor: int) -> None:
    numbers = "SELECT CAST(? AS bigint) AS a, CAST(? AS bigint) AS b"
    sql = f"SELECT a / b, a % b FROM ({numbers})"  # noqa: S608
    [(quotient, remainder)] = empty_lake().query(sql, [str(dividend), str(divisor)]).rows

    assert quotient * divisor + remainder == dividend
    assert abs(remainder) < abs(divisor)
    assert remainder * dividend >= 0


@pytest.mark.parametrize("function", ["floor", "ceil", "ceiling"])
@pytest.mark.parametrize("number", [-(2**63) + 1, -3, 0, 9007199254740993, 2**63 - 1])
def test_a_whole_number_is_rounded_to_itself(function: str, number: int) -> None:
    answer = empty_lake().query(f"SELECT {function}(CAST(? AS bigint)) AS n", [str(number)])

    assert (answer.types, answer.rows) == (("bigint",), [(number,)])
