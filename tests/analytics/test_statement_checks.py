"""The complaints of `make generate` about a view or query: the file, the line and the reason."""

from pathlib import Path

import pytest

from generators.statement_checks import StatementError, check_grammar, check_names, check_statements
from patchlake_cli.lake.catalogue import empty_lake
from patchlake_cli.lake.engine import Lake

HEADER = "-- Question: What?\n-- Rows: one.\n-- Columns:\n--   two: Two.\n"


@pytest.fixture(scope="module")
def empty() -> Lake:
    return empty_lake()


def complaint(folder: Path, text: str, lake: Lake) -> str:
    """Return what is said of a view with this text."""
    path = folder / "odd.sql"
    path.write_text(text)
    try:
        check_grammar(path, lake)
        check_names(path, lake)
    except StatementError as error:
        return str(error)
    return "nothing"


def test_every_view_and_query_is_right(empty: Lake) -> None:
    check_statements(empty)


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("SELECT\n  run_id,\nFROM runs", "odd.sql:7: this is not valid SQL in Athena: extraneous input 'FROM'"),
        ("SELECT run_id FROM runs WHERE", "odd.sql:5: this is not valid SQL in Athena: mismatched input '<EOF>'"),
        ("SELECT\n  run_ide AS two\nFROM runs", 'odd.sql:6: there is no column "run_ide"; did you mean "run_id"?'),
        ("SELECT run_id AS two\nFROM run", 'odd.sql:6: there is no table or view "run"; did you mean "runs"?'),
        ("SELECT run_id + 1 AS two FROM runs", "odd.sql: runs.run_id + 1: runs.run_id is text: write CAST("),
        ("SELECT run_id AS two, ? AS three FROM runs", "odd.sql: expected the parameter of the SELECT, such as 1="),
        ("SELECT run_id FROM runs", "odd.sql: the header describes names that are not columns: two"),
        ("SELECT run_id AS two, 1 AS three FROM runs", "odd.sql: the header must say what three is"),
        ("SELECT CAST(run_date AS date) AS two FROM runs", "odd.sql: two is a date, expected one of varchar, integer"),
    ],
)
def test_a_complaint_begins_with_the_file_and_the_line(tmp_path: Path, empty: Lake, select: str, expected: str) -> None:
    assert complaint(tmp_path, f"{HEADER}{select}\n", empty).startswith(expected)


def test_the_line_is_that_of_the_file_also_behind_columns_that_are_put_in(tmp_path: Path, empty: Lake) -> None:
    select = "SELECT\n  ${NodeColumns},\n  ${PatchStateColumns},\n  nothing AS two\nFROM node_compliance\n"

    assert complaint(tmp_path, HEADER + select, empty).startswith('odd.sql:8: there is no column "nothing"')


def test_a_parameter_without_an_argument_for_its_sample_is_found(tmp_path: Path, empty: Lake) -> None:
    header = HEADER.replace("-- Columns", "-- Parameters:\n--   days (days, such as 7): N.\n-- Columns")
    select = "SELECT run_id AS two FROM runs WHERE run_id = ?\n"

    assert complaint(tmp_path, header + select, empty) == (
        "odd.sql: see sample_arguments in generators/lakes.py: expected the parameter of odd, such as days=7 (N)"
    )


def test_a_parameter_without_a_type_is_found(tmp_path: Path, empty: Lake) -> None:
    header = HEADER.replace("-- Columns", "-- Parameters:\n--   days: N, such as 7.\n-- Columns")

    assert complaint(tmp_path, f"{header}SELECT ? AS two FROM runs\n", empty) == (  # noqa: S608  # SQL of this test
        "odd.sql: expected NAME (TYPE, such as VALUE): MEANING, with the type date or days or cve or patch or text or "
        "rows or any text: 'days: N, such as 7.'"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-- Question: What?\nSELECT 1\n", "odd.sql: the header must have a line that begins with Rows:"),
        ("SELECT 1\n", "odd.sql: the header must have a line that begins with Question:"),
        ("-- Question: What?\n-- Rows: one.\n-- Why?\nSELECT 1\n", "odd.sql: the header has an invalid line: 'Why?'"),
        (
            "-- Question: What?\n-- Rows: one.\n-- Columns:\n--   two\nSELECT 1\n",
            "odd.sql: expected a name, a colon and a description: 'two'",
        ),
        ("-- Question: What?\n-- Rows: one.\n", "odd.sql: this is not valid SQL in Athena: mismatched input '<EOF>'"),
    ],
)
def test_a_file_without_the_header_that_others_have_is_refused(
    tmp_path: Path, empty: Lake, text: str, expected: str
) -> None:
    assert complaint(tmp_path, text, empty).startswith(expected)
