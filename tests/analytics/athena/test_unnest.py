"""UNNEST of several arrays and of maps, and the cardinality of a map: DuckDB has them only for one array."""

import re
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

NUMBERS = st.none() | st.lists(st.none() | st.integers(-9, 9), max_size=4)
TEXTS = st.none() | st.lists(st.none() | st.sampled_from("abc"), max_size=4)
MAP = "map(ARRAY['a', 'b'], ARRAY[7, 8])"
ROWS = "(VALUES (1, ARRAY['a', 'b'], ARRAY[5]), (2, NULL, NULL), (3, NULL, ARRAY[6, 7])) AS t (n, xs, ys)"


def written(elements: list[int | None] | list[str | None] | None, of_type: str) -> str:
    """Return an array in SQL."""
    literals = ["NULL" if each is None else repr(each) for each in elements or []]
    return f"CAST({'NULL' if elements is None else f'ARRAY[{", ".join(literals)}]'} AS array({of_type}))"


@given(numbers=NUMBERS, texts=TEXTS)
def test_several_arrays_are_side_by_side_and_the_shorter_ones_end_in_nulls(
    lake: Lake, numbers: list[int | None] | None, texts: list[str | None] | None
) -> None:
    arrays = f"{written(numbers, 'integer')}, {written(texts, 'varchar')}"
    pairs = [*zip_longest(numbers or [], texts or [])]

    plain = lake.query(f"SELECT a, b FROM UNNEST({arrays}) AS t (a, b)").rows  # noqa: S608
    counted = lake.query(f"SELECT n, a, b FROM UNNEST({arrays}) WITH ORDINALITY AS t (a, b, n) ORDER BY n")  # noqa: S608

    assert sorted(plain, key=repr) == sorted(pairs, key=repr)
    assert counted.rows == [(number, *pair) for number, pair in enumerate(pairs, 1)]


@pytest.mark.parametrize(
    ("selected", "unnest", "rows"),
    [
        ("k, v", f"UNNEST({MAP}) AS t (k, v)", [("a", 7), ("b", 8)]),
        ("k, v, n", f"UNNEST({MAP}) WITH ORDINALITY AS t (k, v, n)", [("a", 7, 1), ("b", 8, 2)]),
        ("k, v, x", f"UNNEST({MAP}, ARRAY[9]) AS t (k, v, x)", [("a", 7, 9), ("b", 8, None)]),
        ("*", f"UNNEST({MAP}) AS t (k, v)", [("a", 7), ("b", 8)]),
        ("k, v", "UNNEST(map(ARRAY[?], ARRAY[?])) AS t (k, v)", [("p", "q")]),
        ("k, v", f"(SELECT {MAP} AS m) AS t CROSS JOIN UNNEST(m) AS u (k, v)", [("a", 7), ("b", 8)]),
        ("k, v", f"(SELECT {MAP} AS m) AS t, UNNEST(t.m) AS u (k, v)", [("a", 7), ("b", 8)]),
        ("k, v", "(SELECT histogram('a') AS m) AS t CROSS JOIN UNNEST(m) AS u (k, v)", [("a", 1)]),
        ("k, v", "(SELECT CAST(NULL AS map(varchar, integer)) AS m) AS t CROSS JOIN UNNEST(m) AS u (k, v)", []),
        ("k", f"UNNEST(map_keys({MAP})) AS t (k)", [("a",), ("b",)]),
    ],
)
def test_a_map_is_its_keys_and_values(lake: Lake, selected: str, unnest: str, rows: list[tuple[object, ...]]) -> None:
    answer = lake.query(f"SELECT {selected} FROM {unnest} ORDER BY 1", ["p", "q"][: unnest.count("?")])  # noqa: S608

    assert answer.rows == rows


def test_the_arrays_of_a_row_are_joined_to_it(lake: Lake) -> None:
    sql = f"SELECT n, x, y FROM {ROWS} {{}} JOIN UNNEST(xs, ys) AS u (x, y) {{}} ORDER BY n, y"  # noqa: S608
    found = [(1, "a", 5), (1, "b", None), (3, None, 6), (3, None, 7)]

    assert lake.query(sql.format("CROSS", "")).rows == found
    assert lake.query(sql.format("LEFT", "ON true")).rows == [*found[:2], (2, None, None), *found[2:]]


def test_the_arrays_of_a_row_may_be_in_a_subquery(lake: Lake) -> None:
    sql = f"SELECT n, (SELECT count(*) FROM UNNEST(xs, ys) AS u (x, y)) AS found FROM {ROWS} ORDER BY n"  # noqa: S608

    assert lake.query(sql).rows == [(1, 2), (2, 0), (3, 2)]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("b || '!'", "x!"),
        ("a / 2", 3),
        ("c + INTERVAL '1' DAY = DATE '2026-11-02'", True),
        ("k || '!'", "y!"),
        ("v / 2", 4),
        ("if(d, 1, 2)", 1),
        ("n / 2", 0),
        ("a = '7.4'", False),
    ],
)
def test_each_column_has_its_type(lake: Lake, value: str, found: object) -> None:
    arrays = "ARRAY[7], ARRAY['x'], ARRAY[DATE '2026-11-01'], map(ARRAY['y'], ARRAY[9]), ARRAY[true]"
    sql = f"SELECT {value} AS found FROM UNNEST({arrays}) WITH ORDINALITY AS t (a, b, c, k, v, d, n)"  # noqa: S608

    assert lake.query(sql).rows == [(found,)]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("b + 1", "t.b + 1: t.b is text: write CAST(t.b AS double)"),
        ("a || 'x'", "t.a || 'x': t.a is a number, and not text: write CAST(t.a AS varchar)"),
    ],
)
def test_types_that_do_not_fit_are_refused(lake: Lake, value: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=re.escape(complaint)):
        lake.query(f"SELECT {value} AS found FROM UNNEST(ARRAY[7], ARRAY['x']) AS t (a, b)")  # noqa: S608


@pytest.mark.parametrize(
    ("unnest", "number"),
    [
        ("UNNEST(ARRAY[1], ARRAY['x'])", "2 columns"),
        ("UNNEST(ARRAY[1], ARRAY['x']) AS t", "2 columns"),
        ("UNNEST(ARRAY[1], ARRAY['x']) AS t (a)", "2 columns"),
        ("UNNEST(ARRAY[1], ARRAY['x']) WITH ORDINALITY AS t (a, b)", "3 columns"),
        (f"UNNEST({MAP})", "2 columns"),
        (f"UNNEST({MAP}) WITH ORDINALITY AS t (k, v)", "3 columns"),
        ("UNNEST(ARRAY[1]) AS t (a, b)", "1 column"),
        ("UNNEST(ARRAY[1]) WITH ORDINALITY", "2 columns"),
        ("UNNEST(ARRAY[1]) WITH ORDINALITY AS t (a)", "2 columns"),
    ],
)
def test_columns_without_a_name_and_names_without_a_column_are_refused(lake: Lake, unnest: str, number: str) -> None:
    with pytest.raises(QueryError, match=rf" has {number}: name each, such as AS t \(a, b\)$"):
        lake.query(f"SELECT * FROM {unnest}")  # noqa: S608


@pytest.mark.parametrize("sql", ["SELECT unnest(ARRAY[1]) AS x", "SELECT 1 AS x WHERE 1 IN UNNEST(ARRAY[1])"])
def test_an_unnest_that_is_no_table_is_refused(lake: Lake, sql: str) -> None:
    with pytest.raises(QueryError, match=r"^line 1, column \d+: this is not valid SQL in Athena\n"):
        lake.query(sql)


def test_an_array_of_rows_is_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match=r"^UNNEST of an array of rows is not supported$"):
        lake.query("SELECT a, b FROM UNNEST(ARRAY[(1, 'x')]) AS t (a, b)")


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (MAP, 2),
        ("map_concat(map(ARRAY['a'], ARRAY[1]), map(ARRAY['c'], ARRAY[2]))", 2),
        ("histogram(1)", 1),
        ("ARRAY[1, NULL, 3]", 3),
        ("split('a,b', ',')", 2),
        ("CAST(NULL AS map(varchar, integer))", None),
    ],
)
def test_the_cardinality_is_that_of_an_array_or_of_a_map(lake: Lake, value: str, size: int | None) -> None:
    assert lake.query(f"SELECT cardinality({value}) AS size").rows == [(size,)]


def test_a_cardinality_is_divided_as_a_whole_number(lake: Lake) -> None:
    assert lake.query(f"SELECT cardinality({MAP}) / 4 AS size").rows == [(0,)]
