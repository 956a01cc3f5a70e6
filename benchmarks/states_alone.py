"""The patch states of nodes that are known: the production stages collect and commit, in one process.

    python -m benchmarks.states_alone FOLDER

goes on with the run that ``prepare`` left in a folder, to its snapshot, and tells each step's seconds of processor.
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
from patchlake.stages.collect import CollectStage
from patchlake.stages.publish import publish
from patchlake.stages.retry_policy import RetryPolicy
from patchlake.stages.stored_run import READ_AHEAD, StoredRun

TARGET = Target("111122223333", REGION)
CONNECTIONS = default("Connections")


def prepare(folder: Path, ids: list[str]) -> None:
    """Store the plan and the shard, as discover would leave them; of the nodes nothing but their ids is known."""
    store = DirectoryStore(folder)
    store_shard(store, store_plan(store, [TARGET.account_id]), TARGET, {"instance_id": ids})


def collect_and_publish(folder: Path) -> None:
    """Collect batch after batch over the connections of one worker, then publish."""
    aws, store, tables = Aws(), DirectoryStore(folder), ParquetTables()
    plan = stored_plan(store)
    stored_run = StoredRun(store, tables, ThreadedMap(READ_AHEAD, "s3"))
    queue = MemoryQueue(MemoryClock(plan.planned_at), COLLECT.visibility_seconds, COLLECT.max_receive_count)
    stage = CollectStage(
        store,
        tables,
        aws.target_apis("none", "", CONNECTIONS),
        RetryPolicy(queue, default("RetrySeconds"), random.random, time.sleep),
        ThreadedMap(CONNECTIONS, "ssm"),
    )
    started = time.process_time()
    for batch in stored_run.batches(plan, [TARGET]):
        message = CollectMessage.of(RUN_ID, *batch)
        stage.handle(message, Delivery(message.encode(), "", 1))
    collected = time.process_time()
    publish(plan, stored_run, {"run_id": RUN_ID})
    tell({"start": started, "collect": collected - started, "publish": time.process_time() - collected})


if __name__ == "__main__":
    collect_and_publish(Path(sys.argv[1]))
