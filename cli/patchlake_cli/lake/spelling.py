"""The refusal of SQL that Athena does not have, and that sqlglot reads as something else: only its text shows it."""

import re
from collections.abc import Sequence
from itertools import pairwise

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.parser import Parser

from patchlake_cli.lake.errors import QueryError

_NUMBER = re.compile(r"\.?\s*[0-9][\w.]*")
"""A number, and what is written directly after it, or between its point and its digits."""
_DECIMAL = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TYPES = Parser.TYPE_TOKENS - {TokenType.INTERVAL, TokenType.NULL, TokenType.RANGE}
"""The names of types that a number in Athena never follows."""
_WHOLE = re.compile(r"-?[0-9]+")
_SECONDS = re.compile(r"-?[0-9]+\.[0-9]{1,3}")
"""Athena's intervals have milliseconds."""


def require_spelling(question: exp.Query, sql: str) -> None:
    """Refuse what the parsed SELECT does not show.

    Args:
        question: the parsed SELECT.
        sql: its text.

    Raises:
        QueryError: the text has it.
    """
    tokens = sqlglot.tokenize(sql, read="athena")
    _require_decimal_numbers(tokens, sql)
    _refuse_numbers_of_types(tokens, sql)
    _refuse_tests_of_null(tokens)
    _refuse_other_limits(tokens)
    _require_conditions_of_joins(question, tokens)
    # Athena accepts interval as the name of a column.
    if question.find(exp.Interval):
        _require_numbers_of_intervals(tokens)


def _require_decimal_numbers(tokens: Sequence[Token], sql: str) -> None:
    """Refuse ``0x1f``, which would be bytes, and ``0b101`` and ``1_000``, of which the letters would be an alias."""
    for token in tokens:
        written = _NUMBER.match(sql, token.start)
        decimal = _DECIMAL.match(sql, token.start)
        if written and (decimal is None or decimal.end() < written.end()):
            raise QueryError(f"{written[0]} is not supported: write numbers in decimal digits, with a space after them")


def _refuse_numbers_of_types(tokens: Sequence[Token], sql: str) -> None:
    """Refuse ``boolean 2``: in Athena, only a text may follow the name of a type."""
    for name, token in pairwise(tokens):
        if name.token_type in _TYPES and _NUMBER.match(sql, token.start):
            raise QueryError(f"a number after {name.text} is not valid SQL in Athena: use CAST")


def _refuse_tests_of_null(tokens: Sequence[Token]) -> None:
    """Refuse ``x ISNULL``, which is ``x AS isnull`` in Athena."""
    for token in tokens:
        if token.token_type in {TokenType.ISNULL, TokenType.NOTNULL}:
            raise QueryError(
                f"{token.text} is not supported: write IS NULL or IS NOT NULL, or put a name in double quotes"
            )


def _refuse_other_limits(tokens: Sequence[Token]) -> None:
    """Refuse ``LIMIT 1, 2`` and ``LIMIT 2 OFFSET 1``, of which the parsed question has ``OFFSET 1 LIMIT 2``."""
    kinds = [token.token_type for token in tokens]
    numbers = {TokenType.NUMBER, TokenType.PLACEHOLDER}
    for first, second, third in zip(kinds, kinds[1:], kinds[2:], strict=False):
        if first is TokenType.LIMIT and second in numbers and third is TokenType.COMMA:
            raise QueryError("LIMIT with two numbers is not valid SQL in Athena: use OFFSET 1 LIMIT 2")
        if first is TokenType.LIMIT and second in numbers and third is TokenType.OFFSET:
            raise QueryError("OFFSET after LIMIT is not valid SQL in Athena: write OFFSET 1 LIMIT 2")


def _require_conditions_of_joins(question: exp.Query, tokens: Sequence[Token]) -> None:
    """Require a condition of each JOIN: in the parsed question, one without is the comma of a list of tables."""
    joins = list(question.find_all(exp.Join))
    for word, following in pairwise(tokens) if joins else ():
        if word.token_type is TokenType.USING and following.token_type is not TokenType.L_PAREN:
            raise QueryError("USING needs parentheses around its columns")
    conditional = [join for join in joins if join.args.get("on") or join.args.get("using")]
    if any(join.kind == "CROSS" for join in conditional):
        raise QueryError("a CROSS JOIN has no ON or USING: put those of another JOIN before it")
    # A NATURAL JOIN has its own complaint.
    unconditional = [join for join in joins if join.kind == "CROSS" or join.method]
    if sum(token.token_type is TokenType.JOIN for token in tokens) > len(conditional) + len(unconditional):
        raise QueryError("a JOIN needs ON or USING: use CROSS JOIN for every pair of rows")


def _require_numbers_of_intervals(tokens: Sequence[Token]) -> None:
    """Require a whole number, of which DuckDB drops the fraction, and a unit, which may be a name for sqlglot."""
    for interval, number, unit in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if interval.token_type is TokenType.INTERVAL and not _is_number(number, unit):
            raise QueryError("an interval must have a whole number in quotes and a unit, such as INTERVAL '7' DAY")


def _is_number(number: Token, unit: Token) -> bool:
    if number.token_type is not TokenType.STRING:
        return False
    is_of_seconds = unit.text.upper() == "SECOND" and _SECONDS.fullmatch(number.text) is not None
    return is_of_seconds or _WHOLE.fullmatch(number.text) is not None
