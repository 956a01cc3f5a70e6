"""The indexes of arrays and parts: Athena refuses those below 1, and DuckDB counts them from the end.

Athena refuses those of texts too.
"""

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.simplify import simplify

from patchlake_cli.lake.athena.failures import refused_if
from patchlake_cli.lake.errors import QueryError


def keep_indexes(question: exp.Query) -> None:
    """Write each index as the user did.

    sqlglot's parser counts from 0, unless it knows at once that the brackets are those of a map; its generator adds 1
    again, unless it knows by then.

    Args:
        question: the SELECT as it was parsed, which is changed.
    """
    for bracket in question.find_all(exp.Bracket):
        if not bracket.args.get("offset"):
            [index] = bracket.expressions
            is_whole = annotate_types(index, dialect="athena").is_type(*exp.DataType.INTEGER_TYPES)
            # The type that the parser has found for it.
            if is_whole and bracket.this.is_type(exp.DType.ARRAY, exp.DType.UNKNOWN):
                index.replace(simplify(index.copy() + 1))
            bracket.set("offset", 1)


def require_indexes(tree: exp.Expr) -> None:
    """Require that each index is that of an array or map.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: an index is that of a text.
    """
    for part in tree.find_all(exp.Bracket, exp.ArraySlice):
        _require_array(part.this)


def refuse_other_indexes(tree: exp.Expr) -> None:
    """Let the SELECT fail where an array has no such index, or a map no such key.

    Args:
        tree: the SELECT with its types, which is changed.
    """
    # From the leaves, since an array may be a part of another one.
    for part in reversed(list(tree.bfs())):
        match part:
            case exp.ArraySlice():
                part.set("start", _not_zero(part.args["start"]))
            case exp.Bracket(this=exp.Expr() as whole, expressions=[index]):
                is_array, is_map = whole.is_type(exp.DType.ARRAY, exp.DType.LIST), whole.is_type(exp.DType.MAP)
                if part.args.get("safe"):
                    if is_array:
                        part.set("expressions", [_not_zero(index)])
                elif is_array:
                    part.set("expressions", [_in_array(whole, index)])
                elif is_map:
                    part.replace(_value(part, whole, index))


def _not_zero(index: exp.Expr) -> exp.Expr:
    return refused_if(index.copy().eq(0), index, " is no index: it must be a whole number, and not 0")


def _in_array(array: exp.Expr, index: exp.Expr) -> exp.Expr:
    length = exp.Anonymous(this="len", expressions=[array.copy()])
    is_outside = exp.or_(index.copy() < 1, index.copy() > length)
    return refused_if(is_outside, index, " is no index of the array, from 1 on: element_at() gives NULL beyond its end")


def _value(part: exp.Expr, entries: exp.Expr, key: exp.Expr) -> exp.Expr:
    keys, values = (exp.Anonymous(this=name, expressions=[entries.copy()]) for name in ("map_keys", "map_values"))
    place = exp.Anonymous(this="list_position", expressions=[keys, key.copy()])
    known = [each.copy().is_(exp.Null()).not_() for each in (entries, key)]
    is_absent = exp.and_(place.copy().is_(exp.Null()), *known)
    found = refused_if(is_absent, place, " is no key of the map: element_at() gives NULL for it", shown=key)
    value = exp.Anonymous(this="list_extract", expressions=[values, found])
    value.type = part.type
    return value


def _require_array(array: exp.Expr) -> None:
    if isinstance(array.unnest(), exp.Placeholder) or array.is_type(*exp.DataType.TEXT_TYPES):
        raise QueryError(f"{_written(array)} is text, and not an array: use substr() for a part of it")


def _written(part: exp.Expr) -> str:
    return part.sql(dialect="athena")
