"""The refusal of SQL that Athena does not have, or answers in another way, and that DuckDB would answer."""

import re

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError

_PARTS = (
    (exp.Select, "into", "INTO is not valid SQL in Athena"),
    (exp.Select, "locks", "FOR UPDATE is not valid SQL in Athena"),
    (exp.Select, "cluster", "CLUSTER BY is not valid SQL in Athena"),
    (exp.Select, "distribute", "DISTRIBUTE BY is not valid SQL in Athena"),
    (exp.Select, "sort", "SORT BY is not valid SQL in Athena"),
    (exp.Distinct, "on", "DISTINCT ON is not valid SQL in Athena"),
    (exp.SetOperation, "by_name", "BY NAME is not valid SQL in Athena"),
    (exp.Group, "all", "GROUP BY ALL is not valid SQL in Athena: name the columns"),
    (exp.Star, "except_", "* EXCEPT is not valid SQL in Athena: name the columns"),
    (exp.Star, "replace", "* REPLACE is not valid SQL in Athena: name the columns"),
    (exp.Star, "rename", "* RENAME is not valid SQL in Athena: name the columns"),
    (exp.LimitOptions, "percent", "LIMIT … PERCENT is not valid SQL in Athena"),
    (exp.LimitOptions, "with_ties", "WITH TIES is not supported: use rank() instead"),
    (exp.With, "recursive", "WITH RECURSIVE is not supported, since such a query may never end"),
)
"""Parts of a SELECT with an option that is set, and what is wrong with that."""
_SETS = (exp.Cube, exp.GroupingSets, exp.Rollup)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_@:]*")
"""A name without quotes in Athena."""


def refuse_other_dialects(question: exp.Query) -> None:
    """Refuse what Athena does not have, and what only DuckDB answers so.

    Raises:
        QueryError: a SELECT has it.
    """
    for part, option, complaint in _PARTS:
        if any(found.args.get(option) for found in question.find_all(part)):
            raise QueryError(complaint)
    _refuse_tables(question)
    _refuse_stars(question)
    _refuse_unnest_of_values(question)
    _refuse_ordered_values(question)
    _refuse_names(question)
    _refuse_joins(question)
    _refuse_numbers_of_rows(question)
    _refuse_sets(question)
    if any(isinstance(named.this, exp.Alias) for named in question.find_all(exp.CTE)):
        raise QueryError("WITH: a SELECT in parentheses has no second name")
    if not all(any(value for name, value in each.args.items() if name != "this") for each in question.find_all(exp.In)):
        raise QueryError("IN () is not valid SQL in Athena")
    if any(isinstance(like.expression, (exp.Any, exp.All)) for like in question.find_all(exp.Like)):
        raise QueryError("LIKE ANY is not valid SQL in Athena: use OR, or regexp_like()")
    if any(
        isinstance(count.this, exp.Distinct) and len(count.this.expressions) > 1
        for count in question.find_all(exp.Count)
    ):
        raise QueryError("count() of several columns is not valid SQL in Athena: count the rows of a SELECT DISTINCT")
    if any(isinstance(test.expression, exp.Boolean) for test in question.find_all(exp.Is)):
        raise QueryError("IS TRUE is not valid SQL in Athena: use IS NOT DISTINCT FROM true")
    if question.find(exp.AtTimeZone):
        raise QueryError("AT TIME ZONE is not supported: all times of the lake are in UTC")
    if any(cast.to.is_type(exp.DType.CHAR) for cast in question.find_all(exp.Cast)):
        raise QueryError("CHAR is not supported: use VARCHAR instead")


def _refuse_sets(question: exp.Query) -> None:
    """Refuse expressions and positions in ROLLUP, CUBE and GROUPING SETS."""
    for sets in question.find_all(*_SETS):
        for part in sets.expressions:
            columns = part.expressions if isinstance(part, exp.Tuple) else [part]
            if not all(isinstance(column.unnest(), (*_SETS, exp.Column)) for column in columns):
                raise QueryError(f"{sets.sql(dialect='athena')}: Athena takes only the names of columns in it")


def _refuse_tables(question: exp.Query) -> None:
    """Refuse the functions and databases that only DuckDB has: they show this process and not the lake."""
    for table in question.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            called = table.this.sql(dialect="athena").partition("(")[0].lower()
            raise QueryError(
                f"{called}() is not a table or view: after FROM, name one of the lake's, or UNNEST(sequence(1, 3))"
            )
        if table.db:
            raise QueryError(f"{table.db}.{table.name} is not supported: name the table without its database")


def _refuse_stars(question: exp.Query) -> None:
    """Refuse ``x.*`` of what is no table: Athena has the fields of a row so."""
    tables = {each.alias_or_name.lower() for each in question.find_all(exp.Table, exp.Subquery, exp.Unnest, exp.Values)}
    for column in question.find_all(exp.Column):
        if column.is_star and column.table.lower() not in tables:
            raise QueryError(f"{column.sql(dialect='athena')}: no table has this name")


def _refuse_unnest_of_values(question: exp.Query) -> None:
    """Refuse an UNNEST that is no table, as DuckDB has it in a SELECT."""
    for unnest in question.find_all(exp.Unnest):
        if not isinstance(unnest.parent, (exp.From, exp.Join, exp.Subquery)):
            raise QueryError("UNNEST is only valid after FROM and JOIN in Athena")


def _refuse_ordered_values(question: exp.Query) -> None:
    """Refuse an order or limit of VALUES, which Athena has: sqlglot cannot name its columns."""
    for values in question.find_all(exp.Values):
        around: exp.Expr | None = values
        while isinstance(around, (exp.Values, exp.Subquery, exp.Table)):
            if any(around.args.get(part) for part in ("order", "limit", "offset")):
                raise QueryError(
                    "VALUES with ORDER BY or LIMIT is not supported: use SELECT * FROM (VALUES …) AS t (a)"
                )
            around = around.parent


def _refuse_joins(question: exp.Query) -> None:
    for join in question.find_all(exp.Join):
        if other := join.method or (join.kind if join.kind in {"SEMI", "ANTI"} else ""):
            raise QueryError(f"{other} JOIN is not valid SQL in Athena")


def _refuse_numbers_of_rows(question: exp.Query) -> None:
    """Refuse a number of rows that DuckDB would compute or round."""
    for part in question.find_all(exp.Limit, exp.Offset, exp.Fetch):
        match part.args.get("count") or part.expression:
            case None | exp.Placeholder() | exp.Literal(is_int=True) | exp.Var(name="ALL"):
                pass
            case rows:
                raise QueryError(f"{part.key.upper()} {rows.sql()} is not valid SQL in Athena: give a whole number")


def _refuse_names(question: exp.Query) -> None:
    """Refuse a name that Athena does not accept without quotes: a number, or one with an invisible character."""
    for named in question.find_all(exp.Column, exp.Dot):
        last = named.this if isinstance(named, exp.Column) else named.expression
        if last.is_number:
            raise QueryError(f".{last.name} is not valid SQL in Athena after a value")
    for name in question.find_all(exp.Identifier):
        if not name.args.get("quoted") and not _NAME.fullmatch(name.name):
            raise QueryError(f"{name.name!a} is not a name in Athena unless it is in double quotes")
