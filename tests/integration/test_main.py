"""The ends of commands: one line on standard error, and the right exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from patchlake_cli.exit_codes import ExitCode

PATCHLAKE = Path(sys.executable).with_name("patchlake")


def patchlake(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PATCHLAKE, *arguments], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "patchlake: No such command 'nothing'. Run `patchlake --help` for usage.\n"),
        (["demo", "--nod", "3"], "Run `patchlake demo --help` for usage.\n"),
        (["query"], "patchlake: Missing option '--lake'. Run `patchlake query --help` for usage.\n"),
        (
            ["query", "--lake", "x"],
            "expected either one SELECT or --named NAME. Run `patchlake query --help` for usage.\n",
        ),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_two(arguments: list[str], said: str) -> None:
    ended = patchlake(*arguments)

    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    assert ended.stderr.endswith(said)
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["check", "export", "query", "report"])
def test_a_wrong_lake_is_refused_in_the_same_words_by_every_command(command: str) -> None:
    ended = patchlake(command, "--lake", "ftp://x")

    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    assert ended.stderr == (
        "patchlake: Invalid value for --lake: 'ftp://x': expected a folder, or s3://BUCKET with an optional prefix. "
        f"Run `patchlake {command} --help` for usage.\n"
    )


@pytest.mark.parametrize("command", [["export", "--lake", "x"], ["run", "--stack", "x"]])
def test_a_wrong_scheduled_time_is_refused_in_the_same_words_by_every_command(command: list[str]) -> None:
    ended = patchlake(*command, "--scheduled-time", "tomorrow")

    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    assert ended.stderr == (
        "patchlake: Invalid value for --scheduled-time: 'tomorrow': expected an ISO 8601 time with an offset and whole "
        f"seconds, such as 2026-11-23T06:00:00Z. Run `patchlake {command[0]} --help` for usage.\n"
    )


def test_an_error_that_can_be_expected_is_one_line_and_exit_code_one() -> None:
    ended = patchlake("query", "--lake", "/nonexistent", "SELECT 1")

    assert (ended.returncode, ended.stdout) == (ExitCode.ERROR, "")
    assert ended.stderr == "patchlake: /nonexistent is not a folder\n"


@pytest.mark.parametrize("status", ["COMPLETE", "PARTIAL"])
def test_a_run_ends_with_the_code_of_its_status(status: str) -> None:
    assert ExitCode.of_run(status).name == status
