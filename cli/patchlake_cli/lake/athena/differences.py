"""The changes for what DuckDB answers in another way than Athena, and sqlglot does not adapt.

Here are casts, numbers and aggregates: in Athena, ``count_if`` over only NULL is 0 (DuckDB: NULL), ``max_by`` and
``min_by`` treat NULL as a value (they skip it), a sum of whole numbers is a bigint (of 128 bits), a decimal without
sizes has no decimal places (three), and the quotient, ``floor`` and ``ceil`` of whole numbers are whole numbers
(doubles).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from patchlake_cli.lake.athena.array_functions import ARRAY_FUNCTIONS
from patchlake_cli.lake.athena.maps import whole_call
from patchlake_cli.lake.athena.regular_expressions import REGULAR_EXPRESSIONS
from patchlake_cli.lake.athena.text_functions import TEXT_FUNCTIONS
from patchlake_cli.lake.athena.time_functions import TIME_FUNCTIONS
from patchlake_cli.lake.athena.time_texts import prepared

_WHOLE_DECIMAL = exp.DataType.build("DECIMAL(38, 0)")
"""A decimal without sizes; in DuckDB, it has three decimal places."""


def adapt(tree: exp.Expr, now: datetime) -> None:
    """Put what DuckDB answers as Athena does in place of such functions, and ``now`` in place of the current time.

    Args:
        tree: the SELECT, which is changed.
        now: the time that the time functions return.

    Raises:
        QueryError: a text that has another form in DuckDB is not written out.
    """
    for call in list(tree.find_all(exp.ApproxQuantile, exp.Sum)):
        if call.is_type(*exp.DataType.INTEGER_TYPES):
            whole = whole_call(call)
            whole.replace(exp.cast(whole.copy(), "BIGINT"))
    moment = now.astimezone(UTC)
    times: dict[type[exp.Expr], exp.Expr] = {
        exp.CurrentDate: _constant(moment.date().isoformat(), "DATE"),
        exp.CurrentTime: _constant(moment.time().isoformat("seconds"), "TIME"),
        exp.CurrentTimestamp: _constant(moment.replace(tzinfo=None).isoformat(" ", "seconds"), "TIMESTAMP"),
    }
    times |= {exp.Localtime: times[exp.CurrentTime], exp.Localtimestamp: times[exp.CurrentTimestamp]}
    # From the leaves, since a function may be an argument of another one.
    for node in reversed(list(tree.bfs())):
        if type(node) in times:
            node.replace(times[type(node)].copy())
        elif type(node) in _ADAPTED:
            # Not a copy, of which a sum of many would need as many.
            place, of_type = exp.Null(), node.type
            node.replace(place)
            adapted = _ADAPTED[type(node)](node)
            # A division is one of integers only if the types are known; a cast has its own.
            if not isinstance(adapted, exp.Cast):
                adapted.type = of_type
            place.replace(adapted)


def _constant(text: str, of_type: str) -> exp.Expr:
    return exp.cast(exp.Literal.string(text), of_type)


def _cast(node: exp.Cast) -> exp.Expr:
    node.set("this", prepared(node.this, node.to))
    for number in node.to.find_all(exp.DataType):
        if number.is_type(exp.DType.DECIMAL) and not number.expressions:
            number.replace(_WHOLE_DECIMAL.copy())
    if node.this.is_type(exp.DType.DOUBLE, exp.DType.FLOAT) and node.to.is_type(*exp.DataType.INTEGER_TYPES):
        # DuckDB takes the even number of two that are equally near.
        node.set("this", exp.Round(this=node.this))
    if isinstance(node, exp.TryCast) and node.to.is_type(exp.DType.ARRAY, exp.DType.MAP, exp.DType.STRUCT):
        # DuckDB would put a NULL in place of each part that it cannot cast.
        return exp.Try(this=exp.cast(node.this, node.to))
    lengths = node.to.expressions
    if not (node.to.is_type(exp.DType.VARCHAR) and lengths):
        return node
    node.set("to", exp.DataType.build("VARCHAR"))
    return exp.Substring(this=node, start=exp.Literal.number(1), length=lengths[0].this)


def _divide(node: exp.Div) -> exp.Expr:
    if not all(operand.is_type(*exp.DataType.INTEGER_TYPES) for operand in (node.this, node.expression)):
        return node
    return exp.cast(exp.IntDiv(this=node.this, expression=node.expression), "BIGINT")


def _whole(node: exp.Ceil | exp.Floor) -> exp.Expr:
    number: exp.Expr = node.this
    return exp.paren(number, copy=False) if number.is_type(*exp.DataType.INTEGER_TYPES) else node


def _sign(node: exp.Sign) -> exp.Expr:
    """Keep the sign of a double from becoming a whole number."""
    return exp.cast(node, "DOUBLE") if node.this.is_type(exp.DType.DOUBLE) else node


def _operator(node: exp.Expr) -> exp.Expr:
    # An operator in DuckDB, which binds in another way than a function.
    return exp.paren(node)


def _count_if(node: exp.CountIf) -> exp.Expr:
    return exp.Count(this=exp.Case().when(node.this, exp.Literal.number(1)))


def _max_by(node: exp.ArgMax) -> exp.Expr:
    return exp.Anonymous(this="arg_max_null", expressions=[node.this, node.expression])


def _min_by(node: exp.ArgMin) -> exp.Expr:
    return exp.Anonymous(this="arg_min_null", expressions=[node.this, node.expression])


_ADAPTED: Mapping[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    **ARRAY_FUNCTIONS,
    **REGULAR_EXPRESSIONS,
    **TEXT_FUNCTIONS,
    **TIME_FUNCTIONS,
    exp.ArgMax: _max_by,
    exp.ArgMin: _min_by,
    exp.BitwiseAnd: _operator,
    exp.BitwiseNot: _operator,
    exp.BitwiseOr: _operator,
    exp.BitwiseXor: _operator,
    exp.Cast: _cast,
    exp.Ceil: _whole,
    exp.Concat: _operator,
    exp.CountIf: _count_if,
    exp.Div: _divide,
    exp.Floor: _whole,
    exp.Sign: _sign,
    exp.TryCast: _cast,
}
