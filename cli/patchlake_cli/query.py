"""``patchlake query``: Athena's SQL over a lake, on this machine."""

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from patchlake_cli.analytics.errors import LakeError, QueryError
from patchlake_cli.analytics.formats import as_csv, as_json, as_table
from patchlake_cli.analytics.lake import Answer, Lake, open_lake
from patchlake_cli.analytics.statements import Settings, queries
from patchlake_cli.failure import CommandError

_DEFAULTS = Settings()


class Format(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def query(  # noqa: PLR0913  # one option each
    sql: Annotated[str | None, typer.Argument(help="One SELECT in Athena's SQL, over the tables and views.")] = None,
    *,
    lake: Annotated[str, typer.Option(help="A folder, or s3://BUCKET with or without a prefix.")],
    named: Annotated[str | None, typer.Option(help=f"A named query: {', '.join(q.name for q in queries())}.")] = None,
    parameter: Annotated[list[str] | None, typer.Option(help="For a ? of the query; once for each, in order.")] = None,
    output_format: Annotated[Format, typer.Option("--format", help="How to print the answer.")] = Format.TABLE,
    csv_table: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FILE", help="A CSV file with a header, as one more table.")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Look at the lake as on this UTC date; today by default."),
    ] = None,
    window_days: Annotated[int, typer.Option(min=1, help="Days that the views look back.")] = _DEFAULTS.window_days,
    scan_max_age_days: Annotated[
        int, typer.Option(min=1, help="Greatest age in days of a scan that still counts.")
    ] = _DEFAULTS.scan_max_age_days,
) -> None:
    """Ask a lake in Athena's SQL, on this machine.

    Example: patchlake query --lake demo --named non_compliant_nodes --format csv
    """
    if (sql is None) == (named is None):
        raise CommandError("expected either one SELECT or --named NAME")
    now = None if as_of is None else as_of.replace(tzinfo=UTC) + timedelta(days=1, seconds=-1)
    try:
        opened = open_lake(lake, now=now, settings=Settings(window_days, scan_max_age_days))
        for table in csv_table or []:
            _add_csv_table(opened, table)
        _warn_of_an_empty_window(opened)
        answer = opened.query(sql, parameter or []) if sql is not None else opened.named(named or "", parameter or [])
        typer.echo(_printed(answer, output_format), nl=False)
    except (LakeError, QueryError) as error:
        raise CommandError(str(error)) from error


def _add_csv_table(lake: Lake, option: str) -> None:
    name, equals, file = option.partition("=")
    if not equals or not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
        raise CommandError(f"--csv-table {option}: expected NAME=FILE with a name of letters, digits and _")
    try:
        lake.add_csv(name, Path(file).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from error


def _warn_of_an_empty_window(lake: Lake) -> None:
    """Say so where the lake is older than the window: every view is empty then, which is easily taken for no nodes."""
    if lake.newest_date < lake.window_start:
        typer.echo(
            f"patchlake: no snapshot since {lake.window_start}: the newest run is of {lake.newest_date}. "
            f"--as-of {lake.newest_date} looks at the lake as it was then.",
            err=True,
        )


def _printed(answer: Answer, output_format: Format) -> str:
    match output_format:
        case Format.CSV:
            return as_csv(answer)
        case Format.JSON:
            return as_json(answer)
        case Format.TABLE:
            console = Console()
            return as_table(answer, console.width if console.is_terminal else None)
