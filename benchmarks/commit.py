"""Commit: the parts of a run put together and published, as CPU and as memory of the whole process.

    python -m benchmarks.commit FOLDER

publishes the run that ``stored_run`` left in a folder, in a process that does nothing else.
"""

import random
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.measured import apart, machine, peak_mebibytes, spending, spread, tell
from benchmarks.tables import table, write
from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import part_key, plan_key, shard_key, snapshot_key
from patchlake.core.listing import Listing, listing_metadata
from patchlake.core.plan import Account, Plan, decode_plan, encode_plan, make_plan
from patchlake.core.tables import PATCH_STATES, SHARD, Columns, ListingStatus
from patchlake.core.targets import Target
from patchlake.stages.inventory import READ_AHEAD, Inventory
from patchlake.stages.publish import publish
from patchlake.stages.stored import origin_of
from patchlake_cli.embedded.settings import Settings

RUN_ID = "20261123T060000Z"
HOME = "111122223333"
REGION = "eu-central-1"
BATCH = 2000
TARGETS = 10


def stored_run(folder: Path, rows: int) -> None:
    """Store a run whose every part is there: ten targets, batches of 2,000 nodes."""
    store, tables = DirectoryStore(folder), ParquetTables()
    accounts = [Account(f"{number:012d}") for number in range(TARGETS)]
    plan = make_plan(
        RUN_ID,
        planned_at=datetime(2026, 11, 23, 6, 1, tzinfo=UTC),
        deadline_seconds=14_400,
        batch_size=BATCH,
        include_sensitive_fields=False,
        home_account_id=HOME,
        accounts=accounts,
        regions=[REGION],
    )
    store.create(plan_key(RUN_ID), encode_plan(plan))
    states = _states()
    chance = random.Random(7)  # noqa: S311  # a fleet, not a secret
    for target in plan.active_targets():
        origin = origin_of(plan, target)
        listing = Listing(ListingStatus.LISTED, None, origin.run_at)
        ids = [f"i-{number:017x}" for number in sorted(chance.sample(range(1 << 60), rows // TARGETS))]
        batches = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
        empty: list[Columns] = [
            {name: [None] * len(batch) for name in SHARD.column_names} | {"instance_id": batch} for batch in batches
        ]
        store.create(shard_key(RUN_ID, target), tables.encode(SHARD, empty, listing_metadata(origin, listing)))
        for number, batch in enumerate(batches):
            store.create(
                part_key(RUN_ID, target, number), tables.encode(PATCH_STATES, [_part(target, batch, states)], {})
            )


def _states() -> Columns:
    """Return a batch of rows of the simulated fleet, by their columns."""
    fleet = Settings(nodes=BATCH, accounts=1, regions=1).fleet()
    [target] = fleet.targets
    columns: Columns = {name: [] for name in PATCH_STATES.column_names}
    for node in fleet.nodes(target, 0):
        members = dict(node.information) | dict(node.patch_state or {})
        for column in PATCH_STATES:
            value = None if column.sensitive else members.get(column.member or "")
            columns[column.name].append(int(value * 1000) if isinstance(value, float) else value)
    return columns


def _part(target: Target, ids: list[str], states: Columns) -> Columns:
    count = len(ids)
    return {name: values[:count] for name, values in states.items()} | {
        "run_id": [RUN_ID] * count,
        "run_at": [1_795_413_600_000] * count,
        "account_id": [target.account_id] * count,
        "region": [target.region] * count,
        "instance_id": ids,
        "collection_status": ["COLLECTED"] * count,
        "collected_at": [1_795_413_660_000] * count,
    }


def _published(folder: Path) -> None:
    store = DirectoryStore(folder)
    plan: Plan = decode_plan(store.get(plan_key(RUN_ID)) or b"", RUN_ID)
    inventory = Inventory(store, ParquetTables(), ThreadPoolExecutor(READ_AHEAD).map)
    with spending() as spent:
        published = publish(plan, inventory, {"run_id": RUN_ID})
    snapshot = folder / snapshot_key(RUN_ID)
    tell(
        rows=published.statuses.total(),
        cpu_seconds=spent.cpu_seconds,
        wall_seconds=spent.wall_seconds,
        peak_mebibytes=peak_mebibytes(),
        bytes=snapshot.stat().st_size,
    )


def measure(sizes: list[int], rounds: int) -> str:
    """Return the table; each size is published so often, each time by a new process."""
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="patchlake-commit-") as name:
            folder = Path(name)
            stored_run(folder, size)
            found = []
            for _ in range(rounds):
                found.append(apart("benchmarks.commit", folder))
                for path in (folder / "lake").rglob("*.parquet"):
                    path.unlink()
        assert {one["rows"] for one in found} == {size}
        assert len({one["bytes"] for one in found}) == 1
        rows.append(
            [
                f"{size:,}",
                spread([one["cpu_seconds"] for one in found]),
                f"{median(one['peak_mebibytes'] for one in found):,.0f}",
            ]
        )
    head = [f"rows, {rounds} processes each", "CPU seconds", "peak MiB"]
    return table(head, rows) + f"\n\n{machine('pyarrow')}."


def main(*, full: bool) -> None:
    """Write the table into the docs."""
    write("performance.md", "commit", measure([100_000, 1_000_000] if full else [100_000, 300_000], 5 if full else 3))


if __name__ == "__main__":
    _published(Path(sys.argv[1]))
