"""A day of 100,000 random nodes; the sizes of its columns are the bytes that a query over such a fleet scans.

It has forty accounts in four regions, and nightly scans over four hours; one node in ten lacks a patch. Ids, host
names, snapshots and times are random, so they compress as badly as real ones.
"""

from pathlib import Path
from random import Random
from typing import Any

from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, snapshot_key
from patchlake.core.run import milliseconds, run_at
from patchlake.core.tables import Columns
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.registry import COVERAGE

NODES = 100_000
RUN_ID = "20261112T060000Z"
_REGIONS = ("ap-southeast-2", "eu-central-1", "us-east-1", "us-west-2")
_ACCOUNTS = [f"{number:012d}" for number in range(111_111_111_111, 999_999_999_999, 22_222_222_222)][:40]
_PLATFORMS = (
    ("Linux", "Amazon Linux", "2023", 40),
    ("Linux", "Ubuntu", "22.04", 25),
    ("Windows", "Microsoft Windows Server 2022 Datacenter", "10.0.20348", 20),
    ("Linux", "Red Hat Enterprise Linux", "9.4", 15),
)
_GROUPS = ("web", "db", "batch", "ci", "edge", "legacy")
_RARITY = 0.1
_RARE_COUNTS = (
    "installed_rejected_count",
    "failed_count",
    "installed_pending_reboot_count",
    "missing_count",
    "critical_non_compliant_count",
    "security_non_compliant_count",
    "other_non_compliant_count",
)


def write_large_day(folder: Path) -> None:
    """Publish the run in a folder."""
    day = Random(7)  # noqa: S311  # a fleet, not a secret
    run: Columns = {"run_id": [RUN_ID], "run_at": [milliseconds(run_at(RUN_ID))]}
    targets = [(account, region) for account in _ACCOUNTS for region in _REGIONS]
    owners = sorted(day.choices(targets, k=NODES))
    nodes = _absent(PATCH_STATES.table.column_names, NODES) | {name: values * NODES for name, values in run.items()}
    nodes |= _drawn(day, owners)
    sizes = _sizes(owners, targets)
    coverage = _absent(COVERAGE.column_names, len(targets)) | {
        **{name: values * len(targets) for name, values in run.items()},
        "account_id": [account for account, _ in targets],
        "region": [region for _, region in targets],
        "listing_status": ["LISTED"] * len(targets),
        "nodes_listed": sizes,
        "nodes_collected": sizes,
        **{f"nodes_{status}": [0] * len(targets) for status in ("no_patch_state", "not_collected", "invalid_response")},
    }
    tables = ParquetTables()
    for key, body in (
        (coverage_key(RUN_ID), tables.encode(COVERAGE, [coverage], {})),
        (snapshot_key(RUN_ID), tables.encode(PATCH_STATES.table, [nodes], {})),
    ):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def _drawn(day: Random, owners: list[tuple[str, str]]) -> Columns:
    midnight = milliseconds(run_at(RUN_ID)) - 6 * 3_600_000
    ends = [midnight + day.randrange(4 * 3_600_000) for _ in owners]
    platforms = day.choices(_PLATFORMS, [weight for *_, weight in _PLATFORMS], k=NODES)
    groups = day.choices(_GROUPS, k=NODES)
    return {
        "account_id": [account for account, _ in owners],
        "region": [region for _, region in owners],
        "instance_id": [f"i-{number:017x}" for number in sorted(day.getrandbits(68) for _ in owners)],
        "computer_name": [f"ip-10-{day.getrandbits(8)}-{day.getrandbits(8)}-{day.getrandbits(8)}" for _ in owners],
        "ping_status": day.choices(("Online", "ConnectionLost"), (97, 3), k=NODES),
        "last_ping_date_time": [midnight + 5 * 3_600_000 + day.randrange(3_600_000) for _ in owners],
        "agent_version": day.choices(("3.3.3598.0", "3.3.3972.0", "3.3.3050.0"), (60, 35, 5), k=NODES),
        "is_latest_version": day.choices((True, False), (35, 65), k=NODES),
        "association_status": day.choices(("Success", "Failed"), (96, 4), k=NODES),
        "platform_type": [platform[0] for platform in platforms],
        "platform_name": [platform[1] for platform in platforms],
        "platform_version": [platform[2] for platform in platforms],
        "collection_status": ["COLLECTED"] * NODES,
        "collected_at": [midnight + 6 * 3_600_000 + 60_000 + (number // 50) * 1000 for number in range(NODES)],
        "patch_group": groups,
        "baseline_id": [f"pb-{_GROUPS.index(group):017x}" for group in groups],
        "snapshot_id": [f"{day.getrandbits(128):032x}" for _ in owners],
        "operation": day.choices(("Scan", "Install"), (86, 14), k=NODES),
        "reboot_option": ["RebootIfNeeded"] * NODES,
        "operation_start_time": [end - day.randrange(60_000, 300_000) for end in ends],
        "operation_end_time": ends,
        "installed_count": [day.randrange(80, 500) for _ in owners],
        "installed_other_count": [day.randrange(40) for _ in owners],
        "not_applicable_count": [day.randrange(300) for _ in owners],
        **{name: _rare(day) for name in _RARE_COUNTS},
    }


def _rare(day: Random) -> list[Any]:
    return [day.randrange(1, 30) if day.random() < _RARITY else 0 for _ in range(NODES)]


def _absent(names: tuple[str, ...], rows: int) -> Columns:
    return {name: [None] * rows for name in names}


def _sizes(owners: list[tuple[str, str]], targets: list[tuple[str, str]]) -> list[int]:
    sizes = dict.fromkeys(targets, 0)
    for owner in owners:
        sizes[owner] += 1
    return [sizes[target] for target in targets]
