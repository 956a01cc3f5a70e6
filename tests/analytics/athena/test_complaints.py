"""The complaints about a SELECT: each is one line in Athena's words, and nothing that only DuckDB has."""

import re

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

OF_DUCKDB = re.compile(
    r"\[\]|Binder|Candidate|DuckDB|FROM clause|SET \w+=|\b(?:BLOB|BOOL|HUGEINT|INT\d+|LIST|STRUCT|TUPLE|\w+_LITERAL)\b"
    r"|\bexplicit\b|DECIMAL\(38"
)
COMPLAINTS = """
avg(run_id)  ; line 1, column 8: an operator or function does not take varchar: use CAST
1 LIKE 2  ; line 1, column 10: an operator or function does not take integer, integer: use CAST
-'a'  ; an operator or function does not take varchar: use CAST
run_id = 1  ; the text '2026
CAST(run_id AS double)  ; line 1, column 8: the text '2026
CAST('2026-13-01' AS date)  ; line 1, column 8: the text '2026-13-01' cannot be cast to date
CAST('abc1' AS timestamp)  ; line 1, column 8: the text 'abc1' cannot be cast to timestamp
CAST(true AS timestamp)  ; Athena has no cast of a boolean to TIMESTAMP
CAST(ARRAY[ARRAY[1]] AS date)  ; Athena has no cast of an array to DATE
CAST(300 AS tinyint)  ; line 1, column 8: 300 cannot be cast to tinyint
2147483647 + 1  ; a number is too large for its type: cast it to bigint or double
ARRAY[1, X'1f']  ; x'1f' is bytes, and not a number
ARRAY['a'] || 'b'  ; array(varchar) and varchar cannot be joined
contains('abc', 'b')  ; an operator or function does not take varchar, varchar: use CAST
runid  ; line 1, column 8: there is no column "runid"
run.run_id  ; line 1, column 8: there is no table "run"
nothing + 1  ; line 1, column 8: there is no column "nothing"
run_id, count(*)  ; line 1, column 8: column "run_id" must be in GROUP BY or in an aggregate function
transform(1, x -> x)  ; UNNEST, transform() and filter() take an array
run_id > current_date  ; varchar and date cannot be compared: use CAST
(SELECT a.run_id FROM runs AS a)  ; a subquery that is a value has more than one row
lag(1)  ; line 1, column 8: a window function needs OVER, and has no place here
"""


@pytest.mark.parametrize("line", [line for line in COMPLAINTS.splitlines() if line])
def test_a_complaint_about_an_expression_is_in_athenas_words(lake: Lake, line: str) -> None:
    expression, complaint = map(str.strip, line.rsplit(";", 1))

    assert complaint in complaint_about(lake, f"SELECT {expression} FROM runs")  # noqa: S608


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        (
            "SELECT 1 UNION SELECT 1, 2",
            "each SELECT of a UNION, EXCEPT or INTERSECT must have the same number of columns",
        ),
        ("SELECT 1 AS a UNION SELECT 2 ORDER BY b", "ORDER BY b: the UNION, EXCEPT or INTERSECT has no such column"),
        ("SELECT run_id FROM runs WHERE count(*) > 1", "WHERE may not contain aggregates"),
        ("SELECT run_id FROM runs ORDER BY 'x'", "ORDER BY a value that is the same for all rows has no effect"),
        ("SELECT * FROM UNNEST(1) AS t (x)", "UNNEST, transform() and filter() take an array"),
        (
            "SELECT k FROM (VALUES 1) AS a (k) JOIN (VALUES 1) AS b (z) USING (k)",
            "USING (k): one of the tables has no column k",
        ),
        ("SELECT x.y FROM (VALUES 1) AS t (x)", "what is before .y is neither a table nor a row with such a field"),
        ("SELECT nothing", 'there is no column "nothing"'),
    ],
)
def test_a_complaint_about_a_select_is_in_athenas_words(lake: Lake, sql: str, complaint: str) -> None:
    assert complaint in complaint_about(lake, sql)


def test_a_similar_name_is_suggested(lake: Lake) -> None:
    assert complaint_about(lake, "SELECT runid FROM runs").endswith(
        'there is no column "runid"; did you mean "run_id"?'
    )
    assert complaint_about(lake, "SELECT run.run_id FROM runs").endswith('no table "run"; did you mean "runs"?')


def test_a_word_that_is_written_twice_is_not_pointed_at(lake: Lake) -> None:
    sql = "SELECT run_id LIKE 'a' FROM runs WHERE run_id IN (SELECT run_id FROM runs WHERE 1 LIKE 2)"
    once = sql.replace(" LIKE 'a'", "")

    assert complaint_about(lake, once).startswith("line 1, column 74: an operator or function does not take")
    assert complaint_about(lake, sql).startswith("an operator or function does not take integer, integer")


def test_a_column_of_a_subquery_is_named_in_the_complaint(lake: Lake) -> None:
    sql = "SELECT 1 FROM runs WHERE current_date IN (SELECT is_published FROM runs)"

    assert complaint_about(lake, sql).endswith(
        "runs.is_published is a boolean, and not a time: write CAST(runs.is_published AS date) or "
        "CAST(runs.is_published AS timestamp)"
    )


def complaint_about(lake: Lake, sql: str) -> str:
    """Return the first line of the refusal of a SELECT; the others show its position."""
    with pytest.raises(QueryError) as refused:
        lake.query(sql)
    first, *shown = str(refused.value).split("\n")
    assert len(shown) in {0, 2}
    assert not OF_DUCKDB.search(first)
    return first
