"""The real views, each computed once over rows in memory: a small lake is answered in milliseconds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from patchlake.adapters.parquet import ARROW_TYPES
from patchlake.core.run import run_at, run_date
from patchlake.core.tables import ColumnType, Table
from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.athena.newest_dates import NO_DATES, NewestDates
from patchlake_cli.lake.athena.translation import translate
from patchlake_cli.lake.policy import OBJECT_PATH, POLICY_TABLES
from patchlake_cli.lake.statements import HISTORY, RECENT, Settings, Statement, views

type Row = Mapping[str, Any]


class MaterializedViews:
    """Statements over the views, each of which is computed once for all that read it."""

    def __init__(self, statements: Iterable[Statement], now: datetime, dates: NewestDates = NO_DATES) -> None:
        """Translate the statements, and the views that they need.

        Args:
            statements: views, or named queries without parameters.
            now: the time of the question.
            dates: the dates that the engine names.
        """
        statements = list(statements)
        self._views = {view.name: translate(view.render(Settings()), now, dates) for view in _needed(statements)}
        translated = {each.name: translate(each.render(Settings()), now, dates) for each in statements}
        self._statements = translated | {name: f"FROM {name}" for name in translated.keys() & self._views.keys()}

    def answers(self, tables: Mapping[str, Sequence[Row]]) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of each statement, by its name.

        Args:
            tables: the rows of each table, by its name; each has its run_id, and any other column may be absent. They
                are in the folder of the run's date, unless they have a run_date. Those of the policy have their
                ``$path`` instead.
        """
        with duckdb.connect() as database:
            database.execute("SET TimeZone = 'UTC'; SET threads = 1")
            for table in SOURCES.tables:
                _create(database, table, tables.get(table.name, ()))
            for table in POLICY_TABLES:
                _create_policy(database, table, tables.get(table.name, ()))
            for name, sql in self._views.items():
                database.execute(f"CREATE TABLE {name} AS {sql}")
            found = {}
            for name, sql in self._statements.items():
                result = database.execute(sql)
                columns = [column[0] for column in result.description or []]
                found[name] = [dict(zip(columns, row, strict=True)) for row in result.fetchall()]
            return found


def _needed(statements: Iterable[Statement]) -> list[Statement]:
    """Return the views that statements read, directly or not, each after those that it reads."""
    needed = {name for statement in statements for name in statement.relations}
    for view in reversed(views()):
        if view.name in needed:
            needed |= set(view.relations)
    return [view for view in views() if view.name in needed]


def _create(database: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Row]) -> None:
    """Create a table and its twins with the same rows; a timestamp carries no zone and means UTC."""
    schema = pa.schema([(column.name, ARROW_TYPES[column.type]) for column in table])
    filled = [{"run_at": int(run_at(row["run_id"]).timestamp() * 1000), **row} for row in rows]
    columns = pa.Table.from_pylist(filled, schema).append_column(
        "run_date", pa.array([row.get("run_date") or run_date(row["run_id"]) for row in rows], pa.string())
    )
    database.register("rows", columns)
    times = [column.name for column in table if column.type is ColumnType.TIMESTAMP]
    zoneless = ", ".join(f"CAST({name} AS TIMESTAMP) AS {name}" for name in times)
    database.execute(f"CREATE TABLE {RECENT}{table.name} AS SELECT * REPLACE ({zoneless}) FROM rows")  # noqa: S608
    for name in (table.name, HISTORY + table.name):
        database.execute(f"CREATE VIEW {name} AS FROM {RECENT}{table.name}")


def _create_policy(database: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Row]) -> None:
    """Create a table of the policy."""
    schema = pa.schema([(name, pa.string()) for name in (*table.column_names, OBJECT_PATH)])
    database.register("lines", pa.Table.from_pylist([dict(row) for row in rows], schema))
    database.execute(f"CREATE TABLE {table.name} AS FROM lines")
