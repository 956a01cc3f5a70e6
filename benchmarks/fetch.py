"""The fetch path: the CPU time per node that discover needs to list a target, and collect to read and store a part.

    python -m benchmarks.fetch ROUNDS

measures in its own process. SSM is a server on the loopback interface, and patchlake calls it through the SDK.
"""

import os
import sys
from collections.abc import Sequence
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any

import boto3

from benchmarks.loopback_ssm import REGION, running_ssm
from benchmarks.measured import side_by_side, tell
from benchmarks.stored import BATCH, plan_of
from patchlake.adapters.parquet import ParquetTables
from patchlake.bootstrap import Aws
from patchlake.core.paging import read_chain
from patchlake.core.records import Page
from patchlake.core.targets import Target
from patchlake.sources.nodes import NODES
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.source import ListedRows

if TYPE_CHECKING:
    from patchlake.core.rows import Outcome

TARGET = Target("111122223333", REGION)
PLAN = plan_of([TARGET.account_id])
RUN_TARGET = PLAN.run_target(TARGET)


def run(rounds: int) -> None:
    """Measure rounds of one batch each, and print the microseconds a node of the shard and of the part."""
    with running_ssm(BATCH, 0) as url:
        os.environ |= {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        session = boto3.Session(region_name=REGION)
        api = Aws(session).target_apis("member", "", connections=1).open(PLAN, TARGET)

        def listed() -> ListedRows:
            ask, read = partial(api.page, NODES.operation, ()), partial(NODES.listed, RUN_TARGET, PLAN)
            return read_chain(ask, read, PLAN.most_nodes, str(TARGET))

        def page(chunk: Sequence[str]) -> Page[Any]:
            return api.page(PATCH_STATES.operation, chunk, None)

        nodes = listed().columns
        ids: list[str] = nodes["instance_id"]

        def shard() -> bytes:
            return ParquetTables().encode(NODES.table, listed().groups(BATCH), {})

        def part() -> bytes:
            settled: dict[str, Sequence[Outcome]] = {}
            for chunk in batched(ids, PATCH_STATES.operation.ids_per_call, strict=False):
                settled |= PATCH_STATES.settle(chunk, [page(chunk)])
            rows = PATCH_STATES.part(RUN_TARGET, PLAN, nodes, settled)
            return ParquetTables().encode(PATCH_STATES.table, [rows], {})

        works = {"shard": shard, "part": part}
        side_by_side(3, works)
        spent = side_by_side(rounds, works)
    tell({name: [1e6 * one.cpu_seconds / BATCH for one in all_of] for name, all_of in spent.items()})


if __name__ == "__main__":
    run(int(sys.argv[1]))
