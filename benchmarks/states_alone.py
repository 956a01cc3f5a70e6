"""The patch states of nodes that are known: the production stages collect and commit, in one process.

    python -m benchmarks.states_alone FOLDER

goes on with the run that ``prepare`` left in a folder, to its snapshot.
"""

import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.stored import REGION, RUN_ID, store_plan, store_shard, stored_plan
from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.memory import MemoryClock, MemoryQueue
from patchlake.adapters.parquet import ParquetTables
from patchlake.adapters.threads import Threads
from patchlake.bootstrap import Aws
from patchlake.core.messages import CollectMessage
from patchlake.core.timings import COLLECT
from patchlake.ports import Delivery
from patchlake.stages.collect import CollectStage
from patchlake.stages.inventory import READ_AHEAD, Inventory
from patchlake.stages.publish import publish
from patchlake.stages.retrying import Retrying

HOME = "111122223333"
CONNECTIONS = 8


def prepare(folder: Path, ids: list[str]) -> None:
    """Store the plan and the shard, as discover would leave them."""
    store = DirectoryStore(folder)
    plan = store_plan(store, [HOME])
    [target] = plan.active_targets()
    store_shard(store, plan, target, ids)


def collect_and_publish(folder: Path) -> None:
    """Collect batch after batch over eight connections, then publish."""
    aws, store, tables = Aws(), DirectoryStore(folder), ParquetTables()
    plan = stored_plan(store)
    [target] = plan.active_targets()
    inventory = Inventory(store, tables, ThreadPoolExecutor(READ_AHEAD).map)
    queue = MemoryQueue(MemoryClock(plan.planned_at), COLLECT.visibility_seconds, COLLECT.max_receive_count)
    stage = CollectStage(
        store,
        tables,
        aws.sources("none", "", CONNECTIONS),
        Retrying(queue, 30, random.random, time.sleep),
        Threads(CONNECTIONS, "ssm"),
    )
    for batch in inventory.batches(plan, [target]):
        message = CollectMessage(run_id=RUN_ID, account_id=HOME, region=REGION, batch=batch.number)
        stage.handle(message, Delivery(message.encode(), "", 1))
    publish(plan, inventory, {"run_id": RUN_ID})


if __name__ == "__main__":
    collect_and_publish(Path(sys.argv[1]))
