"""Times that become texts, and texts that become times.

In Athena, a time as text has the decimals of its type (DuckDB: as many as it needs), and a text without digits is no
date or time (``infinity``, ``-infinity`` and ``epoch`` are).
"""

import re
from typing import Any

from sqlglot import exp

from patchlake_cli.lake.athena.text_casts import in_athenas_form
from patchlake_cli.lake.athena.whole_numbers import compared
from patchlake_cli.lake.errors import QueryError

_TIMES = (exp.DType.DATETIME, exp.DType.TIME, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ)
_DECIMALS = 3
"""Those of a time whose type has no number."""
_FRACTIONS = {0: "", 3: ".%g", 6: ".%f", 9: ".%n"}
"""DuckDB's formats of the decimals of a second."""
_DIGIT = re.compile("[0-9]")


def cast_compared_texts(tree: exp.Expr) -> None:
    """Cast each text in quotes and each ``?`` that a SELECT compares with a date or time, as DuckDB does by itself.

    Args:
        tree: the SELECT with its types, which is changed.
    """
    for parts in list(compared(tree)):
        if time := next((part for part in parts if part.is_type(exp.DType.DATE, *_TIMES)), None):
            for text in [part for part in parts if isinstance(part, exp.Placeholder) or part.is_string]:
                text.replace(exp.cast(text.copy(), _type_of(time).this))


def prepared(value: exp.Expr, to: exp.DataType) -> exp.Expr:
    """Return a value whose cast by DuckDB gives what Athena's gives, with times as texts, and an error for `infinity`.

    Args:
        value: the operand of the cast, with its types.
        to: the type of the cast.

    Raises:
        QueryError: the cast is one of a map, whose times would be other texts, or of a literal to no time.
    """
    row = value.unnest()
    if isinstance(row, exp.Tuple) and len(row.expressions) == len(to.expressions):
        fields = zip(row.expressions, to.expressions, strict=True)
        row.set("expressions", [prepared(part, field.args.get("kind", field)) for part, field in fields])
    of = _type_of(value)
    return _prepared(value, of, to) if isinstance(of, exp.DataType) else value


def _type_of(value: exp.Expr) -> Any:  # noqa: ANN401  # sqlglot's own
    return value.to if isinstance(value, exp.Cast) else value.type


def _prepared(value: exp.Expr, of: exp.DataType, to: exp.DataType, *, is_in_map: bool = False) -> exp.Expr:
    is_text = of.is_type(*exp.DataType.TEXT_TYPES)
    if of.is_type(*_TIMES) and to.is_type(*exp.DataType.TEXT_TYPES):
        return _text(value, of)
    if (is_text or of.is_type(exp.DType.UNKNOWN)) and to.is_type(exp.DType.DATE, *_TIMES):
        value = _with_digits(value)
    if not to.is_type(exp.DType.ARRAY, exp.DType.MAP):
        # The keys and values of a map are cast as DuckDB casts them.
        return in_athenas_form(value, to) if is_text and not is_in_map else value
    element = exp.to_identifier("element")
    inner = of.expressions or [of] * len(to.expressions)
    is_map = is_in_map or to.is_type(exp.DType.MAP)
    parts = [_prepared(element, *types, is_in_map=is_map) for types in zip(inner, to.expressions, strict=False)]
    if all(part is element for part in parts):
        return value
    if to.is_type(exp.DType.MAP):
        raise QueryError(f"a cast of a map to {to.sql(dialect='athena')} is not supported: cast its keys and values")
    return exp.Transform(this=value, expression=exp.Lambda(this=parts[0], expressions=[element.copy()]))


def _with_digits(value: exp.Expr) -> exp.Expr:
    """Put a text without digits in quotes, so that it is no date or time."""
    if isinstance(value, exp.Literal):
        if _DIGIT.search(value.name):
            return value
        if not isinstance(value.parent, exp.TryCast):
            raise QueryError(f"{value.sql()} is not a date or time: write one such as '2026-11-01'")
    replaced = [exp.Literal.string(part) for part in ("^[^0-9]*$", r"'\0'")]
    return exp.Anonymous(this="regexp_replace", expressions=[exp.cast(value, "VARCHAR"), *replaced])


def _text(time: exp.Expr, of: exp.DataType) -> exp.Expr:
    cast = time.unnest()
    sizes = cast.to.expressions if isinstance(cast, exp.Cast) else []
    decimals = int(sizes[0].name) if sizes else _DECIMALS
    known = next((each for each in _FRACTIONS if each >= decimals), None)
    if known is None:
        raise QueryError(f"a time with {decimals} decimals is not supported: use up to 9")
    form, at = "%Y-%m-%d %H:%M:%S", time
    if of.is_type(exp.DType.TIME):
        form, at = "%H:%M:%S", exp.Add(this=exp.cast(exp.Literal.string("1970-01-01"), "DATE"), expression=time)
    text = exp.Anonymous(this="strftime", expressions=[at, exp.Literal.string(form + _FRACTIONS[known])])
    return text if known == decimals else exp.Left(this=text, expression=exp.Literal.number(decimals - known))
