"""The intervals of a SELECT: DuckDB has one type for those of days and of months, and Athena has two."""

from sqlglot import exp

from patchlake_cli.lake.athena.operand_types import refuse
from patchlake_cli.lake.errors import QueryError

_UNITS_OF_TIMES = ("SECOND", "MINUTE", "HOUR")


def require_moved(tree: exp.Expr) -> None:
    """Require that each interval is added to a date or time, or is the step of sequence() or the range of a window.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: an interval is used in another way, or with a type that is not known.
    """
    for interval in tree.find_all(exp.Interval):
        _require_place(interval, interval.text("unit").upper())


def _require_place(interval: exp.Interval, unit: str) -> None:
    side: exp.Expr = interval
    while (parent := side.parent) and (isinstance(parent, exp.Paren) or _is_multiple(parent, side)):
        side = parent
    match side.parent:
        case exp.GenerateSeries():
            if unit != "DAY":
                raise QueryError("the step of sequence() must be of days, such as INTERVAL '7' DAY")
        case exp.WindowSpec():
            pass
        case exp.Add() | exp.Sub() as moved if not (isinstance(moved, exp.Sub) and moved.this is side):
            operand = moved.expression if moved.this is side else moved.this
            if operand.is_type(exp.DType.UNKNOWN):
                refuse(moved, operand, "the type of {} is not known", "date", "timestamp")
            if operand.is_type(exp.DType.DATE) and unit in _UNITS_OF_TIMES:
                refuse(moved, operand, f"{{}} is a date, which has no {unit.lower()}s", "timestamp")
            if not operand.is_type(*exp.DataType.TEMPORAL_TYPES):
                _refuse_place(interval)
        case _:
            _refuse_place(interval)


def _is_multiple(product: exp.Expr, side: exp.Expr) -> bool:
    """Whether an expression is the product of an interval and a whole number."""
    if not isinstance(product, exp.Mul):
        return False
    factor: exp.Expr = product.expression if product.this is side else product.this
    return factor.is_type(*exp.DataType.INTEGER_TYPES)


def _refuse_place(interval: exp.Interval) -> None:
    raise QueryError(
        f"{interval.sql(dialect='athena')}: an interval may only be added to a date or time, "
        "or be the step of sequence(): use date_diff() to compare times"
    )
