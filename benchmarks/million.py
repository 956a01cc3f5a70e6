"""One million nodes over five thousand targets, end to end: the production stages over ports that count every call.

Three of ten nodes lack patches.

    python -m benchmarks.million [NODES TARGETS]

The store is a folder, so this process holds no more than an invocation holds: its memory after the first hundred
invocations of a stage, and the most that it held up to the last, show whether memory accumulates.
"""

import math
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import msgspec
from msgspec.structs import replace

from benchmarks.counted import CountingQueue, CountingStore, Counts
from benchmarks.deployed import STAGES, default
from benchmarks.measured import apart, forget_peak, machine, peak_mebibytes, spending, tell
from benchmarks.stored import BATCH, node_id
from benchmarks.tables import report, table
from patchlake.adapters.memory import MemoryClock, MemoryQueue
from patchlake.adapters.parquet import ParquetTables
from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.core.call_counter import CallCounter
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import Account, Plan
from patchlake.core.records import Page, Record
from patchlake.core.targets import Target
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER
from patchlake.ports import Delivery, Queue
from patchlake.sources.nodes import NodeInformation
from patchlake.sources.patch_states import PatchState
from patchlake.sources.patches import AVAILABLE_COUNT, DECIDING_COUNTS, PATCHES, STATES, Patch
from patchlake.sources.registry import SOURCES
from patchlake.sources.source import Operation
from patchlake.stages.collect import CollectStage
from patchlake.stages.commit import CommitStage
from patchlake.stages.discover import DiscoverStage
from patchlake.stages.plan import PlanSettings, PlanStage
from patchlake.stages.retry_policy import RetryPolicy
from patchlake.stages.stored_run import READ_AHEAD, StoredRuns
from patchlake_cli.embedded.aws.settings import Settings
from tests.world import FixedAccounts

SCHEDULED_TIME = "2026-11-23T06:00:00Z"
REGIONS = ("eu-central-1", "us-east-1")
_LACKING = 3
"""Of ten nodes so many lack patches."""
_STORED = ("shards", "parts", "lake/patch_states", "lake/patches")

LARGEST = 24_000
"""Nodes of the largest target: more batches than one call of SQS takes."""


def sizes(nodes: int, targets: int) -> list[int]:
    """Return the number of nodes of each target: one is large, the others are small, in different sizes."""
    weights = [1 + number % 9 for number in range(targets - 1)]
    shares = [(nodes - LARGEST) * weight // sum(weights) for weight in weights]
    return [LARGEST, *shares[1:], shares[0] + nodes - LARGEST - sum(shares)]


class Fleet:
    """``TargetApis`` of any number of nodes: each is one of two thousand, with another id."""

    def __init__(self, sizes: Mapping[Target, int], clock: MemoryClock) -> None:
        """Number the nodes of each target, after those of the previous one."""
        fleet = Settings(nodes=2000, accounts=1, regions=1).fleet()
        models = [node for node in fleet.nodes(fleet.targets[0], 0) if node.patch_state is not None]
        self.states = [msgspec.convert(node.patch_state, PatchState) for node in models]
        lacking, others = (
            [model for model, state in zip(models, self.states, strict=True) if _lacks(state) is lacks]
            for lacks in (True, False)
        )
        chosen = [
            lacking[n % len(lacking)] if n % 10 < _LACKING else others[n % len(others)] for n in range(len(models))
        ]
        self.nodes = [msgspec.convert(node.information, NodeInformation) for node in chosen]
        self.states = [msgspec.convert(node.patch_state, PatchState) for node in chosen]
        self.patches = [msgspec.convert(node.patches(frozenset(STATES)), list[Patch]) for node in chosen]  # type: ignore[valid-type]
        self.call_counter = CallCounter()
        self._clock = clock
        ends = accumulate(sizes.values())
        self._numbers = {target: range(end - sizes[target], end) for target, end in zip(sizes, ends, strict=True)}

    def due_about_patches(self) -> int:
        """Return the calls about the patches of all nodes: one for each page of a node that lacks some."""
        pages = [
            max(1, math.ceil(len(rows) / PATCHES.operation.page_size)) if _lacks(state) else 0
            for state, rows in zip(self.states, self.patches, strict=True)
        ]
        numbers = (_number(node_id(number)) for own in self._numbers.values() for number in own)
        return sum(pages[number % len(pages)] for number in numbers)

    def open(self, plan: Plan, target: Target, *, fresh_session: bool = False) -> "Nodes":  # noqa: ARG002
        """Return a target's API."""
        return Nodes(self, self._numbers[target])

    def answer(self, rows: list[Record], token: str | None) -> Page[Record]:
        """Answer one call."""
        self.call_counter.add(calls=1)
        return Page(rows, token, round(self._clock.at.timestamp() * 1000))


@dataclass(frozen=True, slots=True)
class Nodes:
    """``TargetApi`` of the nodes of one target, by their numbers."""

    fleet: Fleet
    numbers: range

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:
        """Return a page of the nodes, or the states of these."""
        if operation is SOURCES.patch_states.operation:
            return self._states(ids)
        if operation is PATCHES.operation:
            return self._patches(ids, token)
        start = int(token or 0)
        end = min(start + operation.page_size, len(self.numbers))
        models = self.fleet.nodes
        rows: list[Record] = [
            replace(models[number % len(models)], instance_id=node_id(number)) for number in self.numbers[start:end]
        ]
        return self.fleet.answer(rows, str(end) if end < len(self.numbers) else None)

    def _states(self, ids: Sequence[str]) -> Page[Record]:
        models = self.fleet.states
        rows: list[Record] = [replace(models[_number(i) % len(models)], instance_id=i) for i in ids]
        return self.fleet.answer(rows, None)

    def _patches(self, ids: Sequence[str], token: str | None) -> Page[Record]:
        rows = self.fleet.patches[_number(ids[0]) % len(self.fleet.patches)]
        start = int(token or 0)
        end = start + PATCHES.operation.page_size
        return self.fleet.answer(rows[start:end], str(end) if end < len(rows) else None)


class Organization(FixedAccounts):
    """An organization whose first account is the home account."""

    def home_account_id(self) -> str:
        """Return the first account."""
        return self.organization[0].account_id


def run(nodes: int, targets: int, folder: Path) -> None:
    """Run all four stages and print the time and memory that they took."""
    clock = MemoryClock(datetime(2026, 11, 23, 6, 1, tzinfo=UTC))
    counts = Counts()
    store = CountingStore(folder, counts)
    discover_queue, collect_queue, detail_queue, commit_queue = (
        CountingQueue(clock, timing.visibility_seconds, timing.max_receive_count, counts=counts)
        for timing in (DISCOVER, COLLECT, COLLECT, COMMIT)
    )
    # Backwards, since account ids begin with any digit.
    accounts = [Account(f"{number:012d}"[::-1]) for number in range(1, 1 + targets // len(REGIONS))]
    names = [Target(account.account_id, region) for account in accounts for region in REGIONS]
    nodes_of = dict(zip(names, sizes(nodes, targets), strict=True))
    fleet, tables = Fleet(nodes_of, clock), ParquetTables()
    deadline, lateness = default("DeadlineSeconds"), default("MaxLatenessSeconds")
    settings = PlanSettings(
        "organization",
        (),
        REGIONS,
        BATCH,
        deadline,
        lateness,
        include_sensitive_fields=False,
        sources=(PATCHES.name,),
        detail_deadline_seconds=deadline,
    )
    queues: dict[str, Queue] = {
        SOURCES.nodes.name: discover_queue,
        SOURCES.patch_states.name: collect_queue,
        PATCHES.name: detail_queue,
    }
    plan = PlanStage(store, Organization(accounts), SOURCES, queues, commit_queue, clock, settings)
    discover = DiscoverStage(store, tables, fleet, SOURCES, queues, _retry_policy(discover_queue), clock)
    collect = CollectStage(store, tables, fleet, SOURCES, queues, _retry_policy(collect_queue), map, map, clock)
    commit = CommitStage(
        StoredRuns(store, tables, SOURCES, ThreadedMap(READ_AHEAD, "s3")),
        queues,
        commit_queue,
        clock,
        default("TickSeconds"),
        lateness,
        deadline,
        "benchmark",
    )
    asked: Counter[str] = Counter()

    def discovered(delivery: Delivery) -> None:
        discover.handle(DiscoverMessage.decode(delivery.body), delivery)
        asked["discover"] += fleet.call_counter.drain().calls

    def collected(delivery: Delivery) -> None:
        message = CollectMessage.decode(delivery.body)
        collect.handle(message, delivery)
        calls = fleet.call_counter.drain().calls
        ids = min(BATCH, nodes_of[message.target] - message.batch * BATCH)
        due = math.ceil(ids / SOURCES.patch_states.operation.ids_per_call)
        assert calls == due, f"batch {message.batch} of {message.target} took {calls} calls, not {due}"
        asked["collect"] += calls

    def detailed(delivery: Delivery) -> None:
        collect.handle(CollectMessage.decode(delivery.body), delivery)
        asked[PATCHES.name] += fleet.call_counter.drain().calls

    figures: dict[str, float] = {}
    works: dict[str, Iterable[object]] = {
        "plan": (plan.handle(event) for event in [{"scheduled_time": SCHEDULED_TIME}]),
        "discover": discover_queue.handled(discovered),
        "collect": collect_queue.handled(collected),
        PATCHES.name: detail_queue.handled(detailed),
        "commit": commit_queue.handled(lambda d: commit.handle(CommitMessage.decode(d.body), d)),
    }
    for stage, results in works.items():
        counts.stage = stage
        settled = 0.0
        forget_peak()
        with spending() as spent:
            for done, _ in enumerate(results, start=1):
                settled = peak_mebibytes() if done <= 100 else settled
        figures |= {
            f"{stage} invocations": done,
            f"{stage} cpu_seconds": spent.cpu_seconds,
            f"{stage} settled_mebibytes": settled,
            f"{stage} peak_mebibytes": peak_mebibytes(),
            f"{stage} SSM": asked[stage],
        }
    due = fleet.due_about_patches()
    assert asked[PATCHES.name] == due, f"the patches took {asked[PATCHES.name]:,} calls, not {due:,}"
    figures |= {f"{part} bytes": store.size(f"{part}/") for part in _STORED}
    tell(figures | {f"{stage} {operation}": count for (stage, operation), count in counts.made.items()})


def _number(instance_id: str) -> int:
    """Return the number in an id, by which its model is chosen."""
    return int(instance_id.removeprefix("i-"), base=16)


def _lacks(state: Record) -> bool:
    """Whether the rule asks about a node: any count that decides is above 0 or absent, or there is one to approve."""
    counts = [getattr(state, name) for name in DECIDING_COUNTS]
    return any(count is None or count > 0 for count in counts) or (getattr(state, AVAILABLE_COUNT) or 0) > 0


def _retry_policy(queue: MemoryQueue) -> RetryPolicy:
    return RetryPolicy([queue], default("RetrySeconds"), lambda: 0.5, lambda _: None)


def measure(nodes: int, targets: int) -> str:
    """Return the table of one run, in a separate process."""
    found = apart("benchmarks.million", nodes, targets)
    head = [
        f"{nodes:,} nodes, {targets:,} targets",
        "invocations",
        "CPU s",
        "peak MiB, first 100",
        "peak MiB, all",
        "SSM calls",
        "S3 PUT",
        "S3 GET and HEAD",
        "S3 LIST",
        "SQS calls",
    ]
    figures = ("invocations", "cpu_seconds", "settled_mebibytes", "peak_mebibytes", "SSM")
    operations = ("S3 PUT", "S3 GET", "S3 LIST", "SQS")
    stages = (*STAGES[:-1], PATCHES.name, STAGES[-1])
    rows = [[stage, *(f"{found.get(f'{stage} {name}', 0):,.0f}" for name in figures + operations)] for stage in stages]
    shards, parts, snapshot, patches = (found[f"{part} bytes"] / nodes for part in _STORED)
    return (
        f"{table(head, rows)}\n\nBytes per node: shards {shards:.1f}, parts {parts:.1f}, snapshot {snapshot:.1f}, "
        f"patches {patches:.1f}. The nodes are 2,000 different ones, repeated. {machine('pyarrow', 'msgspec')}."
    )


def main(*, full: bool) -> None:
    """Report the table."""
    report("performance.md", "million", measure(*((1_000_000, 5000) if full else (100_000, 500))), full=full)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="patchlake-million-") as name:
        run(int(sys.argv[1]), int(sys.argv[2]), Path(name))
