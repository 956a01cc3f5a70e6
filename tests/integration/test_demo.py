"""Demos that end early, most of them before they start anything; tests/e2e runs whole ones."""

import os
from pathlib import Path

import pytest

from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.demo import run_days
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.terminal.console import error_console
from patchlake_cli.terminal.progress import RunProgress
from tests.command_line import patchlake_here

ENVIRONMENT = os.environ | {"COLUMNS": "120", "NO_COLOR": "1"}


def test_somebody_elses_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    ended = patchlake_here(ENVIRONMENT, "demo", "--out", tmp_path)

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert str(tmp_path) in ended.stderr
    assert (tmp_path / "thesis.txt").is_file()


@pytest.mark.parametrize(
    "arguments", [["--nodes", "0"], ["--nodes", "many"], ["--accounts", "0"], ["--days", "-1"], ["--regions", "99"]]
)
def test_wrong_arguments_are_usage_errors(arguments: list[str], tmp_path: Path) -> None:
    ended = patchlake_here(ENVIRONMENT, "demo", "--out", tmp_path / "demo", *arguments)

    assert ended.returncode == 2
    assert arguments[0] in ended.stderr
    assert not (tmp_path / "demo").exists()


def test_a_full_disk_ends_a_demo_with_the_name_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "functions.log").symlink_to("/dev/full")

    with (
        RunProgress(error_console()) as progress,
        pytest.raises(CommandError, match=f"^{tmp_path}/functions.log: No space left on device$"),
    ):
        run_days(Settings(nodes=5, accounts=1, regions=1, days=1), tmp_path, progress)


def test_an_object_that_cannot_be_written_ends_a_demo_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "lake").touch()

    with (
        RunProgress(error_console()) as progress,
        pytest.raises(CommandError, match=f"^{tmp_path}/lake/coverage/run_date=.*: File exists$"),
    ):
        run_days(Settings(nodes=5, accounts=1, regions=1, days=1), tmp_path, progress)
