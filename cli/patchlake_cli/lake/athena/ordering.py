"""The columns that ORDER BY and GROUP BY name: in Athena, none has the position 0, and a row has one value of each."""

from collections.abc import Mapping

from sqlglot import exp

from patchlake_cli.lake.errors import QueryError


def require_positions(question: exp.Query) -> None:
    """Require that each number in ORDER BY and GROUP BY is the position of a column; sqlglot counts back from 0.

    Args:
        question: the SELECT as it was parsed.

    Raises:
        QueryError: there is no such column.
    """
    for part in question.find_all(exp.Order, exp.Group):
        # The order of a window or of an aggregate has no positions.
        if isinstance(part.parent, exp.Query):
            columns = part.parent.selects
            for named in part.expressions:
                value = (named.this if isinstance(named, exp.Ordered) else named).unnest()
                is_known = not any(column.is_star for column in columns)
                if value.is_int and (value.to_py() < 1 or (is_known and value.to_py() > len(columns))):
                    raise QueryError(f"{part.key.upper()} BY {value}: the SELECT has no column {value}")


def name_subqueries(question: exp.Query) -> None:
    """Let each subquery that is selected be a column as others are: sqlglot finds none at its position.

    Args:
        question: the SELECT, which is changed.
    """
    for select in question.find_all(exp.Select):
        for column in select.expressions:
            if isinstance(column, exp.Subquery):
                alias = column.args.get("alias")
                column.set("alias", None)
                value = exp.Paren(this=column.copy())
                column.replace(exp.Alias(this=value, alias=alias.this) if alias else value)


def require_ordered_columns(tree: exp.Expr) -> None:
    """Require that a SELECT DISTINCT, and a query in parentheses, is ordered only by its own columns.

    Args:
        tree: the SELECT, with the tables of its columns.

    Raises:
        QueryError: it is ordered by something else, of which a row may have several values.
    """
    for select in tree.find_all(exp.Select):
        columns = {column.alias_or_name: column.unalias() for column in select.selects}
        for ordered in _ordered(select) if select.args.get("distinct") else []:
            value = ordered.this.unnest()
            if not (value.is_int or _written_out(value, columns) in columns.values()):
                written = value.sql(dialect="athena")
                raise QueryError(f"ORDER BY {written}: Athena orders a SELECT DISTINCT only by what it selects")
    for query in tree.find_all(exp.Subquery):
        for ordered in _ordered(query):
            for column in ordered.find_all(exp.Column):
                is_own = not column.table and column.name in query.named_selects
                if not is_own and column.find_ancestor(exp.Query) is query:
                    written = column.sql(dialect="athena")
                    raise QueryError(f"ORDER BY {written}: the SELECT in parentheses has no such column")


def _written_out(value: exp.Expr, columns: Mapping[str, exp.Expr]) -> exp.Expr:
    """Return an expression with the values of the columns that it names."""

    def written_out(part: exp.Expr) -> exp.Expr:
        is_name = isinstance(part, exp.Column) and not part.table and part.name in columns
        return columns[part.name].copy() if is_name else part

    return value.transform(written_out)


def _ordered(query: exp.Expr) -> list[exp.Ordered]:
    order = query.args.get("order")
    return order.expressions if order else []
