"""``patchlake query``: Athena's SQL over a lake, on this machine."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchlake_cli.commands.caveats import end_answer
from patchlake_cli.commands.options import (
    DEFAULTS,
    AllowPartialOption,
    AsOfOption,
    HistoryDaysOption,
    LakeOption,
    PolicyOption,
    ScanMaxAgeDaysOption,
    WindowDaysOption,
    unused,
)
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.errors import LakeError, ParameterError, QueryError
from patchlake_cli.lake.parameters import Parameter, places, read_values
from patchlake_cli.lake.statements import Settings, queries
from patchlake_cli.option_values import OptionError, choice, wrong_value

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
    output_format: Annotated[str, choice("Output format.", Format, "--format")] = Format.TABLE,
    csv_table: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="CSV file with a header, to query as a table in your own SELECT."),
    ] = None,
    policy: PolicyOption = None,
    as_of: AsOfOption = None,
    window_days: WindowDaysOption = DEFAULTS.window_days,
    scan_max_age_days: ScanMaxAgeDaysOption = DEFAULTS.scan_max_age_days,
    history_days: HistoryDaysOption = DEFAULTS.history_days,
    allow_partial: AllowPartialOption = False,
) -> ExitCode:
    """Query a lake in Athena's SQL, on this machine.

    Exit codes: 0 the answer covers the whole fleet, 2 it is not one SELECT, 3 the newest run could not read everything
    or is not published, or the window holds no snapshot, or a table that the query reads is not COMPLETE, or the policy
    that it reads has a bad row; the rows are printed, and standard error says what is missing. 1 error.

    Example: patchlake query --lake demo --named overdue_nodes --param days=30 --format csv
    """
    if (sql is None) == (named is None):
        raise OptionError("expects either one SELECT or --named NAME", "query")
    if named is not None and csv_table:
        raise unused("--csv-table", "--named")
    question = _Question.about(sql, named, param or [], as_of)
    from patchlake_cli.lake.departures import departures_of_newest
    from patchlake_cli.lake.engine import open_lake_as_of
    from patchlake_cli.lake.gaps import find_gaps
    from patchlake_cli.lake.policy_gaps import find_policy_gaps
    from patchlake_cli.lake.source_gaps import find_source_gaps

    try:
        opened = open_lake_as_of(lake, as_of, Settings(window_days, scan_max_age_days, history_days), policy)
        for table in csv_table or []:
            _add_csv_table(opened, table)
        answer = question.ask(opened)
        gaps, notes = [], []
        if question.is_about(opened):
            gaps = find_gaps(opened, question.parameters, question.values)
            gaps += find_source_gaps(opened, question.relations, of_newest=question.is_named)
            gaps += find_policy_gaps(opened, question.relations)
            notes = [*question.notes(answer), *departures_of_newest(opened)]
        typer.echo(_printed(answer, output_format), nl=False)
    except (LakeError, QueryError) as error:
        raise CommandError(str(error)) from error
    return end_answer(gaps, notes, allow_partial=allow_partial)


@dataclass(frozen=True, slots=True)
class _Question:
    """A SELECT or a named query, and the values of its parameters in order.

    Attributes:
        empty: the meaning of an answer without rows; None if it needs no explanation.
    """

    text: str
    is_named: bool
    parameters: Sequence[Parameter]
    values: Sequence[str]
    empty: str | None

    @classmethod
    def about(cls, sql: str | None, named: str | None, given: Sequence[str], as_of: date | None) -> "_Question":
        """Read the command line before the lake is read.

        Raises:
            OptionError: there is no such query, or it has other parameters.
            CommandError: the text is not one SELECT.
        """
        from patchlake_cli.lake.engine import find_query
        from patchlake_cli.lake.translation import number_of_places, parse_question

        try:
            parameters = places(number_of_places(parse_question(sql))) if sql is not None else ()
        except QueryError as error:
            # Without a hint at the help: the text ends under the mistake.
            raise CommandError(str(error), ExitCode.USAGE) from error
        empty = None
        try:
            if named is not None:
                query = find_query(named)
                parameters, empty = tuple(query.parameters), query.empty
        except QueryError as error:
            raise OptionError(str(error), "--named:") from error
        today = as_of or datetime.now(UTC).date()
        try:
            values = read_values(named or "the SELECT", parameters, given, today)
        except ParameterError as error:
            raise OptionError(str(error), "--param:") from error
        return cls(named or sql or "", named is not None, parameters, values, empty)

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

    def notes(self, answer: "Answer") -> list[str]:
        """Return what an answer without rows means."""
        if answer.rows or self.empty is None:
            return []
        asked = ", ".join(f"{each.name}={value}" for each, value in zip(self.parameters, self.values, strict=True))
        return [f"no rows for {asked}: {self.empty.rstrip('.')}"]

    def is_about(self, lake: "Lake") -> bool:
        """Whether the answer depends on the lake."""
        return self.is_named or lake.is_read_by(self.text)


def _add_csv_table(lake: "Lake", option: str) -> None:
    name, equals, file = option.partition("=")
    if not equals or not file or not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        raise wrong_value(option, "NAME=FILE with a name of lowercase letters, digits and _", "--csv-table")
    try:
        lake.add_csv(name, Path(file).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} cannot be read: it is not UTF-8 at byte {error.start}") from error


def _printed(answer: "Answer", output_format: str) -> str:
    from patchlake_cli.lake.formats import as_csv, as_json, as_table
    from patchlake_cli.terminal.console import output_console

    match output_format:
        case Format.CSV:
            return as_csv(answer)
        case Format.JSON:
            return as_json(answer)
        case _:
            console = output_console()
            return as_table(answer, console.width if console.is_terminal else None)
