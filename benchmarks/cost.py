"""The cost of runs: measured calls, seconds and bytes, times prices.

Bytes and commit's seconds of processor come from a run through ``benchmarks.million``, those of discover and collect
from ``benchmarks.fetch``, the SDK included. The calls of any other run are computed, by the rule that gives that run's
own counted calls; otherwise the benchmark fails. Values that only AWS decides are assumed, and named.
"""

from collections.abc import Iterator
from math import ceil
from statistics import mean, median
from typing import NamedTuple, Self

from benchmarks import prices
from benchmarks.deployed import STAGES, default, gigabytes
from benchmarks.files import OBJECTS, PATCHLAKE, forms, reads
from benchmarks.measured import apart
from benchmarks.million import sizes
from benchmarks.stored import BATCH
from benchmarks.tables import report, table
from generators.large_day import NODES
from patchlake.adapters.sqs import MESSAGES_PER_CALL
from patchlake.sources.registry import SOURCES
from patchlake.stages.stored_run import KEYS_PER_PAGE, READ_AHEAD

OPERATIONS = ("S3 PUT", "S3 GET", "S3 LIST", "SQS")
SERVICES = ("Lambda", "S3 requests", "SQS", "S3 storage", "Athena")
SIZES = ((1000, 6), (10_000, 20), (100_000, 100), (1_000_000, 1000))
"""Nodes and targets."""

MEASURED_RUN = (100_000, 1200)
"""Nodes and targets: more keys of shards and of parts than one call lists."""

SSM_SECONDS, S3_SECONDS, START_SECONDS = 0.1, 0.03, 0.5
LOOKS = 10
QUERIES_A_DAY, LAKE_MONTHS = 30, 12
QUEUES, POLLERS, POLL_SECONDS = 5, 5, 20
DAYS = 30
WINDOW_DAYS, RUNS_DAYS, CONNECTIONS = default("WindowDays"), default("RunsRetentionDays"), default("Connections")
VCPU_MEGABYTES = 1769
ASSUMED = (
    ("SSM answers a call in", f"{SSM_SECONDS} s"),
    ("S3 and SQS answer a call in", f"{S3_SECONDS} s"),
    ("an invocation starts in (occasional cold starts included)", f"{START_SECONDS} s"),
    (
        "Lambda gives one processor for",
        f"{VCPU_MEGABYTES:,} MB of memory, as fast as that of the machine used for measuring",
    ),
    ("checks of a run by commit; the last one publishes it", f"{LOOKS}, in one environment"),
    ("polls of each of the five queues by Lambda, even when empty", f"{POLLERS} at once, every {POLL_SECONDS} s"),
    (
        "queries a day, each as large as the average shipped one",
        f"{QUERIES_A_DAY}, over {WINDOW_DAYS} days of runs",
    ),
    ("the lake is kept for", f"{LAKE_MONTHS} months"),
    ("shards and parts are kept for", f"{RUNS_DAYS} days"),
)

ATHENA_LEAST_BYTES = 10e6


class Run(NamedTuple):
    """A run, as the number of nodes of each of its targets."""

    sizes: tuple[int, ...]

    @classmethod
    def even(cls, nodes: int, targets: int) -> Self:
        """Spread nodes over targets."""
        return cls(tuple(nodes // targets + (number < nodes % targets) for number in range(targets)))

    @property
    def nodes(self) -> int:
        """All nodes."""
        return sum(self.sizes)

    @property
    def targets(self) -> int:
        """Targets."""
        return len(self.sizes)

    @property
    def batches(self) -> list[int]:
        """Batches of each target."""
        return [ceil(size / BATCH) for size in self.sizes]


class Calls(NamedTuple):
    """The calls to S3 and SQS in one run."""

    puts: int
    reads: int
    lists: int
    messages: int


def calls(run: Run, looks: int) -> Calls:
    """Return the calls of a run that commit checks ``looks`` times, the last time to publish it."""
    targets, batches = run.targets, sum(run.batches)
    return Calls(
        puts=1 + targets + batches + 2,
        # A stage first looks for the snapshot and its own key, then reads the plan, and shards and parts.
        reads=2 + 3 * targets + 4 * batches + 2 * looks + published_reads(run),
        lists=looks * (_pages(targets) + _pages(batches)),
        # Sent in tens; received and deleted one by one.
        messages=1
        + ceil(targets / MESSAGES_PER_CALL)
        + sum(ceil(count / MESSAGES_PER_CALL) for count in run.batches)
        + 2 * (targets + batches + looks),
    )


def published_reads(run: Run) -> int:
    """Return the objects that commit reads to publish: each shard twice, each part once."""
    return 2 * run.targets + sum(run.batches)


def _pages(keys: int) -> int:
    """Return the calls that list so many keys, spread evenly over the first digit."""
    return 1 if keys <= KEYS_PER_PAGE else 10 * ceil(keys / 10 / KEYS_PER_PAGE)


class Measured(NamedTuple):
    """Measurements per node: seconds of processor by stage, and bytes."""

    discover_cpu: float
    collect_cpu: float
    commit_cpu: float
    runs_bytes: float
    lake_bytes: float
    query_bytes: float
    object_bytes: float

    def rows(self) -> list[list[str]]:
        """Describe each measurement in a row of a table."""
        micros = [f"{1e6 * seconds:.1f} µs of processor time" for seconds in self[:3]]
        weights = [f"{weight:.1f} bytes" for weight in self[3:]]
        words = (
            "discover lists it and stores the shard, SDK included",
            "collect reads its state and stores the part, SDK included",
            "commit publishes it",
            "its rows in the shard and the part take",
            "its row in the snapshot takes",
            "of these, a shipped query reads on average",
            "as a separate gzipped JSON object, it takes",
        )
        return [list(row) for row in zip(words, micros + weights, strict=True)]


def measured(nodes: int, targets: int) -> Measured:
    """Run the stages over the ports, and measure rows; the computed calls must equal the counted ones."""
    run = Run(tuple(sizes(nodes, targets)))
    found = apart("benchmarks.million", nodes, targets)
    counted = Calls(*(int(sum(found.get(f"{stage} {name}", 0) for stage in STAGES)) for name in OPERATIONS))
    assert counted == calls(run, looks=1), f"{counted} were counted, and {calls(run, looks=1)} computed"
    fetched, weighed = apart("benchmarks.fetch", 15), forms()
    return Measured(
        discover_cpu=median(fetched["shard"]) / 1e6,
        collect_cpu=median(fetched["part"]) / 1e6,
        commit_cpu=found["commit cpu_seconds"] / nodes,
        runs_bytes=(found["shards bytes"] + found["parts bytes"]) / nodes,
        lake_bytes=weighed[PATCHLAKE].wide / NODES,
        query_bytes=mean(weighed[PATCHLAKE].read(columns) for columns in reads().values()) / NODES,
        object_bytes=weighed[OBJECTS].wide / NODES,
    )


def gigabyte_seconds(run: Run, one: Measured) -> float:
    """Return what Lambda bills for one run: seconds of waiting, or of work where that is more."""

    def working(stage: str, cpu_seconds: float) -> float:
        return run.nodes * cpu_seconds / (gigabytes(stage) * 1024 / VCPU_MEGABYTES)

    # Three calls of S3 and two of SQS or S3, one after the other.
    overhead = START_SECONDS + 5 * S3_SECONDS
    asked = run.nodes / SOURCES.patch_states.operation.ids_per_call * SSM_SECONDS
    seconds = {
        "plan": overhead + run.targets / MESSAGES_PER_CALL * S3_SECONDS,
        "discover": run.targets * overhead + asked + working("discover", one.discover_cpu),
        "collect": sum(run.batches) * overhead + max(asked / CONNECTIONS, working("collect", one.collect_cpu)),
        "commit": LOOKS * overhead + published_reads(run) * S3_SECONDS / READ_AHEAD + working("commit", one.commit_cpu),
    }
    return sum(seconds[stage] * gigabytes(stage) for stage in STAGES)


def month(run: Run, runs_a_day: int, one: Measured) -> dict[str, float]:
    """Return the cost of a month, by service; Athena's part if no query names its days."""
    runs, made = DAYS * runs_a_day, calls(run, LOOKS)
    polls = QUEUES * POLLERS * DAYS * 86_400 / POLL_SECONDS
    stored = run.nodes * runs * (one.lake_bytes * LAKE_MONTHS + one.runs_bytes * RUNS_DAYS / DAYS) / 1e9
    invocations = 1 + run.targets + sum(run.batches) + LOOKS
    return {
        "Lambda": runs
        * (gigabyte_seconds(run, one) * prices.LAMBDA_GB_SECOND.each + invocations * prices.LAMBDA_REQUEST.each),
        "S3 requests": runs * ((made.puts + made.lists) * prices.S3_WRITE.each + made.reads * prices.S3_READ.each),
        "SQS": runs * made.messages * (prices.SQS_REQUEST.each + prices.SQS_FAIR.each)
        + polls * prices.SQS_REQUEST.each,
        "S3 storage": stored * prices.S3_GB_MONTH.each,
        "Athena": _athena(WINDOW_DAYS * runs_a_day * run.nodes * one.query_bytes),
    }


def one_object_a_node(nodes: int, one: Measured) -> dict[str, float]:
    """Return the cost of a month where each node's state is a separate object, as in Resource Data Sync."""
    lists = nodes / KEYS_PER_PAGE
    queried = nodes * prices.S3_READ.each + lists * prices.S3_WRITE.each
    return {
        "S3 requests": DAYS * (nodes * prices.S3_WRITE.each + QUERIES_A_DAY * queried),
        "S3 storage": nodes * one.object_bytes / 1e9 * prices.S3_GB_MONTH.each,
        "Athena": _athena(nodes * one.object_bytes),
    }


def _athena(scanned: float) -> float:
    return DAYS * QUERIES_A_DAY * max(ATHENA_LEAST_BYTES, scanned) * prices.ATHENA_TB.each


def months(one: Measured) -> Iterator[list[str]]:
    """Yield the rows of the table of costs."""
    for nodes, targets in SIZES:
        for runs in (1, 4):
            costs = month(Run.even(nodes, targets), runs, one)
            dollars = [f"{costs[name]:.2f}" for name in SERVICES]
            yield [f"{nodes:,}", f"{targets:,}", f"{runs}", *dollars, f"**{sum(costs.values()):.2f}**"]


def per_object(one: Measured) -> Iterator[list[str]]:
    """Yield the rows of the table that compares with one object per node."""
    for nodes, targets in SIZES:
        theirs, ours = one_object_a_node(nodes, one), month(Run.even(nodes, targets), 1, one)
        yield [f"{nodes:,}", *(f"{costs[name]:.2f}" for costs in (theirs, ours) for name in theirs)]


def main(*, full: bool) -> None:
    """Report all tables; the measured run is quick, so both sizes are the same."""
    priced = [
        [price.unit, f"${price.dollars:.10f}".rstrip("0").ljust(5, "0"), f"{price.source}, {price.quoted}"]
        for price in prices.ALL
    ]
    one = measured(*MEASURED_RUN)
    compared = ("S3 requests", "S3 storage", "Athena")
    head = [f"{whose}: {name}" for whose in ("objects", "patchlake") for name in compared]
    for name, text, made in (
        ("prices", table(["price", "dollars", "as quoted by"], priced), "Copied"),
        ("assumptions", table(["assumption", ""], map(list, ASSUMED)), "Assumed"),
        ("node", table(["for each node", ""], one.rows()), "Measured"),
        (
            "cost",
            table(["nodes", "targets", "runs a day", *SERVICES, "total, dollars a month"], months(one)),
            "Computed",
        ),
        ("objects", table(["nodes", *head], per_object(one)), "Computed"),
    ):
        report("cost.md", name, text, full=full, made=made)
