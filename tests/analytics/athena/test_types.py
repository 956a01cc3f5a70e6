"""The types that the template declares for a view are those that Athena would find.

The types come from DuckDB; Athena's own rules, as sqlglot knows them, must give the same.
"""

import pytest
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.statements import Statement, queries, views


def inferred(lake: Lake, statement: Statement) -> dict[str, str]:
    """Return the columns of a statement with their types by Athena's rules."""
    schema: dict[str, object] = {relation: lake.describe(relation) for relation in statement.relations}
    typed = annotate_types(
        qualify(statement.tree.transform(_with_its_type), schema=schema, dialect="athena", quote_identifiers=False),
        schema=schema,
        dialect="athena",
    )
    assert isinstance(typed, exp.Query)
    types = {column.alias_or_name: column.type for column in typed.selects}
    return {name: kind.sql(dialect="athena").lower() for name, kind in types.items() if isinstance(kind, exp.DataType)}


def _with_its_type(node: exp.Expr) -> exp.Expr:
    """Return what has the type that Athena documents: sqlglot knows another one, or none."""
    match node:
        case exp.DateDiff():
            return exp.cast(node, "bigint")
        case exp.RegexpExtractAll():
            return exp.cast(node, "array(varchar)")
        case exp.RegexpReplace():
            return exp.cast(node, "varchar")
        case exp.ArgMax():
            return exp.Max(this=node.this)
        case _:
            return node


@pytest.mark.parametrize("view", [pytest.param(view, id=view.name) for view in views()])
def test_a_views_types_are_those_that_athena_finds(lake: Lake, view: Statement) -> None:
    assert inferred(lake, view) == lake.describe(view.name)


@pytest.mark.parametrize("query", [pytest.param(query, id=query.name) for query in queries()])
def test_every_column_of_a_named_query_has_a_type_by_athenas_rules(lake: Lake, query: Statement) -> None:
    known = {"varchar", "integer", "bigint", "double", "boolean", "timestamp"}

    assert set(inferred(lake, query).values()) <= known
    assert list(inferred(lake, query)) == query.tree.named_selects
