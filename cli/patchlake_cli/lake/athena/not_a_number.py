"""Comparisons with NaN, such as 0e0 / 0: Athena finds it unequal to everything, and DuckDB larger than every number."""

from functools import reduce

from sqlglot import exp

from patchlake_cli.lake.athena.operand_types import value_of


def compare_as_athena(tree: exp.Expr) -> None:
    """Make each comparison of doubles false, or for ``<>`` true, where one of them is NaN.

    Args:
        tree: the SELECT with its types, which is changed.
    """
    # From the leaves, since a comparison may be a part of another one.
    for node in reversed(list(tree.bfs())):
        match node:
            case exp.Between(this=value) if any(map(_may_be_nan, node.iter_expressions())):
                is_from, is_to = exp.GTE(this=value, expression=node.args["low"]), exp.LTE(this=value.copy())
                is_to.set("expression", node.args["high"])
                node.replace(exp.paren(exp.And(this=_compared(is_from), expression=_compared(is_to))))
            case exp.In(this=value, expressions=[_, *_] as listed) if any(map(_may_be_nan, [value, *listed])):
                equal = [_compared(exp.EQ(this=value.copy(), expression=each)) for each in listed]
                node.replace(exp.paren(reduce(lambda one, other: exp.Or(this=one, expression=other), equal)))
            case exp.EQ() | exp.NEQ() | exp.GT() | exp.GTE() | exp.LT() | exp.LTE():
                node.replace(_compared(node.copy()))


def _compared(comparison: exp.Expr) -> exp.Expr:
    first, second = comparison.this, comparison.expression
    larger, other = (second, first) if isinstance(comparison, exp.LT | exp.LTE) else (first, second)
    if not _may_be_nan(larger) or isinstance(other, exp.Any | exp.All):
        return comparison
    is_nan, is_null = exp.IsNan(this=larger.copy()), other.copy().is_(exp.Null())
    # It stays NULL if the other one is. A join still sees that two columns are equal.
    if isinstance(comparison, exp.NEQ):
        return exp.paren(exp.or_(comparison, exp.and_(is_nan, is_null.not_())), copy=False)
    return exp.paren(exp.and_(comparison, exp.or_(is_nan.not_(), is_null)), copy=False)


def _may_be_nan(part: exp.Expr) -> bool:
    value = value_of(part)
    return value.is_type(exp.DType.DOUBLE, exp.DType.FLOAT) and not isinstance(value, exp.Literal)
