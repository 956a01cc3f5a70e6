"""The names of columns: one for each in a list, and none that two columns have."""

import re

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

TWICE = "(SELECT a.*, b.* FROM (VALUES 1) AS a (k) JOIN (VALUES (5, 6)) AS b (k, z) ON a.k < b.k)"


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("SELECT * FROM (VALUES (1, 2)) AS t (a)", "t (a)"),
        ("SELECT * FROM (VALUES 1) AS t (a, b)", "t (a, b)"),
        ("SELECT a FROM ((VALUES (1, 2)) AS t (a))", "t (a)"),
        ("SELECT * FROM (SELECT 1, 2) AS t (a)", "t (a)"),
        ("SELECT a FROM (SELECT * FROM latest_run) AS t (a)", "t (a)"),
        ("SELECT a FROM ((SELECT 1 AS a)) AS t (a, b)", "t (a, b)"),
        ("SELECT a FROM (SELECT 1, 2 UNION SELECT 3, 4) AS t (a)", "t (a)"),
        ("WITH t (a) AS (SELECT 1 AS x, 2 AS y) SELECT * FROM t", "t (a)"),
        ("WITH t (a, b) AS (SELECT 1) SELECT a FROM t", "t (a, b)"),
        ("WITH t (a) AS (VALUES (1, 2)) SELECT a FROM t", "t (a)"),
        (f"SELECT a FROM (SELECT * FROM {TWICE} AS s) AS t (a)", "t (a)"),  # noqa: S608
    ],
)
def test_a_list_of_names_has_one_for_each_column(lake: Lake, sql: str, written: str) -> None:
    with pytest.raises(QueryError, match=f"{re.escape(written)} must have a name for each column, and no others"):
        lake.query(sql)


def test_a_list_of_names_after_a_table_is_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match=re.escape("t (a) is not supported after a table: use AS for each name")):
        lake.query("SELECT a FROM latest_run AS t (a)")


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        (f"SELECT k FROM {TWICE} AS t", "k is ambiguous: several columns of t have this name"),  # noqa: S608
        (f"WITH t AS {TWICE} SELECT count(*) AS n FROM t WHERE t.k > 0", "k is ambiguous: several columns of t"),  # noqa: S608
        ("SELECT a FROM (VALUES (1, 2)) AS t (a, A)", "a is ambiguous: several columns of t have this name"),
        ("SELECT 1 AS x, 2 AS X ORDER BY x", "ORDER BY x is ambiguous: several columns have this name"),
        ("SELECT 1 AS x, 2 AS x UNION SELECT 3, 4 ORDER BY x", "ORDER BY x is ambiguous: several columns have this"),
    ],
)
def test_a_name_of_two_columns_is_refused(lake: Lake, sql: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=f"{re.escape(complaint)}"):
        lake.query(sql)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        (f"SELECT * FROM {TWICE} AS t", [(1, 5, 6)]),  # noqa: S608
        (f"SELECT z FROM {TWICE} AS t", [(6,)]),  # noqa: S608
        ("SELECT 1 AS x, 2 AS x ORDER BY 2", [(1, 2)]),
        ("SELECT 1 AS x, 2 AS y ORDER BY x", [(1, 2)]),
        ("SELECT a, a FROM (VALUES 2, 1) AS t (a) ORDER BY a", [(1, 1), (2, 2)]),
        ("SELECT a, b FROM ((VALUES (1, 2)) AS t (a, b))", [(1, 2)]),
        ("WITH t (a) AS (SELECT 1 UNION ALL SELECT 2) SELECT a FROM t", [(1,), (2,)]),
        ("SELECT count(a) AS n FROM (SELECT run_id FROM latest_run) AS t (a)", [(1,)]),
    ],
)
def test_other_names_are_answered(lake: Lake, sql: str, rows: list[tuple[int, ...]]) -> None:
    assert lake.query(sql).rows == rows
