"""``patchlake report``: the figures of a lake as one HTML file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchlake_cli.commands.options import DEFAULTS, AsOfOption, LakeOption, ScanMaxAgeDaysOption, WindowDaysOption
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.lake.statements import Settings

if TYPE_CHECKING:
    from patchlake_cli.report.figures import Figures


def report(  # noqa: PLR0913  # one option each
    *,
    lake: LakeOption,
    out: Annotated[Path, typer.Option(help="The file to write; an older one is replaced.")] = Path("report.html"),
    as_of: AsOfOption = None,
    window_days: WindowDaysOption = DEFAULTS.window_days,
    scan_max_age_days: ScanMaxAgeDaysOption = DEFAULTS.scan_max_age_days,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object about the whole fleet.")] = False,
) -> ExitCode:
    """Write what a lake says about the fleet as one HTML file that can be forwarded and needs no network.

    The figures come from the newest published run; what it could not read stands beside them.

    Example: patchlake report --lake demo --as-of 2026-11-01 --out report.html
    """
    from patchlake_cli.lake.engine import open_lake_as_of
    from patchlake_cli.report.report_file import write_report

    if out.exists() and not out.is_file():
        raise typer.BadParameter(f"{out} is not a file", param_hint="--out")
    if not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}", param_hint="--out")
    try:
        figures = write_report(open_lake_as_of(lake, as_of, Settings(window_days, scan_max_age_days)), out)
    except LakeError as error:
        raise CommandError(str(error)) from error
    typer.echo(json.dumps(_as_json(figures, out)) if as_json else f"{_in_words(figures)}\nReport: {out}")
    return ExitCode.of_run(figures.run.run_status)


def _in_words(figures: "Figures") -> str:
    run = figures.run
    if figures.details is None:
        return f"There is {run.run_coverage}; the newest run is of {figures.newest_date}."
    fleet = figures.details.fleet
    nodes = "no target was read"
    if fleet.nodes_listed is not None:
        nodes = (
            f"{fleet.nodes_compliant:,} compliant, {fleet.nodes_unknown:,} unknown, "
            f"{fleet.nodes_non_compliant:,} non-compliant of {fleet.nodes_listed:,} listed nodes"
        )
    return f"Run {run.run_id} is {run.run_status}: {run.run_coverage}, {nodes}."


def _as_json(figures: "Figures", out: Path) -> dict[str, Any]:
    fleet = {} if figures.details is None else asdict(figures.details.fleet)
    run = asdict(figures.run)
    return {"report": str(out), **run, "run_at": run["run_at"] and f"{run['run_at'].isoformat()}Z", **fleet}
