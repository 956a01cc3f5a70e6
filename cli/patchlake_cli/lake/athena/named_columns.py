"""The names of columns: a list of names has one for each column, and a name that two columns have is ambiguous."""

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

from patchlake_cli.lake.errors import QueryError

_NAMES = "names"


def keep_names(question: exp.Query) -> None:
    """Keep the list of names that follows a SELECT or VALUES, for `require_names`: sqlglot drops it.

    Args:
        question: the SELECT as it was parsed.

    Raises:
        QueryError: the list follows a table or view.
    """
    for named in question.find_all(exp.CTE, exp.Subquery, exp.Values, exp.Table):
        if names := named.alias_column_names:
            written = f"{named.alias} ({', '.join(names)})"
            if isinstance(named.this, exp.Identifier):
                raise QueryError(f"{written} is not supported after a table: use AS for each name in a SELECT")
            selected = named if isinstance(named, exp.Values) else named.this.unnest()
            selected.meta[_NAMES] = written, len(names)


def require_names(tree: exp.Expr) -> None:
    """Require that each list of names has one for each column, and that no name of two columns is used.

    Args:
        tree: the SELECT, with the tables of its columns.

    Raises:
        QueryError: a list is shorter or longer, or a name is ambiguous.
    """
    for selected in tree.find_all(exp.Query, exp.Values):
        written, number = selected.meta.get(_NAMES, ("", 0))
        if number and number != _number_of_columns(selected):
            raise QueryError(f"{written} must have a name for each column, and no others")
    for scope in traverse_scope(tree):
        for column in scope.columns:
            source = scope.sources.get(column.table)
            named = source.expression if isinstance(source, Scope) else None
            if isinstance(named, exp.Selectable) and named.named_selects.count(column.name) > 1:
                raise QueryError(f"{column.name} is ambiguous: several columns of {column.table} have this name")
    for query in tree.find_all(exp.Query):
        order = query.args.get("order")
        for ordered in order.expressions if order else ():
            named = ordered.this
            is_name = isinstance(named, exp.Column) and not named.table
            columns = [column.unalias() for column in query.selects if column.alias_or_name == named.name]
            # In Athena, one expression may be selected twice.
            if is_name and len(set(columns) if isinstance(query, exp.Select) else columns) > 1:
                raise QueryError(f"ORDER BY {named.name} is ambiguous: several columns have this name")


def _number_of_columns(selected: exp.Selectable) -> int | None:
    """Return the number of columns of a SELECT or VALUES; None if a star hides it."""
    if isinstance(selected, exp.Values):
        row = selected.expressions[0]
        return len(row.expressions) if isinstance(row, exp.Tuple) else 1
    return None if any(column.is_star for column in selected.selects) else len(selected.selects)
