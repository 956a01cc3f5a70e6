"""``patchlake query``: Athena's SQL over a lake, on this machine."""

import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from patchlake_cli.commands.options import DEFAULTS, AsOfOption, LakeOption, ScanMaxAgeDaysOption, WindowDaysOption
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.errors import LakeError, QueryError
from patchlake_cli.lake.statements import Settings, queries

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
    parameter: Annotated[
        list[str] | None, typer.Option(help="Value for a ? in the query; repeat for each, in order.")
    ] = None,
    output_format: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TABLE,
    csv_table: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FILE", help="CSV file with a header, to query as a table.")
    ] = None,
    as_of: AsOfOption = None,
    window_days: WindowDaysOption = DEFAULTS.window_days,
    scan_max_age_days: ScanMaxAgeDaysOption = DEFAULTS.scan_max_age_days,
) -> None:
    """Query a lake in Athena's SQL, on this machine.

    Example: patchlake query --lake demo --named non_compliant_nodes --format csv
    """
    if (sql is None) == (named is None):
        raise typer.BadParameter("expected either one SELECT or --named NAME", param_hint="sql")
    from patchlake_cli.lake.engine import open_lake_as_of

    if named is not None:
        _check(named, parameter or [])
    try:
        opened = open_lake_as_of(lake, as_of, Settings(window_days, scan_max_age_days))
        for table in csv_table or []:
            _add_csv_table(opened, table)
        _warn_of_an_empty_window(opened)
        answer = opened.query(sql, parameter or []) if sql is not None else opened.named(named or "", parameter or [])
        typer.echo(_printed(answer, output_format), nl=False)
    except (LakeError, QueryError) as error:
        raise CommandError(str(error)) from error


def _check(named: str, parameters: Sequence[str]) -> None:
    """Refuse a wrong name or number of parameters before the lake is read."""
    from patchlake_cli.lake.engine import find_query

    try:
        find_query(named, parameters)
    except QueryError as error:
        raise typer.BadParameter(str(error), param_hint="--named") from error


def _add_csv_table(lake: "Lake", option: str) -> None:
    name, equals, file = option.partition("=")
    if not equals or not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        expected = "expected NAME=FILE with a name of lowercase letters, digits and _"
        raise typer.BadParameter(f"{option!r}: {expected}", param_hint="--csv-table")
    try:
        lake.add_csv(name, Path(file).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from error


def _warn_of_an_empty_window(lake: "Lake") -> None:
    """Warn if the lake is older than the window: every view is then empty, as if there were no nodes."""
    if lake.newest_date < lake.window_start:
        typer.echo(
            f"patchlake: no snapshot since {lake.window_start}: the newest run is from {lake.newest_date}. "
            f"Use --as-of {lake.newest_date} to query the lake as it was then.",
            err=True,
        )


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
