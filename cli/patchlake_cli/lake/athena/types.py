"""The types in a SELECT: sqlglot's, those that it leaves out, and those of the parameters of lambdas."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.schema import Schema

_KNOWN = Dialect.get_or_raise("athena").EXPRESSION_METADATA
_OF_ARGUMENT = (
    exp.ArgMax,
    exp.ArgMin,
    exp.ArrayFilter,
    exp.DateTrunc,
    exp.Nullif,
    exp.TimestampTrunc,
    exp.Try,
)
"""The functions whose type is that of their first argument."""
_TEXTS = (
    exp.Decode,
    exp.Format,
    exp.Hex,
    exp.Pad,
    exp.Placeholder,
    exp.RegexpExtract,
    exp.RegexpReplace,
    exp.Replace,
    exp.SplitPart,
    exp.UnicodeString,
)
"""What is a text; a ``?`` is one too."""
_ARRAYS_OF_TEXTS = (exp.RegexpExtractAll, exp.RegexpSplit, exp.Split)
_BYTES = (exp.Encode, exp.SHA2Digest, exp.Unhex)
_PARAMETER = "type of the parameter"
_UNKNOWN = exp.DType.UNKNOWN.into_expr()


def annotate(tree: exp.Query, schema: Schema) -> exp.Query:
    """Give each part of a SELECT its type.

    Args:
        tree: the SELECT, with the tables of its columns.
        schema: that of every relation that it names.
    """
    typed = annotate_types(tree, schema=schema, expression_metadata=_TYPES, dialect="athena")
    # Each time, one more level of nested lambdas has its types.
    while parameters := list(_untyped_parameters(typed)):
        for parameter, of_type in parameters:
            parameter.meta[_PARAMETER] = of_type
        typed = annotate_types(typed, schema=schema, expression_metadata=_TYPES, dialect="athena")
    return typed


def _untyped_parameters(tree: exp.Expr) -> Iterator[tuple[exp.Expr, exp.DataType]]:
    """Yield the parameters in the bodies of lambdas that have no type yet, and the type of the array's elements."""
    for applied in tree.find_all(exp.Lambda):
        function = applied.parent
        of_type = _part(function.this, 0) if isinstance(function, (exp.ArrayFilter, exp.Transform)) else _UNKNOWN
        if not of_type.is_type(exp.DType.UNKNOWN):
            for name in applied.this.find_all(exp.Identifier):
                if _PARAMETER not in name.meta and _lambda_of(name) is applied:
                    yield name, of_type


def _lambda_of(name: exp.Identifier) -> exp.Lambda | None:
    """Return the innermost lambda around a name that has a parameter of this name."""
    around = name.find_ancestor(exp.Lambda)
    while around and name.name not in {parameter.name for parameter in around.expressions}:
        around = around.find_ancestor(exp.Lambda)
    return around


def _part(node: exp.Expr, number: int) -> exp.DataType:
    """Return the type of the elements of an array, or of the keys (0) or values (-1) of a map."""
    has_parts = node.is_type(exp.DType.ARRAY, exp.DType.LIST, exp.DType.MAP)
    parts = node.type.expressions if has_parts and isinstance(node.type, exp.DataType) else []
    return parts[number] if parts else _UNKNOWN


def columns_of_unnest(unnest: exp.Unnest) -> list[exp.DataType]:
    """Return the types of the columns of an UNNEST, without its ordinality: a map has two, its keys and values."""
    return [
        _part(each, number)
        for each in unnest.expressions
        for number in ((0, -1) if each.is_type(exp.DType.MAP) else (0,))
    ]


def _of_unnest(unnest: exp.Unnest) -> exp.DataType:
    """Return the type of a row of an UNNEST; sqlglot has that of the first array for all columns."""
    columns = columns_of_unnest(unnest)
    if len(columns) == 1:
        return columns[0]
    named = zip(unnest.alias_column_names, columns, strict=False)
    return exp.DataType(
        this=exp.DType.STRUCT,
        expressions=[exp.ColumnDef(this=exp.to_identifier(name), kind=column) for name, column in named],
        nested=True,
    )


def _nested(kind: exp.DType, *parts: exp.DataType) -> exp.DataType:
    return exp.DataType(this=kind, expressions=list(parts), nested=True)


def _typed(of: Callable[[Any], exp.DataType]) -> dict[str, Any]:
    def set_type(_: object, node: exp.Expr) -> None:
        node.type = of(node)

    return {"annotator": set_type}


def _of_name(node: exp.Anonymous) -> exp.DataType:
    """Return the type of a function that sqlglot knows only by its name."""
    match node.name.lower(), node.expressions:
        case "map_values", [values]:
            return _nested(exp.DType.ARRAY, _part(values, -1))
        case "map_concat", [exp.Expr(type=exp.DataType() as of_first), *_]:
            return of_first
        case "geometric_mean", [_]:
            return exp.DType.DOUBLE.into_expr()
        case "histogram", [counted]:
            return _nested(exp.DType.MAP, counted.type, exp.DType.BIGINT.into_expr())
        case _:
            return _UNKNOWN


def _of_map(node: exp.Map) -> exp.DataType:
    """Return the type of a map of two arrays, even if that of their elements is not known."""
    arrays = [node.args.get(name) for name in ("keys", "values")]
    return _nested(exp.DType.MAP, *(_part(array, 0) if array else _UNKNOWN for array in arrays))


def _of_percentile(node: exp.ApproxQuantile) -> exp.DataType:
    """Return the type of the value at a percentile, or of an array of those at several."""
    of_value = node.this.type or _UNKNOWN
    return _nested(exp.DType.ARRAY, of_value) if node.args["quantile"].is_type(exp.DType.ARRAY) else of_value


def _of_truncated(node: exp.Trunc) -> exp.DataType:
    """Return the type of a truncated number: a double, unless it is a decimal."""
    return node.this.type if node.this.is_type(exp.DType.DECIMAL) else exp.DType.DOUBLE.into_expr()


def _annotated(annotator: Any, literal: exp.Literal) -> exp.Expr:  # noqa: ANN401  # sqlglot's own
    """Give a literal its type: a number with a point is a decimal, unless it has an exponent."""
    typed: exp.Expr = _KNOWN[exp.Literal]["annotator"](annotator, literal)
    if not literal.is_string and "." in literal.name and "e" not in literal.name.lower():
        typed.type = exp.DType.DECIMAL
    return typed


def _moved(annotator: Any, addition: exp.Add) -> exp.Expr:  # noqa: ANN401  # sqlglot's own
    """Give a sum its type: that of the time, also if the interval is first."""
    typed: exp.Expr = _KNOWN[exp.Add]["annotator"](annotator, addition)
    if addition.this.is_type(exp.DType.INTERVAL) and addition.expression.is_type(*exp.DataType.TEMPORAL_TYPES):
        typed.type = addition.expression.type
    return typed


def _largest(call: exp.Max | exp.Min) -> exp.DataType:
    """Return the type of a largest or smallest value, or of an array of some."""
    return _nested(exp.DType.ARRAY, call.this.type) if call.expressions else call.this.type


def _joined(whole: exp.Expr) -> exp.DataType:
    """Return the type of joined arrays, bytes or texts."""
    parts = (
        part for part in whole.iter_expressions() if part.is_type(exp.DType.ARRAY, exp.DType.LIST, exp.DType.VARBINARY)
    )
    return next((part.type for part in parts if isinstance(part.type, exp.DataType)), exp.DType.VARCHAR.into_expr())


_TYPES: dict[type[exp.Expr], Any] = {
    **_KNOWN,
    **dict.fromkeys(_OF_ARGUMENT, _KNOWN[exp.Max]),
    **dict.fromkeys(_TEXTS, _typed(lambda _: exp.DType.VARCHAR.into_expr())),
    **dict.fromkeys(_ARRAYS_OF_TEXTS, _typed(lambda _: _nested(exp.DType.ARRAY, exp.DType.VARCHAR.into_expr()))),
    exp.Add: {"annotator": _moved},
    **{part: {"returns": exp.DType.VARBINARY} for part in _BYTES},
    exp.Anonymous: _typed(_of_name),
    exp.ApproxQuantile: _typed(_of_percentile),
    exp.ArrayMax: _KNOWN[exp.ArrayFirst],
    exp.ArrayMin: _KNOWN[exp.ArrayFirst],
    exp.ArrayPosition: {"returns": exp.DType.BIGINT},
    exp.BitwiseAndAgg: {"returns": exp.DType.BIGINT},
    exp.BitwiseOrAgg: {"returns": exp.DType.BIGINT},
    exp.Atan2: {"returns": exp.DType.DOUBLE},
    exp.Bracket: _typed(lambda node: _part(node.this, -1)),
    exp.Concat: _typed(_joined),
    exp.DPipe: _typed(_joined),
    exp.Flatten: _KNOWN[exp.ArrayFirst],
    exp.FromISO8601Date: {"returns": exp.DType.DATE},
    exp.FromISO8601Timestamp: {"returns": exp.DType.TIMESTAMP},
    exp.Grouping: {"returns": exp.DType.BIGINT},
    exp.Identifier: _typed(lambda name: name.meta.get(_PARAMETER) or _UNKNOWN),
    exp.Literal: {"annotator": _annotated},
    exp.Localtimestamp: {"returns": exp.DType.TIMESTAMP},
    exp.Map: _typed(_of_map),
    exp.MapKeys: _typed(lambda node: _nested(exp.DType.ARRAY, _part(node.this, 0))),
    exp.Max: _typed(_largest),
    exp.Min: _typed(_largest),
    exp.Minute: {"returns": exp.DType.BIGINT},
    exp.RegexpCount: {"returns": exp.DType.BIGINT},
    exp.Second: {"returns": exp.DType.BIGINT},
    exp.TimeToUnix: {"returns": exp.DType.DOUBLE},
    exp.Transform: _typed(lambda node: _nested(exp.DType.ARRAY, node.expression.this.type)),
    exp.Trunc: _typed(_of_truncated),
    exp.Tuple: {"returns": exp.DType.STRUCT},
    exp.Unnest: _typed(_of_unnest),
}
"""The types of functions, with those that sqlglot leaves out."""
