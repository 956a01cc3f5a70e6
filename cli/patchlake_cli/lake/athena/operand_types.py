"""The types of operands: what Athena refuses, and DuckDB converts or rounds, is refused, as far as types are known."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sqlglot import exp

from patchlake_cli.lake.athena.whole_numbers import COMPARISONS, results
from patchlake_cli.lake.errors import QueryError

_CALCULATIONS = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
_KINDS = {
    "text": (exp.DataType.TEXT_TYPES, ("varchar",)),
    "a number": (exp.DataType.NUMERIC_TYPES, ("double", "bigint")),
    "a boolean": ({exp.DType.BOOLEAN}, ("boolean",)),
    "bytes": ({exp.DType.BINARY, exp.DType.VARBINARY}, ()),
    "a time": (exp.DataType.TEMPORAL_TYPES, ("date", "timestamp")),
}
"""The types of each kind, and those to cast to."""
_ARRAY = "an array whose elements are each "
_NEEDED: Mapping[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.DateAdd: ("a time", ("this",)),
    exp.DateDiff: ("a time", ("this", "expression")),
    exp.Lower: ("text", ("this",)),
    exp.Replace: ("text", ("this", "expression", "replacement")),
    exp.StartsWith: ("text", ("this", "expression")),
    exp.Sum: ("a number", ("this",)),
    exp.Trim: ("text", ("this",)),
    exp.Upper: ("text", ("this",)),
}
"""The kind of arguments that DuckDB would convert, and their names, by function."""
_ALTERNATIVES: Mapping[type[exp.Expr], Callable[[Any], list[exp.Expr | None]]] = {
    exp.Array: lambda array: array.expressions,
    exp.Case: lambda case: [*(each.args["true"] for each in case.args["ifs"]), case.args.get("default")],
    **dict.fromkeys((exp.Coalesce, exp.Greatest, exp.Least), lambda call: [call.this, *call.expressions]),
    exp.If: lambda choice: [choice.args["true"], choice.args.get("false")],
    **dict.fromkeys((exp.Lag, exp.Lead), lambda call: [call.this, call.args.get("default")]),
    exp.Nullif: lambda call: [call.this, call.expression],
}
"""What may be the value of an expression, or is compared in it."""


def require_operand_types(tree: exp.Expr) -> None:
    """Require that operands have the types that Athena requires, as far as types are known.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: operands have types that Athena does not accept together, or a type that decides is not known.
    """
    for calculation in tree.find_all(*_CALCULATIONS):
        _require_numbers(calculation)
    for division in tree.find_all(exp.Div):
        _require_no_decimal(division)
    for comparison in tree.find_all(*COMPARISONS):
        _require_comparable(comparison, list(comparison.iter_expressions()))
    for case in tree.find_all(exp.Case):
        if case.this:
            _require_comparable(case, [case.this, *(each.this for each in case.args["ifs"])])
    for condition in _conditions(tree):
        _require_boolean(condition)
    for whole, operands, kind in _united(tree):
        _require_one_kind(whole, operands, kind)


def _require_numbers(calculation: exp.Expr) -> None:
    operands = [calculation.this, calculation.expression]
    if any(operand.is_type(exp.DType.INTERVAL) for operand in operands):
        return
    kinds = [_kind(operand) for operand in operands]
    if isinstance(calculation, exp.Sub) and kinds == ["a time", "a time"]:
        raise QueryError(f"{_written(calculation)} is an interval in Athena: use date_diff('day', first, last)")
    for operand, kind in zip(operands, kinds, strict=True):
        if kind == "a time":
            raise QueryError(f"{_written(calculation)}: {_written(operand.unnest())} is no number: use date_add()")
        if kind not in {None, "a number"}:
            refuse(calculation, operand, f"{{}} is {kind}", "double", "bigint")
        if isinstance(calculation, exp.Div) and operand.is_type(exp.DType.UNKNOWN) and not _is_null(operand):
            complaint = "the type of {} is not known, and Athena divides integers in another way"
            refuse(calculation, operand, complaint, "double", "bigint")


def _require_no_decimal(division: exp.Div) -> None:
    """Refuse a division of decimals, which has as many decimal places as they have, and fails for zero."""
    operands = (division.this.unnest(), division.expression.unnest())
    decimals = [operand for operand in operands if operand.is_type(exp.DType.DECIMAL)]
    if decimals and not any(operand.is_type(exp.DType.DOUBLE, exp.DType.FLOAT) for operand in operands):
        literal = next((each for each in decimals[0].find_all(exp.Literal) if each.is_type(exp.DType.DECIMAL)), None)
        better = f"{literal}e0" if literal else f"CAST({_written(decimals[0])} AS double)"
        raise QueryError(f"{_written(division)}: Athena rounds a quotient of decimals: write {better}")


def _require_comparable(comparison: exp.Expr, operands: list[exp.Expr]) -> None:
    if any(isinstance(operand.unnest(), exp.Tuple) for operand in operands):
        raise QueryError(f"{_written(comparison)}: rows are not supported in a comparison: compare each column")
    kinds = [_kind(operand) for operand in operands]
    compared = [operand for operand, kind in zip(operands, kinds, strict=True) if kind != "text"]
    has_parts = any(value_of(operand).is_type(exp.DType.ARRAY, exp.DType.LIST, exp.DType.MAP) for operand in operands)
    _require_one_kind(comparison, operands if has_parts else compared)
    if "a number" in kinds:
        for operand in operands:
            _require_known(comparison, operand)


def _require_known(comparison: exp.Expr, operand: exp.Expr) -> None:
    """Refuse what may be a text, which DuckDB would round to compare it with a whole number."""
    value = value_of(operand)
    # DuckDB names a column that several tables have.
    is_ambiguous = any(not column.table for column in value.find_all(exp.Column))
    if value.is_type(exp.DType.UNKNOWN) and not (
        is_ambiguous or _is_null(value) or isinstance(value, (exp.Any, exp.All))
    ):
        complaint = "the type of {} is not known, and Athena compares no text with a number"
        refuse(comparison, operand, complaint, "double", "bigint")


def _require_boolean(condition: exp.Expr) -> None:
    value = value_of(condition)
    if kind := _kind(value):
        if kind != "a boolean":
            raise QueryError(f"{_written(condition)} is {kind}, and a condition must be a boolean")
    elif not _is_null(value):
        refuse(condition, condition, "the type of {} is not known, and a condition must be a boolean", "boolean")


def _conditions(tree: exp.Expr) -> Iterator[exp.Expr]:
    for node in tree.walk():
        match node:
            case exp.Where() | exp.Having() | exp.Not() | exp.LogicalAnd() | exp.LogicalOr() | exp.CountIf():
                yield node.this
            case exp.ArrayFilter(expression=exp.Lambda() as condition):
                yield condition.this
            case exp.And() | exp.Or():
                yield from (node.this, node.expression)
            case exp.Join() if on := node.args.get("on"):
                yield on
            case exp.If() if not (isinstance(node.parent, exp.Case) and node.parent.this):
                yield node.this


def _united(tree: exp.Expr) -> Iterator[tuple[exp.Expr, Iterable[exp.Expr], str | None]]:
    """Yield each expression whose operands must be of one kind, its operands, and the kind if it has one."""
    for node in tree.walk():
        if alternatives := _ALTERNATIVES.get(type(node)):
            yield node, [each for each in alternatives(node) if each is not None], None
        if needed := _NEEDED.get(type(node)):
            kind, names = needed
            yield node, [node.args[name] for name in names if name in node.args], kind
        match node:
            case exp.ArrayContains() | exp.ArrayPosition():
                yield node, [node.expression], _kind_of_part(node.this)
            case exp.Bracket():
                yield node, node.expressions, "a number" if _is_array(node.this) else _kind_of_part(node.this)
            case exp.Concat() | exp.DPipe() | exp.GroupConcat():
                yield node, _joined(node), "text"
            case exp.SetOperation() | exp.Values():
                yield from ((node, column, None) for column in zip(*_rows(node), strict=False))


def _rows(part: exp.Expr) -> Iterator[list[exp.Expr]]:
    """Yield the columns of each row of VALUES, or of each SELECT of a set operation."""
    match part.unnest():
        case exp.Values(expressions=rows):
            yield from (row.expressions if isinstance(row, exp.Tuple) else [row] for row in rows)
        case exp.SetOperation(left=left, right=right):
            yield from _rows(left)
            yield from _rows(right)
        case exp.Query(selects=columns):
            yield columns


def _joined(node: exp.Expr) -> list[exp.Expr]:
    """Return the texts that an expression joins; none if it joins arrays or bytes."""
    if isinstance(node, exp.GroupConcat):
        listed = node.this.this if isinstance(node.this, exp.Order) else node.this
        return listed.expressions if isinstance(listed, exp.Distinct) else [listed]
    parts = list(node.iter_expressions())
    return [] if any(_is_array(part) or part.is_type(exp.DType.VARBINARY) for part in parts) else parts


def _require_one_kind(whole: exp.Expr, operands: Iterable[exp.Expr], needed: str | None = None) -> None:
    for operand in operands:
        kind = _kind(operand)
        needed = needed or kind
        if needed is not None and kind not in {None, needed}:
            # No cast makes an array of a value, or a value of an array or of bytes.
            is_cast = kind.startswith(_ARRAY) == needed.startswith(_ARRAY) and kind != "bytes"
            types = _types(needed) if is_cast else []
            refuse(whole, operand.unalias(), f"{{}} is {kind}, and not {needed}", *types)


def _types(kind: str) -> list[str]:
    """Return the types to cast to for a kind."""
    if kind.startswith(_ARRAY):
        return [f"array({each})" for each in _types(kind.removeprefix(_ARRAY))]
    return list(_KINDS[kind][1]) if kind in _KINDS else []


def _kind(operand: exp.Expr) -> str | None:
    """Return the kind of an operand; None if it has another type, or one that is not known."""
    value = value_of(operand)
    if isinstance(value, (exp.Any, exp.All)):
        return None
    return "text" if isinstance(value, exp.Placeholder) else _kind_of_type(value.type)


def _kind_of_part(container: exp.Expr) -> str | None:
    """Return the kind of the elements of an array, or of the keys of a map."""
    parts = container.type.expressions if isinstance(container.type, exp.DataType) else []
    return _kind_of_type(parts[0]) if parts else None


def _kind_of_type(found: object) -> str | None:
    if not isinstance(found, exp.DataType):
        return None
    parts = [_kind_of_type(part) for part in found.expressions]
    if found.is_type(exp.DType.ARRAY, exp.DType.LIST, exp.DType.MAP):
        if not parts or None in parts:
            return None
        return f"a map from {parts[0]} to {parts[-1]}" if found.is_type(exp.DType.MAP) else f"{_ARRAY}{parts[0]}"
    return next((kind for kind, (types, _) in _KINDS.items() if found.is_type(*types)), None)


def _is_null(operand: exp.Expr) -> bool:
    """Whether an expression can only be NULL, as its form shows."""
    return all(isinstance(result, exp.Null) for result in results(operand))


def _is_array(operand: exp.Expr) -> bool:
    return operand.unnest().is_type(exp.DType.ARRAY, exp.DType.LIST)


def _written(part: exp.Expr) -> str:
    return part.sql(dialect="athena")


def value_of(operand: exp.Expr) -> exp.Expr:
    """Return an operand without its parentheses and its alias; of a subquery, the first column."""
    value = operand.unalias().unnest()
    return value.selects[0].unalias() if isinstance(value, exp.Query) and value.selects else value


def refuse(whole: exp.Expr, operand: exp.Expr, complaint: str, *types: str) -> None:
    """Raise a QueryError about an operand, with the casts that help, if there are any."""
    written = _written(value_of(operand))
    casts = " or ".join(f"CAST({written} AS {name})" for name in types)
    advice = f": write {casts}" if casts else ""
    raise QueryError(f"{_written(whole)}: {complaint.format(written)}{advice}")
