"""A number that is too low for its function is refused, as in Athena, whether it is written or calculated."""

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError


@pytest.mark.parametrize(
    ("called", "problem"),
    [
        ("lag(a, -1) OVER (ORDER BY a)", "-1 must be a whole number from 0"),
        ("lead(a, -1, 0) OVER (ORDER BY a)", "-1 must be a whole number from 0"),
        ("nth_value(a, 0) OVER (ORDER BY a)", "0 must be a whole number from 1"),
        ("nth_value(a, -1) OVER (ORDER BY a)", "-1 must be a whole number from 1"),
        ("slice(ARRAY[1, 2], 1, -1)", "-1 must be a whole number from 0"),
        ("lpad('a', -1, 'x')", "-1 must be a whole number from 0"),
        ("rpad('a', -1, 'x')", "-1 must be a whole number from 0"),
        ("lag(a, a - 2) OVER (ORDER BY a)", "-1 must be a whole number from 0"),
        ("nth_value(a, a - 1) OVER (ORDER BY a)", "0 must be a whole number from 1"),
        ("slice(ARRAY[1, 2], 1, a - 2)", "-1 must be a whole number from 0"),
        ("lpad('a', a - 2, 'x')", "-1 must be a whole number from 0"),
        ("split_part('a,b', ',', a - 1)", "0 must be a whole number from 1"),
    ],
)
def test_a_lower_number_is_refused(lake: Lake, called: str, problem: str) -> None:
    with pytest.raises(QueryError) as refused:
        lake.query(f"SELECT {called} FROM (VALUES 1, 2, 3) AS t (a)")  # noqa: S608

    assert str(refused.value).endswith(problem)


def test_the_least_number_is_taken(lake: Lake) -> None:
    found = lake.query(
        "SELECT lag(a, 0) OVER (ORDER BY a), lead(a, 0) OVER (ORDER BY a), nth_value(a, 1) OVER (ORDER BY a), "
        "slice(ARRAY[1, 2], 1, 0), lpad('a', 0, 'x'), rpad('a', 0, 'x') FROM (VALUES 1) AS t (a)"
    )

    assert found.rows == [(1, 1, 1, [], "", "")]


def test_a_refused_number_is_null_in_a_try(lake: Lake) -> None:
    assert lake.query("SELECT try(lpad('a', a - 2, 'x')) FROM (VALUES 1, 3) AS t (a)").rows == [(None,), ("a",)]
