"""The columns that ORDER BY and GROUP BY may name: as in Athena, the order never depends on one of several values."""

import re

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

PAIRS = "(VALUES (1, 3), (2, 5), (1, 7)) AS t (a, b)"
JOINED = "(VALUES 1, 2) AS t (k) FULL JOIN (VALUES 2, 3) AS u (k) USING (k)"


@pytest.mark.parametrize(
    ("sql", "position"),
    [
        ("SELECT a FROM pairs ORDER BY 0 LIMIT 1", 0),
        ("SELECT * FROM pairs ORDER BY 1, (0)", 0),
        ("SELECT a FROM pairs ORDER BY -1", -1),
        ("SELECT a FROM pairs ORDER BY 2", 2),
        ("SELECT a FROM pairs UNION SELECT 5 ORDER BY 0", 0),
        ("SELECT count(*) AS n, a FROM pairs GROUP BY 0", 0),
        ("SELECT count(*) AS n, a FROM pairs GROUP BY 3", 3),
        ("SELECT (SELECT a FROM pairs ORDER BY 0 LIMIT 1) AS n", 0),
    ],
)
def test_a_position_that_no_column_has_is_refused(lake: Lake, sql: str, position: int) -> None:
    with pytest.raises(QueryError, match=f"BY {position}: the SELECT has no column {position}$"):
        lake.query(f"WITH pairs AS (SELECT a, b FROM {PAIRS}) {sql}")  # noqa: S608


@pytest.mark.parametrize(
    ("selected", "order"),
    [
        ("a", "b"),
        ("a", "t.b"),
        ("a", "a + b"),
        ("a", "max(b) OVER ()"),
        ("a AS b", "t.b"),
        ("a AS x", "-x"),
        ("a + 1 AS x", "a"),
        ("a, b AS x", "2, a + b"),
    ],
)
def test_a_select_distinct_is_not_ordered_by_what_it_does_not_select(lake: Lake, selected: str, order: str) -> None:
    with pytest.raises(QueryError, match=r"^ORDER BY .*: Athena orders a SELECT DISTINCT only by what it selects$"):
        lake.query(f"SELECT DISTINCT {selected} FROM {PAIRS} ORDER BY {order}")  # noqa: S608


@pytest.mark.parametrize(
    ("selected", "order", "rows"),
    [
        ("a", "a DESC", [(2,), (1,)]),
        ("a", "t.a DESC NULLS LAST", [(2,), (1,)]),
        ("a AS x", "x DESC", [(2,), (1,)]),
        ("a AS x", "a DESC", [(2,), (1,)]),
        ("a AS b", "b DESC", [(2,), (1,)]),
        ("-a", "-a", [(-2,), (-1,)]),
        ("-a AS x", "-t.a", [(-2,), (-1,)]),
        ("a, -a", "-a", [(2, -2), (1, -1)]),
        ("a", "1 DESC", [(2,), (1,)]),
        ("*", "b DESC, a", [(1, 7), (2, 5), (1, 3)]),
    ],
)
def test_a_select_distinct_is_ordered_by_what_it_selects(
    lake: Lake, selected: str, order: str, rows: list[tuple[object, ...]]
) -> None:
    assert lake.query(f"SELECT DISTINCT {selected} FROM {PAIRS} ORDER BY {order}").rows == rows  # noqa: S608


def test_groups_are_ordered_by_an_aggregate_that_is_not_selected(lake: Lake) -> None:
    assert lake.query(f"SELECT a FROM {PAIRS} GROUP BY a ORDER BY max(b)").rows == [(2,), (1,)]  # noqa: S608


@pytest.mark.parametrize("order", ["b", "t.a", "a + b"])
def test_a_select_in_parentheses_is_ordered_only_by_its_columns(lake: Lake, order: str) -> None:
    with pytest.raises(QueryError, match=r"^ORDER BY (b|t\.a): the SELECT in parentheses has no such column$"):
        lake.query(f"(SELECT DISTINCT a FROM {PAIRS}) ORDER BY {order}")  # noqa: S608


def test_a_select_in_parentheses_is_ordered_by_an_expression_of_its_columns(lake: Lake) -> None:
    assert lake.query(f"(SELECT a FROM {PAIRS}) ORDER BY -a, 1").rows == [(2,), (1,), (1,)]  # noqa: S608


@pytest.mark.parametrize("order", ["k DESC", "-k", "3 - k", "(k) DESC", "max(k) DESC", "k / 1 DESC"])
@pytest.mark.parametrize("selected", ["k", "k AS k", "k AS n"])
def test_a_column_of_using_is_ordered_by_in_expressions(lake: Lake, selected: str, order: str) -> None:
    sql = f"SELECT {selected} FROM {JOINED} GROUP BY k ORDER BY {order}"  # noqa: S608

    assert lake.query(sql).rows == [(3,), (2,), (1,)]


def test_another_column_of_two_tables_is_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match=re.escape('Ambiguous reference to column name "k"')):
        lake.query("SELECT t.k AS n FROM (VALUES 1) AS t (k) CROSS JOIN (VALUES 2) AS u (k) ORDER BY -k")


@pytest.mark.parametrize(
    "sql",
    [
        "(VALUES 2, 1) ORDER BY 1",
        "SELECT * FROM ((VALUES 2, 1) ORDER BY 1)",
        "SELECT * FROM ((VALUES 2, 1) LIMIT 1)",
        "WITH t AS ((VALUES 2, 1) OFFSET 1) SELECT * FROM t",
        "SELECT 1 IN ((VALUES 2, 1) ORDER BY 1)",
    ],
)
def test_values_with_an_order_of_their_own_are_refused_in_words(lake: Lake, sql: str) -> None:
    with pytest.raises(QueryError, match=r"^VALUES with ORDER BY or LIMIT is not supported: use SELECT"):
        lake.query(sql)


@pytest.mark.parametrize("named", ["", " AS a"])
def test_a_subquery_has_a_position_as_other_columns_have(lake: Lake, named: str) -> None:
    sql = f"SELECT (SELECT max(n) FROM (VALUES 3, 5) AS m (n)){named}, b FROM {PAIRS}"  # noqa: S608

    assert lake.query(f"{sql} GROUP BY 1, 2 ORDER BY 1, 2 DESC").rows == [(5, 7), (5, 5), (5, 3)]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT a.* FROM (VALUES 1) AS t (a) ORDER BY 1", "^a.*: no table has this name$"),
        ("WITH c AS ((SELECT 1 AS b) AS z) SELECT * FROM c", "^line 1, column 28: this is not valid SQL in Athena"),
        ("SELECT split_part('a')", r"^line 1, column 8: split_part\(\) is not supported with fewer than 3 arguments"),
    ],
)
def test_what_sqlglot_cannot_read_is_refused_in_words(lake: Lake, sql: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        lake.query(sql)


def test_an_error_of_python_about_a_select_is_one_line(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise IndexError("no\nsuch place")

    monkeypatch.setattr("patchlake_cli.lake.athena.translation.compare_exactly", fail)

    with pytest.raises(QueryError, match=r"^this SELECT cannot be translated \(IndexError: no such place\): write"):
        lake.query("SELECT 1")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT (regoin) FROM target_runs", 'there is no column "regoin"; did you mean "region"?'),
        ("SELECT MAP {: 1}", "this is not valid SQL in Athena"),
        ("SELECT date() FROM latest_run", "line 1, column 8: date() is not supported with fewer than 1 argument"),
        ("SELECT * ORDER BY 1", "this SELECT cannot be translated"),
    ],
)
def test_a_typing_mistake_is_a_query_error(lake: Lake, sql: str, said: str) -> None:
    with pytest.raises(QueryError, match=re.escape(said)):
        lake.query(sql)


def test_a_forgotten_from_is_a_query_error(lake: Lake) -> None:
    with pytest.raises(QueryError):
        lake.query("SELECT * latest_run JOIN latest_coverage USING (run_id)")
