"""The types in a SELECT: the parameter of a lambda has that of the elements, and an array has that of its function."""

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("filter(ARRAY[3, 4], x -> x = '3.4')", []),
        ("filter(ARRAY[3, 4], x -> x = ?)", []),
        ("filter(ARRAY[3, 4], x -> x IN ('3.4', '4'))", [4]),
        ("filter(ARRAY[3, 4], x -> x > '3.6')", [4]),
        ("filter(ARRAY[true, false], x -> x)", [True]),
        ("filter(ARRAY['a', 'b'], x -> x = ?)", []),
        ("transform(ARRAY[5], x -> x / 2)", [2]),
        ("transform(ARRAY[5e0], x -> x / 2)", [2.5]),
        ("transform(ARRAY[ARRAY[5]], x -> transform(x, y -> y / 2))", [[2]]),
        ("transform(ARRAY[5], x -> transform(ARRAY[x], x -> x / 2)[1] + x)", [7]),
        ("transform(ARRAY['a'], x -> transform(ARRAY[length(x)], x -> x / 2))", [[0]]),
        ("transform(filter(ARRAY[5, 7], x -> x > 5), x -> x / 2)", [3]),
        ("CAST(transform(ARRAY[current_date], x -> x - INTERVAL '1' DAY)[1] AS varchar)", "2026-11-12"),
        ("transform(ARRAY[3], x -> x)[1] = '3.4'", False),
        ("filter(ARRAY[3], x -> true)[1] = '3.4'", False),
        ("flatten(ARRAY[ARRAY[3]])[1] = '3.4'", False),
        ("map_keys(map(ARRAY[3], ARRAY['a']))[1] = '3.4'", False),
        ("map_values(map(ARRAY['a'], ARRAY[3]))[1] = '3.4'", False),
        ("map_concat(map(ARRAY['a'], ARRAY[3]), map(ARRAY['b'], ARRAY[3]))['a'] = '3.4'", False),
        ("element_at(map(ARRAY['a'], ARRAY[3]), 'a') = '3.4'", False),
        ("(SELECT m['a'] FROM (SELECT map(ARRAY['a'], ARRAY[7]) AS m) AS t) / 2", 3),
        ("histogram(1) OVER ()[1] = '1.4'", False),
        ("minute(TIMESTAMP '2026-11-01 06:05:00') / 2", 2),
    ],
)
def test_an_expression_is_answered_by_its_types(lake: Lake, expression: str, value: object) -> None:
    assert lake.query(f"SELECT {expression} AS found", ["3.4"] * expression.count("?")).rows == [(value,)]


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("filter(ARRAY[1, 0], x -> x)", "x is a number, and a condition must be a boolean"),
        ("transform(ARRAY[1.9], x -> chr(x))", "x must be a whole number"),
        ("transform(ARRAY['1'], x -> x + 1)", "x is text"),
        ("contains(filter(ARRAY[3], x -> true), '3.4')", "'3.4' is text, and not a number"),
    ],
)
def test_types_that_do_not_fit_are_refused_in_a_lambda(lake: Lake, expression: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=complaint):
        lake.query(f"SELECT {expression} AS found")
