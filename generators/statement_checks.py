"""Checks of the views and named queries, in seconds; a mistake is reported with its file and line.

Trino's own grammar checks the syntax for Athena; DuckDB, over a lake without a row, checks names and types.
"""

import re
from collections.abc import Sequence
from itertools import dropwhile
from pathlib import Path

from trino_query_parser import TrinoSyntaxError, parse_statement

from generators import ROOT
from generators.athena.template import HIVE_TYPES
from generators.lakes import sample_arguments
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import ParameterError, QueryError
from patchlake_cli.lake.meanings import statement_meanings
from patchlake_cli.lake.parameters import check_values
from patchlake_cli.lake.statements import HISTORY, expanded, queries, read_statement, views

ANALYTICS = ROOT / "analytics"

_PLACE = re.compile(r"line (?P<line>\d+), column \d+: ")


class StatementError(Exception):
    """An invalid view or named query; the text names its file, and the line if known."""


def check_statements(lake: Lake) -> None:
    """Check every view and every named query.

    Args:
        lake: any lake, even one without a row.

    Raises:
        StatementError: one of them is invalid.
    """
    for path in sorted(ANALYTICS.glob("*/*.sql")):
        check_grammar(path, lake)
    # Each view after those that it reads, so the first error is about the cause.
    for view in views():
        if not view.name.startswith(HISTORY):
            check_names(ANALYTICS / "views" / f"{view.name}.sql", lake)
    arguments = sample_arguments(lake)
    for query in queries():
        check_names(ANALYTICS / "queries" / f"{query.name}.sql", lake, arguments.get(query.name, ()))


def check_grammar(path: Path, lake: Lake) -> None:
    """Check the header of a file, and its SELECT by Trino's grammar.

    Raises:
        StatementError: one of them is invalid.
    """
    try:
        parse_statement(read_statement(path).render(lake.settings))
    except TrinoSyntaxError as error:
        message = error.msg.partition(" expecting ")[0]
        raise StatementError(f"{_shown(path, error.line)}: this is not valid SQL in Athena: {message}") from error
    except ValueError as error:
        raise StatementError(f"{_shown(path)}: {str(error).removeprefix(f'{path.name}: ')}") from error


def check_names(path: Path, lake: Lake, arguments: Sequence[str] = ()) -> None:
    """Check that a SELECT can be answered, that its columns are described, and that a template can hold their types.

    Raises:
        StatementError: one of these checks fails.
    """
    statement = read_statement(path)
    try:
        check_values(statement.name, statement.parameters, arguments, lake.now.date())
    except ParameterError as error:
        raise StatementError(f"{_shown(path)}: see sample_arguments in generators/lakes.py: {error}") from error
    try:
        answer = lake.query(statement.render(lake.settings), arguments)
        statement_meanings(statement)
    except QueryError as error:
        message = str(error)
        place = _PLACE.match(message)
        line = int(place["line"]) if place else None
        raise StatementError(f"{_shown(path, line)}: {_PLACE.sub('', message, count=1)}") from error
    except ValueError as error:
        raise StatementError(f"{_shown(path)}: {str(error).removeprefix(f'{statement.name}: ')}") from error
    for column, kind in zip(answer.columns, answer.types, strict=True):
        if kind not in HIVE_TYPES:
            raise StatementError(f"{_shown(path)}: {column} is a {kind}, expected one of {', '.join(HIVE_TYPES)}")


def _shown(path: Path, line: int | None = None) -> str:
    """Return a file's path in the project, with the line in the file of a line of its SELECT."""
    shown = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
    numbered = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    select = dropwhile(lambda each: each[1].startswith("--"), numbered)
    origins = [number for number, text in select for _ in expanded(text).split("\n")]
    if line is None or not origins:
        return shown
    # The grammar reports a missing end one line after it.
    return f"{shown}:{origins[min(line, len(origins)) - 1]}"
