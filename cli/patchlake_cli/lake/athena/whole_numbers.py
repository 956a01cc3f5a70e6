"""A text that is compared with a whole number: DuckDB would round it first, so that 1 is equal to '1.4'."""

from collections.abc import Iterator

from sqlglot import exp

COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.In)
_EXACT = "DECIMAL(38, 18)"
"""It has every whole number of 64 bits, and a fraction."""


def compare_exactly(tree: exp.Expr) -> None:
    """Make each text or ``?`` that a SELECT compares with a whole number a number that keeps its fraction.

    Args:
        tree: the SELECT with its types, which is changed.
    """
    for parts in list(compared(tree)):
        if any(map(_is_whole, parts)):
            for part in [result for each in parts for result in results(each)]:
                if isinstance(part, exp.Placeholder) or part.is_type(*exp.DataType.TEXT_TYPES):
                    part.replace(exp.cast(part.copy(), _EXACT))


def compared(tree: exp.Expr) -> Iterator[list[exp.Expr]]:
    """Yield what is compared with each other."""
    for comparison in tree.find_all(*COMPARISONS):
        yield [part.unnest() for part in comparison.iter_expressions()]
    for case in tree.find_all(exp.Case):
        if case.this:
            yield [case.this, *(each.this for each in case.args["ifs"])]


def results(part: exp.Expr) -> Iterator[exp.Expr]:
    """Yield what may be the value of an expression."""
    inner: list[exp.Expr | None]
    match part:
        case exp.Query():
            inner = [column.unalias() for column in part.selects[:1]]
        case exp.Case():
            inner = [*(each.args["true"] for each in part.args["ifs"]), part.args.get("default")]
        case exp.If():
            inner = [part.args["true"], part.args.get("false")]
        case exp.Coalesce() | exp.Greatest() | exp.Least():
            inner = [part.this, *part.expressions]
        case exp.Nullif() | exp.Paren() | exp.Try():
            inner = [part.this]
        case _:
            yield part
            return
    for each in inner:
        if each is not None:
            yield from results(each)


def _is_whole(part: exp.Expr) -> bool:
    value = part.selects[0] if isinstance(part, exp.Query) and part.selects else part
    return value.is_type(*exp.DataType.INTEGER_TYPES)
