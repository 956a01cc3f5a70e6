"""The fetch path: from SSM's answers to a stored part, as CPU a node, beside the least that it could be.

The floor sends the same requests over a bare HTTP connection, reads the same bytes, and writes a table that is ready.
The SDK alone makes the calls as patchlake does, and leaves the answers unread: nobody who keeps its signing, retries
and error classes can be cheaper. The plain way is what the SDK and pyarrow offer: the paginator and
``Table.from_pylist``. All of them ask the same server in turns.
"""

import http.client
import json
import os
from collections.abc import Callable
from functools import partial
from io import BytesIO
from itertools import batched, islice
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.loopback_ssm import running_ssm
from benchmarks.measured import machine, side_by_side, spread
from benchmarks.tables import table, write
from patchlake.adapters.clock import ServiceClock
from patchlake.adapters.parquet import ParquetTables
from patchlake.adapters.ssm import SsmSources
from patchlake.adapters.sts import RoleSessions
from patchlake.core.listing import Origin
from patchlake.core.paging import read_chain
from patchlake.core.rows import Outcome, listed_nodes, outcomes, part_columns
from patchlake.core.tables import PATCH_STATES
from patchlake.core.targets import Target

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

BATCH = 2000
CALL = 50
TARGET = Target("111122223333", "eu-central-1")
ORIGIN = Origin("20261123T060000Z", 1_795_413_600_000, TARGET)


def measure(rounds: int) -> str:
    """Return the table, from so many rounds of one batch each."""
    with running_ssm(BATCH, 0) as url:
        os.environ |= {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        session = boto3.Session(region_name=TARGET.region)
        sources = SsmSources(session, RoleSessions(session, "member"), ServiceClock(), connections=1)
        source = sources.open(TARGET, TARGET.account_id)
        nodes, _ = read_chain(source.node_page, partial(listed_nodes, include_sensitive_fields=False))
        ids = nodes["instance_id"]

        def ours() -> bytes:
            settled: dict[str, Outcome] = {}
            for chunk in batched(ids, CALL, strict=False):
                settled |= outcomes(chunk, [source.patch_state_page(chunk, None)])
            columns = part_columns(ORIGIN, nodes, settled, include_sensitive_fields=False)
            return ParquetTables().encode(PATCH_STATES, [columns], {})

        works: dict[str, Callable[[], object]] = {
            "floor": _floor(url, ids, ours()),
            "sdk": _sdk(sources.connection(TARGET, is_home=True).client, ids),
            "patchlake": ours,
            "plain": _plain(session, ids),
        }
        side_by_side(3, works)
        spent = side_by_side(rounds, works)
    micros = {name: [1e6 * one.cpu_seconds / BATCH for one in all_of] for name, all_of in spent.items()}
    ratios = {
        name: [one / floor for one, floor in zip(values, micros["floor"], strict=True)]
        for name, values in micros.items()
    }
    names = {
        "floor": "floor: bare HTTP, ready table written",
        "sdk": "the SDK's calls alone, their answers left unread",
        "patchlake": "patchlake: retries, every value checked, wide table",
        "plain": "plain boto3, `Table.from_pylist`, pyarrow's defaults",
    }
    rows = [[text, spread(micros[name], 1), f"{median(ratios[name]):.1f}"] for name, text in names.items()]
    head = [f"fetch path, {rounds} rounds of {BATCH:,} nodes in turns", "CPU a node, µs", "times the floor"]
    return table(head, rows) + f"\n\n{machine('boto3', 'pyarrow', 'msgspec')}."


def _floor(url: str, ids: list[str], part: bytes) -> Callable[[], bytes]:
    ready = pq.read_table(BytesIO(part))
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    headers = {"X-Amz-Target": "AmazonSSM.DescribeInstancePatchStates", "Content-Type": "application/x-amz-json-1.1"}
    bodies = [json.dumps({"InstanceIds": chunk, "MaxResults": CALL}) for chunk in batched(ids, CALL, strict=False)]
    dictionary = [column.name for column in PATCH_STATES if column.repetitive]

    def floor() -> bytes:
        for body in bodies:
            connection.request("POST", "/", body, headers)
            connection.getresponse().read()
        sink = BytesIO()
        pq.write_table(ready, sink, compression="zstd", compression_level=1, use_dictionary=dictionary)
        return sink.getvalue()

    return floor


def _sdk(client: "SSMClient", ids: list[str]) -> Callable[[], None]:
    def sdk() -> None:
        for chunk in batched(ids, CALL, strict=False):
            client.describe_instance_patch_states(InstanceIds=list(chunk), MaxResults=CALL)

    return sdk


def _plain(session: boto3.Session, ids: list[str]) -> Callable[[], bytes]:
    client = session.client("ssm")
    paginator = client.get_paginator("describe_instance_patch_states")

    def plain() -> bytes:
        waiting = iter(ids)
        rows: list[Any] = []
        while chunk := list(islice(waiting, CALL)):
            for page in paginator.paginate(InstanceIds=chunk, PaginationConfig={"PageSize": CALL}):
                rows += page["InstancePatchStates"]
        sink = BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        return sink.getvalue()

    return plain


def main(*, full: bool) -> None:
    """Write the table into the docs."""
    write("performance.md", "fetch", measure(60 if full else 15))
