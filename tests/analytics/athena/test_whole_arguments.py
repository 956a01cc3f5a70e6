"""The arguments that Athena takes only as whole numbers: a fraction is refused there, and never rounded."""

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

CALLS = """
    bitwise_and({}, 3)
    bitwise_not({})
    bitwise_or({}, 3)
    bitwise_xor(3, {})
    bitwise_and_agg({}) OVER ()
    bitwise_or_agg({}) OVER ()
    chr({})
    count(*) OVER (ORDER BY run_id ROWS BETWEEN {} PRECEDING AND CURRENT ROW)
    count(*) OVER (ORDER BY run_id ROWS {} PRECEDING)
    count(*) OVER (ORDER BY run_id GROUPS BETWEEN UNBOUNDED PRECEDING AND {} FOLLOWING)
    date_add('day', {}, current_date)
    lag(run_id, {}) OVER ()
    lead(run_id, {}) OVER ()
    lpad(run_id, {}, 'x')
    max(run_id, {}) OVER ()
    min(run_id, {}) OVER ()
    nth_value(run_id, {}) OVER ()
    ntile({}) OVER ()
    round(1.234, {})
    rpad(run_id, {}, 'x')
    sequence({}, 5)
    sequence(1, {})
    sequence(1, 5, {})
    split_part(run_id, 'T', {})
    slice(ARRAY[1, 2, 3], {}, 1)
    slice(ARRAY[1, 2, 3], 1, {})
    substr(run_id, {})
    substr(run_id, 1, {})
    substring(run_id FROM {} FOR 2)
    truncate(1.234, {})
"""
"""Each place of such an argument."""


@pytest.mark.parametrize("call", [line.strip() for line in CALLS.strip().splitlines()])
def test_a_whole_number_is_needed_where_athena_needs_one(lake: Lake, call: str) -> None:
    for value in (
        "1.9",
        "1e0",
        "(1.9)",
        "CAST(1 AS double)",
        "CAST(1 AS decimal(5, 2))",
        "compliant_percent",
        "'1'",
        "?",
    ):
        with pytest.raises(QueryError, match=r"must be a whole number: write CAST\("):
            lake.query(f"SELECT {call.format(value)} FROM compliance_overall", ["1"] * value.count("?"))  # noqa: S608

    for value in ("2", "(1 + 1)", "CAST(? AS integer)"):
        assert lake.query(f"SELECT {call.format(value)} FROM compliance_overall", ["2"] * value.count("?")).rows  # noqa: S608


@pytest.mark.parametrize(
    "value", ["NULL", "(SELECT count(*) FROM runs)", "minute(run_at) + 1", "CASE WHEN true THEN 3 END", "-1", "n"]
)
def test_whole_numbers_of_any_form_are_accepted(lake: Lake, value: str) -> None:
    sql = f"SELECT slice(ARRAY[1, 2, 3], {value}, 1) AS found FROM runs CROSS JOIN UNNEST(sequence(1, 3)) AS t (n)"  # noqa: S608

    assert lake.query(sql).rows


def test_a_number_whose_type_is_not_known_is_refused(lake: Lake) -> None:
    with pytest.raises(
        QueryError, match=r"^TRUNCATE\(1\.9\) must be a whole number: write CAST\(TRUNCATE\(1\.9\) AS integer\)$"
    ):
        lake.query("SELECT chr(truncate(1.9)) AS found")

    assert lake.query("SELECT transform(ARRAY[65], x -> chr(x)) AS found").rows == [(["A"],)]


def test_a_range_of_numbers_may_be_a_fraction(lake: Lake) -> None:
    window = "ORDER BY n RANGE BETWEEN 1.5 PRECEDING AND CURRENT ROW"
    sql = f"SELECT count(*) OVER ({window}) AS found FROM (VALUES 1, 2, 3, 4.5) AS t (n)"  # noqa: S608

    assert [found for (found,) in lake.query(sql).rows] == [1, 2, 2, 2]
