"""A lake as a database on this machine: its tables, the views over them, and answers to Athena's SQL.

The same SQL files that Athena runs are translated and run by DuckDB, over the Parquet files as they are published.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import duckdb
from sqlglot import exp

from patchlake.core.tables import ColumnType, Table
from patchlake.sources.registry import SOURCES
from patchlake_cli.analytics.errors import LakeError, QueryError
from patchlake_cli.analytics.files import LakeFiles, find_lake
from patchlake_cli.analytics.statements import RECENT, Settings, Statement, queries, relations_of, views
from patchlake_cli.analytics.translation import (
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
"""DuckDB's types by Athena's names; only a sum of integers is wider there, and is bounded by bigint in Athena."""

_FILES = "_files"
"""The end of the name under which the files of a table are known to DuckDB, and to its complaints about them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of an answer, in order; a timestamp is a ``datetime`` without a zone, in UTC.

    Attributes:
        types: of the columns, by Athena's names.
    """

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Lake:
    """The tables ``patch_states`` and ``coverage``, their twins ``recent_…`` and every view, ready for questions."""

    def __init__(self, files: LakeFiles, now: datetime, settings: Settings) -> None:
        """Register the tables; nothing but file names has been read after it."""
        self.now = now.astimezone(UTC)
        self._files = files
        self.settings = settings
        # What is asked reaches the registered tables only: no file, no network, no variable of this process.
        self._database = duckdb.connect(config={"enable_external_access": False, "python_enable_replacements": False})
        self._database.execute("SET TimeZone = 'UTC'")
        self._defined: set[str] = set()
        for table in SOURCES.tables:
            self._register(table, table.name, "0000", "9999")
            self._register(table, RECENT + table.name, self.window_start, f"{self.now:%Y-%m-%d}")
        self._undefined = {view.name: view for view in views()}

    @property
    def window_start(self) -> str:
        """The first date of the window."""
        return f"{self.now - timedelta(days=self.settings.window_days):%Y-%m-%d}"

    @property
    def newest_date(self) -> str:
        """The date of the newest run in the lake, in the window or not."""
        return self._files.newest_date

    def query(self, sql: str, parameters: Sequence[str] = ()) -> Answer:
        """Answer one SELECT in Athena's SQL.

        Raises:
            QueryError: it is none, or it asks for what is not there; the text shows the place.
            LakeError: a file cannot be read.
        """
        question = parse_question(sql)
        relations = relations_of(question)
        places = len(list(question.find_all(exp.Placeholder)))
        if places != len(parameters):
            raise QueryError(f"the query has {places} ? and was given {len(parameters)} parameters")
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
            name: as in ``analytics/queries``.
            parameters: for each ``?`` of it, in order.

        Raises:
            QueryError: there is no such query, or it needs other parameters; the text says which.
            LakeError: a file cannot be read.
        """
        query = find_query(name, parameters)
        self._define(query.relations)
        sql = query.render(self.settings)
        return self._answer(sql, translate(sql, self.now), parameters)

    def add_csv(self, name: str, text: str) -> None:
        """Add one more table: a CSV file with a header, every column text, as Athena's OpenCSVSerDe reads it.

        Raises:
            QueryError: the name is taken, or the text is no table.
        """
        head, *rows = list(csv.reader(io.StringIO(text))) or [[]]
        if name in self._defined or name in self._undefined:
            raise QueryError(f"there is a table {name!r} already: choose another name")
        if not head or len(set(head)) < len(head) or not all(map(str.isidentifier, head)):
            raise QueryError(f"{name}: the first line must name the columns, in letters, digits and _, each once")
        if uneven := [number for number, row in enumerate(rows, start=2) if len(row) != len(head)]:
            raise QueryError(f"{name}: row {uneven[0]} has not the {len(head)} columns of the first")
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
        """Create the views among these, and what they stand on: a question pays for what it reads."""
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
    location: str,
    *,
    now: datetime | None = None,
    settings: Settings | None = None,
    session: boto3.Session | None = None,
) -> Lake:
    """Open a lake.

    Args:
        location: a folder, or ``s3://bucket`` with or without a prefix.
        now: the moment that ages and the window are counted from; the present by default.
        settings: what a stack has as parameters.
        session: that may read a bucket; the SDK's default one otherwise.

    Raises:
        LakeError: there is none, or it cannot be read.
    """
    return Lake(find_lake(location, session), now or datetime.now(UTC), settings or Settings())


def find_query(name: str, parameters: Sequence[str]) -> Statement:
    """Return a named query that takes these parameters.

    Raises:
        QueryError: there is no such query, or it needs other parameters; the text says which.
    """
    named = {query.name: query for query in queries()}
    if name not in named:
        raise QueryError(
            f"there is no named query {name!r}{suggested(name, list(named))} There are: {', '.join(named)}"
        )
    query = named[name]
    if len(parameters) != len(query.parameters):
        wanted = "; ".join(f"{parameter}: {text}" for parameter, text in query.parameters.items()) or "none"
        raise QueryError(f"{name} needs {len(query.parameters)} parameters, not {len(parameters)}. {wanted}")
    return query
