"""The ends of commands: one line on standard error, and the right exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from patchlake_cli.failure import ExitCode

PATCHLAKE = Path(sys.executable).with_name("patchlake")


def patchlake(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PATCHLAKE, *arguments], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "patchlake: No such command 'nothing'. `patchlake --help` shows what is expected.\n"),
        (["demo", "--nod", "3"], "`patchlake demo --help` shows what is expected.\n"),
        (["query"], "patchlake: Missing option '--lake'. `patchlake query --help` shows what is expected.\n"),
        (
            ["query", "--lake", "x"],
            "expected either one SELECT or --named NAME. `patchlake query --help` shows what is expected.\n",
        ),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_two(arguments: list[str], said: str) -> None:
    ended = patchlake(*arguments)

    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    assert ended.stderr.endswith(said)
    assert ended.stderr.count("\n") == 1


def test_an_error_that_can_be_expected_is_one_line_and_exit_code_one() -> None:
    ended = patchlake("query", "--lake", "/nonexistent", "SELECT 1")

    assert (ended.returncode, ended.stdout) == (ExitCode.ERROR, "")
    assert ended.stderr == "patchlake: /nonexistent is not a folder\n"


@pytest.mark.parametrize("status", ["COMPLETE", "PARTIAL"])
def test_a_run_ends_with_the_code_of_its_status(status: str) -> None:
    assert ExitCode.of_run(status).name == status
