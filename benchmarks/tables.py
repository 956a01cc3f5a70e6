"""Markdown tables, and the places in docs/ that they are written to."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column is text and the others are figures."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write(page: str, name: str, text: str) -> None:
    """Put what was measured between the marks of its name in a page, with the day."""
    put(page, name, f"{text}\n\nMeasured on {datetime.now(UTC):%-d %B %Y}.")


def put(page: str, name: str, text: str) -> None:
    """Put a text between the marks of its name in a page.

    Raises:
        ValueError: the page has no such marks.
    """
    path = DOCS / page
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before = path.read_text(encoding="utf-8")
    after, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}",
        lambda _: f"{begin}\n{text}\n{end}",
        before,
        flags=re.DOTALL,
    )
    if count != 1:
        raise ValueError(f"docs/{page} has {count} places for {name}, where one was expected")
    path.write_text(after, encoding="utf-8")
