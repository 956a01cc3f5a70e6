"""Demos that ``patchlake demo`` refuses before it starts anything; tests/e2e runs whole ones."""

import os
from pathlib import Path

import pytest

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
