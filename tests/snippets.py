"""The code that a page of the documentation shows, run next to a lake."""

import os
import re
import subprocess
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def snippet(page: str, heading: str, language: str = "python") -> str:
    """Return the code below a heading of a page."""
    section = (DOCS / page).read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].partition("\n## ")[0]
    [code] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(code)


def print_from(python: str | Path, code: str, lake: Path, folder: Path) -> str:
    """Run code in a folder where ``demo`` is a lake, and return what it prints.

    Args:
        python: the interpreter, in whose environment its packages are.
        code: to run.
        lake: the target of ``demo``.
        folder: an empty one.
    """
    (folder / "demo").symlink_to(lake)
    loopback = {"SPARK_LOCAL_IP": "127.0.0.1"}
    ended = subprocess.run(
        [python, "-c", code], cwd=folder, env=os.environ | loopback, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
