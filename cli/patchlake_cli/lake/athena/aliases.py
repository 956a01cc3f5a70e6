"""The aliases of a SELECT: Athena knows them in ORDER BY and in outer queries, and DuckDB in the whole SELECT."""

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError


def refuse_aliases(tree: exp.Expr) -> None:
    """Refuse an alias where Athena does not know it.

    Args:
        tree: the SELECT, with the tables of its columns: a name without one may only be an alias.

    Raises:
        QueryError: there is such an alias.
    """
    for select in tree.find_all(exp.Select):
        aliases = {each.alias for each in select.selects if each.alias != each.unalias().unnest().name}
        for column in select.find_all(exp.Column):
            if not column.table and column.name in aliases and not _orders(column):
                raise QueryError(
                    f"{column.name} is an alias, which only ORDER BY may name: write its expression instead, "
                    "or the table before the name of a column"
                )


def _orders(column: exp.Column) -> bool:
    """Whether a column is in the ORDER BY of a query, and not in that of a window."""
    order = column.find_ancestor(exp.Order, exp.Select)
    return isinstance(order, exp.Order) and isinstance(order.parent, exp.Query)
