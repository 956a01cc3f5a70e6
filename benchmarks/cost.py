"""What runs cost: measured calls, seconds and bytes, times prices.

Seconds of processor and bytes come from a run through ``benchmarks.million``; calls follow from nodes, targets and
batches, as that run counts them. Prices, and what AWS alone decides (latencies, starts), are the inputs below.
"""

import math
from dataclasses import dataclass

from benchmarks.measured import apart
from benchmarks.tables import table, write

# US East (N. Virginia), US dollars, without free tiers and discounts.
ARM_GB_SECOND = 0.0000133334
INVOCATION = 0.20 / 1e6
S3_WRITE = 0.005 / 1000
S3_READ = 0.0004 / 1000
S3_GB_MONTH = 0.023
SQS_REQUEST = 0.40 / 1e6
ATHENA_TB = 5.00

CALL_SECONDS = 0.1
"""Assumed: what SSM takes to answer a call."""

S3_CALL_SECONDS = 0.03
"""Assumed, likewise."""

VCPU_PER_GB = 1 / 1.769
"""Lambda gives one processor to 1,769 MB, and shares it out by memory below that."""

IDLE_POLLS_A_MONTH = 3 * 5 * 3 * 60 * 24 * 30
"""Three queues, each polled by five connections for 20 seconds at a time, also when nothing is in them."""

CONNECTIONS, BATCH, CALL = 8, 2000, 50
DISCOVER_GB, COLLECT_GB, COMMIT_GB, PLAN_GB = 1, 1, 2, 0.5
START_SECONDS = 0.5
"""Assumed: of each invocation, a cold start now and then included."""

DAYS, LAKE_MONTHS, RUNS_MONTHS = 30, 12, 1
LAKE_BYTES, JSON_BYTES = 48, 517
"""Of one node: its row in a snapshot, and its own gzipped JSON object. Measured by benchmarks/files.py."""

QUERIES_A_DAY = 30
ATHENA_LEAST_BYTES = 10e6
SIZES = ((1000, 6), (10_000, 20), (100_000, 100), (1_000_000, 1000))


@dataclass(frozen=True, slots=True)
class Measured:
    """What one run through the ports took, for each node or each target.

    Attributes:
        discover_cpu: seconds a node, likewise ``collect_cpu`` and ``commit_cpu``.
        runs_bytes: of a node in its shard and its part.
    """

    discover_cpu: float
    collect_cpu: float
    commit_cpu: float
    runs_bytes: float


def measured(nodes: int, targets: int) -> Measured:
    """Run so many nodes through the ports."""
    found = apart("benchmarks.million", nodes, targets)
    return Measured(
        discover_cpu=found["discover cpu_seconds"] / nodes,
        collect_cpu=found["collect cpu_seconds"] / nodes,
        commit_cpu=found["commit cpu_seconds"] / nodes,
        runs_bytes=(found["shard_bytes"] + found["part_bytes"]) / nodes,
    )


def month(nodes: int, targets: int, runs_a_day: int, one: Measured) -> dict[str, float]:
    """Return what a month costs, by service."""
    runs = DAYS * runs_a_day
    batches = targets * math.ceil(nodes / targets / BATCH)
    list_calls, state_calls = nodes / CALL, nodes / CALL
    # Three reads and two writes or sends a message, one after the other.
    overhead = START_SECONDS + 5 * S3_CALL_SECONDS
    discover = targets * overhead + list_calls * CALL_SECONDS + nodes * one.discover_cpu / (DISCOVER_GB * VCPU_PER_GB)
    collect = batches * overhead + max(
        state_calls * CALL_SECONDS / CONNECTIONS, nodes * one.collect_cpu / (COLLECT_GB * VCPU_PER_GB)
    )
    ticks = 10
    commit = ticks * overhead + nodes * one.commit_cpu / (COMMIT_GB * VCPU_PER_GB)
    plan = 10 + targets / 10 * S3_CALL_SECONDS
    gigabyte_seconds = plan * PLAN_GB + discover * DISCOVER_GB + collect * COLLECT_GB + commit * COMMIT_GB
    writes = targets + batches + 3 + ticks * 2 * (1 + max(targets, batches) / 1000)
    reads = 3 * targets + 4 * batches + 2 * (targets + batches)
    messages = targets + batches
    lake = nodes * LAKE_BYTES * runs
    query_bytes = max(ATHENA_LEAST_BYTES, 0.4 * nodes * LAKE_BYTES)
    return {
        "Lambda": runs * (gigabyte_seconds * ARM_GB_SECOND + (1 + targets + batches + ticks) * INVOCATION),
        "S3 requests": runs * (writes * S3_WRITE + reads * S3_READ),
        "SQS": (runs * messages * 2.1 + IDLE_POLLS_A_MONTH) * SQS_REQUEST,
        "S3 storage": (lake * LAKE_MONTHS + nodes * one.runs_bytes * runs * RUNS_MONTHS) / 1e9 * S3_GB_MONTH,
        "Athena": DAYS * QUERIES_A_DAY * query_bytes / 1e12 * ATHENA_TB,
    }


def one_object_a_node(nodes: int, runs_a_day: int) -> dict[str, float]:
    """Return what a month costs where each node's state is an object of its own, as in Resource Data Sync."""
    puts = nodes * runs_a_day * DAYS
    query_bytes = max(ATHENA_LEAST_BYTES, nodes * JSON_BYTES)
    return {
        "S3 requests": puts * S3_WRITE + DAYS * QUERIES_A_DAY * nodes * (S3_READ + S3_WRITE / 1000),
        "S3 storage": nodes * JSON_BYTES / 1e9 * S3_GB_MONTH,
        "Athena": DAYS * QUERIES_A_DAY * query_bytes / 1e12 * ATHENA_TB,
    }


def main(*, full: bool) -> None:
    """Write both tables into the docs."""
    one = measured(*((100_000, 500) if full else (20_000, 100)))
    services = ("Lambda", "S3 requests", "SQS", "S3 storage", "Athena")
    rows = []
    for nodes, targets in SIZES:
        for runs in (1, 4):
            costs = month(nodes, targets, runs, one)
            rows.append([f"{nodes:,}", f"{targets:,}", f"{runs}", *(f"{costs[name]:.2f}" for name in services)])
            rows[-1].append(f"**{sum(costs.values()):.2f}**")
    head = ["nodes", "targets", "runs a day", *services, "all, dollars a month"]
    write("cost.md", "cost", table(head, rows))
    beside = []
    for nodes, targets in SIZES:
        theirs, ours = one_object_a_node(nodes, 1), month(nodes, targets, 1, one)
        kept = {name: ours[name] for name in ("S3 requests", "S3 storage", "Athena")}
        beside.append(
            [f"{nodes:,}", *(f"{theirs[name]:.2f}" for name in kept), *(f"{value:.2f}" for value in kept.values())]
        )
    names = ("S3 requests", "S3 storage", "Athena")
    head = ["nodes", *(f"objects: {name}" for name in names), *(f"patchlake: {name}" for name in names)]
    write("cost.md", "objects", table(head, beside))
