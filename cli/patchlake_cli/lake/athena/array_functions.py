"""The functions of arrays and maps.

In Athena, ``slice`` takes a length (DuckDB: a last place), ``sequence`` counts down too (only up), ``array_position``
of an absent value is 0 (NULL), ``array_join`` of only NULLs is an empty text (NULL), a NULL may be the largest element
(is skipped), and ``map_concat`` with NULL is NULL (leaves it out).
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from patchlake_cli.lake.athena.failures import refused_if
from patchlake_cli.lake.athena.time_texts import prepared


def _array_join(node: exp.ArrayToString) -> exp.Expr:
    node.set("this", prepared(node.this, exp.DataType.build("ARRAY<VARCHAR>")))
    # DuckDB's text of an array of only NULLs is NULL.
    is_known = node.this.copy().is_(exp.Null()).not_()
    return exp.Case().when(is_known, exp.Coalesce(this=node, expressions=[exp.Literal.string("")]))


def _named(node: exp.Anonymous) -> exp.Expr:
    if node.name.lower() != "map_concat":
        return node
    # DuckDB leaves a NULL out.
    known = exp.and_(*(part.copy().is_(exp.Null()).not_() for part in node.expressions))
    return exp.Case().when(known, node)


def _sequence(node: exp.GenerateSeries) -> exp.Expr:
    first, last = node.args["start"], node.args["end"]
    of_dates = first.is_type(exp.DType.DATE)
    if node.args.get("step") is None:
        up, down = (
            exp.Interval(this=exp.Literal.string(step), unit=exp.var("DAY")) if of_dates else exp.Literal.number(step)
            for step in ("1", "-1")
        )
        node.set("step", exp.Case().when(exp.LTE(this=first.copy(), expression=last.copy()), up).else_(down))
    if not of_dates:
        step = node.args["step"]
        away = exp.or_(exp.and_(step.copy() > 0, first > last), exp.and_(step.copy() < 0, first < last))
        problem = " is no step from the first number of sequence() to the last"
        node.set("step", refused_if(exp.or_(step.copy().eq(0), away), step, problem))
    # DuckDB does not count up to a sum, which has 128 bits.
    for name in () if of_dates else ("start", "end"):
        node.set(name, exp.cast(node.args[name], "BIGINT"))
    return exp.cast(node, "DATE[]") if of_dates else node


def _slice(node: exp.ArraySlice) -> exp.Expr:
    start, length = node.args["start"], node.args["end"]
    last = exp.paren(start + length - 1)
    # Before the end, places are negative, and the last is -1.
    end = exp.Case().when(exp.and_(start < 0, last >= 0), exp.Literal.number(-1)).else_(last)
    return exp.Anonymous(this="array_slice", expressions=[node.this, start, end])


def _array_position(node: exp.ArrayPosition) -> exp.Expr:
    known = exp.and_(node.this.is_(exp.Null()).not_(), node.expression.is_(exp.Null()).not_())
    return exp.Case().when(known, exp.Coalesce(this=node, expressions=[exp.Literal.number(0)]))


def _array_extreme(node: exp.ArrayMax | exp.ArrayMin) -> exp.Expr:
    return exp.Case().when(_has_no_null(node.this), node)


def _contains(node: exp.ArrayContains) -> exp.Expr:
    return exp.Case().when(exp.or_(node.copy(), _has_no_null(node.this)), node)


def _has_no_null(array: exp.Expr) -> exp.Expr:
    count, length = (exp.Anonymous(this=name, expressions=[array.copy()]) for name in ("list_count", "len"))
    return count.eq(length)


ARRAY_FUNCTIONS: Mapping[type[exp.Expr], Callable[[Any], exp.Expr]] = {
    exp.Anonymous: _named,
    exp.ArrayContains: _contains,
    exp.ArrayMax: _array_extreme,
    exp.ArrayMin: _array_extreme,
    exp.ArrayPosition: _array_position,
    exp.ArraySlice: _slice,
    exp.ArrayToString: _array_join,
    exp.GenerateSeries: _sequence,
}
"""How each is written for DuckDB."""
