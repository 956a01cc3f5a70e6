"""The ends of commands: one line on standard error, and the right exit code."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from patchlake import __version__
from patchlake_cli.exit_codes import ExitCode
from tests.analytics.synthetic import collected, listed, write_run
from tests.command_line import patchlake_here

RUN_ID = "20261112T060000Z"
PATCHLAKE = Path(sys.executable).with_name("patchlake")


def patchlake(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PATCHLAKE, *arguments], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "patchlake: 'nothing' is not a command. Run `patchlake --help` for usage.\n"),
        (["demo", "--nod", "3"], "Run `patchlake demo --help` for usage.\n"),
        (
            ["query", "SELECT 1"],
            "or set PATCHLAKE_LAKE or PATCHLAKE_STACK. Run `patchlake query --help` for usage.\n",
        ),
        (
            ["query", "--lake", "x"],
            "--named QUERY, --list, --list-tables or --describe TABLE. Run `patchlake query --help` for usage.\n",
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
        "patchlake: --lake is 'ftp://x': expected a folder, or s3://BUCKET with an optional prefix. "
        f"Run `patchlake {command} --help` for usage.\n"
    )


@pytest.mark.parametrize("command", [["export", "--lake", "x"], ["run", "--stack", "x"]])
def test_a_wrong_scheduled_time_is_refused_in_the_same_words_by_every_command(command: list[str]) -> None:
    ended = patchlake(*command, "--scheduled-time", "tomorrow")

    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    assert ended.stderr == (
        "patchlake: --scheduled-time is 'tomorrow': expected an ISO 8601 time with an offset and whole "
        f"seconds, such as 2026-11-23T06:00:00Z. Run `patchlake {command[0]} --help` for usage.\n"
    )


def test_an_error_that_can_be_expected_is_one_line_and_exit_code_one() -> None:
    ended = patchlake("query", "--lake", "/nonexistent", "SELECT 1")

    assert (ended.returncode, ended.stdout) == (ExitCode.ERROR, "")
    assert ended.stderr.startswith("patchlake: /nonexistent does not exist: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("status", ["COMPLETE", "PARTIAL"])
def test_a_run_ends_with_the_code_of_its_status(status: str) -> None:
    assert ExitCode.of_run(status).name == status


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with one run."""
    folder = tmp_path_factory.mktemp("ends")
    write_run(folder, RUN_ID, [listed(1)], [collected(RUN_ID, 1)])
    return folder


def in_a_shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/bash", "-c", line], capture_output=True, text=True, check=False, timeout=60)


COUNT = "query --as-of 2026-11-12 'SELECT count(*) FROM node_compliance' --lake"


@pytest.mark.parametrize("command", ["--help", f"{COUNT} LAKE"])
def test_a_full_disk_behind_standard_output_is_one_line(lake: Path, command: str) -> None:
    ended = in_a_shell(f"{PATCHLAKE} {command.replace('LAKE', str(lake))} > /dev/full")

    assert (ended.returncode, ended.stderr) == (
        ExitCode.ERROR,
        "patchlake: cannot write the output: No space left on device\n",
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_disk_that_becomes_full_in_the_middle_of_an_answer_is_one_line(
    lake: Path, tmp_path: Path, unbuffered: str
) -> None:
    long = "query --as-of 2026-11-12 --format csv 'SELECT n FROM UNNEST(sequence(1, 9999)) AS numbers (n)' --lake"

    ended = in_a_shell(f"ulimit -f 1; PYTHONUNBUFFERED={unbuffered} {PATCHLAKE} {long} {lake} > {tmp_path}/out.csv")

    assert (ended.returncode, ended.stderr) == (
        ExitCode.ERROR,
        "patchlake: cannot write the output: File too large\n",
    )


def test_a_reader_that_has_gone_gets_no_message(lake: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    ended = subprocess.run(
        [PATCHLAKE, "query", "--as-of", "2026-11-12", "--lake", lake, "SELECT count(*) FROM runs"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(writer)

    assert (ended.returncode, ended.stderr) == (ExitCode.ERROR, b"")


def test_a_closed_standard_output_is_one_line(lake: Path) -> None:
    ended = in_a_shell(f"{PATCHLAKE} {COUNT} {lake} >&-")

    assert (ended.returncode, ended.stderr) == (
        ExitCode.ERROR,
        "patchlake: standard output is closed: redirect it to a file, or to /dev/null\n",
    )


@pytest.mark.parametrize("streams", ["2> /dev/full", "<&- 2>&-"])
def test_the_exit_code_is_right_where_standard_error_is_full_or_closed(streams: str) -> None:
    assert in_a_shell(f"{PATCHLAKE} nothing {streams}").returncode == ExitCode.USAGE


def test_a_closed_standard_input_changes_nothing(lake: Path) -> None:
    ended = in_a_shell(f"{PATCHLAKE} {COUNT} {lake} <&-")

    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("options", ["-", "--file -", "--csv-table a=- 'SELECT * FROM a'"])
def test_a_closed_standard_input_cannot_be_read(lake: Path, options: str) -> None:
    ended = in_a_shell(f"{PATCHLAKE} query --lake {lake} {options} <&-")

    assert (ended.returncode, ended.stderr) == (
        ExitCode.ERROR,
        "patchlake: standard input cannot be read: it is closed\n",
    )


@pytest.mark.parametrize("command", [["query", "SELECT count(*) FROM runs"], ["report", "--out", "report.html"]])
@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--window-days", "1000000000"], ExitCode.USAGE),
        (["--window-days", "99999999999999999999"], ExitCode.USAGE),
        (["--scan-max-age-days", "2147483648"], ExitCode.USAGE),
        (["--as-of", "10000-01-01"], ExitCode.USAGE),
        (["--as-of", "0001-01-01"], None),
        (["--as-of", "9999-12-31"], ExitCode.USAGE),
        (["--as-of", "0001-01-01", "--window-days", "36500", "--scan-max-age-days", "36500"], None),
    ],
)
def test_dates_and_days_at_the_ends_of_the_calendar_are_answered_or_refused(
    lake: Path, tmp_path: Path, command: list[str], options: list[str], code: int | None
) -> None:
    ended = patchlake_here(dict(os.environ), *command, "--lake", lake, *options, folder=tmp_path)

    assert ended.stderr.count("\n") <= 1, ended.stderr
    assert ended.returncode == code or (code is None and ended.returncode in {ExitCode.COMPLETE, ExitCode.PARTIAL})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_ENDPOINT_URL", "-1"),
        ("AWS_ENDPOINT_URL", "http://a:99999"),
        ("AWS_MAX_ATTEMPTS", "many"),
        ("AWS_RETRY_MODE", "never"),
        ("AWS_DEFAULT_REGION", "mars-north-1"),
        ("AWS_DEFAULT_REGION", "eu west"),
        ("AWS_CONFIG_FILE", __file__),
    ],
)
def test_a_setting_that_the_sdk_cannot_use_is_one_line(variable: str, value: str) -> None:
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_DEFAULT_REGION": "eu-central-1",
        variable: value,
    }

    ended = patchlake_here(environment, "check")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1), ended.stderr
    problem = "no partition of AWS has a region" if variable == "AWS_DEFAULT_REGION" else "cannot be used"
    assert problem in ended.stderr


def test_credentials_that_are_expired_after_their_renewal_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def still_expired(_: object) -> NoReturn:
        # As botocore does.
        raise RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired.")

    monkeypatch.setattr("botocore.credentials.Credentials.get_frozen_credentials", still_expired)
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }

    for command in (["check"], ["status", "--stack", "x"], ["query", "--lake", "s3://bucket", "SELECT 1"]):
        ended = patchlake_here(environment, *command)

        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1), ended.stderr
        assert "still expired" in ended.stderr


def test_the_version_is_the_packages_own() -> None:
    for option in ("--version", "-V"):
        ended = patchlake_here(dict(os.environ), option)

        assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"patchlake {__version__}\n", "")


def test_an_error_shows_no_control_sequence() -> None:
    ended = patchlake_here(dict(os.environ), "query", "--lake", "x\x1b[31m\u202e", "SELECT 1")

    assert ended.returncode == ExitCode.ERROR
    assert ended.stderr.startswith("patchlake: x\\u001b[31m\\u202e does not exist")
