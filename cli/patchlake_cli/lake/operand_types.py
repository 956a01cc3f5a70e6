"""The operators whose answer depends on the types of their operands: what Athena answers in another way is refused."""

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError

_CALCULATIONS = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)


def require_operand_types(tree: exp.Expr) -> None:
    """Require that the operands of each calculation have known types, and the right ones.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: a text is calculated with, a type that decides is not known, or a date is taken from a date.
    """
    for calculation in tree.find_all(*_CALCULATIONS):
        for operand in (calculation.this, calculation.expression):
            _require_no_text(calculation, operand.unnest())
            if isinstance(calculation, exp.Div) and operand.is_type(exp.DType.UNKNOWN):
                _refuse(
                    calculation,
                    operand,
                    "the type of {} is not known, and Athena divides integers in another way",
                    "double",
                    "bigint",
                )
        if isinstance(calculation, exp.Sub) and all(
            side.is_type(exp.DType.DATE) for side in (calculation.this, calculation.expression)
        ):
            difference = calculation.sql(dialect="athena")
            raise QueryError(f"{difference} is an interval in Athena: use date_diff('day', first, last)")
    for interval in tree.find_all(exp.Interval):
        _require_moved(interval)


def _require_no_text(calculation: exp.Expr, operand: exp.Expr) -> None:
    if isinstance(operand, exp.Placeholder) or operand.is_type(*exp.DataType.TEXT_TYPES):
        _refuse(calculation, operand, "{} is text", "double", "bigint")


def _require_moved(interval: exp.Interval) -> None:
    """Require that the type of what an interval is added to is known: DuckDB makes a date a time."""
    side: exp.Expr = interval
    while isinstance(side.parent, (exp.Paren, exp.Mul)):
        side = side.parent
    if isinstance(moved := side.parent, (exp.Add, exp.Sub)):
        operand = moved.expression if moved.this is side else moved.this
        if operand.is_type(exp.DType.UNKNOWN):
            _refuse(moved, operand, "the type of {} is not known", "date", "timestamp")


def _refuse(calculation: exp.Expr, operand: exp.Expr, complaint: str, *types: str) -> None:
    written = operand.sql(dialect="athena")
    casts = " or ".join(f"CAST({written} AS {name})" for name in types)
    raise QueryError(f"{calculation.sql(dialect='athena')}: {complaint.format(written)}: write {casts}")
