"""Commit: the parts of a run put together and published, as CPU and as memory of the whole process.

    python -m benchmarks.commit FOLDER

publishes the run that ``store_run`` left in a folder, in a process that does nothing else.
"""

import sys
import tempfile
from pathlib import Path

import msgspec

from benchmarks.measured import apart, machine, peak_mebibytes, spending, spread, tell
from benchmarks.stored import BATCH, RUN_ID, store_plan, store_shard, stored_plan
from benchmarks.tables import report, table
from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.parquet import ParquetTables
from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.core.keys import part_key, snapshot_key
from patchlake.core.records import NodeInformation, Page, PatchState, Record
from patchlake.core.rows import batches, listed_nodes, outcomes, part_columns
from patchlake.core.tables import PATCH_STATES
from patchlake.stages.publish import publish
from patchlake.stages.stored import run_target_of
from patchlake.stages.stored_run import READ_AHEAD, StoredRun
from patchlake_cli.embedded.settings import Settings

TARGETS = 10


def store_run(folder: Path, nodes: int) -> None:
    """Store a run whose every part is there: the simulated fleet in ten accounts of one region."""
    fleet = Settings(nodes=nodes, accounts=TARGETS, regions=1).fleet()
    store, tables = DirectoryStore(folder), ParquetTables()
    plan = store_plan(store, [target.account_id for target in fleet.targets])
    for target in plan.active_targets():
        found = list(fleet.nodes(target, 0))
        run_target = run_target_of(plan, target)
        pages = [_page([node.information for node in found], NodeInformation)]
        nodes_of, _ = listed_nodes(run_target, pages, include_sensitive_fields=False)
        store_shard(store, plan, target, nodes_of)
        states = {node.instance_id: node.patch_state for node in found if node.patch_state is not None}
        for number, batch in enumerate(batches(nodes_of, BATCH)):
            ids = batch["instance_id"]
            settled = outcomes(ids, [_page([states[i] for i in ids if i in states], PatchState)])
            part = part_columns(run_target, batch, settled, include_sensitive_fields=False)
            store.create(part_key(RUN_ID, target, number), tables.encode(PATCH_STATES, [part], {}))


def _page(rows: list[object], record: type[Record]) -> Page[Record]:
    return Page(msgspec.convert(rows, list[record]), (), None, 1_795_413_660_000)  # type: ignore[valid-type]


def _published(folder: Path) -> None:
    store = DirectoryStore(folder)
    stored_run = StoredRun(store, ParquetTables(), ThreadedMap(READ_AHEAD, "s3"))
    with spending() as spent:
        published = publish(stored_plan(store), stored_run, {"run_id": RUN_ID})
    snapshot = folder / snapshot_key(RUN_ID)
    tell(
        {
            "rows": published.statuses.total(),
            "cpu_seconds": spent.cpu_seconds,
            "peak_mebibytes": peak_mebibytes(),
            "bytes": snapshot.stat().st_size,
        }
    )


def measure(sizes: list[int], rounds: int) -> str:
    """Return the table; each size is published so often, each time by a new process."""
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="patchlake-commit-") as name:
            folder = Path(name)
            store_run(folder, size)
            found = []
            for _ in range(rounds):
                found.append(apart("benchmarks.commit", folder))
                for path in (folder / "lake").rglob("*.parquet"):
                    path.unlink()
        assert {one["rows"] for one in found} == {size}
        assert len({one["bytes"] for one in found}) == 1
        cpu_seconds = spread([one["cpu_seconds"] for one in found])
        peaks = spread([one["peak_mebibytes"] for one in found], 0)
        rows.append([f"{size:,}", cpu_seconds, peaks, f"{found[0]['bytes'] / size:.1f}"])
    head = [f"rows, {rounds} processes each", "CPU seconds", "peak MiB", "bytes a row"]
    return f"{table(head, rows)}\n\n{machine('pyarrow')}."


def main(*, full: bool) -> None:
    """Report the table."""
    sizes, rounds = ([100_000, 1_000_000], 5) if full else ([100_000, 300_000], 3)
    report("performance.md", "commit", measure(sizes, rounds), full=full)


if __name__ == "__main__":
    _published(Path(sys.argv[1]))
