"""The fetch path: from SSM's answers to a stored part, as CPU a node, compared with the least possible.

    python -m benchmarks.fetch ROUNDS

measures in its own process. The floor sends the same requests over a bare HTTP connection, reads the same bytes,
and writes a ready table. The plain way uses the paginator of the SDK and pyarrow's ``Table.from_pylist``. In between,
patchlake is measured step by step: the SDK's calls alone, their answers left unread, which is the minimum with the
SDK's signing, retries and error classes; then with decoded answers; then with rows; then with the stored part. All call
the same server in turns.
"""

import http.client
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from itertools import batched, islice, pairwise
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.loopback_ssm import REGION, running_ssm
from benchmarks.measured import apart, machine, side_by_side, spread, tell
from benchmarks.stored import BATCH, plan_of
from benchmarks.tables import report, table
from patchlake.adapters.parquet import ParquetTables
from patchlake.bootstrap import Aws
from patchlake.core.paging import read_chain
from patchlake.core.records import Page
from patchlake.core.tables import Columns
from patchlake.core.targets import Target
from patchlake.sources.nodes import NODES
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.source import ListedRows

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

    from patchlake.core.rows import Outcome

TARGET = Target("111122223333", REGION)
PLAN = plan_of([TARGET.account_id])
RUN_TARGET = PLAN.run_target(TARGET)
IDS_PER_CALL = PATCH_STATES.operation.ids_per_call
ROWS = {
    "floor": "floor: bare HTTP, ready table written",
    "calls": "the SDK's calls alone, their answers left unread",
    "part": "patchlake: retries, every value checked, wide table",
    "plain": "plain boto3, `Table.from_pylist`, pyarrow's defaults",
}
STEPS = {
    "calls": "the SDK's calls: endpoint, signing, sending, headers",
    "pages": "reading the answers: decoding, and checking every value",
    "rows": "rows: what became of each id, by columns",
    "part": "the Parquet file",
}


def run(rounds: int) -> None:
    """Measure rounds of one batch each, and print the microseconds a node of each way."""
    with running_ssm(BATCH, 0) as url:
        os.environ |= {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        session = boto3.Session(region_name=REGION)
        apis = Aws(session).target_apis("member", "", connections=1)
        api = apis.open(PLAN, TARGET)

        def listed() -> ListedRows:
            ask, read = partial(api.page, NODES.operation, ()), partial(NODES.listed, RUN_TARGET, PLAN)
            return read_chain(ask, read, PLAN.most_nodes, str(TARGET))

        def page(chunk: Sequence[str]) -> Page[Any]:
            return api.page(PATCH_STATES.operation, chunk, None)

        nodes = listed().columns
        ids: list[str] = nodes["instance_id"]

        def pages() -> None:
            for chunk in batched(ids, IDS_PER_CALL, strict=False):
                page(chunk)

        def rows() -> Columns:
            settled: dict[str, Sequence[Outcome]] = {}
            for chunk in batched(ids, IDS_PER_CALL, strict=False):
                settled |= PATCH_STATES.settle(chunk, [page(chunk)])
            return PATCH_STATES.part(RUN_TARGET, PLAN, nodes, settled)

        def part() -> bytes:
            return ParquetTables().encode(PATCH_STATES.table, [rows()], {})

        def shard() -> bytes:
            return ParquetTables().encode(NODES.table, listed().groups(BATCH), {})

        works: dict[str, Callable[[], object]] = {
            "floor": _floor(url, ids, part()),
            "calls": _calls(apis.connection(TARGET, is_home=True).client("ssm"), ids),
            "pages": pages,
            "rows": rows,
            "part": part,
            "plain": _plain(session, ids),
            "shard": shard,
        }
        side_by_side(3, works)
        spent = side_by_side(rounds, works)
    tell({name: [1e6 * one.cpu_seconds / BATCH for one in all_of] for name, all_of in spent.items()})


def measure(rounds: int) -> tuple[str, str]:
    """Return the tables of the ways, and of patchlake's steps."""
    micros = apart("benchmarks.fetch", rounds)
    ratios = {
        name: [one / floor for one, floor in zip(values, micros["floor"], strict=True)]
        for name, values in micros.items()
    }
    ways = [[text, spread(micros[name], 1), f"{median(ratios[name]):.1f}"] for name, text in ROWS.items()]
    head = [f"fetch path, {rounds} rounds of {BATCH:,} nodes in turns", "CPU a node, µs", "times the floor"]
    medians = [0.0, *(median(micros[name]) for name in STEPS)]
    added = [after - before for before, after in pairwise(medians)]
    steps = [
        [text, f"{one:.1f}", f"{100 * one / medians[-1]:.0f} %"]
        for text, one in zip(STEPS.values(), added, strict=True)
    ]
    profile = table(["step, by what it adds to the one before", "CPU a node, µs", "share"], steps)
    return f"{table(head, ways)}\n\n{machine('boto3', 'pyarrow', 'msgspec')}.", profile


def _floor(url: str, ids: list[str], part: bytes) -> Callable[[], bytes]:
    ready = pq.read_table(BytesIO(part))
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    headers = {"X-Amz-Target": "AmazonSSM.DescribeInstancePatchStates", "Content-Type": "application/x-amz-json-1.1"}
    bodies = [
        json.dumps({"InstanceIds": chunk, "MaxResults": IDS_PER_CALL})
        for chunk in batched(ids, IDS_PER_CALL, strict=False)
    ]
    dictionary = [column.name for column in PATCH_STATES.table if column.repetitive]

    def floor() -> bytes:
        for body in bodies:
            connection.request("POST", "/", body, headers)
            connection.getresponse().read()
        sink = BytesIO()
        pq.write_table(ready, sink, compression="zstd", compression_level=1, use_dictionary=dictionary)
        return sink.getvalue()

    return floor


def _calls(client: "SSMClient", ids: list[str]) -> Callable[[], None]:
    def calls() -> None:
        for chunk in batched(ids, IDS_PER_CALL, strict=False):
            client.describe_instance_patch_states(InstanceIds=list(chunk), MaxResults=IDS_PER_CALL)

    return calls


def _plain(session: boto3.Session, ids: list[str]) -> Callable[[], bytes]:
    client = session.client("ssm")
    paginator = client.get_paginator("describe_instance_patch_states")

    def plain() -> bytes:
        waiting = iter(ids)
        rows: list[Any] = []
        while chunk := list(islice(waiting, IDS_PER_CALL)):
            for page in paginator.paginate(InstanceIds=chunk, PaginationConfig={"PageSize": IDS_PER_CALL}):
                rows += page["InstancePatchStates"]
        sink = BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        return sink.getvalue()

    return plain


def main(*, full: bool) -> None:
    """Report the tables."""
    ways, steps = measure(60 if full else 15)
    report("performance.md", "fetch", ways, full=full)
    report("performance.md", "steps", steps, full=full)


if __name__ == "__main__":
    run(int(sys.argv[1]))
