"""The refusal of SQL that Athena does not have, or that sqlglot reads as something else: only its text shows it."""

import re
from collections.abc import Sequence

from sqlglot import Token, TokenType

from patchlake_cli.lake.athena.complaints import TOO_DEEP
from patchlake_cli.lake.athena.decimal_literals import MOST_DIGITS, NUMBER
from patchlake_cli.lake.athena.grammar import GrammarError
from patchlake_cli.lake.errors import QueryError

_WRITTEN = re.compile(r"\.?\s*[0-9][\w.]*")
"""A number, and what is written directly after it, or between its point and its digits."""
_DECIMAL = re.compile(NUMBER)
_BRACKETS = {TokenType.L_PAREN: TokenType.R_PAREN, TokenType.L_BRACKET: TokenType.R_BRACKET}
_MOST_LEVELS = {TokenType.L_PAREN: 40, TokenType.L_BRACKET: 10}
_LARGEST = 2**63
"""The largest number of a bigint, with a minus before it."""
_WHOLE = re.compile(r"-?[0-9]+")
_SECONDS = re.compile(r"-?[0-9]+\.[0-9]{1,3}")
"""Athena's intervals have milliseconds."""
_UNITS = ("SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "YEAR")
_VALUES = {TokenType.NUMBER, TokenType.PLACEHOLDER, TokenType.STRING}
_SIGNS = {TokenType.DASH, TokenType.PLUS}
_ADVICE = {
    r"\bFROM\s+(\w+)\s*\($": (
        r"\1() is not a table or view: after FROM, name one of the lake's, or UNNEST(sequence(1, 3))"
    ),
    r"\bIS\s+(NOT\s+)?(TRUE|FALSE)$": "IS TRUE is not valid SQL in Athena: use IS NOT DISTINCT FROM true",
    r"\bLIMIT\s+[0-9?]+\s*,$": "LIMIT with two numbers is not valid SQL in Athena: use OFFSET 1 LIMIT 2",
    r"\bLIMIT\s+[0-9?]+\s+OFFSET$": "OFFSET after LIMIT is not valid SQL in Athena: write OFFSET 1 LIMIT 2",
}
"""What to write instead of what other databases have, by the text up to the first word that does not fit."""


def explained(sql: str, error: GrammarError) -> str:
    """Say why Athena does not read a statement.

    Args:
        sql: the statement.
        error: the place.
    """
    if error.is_join:
        return "a JOIN needs ON or USING: use CROSS JOIN for every pair of rows"
    for form, advice in _ADVICE.items():
        if found := re.search(form, sql[: error.end], re.IGNORECASE):
            return found.expand(advice)
    return "this is not valid SQL in Athena"


def require_spelling(tokens: Sequence[Token], sql: str) -> None:
    """Refuse what the grammar has, and the parsed SELECT does not show.

    Args:
        tokens: those of the statement.
        sql: its text.

    Raises:
        QueryError: the text has it.
    """
    _require_few_levels(tokens)
    for number, token in enumerate(tokens):
        _require_decimal_number(token, sql)
        if token.token_type is TokenType.NUMBER and "E" not in token.text.upper():
            is_fraction = sql[token.start - 1] == "."
            _require_few_digits(f"{'.' if is_fraction else ''}{token.text}")
        # In Athena, it is x AS isnull.
        if token.token_type in {TokenType.ISNULL, TokenType.NOTNULL}:
            raise QueryError(
                f"{token.text} is not supported: write IS NULL or IS NOT NULL, or put a name in double quotes"
            )
        if token.token_type is TokenType.INTERVAL:
            _require_number_of_interval(tokens[number + 1 :])


def _require_decimal_number(token: Token, sql: str) -> None:
    """Refuse ``0x1f``, which would be bytes, and ``0b101`` and ``1_000``, of which the letters would be an alias."""
    written, decimal = (form.match(sql, token.start) for form in (_WRITTEN, _DECIMAL))
    if written and (decimal is None or decimal.end() < written.end()):
        raise QueryError(f"{written[0]} is not supported: write numbers in decimal digits, with a space after them")


def _require_few_levels(tokens: Sequence[Token]) -> None:
    """Refuse brackets that are nested deeply: each level of an array takes sqlglot half as long again."""
    levels = dict.fromkeys(_BRACKETS, 0)
    for token in tokens:
        for bracket, closing in _BRACKETS.items():
            levels[bracket] += (token.token_type is bracket) - (token.token_type is closing)
            if levels[bracket] > _MOST_LEVELS[bracket]:
                raise QueryError(TOO_DEEP)


def _require_few_digits(number: str) -> None:
    """Refuse a number with more digits than those of Athena: DuckDB makes it a double, or a text."""
    whole, point, places = number.partition(".")
    digits = whole.lstrip("0") + places
    if len(digits) > MOST_DIGITS or (not point and int(digits or 0) > _LARGEST):
        raise QueryError(
            f"{number[:50]} has too many digits: expected a bigint, or a decimal of at most {MOST_DIGITS} digits"
        )


def _require_number_of_interval(following: Sequence[Token]) -> None:
    """Require a whole number, of which DuckDB drops the fraction, and a unit, which may be a name for sqlglot.

    Without a value, it is the name of a column.
    """
    match following:
        case [Token(token_type=sign), Token(token_type=TokenType.STRING), *_] if sign in _SIGNS:
            is_interval = False
        case [Token(token_type=TokenType.STRING) as number, unit, *_]:
            is_of_seconds = unit.text.upper() == "SECOND" and _SECONDS.fullmatch(number.text) is not None
            is_whole = unit.text.upper() in _UNITS and _WHOLE.fullmatch(number.text) is not None
            is_interval = is_of_seconds or is_whole
        case [Token(token_type=kind), *_]:
            is_interval = kind not in _VALUES
        case _:
            is_interval = True
    if not is_interval:
        raise QueryError(
            "an interval must have a whole number in quotes and a unit, such as INTERVAL '7' DAY; "
            f"the units are {', '.join(_UNITS)}"
        )
