"""The refusal of SQL that Athena does not have, or answers in another way, and that DuckDB would answer."""

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError

_PARTS = (
    (exp.Group, "all", "GROUP BY ALL is not valid SQL in Athena: name the columns"),
    (exp.Star, "except_", "* EXCEPT is not valid SQL in Athena: name the columns"),
    (exp.LimitOptions, "with_ties", "WITH TIES is not supported: use rank() instead"),
    (exp.With, "recursive", "WITH RECURSIVE is not supported, since such a query may never end"),
)
"""Parts of a SELECT with an option that is set, and what is wrong with that."""
_SETS = (exp.Cube, exp.GroupingSets, exp.Rollup)


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
    _refuse_ordered_values(question)
    _refuse_joins(question)
    _refuse_sets(question)
    for escape in question.find_all(exp.Escape):
        _require_escaped(escape)
    if question.find(exp.AtTimeZone):
        raise QueryError("AT TIME ZONE is not supported: all times of the lake are in UTC")


def _require_escaped(escape: exp.Escape) -> None:
    """Require one character to escape with, and after it only what has a meaning of its own in a pattern."""
    character, pattern = escape.expression, escape.this.expression
    if character.is_string and len(character.name) != 1:
        raise QueryError("ESCAPE must have one character")
    if character.is_string and pattern.is_string:
        escaped = character.name
        if any(part[:1] not in {"%", "_"} for part in pattern.name.replace(escaped * 2, "").split(escaped)[1:]):
            raise QueryError(f"{escape.sql(dialect='athena')}: {escaped} must be before %, _ or another {escaped}")


def _refuse_sets(question: exp.Query) -> None:
    """Refuse expressions and positions in ROLLUP, CUBE and GROUPING SETS."""
    for sets in question.find_all(*_SETS):
        for part in sets.expressions:
            columns = part.expressions if isinstance(part, exp.Tuple) else [part]
            if not all(isinstance(column.unnest(), (*_SETS, exp.Column)) for column in columns):
                raise QueryError(f"{sets.sql(dialect='athena')}: Athena takes only the names of columns in it")


def _refuse_tables(question: exp.Query) -> None:
    """Refuse databases: those that only DuckDB has show this process and not the lake."""
    for table in question.find_all(exp.Table):
        if table.db:
            raise QueryError(f"{table.db}.{table.name} is not supported: name the table without its database")


def _refuse_stars(question: exp.Query) -> None:
    """Refuse ``x.*`` of what is no table: Athena has the fields of a row so."""
    tables = {each.alias_or_name.lower() for each in question.find_all(exp.Table, exp.Subquery, exp.Unnest, exp.Values)}
    for column in question.find_all(exp.Column):
        if column.is_star and column.table.lower() not in tables:
            raise QueryError(f"{column.sql(dialect='athena')}: no table has this name")


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
        if join.kind == "CROSS" and (join.args.get("on") or join.args.get("using")):
            raise QueryError("a CROSS JOIN has no ON or USING: put those of another JOIN before it")
        if other := join.method or (join.kind if join.kind in {"SEMI", "ANTI"} else ""):
            raise QueryError(f"{other} JOIN is not valid SQL in Athena")
