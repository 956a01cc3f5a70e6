"""The lake of the demo, for samples."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from patchlake_cli.lake.engine import Lake, open_lake_as_of
from patchlake_cli.lake.location import LakeLocation

DEMO_DATE = date(2026, 11, 1)
"""The date of the demo's last run."""


def run_demo(folder: Path) -> Lake:
    """Run the demo and open its lake, which anyone can reproduce.

    Raises:
        subprocess.CalledProcessError: the demo failed.
    """
    command = [str(Path(sys.executable).with_name("patchlake")), "demo", "--out", str(folder)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603  # our own command
    return demo_lake(folder)


def demo_lake(folder: Path) -> Lake:
    """Open the lake of a demo as it was on its last day."""
    return open_lake_as_of(LakeLocation(str(folder)), DEMO_DATE)


def sample_arguments(lake: Lake) -> Mapping[str, Sequence[str]]:
    """Return the arguments of the samples; the history is that of a node with more than one state."""
    [(node,)] = lake.query(
        "SELECT coalesce(min(instance_id), 'i-0123456789abcdef0') FROM changes_since_previous_run "
        "WHERE change = 'NEWLY_NON_COMPLIANT'"
    ).rows
    [(cve,)] = lake.query("SELECT coalesce(min(cve), 'CVE-2026-1234') FROM patch_cves").rows
    [(kb_id,)] = lake.query("SELECT coalesce(min(kb_id), 'KB5034441') FROM open_patches").rows
    [(owner,)] = lake.query("SELECT coalesce(min(value), 'shop') FROM latest_tags WHERE key = 'Owner'").rows
    return {
        "changes_since": ["2026-10-30"],
        "node_history": [node],
        "nodes_missing_cve": [cve],
        "nodes_missing_patch": [kb_id],
        "non_compliant_of_owner": ["Owner", owner],
        "not_scanned": ["5"],
        "overdue_nodes": ["1"],
        "patches_open_longer": ["5"],
        "running_not_managed": ["Owner"],
        "stopped_for_long": ["1"],
    }
