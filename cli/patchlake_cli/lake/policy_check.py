"""The problems of a policy in a folder, line by line: those that the views find, and those that only files can have."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from patchlake.core.tables import Table
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.files import PolicyFiles, find_policy, no_files
from patchlake_cli.lake.policy import (
    BYTE_ORDER_MARK,
    POLICY_TABLES,
    PolicyLine,
    folder_of,
    is_ignored,
    read_lines,
    unread_end,
)
from patchlake_cli.lake.statements import Settings

_VIEWS = {"policy_sla": "sla_rows", "policy_exceptions": "exception_rows"}
"""The view that judges the rows of each table."""

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """A problem of a policy.

    Attributes:
        file: the path within the folder.
        line: the number of the line, from 1; None where the problem is that of the file.
        problem: what is wrong.
        expected: what is expected instead.
    """

    file: str
    line: int | None
    problem: str
    expected: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.problem}: expected {self.expected}"


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """The result of the check of a policy.

    Attributes:
        rows: the number of rows in its files, without the headers.
        findings: its problems, by file and line.
    """

    rows: int
    findings: list[PolicyFinding]


def check_policy(folder: Path, settings: Settings) -> PolicyCheck:
    """Check every row of a policy.

    Args:
        folder: the folder with ``sla/`` and ``exceptions/``.
        settings: the parameters of the stack that is to use it.

    Raises:
        LakeError: it is not a policy, or cannot be read.
    """
    files = find_policy(folder)
    read = replace(files, listed=lambda prefix: [path for path in files.listed(prefix) if not unread_end(path)])
    lake = Lake(no_files(), datetime.now(UTC), settings, read)
    found = [
        *_strays(folder),
        *(finding for table in POLICY_TABLES for finding in _of_table(lake, files, table, settings)),
    ]
    rows = sum(lake.select(f"SELECT count(*) FROM {view}").rows[0][0] for view in _VIEWS.values())  # noqa: S608
    return PolicyCheck(rows, sorted(found, key=lambda finding: (finding.file, finding.line or 0)))


def _strays(folder: Path) -> Iterator[PolicyFinding]:
    """Find what looks like a part of the policy and is in none of its folders."""
    names = [folder_of(table) for table in POLICY_TABLES]
    for path in folder.iterdir():
        if (path.is_dir() and path.name not in names) or path.suffix.lower() == ".csv":
            yield PolicyFinding(
                path.name, None, "it is in none of the folders of a policy", " or ".join(f"{name}/" for name in names)
            )


def _of_table(lake: Lake, files: PolicyFiles, table: Table, settings: Settings) -> Iterator[PolicyFinding]:
    bad = _bad_rows(lake, table)
    for path in files.paths(table):
        file = f"{folder_of(table)}/{path}"
        if is_ignored(path):
            yield PolicyFinding(file, None, "Athena ignores the file", "a name that begins with neither _ nor a dot")
            continue
        if end := unread_end(path):
            yield PolicyFinding(
                file, None, "Athena decompresses the file", f"a CSV file whose name does not end in {end}"
            )
            continue
        content = files.content(table, path)
        if content.startswith(_GZIP) or b"\0" in content:
            yield PolicyFinding(file, None, "it is compressed, or not in UTF-8", "a CSV file in UTF-8, not compressed")
            continue
        lines = list(read_lines(table, content))
        if not lines:
            yield PolicyFinding(file, None, "the file is empty", "a header, and a line for each row")
        for line in lines:
            problem = bad.get((files.location(table, path), *_judged(line)))
            if problem is not None:
                wrong, _, expected = problem.rpartition(": expected ")
                yield PolicyFinding(file, line.number, wrong, expected)
            elif _is_too_long(table, line, settings):
                days = dict(zip(table.column_names, line.cells, strict=True))["days"]
                yield PolicyFinding(
                    file,
                    line.number,
                    f"days is {days}",
                    f"at most {settings.history_days}: no age can be seen beyond the history (HistoryDays)",
                )


def _bad_rows(lake: Lake, table: Table) -> dict[tuple[str | None, ...], str]:
    """Return the problem of each bad row, by its file and columns: rows of one file that are equal are equally bad."""
    columns = ", ".join(["path", *table.column_names])
    rows = lake.select(f"SELECT {columns}, problem FROM {_VIEWS[table.name]} WHERE problem IS NOT NULL").rows  # noqa: S608
    return {row[:-1]: row[-1] for row in rows}


def _judged(line: PolicyLine) -> tuple[str | None, ...]:
    """Return the columns of a line as the views have them."""
    first, *others = line.cells
    return (first and first.removeprefix(BYTE_ORDER_MARK), *others)


def _is_too_long(table: Table, line: PolicyLine, settings: Settings) -> bool:
    """Whether a good row has a deadline that is longer than the history; a header has no number."""
    days = dict(zip(table.column_names, line.cells, strict=True)).get("days")
    return days is not None and days.isdecimal() and int(days) > settings.history_days
