"""The patches: bytes per row of the table, the time to decode a row, and commit with millions of rows.

    python -m benchmarks.patches FOLDER

publishes the run that ``Run.store`` stored in a folder, in a process that does nothing else.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched, islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from benchmarks.commit import TARGETS
from benchmarks.measured import apart, machine, peak_mebibytes, side_by_side, spending, spread, tell
from benchmarks.stored import BATCH, RUN_ID, node_id, store_plan, store_shard, stored_plan
from benchmarks.tables import report, table
from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.page_decoding import PageDecoder
from patchlake.adapters.parquet import ParquetTables
from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.core.keys import part_key, table_key
from patchlake.core.plan import Plan
from patchlake.core.records import Page
from patchlake.core.statuses import CollectionStatus
from patchlake.core.tables import Columns
from patchlake.core.targets import RunTarget, Target
from patchlake.sources.nodes import NODES, NodeInformation
from patchlake.sources.patch_states import PATCH_STATES, PatchState
from patchlake.sources.patches import PATCHES, STATES, Patch
from patchlake.sources.registry import SOURCES
from patchlake.sources.source import slice_of
from patchlake.stages.publish import publish
from patchlake.stages.stored_run import READ_AHEAD, StoredRuns
from patchlake_cli.embedded.aws.settings import Settings

FEW_ROWS, MANY_ROWS = 300_000, 5_000_000
"""The rows of a small and of a full run of commit."""

PAGES = 200


def models(nodes: int) -> list[tuple[Any, Any, Sequence[Mapping[str, object]]]]:
    """Return the scanned nodes of a simulated fleet: description, patch state, and the patches that SSM answers."""
    fleet = Settings(nodes=nodes, accounts=TARGETS, regions=1).fleet()
    return [
        (node.information, node.patch_state, node.patches(frozenset(STATES)))
        for target in fleet.targets
        for node in fleet.nodes(target, 0)
        if node.patch_state is not None
    ]


class Run:
    """A run of any number of nodes over ten targets: each is one of the models, with another id.

    Attributes:
        nodes: the number of nodes.
        rows: the number of rows of their patches.
        open: the number of nodes that SSM is asked about.
    """

    def __init__(self, found: Sequence[tuple[Any, Any, Sequence[Mapping[str, object]]]], nodes: int) -> None:
        self.nodes = nodes
        self._information = [msgspec.convert(node, NodeInformation) for node, _, _ in found]
        self._states = [msgspec.convert(state, PatchState) for _, state, _ in found]
        records: dict[bytes, Any] = {}
        decode = msgspec.json.Decoder(Patch).decode
        self._outcomes = []
        for _, _, patches in found:
            bodies = [msgspec.json.encode(patch) for patch in patches]
            page = _page([records.setdefault(body, decode(body)) for body in bodies])
            self._outcomes.append(PATCHES.settle(["a node"], [page])["a node"])
        self.rows = self.open = 0

    def store(self, folder: Path) -> None:
        """Store the plan, the shards, and all parts."""
        store = DirectoryStore(folder)
        plan = store_plan(store, [f"{number:012d}" for number in range(1, TARGETS + 1)], SOURCES.planned(["patches"]))
        numbers = iter(range(self.nodes))
        for target in plan.active_targets():
            self._store_target(store, plan, target, sorted(islice(numbers, self.nodes // TARGETS), key=node_id))

    def _store_target(self, store: DirectoryStore, plan: Plan, target: Target, numbers: Sequence[int]) -> None:
        run_target, tables = plan.run_target(target), ParquetTables()
        pages = [_page(self._with_ids(self._information, numbers))]
        rows = NODES.listed(run_target, plan, pages)
        store_shard(store, plan, target, rows)
        for batch, (own, columns) in enumerate(
            zip(batched(numbers, BATCH, strict=False), rows.groups(BATCH), strict=True)
        ):
            states = self._with_ids(self._states, own)
            settled = PATCH_STATES.settle(columns["instance_id"], [_page(states)])
            part = PATCH_STATES.part(run_target, plan, columns, settled)
            store.create(part_key(RUN_ID, target, batch), tables.encode(PATCH_STATES.table, [part], {}))
            for number in plan.slices(PATCHES.name, len(own)):
                child = self._child(run_target, plan, slice_of(part, plan.nodes_per_part(PATCHES.name), number), own)
                key = part_key(RUN_ID, target, plan.part_number(PATCHES.name, batch, number), PATCHES.name)
                store.create(key, tables.encode(PATCHES.table, [child], {}))

    def _with_ids(self, records: Sequence[Any], numbers: Iterable[int]) -> list[Any]:
        return [replace(records[number % len(records)], instance_id=node_id(number)) for number in numbers]

    def _child(self, run_target: RunTarget, plan: Plan, states: Columns, numbers: Sequence[int]) -> Columns:
        outcomes = {node_id(number): self._outcomes[number % len(self._outcomes)] for number in numbers}
        rows = PATCHES.part(run_target, plan, states, outcomes)
        self.rows += len(rows["instance_id"])
        self.open += len(set(rows["instance_id"]))
        assert set(rows["collection_status"]) <= {CollectionStatus.COLLECTED, "NO_PATCHES"}
        return rows


def _page(records: Sequence[Any]) -> Page[Any]:
    return Page(records, None, 1_795_413_660_000)


def decode_microseconds(found: Iterable[tuple[Any, Any, Sequence[Mapping[str, object]]]]) -> list[float]:
    """Return the times of a row, each over many pages as SSM answers them."""
    rows: Iterator[Mapping[str, object]] = (patch for _, _, patches in found for patch in patches)
    pages = [
        json.dumps({"Patches": list(page), "NextToken": "more"}).encode() for page in batched(rows, 50, strict=False)
    ][:PAGES]
    decoder = PageDecoder(PATCHES.operation)
    spent = side_by_side(20, {"": lambda: [decoder.page(page, 0) for page in pages]})
    return [one.cpu_seconds / (50 * len(pages)) * 1e6 for one in spent[""]]


def _published(folder: Path) -> None:
    store = DirectoryStore(folder)
    runs = StoredRuns(store, ParquetTables(), SOURCES, ThreadedMap(READ_AHEAD, "s3"))
    with spending() as spent:
        publish(runs.of(stored_plan(store)), {"run_id": RUN_ID})
    sizes = {path: path.stat().st_size for path in (folder / "lake").rglob("*.parquet")}
    tell(
        {
            "cpu_seconds": spent.cpu_seconds,
            "peak_mebibytes": peak_mebibytes(),
            "bytes": sizes[folder / table_key(RUN_ID, PATCHES.name)],
            "all_bytes": sum(sizes.values()),
        }
    )


def measure(nodes: int, rows: int) -> str:
    """Return the table: a fleet of so many nodes, and a run of so many rows, of its nodes that lack patches."""
    realistic = models(nodes)
    lacking = [model for model in realistic if model[2]]
    needed = rows * len(lacking) // sum(len(patches) for _, _, patches in lacking)
    table_rows = []
    for some, count in ((realistic, len(realistic)), (lacking, needed)):
        with tempfile.TemporaryDirectory(prefix="patchlake-patches-") as name:
            run = Run(some, count // TARGETS * TARGETS)
            run.store(Path(name))
            found = apart("benchmarks.patches", name)
            shutil.rmtree(name, ignore_errors=True)
            Path(name).mkdir()
        table_rows.append(
            [
                f"{run.nodes:,}",
                f"{run.open / run.nodes:.0%}",
                f"{run.rows:,}",
                f"{found['bytes'] / run.rows:.1f}",
                f"{found['cpu_seconds']:.1f}",
                f"{found['peak_mebibytes']:.0f}",
                f"{found['all_bytes'] / 2**20:.0f}",
            ]
        )
    head = [
        "nodes",
        "nodes asked about",
        "rows of patches",
        "bytes per row",
        "CPU s of commit",
        "peak MiB",
        "temporary MiB",
    ]
    decoding = spread(decode_microseconds(realistic))
    return (
        f"{table(head, table_rows)}\n\nDecoding takes {decoding} µs of CPU per row, in pages of 50. "
        f"{machine('pyarrow', 'msgspec')}."
    )


def main(*, full: bool) -> None:
    """Report the table."""
    text = measure(*((100_000, MANY_ROWS) if full else (10_000, FEW_ROWS)))
    report("performance.md", "patches", text, full=full)


if __name__ == "__main__":
    _published(Path(sys.argv[1]))
