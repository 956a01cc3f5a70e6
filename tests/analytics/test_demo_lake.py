"""The lake of a demo answers as of its last run, on any day: the documented examples never expire."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from patchlake_cli.api import open_lake
from patchlake_cli.commands.query import query
from patchlake_cli.commands.report import report
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.location import MARKER
from patchlake_cli.option_values import OptionError
from tests.analytics.synthetic import collected, listed, write_run

OLD, OLDER = "20201102T060000Z", "20201101T060000Z"
SQL = "SELECT run_id, run_date FROM latest_run"


def run(command: object, *arguments: object) -> Result:
    app = typer.Typer()
    app.command()(command)  # type: ignore[type-var]  # any command
    return CliRunner().invoke(app, [*map(str, arguments)], standalone_mode=False)


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    for run_id in (OLDER, OLD):
        write_run(folder, run_id, [listed(1)], [collected(run_id, 1)])
    (folder / MARKER).touch()
    return folder


def ahead_of_today(folder: Path) -> date:
    """Add a run that a clock ahead has dated, or of which a clock behind does not know yet."""
    day = datetime.now(UTC).date() + timedelta(days=9)
    run_id = f"{day:%Y%m%d}T060000Z"
    write_run(folder, run_id, [listed(1)], [collected(run_id, 1)])
    return day


@pytest.mark.parametrize("inside", [".", "lake"])
def test_a_demo_of_long_ago_is_answered(demo: Path, inside: str) -> None:
    result = run(query, "--lake", demo / inside, SQL, "--format", "csv")

    assert (result.return_value, result.stderr) == (ExitCode.COMPLETE, "")
    assert result.stdout.splitlines()[1:] == [f'"{OLD}","2020-11-02"']


def test_another_day_of_a_demo_can_be_asked_for(demo: Path) -> None:
    assert OLDER in run(query, "--lake", demo, "--as-of", "2020-11-01", SQL).stdout


def test_a_date_after_the_last_day_of_a_demo_is_in_the_future(demo: Path) -> None:
    result = run(query, "--lake", demo, "--named", "changes_since", "--param", "date=2020-11-03")

    assert "expected a UTC date up to 2020-11-02" in str(result.exception)


def test_the_report_of_a_demo_is_as_of_its_last_run(demo: Path, tmp_path: Path) -> None:
    result = run(report, "--lake", demo, "--out", tmp_path / "report.html")

    assert (result.return_value, result.stderr) == (ExitCode.COMPLETE, "")
    assert result.stdout.startswith(f"Run {OLD} is COMPLETE")


@pytest.mark.parametrize("is_of_a_demo", [True, False])
@pytest.mark.parametrize("command", [query, report])
def test_what_will_be_tomorrow_is_not_known(demo: Path, tmp_path: Path, command: object, *, is_of_a_demo: bool) -> None:
    if not is_of_a_demo:
        (demo / MARKER).unlink()
    today = datetime.now(UTC).date()
    words = [SQL] if command is query else ["--out", tmp_path / "report.html"]

    result = run(command, "--lake", demo, "--as-of", today + timedelta(days=1), *words)

    assert isinstance(result.exception, OptionError)
    expected = f"--as-of is '{today + timedelta(days=1)}': expected a UTC date up to {today}"
    assert result.exception.format_message() == expected


def test_a_lake_whose_clock_ran_ahead_is_answered_up_to_its_last_run(demo: Path) -> None:
    last = ahead_of_today(demo)
    (demo / MARKER).unlink()

    answered = run(query, "--lake", demo, "--as-of", last, SQL)
    refused = run(query, "--lake", demo, "--as-of", last + timedelta(days=1), SQL)

    assert (answered.return_value, f"{last:%Y%m%d}T060000Z" in answered.stdout) == (ExitCode.COMPLETE, True)
    assert f"expected a UTC date up to {last}" in str(refused.exception)


def test_runs_after_today_are_said_not_to_answer(demo: Path, tmp_path: Path) -> None:
    (demo / MARKER).unlink()
    today = datetime.now(UTC)
    answering = f"{today:%Y%m%d}T000000Z"
    write_run(demo, answering, [listed(1)], [collected(answering, 1)])
    day = ahead_of_today(demo)
    sentence = (
        f"the newest run is from {day}, later than today, {today.date()}, by this machine's clock. Check the clock, or "
        f"use --as-of {day}"
    )

    answered = run(query, "--lake", demo, "--format", "csv", SQL)
    allowed = run(query, "--lake", demo, "--allow-partial", SQL)
    reported = run(report, "--lake", demo, "--out", tmp_path / "report.md", "--format", "markdown")
    opened = open_lake(demo)

    assert (answered.return_value, answered.stderr) == (ExitCode.PARTIAL, f"patchlake: {sentence}.\n")
    assert answering in answered.stdout
    assert (allowed.return_value, allowed.stderr) == (ExitCode.COMPLETE, answered.stderr)
    assert (reported.return_value, reported.stderr) == (ExitCode.PARTIAL, answered.stderr)
    assert f"A newer run is not in this report: `{sentence}`" in (tmp_path / "report.md").read_text()
    assert opened.sql(SQL).gaps == (sentence,)


def test_a_date_that_is_asked_for_has_no_runs_after_it_to_tell_of(demo: Path) -> None:
    (demo / MARKER).unlink()
    ahead_of_today(demo)

    assert run(query, "--lake", demo, "--as-of", "2020-11-02", SQL).stderr == ""
    assert open_lake(demo, as_of=date(2020, 11, 2)).sql(SQL).gaps == ()


def test_a_lake_whose_runs_are_all_after_today_is_said_to_have_no_snapshot_yet(tmp_path: Path) -> None:
    day = ahead_of_today(tmp_path)

    result = run(query, "--lake", tmp_path, SQL)

    assert result.return_value is ExitCode.PARTIAL
    assert f"by this machine's clock. Check the clock, or use --as-of {day}" in result.stderr
    assert f"the first run is from {day}. Use --as-of {day} or a later date" in result.stderr


def test_any_other_lake_is_answered_as_of_today(demo: Path) -> None:
    (demo / MARKER).unlink()

    result = run(query, "--lake", demo, SQL)

    assert result.return_value is ExitCode.PARTIAL
    assert "the newest run is from 2020-11-02. Use --as-of 2020-11-02" in result.stderr


def test_the_folder_of_a_demo_without_a_lake_is_one_line(tmp_path: Path) -> None:
    (tmp_path / MARKER).touch()

    for command in (query, report):
        words = [SQL] if command is query else []
        result = run(command, "--lake", tmp_path, *words)
        assert isinstance(result.exception, CommandError)
        assert "contains no lake" in str(result.exception)
