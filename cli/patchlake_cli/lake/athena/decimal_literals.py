"""Decimals in quotes, such as ``DECIMAL '1.10'``: for sqlglot, they are casts to a decimal without decimal places."""

import re
from collections.abc import Sequence
from itertools import pairwise

from sqlglot import Token, TokenType

from patchlake_cli.lake.errors import QueryError

_DIGITS = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
NUMBER = rf"{_DIGITS}(?:[eE][+-]?[0-9]+)?"
"""The pattern of a number without a sign."""
_DECIMAL = re.compile(rf"[+-]?{_DIGITS}")
MOST_DIGITS = 37
"""With a zero before its point, a number of more digits would be a double in DuckDB."""


def write_decimals(sql: str, tokens: Sequence[Token]) -> str:
    """Return the text with a number in place of each decimal in quotes, as long as before.

    Args:
        sql: the text of a SELECT.
        tokens: those of the text.

    Raises:
        QueryError: the quotes hold no decimal number, or one with too many digits.
    """
    for word, text in pairwise(tokens):
        if word.token_type is TokenType.DECIMAL and text.token_type is TokenType.STRING:
            if not _DECIMAL.fullmatch(text.text) or sum(map(str.isdigit, text.text)) > MOST_DIGITS:
                raise QueryError(f"DECIMAL '{text.text}' is not a decimal number of at most {MOST_DIGITS} digits")
            # With a point, it is no whole number.
            number = text.text if "." in text.text else f"{text.text}."
            sql = sql[: word.start] + f"({number})".rjust(text.end + 1 - word.start) + sql[text.end + 1 :]
    return sql
