"""A text that is compared with a whole number: DuckDB would round it first, so that 1 is equal to '1.4'."""

from sqlglot import exp

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.In)
_EXACT = "DECIMAL(38, 18)"
"""It has every whole number of 64 bits, and a fraction."""


def compare_exactly(tree: exp.Expr) -> None:
    """Make each text or ``?`` that a SELECT compares with a whole number a number that keeps its fraction.

    Args:
        tree: the SELECT with its types, which is changed.
    """
    for comparison in list(tree.find_all(*_COMPARISONS)):
        compared = [part.unnest() for part in comparison.iter_expressions()]
        if any(map(_is_whole, compared)):
            for part in compared:
                if isinstance(part, exp.Placeholder) or part.is_string:
                    part.replace(exp.cast(part.copy(), _EXACT))


def _is_whole(part: exp.Expr) -> bool:
    value = part.selects[0] if isinstance(part, exp.Query) else part
    return value.is_type(*exp.DataType.INTEGER_TYPES)
