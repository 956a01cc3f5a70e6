"""Markdown tables, and their places in docs/."""

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with a first column of text and other columns of figures."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def report(page: str, name: str, text: str, *, full: bool, made: str = "Measured") -> None:
    """Print a text; in full size, also put it between the marks of its name in a page, with the date.

    Args:
        page: in docs/.
        name: of the marks in the page.
        text: Markdown.
        full: whether to write the page.
        made: such as Measured or Computed.

    Raises:
        ValueError: the page has no such marks.
    """
    sys.stdout.write(f"\n{text}\n\n")
    sys.stdout.flush()
    if full:
        _put(page, name, f"{text}\n\n{made} on {datetime.now(UTC):%-d %B %Y}.")


def _put(page: str, name: str, text: str) -> None:
    path = DOCS / page
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    after, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}",
        lambda _: f"{begin}\n{text}\n{end}",
        path.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    if count != 1:
        raise ValueError(f"docs/{page} has {count} places for {name}, where one was expected")
    path.write_text(after, encoding="utf-8")
