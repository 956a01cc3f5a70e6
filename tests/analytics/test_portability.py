"""The SQL is Athena's, by Trino's own grammar, and uses nothing that DuckDB would answer differently.

The SQL uses only functions on these lists: look up a new function in both engines first.
"""

from collections.abc import Callable

import pytest
import sqlglot
from sqlglot import exp
from trino_query_parser import TrinoSyntaxError, parse_statement

from generators.lakes import sample_arguments
from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.policy import OBJECT_PATH, POLICY_TABLES
from patchlake_cli.lake.statements import HISTORY, RECENT, Settings, Statement, queries, relations_of, views

FUNCTIONS = {
    exp.And,
    exp.ArgMax,  # translation lets it find a NULL, as Athena's does
    exp.ArrayAgg,  # in an order of its own
    exp.ArrayToString,  # both leave out NULL
    exp.Or,
    exp.Case,
    exp.If,  # a branch of CASE
    exp.Cast,  # see the casts in UNSAFE
    exp.Chr,
    exp.Coalesce,
    exp.Count,
    exp.CountIf,  # of nothing but NULL it is NULL in DuckDB: translation counts instead
    exp.CurrentDate,  # translation puts the moment of the question in
    exp.CurrentTimestamp,
    exp.DateDiff,  # of dates only, see UNSAFE
    exp.DenseRank,
    exp.Floor,
    exp.GenerateSeries,  # from a number to one that is not less: otherwise Athena counts down
    exp.LastValue,
    exp.Lead,
    exp.Max,
    exp.Min,
    exp.Nullif,
    exp.RegexpExtractAll,  # of a pattern that is the same in all engines; of NULL it is NULL, which unnests to no row
    exp.RegexpLike,  # patterns that both engines read in the same way, see UNSAFE
    exp.RegexpReplace,  # translation replaces every match, as Athena does
    exp.RowNumber,
    exp.Substring,  # from 1, see UNSAFE
    exp.Split,  # of NULL it is NULL, which unnests to no row
    exp.Sum,
    exp.TimeToUnix,
    exp.TryCast,  # of digits, and of what looks like a date
    exp.Trim,  # of spaces; Athena's takes other white space too
    exp.Unnest,
    exp.Upper,
}
BASES = {
    "covered_runs",
    "known_instances",
    "exception_rows",
    "known_targets",
    "latest_tags",
    "node_patches",
    "node_states",
    "patch_clocks",
    "patch_cves",
    "patch_lines",
    "patch_runs",
    "runs",
    "sla_rows",
    "stopped_instances",
}
"""The views that read tables; all others read views."""

STATEMENTS = [pytest.param(statement, id=statement.name) for statement in (*views(), *queries())]


def parsed(statement: Statement) -> exp.Expr:
    """Return a statement as sqlglot reads it."""
    return sqlglot.parse_one(statement.render(Settings()), read="athena")


def unsafe(tree: exp.Expr) -> list[str]:
    """Name each expression that DuckDB may answer differently."""
    return [
        f"{why}: {node.sql(dialect='athena')}"
        for node in tree.walk()
        for why, is_unsafe in UNSAFE.items()
        if is_unsafe(node)
    ]


def is_double(node: exp.Expr) -> bool:
    """Whether a number is known to be a fraction by how it is made."""
    match node:
        case exp.Cast():
            return node.to.this is exp.DType.DOUBLE
        case exp.Floor() | exp.Paren():
            return is_double(node.this)
        case exp.Mul() | exp.Div():
            return is_double(node.left) or is_double(node.right)
        case exp.Sub():
            return isinstance(node.left, exp.TimeToUnix)
        case _:
            return False


def is_cast_to_date(node: exp.Expr | None) -> bool:
    """Whether it is a cast to date."""
    return isinstance(node, exp.Cast) and node.to.this is exp.DType.DATE


def is_date(node: exp.Expr) -> bool:
    """Whether it is a date by how it is made."""
    return is_cast_to_date(node) or isinstance(node, exp.CurrentDate)


def is_text_alike(node: exp.Expr) -> bool:
    """Whether both engines write it the same way: a date, a parameter, NULL, or a count, which is a whole number."""
    counts = {"targets_read", "targets_total", "targets_not_planned", "rows_without_id"}
    return is_date(node) or isinstance(node, exp.Placeholder | exp.Null) or node.sql() in counts


def shifts_date(node: exp.Expr) -> bool:
    """Whether it adds an interval to a date: a date in Athena, a timestamp in DuckDB."""
    return isinstance(node, exp.Binary) and is_date(node.left) and isinstance(node.right, exp.Interval)


UNSAFE: dict[str, Callable[[exp.Expr], bool]] = {
    "a function that is on no list": lambda node: isinstance(node, exp.Func) and type(node) not in FUNCTIONS,
    "a division that may be of integers": lambda node: (
        isinstance(node, exp.Div) and not is_double(node.left) and not is_double(node.right)
    ),
    "a remainder": lambda node: isinstance(node, exp.Mod | exp.IntDiv),
    "days between timestamps": lambda node: (
        isinstance(node, exp.DateDiff) and not (is_date(node.this) and is_date(node.expression))
    ),
    "a cast to text": lambda node: (
        isinstance(node, exp.Cast)
        and node.to.this in {exp.DType.VARCHAR, exp.DType.TEXT}
        and not is_text_alike(node.this)
    ),
    "a date and an interval without a cast back to date": lambda node: (
        shifts_date(node) and not is_cast_to_date(node.parent)
    ),
    "a text that does not begin with 1": lambda node: isinstance(node, exp.Substring) and node.text("start") != "1",
    "a pattern with a class by name or a flag": lambda node: (
        isinstance(node, exp.RegexpLike | exp.RegexpReplace) and any(mark in node.sql() for mark in ("\\", "[:", "(?"))
    ),
    "all columns": lambda node: isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count),
    "a quoted name": lambda node: (
        isinstance(node, exp.Identifier) and bool(node.args.get("quoted")) and node.name != OBJECT_PATH
    ),
    "a limit": lambda node: isinstance(node, exp.Limit | exp.Offset),
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_statement_parses_by_trinos_own_grammar(statement: Statement) -> None:
    parse_statement(statement.render(Settings()))


def test_the_grammar_refuses_what_is_no_sql() -> None:
    with pytest.raises(TrinoSyntaxError, match="1:"):
        parse_statement("SELECT run_id FROM runs WHERE GROUP BY run_id")


@pytest.mark.parametrize("statement", STATEMENTS)
def test_no_statement_uses_what_duckdb_may_answer_differently(statement: Statement) -> None:
    assert unsafe(parsed(statement)) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT nodes / 2 FROM t",
        "SELECT nodes % 2 FROM t",
        "SELECT date_diff('day', run_at, current_date) FROM t",
        "SELECT substr(run_id, 0) FROM t",
        "SELECT regexp_replace(run_id, '\\d', '') FROM t",
        "SELECT min_by(run_id, run_at) FROM t",
        "SELECT concat(run_id, NULL) FROM t",
        "SELECT round(CAST(nodes AS double), 1) FROM t",
        "SELECT format_datetime(run_at, 'yyyy') FROM t",
        "SELECT to_iso8601(run_at) FROM t",
        "SELECT at_timezone(run_at, 'UTC') FROM t",
        "SELECT approx_distinct(run_id) FROM t",
        "SELECT CAST(run_at AS varchar) FROM t",
        "SELECT CAST(CAST(nodes AS double) AS varchar) FROM t",
        "SELECT current_date - INTERVAL '1' DAY FROM t",
        'SELECT "run_id" FROM t',
        "SELECT * FROM t",
        "SELECT run_id FROM t LIMIT 5",
    ],
)
def test_what_duckdb_may_answer_differently_is_found(sql: str) -> None:
    assert len(unsafe(sqlglot.parse_one(sql, read="athena"))) == 1


@pytest.mark.parametrize("view", [pytest.param(view, id=view.name) for view in views()])
def test_a_view_has_no_order_and_no_parameters_of_its_own(view: Statement) -> None:
    tree = parsed(view)

    assert tree.args.get("order") is None
    assert list(tree.find_all(exp.Placeholder)) == []


@pytest.mark.parametrize("query", [pytest.param(query, id=query.name) for query in queries()])
def test_no_two_rows_of_a_named_query_have_the_same_place_in_its_order(lake: Lake, query: Statement) -> None:
    answer = lake.named(query.name, sample_arguments(lake).get(query.name, ()))
    order = [column.this.name for column in parsed(query).args["order"].expressions]
    places = [answer.columns.index(name) for name in order]
    keys = [tuple(row[place] for place in places) for row in answer.rows]

    assert keys
    assert len(set(keys)) == len(keys)
    # The story may have too few rows to show it: a node comes last, or else a target.
    names = [name for name in ("instance_id", "region") if name in answer.columns]
    assert order[-1] in (names[:1] or order)


@pytest.mark.parametrize("query", [pytest.param(query, id=query.name) for query in queries()])
def test_the_header_names_every_parameter_of_a_query(query: Statement) -> None:
    assert len(list(parsed(query).find_all(exp.Placeholder))) == len(query.parameters)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_view_reads_the_window_only_and_every_query_the_views_only(statement: Statement) -> None:
    names = {view.name for view in views()}
    is_of_history = statement.name in {"patch_clocks", "patch_cves", "patch_lines"}
    twin = HISTORY if is_of_history or statement.name.startswith(HISTORY) else RECENT
    tables = {twin + table.name for table in SOURCES.tables} if statement.number is None else set()
    tables |= {table.name for table in POLICY_TABLES} if statement.name in {"exception_rows", "sla_rows"} else set()

    assert set(statement.relations) <= names | tables
    if statement.name.removeprefix(HISTORY) not in BASES:
        assert set(statement.relations) <= names


@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_a_statement_reads_stands_in_its_text_where_the_parser_finds_it(statement: Statement) -> None:
    assert list(statement.relations) == relations_of(statement.tree)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_every_file_says_what_it_answers_and_what_to_beware_of(statement: Statement) -> None:
    assert statement.question.endswith("?")
    assert statement.rows.endswith(".")
    assert statement.caveats
    assert all(text.endswith((".", '".')) for text in (*statement.columns.values(), *statement.caveats))
