"""The columns of USING: each is one column of all joined tables."""

import re
from collections.abc import Callable, Mapping
from operator import and_, or_

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError
from tests.analytics.story import R5

JOINED: Mapping[str, Callable[[set[int], set[int]], set[int]]] = {
    "": and_,
    "LEFT": lambda left, _: left,
    "RIGHT": lambda _, right: right,
    "FULL": or_,
}
"""The keys of the joined tables, by the kind of the join, if each table has a key once."""
KEYS = st.sets(st.integers(1, 4), min_size=1)
TABLES = "(VALUES (1, 3)) AS a (k, x) JOIN (VALUES (1, 5)) AS b (k, y) USING (k)"


def values(keys: set[int], columns: str) -> str:
    return ", ".join(f"({', '.join([str(key)] * len(columns.split()))})" for key in sorted(keys))


@pytest.mark.parametrize("columns", ["k", "k, n"])
@given(first=KEYS, joins=st.lists(st.tuples(st.sampled_from(sorted(JOINED)), KEYS), min_size=1, max_size=3))
def test_a_join_compares_with_the_key_that_all_tables_before_it_have(
    lake: Lake, columns: str, first: set[int], joins: list[tuple[str, set[int]]]
) -> None:
    tables, expected = f"(VALUES {values(first, columns)}) AS t ({columns})", first
    for number, (side, keys) in enumerate(joins):
        tables += f" {side} JOIN (VALUES {values(keys, columns)}) AS t{number} ({columns}) USING ({columns})"
        expected = JOINED[side](expected, keys)

    assert lake.query(f"SELECT k FROM {tables} ORDER BY k").rows == [(key,) for key in sorted(expected)]  # noqa: S608


@pytest.mark.parametrize(
    ("selected", "rest", "complaint"),
    [
        ("a.k", "", "a.k is not valid in Athena after USING: write k"),
        ("B.K AS n", "", "B.K is not valid in Athena after USING: write K"),
        ("x", "WHERE a.k = 1", "a.k is not valid in Athena after USING: write k"),
        ("x", "JOIN (VALUES 1) AS c (z) ON c.z = b.k", "b.k is not valid in Athena after USING: write k"),
        ("x", "WHERE EXISTS (SELECT 1 FROM (VALUES 1) AS c (z) WHERE c.z = a.k)", "a.k is not valid in Athena"),
        ("a.*", "", "a.* lacks the columns of USING in Athena: name the columns"),
    ],
)
def test_a_column_of_using_is_not_one_of_its_tables(lake: Lake, selected: str, rest: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=f"^{re.escape(complaint)}"):
        lake.query(f"SELECT {selected} FROM {TABLES} {rest}")  # noqa: S608


@pytest.mark.parametrize(
    ("selected", "rest", "row"),
    [
        ("*", "", (1, 3, 5)),
        ("k, a.x, b.y", "WHERE a.x < b.y AND k = 1", (1, 3, 5)),
        ("(SELECT max(a.k) FROM (VALUES 7) AS a (k)) AS n", "", (7,)),
        ("c.k", "CROSS JOIN (VALUES 7) AS c (k)", (7,)),
        ("c.*", "CROSS JOIN (VALUES 7) AS c (k)", (7,)),
    ],
)
def test_other_columns_have_their_tables(lake: Lake, selected: str, rest: str, row: tuple[int, ...]) -> None:
    assert lake.query(f"SELECT {selected} FROM {TABLES} {rest}").rows == [row]  # noqa: S608


@pytest.mark.parametrize(
    "join",
    [
        "JOIN (VALUES (1, 5)) AS b (k, y) ON a.k = b.k",
        "LEFT JOIN (VALUES (1, 5)) AS b (k, y) ON true JOIN (VALUES (3)) AS d (x) USING (x)",
        "CROSS JOIN (VALUES 1) AS b (k)",
        "CROSS JOIN UNNEST(ARRAY[1]) AS b (k)",
        "JOIN (VALUES (1, 5)) AS b (k, y) USING (k) CROSS JOIN (SELECT 1 AS k) AS d",
    ],
)
def test_a_column_of_using_that_two_tables_before_it_have_is_refused(lake: Lake, join: str) -> None:
    with pytest.raises(QueryError, match=r"^USING \(k\) is ambiguous: several tables before it have the column k$"):
        lake.query(f"SELECT count(*) AS n FROM (VALUES (1, 3)) AS a (k, x) {join} JOIN (VALUES 1) AS c (k) USING (k)")  # noqa: S608


def test_a_column_of_using_of_two_tables_of_the_lake_is_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match=r"^USING \(run_id\) is ambiguous"):
        lake.query(
            "SELECT 1 AS n FROM runs AS a JOIN coverage AS b ON a.run_id = b.run_id JOIN latest_run USING (run_id)"
        )


def test_a_column_of_using_may_be_in_a_table_after_it(lake: Lake) -> None:
    tables = f"{TABLES} JOIN (VALUES (1, 5)) AS c (k, z) USING (k) CROSS JOIN (VALUES 8) AS d (k)"

    assert lake.query(f"SELECT z, d.k FROM {tables}").rows == [(5, 8)]  # noqa: S608


def test_a_join_before_that_with_using_still_has_the_columns_of_its_tables(lake: Lake) -> None:
    tables = "(VALUES 1) AS a (k) JOIN (VALUES (1, 3)) AS b (z, x) ON b.z = a.k JOIN (VALUES 1) AS c (k) USING (k)"

    assert lake.query(f"SELECT k, x FROM {tables}").rows == [(1, 3)]  # noqa: S608


def test_a_join_in_parentheses_has_no_name_that_a_column_lacks(lake: Lake) -> None:
    tables = "(runs AS a JOIN coverage AS b USING (run_id)) JOIN latest_run AS c USING (run_id)"

    assert lake.query(f"SELECT DISTINCT run_id FROM {tables}").rows == [(R5,)]  # noqa: S608


def test_using_after_a_list_of_tables_is_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match=r"^USING after a list of tables is not supported: use CROSS JOIN, or ON$"):
        lake.query("SELECT 1 AS n FROM (VALUES 1) AS a (k), (VALUES 2) AS b (k) JOIN (VALUES 2) AS c (k) USING (k)")


@pytest.mark.parametrize("condition", ["a.x = c.z", "b.y = c.z AND x = 1", "EXISTS (SELECT 1 WHERE a.x = c.z)"])
def test_the_condition_of_a_join_names_no_table_before_a_comma(lake: Lake, condition: str) -> None:
    tables = "(VALUES 1) AS a (x), (VALUES 3) AS b (y) JOIN (VALUES 3) AS c (z)"

    with pytest.raises(QueryError, match=r"a\.x: in ON, Athena knows no table before a comma: use CROSS JOIN$"):
        lake.query(f"SELECT 1 AS n FROM {tables} ON {condition}")  # noqa: S608


@pytest.mark.parametrize(
    "tables",
    [
        "(VALUES 3) AS a (x), (VALUES 3) AS b (y) JOIN (VALUES 3) AS c (z) ON b.y = c.z",
        "(VALUES 3) AS a (x) CROSS JOIN (VALUES 3) AS b (y) JOIN (VALUES 3) AS c (z) ON a.x = c.z",
        "(VALUES 3) AS a (x) JOIN (VALUES 3) AS b (y) ON a.x = b.y, (VALUES 3) AS c (z)",
        "(VALUES ARRAY[3]) AS a (x), UNNEST(a.x) AS b (y) JOIN (VALUES 3) AS c (z) ON b.y = c.z",
    ],
)
def test_the_condition_of_a_join_names_its_tables(lake: Lake, tables: str) -> None:
    assert lake.query(f"SELECT b.y, c.z FROM {tables}").rows == [(3, 3)]  # noqa: S608
