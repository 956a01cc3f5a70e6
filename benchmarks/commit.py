"""Commit: the parts of a run put together and published, as CPU and as memory of the whole process.

    python -m benchmarks.commit FOLDER

publishes the run that ``stored_run`` left in a folder, in a process that does nothing else.
"""

import random
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from benchmarks.measured import apart, machine, peak_mebibytes, spending, spread, tell
from benchmarks.stored import BATCH, RUN_ID, store_plan, store_shard, stored_plan
from benchmarks.tables import table, write
from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import part_key, snapshot_key
from patchlake.core.tables import PATCH_STATES, Columns
from patchlake.core.targets import Target
from patchlake.stages.inventory import READ_AHEAD, Inventory
from patchlake.stages.publish import publish
from patchlake_cli.embedded.settings import Settings

TARGETS = 10


def stored_run(folder: Path, rows: int) -> None:
    """Store a run whose every part is there: ten targets, batches of 2,000 nodes."""
    store, tables = DirectoryStore(folder), ParquetTables()
    plan = store_plan(store, [f"{number:012d}" for number in range(TARGETS)])
    states = _states()
    chance = random.Random(7)  # noqa: S311  # a fleet, not a secret
    for target in plan.active_targets():
        ids = [f"i-{number:017x}" for number in sorted(chance.sample(range(1 << 60), rows // TARGETS))]
        for number, batch in enumerate(store_shard(store, plan, target, ids)):
            part = tables.encode(PATCH_STATES, [_part(target, batch, states)], {})
            store.create(part_key(RUN_ID, target, number), part)


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


def _part(target: Target, ids: Sequence[str], states: Columns) -> Columns:
    count = len(ids)
    return {name: values[:count] for name, values in states.items()} | {
        "run_id": [RUN_ID] * count,
        "run_at": [1_795_413_600_000] * count,
        "account_id": [target.account_id] * count,
        "region": [target.region] * count,
        "instance_id": list(ids),
        "collection_status": ["COLLECTED"] * count,
        "collected_at": [1_795_413_660_000] * count,
    }


def _published(folder: Path) -> None:
    store = DirectoryStore(folder)
    inventory = Inventory(store, ParquetTables(), ThreadPoolExecutor(READ_AHEAD).map)
    with spending() as spent:
        published = publish(stored_plan(store), inventory, {"run_id": RUN_ID})
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
