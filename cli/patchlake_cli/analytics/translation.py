"""Athena's SQL as DuckDB's, with one moment for all that asks for the time.

sqlglot translates; what it leaves different is mended here: in Athena ``date_diff`` counts whole units (in DuckDB the
boundaries that are crossed), ``count_if`` of nothing but NULL is 0 (NULL), ``max_by`` and ``min_by`` take NULL for a
value (they skip it), and integers divide to an integer (to a fraction).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from patchlake_cli.analytics.errors import QueryError

type Schema = Mapping[str, Mapping[str, str]]
"""The type of each column, by Athena's names, by relation."""


@cache
def translate(sql: str, now: datetime) -> str:
    """Translate a SELECT of ``analytics/`` to DuckDB, run at ``now``.

    Raises:
        sqlglot.errors.SqlglotError: it is no statement of Athena.
    """
    return _duckdb(sqlglot.parse_one(sql, read="athena"), now)


def parse_question(sql: str) -> exp.Query:
    """Parse what somebody asks.

    Raises:
        QueryError: not one SELECT, with the place.
    """
    try:
        statements = [statement for statement in sqlglot.parse(sql, read="athena") if statement is not None]
    except ParseError as error:
        first = error.errors[0]
        before, found = first["start_context"] or "", first["highlight"] or ""
        at = sql.find(f"{before}{found}{first['end_context'] or ''}")
        position = None if at < 0 else at + len(before)
        raise QueryError(_pointed(sql, position, "this is not SQL that Athena understands")) from error
    except SqlglotError as error:
        raise QueryError("a quote or a comment is not closed") from error
    match statements:
        case [exp.Query() as question]:
            return question
        case _:
            raise QueryError("expected one SELECT")


def translate_question(question: exp.Query, now: datetime, schema: Schema) -> str:
    """Translate what somebody asks to DuckDB, run at ``now``.

    Raises:
        QueryError: its names cannot be told apart.
    """
    try:
        # Only with the types known can a division of integers be told from one of fractions.
        qualified = qualify(
            question, schema=dict(schema), dialect="athena", quote_identifiers=False, validate_qualify_columns=False
        )
        return _duckdb(annotate_types(qualified, schema=dict(schema), dialect="athena"), now)
    except SqlglotError as error:
        raise QueryError(str(error)) from error


def located(sql: str, complaint: str) -> str:
    """Return DuckDB's complaint about a translated question with the place in the question itself."""
    message, _, context = complaint.partition("\n\nLINE ")
    message = re.sub(r"^\w+ Error: ", "", message).replace("\n", " ")
    return _pointed(sql, _position(sql, message, context), message)


def _duckdb(tree: exp.Expr, now: datetime) -> str:
    return tree.transform(lambda node: _mended(node, now.astimezone(UTC))).sql(dialect="duckdb")


def _mended(node: exp.Expr, now: datetime) -> exp.Expr:
    mended = node
    match node:
        case exp.CurrentTimestamp():
            mended = exp.cast(exp.Literal.string(f"{now:%Y-%m-%d %H:%M:%S}"), "TIMESTAMP")
        case exp.CurrentDate():
            mended = exp.cast(exp.Literal.string(f"{now:%Y-%m-%d}"), "DATE")
        case exp.DateDiff():
            unit = exp.Literal.string(node.text("unit").lower())
            mended = exp.Anonymous(this="date_sub", expressions=[unit, node.expression, node.this])
        case exp.CountIf():
            mended = exp.Count(this=exp.Case().when(node.this, exp.Literal.number(1)))
        case exp.ArgMax():
            mended = exp.Anonymous(this="arg_max_null", expressions=[node.this, node.expression])
        case exp.ArgMin():
            mended = exp.Anonymous(this="arg_min_null", expressions=[node.this, node.expression])
        case _:
            pass
    return mended


def _position(sql: str, message: str, context: str) -> int | None:
    """Find the word that DuckDB complains about: what its caret points at, or what its message quotes first."""
    lines = context.split("\n")
    pointed = re.match(r"\w+", lines[0][lines[1].index("^") - len("LINE ") :]) if "^" in "".join(lines[1:2]) else None
    quoted = re.search(r'"(\w+)"|name (\w+)', message)
    for word in (quoted and (quoted[1] or quoted[2]), pointed and pointed[0]):
        found = re.search(rf"\b{re.escape(word)}\b", sql, re.IGNORECASE) if word else None
        if found:
            return found.start()
    return None


def _pointed(sql: str, position: int | None, message: str) -> str:
    """Write a message with the line it is about and a caret under the place."""
    if position is None:
        return message
    line = sql.count("\n", 0, position) + 1
    start = sql.rfind("\n", 0, position) + 1
    text = sql[start:].partition("\n")[0]
    column = position - start
    return f"line {line}, column {column + 1}: {message}\n  {text}\n  {' ' * column}^"
