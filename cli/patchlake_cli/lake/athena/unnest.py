"""UNNEST and cardinality: Athena has them for maps, too, and UNNEST for several arrays; DuckDB only for one array."""

from sqlglot import exp

from patchlake.core.counts import counted
from patchlake_cli.lake.athena.types import columns_of_unnest
from patchlake_cli.lake.errors import QueryError


def require_unnest(tree: exp.Expr) -> None:
    """Require that each UNNEST has a name for each of its columns.

    Args:
        tree: the SELECT with its types.

    Raises:
        QueryError: it has more or fewer, or it is one of rows.
    """
    for unnest in tree.find_all(exp.Unnest):
        columns = columns_of_unnest(unnest)
        if any(column.is_type(exp.DType.STRUCT) for column in columns):
            raise QueryError("UNNEST of an array of rows is not supported")
        names, needed = len(_names(unnest)), len(columns) + bool(unnest.args.get("offset"))
        # A type that is not known may be that of a map.
        is_known = len(columns) > 1 or not columns[0].is_type(exp.DType.UNKNOWN)
        if is_known and names != needed and (names or needed > 1):
            raise QueryError(f"{_written(unnest)} has {counted(needed, 'column')}: name each, such as AS t (a, b)")


def write_unnest(tree: exp.Expr) -> None:
    """Write each UNNEST of several columns as DuckDB has it, as a SELECT of arrays, and cardinality as that of both.

    Args:
        tree: the SELECT with its types, which is changed.
    """
    for size in list(tree.find_all(exp.ArraySize)):
        cardinality = exp.Anonymous(this="cardinality", expressions=[size.this])
        # DuckDB's has no sign, so that no difference could be below 0.
        size.replace(exp.cast(cardinality, exp.DType.BIGINT))
    for unnest in list(tree.find_all(exp.Unnest)):
        if len(columns_of_unnest(unnest)) > 1:
            unnest.replace(_selected(unnest))


def _selected(unnest: exp.Unnest) -> exp.Expr:
    arrays = [array for each in unnest.expressions for array in _arrays(each)]
    if unnest.args.get("offset"):
        lengths = [exp.Anonymous(this="len", expressions=[array.copy()]) for array in arrays]
        last = exp.Anonymous(this="greatest", expressions=lengths)
        # The end of a range is not in it.
        arrays.append(exp.Anonymous(this="range", expressions=[exp.Literal.number(1), last + 1]))
    select = exp.select(*(exp.Unnest(expressions=[array]) for array in arrays))
    alias = exp.TableAlias(this=unnest.args["alias"].this, columns=_names(unnest))
    return exp.Subquery(this=select, alias=alias)


def _arrays(value: exp.Expr) -> list[exp.Expr]:
    if value.is_type(exp.DType.MAP):
        return [exp.Anonymous(this=name, expressions=[value.copy()]) for name in ("map_keys", "map_values")]
    return [value]


def _names(unnest: exp.Unnest) -> list[exp.Identifier]:
    alias, offset = unnest.args.get("alias"), unnest.args.get("offset")
    return [*(alias.columns if alias else []), *([offset] if isinstance(offset, exp.Identifier) else [])]


def _written(unnest: exp.Unnest) -> str:
    return exp.Unnest(expressions=[each.copy() for each in unnest.expressions]).sql(dialect="athena")
