"""One million nodes over five thousand targets, end to end: the production stages over ports that count every call.

    python -m benchmarks.million [NODES TARGETS]

The store is a folder, so this process holds no more than what an invocation holds: its memory after the first
hundred invocations of a stage, and the most that it held up to the last, tell whether anything piles up.
"""

import math
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path

import msgspec
from msgspec.structs import replace

from benchmarks.counted import Calls, CountingQueue, CountingStore
from benchmarks.measured import apart, forget_peak, machine, peak_mebibytes, spending, tell
from benchmarks.stored import BATCH
from benchmarks.tables import table, write
from patchlake.adapters.memory import MemoryClock, MemoryQueue
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.answers import NodeInformation, Page, PatchState, Record
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import Account
from patchlake.core.targets import Target
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER
from patchlake.core.usage import Usage
from patchlake.stages.collect import IDS_PER_CALL, CollectStage
from patchlake.stages.commit import CommitStage
from patchlake.stages.discover import DiscoverStage
from patchlake.stages.inventory import Inventory
from patchlake.stages.plan import PlanSettings, PlanStage
from patchlake.stages.retrying import Retrying
from patchlake_cli.embedded.settings import Settings

STAGES = ("plan", "discover", "collect", "commit")
SCHEDULED_TIME = "2026-11-23T06:00:00Z"
REGIONS = ("eu-central-1", "us-east-1")


class Fleet:
    """``PatchSources`` of as many nodes as one likes: each is one of two thousand, by another id."""

    def __init__(self, nodes: int, targets: int, clock: MemoryClock) -> None:
        """Spread the nodes evenly."""
        fleet = Settings(nodes=BATCH, accounts=1, regions=1).fleet()
        models = [node for node in fleet.nodes(fleet.targets[0], 0) if node.patch_state is not None]
        self.nodes = [msgspec.convert(node.information, NodeInformation) for node in models]
        self.states = [msgspec.convert(node.patch_state, PatchState) for node in models]
        self.per_target = nodes // targets
        self.usage = Usage()
        self._clock = clock
        self._firsts: dict[Target, int] = {}

    def open(self, target: Target, home_account_id: str) -> "Nodes":  # noqa: ARG002
        """Return a target's API."""
        return Nodes(self, self._firsts.setdefault(target, len(self._firsts) * self.per_target))

    def page(self, rows: list[Record], token: str | None) -> Page[Record]:
        """Answer one call."""
        self.usage.add(calls=1)
        return Page(rows, (), token, round(self._clock.at.timestamp() * 1000))


@dataclass(frozen=True, slots=True)
class Nodes:
    """``PatchSource`` of the nodes of one target, numbered from the first."""

    fleet: Fleet
    first: int

    def node_page(self, token: str | None) -> Page[Record]:
        """Return a page of the nodes."""
        start = int(token or 0)
        end = min(start + 50, self.fleet.per_target)
        models = self.fleet.nodes
        rows: list[Record] = [
            replace(models[number % len(models)], instance_id=_node_id(self.first + number))
            for number in range(start, end)
        ]
        return self.fleet.page(rows, str(end) if end < self.fleet.per_target else None)

    def patch_state_page(self, instance_ids: Sequence[str], token: str | None) -> Page[Record]:  # noqa: ARG002
        """Return the states of these nodes."""
        models = self.fleet.states
        rows: list[Record] = [
            replace(models[int(i.removeprefix("i-"), base=16) % len(models)], instance_id=i) for i in instance_ids
        ]
        return self.fleet.page(rows, None)


@dataclass
class FixedAccounts:
    """An organization."""

    accounts: list[Account]

    def home_account_id(self) -> str:
        """Return the first account."""
        return self.accounts[0].account_id

    def organization_accounts(self) -> list[Account]:
        """Return all."""
        return self.accounts


def run(nodes: int, targets: int, folder: Path) -> None:
    """Run all four stages and tell what that took."""
    clock = MemoryClock(datetime(2026, 11, 23, 6, 1, tzinfo=UTC))
    calls = Calls()
    store = CountingStore(folder, calls)
    discover_queue, collect_queue, commit_queue = (
        CountingQueue(clock, timing.visibility_seconds, timing.max_receive_count, calls=calls)
        for timing in (DISCOVER, COLLECT, COMMIT)
    )
    fleet, tables = Fleet(nodes, targets, clock), ParquetTables()
    # Backwards, since account ids begin with any digit.
    accounts = [Account(f"{number:012d}"[::-1]) for number in range(1, 1 + targets // len(REGIONS))]
    settings = PlanSettings("organization", (), REGIONS, BATCH, 14_400, 86_400, include_sensitive_fields=False)
    plan = PlanStage(store, FixedAccounts(accounts), discover_queue, commit_queue, clock, settings)
    discover = DiscoverStage(store, tables, fleet, collect_queue, _retrying(discover_queue))
    collect = CollectStage(store, tables, fleet, _retrying(collect_queue), map)
    commit = CommitStage(
        Inventory(store, tables, map),
        discover_queue,
        collect_queue,
        commit_queue,
        clock,
        60,
        86_400,
        14_400,
        "benchmark",
    )
    figures: dict[str, float] = {}
    works: dict[str, Iterable[object]] = {
        "plan": (plan.handle(event) for event in [{"scheduled_time": SCHEDULED_TIME}]),
        "discover": discover_queue.handled(lambda d: discover.handle(DiscoverMessage.decode(d.body), d)),
        "collect": collect_queue.handled(lambda d: collect.handle(CollectMessage.decode(d.body), d)),
        "commit": commit_queue.handled(lambda d: commit.handle(CommitMessage.decode(d.body), d)),
    }
    for stage, results in works.items():
        calls.stage = stage
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
            f"{stage} SSM": fleet.usage.take().calls,
        }
    expected = len(accounts) * len(REGIONS) * sum(math.ceil(len(b) / IDS_PER_CALL) for b in _batches(fleet.per_target))
    assert figures["collect SSM"] == expected, "a batch costs its nodes over fifty, rounded up"
    figures |= {
        "bytes": store.size("/patch_states/"),
        "shard_bytes": store.size("/shards/"),
        "part_bytes": store.size("/parts/"),
    }
    tell(**figures, **{f"{stage} {operation}": count for (stage, operation), count in calls.made.items()})


def _node_id(number: int) -> str:
    """Return an id that looks like chance, another one for each number."""
    return f"i-{number * 0x9E3779B97F4A7C15 % (1 << 64):017x}"


def _retrying(queue: MemoryQueue) -> Retrying:
    return Retrying(queue, 30, lambda: 0.5, lambda _: None)


def _batches(nodes: int) -> Iterator[tuple[int, ...]]:
    return batched(range(nodes), BATCH, strict=False)


def measure(nodes: int, targets: int) -> str:
    """Return the table of one run, which is a process of its own."""
    found = apart("benchmarks.million", nodes, targets)
    head = [
        f"{nodes:,} nodes, {targets:,} targets",
        "invocations",
        "CPU s",
        "peak MiB of the first 100",
        "of all",
        "SSM calls",
        "S3 PUT",
        "S3 GET and HEAD",
        "S3 LIST",
        "SQS calls",
    ]
    figures = ("invocations", "cpu_seconds", "settled_mebibytes", "peak_mebibytes", "SSM")
    operations = ("S3 PUT", "S3 GET", "S3 LIST", "SQS")
    rows = [[stage, *(f"{found.get(f'{stage} {name}', 0):,.0f}" for name in figures + operations)] for stage in STAGES]
    sizes = (
        f"Shards {found['shard_bytes'] / nodes:.1f}, parts {found['part_bytes'] / nodes:.1f}, snapshot "
        f"{found['bytes'] / nodes:.1f} bytes a node; nodes are 2,000 different ones again and again."
    )
    return table(head, rows) + f"\n\n{sizes} {machine('pyarrow', 'msgspec')}."


def main(*, full: bool) -> None:
    """Write the table into the docs."""
    write("performance.md", "million", measure(*((1_000_000, 5000) if full else (100_000, 500))))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="patchlake-million-") as name:
        run(int(sys.argv[1]), int(sys.argv[2]), Path(name))
