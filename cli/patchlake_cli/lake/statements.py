"""The SQL files of ``analytics/``: the question of each, the meaning of its columns, and its statement.

A file is a header of ``--`` comments and one SELECT in Athena's dialect::

    -- Question 4: Which nodes are non-compliant, and against which baseline?
    -- Rows: one per NON_COMPLIANT node of the newest published run.
    -- Empty: no published run in the window listed the node.
    -- Parameters:
    --   days (days, such as 7): N, the age of a scan.
    -- Columns:
    --   change: NEW or VANISHED;
    --     a longer description is indented.
    -- Caveats:
    --   - One sentence each.
    SELECT ...

A column that the header leaves out has the meaning that it has in the view or table that it comes from.
``${WindowDays}`` and ``${ScanMaxAgeDays}`` stand for the stack's parameters of those names; a ``?`` for a parameter,
which the header declares with its type (`parameters`), an example and its meaning.
A table or view has a twin over ``HistoryDays`` instead of the window, whose name begins with ``history_``. That of a
view is derived from its file, once another view reads it.
``${NodeColumns}`` and ``${PatchStateColumns}``, also as ``state.${NodeColumns}``, stand for the declared columns that
the two operations of SSM give to ``patch_states``, and ``${InstanceColumns}`` for those of ``instances``: a new one
needs no change in the views that pass all of them on.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources.abc import Traversable
from textwrap import wrap
from typing import TYPE_CHECKING

from patchlake_cli.lake.errors import QueryError
from patchlake_cli.lake.parameters import Parameter, ParameterType
from patchlake_cli.project_files import sql_files

if TYPE_CHECKING:
    from sqlglot import exp

RECENT = "recent_"
"""The prefix of a table's twin, which has only the days of the window; every view reads the twins."""

HISTORY = "history_"
"""The prefix of the twin of a table or view over the days of the history, which the clocks read."""

RUN_COLUMNS = ("run_id", "run_status", "run_age_hours", "run_coverage")
"""The columns about the run, which the answer of each named query has."""

_SECTION = re.compile(r"(?P<name>Question(?: (?P<number>\d+))?|Rows|Empty|Parameters|Columns|Caveats):\s*(?P<text>.*)")
_ENTRY = re.compile(r" {2,}(?:- )?(?P<text>\S.*)")

_PARAMETER = re.compile(
    rf"(?P<name>[a-z_]+) \((?P<type>{'|'.join(ParameterType)}), such as (?P<example>[^)]+)\): (?P<meaning>.+)"
)
_READ = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")
_PLACE_OF_COLUMNS = re.compile(r"(?P<table>\w+\.)?\$\{(?P<declared>\w+Columns)\}")
_WIDTH = 120


MOST_DAYS = 36_500
"""The most days of a setting: a hundred years, so that no date of a view leaves the calendar."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The parameters that the views depend on.

    Attributes:
        window_days: the number of days that the views look back.
        scan_max_age_days: the maximum age of a scan, in days.
        history_days: the number of days that the clocks and the CVEs of patches look back, if the window is not longer.
    """

    window_days: int = 35
    scan_max_age_days: int = 7
    history_days: int = 120

    @property
    def days_of_history(self) -> int:
        """The days of the history: it has the newest run of the window, without which nothing would be overdue."""
        return max(self.history_days, self.window_days)


@dataclass(frozen=True, slots=True)
class Statement:
    """A view or a named query.

    Attributes:
        number: the number of the question that a named query answers; None for a view.
        rows: the meaning of one row.
        parameters: that of each ``?``, in order.
        columns: the meaning of the columns that the header describes.
        sql: the SELECT, with the stack's parameters still in it.
        empty: the meaning of an answer without rows, where a parameter names something that may not exist.
    """

    name: str
    number: int | None
    question: str
    rows: str
    parameters: Sequence[Parameter]
    columns: Mapping[str, str]
    caveats: Sequence[str]
    sql: str
    empty: str | None = None

    @property
    def tree(self) -> "exp.Query":
        """The SELECT as sqlglot reads it, with the default settings.

        Raises:
            ValueError: it is not a SELECT.
        """
        return _select(self.name, self.render(Settings())).copy()

    @property
    def relations(self) -> Sequence[str]:
        """The views and tables that it reads, sorted by name."""
        return relations_in(self.sql)

    def render(self, settings: Settings) -> str:
        """Return the SELECT with the stack's parameters filled in."""
        values = {
            "${WindowDays}": settings.window_days,
            "${ScanMaxAgeDays}": settings.scan_max_age_days,
        }
        text = self.sql
        for place, value in values.items():
            text = text.replace(place, str(value))
        return text


@cache
def parsed(sql: str) -> "exp.Expr":
    """Return a statement of patchlake's own as sqlglot reads it. All callers share the tree: copy it to change it.

    Raises:
        sqlglot.errors.SqlglotError: it is not a statement of Athena.
    """
    # Not at the top, here and below: the help of a command lists the queries but parses none.
    import sqlglot  # noqa: PLC0415

    return sqlglot.parse_one(sql, read="athena")


def _select(name: str, sql: str) -> "exp.Query":
    from sqlglot import exp  # noqa: PLC0415

    tree = parsed(sql)
    if not isinstance(tree, exp.Query):
        raise ValueError(f"{name}: expected a SELECT")  # noqa: TRY004  # a file is wrong, not an argument
    return tree


@cache
def relations_in(sql: str) -> tuple[str, ...]:
    """Return the views and tables that a SELECT of patchlake's own reads: each answer asks this of every view."""
    return tuple(sorted(_relation_names().intersection(_READ.findall(sql))))


@cache
def _relation_names() -> frozenset[str]:
    """Return the names of all tables and views, and of their twins."""
    # Not at the top: the help of a command lists the queries, and asks for no relation.
    from patchlake.sources.registry import SOURCES  # noqa: PLC0415
    from patchlake_cli.lake.policy import POLICY_TABLES  # noqa: PLC0415

    tables = {table.name for table in SOURCES.tables}
    views = {file.name.removesuffix(".sql") for file in sql_files("views")}
    twins = {RECENT + name for name in tables} | {HISTORY + name for name in tables | views}
    return frozenset(tables | views | twins | {table.name for table in POLICY_TABLES})


def relations_of(tree: "exp.Expr") -> list[str]:
    """Return the views and tables that a parsed SELECT reads, sorted by name; not its own CTEs.

    A CTE may have the name of a table that it reads.

    Raises:
        QueryError: two relations of one SELECT have the same name.
    """
    from sqlglot import exp  # noqa: PLC0415
    from sqlglot.errors import OptimizeError  # noqa: PLC0415
    from sqlglot.optimizer.scope import traverse_scope  # noqa: PLC0415

    try:
        sources = [source for scope in traverse_scope(tree) for source in scope.sources.values()]
    except OptimizeError as error:
        raise QueryError(str(error)) from error
    tables = [source for source in sources if isinstance(source, exp.Table)]
    return sorted({table.name.lower() for table in tables if isinstance(table.this, exp.Identifier)})


def read_statement(file: Traversable) -> Statement:
    """Read one SQL file.

    Raises:
        ValueError: its header does not have the form above.
    """
    lines = file.read_text(encoding="utf-8").splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    number, sections = _sections(file.name, [line.removeprefix("--").removeprefix(" ") for line in lines[:end]])
    if missing := [name for name in ("Question", "Rows") if name not in sections]:
        raise ValueError(f"{file.name}: the header must have a line that begins with {missing[0]}:")
    return Statement(
        name=file.name.removesuffix(".sql"),
        number=number,
        question=" ".join(sections["Question"]),
        rows=" ".join(sections["Rows"]),
        empty=" ".join(sections["Empty"]) if "Empty" in sections else None,
        parameters=[_parameter(file.name, entry) for entry in sections.get("Parameters", [])],
        columns=_named(sections.get("Columns", [])),
        caveats=sections.get("Caveats", []),
        sql="\n".join(map(expanded, lines[end:])) + "\n",
    )


def expanded(line: str) -> str:
    """Return a line with the declared columns in place of their placeholder; the result may be several lines."""
    place = _PLACE_OF_COLUMNS.search(line)
    if place is None:
        return line
    # Not at the top: only views have such placeholders, and the help of a command reads only the named queries.
    from patchlake.sources.instances import INSTANCE_COLUMNS  # noqa: PLC0415
    from patchlake.sources.nodes import NODE_COLUMNS  # noqa: PLC0415
    from patchlake.sources.patch_states import PATCH_STATE_COLUMNS  # noqa: PLC0415

    declared = {
        "InstanceColumns": INSTANCE_COLUMNS,
        "NodeColumns": NODE_COLUMNS,
        "PatchStateColumns": PATCH_STATE_COLUMNS,
    }
    names = ", ".join(f"{place['table'] or ''}{column.name}" for column in declared[place["declared"]])
    margin = line[: len(line) - len(line.lstrip())]
    text = line[: place.start()].lstrip() + names + line[place.end() :]
    return "\n".join(wrap(text, _WIDTH, initial_indent=margin, subsequent_indent=margin))


@cache
def views() -> tuple[Statement, ...]:
    """Return every view, each after those that it reads."""
    found = {view.name: view for view in map(read_statement, sql_files("views"))}
    waiting = list(found.values())
    while waiting:
        for name in waiting.pop().relations:
            original = found.get(name.removeprefix(HISTORY))
            if original is not None and name not in found:
                found[name] = _over_history(original)
                waiting.append(found[name])
    reads = {name: [r for r in view.relations if r in found] for name, view in found.items()}
    return tuple(found[name] for name in TopologicalSorter(reads).static_order())


def times_read(view: str, relations: Iterable[str]) -> int:
    """Return how often a SELECT over these relations reads a view, through all views between them."""
    reads = {each.name: each.relations for each in views()}

    @cache
    def times(name: str) -> int:
        return 1 if name == view else sum(map(times, reads.get(name, ())))

    return sum(map(times, relations))


def _over_history(view: Statement) -> Statement:
    """Return the twin of a view over the days of the history."""
    sql = view.sql
    for name in view.relations:
        sql = re.sub(rf"\b{name}\b", HISTORY + name.removeprefix(RECENT), sql)
    return replace(view, name=HISTORY + view.name, sql=sql)


@cache
def queries() -> tuple[Statement, ...]:
    """Return every named query, in the order of the questions."""
    return tuple(sorted(map(read_statement, sql_files("queries")), key=lambda query: (query.number or 0, query.name)))


def _sections(file: str, header: Sequence[str]) -> tuple[int | None, dict[str, list[str]]]:
    number: int | None = None
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in header:
        if section := _SECTION.fullmatch(line):
            name = section["name"].partition(" ")[0]
            number = int(section["number"]) if section["number"] else number
            current = sections.setdefault(name, [section["text"]] if section["text"] else [])
        elif entry := _ENTRY.fullmatch(line):
            if line.startswith("    ") or (current is sections.get("Rows")):
                current[-1] += " " + entry["text"].strip()
            else:
                current.append(entry["text"])
        else:
            raise ValueError(f"{file}: the header has an invalid line: {line!r}")
    return number, sections


def _parameter(file: str, entry: str) -> Parameter:
    declared = _PARAMETER.fullmatch(entry)
    if declared is None:
        types = " or ".join(ParameterType)
        raise ValueError(f"{file}: expected NAME (TYPE, such as VALUE): MEANING, with the type {types}: {entry!r}")
    return Parameter(declared["name"], ParameterType(declared["type"]), declared["example"], declared["meaning"])


def _named(entries: Sequence[str]) -> dict[str, str]:
    return dict(_pairs(entries))


def _pairs(entries: Sequence[str]) -> Iterator[tuple[str, str]]:
    for entry in entries:
        name, colon, text = entry.partition(": ")
        if not colon:
            raise ValueError(f"expected a name, a colon and a description: {entry!r}")
        yield name, text
