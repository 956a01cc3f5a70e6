"""A lake as a database on this machine: its tables, the views over them, and queries in Athena's SQL.

DuckDB runs a translation of the SQL files that Athena runs, over the published Parquet files.
"""

import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

import duckdb

from patchlake.adapters.one_line import one_line
from patchlake.core.counts import counted
from patchlake.core.tables import Table
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.answer_values import check_rows, check_types
from patchlake_cli.lake.athena.complaints import TOO_DEEP
from patchlake_cli.lake.athena.newest_dates import NO_DATES, NewestDates
from patchlake_cli.lake.athena.places import parameters_of
from patchlake_cli.lake.athena.translation import (
    located,
    parse_question,
    translate,
    translate_question,
    unknown_relation,
)
from patchlake_cli.lake.errors import FutureDateError, LakeError, QueryError
from patchlake_cli.lake.files import RESTORE, LakeFiles, PolicyFiles, find_lake, find_policy
from patchlake_cli.lake.interruptible import InterruptibleDatabase
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.parameters import check_values
from patchlake_cli.lake.policy import OBJECT_PATH, POLICY_TABLES, read_lines
from patchlake_cli.lake.statements import (
    HISTORY,
    RECENT,
    Settings,
    Statement,
    queries,
    relations_in,
    relations_of,
    times_read,
    views,
)
from patchlake_cli.similar_names import suggested

if TYPE_CHECKING:
    import boto3

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

_COMPUTED_ONCE = frozenset(
    {
        "covered_runs",
        "known_targets",
        "latest_coverage",
        "latest_run",
        "patch_runs",
        "runs",
        "target_listings",
        "target_runs",
    }
)
"""Views that are kept as tables: nearly every other view reads them, and they have no row per node."""

_CLOCKS = "patch_clocks"
"""The view that costs most. DuckDB computes it once if a question reads it twice, but not if it reads it more often."""

_KEPT = "kept"
"""The database of the views that are kept as tables, compressed in memory."""

_ZONED = "TIMESTAMP WITH TIME ZONE"

_FILES = "_files"
"""The suffix of the name under which DuckDB, and its error messages, know the files of a table."""
_AROUND_CAUSE = re.compile(rf"^.*?'\w+{_FILES}' failed: (?:[A-Z]\w+: )?|\.*\s+Detail: Python exception: .*$", re.DOTALL)
"""What DuckDB and pyarrow say before and after the cause: a table that the user does not know, a traceback."""

_OF_JOINS = ("join_order", "build_side_probe_side")
"""DuckDB's optimizers that need the number of rows: it does not know that of the files, and assumes few.

The SQL has the larger side of a join first, as Athena needs it, which does not know either.
"""
_OUT_OF_TRY = ("common_subexpressions", "expression_rewriter", "statistics_propagation")
"""Those that calculate outside of a TRY what is in it: what is there twice, or constant."""

_NOT_UTF_8 = re.compile(r"(?i)invalid unicode|invalid UTF-8")
"""In what DuckDB says about a text that is not UTF-8: it does not say where the text is."""


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
    """The published tables, their twins ``recent_…`` and ``history_…``, the policy and each view, ready for queries."""

    def __init__(
        self,
        files: LakeFiles,
        now: datetime,
        settings: Settings,
        policy: PolicyFiles | None = None,
        *,
        is_present: bool = False,
    ) -> None:
        """Connect to an empty database: a table or view comes into it with the first question that reads it.

        Args:
            files: the files of the lake.
            now: the time from which ages and the window count.
            settings: the parameters of a stack.
            policy: the files of the policy; those of the lake itself by default.
            is_present: whether that time is the present, by the clock of this machine.
        """
        self.is_present = is_present
        self.now = now.astimezone(UTC)
        self._files = files
        self._policy = policy or files.policy
        self.settings = settings
        # A query can read the registered tables only: no file, no network, no variable of this process.
        self._database = InterruptibleDatabase(
            duckdb.connect(
                config={
                    "enable_external_access": False,
                    "python_enable_replacements": False,
                    # What memory does not hold goes to the system's temporary folder, and not into the current one.
                    "temp_directory": f"{gettempdir()}/patchlake-{os.getpid()}",
                }
            )
        )
        self._database.execute("SET TimeZone = 'UTC'")
        self._database.execute(f"ATTACH ':memory:' AS {_KEPT} (COMPRESS)")
        self._disable(_OF_JOINS)
        self._defined: set[str] = set()
        self._added: set[str] = set()
        self._kept: set[str] = set()
        self._described: dict[str, dict[str, str]] = {}
        self._newest_dates = NO_DATES
        self._undefined: dict[str, tuple[Callable[..., None], tuple[Any, ...]]] = {}
        history_start = self._days_ago(self.settings.days_of_history)
        for table in SOURCES.tables:
            for prefix, first in (("", "0000"), (RECENT, self.window_start), (HISTORY, history_start)):
                self._undefined[prefix + table.name] = (Lake._register, (table, prefix + table.name, first))
        self._undefined |= {view.name: (Lake._create_view, (view,)) for view in views()}
        self._undefined |= {table.name: (Lake._read_policy, (table,)) for table in POLICY_TABLES}

    @property
    def window_start(self) -> str:
        """The first date of the window."""
        return self._days_ago(self.settings.window_days)

    @property
    def date(self) -> str:
        """The date for which queries are answered; later runs are not in the tables."""
        return self.now.date().isoformat()

    @property
    def run_dates(self) -> list[str]:
        """The dates of all runs in the lake, in order, later ones than ``date`` included."""
        return self._files.dates

    @property
    def run_ids(self) -> list[str]:
        """The ids of all runs with a snapshot in the lake, in order, later ones than ``date`` included."""
        return [Path(path).stem for _, path in self._files.paths[PATCH_STATES.name]]

    def unused_policy_files(self) -> list[str]:
        """List the CSV files next to the files of the policy, which are not read, in order.

        Raises:
            LakeError: the folder cannot be read.
        """
        return self._policy.unused() if self._policy else []

    def query(self, sql: str, values: Sequence[str] = ()) -> Answer:
        """Answer one SELECT of the user, in Athena's SQL: what DuckDB would answer in another way is refused.

        Args:
            sql: the SELECT.
            values: a text for each ``?``, in order.

        Raises:
            ParameterError: a value is missing or too many.
            QueryError: it is not one SELECT, or it names what does not exist; the text shows the position.
            LakeError: a file cannot be read.
        """
        question = parse_question(sql)
        relations = relations_of(question)
        check_values("the SELECT", parameters_of(question), values, self.now.date())
        try:
            self._define(relations)
            schema = {name: self.describe(name) for name in relations}
            translated = translate_question(question, self.now, schema, self._newest_dates)
        except QueryError as error:
            raise QueryError(located(sql, str(error))) from error
        except RecursionError as error:
            raise QueryError(TOO_DEEP) from error
        return self._answer(sql, translated, values, relations)

    def select(self, sql: str, values: Sequence[str] = ()) -> Answer:
        """Answer one SELECT of patchlake itself, without the checks of `query`.

        Args:
            sql: the SELECT; `query` answers it with the same rows.
            values: a text for each ``?``, in order.

        Raises:
            LakeError: a file cannot be read.
        """
        relations = relations_in(sql)
        self._define(relations)
        return self._answer(sql, translate(sql, self.now, self._newest_dates), values, relations)

    def named(self, name: str, values: Sequence[str] = ()) -> Answer:
        """Answer a named query.

        Args:
            name: a name in ``analytics/queries``.
            values: a value for each parameter, in order.

        Raises:
            QueryError: there is no such query.
            ParameterError: a value is missing, too many, or not of its parameter's type.
            LakeError: a file cannot be read.
        """
        query = find_query(name)
        check_values(name, query.parameters, values, self.now.date())
        return self.select(query.render(self.settings), values)

    def is_read_by(self, sql: str) -> bool:
        """Whether a SELECT reads a table or view of the lake, and not only those that the user added.

        Raises:
            QueryError: it is not one SELECT.
        """
        return not self._added.issuperset(relations_of(parse_question(sql)))

    def add_csv(self, name: str, text: str) -> None:
        """Add a table from a CSV file with a header; every column is text, as in Athena's OpenCSVSerDe.

        Names of columns have no case in Athena, which shows them in lower case.

        Raises:
            QueryError: the name is in use, or the text is not a table.
        """
        if name in self._defined or name in self._undefined or name.endswith(_FILES):
            raise QueryError(f"table {name!r} already exists: choose another name")
        try:
            written, *rows = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
        except csv.Error as error:
            raise QueryError(f"{name}: it is not CSV: {error}") from error
        head = [column.lower() for column in written]
        if not head or len(set(head)) < len(head) or not all(map(str.isidentifier, head)):
            raise QueryError(f"{name}: the first line must name each column once, with letters, digits and _")
        if uneven := [number for number, row in enumerate(rows, start=2) if len(row) != len(head)]:
            raise QueryError(
                f"{name}: row {uneven[0]} does not have {counted(len(head), 'column')}, as the first row does"
            )
        columns = ", ".join(f'"{column}" VARCHAR' for column in head)
        self._database.execute(f'CREATE TABLE "{name}" ({columns})')
        if rows:
            values = ", ".join("?" for _ in head)
            self._database.executemany(f'INSERT INTO "{name}" VALUES ({values})', rows)  # noqa: S608
        self._defined.add(name)
        self._added.add(name)

    def keep(self, *names: str) -> None:
        """Compute views now, and keep their rows for the questions that follow.

        Raises:
            LakeError: a file cannot be read.
        """
        new = set(names) - self._kept
        with self._lake_errors():
            for name in new & self._defined:
                self._compute(name, f"FROM {name}")
        self._kept |= new
        self._define(names)

    def describe(self, relation: str) -> dict[str, str]:
        """Return the columns of a table or view, in order, with their types by Athena's names.

        Raises:
            QueryError: there is no such relation.
            LakeError: a file cannot be read.
        """
        if relation not in self._described:
            self._define([relation])
            # For each view, DuckDB resolves all views below it once more.
            rows = self._database.execute(f'DESCRIBE "{relation}"').fetchall()
            self._described[relation] = {row[0]: _ATHENA[row[1]] for row in rows}
        return self._described[relation]

    def _days_ago(self, days: int) -> str:
        return date.fromordinal(max(self.now.toordinal() - days, date.min.toordinal())).isoformat()

    def _define(self, relations: Iterable[str]) -> None:
        """Create these tables and views, and those that they read; a query defines only what it reads.

        Raises:
            QueryError: a relation does not exist.
            LakeError: a file cannot be read.
        """
        for name in relations:
            if definition := self._undefined.get(name):
                define, arguments = definition
                define(self, *arguments)
                self._defined.add(name)
                del self._undefined[name]
            elif name not in self._defined:
                raise unknown_relation(name, self._defined | set(self._undefined))

    def _create_view(self, view: Statement) -> None:
        self._define(view.relations)
        name = view.name
        sql = translate(view.render(self.settings), self.now, self._newest_dates)
        with self._lake_errors():
            if name.removeprefix(HISTORY) in _COMPUTED_ONCE or name in self._kept:
                self._compute(name, sql)
            else:
                self._database.execute(f"CREATE OR REPLACE VIEW {name} AS {sql}")
            if name == "covered_runs":
                self._newest_dates = NewestDates(run=self._dates("run_date", name))
            if name == "target_listings":
                self._newest_dates = self._newest_dates._replace(last_read=self._dates("last_read_date", name))

    def _compute(self, name: str, sql: str) -> None:
        """Put a table of its rows in the place of a view."""
        # A checkpoint is what compresses: a fleet's clocks take a fifteenth of the memory.
        self._database.execute(f"CREATE OR REPLACE TABLE {_KEPT}.{name} AS {sql}; CHECKPOINT {_KEPT}")
        self._database.execute(f"CREATE OR REPLACE VIEW {name} AS FROM {_KEPT}.{name}")
        self._kept.add(name)

    def _dates(self, column: str, view: str) -> tuple[str, ...]:
        sql = f"SELECT DISTINCT {column} FROM {view} WHERE is_latest AND {column} IS NOT NULL ORDER BY {column}"  # noqa: S608
        return tuple(date for (date,) in self._database.execute(sql).fetchall())

    def _read_policy(self, table: Table) -> None:
        """Create a table of the policy, whose files are small."""
        rows = [
            (*line.cells, location)
            for location, content in (self._policy.contents(table) if self._policy else ())
            for line in read_lines(table, content)
        ]
        names = [f'"{name}"' for name in (*table.column_names, OBJECT_PATH)]
        self._database.execute(f"CREATE TABLE {table.name} ({', '.join(f'{name} VARCHAR' for name in names)})")
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(names)
        unnested = ", ".join("unnest(CAST(? AS VARCHAR[]))" for _ in names)
        self._database.execute(f"INSERT INTO {table.name} SELECT {unnested}", columns)

    def _answer(self, asked: str, translated: str, values: Sequence[str], relations: Iterable[str]) -> Answer:
        if times_read(_CLOCKS, relations) > 2:  # noqa: PLR2004
            self.keep(_CLOCKS)
        try:
            with self._lake_errors(), self._failing_within_try(translated):
                result = self._database.execute(translated, list(values))
                description = result.description or []
                columns = [(column[0], str(column[1])) for column in description]
                check_types(columns)
                if any(kind == _ZONED for _, kind in columns):
                    result = self._database.execute(_without_zones(translated, description), list(values))
                rows = result.fetchall()
                check_rows(columns, rows)
                return Answer(
                    columns=tuple(name for name, _ in columns),
                    types=tuple(_ATHENA.get(kind, kind.lower()) for _, kind in columns),
                    rows=rows,
                )
        except duckdb.Error as error:
            raise QueryError(located(asked, str(error))) from error

    @contextmanager
    def _failing_within_try(self, sql: str) -> Iterator[None]:
        """Let what fails in a TRY of a SELECT be NULL, wherever DuckDB would calculate it."""
        if "TRY(" not in sql:
            yield
            return
        self._disable(_OF_JOINS + _OUT_OF_TRY)
        try:
            yield
        finally:
            self._disable(_OF_JOINS)

    def _disable(self, optimizers: Sequence[str]) -> None:
        self._database.execute(f"SET disabled_optimizers = '{','.join(optimizers)}'")

    @contextmanager
    def _lake_errors(self) -> Iterator[None]:
        """Raise a LakeError for an error of DuckDB that is about the files of a table; it names the file."""
        try:
            yield
        except duckdb.Error as error:
            if _NOT_UTF_8.search(str(error)) and (found := self._files.first_not_utf_8()):
                path, column = found
                problem = f"{path}: column {column} has a text that is not UTF-8"
                raise LakeError(f"the lake cannot be read: {problem}; {RESTORE}") from error
            table = next((table for table in SOURCES.tables if f"{table.name}{_FILES}" in str(error)), None)
            if table is None:
                raise
            reason = one_line(_AROUND_CAUSE.sub("", str(error))).rstrip(".")
            raise LakeError(f"the lake cannot be read: {self._files.explained(table, reason)}") from error

    def _register(self, table: Table, name: str, first: str) -> None:
        """Let DuckDB read a table's files from a date on, up to the date for which queries are answered."""
        self._database.register(f"{name}{_FILES}", self._files.rows(table, first, self.date))
        selected = ", ".join([*table.column_names, "run_date"])
        self._database.execute(f"CREATE VIEW {name} AS SELECT {selected} FROM {name}{_FILES}")  # noqa: S608


def _without_zones(sql: str, description: Sequence[tuple[Any, ...]]) -> str:
    """Return a SELECT whose times are in UTC and have no zone; DuckDB itself would need another package for these."""
    names = [f"column_{number}" for number in range(len(description))]
    selected = ", ".join(
        f"CAST({name} AS TIMESTAMP)" if str(column[1]) == _ZONED else name
        for name, column in zip(names, description, strict=True)
    )
    return f"SELECT {selected} FROM ({sql}) AS answered ({', '.join(names)})"  # noqa: S608


def open_lake(
    location: LakeLocation,
    *,
    now: datetime | None = None,
    settings: Settings | None = None,
    session: "boto3.Session | None" = None,
    policy: Path | None = None,
) -> Lake:
    """Open a lake.

    Args:
        location: the location of the lake.
        now: the time from which ages and the window count; the present by default.
        settings: the parameters of a stack.
        session: a session that may read the bucket; the SDK's default one otherwise.
        policy: the folder of a policy, in place of the lake's own.

    Raises:
        LakeError: there is no lake or no policy, or it cannot be read.
    """
    files = None if policy is None else find_policy(policy)
    found = find_lake(location, session)
    return Lake(found, now or datetime.now(UTC), settings or Settings(), files, is_present=now is None)


def open_lake_as_of(  # noqa: PLR0913
    location: LakeLocation,
    as_of: date | None,
    settings: Settings | None = None,
    *,
    profile: str | None = None,
    session: "boto3.Session | None" = None,
    policy: Path | None = None,
) -> Lake:
    """Open a lake, with the user's credentials, as it is or as it was in the last second of a UTC date.

    Raises:
        LakeError: there is no lake or no policy, or it cannot be read.
        FutureDateError: the date is later than today and than the lake's last run, which a clock ahead can date.
    """
    policy_files = None if policy is None else find_policy(policy)
    files = find_lake(location, session, profile)
    now = datetime.now(UTC)
    if as_of is not None:
        latest = max(now.date(), date.fromisoformat(files.dates[-1]))
        now = datetime.combine(as_of, datetime.min.time(), UTC) + timedelta(days=1, seconds=-1)
        if now.date() > latest:
            raise FutureDateError(as_of, latest)
    return Lake(files, now, settings or Settings(), policy_files, is_present=as_of is None)


def find_query(name: str) -> Statement:
    """Return a named query.

    Raises:
        QueryError: there is no such query.
    """
    named = {query.name: query for query in queries()}
    if name not in named:
        raise QueryError(
            f"there is no named query {name!r}{suggested(name, list(named))} `patchlake query --list` lists them all."
        )
    return named[name]
