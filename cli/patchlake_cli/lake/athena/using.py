"""The columns of USING: in Athena, each is one column of the joined tables, and no longer one of each table."""

from collections.abc import Iterator, Sequence

from sqlglot import exp
from sqlglot.optimizer.resolver import Resolver
from sqlglot.optimizer.scope import traverse_scope
from sqlglot.schema import Schema

from patchlake_cli.lake.errors import QueryError

_IS_USING = "is using"


def require_joined_columns(question: exp.Query) -> None:
    """Require that the columns of USING are named without a table, and that it follows no list of tables.

    Args:
        question: the SELECT as it was parsed; its joins are marked for `compare_joined_columns`.

    Raises:
        QueryError: one is named with its table, or its USING follows such a list.
    """
    for select in question.find_all(exp.Select):
        joins = _joins(select)
        for number, join in enumerate(joins):
            names = {column.name.lower() for column in join.args.get("using") or ()}
            if not names:
                continue
            join.meta[_IS_USING] = True
            # It joins the last table only; for sqlglot, all of them.
            if not all(each.kind or each.args.get("on") or each.args.get("using") for each in joins[:number]):
                raise QueryError("USING after a list of tables is not supported: use CROSS JOIN, or ON")
            for column in _columns_with_tables(select, joins[: number + 1]):
                if column.is_star:
                    raise QueryError(f"{_written(column)} lacks the columns of USING in Athena: name the columns")
                if column.name.lower() in names and column.find_ancestor(exp.Join) not in joins[:number]:
                    raise QueryError(f"{_written(column)} is not valid in Athena after USING: write {column.name}")


def compare_joined_columns(tree: exp.Expr) -> None:
    """Compare a column of USING with that of all tables before it: sqlglot takes the first one, which may have no row.

    Args:
        tree: the SELECT, with the tables of its columns; it is changed.
    """
    for select in tree.find_all(exp.Select):
        joined: dict[str, list[exp.Expr]] = {}
        may_lack_first = False
        for join in _joins(select):
            for compared in list(join.args["on"].find_all(exp.EQ)) if join.meta.get(_IS_USING) else ():
                first, last = compared.this, compared.expression
                columns = joined.setdefault(last.name, [first.copy()])
                if may_lack_first and len(columns) > 1:
                    first.replace(exp.func("coalesce", *columns))
                columns.append(last.copy())
            may_lack_first = may_lack_first or join.side in {"RIGHT", "FULL"}


def require_one_joined_column(tree: exp.Expr, schema: Schema) -> None:
    """Require that no two tables before a USING have its column, unless another USING has joined these.

    Args:
        tree: the SELECT, with the tables of its columns.
        schema: that of every relation that it names.

    Raises:
        QueryError: two have it.
    """
    for scope in traverse_scope(tree):
        resolver = Resolver(scope, schema)
        joins: list[exp.Join] = scope.expression.args.get("joins") or []
        for number, join in enumerate(joins):
            for name in _names_joined(join):
                others = [each for each in joins[:number] if name not in _names_joined(each)]
                tables = [each.alias_or_name for each in (scope.expression.args["from_"], *others)]
                if sum(name in resolver.get_source_columns(table) for table in tables if table in scope.sources) > 1:
                    raise QueryError(f"USING ({name}) is ambiguous: several tables before it have the column {name}")


def require_tables_of_conditions(tree: exp.Expr) -> None:
    """Require that the condition of a JOIN names no table before a comma: in Athena, a JOIN binds more tightly.

    Args:
        tree: the SELECT, with the tables of its columns.

    Raises:
        QueryError: one names such a table.
    """
    for select in tree.find_all(exp.Select):
        before: set[str] = set()
        joined = {select.args["from_"].alias_or_name} if select.args.get("from_") else set()
        for join in _joins(select):
            condition = join.args.get("on")
            if not (join.kind or condition):
                before, joined = before | joined, set()
            joined.add(join.alias_or_name)
            for column in condition.find_all(exp.Column) if condition else ():
                if column.table in before:
                    raise QueryError(f"{_written(column)}: in ON, Athena knows no table before a comma: use CROSS JOIN")


def _names_joined(join: exp.Join) -> list[str]:
    """Return the names of the columns of a USING; none if the join has another condition."""
    is_using = join.meta.get(_IS_USING, False)
    return [compared.expression.name for compared in join.args["on"].find_all(exp.EQ)] if is_using else []


def write_joined_columns(tree: exp.Expr) -> None:
    """Write out each selected column of USING in an expression of ORDER BY: its name is that of a column of two tables.

    Args:
        tree: the SELECT, with the tables of its other columns; it is changed.
    """
    for select in tree.find_all(exp.Select):
        joined = {each.alias: each.this for each in select.selects if isinstance(each.unalias(), exp.Coalesce)}
        order = select.args.get("order")
        for ordered in order.expressions if order else []:
            for column in list(ordered.this.find_all(exp.Column)):
                if column is not ordered.this and not column.table and column.name in joined:
                    column.replace(joined[column.name].copy())


def _joins(select: exp.Query) -> list[exp.Join]:
    return select.args.get("joins") or []


def _columns_with_tables(select: exp.Select, joins: Sequence[exp.Join]) -> Iterator[exp.Column]:
    """Yield the columns of these tables of a SELECT that are named with their table."""
    tables = {each.alias_or_name.lower() for each in (select.args.get("from_"), *joins) if each}
    for column in select.find_all(exp.Column):
        if column.table and column.table.lower() in tables and _select_of(column) is select:
            yield column


def _select_of(column: exp.Column) -> exp.Query | None:
    """Return the innermost SELECT around a column that has its table."""
    select: exp.Query | None = column.parent_select
    while select and column.table.lower() not in _tables(select):
        select = select.parent_select
    return select


def _tables(select: exp.Query) -> set[str]:
    tables = [select.args.get("from_"), *_joins(select)]
    return {each.alias_or_name.lower() for each in tables if each}


def _written(column: exp.Column) -> str:
    return column.sql(dialect="athena")
