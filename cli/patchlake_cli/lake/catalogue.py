"""The named queries, the tables and views, and their columns, as answers: they need no lake."""

from datetime import UTC, datetime

from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.engine import Answer, Lake
from patchlake_cli.lake.files import no_files
from patchlake_cli.lake.meanings import relation_meanings
from patchlake_cli.lake.policy import POLICY_TABLES
from patchlake_cli.lake.statements import HISTORY, Settings, queries, views


def list_queries() -> Answer:
    """Return the name of each named query, the names of its parameters, and its question."""
    rows = [(each.name, ", ".join(p.name for p in each.parameters), each.question) for each in queries()]
    return Answer(("name", "parameters", "question"), ("varchar",) * 3, rows)


def list_relations() -> Answer:
    """Return the name of each table and view, and what its rows are, without the twins ``history_…``."""
    tables = [(each.name, "table", each.description) for each in (*SOURCES.tables, *POLICY_TABLES)]
    shown = sorted((each for each in views() if not each.name.startswith(HISTORY)), key=lambda view: view.name)
    rows = tables + [(each.name, "view", each.rows[:1].upper() + each.rows[1:]) for each in shown]
    return Answer(("name", "kind", "rows"), ("varchar",) * 3, rows)


def describe(relation: str) -> Answer:
    """Return the columns of a table or view, with their types and meanings.

    Raises:
        QueryError: there is no such table or view.
    """
    types = empty_lake().describe(relation)
    meanings = relation_meanings(relation)
    rows = [(name, kind, meanings[name]) for name, kind in types.items()]
    return Answer(("column", "type", "meaning"), ("varchar",) * 3, rows)


def empty_lake() -> Lake:
    """Return a lake without a row; its columns and their types are those of any other lake."""
    return Lake(no_files(), datetime(2026, 11, 1, tzinfo=UTC), Settings())
