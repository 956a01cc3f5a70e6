"""The aliases of a SELECT: Athena knows them in ORDER BY and in outer queries, and nowhere else in the SELECT."""

import re

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT lower(region) AS place FROM target_runs WHERE place = 'us-east-1'",
        "SELECT lower(region) AS place, count(*) AS n FROM target_runs GROUP BY place",
        "SELECT region, count(*) AS place FROM target_runs GROUP BY region HAVING place > 1",
        "SELECT nodes_listed AS place, place + 1 AS n FROM target_runs",
        "SELECT nodes_listed AS place, row_number() OVER (ORDER BY place) AS n FROM target_runs",
        "SELECT 1 AS place, (SELECT place) AS n FROM target_runs",
    ],
)
def test_an_alias_is_refused_elsewhere_in_its_select(lake: Lake, sql: str) -> None:
    complaint = "place is an alias, which only ORDER BY may name"

    with pytest.raises(QueryError, match=re.escape(complaint)):
        lake.query(sql)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT 2 AS x FROM (VALUES 1, 2) AS t (x) WHERE x = 1", [(2,)]),
        ("SELECT 5 AS x, x + 1 AS y FROM (VALUES 1) AS t (x)", [(5, 2)]),
        ("SELECT abs(x) AS x, count(*) FROM (VALUES 1, -1) AS t (x) GROUP BY x", [(1, 1), (1, 1)]),
        ("SELECT x, -sum(y) AS y FROM (VALUES (1, 2)) AS t (x, y) GROUP BY x HAVING sum(t.y) > 0", [(1, -2)]),
        ("SELECT -x AS y FROM (VALUES 1, 2) AS t (x) ORDER BY y", [(-2,), (-1,)]),
        ("SELECT y FROM (SELECT -x AS y FROM (VALUES 1, 2) AS t (x)) WHERE y < -1", [(-2,)]),
        ("SELECT transform(ARRAY[1], y -> y + 1) AS y", [([2],)]),
    ],
)
def test_a_name_is_that_of_the_column_as_in_athena(lake: Lake, sql: str, rows: list[tuple[object, ...]]) -> None:
    assert lake.query(sql).rows == rows
