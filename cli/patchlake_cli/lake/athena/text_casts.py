"""Texts that a cast makes numbers, booleans, dates and times: DuckDB reads more forms of them than Athena."""

import re
from collections.abc import Set as AbstractSet

from sqlglot import exp

from patchlake_cli.lake.athena.decimal_literals import NUMBER

_DATE = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_TIME = r"(?:[01]?[0-9]|2[0-3]):[0-9]{1,2}(?::[0-9]{1,2}(?:\.[0-9]+)?)?"
_FORMS: tuple[tuple[AbstractSet[exp.DType], str], ...] = (
    (exp.DataType.INTEGER_TYPES, "[+-]?[0-9]+"),
    ({exp.DType.DECIMAL}, f"[+-]?{NUMBER}"),
    ({exp.DType.DOUBLE, exp.DType.FLOAT}, rf"\s*[+-]?(?:NaN|Infinity|{NUMBER})\s*"),
    ({exp.DType.BOOLEAN}, "(?i)(?:t|true|1|f|false|0)"),
    ({exp.DType.DATE}, rf"\s*{_DATE}\s*"),
    ({exp.DType.DATETIME, exp.DType.TIMESTAMP}, rf"\s*{_DATE}(?: {_TIME})?\s*"),
    ({exp.DType.TIME}, rf"\s*{_TIME}\s*"),
)
"""What Athena reads, by the types that a text is cast to."""


def in_athenas_form(text: exp.Expr, to: exp.DataType) -> exp.Expr:
    """Return a text that DuckDB casts to a type only if Athena does: others get a quote before them.

    Args:
        text: the operand of the cast.
        to: the type of the cast.
    """
    form = next((form for types, form in _FORMS if to.is_type(*types)), None)
    if form is None or (isinstance(text, exp.Literal) and re.fullmatch(form, text.name)):
        return text
    is_read = exp.Anonymous(this="regexp_full_match", expressions=[text.copy(), exp.Literal.string(form)])
    beginning = exp.Case().when(is_read, exp.Literal.string("")).else_(exp.Literal.string("'"))
    return exp.paren(exp.DPipe(this=beginning, expression=exp.paren(text, copy=False)), copy=False)
