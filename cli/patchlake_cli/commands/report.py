"""``patchlake report``: the figures of a lake as one file, or as text."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

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
    unused,
)
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.errors import LakeError, QueryError
from patchlake_cli.lake.statements import Settings
from patchlake_cli.option_values import choice, file_path, wrong_value
from patchlake_cli.report.report_format import ReportFormat
from patchlake_cli.written_file import require_writable, write_file

_STANDARD_OUTPUT = Path("-")
_MOST_PERCENT = 100


def _read_title(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise wrong_value(text, "printable text, such as the name of an organization", "--title")
    return text


def _read_goal(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9])?", text) or not 0 < float(text) <= _MOST_PERCENT:
        raise wrong_value(
            text, "a percentage above 0 and at most 100, with at most one decimal place, such as 95 or 99.5", "--goal"
        )
    return float(text)


def report(  # noqa: PLR0913  # one option each
    context: typer.Context,
    *,
    lake: LakeOption = None,
    stack: LakeOfStackOption = None,
    out: Annotated[
        Path | None,
        file_path(
            "File to write; an existing one is replaced, and - is standard output. The default is report.html, "
            "report.md or report.json.",
            "--out",
            "-o",
        ),
    ] = None,
    report_format: Annotated[
        str, choice("Format of the report: html has everything.", list(ReportFormat), "--format", "-f")
    ] = ReportFormat.HTML,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the written file in your browser.")] = False,
    title: Annotated[
        str | None, typer.Option(parser=_read_title, metavar="TEXT", help="Name of the fleet, for the heading.")
    ] = None,
    goal: Annotated[
        float | None,
        typer.Option(parser=_read_goal, metavar="PERCENT", help="Percentage of compliant nodes that you aim for."),
    ] = None,
    policy: PolicyOption = None,
    as_of: AsOfOption = None,
    window_days: WindowDaysOption = DEFAULTS.window_days,
    scan_max_age_days: ScanMaxAgeDaysOption = DEFAULTS.scan_max_age_days,
    history_days: HistoryDaysOption = DEFAULTS.history_days,
    profile: ProfileOption = None,
    region: RegionOption = None,
    allow_partial: AllowPartialOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the figures of the whole fleet as one JSON object.")
    ] = False,
) -> ExitCode:
    """Write a report of a lake: one HTML file that needs no network, or Markdown or JSON.

    The figures come from the newest published run. The report also shows what that run could not read. Markdown is
    a short form for an e-mail or a chat; JSON is for programs. Both begin with what is not known.

    Exit codes: 0 that run is COMPLETE, 1 error, 3 it is PARTIAL, a newer one is not published or later than today,
    there is none, or the policy has a bad row or names a tag that was not read: standard error says what is missing.

    Example: patchlake report --lake demo --out report.html

    Example: patchlake report --lake demo --format markdown --out -
    """
    from patchlake_cli.lake.departures import departures_of_newest
    from patchlake_cli.lake.gaps import find_gaps
    from patchlake_cli.lake.policy_gaps import find_policy_gaps, find_policy_notes
    from patchlake_cli.report.headline import as_json_object, in_words
    from patchlake_cli.report.reading import read_figures
    from patchlake_cli.report.renderers import RENDERERS
    from patchlake_cli.terminal.console import error_console

    chosen = ReportFormat(report_format)
    out = Path(f"report.{chosen.suffix}") if out is None else out
    is_printed = out == _STANDARD_OUTPUT
    if is_printed and as_json:
        raise unused("--json", "--out -")
    if is_printed and is_opened:
        raise unused("--open", "--out -")
    if not is_printed:
        require_writable(out, chosen)
    chosen_lake = choose_lake(context, lake, stack, profile, region)
    try:
        settings = Settings(window_days, scan_max_age_days, history_days)
        with error_console().status("reading the lake"):
            opened = chosen_lake.open(chosen_lake.as_of(as_of), settings, policy)
            gaps = [*find_gaps(opened), *find_policy_gaps(opened, {"sla_breaches"})]
            notes = [*find_policy_notes(opened, {"sla_breaches"}), *departures_of_newest(opened)]
            figures = replace(read_figures(opened), title=title, goal=goal)
    except (LakeError, QueryError) as error:
        raise CommandError(str(error)) from error
    text = RENDERERS[chosen](figures)
    if is_printed:
        typer.echo(text, nl=False)
    else:
        write_file(text.encode(), out)
        typer.echo(json.dumps(as_json_object(figures, out)) if as_json else f"{in_words(figures)}\nReport: {out}")
    if is_opened:
        notes += _open_in_browser(out)
    return end_answer(gaps, notes, allow_partial=allow_partial)


def _open_in_browser(out: Path) -> list[str]:
    """Open a file, and return what to say if that fails."""
    import webbrowser

    return [] if webbrowser.open(out.resolve().as_uri()) else [f"no browser could be started: open {out} yourself"]
