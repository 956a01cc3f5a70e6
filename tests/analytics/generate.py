"""The generated files: ``make generate``. The samples come from the demo, so that everyone can repeat them."""

import subprocess
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from patchlake_cli.analytics.files import find_lake
from patchlake_cli.analytics.generate import generated_files
from patchlake_cli.analytics.lake import Lake
from patchlake_cli.lake_options import open_lake_as_of
from tests.analytics.large_day import NODES, write_large_day

DEMO_DATE = date(2026, 11, 1)
"""The time of the demo's last run."""


def demo_lake(folder: Path) -> Lake:
    """Open the lake of a demo as it was on its last day."""
    return open_lake_as_of(str(folder), DEMO_DATE)


def arguments(lake: Lake) -> dict[str, list[str]]:
    """Return the arguments of the samples; the history is that of a node that was in more than one state."""
    [(node,)] = lake.query(
        "SELECT min(instance_id) FROM changes_since_previous_run WHERE change = 'NEWLY_NON_COMPLIANT'"
    ).rows
    return {
        "changes_since": ["2026-10-30"],
        "node_history": [node],
        "not_scanned": ["5"],
        "overdue_nodes": ["1"],
    }


def expected_files(sample: Lake, large_day: Path) -> dict[Path, str]:
    """Return the contents of every generated file, by its path."""
    return generated_files(sample, arguments(sample), find_lake(str(large_day)), NODES)


def main() -> None:
    """Write every file that is out of date."""
    with TemporaryDirectory() as folder:
        demo, large_day = Path(folder) / "demo", Path(folder) / "day"
        command = [str(Path(sys.executable).with_name("patchlake")), "demo", "--out", str(demo)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        write_large_day(large_day)
        for path, content in expected_files(demo_lake(demo), large_day).items():
            if not path.exists() or path.read_text(encoding="utf-8") != content:
                path.write_text(content, encoding="utf-8")
                sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
