"""Writes what is generated: ``make generate``. The samples come from the story, whose every row is tested."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from patchlake_cli.analytics.files import find_lake
from patchlake_cli.analytics.generate import generated_files
from patchlake_cli.analytics.lake import Lake, open_lake
from tests.analytics import story
from tests.analytics.large_day import NODES, write_large_day
from tests.world import node_id

ARGUMENTS = {
    "changes_since": ["2026-11-02"],
    "node_history": [node_id(4)],
    "not_scanned": ["5"],
    "overdue_nodes": ["1"],
}
"""What the samples were asked with."""


def expected_files(sample: Lake, large_day: Path) -> dict[Path, str]:
    """Return the contents of every generated file, by its path."""
    return generated_files(sample, ARGUMENTS, find_lake(str(large_day)), NODES)


def main() -> None:
    """Write every file that is stale."""
    with TemporaryDirectory() as folder:
        story_folder, large_day = Path(folder) / "story", Path(folder) / "day"
        story.tell(story_folder)
        write_large_day(large_day)
        for path, content in expected_files(open_lake(str(story_folder), now=story.NOW), large_day).items():
            if not path.exists() or path.read_text(encoding="utf-8") != content:
                path.write_text(content, encoding="utf-8")
                sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
