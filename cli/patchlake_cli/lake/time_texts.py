"""Times that a cast makes texts: in Athena with the decimals of their type, and in DuckDB with as many as they need."""

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError

_TIMES = (exp.DType.DATETIME, exp.DType.TIME, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ)
_DECIMALS = 3
"""Those of a time whose type has no number."""
_FRACTIONS = {0: "", 3: ".%g", 6: ".%f", 9: ".%n"}
"""DuckDB's formats of the decimals of a second."""


def prepared(value: exp.Expr, to: exp.DataType) -> exp.Expr:
    """Return a value with its times as Athena's texts, if a cast makes texts of them.

    Args:
        value: the operand of the cast, with its types.
        to: the type of the cast.

    Raises:
        QueryError: the cast is one of a map or to JSON, whose times would be other texts.
    """
    of = value.to if isinstance(value, exp.Cast) else value.type
    row = value.unnest()
    if isinstance(row, exp.Tuple) and len(row.expressions) == len(to.expressions):
        fields = zip(row.expressions, to.expressions, strict=True)
        row.set("expressions", [prepared(part, field.args.get("kind", field)) for part, field in fields])
    return _prepared(value, of, to) if isinstance(of, exp.DataType) else value


def _prepared(value: exp.Expr, of: exp.DataType, to: exp.DataType) -> exp.Expr:
    if of.is_type(*_TIMES) and to.is_type(*exp.DataType.TEXT_TYPES):
        return _text(value, of)
    if to.is_type(exp.DType.JSON) and any(part.is_type(*_TIMES) for part in of.find_all(exp.DataType)):
        raise QueryError("a cast of a time to json is not supported: cast it to varchar")
    element = exp.to_identifier("element")
    parts = [_prepared(element, *types) for types in zip(of.expressions, to.expressions, strict=False)]
    if all(part is element for part in parts) or of.this is not to.this:
        return value
    if not of.is_type(exp.DType.ARRAY):
        raise QueryError(f"a cast of {of.sql(dialect='athena')} to {to.sql(dialect='athena')} is not supported")
    return exp.Transform(this=value, expression=exp.Lambda(this=parts[0], expressions=[element.copy()]))


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
