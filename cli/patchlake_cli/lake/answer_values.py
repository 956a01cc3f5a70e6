"""The values that an answer cannot hold and therefore refuses: Python does not have them, and would show others."""

import re
from collections.abc import Sequence
from typing import Any

from patchlake_cli.lake.errors import QueryError

_INTERVAL = re.compile(r'(?<!")\bINTERVAL\b')
"""An interval in a type of DuckDB, but no field of a row with this name, which is in quotes."""
_NESTED_KEYS = re.compile(r"\bMAP\((?:MAP|STRUCT|TUPLE|(?:\w+|DECIMAL\([\d,]+\))\[)")
"""A map, in a type of DuckDB, whose keys have parts: it has no key in Python, but an entry of all keys."""
_BIGINT = range(-(2**63), 2**63)
_TIME = re.compile(r"(?:DATE|TIMESTAMP\w*|TIMESTAMP WITH TIME ZONE)(?:\[\])*")


def check_types(columns: Sequence[tuple[str, str]]) -> None:
    """Refuse columns with intervals that no type in the SELECT showed, and with maps whose keys have parts.

    A month would become 30 days, and the keys of such a map one entry.

    Args:
        columns: the name and DuckDB's type of each.

    Raises:
        QueryError: there is one.
    """
    for name, kind in columns:
        if _INTERVAL.search(kind):
            raise QueryError(f"column {name} is an interval: select a number, such as date_diff('day', first, last)")
        if _NESTED_KEYS.search(kind):
            raise QueryError(
                f"column {name} has a map whose keys are arrays, maps or rows, which no format can hold: "
                "select its map_keys() and map_values()"
            )


def check_rows(columns: Sequence[tuple[str, str]], rows: Sequence[tuple[Any, ...]]) -> None:
    """Refuse whole numbers that a bigint does not hold, as Athena does, and times that Python does not have.

    DuckDB has larger numbers, and returns such times as texts of its own.

    Args:
        columns: the name and DuckDB's type of each.
        rows: their values.

    Raises:
        QueryError: there is one.
    """
    for place, (name, kind) in enumerate(columns):
        values = [row[place] for row in rows]
        if kind == "HUGEINT" and any(value not in _BIGINT for value in values if value is not None):
            raise QueryError(f"column {name} has a number that is too large for a bigint: cast it to double or decimal")
        if _TIME.fullmatch(kind) and any(map(_is_a_text, values)):
            raise QueryError(f"column {name} has a date or time outside the years 1 to 9999, which no format can hold")


def _is_a_text(value: Any) -> bool:  # noqa: ANN401  # any column
    return any(map(_is_a_text, value)) if isinstance(value, list) else isinstance(value, str)
