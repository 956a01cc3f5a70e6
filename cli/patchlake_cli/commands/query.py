"""``patchlake query``: Athena's SQL over a lake, on this machine."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchlake_cli.commands.options import (
    DEFAULTS,
    AllowPartialOption,
    AsOfOption,
    LakeOption,
    ScanMaxAgeDaysOption,
    WindowDaysOption,
    unused,
)
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.errors import LakeError, ParameterError, QueryError
from patchlake_cli.lake.parameters import Parameter, places, read_values
from patchlake_cli.lake.statements import Settings, queries
from patchlake_cli.visible_text import visible

if TYPE_CHECKING:
    from patchlake_cli.lake.engine import Answer, Lake


class Format(StrEnum):
    """The output formats."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def query(  # noqa: PLR0913  # one option each
    sql: Annotated[str | None, typer.Argument(help="One SELECT in Athena's SQL over the tables and views.")] = None,
    *,
    lake: LakeOption,
    named: Annotated[str | None, typer.Option(help=f"A named query: {', '.join(q.name for q in queries())}.")] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "--parameter",
            metavar="NAME=VALUE",
            help="Value of a parameter; repeat for each. The name of a ? in your own SELECT is its number, from 1.",
        ),
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TABLE,
    csv_table: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="CSV file with a header, to query as a table in your own SELECT."),
    ] = None,
    as_of: AsOfOption = None,
    window_days: WindowDaysOption = DEFAULTS.window_days,
    scan_max_age_days: ScanMaxAgeDaysOption = DEFAULTS.scan_max_age_days,
    allow_partial: AllowPartialOption = False,
) -> ExitCode:
    """Query a lake in Athena's SQL, on this machine.

    Exit codes: 0 the answer covers the whole fleet, 3 the newest run could not read everything, or the window holds no
    snapshot, or a table that the query reads is not COMPLETE; the rows are printed, and standard error says what is
    missing. 1 error.

    Example: patchlake query --lake demo --named overdue_nodes --param days=30 --format csv
    """
    if (sql is None) == (named is None):
        raise typer.BadParameter("expected either one SELECT or --named NAME", param_hint="sql")
    if named is not None and csv_table:
        raise unused("--csv-table", "--named")
    question = _Question.about(sql, named, param or [], as_of)
    from patchlake_cli.lake.engine import open_lake_as_of
    from patchlake_cli.lake.gaps import find_gaps
    from patchlake_cli.lake.source_gaps import find_source_gaps

    try:
        opened = open_lake_as_of(lake, as_of, Settings(window_days, scan_max_age_days))
        for table in csv_table or []:
            _add_csv_table(opened, table)
        answer = question.ask(opened)
        gaps = find_gaps(opened, question.parameters, question.values) if question.is_about(opened) else []
        gaps += find_source_gaps(opened, question.relations, of_newest=question.is_named)
        typer.echo(_printed(answer, output_format), nl=False)
    except (LakeError, QueryError) as error:
        raise CommandError(str(error)) from error
    for gap in gaps:
        typer.echo(f"patchlake: {visible(gap)}.", err=True)
    return ExitCode.of_answer(is_whole=not gaps, allow_partial=allow_partial)


@dataclass(frozen=True, slots=True)
class _Question:
    """A SELECT or a named query, and the values of its parameters in order."""

    text: str
    is_named: bool
    parameters: Sequence[Parameter]
    values: Sequence[str]

    @classmethod
    def about(cls, sql: str | None, named: str | None, given: Sequence[str], as_of: date | None) -> "_Question":
        """Read the command line before the lake is read.

        Raises:
            typer.BadParameter: there is no such query, or it has other parameters.
            CommandError: the SELECT is not valid.
        """
        from patchlake_cli.lake.engine import find_query
        from patchlake_cli.lake.translation import number_of_places, parse_question

        try:
            parameters = places(number_of_places(parse_question(sql))) if sql is not None else ()
        except QueryError as error:
            raise CommandError(str(error)) from error
        try:
            if named is not None:
                parameters = tuple(find_query(named).parameters)
        except QueryError as error:
            raise typer.BadParameter(str(error), param_hint="--named") from error
        today = as_of or datetime.now(UTC).date()
        try:
            values = read_values(named or "the SELECT", parameters, given, today)
        except ParameterError as error:
            raise typer.BadParameter(str(error), param_hint="--param") from error
        return cls(named or sql or "", named is not None, parameters, values)

    def ask(self, lake: "Lake") -> "Answer":
        """Answer it."""
        return lake.named(self.text, self.values) if self.is_named else lake.query(self.text, self.values)

    @property
    def relations(self) -> Sequence[str]:
        """The tables and views that it names."""
        from patchlake_cli.lake.engine import find_query
        from patchlake_cli.lake.statements import relations_of
        from patchlake_cli.lake.translation import parse_question

        return find_query(self.text).relations if self.is_named else relations_of(parse_question(self.text))

    def is_about(self, lake: "Lake") -> bool:
        """Whether the answer depends on the lake."""
        return self.is_named or lake.is_read_by(self.text)


def _add_csv_table(lake: "Lake", option: str) -> None:
    name, equals, file = option.partition("=")
    if not equals or not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        expected = "expected NAME=FILE with a name of lowercase letters, digits and _"
        raise typer.BadParameter(f"{option!r}: {expected}", param_hint="--csv-table")
    try:
        lake.add_csv(name, Path(file).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from error


def _printed(answer: "Answer", output_format: Format) -> str:
    from patchlake_cli.lake.formats import as_csv, as_json, as_table
    from patchlake_cli.terminal.console import output_console

    match output_format:
        case Format.CSV:
            return as_csv(answer)
        case Format.JSON:
            return as_json(answer)
        case Format.TABLE:
            console = output_console()
            return as_table(answer, console.width if console.is_terminal else None)
