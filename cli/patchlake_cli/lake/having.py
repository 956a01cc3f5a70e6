"""The columns of HAVING: sqlglot leaves them without their table, and so without their type."""

from sqlglot import exp
from sqlglot.optimizer.resolver import Resolver
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.schema import Schema


def name_tables_of_having(tree: exp.Expr, schema: Schema) -> None:
    """Name the table of each column in HAVING; there are no aliases.

    Args:
        tree: the SELECT, in whose other parts sqlglot named them; it is changed.
        schema: that of every relation that it names.
    """
    for scope in traverse_scope(tree):
        having = scope.expression.args.get("having")
        for column in having.find_all(exp.Column) if having else []:
            if not column.table and column.parent_select is scope.expression:
                column.set("table", Resolver(scope, schema).get_table(column))
