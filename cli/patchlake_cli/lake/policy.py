"""The policy of an organization: its deadlines and exceptions, as CSV files that people write.

Athena reads such a file with OpenCSVSerDe, line by line: every column is a text, a column that a line lacks is NULL,
and further columns are dropped. It decompresses a file by the end of its name, whatever is in it. The tables have one
more column than the files, so that a line with too many is seen. The views ``sla_rows`` and ``exception_rows`` have the
rules of a row.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from patchlake.core.tables import Table, string

OBJECT_PATH = "$path"
"""The column of Athena that has the object of each row."""

UNEXPECTED = string("unexpected", "Anything that the line has after its last column; NULL in a good row.")

POLICY_TABLES = (
    Table(
        "policy_sla",
        "One row per line of the objects under policy/sla/, headers included: the deadlines.",
        (
            string("severity", "The severity; empty for any."),
            string("tag_key", "The key of a tag; empty for any node."),
            string("tag_value", "The value of that tag; empty for any value."),
            string("days", "The number of days that a patch may stay open after the day on which it opened."),
            UNEXPECTED,
        ),
    ),
    Table(
        "policy_exceptions",
        "One row per line of the objects under policy/exceptions/, headers included: the exceptions.",
        (
            string(
                "account",
                "The account. This column and the next five are empty if the exception does not depend on them.",
            ),
            string("instance", "The node."),
            string("tag_key", "The key of a tag."),
            string("tag_value", "The value of that tag."),
            string("kb_id", "The patch."),
            string("cve_id", "The CVE."),
            string("reason", "Why this is an exception."),
            string("approver", "Who approved it."),
            string("approved_on", "Its first day, YYYY-MM-DD."),
            string("expires_on", "Its last day, YYYY-MM-DD."),
            UNEXPECTED,
        ),
    ),
)

BYTE_ORDER_MARK = "\ufeff"
_COMPRESSED = (".gz", ".bz2", ".deflate", ".lz4", ".lzo", ".lzo_deflate", ".snappy", ".zst")
"""The ends of the names of text files that Trino decompresses, and so Athena."""
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_CELL = r'(?:"(?:[^"\x01]|"")*"|[^",\x01]*)'
_LINE = re.compile(rf"{_CELL}(?:,{_CELL})*")
"""The lines that OpenCSV and RFC 4180 read in the same way: quotes only around a whole value, or doubled in it, and
without the escape character of the tables."""
_CELLS = re.compile(rf"(?:^|,)({_CELL})")
"""The cells of such a line; a parser of CSV would have a limit for the length of one."""


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """A line of a file, by its number from 1, with the columns of its table; None for one that the line lacks."""

    number: int
    cells: tuple[str | None, ...]


def folder_of(table: Table) -> str:
    """Return the folder of a table's files in a policy."""
    return table.name.removeprefix("policy_")


def is_ignored(path: str) -> bool:
    """Whether Athena ignores a file, by its path within the prefix: a name in it begins with ``_`` or ``.``."""
    return any(name.startswith(("_", ".")) for name in path.split("/"))


def unread_end(path: str) -> str | None:
    """Return the end of a file's name that makes Athena decompress it; None if Athena reads the file as it is."""
    end = f".{path.rpartition('.')[2]}"
    return end if end.lower() in _COMPRESSED else None


def read_lines(table: Table, content: bytes) -> Iterator[PolicyLine]:
    """Yield the lines of a file; one that is not CSV by itself has no columns.

    A byte order mark is no part of a file; two are not one, and stay: the views remove one, as from a row of Athena.
    """
    text = content.decode("utf-8", errors="replace")
    lines = _LINE_BREAK.split(text if text.startswith(BYTE_ORDER_MARK * 2) else text.removeprefix(BYTE_ORDER_MARK))
    if lines[-1] == "":
        lines.pop()
    width = len(table.columns)
    for number, line in enumerate(lines, start=1):
        cells: list[str | None] = [*_cells(line)[:width]]
        yield PolicyLine(number, tuple(cells + [None] * (width - len(cells))))


def _cells(line: str) -> list[str]:
    if not line or _LINE.fullmatch(line) is None:
        return []
    return [_unquoted(cell) for cell in _CELLS.findall(line)]


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell
