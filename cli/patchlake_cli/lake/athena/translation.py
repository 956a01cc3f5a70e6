"""Athena's SQL, translated to DuckDB's, with one time for every function that returns the current time.

sqlglot translates; `differences` adapts the functions that it leaves, and the types of columns show where a division of
integers gives an integer.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from itertools import takewhile

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import ErrorLevel, ParseError, SqlglotError, TokenError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.schema import MappingSchema

from patchlake.adapters.one_line import one_line
from patchlake_cli.lake.athena.aliases import refuse_aliases
from patchlake_cli.lake.athena.casts import require_casts
from patchlake_cli.lake.athena.complaints import DIVISION_BY_ZERO, TOO_DEEP, in_athenas_words, not_translated
from patchlake_cli.lake.athena.copied_values import require_few_levels
from patchlake_cli.lake.athena.decimal_literals import write_decimals
from patchlake_cli.lake.athena.differences import adapt
from patchlake_cli.lake.athena.functions import find_other, find_other_name
from patchlake_cli.lake.athena.grammar import GrammarError
from patchlake_cli.lake.athena.having import read_as_having, read_as_where
from patchlake_cli.lake.athena.indexes import keep_indexes, refuse_other_indexes, require_indexes
from patchlake_cli.lake.athena.intervals import require_moved
from patchlake_cli.lake.athena.join_sides import turn_joins
from patchlake_cli.lake.athena.least_numbers import refuse_lower_numbers
from patchlake_cli.lake.athena.maps import count_with_signs, sort_entries
from patchlake_cli.lake.athena.named_columns import keep_names, require_names
from patchlake_cli.lake.athena.newest_dates import NO_DATES, NewestDates, name_dates
from patchlake_cli.lake.athena.not_a_number import compare_as_athena
from patchlake_cli.lake.athena.operand_types import require_operand_types
from patchlake_cli.lake.athena.ordering import name_subqueries, require_ordered_columns, require_positions
from patchlake_cli.lake.athena.other_dialects import refuse_other_dialects
from patchlake_cli.lake.athena.places import mark_places, number_places, write_numbers
from patchlake_cli.lake.athena.spelling import explained, require_spelling
from patchlake_cli.lake.athena.text_formats import require_time_formats
from patchlake_cli.lake.athena.time_texts import cast_compared_texts
from patchlake_cli.lake.athena.time_units import require_units
from patchlake_cli.lake.athena.types import annotate
from patchlake_cli.lake.athena.unnest import require_unnest, write_unnest
from patchlake_cli.lake.athena.using import (
    compare_joined_columns,
    require_joined_columns,
    require_one_joined_column,
    require_tables_of_conditions,
    write_joined_columns,
)
from patchlake_cli.lake.athena.whole_arguments import require_whole_arguments
from patchlake_cli.lake.athena.whole_numbers import compare_exactly
from patchlake_cli.lake.errors import QueryError
from patchlake_cli.lake.parameters import is_utf_8
from patchlake_cli.lake.statements import parsed
from patchlake_cli.similar_names import suggested

# Without backtracking: many comments would take forever.
_SELECT = re.compile(r"(?:\s|\(|--[^\n]*\n|(?>/\*.*?\*/))*+(?:SELECT|WITH|VALUES|TABLE)\b", re.IGNORECASE | re.DOTALL)

_OF_PYTHON = (AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What sqlglot, and the rules for its trees, raise for a rare form of SQL."""

type Schema = Mapping[str, Mapping[str, str]]
"""The type of each column, by Athena's names, by relation."""


@cache
def translate(sql: str, now: datetime, dates: NewestDates = NO_DATES) -> str:
    """Translate a SELECT of patchlake's own to DuckDB, run at ``now``.

    Args:
        sql: the SELECT.
        now: the time that the time functions return.
        dates: those of the newest run.

    Raises:
        sqlglot.errors.SqlglotError: it is not a statement of Athena.
    """
    return _duckdb(parsed(sql).copy(), now, dates)


def parse_question(sql: str) -> exp.Query:
    """Parse a query of the user.

    Raises:
        QueryError: it is not one SELECT; the text shows the position.
    """
    if not _SELECT.match(sql):
        raise QueryError("expected one SELECT")
    if not is_utf_8(sql):
        raise QueryError("expected one SELECT in UTF-8")
    sql, tokens = _statement(sql)
    require_spelling(tokens, sql)
    _require_grammar(sql)
    with _in_one_line():
        marked, marks = mark_places(sql, tokens)
        question = sqlglot.parse_one(write_decimals(marked, tokens), read="athena")
        if not isinstance(question, exp.Query):
            raise QueryError("expected one SELECT")
        number_places(question, marks)
        refuse_other_dialects(question)
        if other := find_other(question, sql):
            raise QueryError(other)
        require_time_formats(question, sql)
        keep_indexes(question)
        require_positions(question)
        require_joined_columns(question)
    return question


def _statement(sql: str) -> tuple[str, list[Token]]:
    """Return the one statement of a text, without its semicolons, and its tokens."""
    try:
        tokens = sqlglot.tokenize(sql, read="athena")
    except TokenError as error:
        raise QueryError("a quote or a comment is not closed") from error
    own = list(takewhile(lambda token: token.token_type is not TokenType.SEMICOLON, tokens))
    following = tokens[len(own) :]
    if any(token.token_type is not TokenType.SEMICOLON for token in following):
        raise QueryError("expected one SELECT")
    return sql[: following[0].start] if following else sql, own


def _require_grammar(sql: str) -> None:
    """Require what Athena reads, with its names of functions and types."""
    try:
        other = find_other_name(sql)
    except GrammarError as error:
        raise QueryError(_pointed(sql, error.position, explained(sql, error))) from error
    except RecursionError as error:
        raise QueryError(TOO_DEEP) from error
    if other:
        raise QueryError(_pointed(sql, *other))


def translate_question(question: exp.Query, now: datetime, schema: Schema, dates: NewestDates = NO_DATES) -> str:
    """Translate a query of the user to DuckDB, run at ``now``.

    Args:
        question: the parsed query.
        now: the time that the time functions return.
        schema: the schema of every relation that it names.
        dates: those of the newest run.

    Raises:
        QueryError: it names a column that does not exist.
    """
    known = MappingSchema(dict(schema), dialect="athena")
    _refuse_hidden_columns(question, schema)
    with _in_one_line():
        keep_names(question)
        read_as_where(question)
        name_subqueries(question)
        # The types show whether a division is one of integers.
        qualified = qualify(
            question,
            schema=known,
            dialect="athena",
            expand_alias_refs=False,
            quote_identifiers=False,
            validate_qualify_columns=False,
        )
        read_as_having(qualified)
        require_names(qualified)
        require_one_joined_column(qualified, known)
        require_tables_of_conditions(qualified)
        compare_joined_columns(qualified)
        refuse_aliases(qualified)
        require_ordered_columns(qualified)
        write_joined_columns(qualified)
        typed = annotate(qualified, known)
        _check_columns(typed, schema)
        compare_exactly(typed)
        require_operand_types(typed)
        require_casts(typed)
        require_moved(typed)
        require_indexes(typed)
        require_whole_arguments(typed)
        require_units(typed)
        cast_compared_texts(typed)
        require_unnest(typed)
        require_few_levels(typed)
        refuse_lower_numbers(typed)
        refuse_other_indexes(typed)
        write_unnest(typed)
        compare_as_athena(typed)
        sort_entries(typed)
        count_with_signs(typed)
        write_numbers(typed)
        return _duckdb(typed, now, dates)


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Turn an error about a SELECT into one line."""
    try:
        yield
    except ParseError as error:
        raise QueryError(not_translated()) from error
    except SqlglotError as error:
        raise QueryError(one_line(str(error))) from error
    except RecursionError as error:
        raise QueryError(TOO_DEEP) from error
    except _OF_PYTHON as error:
        raise QueryError(not_translated(f"{type(error).__name__}: {one_line(str(error))}")) from error


def unknown_relation(name: str, known: Iterable[str]) -> QueryError:
    """Return the error about a table that does not exist."""
    return QueryError(
        f'there is no table or view "{name}"{suggested(name, sorted(known))} '
        "`patchlake query --list-tables` lists them all."
    )


def _check_columns(tree: exp.Expr, schema: Schema) -> None:
    """Refuse a column that no table or view of its SELECT has; DuckDB checks names that may be something else."""
    for scope in traverse_scope(tree):
        sources = {alias: source.name for alias, source in scope.sources.items() if isinstance(source, exp.Table)}
        if len(sources) < len(scope.sources):
            continue
        for column in scope.columns:
            names = {
                name
                for alias, relation in sources.items()
                if column.table in {"", alias}
                for name in schema.get(relation, ())
            }
            elsewhere = column.find_ancestor(exp.Lambda, exp.Order, exp.Group, exp.Having)
            if names and column.name not in names and not elsewhere:
                raise QueryError(f'there is no column "{column.name}"{suggested(column.name, names)}')


def _refuse_hidden_columns(question: exp.Query, schema: Schema) -> None:
    """Refuse an expression in ORDER BY over a name that is a column's and an alias': Athena takes the alias' value."""
    columns = {name for relation in schema.values() for name in relation}
    for select in question.find_all(exp.Select):
        aliases = {each.alias: each.this for each in select.expressions if isinstance(each, exp.Alias)}
        hidden = {name for name, value in aliases.items() if not (isinstance(value, exp.Column) and value.name == name)}
        order = select.args.get("order")
        for ordered in order.expressions if order else []:
            named = [] if isinstance(ordered.this, exp.Column) else ordered.this.find_all(exp.Column)
            for column in named:
                if not column.table and column.name in hidden & columns:
                    raise QueryError(
                        f"ORDER BY: {column.name} is both a column and an alias: rename the alias, or name its table"
                    )


def located(sql: str, complaint: str) -> str:
    """Return an error message about a query, with the position in the query if the message gives it."""
    message = in_athenas_words(complaint)
    if message in {TOO_DEEP, DIVISION_BY_ZERO}:
        return message
    said, _, context = complaint.partition("\n\nLINE ")
    return _pointed(sql, _position(sql, said.partition("\n\tCandidate")[0], context), message)


def _duckdb(tree: exp.Expr, now: datetime, dates: NewestDates) -> str:
    name_dates(tree, dates)
    turn_joins(tree)
    adapt(tree, now)
    return tree.sql(dialect="duckdb", copy=False, unsupported_level=ErrorLevel.RAISE)


def _position(sql: str, message: str, context: str) -> int | None:
    """Find the word that DuckDB's message is about: the first quoted one, or the one above its caret.

    The caret is in the translation: the place of a word that the user wrote several times is not known.
    """
    lines = context.split("\n")
    pointed = re.match(r"\w+", lines[0][lines[1].index("^") - len("LINE ") :]) if "^" in "".join(lines[1:2]) else None
    quoted = re.search(r'"(\w+)"|name (\w+)|column: (\w+)', message)
    for word, most in ((quoted and (quoted[1] or quoted[2] or quoted[3]), None), (pointed and pointed[0], 1)):
        found = [each.start() for each in re.finditer(rf"\b{re.escape(word)}\b", sql, re.IGNORECASE)] if word else []
        if found and len(found) <= (most or len(found)):
            return found[0]
    return None


def _pointed(sql: str, position: int | None, message: str) -> str:
    """Return a message with the line that it is about, and a caret under the position."""
    if position is None:
        return message
    line = sql.count("\n", 0, position) + 1
    start = sql.rfind("\n", 0, position) + 1
    text = sql[start:].partition("\n")[0]
    column = position - start
    return f"line {line}, column {column + 1}: {message}\n  {text}\n  {' ' * column}^"
