"""The lake of a demo answers as of its last run, on any day: the documented examples never expire."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from patchlake_cli.commands.query import query
from patchlake_cli.commands.report import report
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.location import MARKER
from tests.analytics.synthetic import collected, listed, write_run

OLD, OLDER = "20201102T060000Z", "20201101T060000Z"
SQL = "SELECT run_id, run_date FROM latest_run"


def run(command: object, *arguments: str | Path) -> Result:
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
