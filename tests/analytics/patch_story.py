"""Three runs of a small fleet and its patches, written row by row; an older run is before the window of 35 days.

The first run in the window did not read patches. The newest one was refused them in one target, and could not list
another. The present is that of the story without patches: 13 November 2026, 12:00 UTC.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

from patchlake.core.run import milliseconds, run_at
from tests.analytics.story import SHOP
from tests.analytics.synthetic import collected, listed, no_patch, patch, unread, write_run
from tests.world import HOME

P0 = "20260901T060000Z"
"""Before the window, and in the history of the CVEs."""
P1 = "20261111T060000Z"
"""It did not read patches."""
P2 = "20261112T060000Z"
P3 = "20261113T060000Z"
"""The newest."""

EU, US = "eu-central-1", "us-east-1"
B_EU = {"account_id": SHOP, "region": EU}
A_US = {"account_id": HOME, "region": US}
B_US = {"account_id": SHOP, "region": US}

WINDOWS = {
    "platform_type": "Windows",
    "platform_name": "Windows Server",
    "platform_version": "2022",
    "patch_group": "win",
}
LINUX = {"platform_type": "Linux", "platform_name": "Amazon Linux", "platform_version": "2023", "patch_group": "web"}
UBUNTU = {"platform_type": "Linux", "platform_name": "Ubuntu", "platform_version": "24.04", "patch_group": "db"}

CUMULATIVE, OFFICE, APPROVABLE, FIREFOX, OLD = "KB1000001", "KB1000002", "KB1000003", "KB1000004", "KB1000005"
OPENSSL, KERNEL = "openssl.x86_64", "linux-image"
TWO_CVES = "CVE-2026-1001,CVE-2026-1002"

type Row = dict[str, Any]


def node(run_id: str, number: int, platform: Row, **columns: Any) -> Row:  # noqa: ANN401
    """Return a node whose state was collected."""
    return collected(run_id, number, **{"computer_name": f"host-{number}", **platform, **columns})


def never_scanned(number: int) -> Row:
    """Return a node without a patch state."""
    return {
        "account_id": HOME,
        "region": EU,
        "instance_id": f"i-{number:08x}",
        "computer_name": f"host-{number}",
        "collection_status": "NO_PATCH_STATE",
    }


def covered(nodes: int, status: str, rows: int, detail: str | None = None, **columns: Any) -> Row:  # noqa: ANN401
    """Return the coverage of a target whose patches were asked for."""
    patches = {"patches_status": status, "patches_detail": detail, "patches_rows": rows}
    return listed(nodes, **{"account_name": "platform", **patches, **columns})


def write_patch_story(folder: Path) -> None:
    """Write the lake into a folder."""
    write_run(
        folder,
        P0,
        [covered(1, "COMPLETE", 1)],
        [node(P0, 1, WINDOWS, missing_count=1)],
        [patch(P0, 1, OLD, "Missing", cve_ids="CVE-2026-0900")],
    )
    write_run(
        folder,
        P1,
        [listed(1, account_name="platform"), *(listed(0, **place) for place in (A_US, B_EU, B_US))],
        [node(P1, 1, WINDOWS, missing_count=1)],
    )
    _write_second_run(folder)
    _write_newest_run(folder)


def _write_second_run(folder: Path) -> None:
    later = milliseconds(run_at(P2) + timedelta(minutes=40))
    write_run(
        folder,
        P2,
        [
            covered(3, "COMPLETE", 2),
            covered(1, "COMPLETE", 1, **A_US),
            covered(1, "PARTIAL", 1, "TimeoutError", patches_nodes_not_collected=1, account_name="shop", **B_EU),
            listed(0, **B_US, patches_status="COMPLETE", patches_rows=0),
        ],
        [
            # A scan between the two answers found one patch less.
            node(P2, 1, WINDOWS, missing_count=2),
            node(P2, 2, WINDOWS, missing_count=1),
            never_scanned(4),
            node(P2, 21, LINUX, missing_count=1, **A_US),
            node(P2, 31, WINDOWS, missing_count=1, **B_EU),
        ],
        [
            patch(P2, 1, CUMULATIVE, "Missing", cve_ids=TWO_CVES, collected_at=later),
            patch(P2, 2, CUMULATIVE, "Missing", cve_ids=TWO_CVES),
            patch(P2, 21, OPENSSL, "Missing", severity="Medium", **A_US),
            no_patch(P2, 31, "NOT_COLLECTED", "TimeoutError", **B_EU),
        ],
    )


def _write_newest_run(folder: Path) -> None:
    scanned = milliseconds(run_at(P2) + timedelta(minutes=20))
    write_run(
        folder,
        P3,
        [
            covered(8, "COMPLETE", 8),
            covered(1, "PARTIAL", 1, "AccessDeniedException", patches_nodes_not_collected=1, **A_US),
            covered(1, "COMPLETE", 3, **B_EU, account_name="shop"),
            unread(account_name="shop", patches_status="PARTIAL", patches_detail="nodes: ACCESS_DENIED", **B_US),
        ],
        [
            node(P3, 1, WINDOWS, missing_count=1, failed_count=1, operation_end_time=scanned),
            node(P3, 2, WINDOWS, installed_pending_reboot_count=1),
            node(P3, 3, LINUX, missing_count=1),
            never_scanned(4),
            node(P3, 5, LINUX),
            node(P3, 6, LINUX, critical_non_compliant_count=None),
            node(P3, 7, LINUX, missing_count=1),
            node(P3, 8, UBUNTU, missing_count=2),
            node(P3, 21, LINUX, missing_count=1, **A_US),
            node(P3, 31, WINDOWS, missing_count=1, installed_pending_reboot_count=2, **B_EU),
        ],
        [
            patch(P3, 1, CUMULATIVE, "Missing", cve_ids=TWO_CVES),
            patch(P3, 1, OFFICE, "Failed", severity="Important", cve_ids=" cve-2026-1003 , "),
            patch(P3, 1, APPROVABLE, "AvailableSecurityUpdate"),
            patch(P3, 2, CUMULATIVE, "InstalledPendingReboot"),
            patch(P3, 3, OPENSSL, "Missing", severity="Medium"),
            no_patch(P3, 6, "NO_PATCHES"),
            patch(P3, 7, OPENSSL, None, severity="Medium", collection_detail="State: expected a text"),
            patch(P3, 8, KERNEL, "Missing", severity="Important"),
            no_patch(P3, 21, "NOT_COLLECTED", "AccessDeniedException", **A_US),
            patch(P3, 31, CUMULATIVE, "Missing", severity="Important", cve_ids="CVE-2026-1001", **B_EU),
            patch(P3, 31, FIREFOX, "InstalledPendingReboot", **B_EU),
            patch(P3, 31, OLD, "InstalledPendingReboot", **B_EU),
        ],
    )
