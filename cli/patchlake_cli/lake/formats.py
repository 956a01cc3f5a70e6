"""An answer as text: a table or Markdown for people, CSV for spreadsheets, JSON for programs.

Other people choose the names of nodes, patch groups and accounts, so no name is trusted: a spreadsheet must not run it
as a formula, and a terminal must not run it as a control sequence.
"""

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from rich.cells import cell_len

from patchlake.core.counts import counted
from patchlake_cli.lake.engine import Answer
from patchlake_cli.lake.errors import QueryError
from patchlake_cli.lake.statements import RUN_COLUMNS
from patchlake_cli.markdown_text import code
from patchlake_cli.visible_text import visible

_FORMULA = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")
"""Characters that may begin a formula in a spreadsheet; the last four are the full-width forms of the first four."""


def as_table(answer: Answer, width: int | None = None, of: int | None = None) -> str:
    """Return an answer as a table, or as one block per row where the table would be wider than ``width``.

    The columns about the run that have one value in all rows come first, once.

    Args:
        answer: the rows to show.
        width: that of the terminal; None where lines may have any length.
        of: the number of rows of the whole answer, if it has more.
    """
    about_run, answer = _about_run(answer)
    rows = [[visible(_text(value)) for value in row] for row in answer.rows]
    heads = [visible(name) for name in answer.columns]
    widths = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    count = counted(len(rows), "row") if of is None or of == len(rows) else f"first {len(rows):,} of {of:,} rows"
    if width is not None and sum(widths) + 2 * (len(widths) - 1) > width and rows:
        return about_run + _blocks(heads, rows) + f"\n{count}\n"
    rights = [_is_of_numbers(answer, place) for place in range(len(heads))]
    ruler = ["-" * size for size in widths]
    lines = [
        "  ".join(_padded(cell, size, right=right) for cell, size, right in zip(line, widths, rights, strict=True))
        for line in (heads, ruler, *rows)
    ]
    return about_run + "\n".join([*(line.rstrip() for line in lines), "", count, ""])


def _about_run(answer: Answer) -> tuple[str, Answer]:
    """Return the columns about the run that are equal in all rows, as lines, and the answer without them."""
    values = {name: {_text(row[place]) for row in answer.rows} for place, name in enumerate(answer.columns)}
    equal = [name for name in RUN_COLUMNS if len(values.get(name, ())) == 1]
    kept = [place for place, name in enumerate(answer.columns) if name not in equal]
    if not equal or not kept:
        return "", answer
    lines = [f"{name:{max(map(len, equal))}}  {visible(min(values[name]))}\n" for name in equal]
    rest = Answer(
        columns=tuple(answer.columns[place] for place in kept),
        types=tuple(answer.types[place] for place in kept),
        rows=[tuple(row[place] for place in kept) for row in answer.rows],
    )
    return "".join(lines) + "\n", rest


def as_csv(answer: Answer) -> str:
    """Return an answer as CSV (RFC 4180): NULL is empty, and a text is quoted and never a formula in a spreadsheet.

    A NULL that is alone in its row is an empty text, since readers skip an empty line.
    """
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_STRINGS, lineterminator="\r\n")
    writer.writerow([_inert(name) for name in answer.columns])
    null = "" if len(answer.columns) == 1 else None
    writer.writerows([null if value is None else _csv_value(value) for value in row] for row in answer.rows)
    return text.getvalue()


def as_json(answer: Answer) -> str:
    """Return an answer as a JSON array with an object for each row; times are ISO 8601, in UTC.

    A decimal is a number, or a text if it has more digits than a double holds.

    Raises:
        QueryError: two columns have the same name.
    """
    return json.dumps(_json_rows(answer), indent=2) + "\n"


def as_json_lines(answer: Answer) -> str:
    """Return an answer as one JSON object per line, one for each row, with the values that ``as_json`` gives.

    Raises:
        QueryError: two columns have the same name.
    """
    return "".join(json.dumps(row) + "\n" for row in _json_rows(answer))


def as_markdown(answer: Answer) -> str:
    """Return an answer as a Markdown table: a text is a code span, NULL is not."""
    rights = [_is_of_numbers(answer, place) for place in range(len(answer.columns))]
    lines = [
        list(map(code, answer.columns)),
        ["---:" if right else "---" for right in rights],
        *([_markdown_cell(value) for value in row] for row in answer.rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _json_rows(answer: Answer) -> list[dict[str, Any]]:
    if len(set(answer.columns)) < len(answer.columns):
        raise QueryError("two columns have the same name, which JSON cannot hold: rename one with AS")
    return [dict(zip(answer.columns, map(_json_value, row), strict=True)) for row in answer.rows]


def _markdown_cell(value: Any) -> str:  # noqa: ANN401  # any column
    if value == "":
        return ""
    return code(value) if isinstance(value, str) else visible(_text(value)).replace("|", r"\|")


def _csv_value(value: Any) -> Any:  # noqa: ANN401  # any column
    match value:
        case None | int() | float() | Decimal() if not isinstance(value, bool):
            return value
        case str():
            return _inert(value)
        case _:
            return _text(value)


def _inert(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would read as a formula, even after spaces."""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text


def _json_value(value: Any) -> Any:  # noqa: ANN401  # any column
    match value:
        case float() if not isfinite(value):
            # JSON has no such number.
            return str(value)
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return _json_number(value)
        case list():
            return [_json_value(each) for each in value]
        case dict():
            return {_text(key): _json_value(each) for key, each in value.items()}
        case _:
            return _text(value)


def _json_number(value: Decimal) -> float | str:
    """Return a decimal as a number if the readers of JSON, which have doubles, keep its digits, and else as a text."""
    number = float(value)
    return number if Decimal(str(number)) == value else format(value, "f")


def _text(value: Any) -> str:  # noqa: ANN401  # any column
    match value:
        case None:
            return "NULL"
        case bool() | list() | dict():
            return json.dumps(_json_value(value), ensure_ascii=False)
        case datetime():
            return value.isoformat() + "Z"
        case date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return str(value)


def _is_of_numbers(answer: Answer, place: int) -> bool:
    return bool(answer.rows) and all(_is_number(row[place]) for row in answer.rows)


def _is_number(value: Any) -> bool:  # noqa: ANN401  # any column
    return value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))


def _padded(cell: str, size: int, *, right: bool) -> str:
    padding = " " * (size - cell_len(cell))
    return padding + cell if right else cell + padding


def _blocks(heads: list[str], rows: list[list[str]]) -> str:
    longest = max(map(cell_len, heads))
    return "\n".join(
        f"[{number}]\n"
        + "".join(f"{_padded(head, longest, right=False)}  {cell}\n" for head, cell in zip(heads, row, strict=True))
        for number, row in enumerate(rows, start=1)
    )
