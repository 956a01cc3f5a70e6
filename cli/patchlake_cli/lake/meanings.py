"""The meaning of every column of a table, a view or a named query.

A header describes the columns that its statement makes; any other column has the meaning of the one that it comes from.
"""

from collections.abc import Mapping
from functools import cache

from sqlglot import exp

from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.policy import OBJECT_PATH, POLICY_TABLES
from patchlake_cli.lake.statements import HISTORY, RECENT, Statement, views

RUN_DATE = "The run's UTC date, YYYY-MM-DD: the partition."
OBJECT = "The object, or the file, of the row: a hidden column of Athena, which must be quoted."


@cache
def relation_meanings(relation: str) -> Mapping[str, str]:
    """Return the meaning of each column of a table or view, by name, in order.

    Raises:
        ValueError: a column has no description, or two different ones.
    """
    for table in SOURCES.tables:
        if relation in {table.name, RECENT + table.name, HISTORY + table.name}:
            return {**{column.name: column.description for column in table}, "run_date": RUN_DATE}
    for table in POLICY_TABLES:
        if relation == table.name:
            return {**{column.name: column.description for column in table}, OBJECT_PATH: OBJECT}
    [view] = [view for view in views() if view.name == relation]
    return statement_meanings(view)


def statement_meanings(statement: Statement) -> Mapping[str, str]:
    """Return the meaning of each column of a view or named query, by name, in order.

    Raises:
        ValueError: a column has no description or two different ones, or a described column does not exist.
    """
    tree = statement.tree
    if absent := set(statement.columns) - set(tree.named_selects):
        raise ValueError(
            f"{statement.name}: the header describes names that are not columns: {', '.join(sorted(absent))}"
        )
    aliases = {
        table.alias_or_name: table.name for table in tree.find_all(exp.Table) if table.name in statement.relations
    }
    return {
        column.alias_or_name: statement.columns.get(column.alias_or_name)
        or _inherited(statement, column.alias_or_name, aliases.get(column.text("table")))
        for column in tree.selects
    }


def _inherited(statement: Statement, name: str, origin: str | None) -> str:
    """Return the meaning of a column in the relation that it comes from; for a CTE, in the relation behind it."""
    meanings = {
        meaning
        for relation in ([origin] if origin else statement.relations)
        if (meaning := relation_meanings(relation).get(name)) is not None
    }
    if len(meanings) != 1:
        raise ValueError(
            f"{statement.name}: the header must say what {name} is, elsewhere it is {meanings or 'nothing'}"
        )
    return meanings.pop()
