"""The entries of a map: Athena compares two maps by their entries, and DuckDB by their order too.

So each map has its entries in the order of their keys, as those of ``histogram`` are in DuckDB, whose counts have no
sign there.
"""

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError


def sort_entries(tree: exp.Expr) -> None:
    """Sort the entries of each map that a SELECT makes.

    Args:
        tree: the SELECT, which is changed.

    Raises:
        QueryError: a cast makes maps within an array, a map or a row.
    """
    # From the leaves, since a map may be a part of another one.
    for node in reversed(list(tree.bfs())):
        if _makes_a_map(node):
            place, of_type = exp.Null(), node.type
            node.replace(place)
            made = node
            for function in ("map_entries", "list_sort", "map_from_entries"):
                made = exp.Anonymous(this=function, expressions=[made])
            made.type = of_type
            place.replace(made)


def count_with_signs(tree: exp.Expr) -> None:
    """Make the counts of each histogram numbers with a sign, so that a difference of them may be below 0.

    Args:
        tree: the SELECT with its types, which is changed.
    """
    for call in list(tree.find_all(exp.Anonymous)):
        if call.name.lower() == "histogram":
            whole = whole_call(call)
            keys, values = (exp.Anonymous(this=name, expressions=[whole.copy()]) for name in ("map_keys", "map_values"))
            counts = exp.cast(values, exp.DataType.build("array<bigint>"))
            whole.replace(exp.Anonymous(this="map", expressions=[keys, counts]))


def whole_call(call: exp.Expr) -> exp.Expr:
    """Return the call of an aggregate with its FILTER and OVER."""
    whole = call
    while isinstance(whole.parent, (exp.Filter, exp.Window)) and whole.parent.this is whole:
        whole = whole.parent
    return whole


def _makes_a_map(node: exp.Expr) -> bool:
    match node:
        case exp.Map():
            return True
        case exp.Anonymous():
            return node.name.lower() == "map_concat"
        case exp.Cast(to=target) if any(part.is_type(exp.DType.MAP) for part in target.find_all(exp.DataType)):
            if any(part.is_type(exp.DType.MAP) for part in target.find_all(exp.DataType) if part is not target):
                written = node.sql(dialect="athena")
                raise QueryError(f"{written} is not supported: cast each map by itself")
            return True
        case _:
            return False
