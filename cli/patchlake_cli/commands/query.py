"""``patchlake query``: Athena's SQL over a lake, on this machine."""

import os
import re
import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchlake_cli.absent_path import absence
from patchlake_cli.commands.caveats import end_answer
from patchlake_cli.commands.chosen_lake import choose_lake
from patchlake_cli.commands.options import (
    DEFAULTS,
    AllowPartialOption,
    AsOfOption,
    HistoryDaysOption,
    LakeOfStackOption,
    LakeOption,
    PolicyOption,
    ProfileOption,
    RegionOption,
    ScanMaxAgeDaysOption,
    WindowDaysOption,
    refuse_unused,
)
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.errors import LakeError, ParameterError, QueryError
from patchlake_cli.lake.statements import Settings, queries
from patchlake_cli.option_values import OptionError, choice, file_path, read_file_path, whole_number, wrong_value
from patchlake_cli.written_file import require_writable, write_file

if TYPE_CHECKING:
    from patchlake_cli.lake.engine import Answer, Lake
    from patchlake_cli.lake.question import Question


class Format(StrEnum):
    """The output formats."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    MARKDOWN = "markdown"
    PARQUET = "parquet"


_STANDARD_INPUT = "-"
_OF_THE_CATALOGUE = frozenset({"is_list", "is_list_tables", "describe", "output_format", "out", "limit"})
"""The parameters of a call that reads no lake."""


def completed_names(incomplete: str) -> list[str]:
    """Return the names of queries that a shell can complete."""
    return [each.name for each in queries() if each.name.startswith(incomplete)]


def query(  # noqa: PLR0913  # one option each
    context: typer.Context,
    sql: Annotated[str | None, typer.Argument(metavar="SQL", hidden=True)] = None,
    *,
    lake: LakeOption = None,
    stack: LakeOfStackOption = None,
    named: Annotated[
        str | None,
        typer.Option(
            "--named",
            "-n",
            metavar="QUERY",
            autocompletion=completed_names,
            help=f"A named query: {', '.join(q.name for q in queries())}.",
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            "--parameter",
            metavar="NAME=VALUE",
            help="Value of a parameter; repeat for each. In your own SELECT, a ? is named by its number, from 1.",
        ),
    ] = None,
    file: Annotated[Path | None, file_path("File with one SELECT; - is standard input.")] = None,
    is_list: Annotated[bool, typer.Option("--list", help="List the named queries, with their questions.")] = False,
    is_list_tables: Annotated[
        bool, typer.Option("--list-tables", help="List the tables and views, with the meaning of a row.")
    ] = False,
    describe: Annotated[
        str | None, typer.Option(metavar="TABLE", help="Describe the columns of a table or view.")
    ] = None,
    output_format: Annotated[str, choice("Output format.", Format, "--format", "-f")] = Format.TABLE,
    out: Annotated[Path | None, file_path("File to write; an existing one is replaced.", "--out", "-o")] = None,
    limit: Annotated[int | None, whole_number("Maximum number of rows to show", 1, 1_000_000_000)] = None,
    csv_table: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="CSV file with a header, to query as a table in your own SELECT."),
    ] = None,
    policy: PolicyOption = None,
    as_of: AsOfOption = None,
    window_days: WindowDaysOption = DEFAULTS.window_days,
    scan_max_age_days: ScanMaxAgeDaysOption = DEFAULTS.scan_max_age_days,
    history_days: HistoryDaysOption = DEFAULTS.history_days,
    profile: ProfileOption = None,
    region: RegionOption = None,
    allow_partial: AllowPartialOption = False,
) -> ExitCode:
    """Query a lake with Athena's SQL, on this machine.

    SQL is one SELECT in Athena's SQL over the tables and views; - reads it from standard input. --list, --list-tables
    and --describe need no lake.

    Exit codes: 0 the answer covers the whole fleet, 1 error, 2 the SQL is not one SELECT, 3 the newest run could not
    read everything, is not published or is later than today, the window has no snapshot, a table that the query reads
    is not COMPLETE, or the policy that it reads has a bad row. With 3, the rows are printed, and standard error says
    what is missing.

    Example: patchlake query --lake demo --named overdue_nodes --param days=30 --format csv
    """
    asked = [each for each in (sql, file, named, is_list or None, is_list_tables or None, describe) if each is not None]
    if len(asked) != 1:
        raise OptionError(
            "expects one of: a SELECT, --file PATH, --named QUERY, --list, --list-tables or --describe TABLE", "query"
        )
    if named is not None:
        refuse_unused(context, ("csv_table",), "--named")
    chosen = Format(output_format)
    if chosen is Format.PARQUET and out is None:
        raise OptionError("is 'parquet', which is not a text format: name a file with --out", "--format")
    if out is not None:
        require_writable(out, chosen)
    if is_list or is_list_tables or describe is not None:
        others = (name for name in context.params if name not in _OF_THE_CATALOGUE)
        refuse_unused(context, others, "--list" if is_list else "--list-tables" if is_list_tables else "--describe")
        _write(_catalogued(describe, is_list_tables=is_list_tables), chosen, out, limit)
        return ExitCode.COMPLETE
    from patchlake_cli.terminal.console import error_console

    chosen_lake = choose_lake(context, lake, stack, profile, region)
    if file is not None or sql == _STANDARD_INPUT:
        sql = _text_of(file or Path(_STANDARD_INPUT))
    try:
        as_of = chosen_lake.as_of(as_of)
        question = _read_question(sql, named, param or [], as_of)
        with error_console().status("reading the lake"):
            opened = chosen_lake.open(as_of, Settings(window_days, scan_max_age_days, history_days), policy)
            for table in csv_table or []:
                _add_csv_table(opened, table)
            answer = question.ask(opened)
            caveats = question.caveats(opened, answer)
        _write(answer, chosen, out, limit)
    except (LakeError, QueryError) as error:
        raise CommandError(str(error)) from error
    return end_answer(caveats.gaps, caveats.notes, allow_partial=allow_partial)


def _read_question(sql: str | None, named: str | None, given: list[str], as_of: date | None) -> "Question":
    """Read the question of the command line, before the lake is read."""
    from patchlake_cli.lake.question import Question

    try:
        return Question.about(sql, named, given, as_of)
    except ParameterError as error:
        raise OptionError(str(error), "--param:") from error
    except QueryError as error:
        if named is not None:
            raise OptionError(str(error), "--named:") from error
        # Without a hint at the help: the text ends under the mistake.
        raise CommandError(str(error), ExitCode.USAGE) from error


def _catalogued(relation: str | None, *, is_list_tables: bool) -> "Answer":
    """Return the columns of a table or view; without one, the tables and views, or the named queries."""
    from patchlake_cli.lake.catalogue import describe, list_queries, list_relations

    try:
        if relation is not None:
            return describe(relation)
        return list_relations() if is_list_tables else list_queries()
    except QueryError as error:
        raise OptionError(str(error), "--describe:") from error


def _text_of(file: Path) -> str:
    """Return the text of a file, or of standard input, without a byte order mark."""
    name = "standard input" if str(file) == _STANDARD_INPUT else file
    if file.is_symlink() and not file.exists():
        raise CommandError(f"{name} {absence(file)}")
    if file.is_char_device():
        raise CommandError(f"{name} cannot be read: it is a device, which may never end")
    is_standard_input = str(file) == _STANDARD_INPUT
    if is_standard_input and sys.stdin is None:
        raise CommandError(f"{name} cannot be read: it is closed")
    try:
        content = sys.stdin.buffer.read() if is_standard_input else _content_of(file)
        return content.decode("utf-8-sig")
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{name} cannot be read: it is not UTF-8 at byte {error.start}") from error


def _content_of(file: Path) -> bytes:
    """Return the content of a file or pipe, without waiting for a program that may open the pipe later."""
    with open(file, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as opened:
        os.set_blocking(opened.fileno(), True)
        content = opened.read()
    if not content and file.is_fifo():
        raise CommandError(f"{file} cannot be read: it is a pipe, and no program writes to it")
    return content


def _add_csv_table(lake: "Lake", option: str) -> None:
    name, equals, file = option.partition("=")
    if not equals or not file or not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        raise wrong_value(option, "NAME=FILE with a name of lowercase letters, digits and _", "--csv-table")
    lake.add_csv(name, _text_of(read_file_path(file, "--csv-table")))


def _write(answer: "Answer", chosen: Format, out: Path | None, limit: int | None) -> None:
    """Print the first rows of an answer, or write them to a file."""
    from dataclasses import replace

    from patchlake_cli.terminal.console import warn

    number = len(answer.rows)
    shown = answer if limit is None else replace(answer, rows=answer.rows[:limit])
    if out is None:
        typer.echo(_as_text(shown, chosen, number), nl=False)
    elif chosen is Format.PARQUET:
        from patchlake_cli.lake.answer_parquet import as_parquet

        write_file(as_parquet(shown), out)
    else:
        write_file(_as_text(shown, chosen, number).encode(), out)
    if len(shown.rows) < number and (out is not None or chosen is not Format.TABLE):
        warn(f"first {len(shown.rows)} of {number} rows")


def _as_text(answer: "Answer", chosen: Format, number: int) -> str:
    from patchlake_cli.lake.formats import as_csv, as_json, as_json_lines, as_markdown, as_table
    from patchlake_cli.terminal.console import output_console

    match chosen:
        case Format.CSV:
            return as_csv(answer)
        case Format.JSON:
            return as_json(answer)
        case Format.JSONL:
            return as_json_lines(answer)
        case Format.MARKDOWN:
            return as_markdown(answer)
        case _:
            console = output_console()
            return as_table(answer, console.width if console.is_terminal else None, number)
