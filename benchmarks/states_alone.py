"""The patch states of known nodes: the production stages collect and commit, in one process.

    python -m benchmarks.states_alone FOLDER

continues the run that ``prepare`` stored in a folder, to its snapshot, and prints each step's processor seconds.
"""

import random
import sys
import time
from pathlib import Path

from benchmarks.deployed import default
from benchmarks.loopback_ssm import REGION
from benchmarks.measured import tell
from benchmarks.stored import RUN_ID, store_plan, store_shard, stored_plan
from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.memory import MemoryClock, MemoryQueue
from patchlake.adapters.parquet import ParquetTables
from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.bootstrap import Aws
from patchlake.core.messages import CollectMessage
from patchlake.core.targets import Target
from patchlake.core.timings import COLLECT
from patchlake.ports import Delivery
from patchlake.sources.registry import SOURCES
from patchlake.sources.source import ListedRows
from patchlake.stages.collect import CollectStage
from patchlake.stages.publish import publish
from patchlake.stages.retry_policy import RetryPolicy
from patchlake.stages.stored_run import READ_AHEAD, StoredRuns

TARGET = Target("111122223333", REGION)
CONNECTIONS = default("Connections")


def prepare(folder: Path, ids: list[str]) -> None:
    """Store the plan and the shard, as discover would; of the nodes, only their ids are known."""
    store = DirectoryStore(folder)
    plan = store_plan(store, [TARGET.account_id])
    store_shard(store, plan, TARGET, ListedRows({"instance_id": ids}, plan.run_target(TARGET).run_at_ms))


def collect_and_publish(folder: Path) -> None:
    """Collect batch after batch over the connections of one worker, then publish."""
    aws, store, tables = Aws(), DirectoryStore(folder), ParquetTables()
    plan = stored_plan(store)
    stored_run = StoredRuns(store, tables, SOURCES, ThreadedMap(READ_AHEAD, "s3")).of(plan)
    queue = MemoryQueue(MemoryClock(plan.planned_at), COLLECT.visibility_seconds, COLLECT.max_receive_count)
    stage = CollectStage(
        store,
        tables,
        aws.target_apis("none", "", CONNECTIONS),
        SOURCES,
        detail_queues={},
        retry_policy=RetryPolicy([queue], default("RetrySeconds"), random.random, time.sleep),
        parallel_map=ThreadedMap(CONNECTIONS, "ssm"),
        detail_map=map,
        clock=aws.clock,
    )
    started = time.process_time()
    for batch in stored_run.batches([TARGET]):
        message = CollectMessage.of(RUN_ID, batch.target, batch.number)
        stage.handle(message, Delivery(message.encode(), "", 1))
    collected = time.process_time()
    publish(stored_run, {"run_id": RUN_ID})
    tell({"start": started, "collect": collected - started, "publish": time.process_time() - collected})


if __name__ == "__main__":
    collect_and_publish(Path(sys.argv[1]))
