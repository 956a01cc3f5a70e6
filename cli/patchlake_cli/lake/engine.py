"""A lake as a database on this machine: its tables, the views over them, and queries in Athena's SQL.

DuckDB runs a translation of the SQL files that Athena runs, over the published Parquet files.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import duckdb
from sqlglot import exp

from patchlake.core.tables import ColumnType, Table
from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.errors import LakeError, QueryError
from patchlake_cli.lake.files import LakeFiles, find_lake
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import RECENT, Settings, Statement, queries, relations_of, views
from patchlake_cli.lake.translation import (
    located,
    parse_question,
    suggested,
    translate,
    translate_question,
    unknown_relation,
)

_ATHENA = {
    "VARCHAR": "varchar",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "bigint",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
}
"""Athena's name of each of DuckDB's types; a sum of integers is a HUGEINT in DuckDB and a bigint in Athena."""

_FILES = "_files"
"""The suffix of the name under which DuckDB, and its error messages, know the files of a table."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of an answer, in order; a timestamp is a ``datetime`` without a zone, in UTC.

    Attributes:
        types: the types of the columns, by Athena's names.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Lake:
    """The tables ``patch_states`` and ``coverage``, their twins ``recent_…`` and every view, ready for queries."""

    def __init__(self, files: LakeFiles, now: datetime, settings: Settings) -> None:
        """Register the tables; this reads only the names of files."""
        self.now = now.astimezone(UTC)
        self._files = files
        self.settings = settings
        # A query can read the registered tables only: no file, no network, no variable of this process.
        self._database = duckdb.connect(config={"enable_external_access": False, "python_enable_replacements": False})
        self._database.execute("SET TimeZone = 'UTC'")
        self._defined: set[str] = set()
        for table in SOURCES.tables:
            self._register(table, table.name, "0000", "9999")
            self._register(table, RECENT + table.name, self.window_start, self.now.date().isoformat())
        self._undefined = {view.name: view for view in views()}

    @property
    def window_start(self) -> str:
        """The first date of the window."""
        first = self.now.toordinal() - self.settings.window_days
        return date.fromordinal(max(first, date.min.toordinal())).isoformat()

    @property
    def newest_date(self) -> str:
        """The date of the newest run in the lake, inside the window or not."""
        return self._files.newest_date

    def query(self, sql: str, parameters: Sequence[str] = ()) -> Answer:
        """Answer one SELECT in Athena's SQL.

        Raises:
            QueryError: it is not one SELECT, or it names what does not exist; the text shows the position.
            LakeError: a file cannot be read.
        """
        question = parse_question(sql)
        relations = relations_of(question)
        places = len(list(question.find_all(exp.Placeholder)))
        if places != len(parameters):
            raise QueryError(f"the query has {places} ? but {len(parameters)} parameters were given")
        try:
            self._define(relations)
            schema = {name: self.describe(name) for name in relations}
            translated = translate_question(question, self.now, schema)
        except QueryError as error:
            raise QueryError(located(sql, str(error))) from error
        return self._answer(sql, translated, parameters)

    def named(self, name: str, parameters: Sequence[str] = ()) -> Answer:
        """Answer a named query.

        Args:
            name: a name in ``analytics/queries``.
            parameters: a value for each ``?``, in order.

        Raises:
            QueryError: there is no such query, or it needs other parameters; the text names them.
            LakeError: a file cannot be read.
        """
        query = find_query(name, parameters)
        self._define(query.relations)
        sql = query.render(self.settings)
        return self._answer(sql, translate(sql, self.now), parameters)

    def add_csv(self, name: str, text: str) -> None:
        """Add a table from a CSV file with a header; every column is text, as in Athena's OpenCSVSerDe.

        Raises:
            QueryError: the name is in use, or the text is not a table.
        """
        head, *rows = list(csv.reader(io.StringIO(text))) or [[]]
        if name in self._defined or name in self._undefined:
            raise QueryError(f"table {name!r} already exists: choose another name")
        if not head or len(set(head)) < len(head) or not all(map(str.isidentifier, head)):
            raise QueryError(f"{name}: the first line must name each column once, with letters, digits and _")
        if uneven := [number for number, row in enumerate(rows, start=2) if len(row) != len(head)]:
            raise QueryError(f"{name}: row {uneven[0]} does not have {len(head)} columns, as the first row does")
        columns = ", ".join(f'"{column}" VARCHAR' for column in head)
        self._database.execute(f"CREATE TABLE {name} ({columns})")
        if rows:
            places = ", ".join("?" for _ in head)
            self._database.executemany(f"INSERT INTO {name} VALUES ({places})", rows)  # noqa: S608
        self._defined.add(name)

    def describe(self, relation: str) -> dict[str, str]:
        """Return the columns of a table or view, in order, with their types by Athena's names."""
        self._define([relation])
        rows = self._database.execute(f"DESCRIBE {relation}").fetchall()
        return {row[0]: _ATHENA[row[1]] for row in rows}

    def _define(self, relations: Iterable[str]) -> None:
        """Create the views among these, and the views that they read; a query defines only what it reads."""
        for name in relations:
            view = self._undefined.pop(name, None)
            if view is not None:
                self._define(view.relations)
                self._database.execute(f"CREATE VIEW {name} AS {translate(view.render(self.settings), self.now)}")
                self._defined.add(name)
            elif name not in self._defined:
                raise unknown_relation(name, self._defined | set(self._undefined))

    def _answer(self, asked: str, translated: str, parameters: Sequence[str]) -> Answer:
        try:
            result = self._database.execute(translated, list(parameters))
            description = result.description or []
            return Answer(
                columns=tuple(column[0] for column in description),
                types=tuple(_ATHENA.get(str(column[1]), str(column[1]).lower()) for column in description),
                rows=result.fetchall(),
            )
        except duckdb.Error as error:
            if _FILES in str(error):
                raise LakeError(f"the lake cannot be read: {error}") from error
            raise QueryError(located(asked, str(error))) from error

    def _register(self, table: Table, name: str, first: str, last: str) -> None:
        """Let DuckDB read a table's files of these dates."""
        self._database.register(f"{name}{_FILES}", self._files.rows(table, first, last))
        # As in Athena, a timestamp carries no zone and means UTC.
        columns = [
            f"CAST({column.name} AS TIMESTAMP) AS {column.name}" if column.type is ColumnType.TIMESTAMP else column.name
            for column in table
        ]
        selected = ", ".join([*columns, "run_date"])
        self._database.execute(f"CREATE VIEW {name} AS SELECT {selected} FROM {name}{_FILES}")  # noqa: S608
        self._defined.add(name)


def open_lake(
    location: LakeLocation,
    *,
    now: datetime | None = None,
    settings: Settings | None = None,
    session: boto3.Session | None = None,
) -> Lake:
    """Open a lake.

    Args:
        location: the location of the lake.
        now: the time from which ages and the window count; the present by default.
        settings: the parameters of a stack.
        session: a session that may read the bucket; the SDK's default one otherwise.

    Raises:
        LakeError: there is no lake, or it cannot be read.
    """
    return Lake(find_lake(location, session), now or datetime.now(UTC), settings or Settings())


def open_lake_as_of(location: LakeLocation, as_of: date | None, settings: Settings | None = None) -> Lake:
    """Open a lake, as it is or as it was in the last second of a UTC date.

    Raises:
        LakeError: there is no lake, or it cannot be read.
    """
    now = None if as_of is None else datetime.combine(as_of, datetime.min.time(), UTC) + timedelta(days=1, seconds=-1)
    return open_lake(location, now=now, settings=settings)


def find_query(name: str, parameters: Sequence[str]) -> Statement:
    """Return a named query that takes these parameters.

    Raises:
        QueryError: there is no such query, or it needs other parameters; the text names them.
    """
    named = {query.name: query for query in queries()}
    if name not in named:
        raise QueryError(
            f"there is no named query {name!r}{suggested(name, list(named))} The named queries are: {', '.join(named)}"
        )
    query = named[name]
    if len(parameters) != len(query.parameters):
        wanted = "; ".join(f"{parameter}: {text}" for parameter, text in query.parameters.items()) or "none"
        needed = f"{len(query.parameters)} parameter{'' if len(query.parameters) == 1 else 's'}"
        raise QueryError(f"{name} needs {needed}, not {len(parameters)}. {wanted}")
    return query
