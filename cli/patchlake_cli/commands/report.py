"""``patchlake report``: the figures of a lake as one HTML file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from patchlake_cli.commands.options import (
    DEFAULTS,
    AllowPartialOption,
    AsOfOption,
    LakeOption,
    ScanMaxAgeDaysOption,
    WindowDaysOption,
)
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.errors import LakeError, QueryError
from patchlake_cli.lake.statements import Settings


def report(  # noqa: PLR0913  # one option each
    *,
    lake: LakeOption,
    out: Annotated[Path, typer.Option(help="File to write; an existing one is replaced.")] = Path("report.html"),
    as_of: AsOfOption = None,
    window_days: WindowDaysOption = DEFAULTS.window_days,
    scan_max_age_days: ScanMaxAgeDaysOption = DEFAULTS.scan_max_age_days,
    allow_partial: AllowPartialOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures of the whole fleet as one JSON object.")
    ] = False,
) -> ExitCode:
    """Write a report of a lake as one HTML file that needs no network.

    The figures come from the newest published run. The report also shows what that run could not read.

    Exit codes: 0 that run is COMPLETE, 3 it is PARTIAL or there is none, 1 error.

    Example: patchlake report --lake demo --as-of 2026-11-01 --out report.html
    """
    from patchlake_cli.lake.engine import open_lake_as_of
    from patchlake_cli.report.headline import as_json_object, in_words
    from patchlake_cli.report.report_file import write_report

    if out.exists() and not out.is_file():
        raise typer.BadParameter(f"{out} is not a file", param_hint="--out")
    if not out.parent.is_dir():
        raise typer.BadParameter(f"folder {out.parent} does not exist", param_hint="--out")
    try:
        figures = write_report(open_lake_as_of(lake, as_of, Settings(window_days, scan_max_age_days)), out)
    except (LakeError, QueryError) as error:
        raise CommandError(str(error)) from error
    typer.echo(json.dumps(as_json_object(figures, out)) if as_json else f"{in_words(figures)}\nReport: {out}")
    return ExitCode.of_run(figures.run.run_status, allow_partial=allow_partial)
