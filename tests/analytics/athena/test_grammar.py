"""Athena's grammar and names: what sqlglot reads besides them is refused, and not answered as something else."""

import re
from contextlib import suppress

import pytest
from sqlglot.dialects.athena import Athena

from patchlake_cli.lake.athena.functions import LEAST_AND_MOST, NAMES
from patchlake_cli.lake.athena.translation import parse_question
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

PARSER = Athena.Parser
SPECIAL = frozenset(PARSER.FUNCTION_PARSERS) | frozenset(PARSER.NO_PAREN_FUNCTION_PARSERS)
"""The names of functions whose arguments sqlglot reads in a way of their own."""


@pytest.mark.parametrize(
    ("aliases", "called"),
    [
        (SPECIAL | frozenset(PARSER.FUNCTIONS), "{}(1)"),
        (SPECIAL | frozenset(PARSER.FUNCTIONS), "{}(1, 2)"),
        (SPECIAL | frozenset(PARSER.FUNCTIONS), "{}('a', 'b', 'c')"),
        (SPECIAL, "{}()"),
        (SPECIAL, "{}(1 AS integer)"),
        (SPECIAL, '"{}"(1 AS integer)'),
        (SPECIAL, '"{}"(1)'),
        (SPECIAL, "{}('a' IN 'b')"),
        (SPECIAL, "{}('a' FROM 'b')"),
        (SPECIAL, "{}('a', 'b' ORDER BY 1)"),
    ],
)
def test_a_function_is_answered_only_under_a_name_of_the_documented_list(aliases: frozenset[str], called: str) -> None:
    answered = set()
    for alias in aliases:
        with suppress(QueryError):
            parse_question(f"SELECT {called.format(alias)} FROM (VALUES 1) AS t (x)")  # noqa: S608
            answered.add(alias.lower())

    assert answered <= NAMES | {"cast"}


@pytest.mark.parametrize("name", ["string_agg", "arg_max", "arg_min", "argmin", "char", "group_concat", "charindex"])
def test_another_name_of_a_function_is_refused_at_its_place(lake: Lake, name: str) -> None:
    with pytest.raises(QueryError, match=rf"^line 2, column 3: {name}\(\) is not supported"):
        lake.query(f"SELECT\n  {name}(run_id, run_id)\nFROM runs")


def test_the_name_of_a_function_may_be_that_of_a_table_or_column(lake: Lake) -> None:
    sql = (
        "WITH char (arg_max) AS (SELECT 1) SELECT char.arg_max FROM char JOIN (VALUES 1) AS string_agg (argmin) ON true"
    )

    assert lake.query(sql).rows == [(1,)]


@pytest.mark.parametrize(
    "expression",
    [
        *("'1'::integer", "safe_cast('1' AS integer)", "like('a', 'b')", "5 & 2", "5 | 2", "~5", "5 ^ 2", "5 == 5"),
        *("5 <=> 5", "!true", "[1, 2]", "current_date()", "1 BETWEEN SYMMETRIC 2 AND 0", "true IS UNKNOWN", "1 AS 'x'"),
        *(
            "1,",
            ", 1",
            "coalesce(1, 2,)",
            "substring('abc' FROM 2 FOR 1",
            "CASE WHEN true 1 END",
            "CAST(1 AS bigint",
            "1 TRUE",
        ),
        *("extract('year' FROM DATE '2026-11-01')", "max(1,)", '"cast"(1 AS bigint)', "1 AS table", "array(SELECT 1)"),
    ],
)
def test_what_is_not_in_the_grammar_is_refused_with_the_place(lake: Lake, expression: str) -> None:
    with pytest.raises(QueryError, match=r"^line 1, column \d+: (?:this is not valid SQL in Athena|array\(\))"):
        lake.query(f"SELECT {expression} FROM (VALUES 1) AS t (x)")  # noqa: S608


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        (
            "SELECT 1 LIMIT 2 OFFSET 1",
            "line 1, column 18: OFFSET after LIMIT is not valid SQL in Athena: write OFFSET 1 LIMIT 2",
        ),
        ("SELECT 1 ISNULL", "ISNULL is not supported: write IS NULL or IS NOT NULL"),
        ("SELECT 1 FROM runs WHERE run_id notnull", "notnull is not supported: write IS NULL or IS NOT NULL"),
        (
            "SELECT true IS NOT TRUE",
            "line 1, column 20: IS TRUE is not valid SQL in Athena: use IS NOT DISTINCT FROM true",
        ),
    ],
)
def test_what_other_databases_have_is_refused_in_words(lake: Lake, sql: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=f"^{re.escape(complaint)}"):
        lake.query(sql)


@pytest.mark.parametrize("name", ["string", "text", "int8", "float", "number", "hugeint", "blob", "numeric"])
@pytest.mark.parametrize("cast", ["CAST(1 AS {})", "TRY_CAST(NULL AS array({}))", "CAST(map() AS map(varchar, {}))"])
def test_a_type_that_athena_does_not_have_is_refused(lake: Lake, name: str, cast: str) -> None:
    with pytest.raises(QueryError, match=rf"^line 1, column \d+: {name} is not a supported type: use array, bigint, "):
        lake.query(f"SELECT {cast.format(name)}")


def test_a_text_after_the_name_of_another_type_is_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match=r"^line 1, column 8: float is not a supported type"):
        lake.query("SELECT float '2.5'")


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ("coalesce(1)", "coalesce() is not supported with fewer than 2 arguments"),
        ("concat('a')", "concat() is not supported with fewer than 2 arguments"),
        ("format('a')", "format() is not supported with fewer than 2 arguments"),
        ("map_concat(map())", "map_concat() is not supported with fewer than 2 arguments"),
        ("split_part('a', 'b')", "split_part() is not supported with fewer than 3 arguments"),
        ("log(8)", "log() is not supported with fewer than 2 arguments"),
        ("sum(*)", "sum() is not supported with fewer than 1 argument"),
        ("max(*)", "max() is not supported with fewer than 1 argument"),
        ("row_number(1) OVER ()", "row_number() is not supported with more than 0 arguments"),
        ("array_sort(ARRAY[1, 2], (a, b) -> b - a)", "array_sort() is not supported with more than 1 argument"),
    ],
)
def test_a_function_has_as_many_arguments_as_in_athena(lake: Lake, call: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=f"^line 1, column 8: {re.escape(complaint)}\n"):
        lake.query(f"SELECT {call} AS found FROM runs")  # noqa: S608


def test_the_number_of_arguments_of_each_function_is_known() -> None:
    of_their_own_syntax = {
        *("current_date", "current_time", "current_timestamp", "extract", "grouping", "listagg", "localtime"),
        *("localtimestamp", "position", "try_cast", "unnest"),
    }

    assert LEAST_AND_MOST.keys() == NAMES - of_their_own_syntax | {"if"}


@pytest.mark.parametrize("call", ["position('a', 'b')", '"current_date"()', '"unnest"(ARRAY[1])', "try_cast('1')"])
def test_a_function_with_a_syntax_of_its_own_is_called_by_no_other(lake: Lake, call: str) -> None:
    with pytest.raises(QueryError, match=r"^line 1, column 8: \w+\(\) is not supported"):
        lake.query(f"SELECT {call}")


@pytest.mark.parametrize("sets", ["ROLLUP (x + 1)", "CUBE (x, upper('a'))", "GROUPING SETS ((x, 1), ())", "ROLLUP (1)"])
def test_sets_of_grouping_have_only_names_of_columns(lake: Lake, sets: str) -> None:
    with pytest.raises(QueryError, match=r"Athena takes only the names of columns in it$"):
        lake.query(f"SELECT count(*) AS n FROM (VALUES 1) AS t (x) GROUP BY {sets}")  # noqa: S608


@pytest.mark.parametrize(
    ("sets", "rows"),
    [
        ("ROLLUP (x, y)", 3),
        ("CUBE (x, (y))", 4),
        ("GROUPING SETS ((x, y), x, (t.y), ())", 4),
        ("x, ROLLUP (y)", 2),
    ],
)
def test_sets_of_columns_are_answered(lake: Lake, sets: str, rows: int) -> None:
    sql = f"SELECT count(*) AS n FROM (VALUES (1, 2)) AS t (x, y) GROUP BY {sets}"  # noqa: S608

    assert lake.query(sql).rows == [(1,)] * rows
