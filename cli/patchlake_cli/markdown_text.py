"""Texts of others in Markdown: as code spans, in which nothing is a link, a mention, a tag or the end of a cell."""

import re

from patchlake_cli.visible_text import visible


def code(text: str | None) -> str:
    """Return a text as a code span; None, and a blank text, as a hyphen."""
    # A bar would end the cell of a table, in a code span too.
    shown = visible(text or "").replace("|", r"\u007c")
    if not shown.strip():
        return "-"
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if "`" in shown or shown != shown.strip() else ""
    return f"{fence}{space}{shown}{space}{fence}"
