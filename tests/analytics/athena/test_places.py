"""The places of values in a SELECT: a value comes to its own ``?``, wherever DuckDB's SQL has that."""

from typing import Any

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import ParameterError, QueryError


@pytest.mark.parametrize(
    ("sql", "values", "rows"),
    [
        ("SELECT x FROM (VALUES 1, 2, 3, 4, 5) AS t (x) ORDER BY x OFFSET ? LIMIT ?", ["1", "3"], [2, 3, 4]),
        ("SELECT x FROM (VALUES 1, 2, 3) AS t (x) ORDER BY x FETCH FIRST ? ROWS ONLY", ["1"], [1]),
        ("SELECT position(? IN ?)", ["b", "abc"], [2]),
        ("SELECT trim(? FROM ?)", ["a", "abca"], ["bc"]),
        (
            "SELECT CAST(date_add('day', CAST(? AS integer), CAST(? AS date)) AS varchar)",
            ["5", "2026-11-01"],
            ["2026-11-06"],
        ),
        ("SELECT greatest(?, ?)", ["a", "b"], ["b"]),
        ("SELECT array_position(ARRAY['a', 'b'], ?)", ["b"], [2]),
        ("SELECT '?' || ? -- ?", ["x"], ["?x"]),
        ("SELECT '\ue000' || ?", ["x"], ["\ue000x"]),
        (
            (
                "SELECT c.n FROM (SELECT run_date, count(*) AS n FROM runs WHERE run_date = ? GROUP BY run_date) AS c "
                "RIGHT JOIN (SELECT run_date FROM latest_run WHERE run_status = ?) AS l ON l.run_date = c.run_date"
            ),
            ["2026-11-12", "PARTIAL"],
            [1],
        ),
    ],
)
def test_each_value_comes_to_its_own_place(lake: Lake, sql: str, values: list[str], rows: list[Any]) -> None:
    assert [row[0] for row in lake.query(sql, values).rows] == rows


@pytest.mark.parametrize("place", [":1", ":a", "$1", "@a"])
def test_only_a_question_mark_is_a_place(lake: Lake, place: str) -> None:
    with pytest.raises(QueryError):
        lake.query(f"SELECT {place} AS x", ["1"])


def test_the_place_of_a_mistake_after_a_question_mark_is_shown(lake: Lake) -> None:
    with pytest.raises(
        QueryError, match=r"line 1, column 15: this is not valid SQL in Athena\n  SELECT \? FROM WHERE\n"
    ):
        lake.query("SELECT ? FROM WHERE", ["1"])


@pytest.mark.parametrize(
    "rows", ["LIMIT ?", "OFFSET ?", "OFFSET ? ROWS FETCH FIRST 1 ROW ONLY", "FETCH FIRST ? ROWS ONLY"]
)
@pytest.mark.parametrize("value", ["1.5", "-1", "1e1", "x", "", "ALL", " 1"])
def test_a_value_for_a_number_of_rows_is_a_whole_number(lake: Lake, rows: str, value: str) -> None:
    with pytest.raises(ParameterError, match="expected a whole number of rows, such as 1=10"):
        lake.query(f"SELECT run_id FROM runs {rows}", [value])  # noqa: S608
