"""The production stages collect and commit over known nodes, in one process.

    python -m benchmarks.known_nodes FOLDER SOURCE

continues the run that ``prepare`` stored in a folder: it collects every part of a detail source, publishes the run if
that is its last one, and prints each step's processor seconds and the calls to SSM.
"""

import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.deployed import default
from benchmarks.loopback_ssm import REGION
from benchmarks.measured import tell
from benchmarks.stored import RUN_ID, store_plan, store_shard, stored_plan
from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.memory import MemoryClock, MemoryQueue
from patchlake.adapters.parquet import ParquetTables
from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.bootstrap import DETAIL_CONNECTIONS, Aws
from patchlake.core.messages import CollectMessage
from patchlake.core.targets import Target
from patchlake.core.timings import COLLECT
from patchlake.ports import Delivery
from patchlake.sources.patches import PATCHES
from patchlake.sources.registry import SOURCES
from patchlake.sources.source import ListedRows
from patchlake.stages.collect import CollectStage
from patchlake.stages.publish import publish
from patchlake.stages.retry_policy import RetryPolicy
from patchlake.stages.stored_run import READ_AHEAD, Slice, StoredRun, StoredRuns

TARGET = Target("111122223333", REGION)
CONNECTIONS = default("Connections")


def prepare(folder: Path, ids: list[str], secondary: Sequence[str]) -> None:
    """Store the plan and the shard, as discover would; of the nodes, only their ids are known."""
    store = DirectoryStore(folder)
    plan = store_plan(store, [TARGET.account_id], SOURCES.planned(secondary))
    store_shard(store, plan, TARGET, ListedRows({"instance_id": ids}, plan.run_target(TARGET).run_at_ms))


def ids_with_patches(folder: Path) -> list[str]:
    """Return the nodes that may lack a patch, by the stored patch states."""
    run = _stored_run(DirectoryStore(folder))
    names = SOURCES.columns_for_children(run.plan)
    parts = run.slices(SOURCES.patch_states, run.batches([TARGET]))
    return [each for part in parts for each in PATCHES.asks_about(run.part(SOURCES.patch_states, part).columns(names))]


def collect_and_publish(folder: Path, name: str) -> None:
    """Collect part after part over the connections of one worker for states, or of four for patches, then publish."""
    store, apis = DirectoryStore(folder), Aws().target_apis("none", "", CONNECTIONS)
    run = _stored_run(store)
    source, last = SOURCES.detail(run.plan, name), [SOURCES.patch_states, *SOURCES.details(run.plan)][-1]
    clock = MemoryClock(run.plan.planned_at)
    queue = MemoryQueue(clock, COLLECT.visibility_seconds, COLLECT.max_receive_count)

    def collect(parts: Sequence[Slice]) -> None:
        stage = CollectStage(
            store,
            ParquetTables(),
            apis,
            SOURCES,
            detail_queues={PATCHES.name: queue},
            retry_policy=RetryPolicy([queue], default("RetrySeconds"), random.random, time.sleep),
            parallel_map=ThreadedMap(CONNECTIONS, "ssm"),
            detail_map=ThreadedMap(DETAIL_CONNECTIONS, "detail"),
            clock=clock,
        )
        for part in parts:
            message = CollectMessage.of(RUN_ID, TARGET, part.batch.number, source.name, part.number)
            stage.handle(message, Delivery(message.encode(), "", 1))

    workers = 1 if source is SOURCES.patch_states else CONNECTIONS // DETAIL_CONNECTIONS
    started = time.process_time()
    missing = sorted(run.missing_parts(source, run.slices(source, run.batches([TARGET]))))
    ThreadedMap(workers, "worker")(collect, [missing[number::workers] for number in range(workers)])
    collected = time.process_time()
    if source is last:
        publish(run, {"run_id": RUN_ID})
    steps = {"start": started, "collect": collected - started, "publish": time.process_time() - collected}
    tell({**steps, "calls": apis.call_counter.drain().calls})


def _stored_run(store: DirectoryStore) -> StoredRun:
    return StoredRuns(store, ParquetTables(), SOURCES, ThreadedMap(READ_AHEAD, "s3")).of(stored_plan(store))


if __name__ == "__main__":
    collect_and_publish(Path(sys.argv[1]), sys.argv[2])
