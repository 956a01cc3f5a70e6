"""Wrong inputs of the command: each ends with one plain line, no traceback, and the right exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from patchlake.config import VARIABLES
from patchlake.core.keys import snapshot_key
from patchlake.errors import ConfigError
from patchlake_cli.exit_codes import ExitCode
from tests.analytics.synthetic import collected, listed, write_run
from tests.command_line import patchlake_here

RUN_ID = "20261112T060000Z"
STACK_NAME = (
    "the name of a patchlake stack (at most 38 lowercase letters, digits and hyphens, beginning with a letter)"
    " or its ARN"
)
SNAPSHOT = f"lake/{snapshot_key(RUN_ID)}"
OUTSIDE = "a file outside the lake's folders, whose files are never replaced"
PATCHLAKE = Path(sys.executable).with_name("patchlake")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lake of one run, CSV files and a folder."""
    folder = tmp_path_factory.mktemp("wrong")
    write_run(folder / "lake", RUN_ID, [listed(1)], [collected(RUN_ID, 1)])
    (folder / "ok.csv").write_text("a,b\n1,2\n")
    (folder / "latin.csv").write_bytes(b"a\n\xe9\n")
    (folder / "twice.csv").write_text("a,A\n1,2\n")
    (folder / "long.csv").write_text(f"a\n{'x' * 200_000}\n")
    (folder / "open.csv").write_text('a,b\n1,"2\n3,4\n')
    (folder / "after.csv").write_text('a,b\n1,"2"3\n')
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("/nowhere/else")
    os.mkfifo(folder / "pipe")
    (folder / "tables").symlink_to(folder / "lake" / "lake")
    return folder


def ended(folder: Path, *arguments: str) -> tuple[int, str]:
    """Return the exit code and the one line of a command that prints nothing else."""
    result = patchlake_here(dict(os.environ), *arguments, folder=folder)
    assert (result.stdout, result.stderr.count("\n")) == ("", 1), result.stderr
    assert result.stderr.startswith("patchlake: ")
    return result.returncode, result.stderr.removeprefix("patchlake: ").rstrip("\n")


@pytest.mark.parametrize(
    ("command", "option", "value", "expected"),
    [
        ("demo", "--nodes", "0", "a whole number from 1 to 1000000"),
        ("demo", "--nodes", "1e3", "a whole number from 1 to 1000000"),
        ("demo", "--accounts", "101", "a whole number from 1 to 100"),
        ("demo", "--regions", "\u0661", "a whole number from 1 to 10"),
        ("demo", "--days", "0", "a whole number from 1 to 60"),
        ("demo", "--days", "", "a whole number from 1 to 60"),
        ("demo", "--seed", "-1", "a whole number from 0 to 999999999"),
        ("demo", "--seed", "99999999999999999999", "a whole number from 0 to 999999999"),
        ("query", "--window-days", "7.5", "a whole number from 1 to 36500"),
        ("query", "--scan-max-age-days", " 7", "a whole number from 1 to 36500"),
        ("query", "--format", "xml", "table, json, jsonl, csv, markdown or parquet"),
        ("query", "--format", "JSON", "table, json, jsonl, csv, markdown or parquet"),
        ("query", "--limit", "0", "a whole number from 1 to 1000000000"),
        ("query", "--out", "folder", "a file"),
        ("query", "--out", SNAPSHOT, OUTSIDE),
        ("query", "--out", "lake/lake/answer.csv", OUTSIDE),
        ("report", "--out", SNAPSHOT, OUTSIDE),
        ("report", "--region", "", "the name of a region, such as eu-central-1"),
        ("probe", "--region", "", "the name of a region, such as eu-central-1"),
        ("report", "--out", "lake/lake/coverage/report.html", OUTSIDE),
        ("report", "--out", f"tables/{SNAPSHOT.removeprefix('lake/lake/')}", OUTSIDE),
        ("query", "--out", "link", "a file, and it is a symbolic link to /nowhere/else, which does not exist"),
        ("query", "--out", "new.csv", "a name that does not end in .csv, since --format is table"),
        ("report", "--out", "ok.csv", "a name that does not end in .csv, since --format is html"),
        ("report", "--out", "new.JSON", "a name that does not end in .JSON, since --format is html"),
        ("query", "--csv-table", "a=", "NAME=FILE with a name of lowercase letters, digits and _"),
        ("query", "--as-of", "2026-11-31", "a UTC date as YYYY-MM-DD, such as 2026-11-01"),
        ("report", "--window-days", "0", "a whole number from 1 to 36500"),
        ("report", "--out", ".", "a file"),
        ("report", "--out", "folder", "a file"),
        ("report", "--out", "new.html/", "a file"),
        ("query", "--out", "new.txt/.", "a file"),
        ("query", "--file", "ok.csv/", "a file"),
        ("report", "--out", "ok.csv/x.html", "a file in a folder, and ok.csv is not a folder"),
        ("export", "--connections", "0", "a whole number from 1 to 64"),
        ("export", "--batch-size", "1_000", "a whole number from 1 to 10000"),
        ("export", "--deadline", "59", "a whole number from 60 to 604800"),
        ("export", "--detail-deadline", "x", "a whole number from 60 to 604800"),
        ("export", "--regions", "", "region names such as eu-central-1, separated by commas, or all-enabled"),
        ("export", "--external-id", "a", "an external id of 2 to 1224 characters, or nothing"),
        ("check", "--lake", "", "a folder, or s3://BUCKET with an optional prefix"),
        ("check", "--lake", "a\nb", "a location on one line"),
        ("demo", "--out", "a\nb", "a path on one line"),
        *(
            (command, option, address, "a path on this machine, not an address")
            for command, option in (
                ("check", "--policy"),
                ("query", "--policy"),
                ("report", "--out"),
                ("query", "--file"),
            )
            for address in ("s3://bucket/policy", "S3://bucket", "https://example.com/policy")
        ),
        ("check", "--stack", "a b", STACK_NAME),
        ("status", "--runs", "0", "a whole number from 1 to 100"),
        ("check", "--stack", "Patchlake", STACK_NAME),
        ("check", "--stack", "p" * 39, STACK_NAME),
        ("status", "--stack", "", STACK_NAME),
        ("run", "--stack", "\u00e4", STACK_NAME),
        ("redrive", "--stack", "1x", STACK_NAME),
    ],
)
def test_a_value_that_is_not_valid_is_refused_in_one_style(
    folder: Path, command: str, option: str, value: str, expected: str
) -> None:
    required = {"query": ["--lake", "lake", "SELECT 1"], "report": ["--lake", "lake"], "export": ["--lake", "new"]}
    others = ["--stack", "x"] if command in {"status", "run", "redrive"} and option != "--stack" else []

    code, said = ended(folder, command, *required.get(command, others), option, value)

    assert code == ExitCode.USAGE
    assert said == f"{option} is {value!r}: expected {expected}. Run `patchlake {command} --help` for usage."
    assert not (folder / "new").exists()


@pytest.mark.parametrize("name", [name for name in VARIABLES if name.endswith(("SECONDS", "SIZE", "CONNECTIONS"))])
def test_a_variable_is_refused_in_the_style_of_an_option(name: str) -> None:
    variable = VARIABLES[name]

    with pytest.raises(ConfigError) as refused:
        variable.read(name, "-1")

    assert str(refused.value) == f"{name} is '-1': expected {variable.expected}"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--csv-table", "a=latin.csv", "SELECT 1"], 1, "latin.csv cannot be read: it is not UTF-8 at byte 2"),
        (
            ["--csv-table", "a=/dev/zero", "SELECT 1"],
            1,
            "/dev/zero cannot be read: it is a device, which may never end",
        ),
        (["--file", "/dev/zero"], 1, "/dev/zero cannot be read: it is a device, which may never end"),
        (["--file", "pipe"], 1, "pipe cannot be read: it is a pipe, and no program writes to it"),
        (["--csv-table", "a=pipe", "SELECT 1"], 1, "pipe cannot be read: it is a pipe, and no program writes to it"),
        (["--csv-table", "a=ok.csv/", "SELECT 1"], 2, "--csv-table is 'ok.csv/': expected a file"),
        (["--csv-table", "a=folder", "SELECT 1"], 1, "folder cannot be read: Is a directory"),
        (["--csv-table", "a=no.csv", "SELECT 1"], 1, "no.csv cannot be read: No such file or directory"),
        (["--csv-table", "a=twice.csv", "SELECT 1"], 1, "a: the first line must name each column once, with letters"),
        (["--csv-table", "a=long.csv", "SELECT 1"], 1, "a: it is not CSV: field larger than field limit (131072)"),
        (["--csv-table", "a=open.csv", "SELECT 1"], 1, "a: it is not CSV: unexpected end of data"),
        (["--csv-table", "a=after.csv", "SELECT 1"], 1, "a: it is not CSV: ',' expected after '\"'"),
        (["--csv-table", "coverage_files=ok.csv", "SELECT 1"], 1, "table 'coverage_files' already exists"),
        (["SELECT 1/0"], 1, "division by zero: divide by NULLIF(divisor, 0), which gives NULL"),
        (["SELECT -1/0"], 1, "division by zero"),
        (["SELECT mod(5, 0)"], 1, "division by zero"),
        (["--file", "link"], 1, "link is a symbolic link to /nowhere/else, which does not exist"),
        (["--csv-table", "a=link", "SELECT 1"], 1, "link is a symbolic link to /nowhere/else, which does not exist"),
        (["SELECT '\udcff'"], 2, "expected one SELECT in UTF-8"),
        ([f"SELECT {'(' * 3000}1{')' * 3000}"], 2, "the SELECT is nested too deeply"),
        ([f"{'/**/' * 60} x"], 2, "expected one SELECT"),
        (
            ["WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t"],
            2,
            "WITH RECURSIVE is not supported, since such a query may never end",
        ),
        (["--named", "\udcff"], 2, "--named: there is no named query '\\udcff'."),
        (
            ["--named", "overdue_nodes", "--param", "days=-5"],
            2,
            "--param: days is '-5': expected a whole number of days",
        ),
    ],
)
def test_a_question_that_cannot_be_asked_is_one_line(folder: Path, arguments: list[str], code: int, said: str) -> None:
    assert ended(folder, "query", "--lake", "lake", *arguments)[0] == code
    assert ended(folder, "query", "--lake", "lake", *arguments)[1].startswith(said)


@pytest.mark.parametrize(
    "arguments",
    [
        ("query", "--lake", "link", "SELECT 1"),
        ("report", "--lake", "link"),
        ("template", "--out", "link"),
        ("demo", "--out", "link"),
    ],
)
def test_a_link_to_nothing_is_called_that(folder: Path, arguments: tuple[str, ...]) -> None:
    assert ended(folder, *arguments)[1].startswith("link is a symbolic link to /nowhere/else, which does not exist")


def test_a_file_that_a_link_names_is_written_and_the_link_stays(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")

    for _ in range(2):
        patchlake_here(
            dict(os.environ), "query", "--lake", "lake", "--out", tmp_path / "link", "SELECT 1", folder=folder
        )

    assert (tmp_path / "link").is_symlink()
    assert "1 row" in (tmp_path / "file").read_text()


def test_a_select_may_be_in_a_file_that_begins_with_a_byte_order_mark(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "asked.sql").write_text("SELECT 5 AS five", "utf-8-sig")

    asked = ("--file", tmp_path / "asked.sql")
    result = patchlake_here(dict(os.environ), "query", "--lake", "lake", *asked, folder=folder)

    assert (result.returncode, "1 row" in result.stdout) == (0, True)


def test_a_select_and_a_table_may_come_from_a_pipe_that_a_program_still_writes(folder: Path) -> None:
    asked, given = "<(sleep 1; echo 'SELECT b FROM given')", "<(sleep 1; cat ok.csv)"
    line = f"{PATCHLAKE} query --lake lake --format csv --file {asked} --csv-table given={given}"

    result = subprocess.run(
        ["/bin/bash", "-c", line], capture_output=True, text=True, check=False, cwd=folder, timeout=60
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, '"b"\n"2"\n', "")


def test_a_table_may_have_the_name_of_a_keyword(folder: Path) -> None:
    asked = ("--csv-table", "select=ok.csv", "--format", "csv", 'SELECT b FROM "select"')

    result = patchlake_here(dict(os.environ), "query", "--lake", "lake", *asked, folder=folder)

    assert (result.returncode, result.stdout) == (0, '"b"\r\n"2"\r\n')


def test_a_number_that_json_does_not_have_is_a_text(folder: Path) -> None:
    asked = ("--format", "json", "SELECT CAST('NaN' AS double) AS a, CAST('Infinity' AS double) AS b")

    result = patchlake_here(dict(os.environ), "query", "--lake", "lake", *asked, folder=folder)

    assert result.stdout == '[\n  {\n    "a": "nan",\n    "b": "inf"\n  }\n]\n'


def test_a_deadline_of_details_that_are_not_read_is_refused(folder: Path) -> None:
    code, said = ended(folder, "export", "--lake", "new", "--detail-deadline", "100")

    assert code == ExitCode.USAGE
    assert said.startswith("--detail-deadline has no effect without --patches, --instances or --tag-keys. ")


def test_a_folder_with_the_name_of_a_file_of_the_lake_is_one_line(tmp_path: Path) -> None:
    write_run(tmp_path, RUN_ID, [listed(1)], [collected(RUN_ID, 1)])
    [snapshot] = tmp_path.glob("lake/patch_states/*/*.parquet")
    snapshot.unlink()
    snapshot.mkdir()

    code, said = ended(tmp_path, "query", "--lake", ".", "--as-of", "2026-11-12", "SELECT count(*) FROM runs")

    assert code == ExitCode.ERROR
    assert said.startswith("the lake cannot be read: ")


def test_a_profile_that_does_not_exist_is_a_setting_that_cannot_be_used(tmp_path: Path) -> None:
    environment = {**os.environ, "AWS_PROFILE": "nope"}

    result = patchlake_here(environment, "query", "--lake", "s3://bucket", "SELECT 1", folder=tmp_path)

    assert (result.returncode, result.stderr) == (
        ExitCode.ERROR,
        (
            "patchlake: s3://bucket cannot be opened: the AWS settings of your environment or profile cannot be used: "
            "The config profile (nope) could not be found\n"
        ),
    )


def test_what_the_encoding_of_the_output_does_not_have_is_escaped(folder: Path) -> None:
    result = subprocess.run(
        [PATCHLAKE, "query", "--lake", "lake", "--format", "csv", "SELECT '\u20ac' AS a"],
        capture_output=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        timeout=60,
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, b'"a"\r\n"\\u20ac"\r\n', b"")


def test_a_working_folder_that_is_gone_is_one_line() -> None:
    line = f'cd "$(mktemp -d)" && rmdir "$PWD" && {PATCHLAKE} report --lake x'

    result = subprocess.run(["/bin/bash", "-c", line], capture_output=True, text=True, check=False, timeout=60)

    assert (result.returncode, result.stderr) == (
        ExitCode.ERROR,
        "patchlake: the working folder cannot be used: No such file or directory. Change to another one\n",
    )
