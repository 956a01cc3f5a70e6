"""``patchlake report``, as it is called."""

import json
import shutil
import webbrowser
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from patchlake_cli.commands.query import query
from patchlake_cli.commands.report import report
from patchlake_cli.exit_codes import CommandError, ExitCode
from tests.analytics.story import R5
from tests.analytics.synthetic import collected, listed, write_run

app = typer.Typer()
app.command()(report)
query_app = typer.Typer()
query_app.command()(query)


def run(lake: Path, *arguments: str | Path) -> Result:
    """Call the command on a lake as of the day of the story; the result's value is what it returned."""
    options = ["--lake", str(lake), "--as-of", "2026-11-13", *map(str, arguments)]
    return CliRunner().invoke(app, options, standalone_mode=False, env={"COLUMNS": "400"})


def test_the_report_is_written_and_summed_up_in_words(story_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("an older one")

    result = run(story_folder, "--out", out)

    assert result.return_value is ExitCode.PARTIAL
    assert run(story_folder, "--out", out, "--allow-partial").return_value is ExitCode.COMPLETE
    assert result.stdout == (
        f"Run {R5} is PARTIAL: 3 of 4 targets read, 2 no longer planned, 2 compliant, 7 unknown, 3 non-compliant of "
        "12 listed nodes: at least 13.3 % compliant (16.6 % of the listed nodes).\n"
        f"Report: {out}\n"
    )
    assert R5 in out.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [out]


def test_json_is_one_object_about_the_whole_fleet(story_folder: Path, tmp_path: Path) -> None:
    result = run(story_folder, "--out", tmp_path / "report.html", "--json")

    assert json.loads(result.stdout) == {
        "report": str(tmp_path / "report.html"),
        "run_id": R5,
        "run_at": "2026-11-12T06:00:00Z",
        "run_date": "2026-11-12",
        "run_status": "PARTIAL",
        "run_age_hours": 41,
        "run_coverage": "3 of 4 targets read, 2 no longer planned",
        "targets_read": 3,
        "targets_total": 4,
        "targets_not_active": 2,
        "targets_not_planned": 2,
        "rows_without_id": 0,
        **dict.fromkeys(("patches_status", "instances_status", "tags_status"), "NOT_ASKED"),
        "instances_not_managed": None,
        "fleet_compliant_percent": None,
        "fleet_compliant_percent_lower_bound": None,
        "fleet_unknown_reason": "INSTANCES_NOT_ASKED",
        "nodes_listed": 12,
        "nodes_compliant": 2,
        "nodes_non_compliant": 3,
        "nodes_unknown": 7,
        "compliant_percent": 16.6,
        "compliant_percent_lower_bound": 13.3,
    }


@pytest.mark.parametrize(
    ("is_started", "said"), [(True, ""), (False, "patchlake: no browser could be started: open {out} yourself.\n")]
)
def test_the_written_report_is_opened_in_the_browser(
    story_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_started: bool,
    said: str,
) -> None:
    out, opened = tmp_path / "my report.html", list[str]()

    def start(address: str) -> bool:
        opened.append(address)
        return is_started

    monkeypatch.setattr(webbrowser, "open", start)

    result = run(story_folder, "--out", out, "--open")

    assert opened == [out.as_uri()]
    assert result.return_value is ExitCode.PARTIAL
    assert result.stderr == run(story_folder, "--out", out).stderr + said.format(out=out)


def test_a_report_that_is_printed_cannot_be_opened(story_folder: Path) -> None:
    options = ["--lake", str(story_folder), "--out", "-", "--open"]
    refused = CliRunner().invoke(app, options, env={"COLUMNS": "400"})

    assert (refused.exit_code, refused.stdout) == (ExitCode.USAGE, "")
    assert "--open has no effect with --out -: leave one of them out" in refused.stderr


def test_a_window_without_a_snapshot_is_a_report_too(story_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"

    result = run(story_folder, "--out", out, "--as-of", "2026-11-25", "--window-days", "7")

    assert result.return_value is ExitCode.PARTIAL
    assert result.stdout.startswith(
        "There is no snapshot since 2026-11-18: the newest run is from 2026-11-13. "
        "Use --as-of 2026-11-13 to see the lake as it was then.\n"
    )
    assert "<p>There is no snapshot since 2026-11-18: the newest run" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize("as_of", ["2026-09-30", "2026-10-20", "2026-11-25"])
def test_a_window_without_a_snapshot_is_explained_in_the_words_of_query(
    story_folder: Path, tmp_path: Path, as_of: str
) -> None:
    options = ("--as-of", as_of, "--window-days", "1")
    asked = ["--lake", str(story_folder), *options, "--named", "changes"]

    reported = run(story_folder, "--out", tmp_path / "report.html", *options)
    queried = CliRunner().invoke(query_app, asked, standalone_mode=False)

    [said] = reported.stderr.splitlines()
    assert queried.stderr.splitlines() == [said]
    assert reported.stdout.startswith(f"There is {said.removeprefix('patchlake: ')}\n")


def test_what_the_answer_lacks_is_on_standard_error(story_folder: Path, tmp_path: Path) -> None:
    result = run(story_folder, "--out", tmp_path / "report.html", "--json")

    unpublished, partial, left = result.stderr.splitlines()
    assert unpublished.startswith("patchlake: run 20261113T060000Z is UNPUBLISHED: ")
    assert partial.startswith(f"patchlake: run {R5} is PARTIAL: 3 of 4 targets read, 2 no longer planned; not read: ")
    assert left.startswith(f"patchlake: run {R5} does not plan 2 targets of earlier runs: ")


def test_a_newer_run_that_is_not_published_is_a_gap_of_a_complete_one(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    write_run(lake, "20261112T060000Z", [listed(1)], [collected("20261112T060000Z", 1)])
    write_run(lake, "20261113T060000Z", [listed(2)], [collected("20261113T060000Z", 1)])

    result = run(lake, "--out", tmp_path / "report.html")
    allowed = run(lake, "--out", tmp_path / "report.html", "--allow-partial")

    assert (result.return_value, allowed.return_value) == (ExitCode.PARTIAL, ExitCode.COMPLETE)
    assert "run 20261113T060000Z is UNPUBLISHED: its coverage counts 2 nodes" in result.stderr


def test_a_lake_that_is_none_leaves_the_older_report(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("an older one")

    result = run(tmp_path, "--out", out)

    assert isinstance(result.exception, CommandError)
    assert "contains no lake" in str(result.exception)
    assert out.read_text() == "an older one"


def test_a_file_that_is_broken_is_named_and_nothing_is_reported(story_folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "lake"
    shutil.copytree(story_folder, broken)
    next(broken.glob(f"lake/patch_states/*/{R5}.parquet")).write_bytes(b"PAR1")

    result = run(broken, "--out", tmp_path / "report.html")

    assert isinstance(result.exception, CommandError)
    assert f"{R5}.parquet" in str(result.exception)
    assert not (tmp_path / "report.html").exists()


def test_a_report_that_cannot_be_written_leaves_the_older_one_and_nothing_else(
    story_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "report.html"
    out.write_text("an older one")

    def full(path: Path, *_args: object, **_options: object) -> None:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    result = run(story_folder, "--out", out)

    assert str(result.exception) == f"cannot write {out}: No space left on device"
    assert out.read_text() == "an older one"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--out", "."], "--out is '.': expected a file"),
        (["--out", "nowhere/report.html"], "expected a file in a folder, and nowhere does not exist"),
        (["--as-of", "yesterday"], "--as-of is 'yesterday': expected a UTC date as YYYY-MM-DD"),
        (["--window-days", "0"], "--window-days is '0': expected a whole number from 1 to 36500"),
        (["somewhere"], "unexpected extra argument"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(
    story_folder: Path, arguments: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(app, ["--lake", str(story_folder), *arguments], env={"COLUMNS": "400"})

    assert result.exit_code == ExitCode.USAGE
    assert complaint in result.stderr
    assert list(tmp_path.iterdir()) == []
