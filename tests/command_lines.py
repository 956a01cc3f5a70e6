"""The commands that the documents show, each on one line."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def command_lines(document: Path) -> Iterator[str]:
    """Yield every line of a document's fenced blocks, those of other languages left out; comments are cut off."""
    text = document.read_text(encoding="utf-8")
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        if language in {"", "sh"}:
            yield from _statements(block)


def _statements(block: str) -> list[str]:
    """Return the commands of a block, each on one line; a line that ends within quotes continues in the next."""
    found: list[str] = []
    unfinished = ""
    for line in block.splitlines():
        if line.lstrip().startswith("#"):
            continue
        unfinished = f"{unfinished} {line.strip().removesuffix('\\').strip()}".strip()
        if not line.rstrip().endswith("\\") and _is_closed(unfinished):
            found.append(unfinished)
            unfinished = ""
    return [*found, unfinished] if unfinished else found


def _is_closed(text: str) -> bool:
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True
