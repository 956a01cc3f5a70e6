"""Commit: the CPU and the memory of a process that publishes the parts of a run.

    python -m benchmarks.commit FOLDER

publishes the run that ``store_run`` stored in a folder, in a process that does nothing else.
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
from patchlake.core.records import Page, Record
from patchlake.sources.nodes import NODES, NodeInformation
from patchlake.sources.patch_states import PATCH_STATES, PatchState
from patchlake.sources.registry import SOURCES
from patchlake.stages.publish import publish
from patchlake.stages.stored_run import READ_AHEAD, StoredRuns
from patchlake_cli.embedded.aws.settings import Settings

TARGETS = 10


def store_run(folder: Path, nodes: int) -> None:
    """Store a run with all its parts: the simulated fleet in ten accounts of one region."""
    fleet = Settings(nodes=nodes, accounts=TARGETS, regions=1).fleet()
    store, tables = DirectoryStore(folder), ParquetTables()
    plan = store_plan(store, [target.account_id for target in fleet.targets])
    for target in plan.active_targets():
        found = list(fleet.nodes(target, 0))
        run_target = plan.run_target(target)
        pages = [_page([node.information for node in found], NodeInformation)]
        rows = NODES.listed(run_target, plan, pages)
        store_shard(store, plan, target, rows)
        states = {node.instance_id: node.patch_state for node in found if node.patch_state is not None}
        for number, batch in enumerate(rows.groups(BATCH)):
            ids = batch["instance_id"]
            settled = PATCH_STATES.settle(ids, [_page([states[i] for i in ids if i in states], PatchState)])
            part = PATCH_STATES.part(run_target, plan, batch, settled)
            store.create(part_key(RUN_ID, target, number), tables.encode(PATCH_STATES.table, [part], {}))


def _page(rows: list[object], record: type[Record]) -> Page[Record]:
    return Page(msgspec.convert(rows, list[record]), None, 1_795_413_660_000)  # type: ignore[valid-type]


def _published(folder: Path) -> None:
    store = DirectoryStore(folder)
    runs = StoredRuns(store, ParquetTables(), SOURCES, ThreadedMap(READ_AHEAD, "s3"))
    with spending() as spent:
        published = publish(runs.of(stored_plan(store)), {"run_id": RUN_ID})
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
    """Return the table; each size is published ``rounds`` times, each time by a new process."""
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
    head = [f"rows, {rounds} processes each", "CPU seconds", "peak MiB", "bytes per row"]
    return f"{table(head, rows)}\n\n{machine('pyarrow')}."


def main(*, full: bool) -> None:
    """Report the table."""
    sizes, rounds = ([100_000, 1_000_000], 5) if full else ([100_000, 300_000], 3)
    report("performance.md", "commit", measure(sizes, rounds), full=full)


if __name__ == "__main__":
    _published(Path(sys.argv[1]))
