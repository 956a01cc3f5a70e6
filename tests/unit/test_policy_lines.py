"""The lines of a policy's files are read as Athena reads them: compared with OpenCSVSerDe's rules, written out here."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from patchlake_cli.lake.policy import POLICY_TABLES, is_ignored, read_lines

SLA, EXCEPTIONS = POLICY_TABLES
WIDTH = len(SLA.columns)
NO_COLUMNS = (None,) * WIDTH


def cells_of(line: str) -> tuple[str | None, ...]:
    """Return the columns of a file's second line."""
    return [read.cells for read in read_lines(SLA, f"severity,tag_key,tag_value,days\n{line}\n".encode())][1]


def as_opencsv(line: str) -> tuple[str | None, ...]:
    """Return the columns that OpenCSVSerDe gives to a line without an escape character."""
    cells: list[str | None] = [None] * WIDTH
    buffer, column, position = "", 0, 0
    in_quotes = in_field = False
    while line and position < len(line) and column < WIDTH:
        character, following = line[position], line[position + 1 : position + 2]
        if character == '"':
            if (in_quotes or in_field) and following == '"':
                buffer += '"'
                position += 1
            else:
                if position > 2 and line[position - 1] != "," and following not in {"", ","}:
                    buffer = "" if buffer.strip() == "" and buffer else buffer + '"'
                in_quotes = not in_quotes
            in_field = not in_field
        elif character == "," and not in_quotes:
            cells[column] = buffer
            buffer, in_field, column = "", False, column + 1
        else:
            buffer += character
            in_field = True
        position += 1
    if line and column < WIDTH and not in_quotes:
        cells[column] = buffer
    return tuple(cells)


LINES = st.text(alphabet='ab ",\\\ufeffÄ', max_size=14)


@given(LINES)
@example('"a, ""b""",,,7')
@example('a"b,c"d,,7')
@example(' "a",b')
@example("Critical,,,7,")
def test_a_line_has_the_columns_that_athena_reads_or_none(line: str) -> None:
    cells = cells_of(line)

    assert cells in {as_opencsv(line), NO_COLUMNS}
    if '"' not in line and line:
        assert cells == as_opencsv(line) == tuple((line.split(",") + [None] * WIDTH)[:WIDTH])


@given(st.lists(st.text(alphabet='ab ",\\Ä', max_size=5), min_size=WIDTH, max_size=WIDTH))
def test_values_in_quotes_are_read_as_they_are(values: list[str]) -> None:
    line = ",".join('"{}"'.format(value.replace('"', '""')) for value in values)

    assert cells_of(line) == tuple(values) == as_opencsv(line)


@pytest.mark.parametrize(
    "line", ["", '"Critical,,,7', 'Critical,,,"7', 'Critical,"a"b,,7', 'Critical,a"b",,7', "\x01,,,7"]
)
def test_a_line_that_is_empty_or_has_quotes_out_of_place_has_no_columns(line: str) -> None:
    assert cells_of(line) == NO_COLUMNS


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_line_is_read_alone_and_has_its_number(end: str) -> None:
    content = end.join(["severity,tag_key,tag_value,days", '"Critical', '",,,7', "", "Low,,,9"]).encode()

    assert [(line.number, line.cells[0], line.cells[3]) for line in read_lines(SLA, content)] == [
        (1, "severity", "days"),
        (2, None, None),
        (3, None, None),
        (4, None, None),
        (5, "Low", "9"),
    ]


def test_other_characters_end_no_line() -> None:
    content = "account,in\u2028stance,\x0b,\x85\x1e".encode()

    [line] = read_lines(EXCEPTIONS, content)
    assert line.cells[:4] == ("account", "in\u2028stance", "\x0b", "\x85\x1e")


def test_a_byte_order_mark_and_bytes_that_are_no_utf_8_are_read() -> None:
    [head, row] = read_lines(SLA, b"\xef\xbb\xbfseverity,tag_key\nLow,K\xf6ln\n")

    assert head.cells[0] == "severity"
    assert row.cells[1] == "K\ufffdln"


def test_two_byte_order_marks_are_no_mark() -> None:
    [head] = read_lines(SLA, b"\xef\xbb\xbf\xef\xbb\xbfseverity,tag_key,tag_value,days\n")

    assert head.cells[0] == "\ufeff\ufeffseverity"


def test_a_file_without_a_byte_has_no_line() -> None:
    assert list(read_lines(SLA, b"")) == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.csv", False),
        ("team/a.csv", False),
        ("_a.csv", True),
        (".a.csv", True),
        (".old/a.csv", True),
        ("a_b.csv", False),
    ],
)
def test_athena_ignores_names_that_begin_with_a_dot_or_a_low_line(path: str, expected: bool) -> None:  # noqa: FBT001
    assert is_ignored(path) is expected
