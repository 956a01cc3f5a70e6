"""The SELECT that ``patchlake query`` reads, and the formats and files that it writes."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from patchlake_cli.exit_codes import ExitCode
from tests.analytics.story import R5
from tests.query_command import WIDE, app, refusal, run

ONE = "SELECT 1 AS one"


def test_a_select_is_read_from_a_file_or_from_standard_input(story_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "asked.sql"
    file.write_text(ONE, encoding="utf-8")
    options = ["--lake", str(story_folder), "--format", "csv"]

    asked = [([ONE], ""), (["--file", str(file)], ""), (["-"], ONE), (["--file", "-"], ONE)]
    results = [CliRunner().invoke(app, [*options, *words], input=given) for words, given in asked]

    assert [result.stdout for result in results] == ['"one"\n1\n'] * 4


def test_a_file_that_is_no_text_is_named(story_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.sql").write_bytes(b"SELECT '\xe9'")

    assert "latin.sql cannot be read: it is not UTF-8 at byte 8" in refusal(
        story_folder, "--file", str(tmp_path / "latin.sql")
    )
    assert "no.sql cannot be read: No such file" in refusal(story_folder, "--file", str(tmp_path / "no.sql"))


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "markdown"])
def test_a_file_has_what_would_be_printed(story_folder: Path, tmp_path: Path, form: str) -> None:
    options = ["SELECT instance_id FROM node_compliance ORDER BY 1", "--format", form]

    printed = run(story_folder, *options)
    written = run(story_folder, *options, "--out", str(tmp_path / "answer"))

    # The runner reads each end of a line as one character.
    assert (tmp_path / "answer").read_bytes().decode().replace("\r\n", "\n") == printed.stdout
    assert written.stdout == ""


def test_parquet_is_written_to_a_file_and_refused_without_one(story_folder: Path, tmp_path: Path) -> None:
    sql = "SELECT run_id, run_at FROM runs ORDER BY 1"
    run(story_folder, sql, "-f", "parquet", "-o", str(tmp_path / "runs.parquet"))
    refused = CliRunner().invoke(app, ["--lake", str(story_folder), "-f", "parquet", sql], env=WIDE)

    ids = pq.read_table(tmp_path / "runs.parquet").column("run_id").to_pylist()
    assert R5 in ids
    assert refused.exit_code == ExitCode.USAGE
    assert "--format is 'parquet', which is not a text format: name a file with --out" in refused.stderr


@pytest.mark.parametrize(("form", "stream"), [("table", "stdout"), ("csv", "stderr"), ("jsonl", "stderr")])
def test_an_answer_that_is_cut_says_so(story_folder: Path, form: str, stream: str) -> None:
    sql = "SELECT instance_id FROM node_compliance ORDER BY 1"
    whole = json.loads(run(story_folder, sql, "--format", "json").stdout)

    cut = run(story_folder, sql, "--format", form, "--limit", "2")
    enough = run(story_folder, sql, "--format", form, "--limit", str(len(whole)))

    assert f"first 2 of {len(whole)} rows" in getattr(cut, stream)
    assert "first" not in enough.output
