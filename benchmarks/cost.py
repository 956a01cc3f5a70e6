"""What runs cost: measured calls, seconds and bytes, times prices.

Seconds of processor and bytes come from a run through ``benchmarks.million``. The calls of any other run are computed,
by the rule that gives that run's own counted calls; else this fails. What AWS alone decides is assumed, and named.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from benchmarks import prices
from benchmarks.files import OBJECTS, PATCHLAKE, forms
from benchmarks.measured import ROOT, apart
from benchmarks.stored import BATCH
from benchmarks.tables import put, table, write
from patchlake.adapters.sqs import MESSAGES_PER_CALL
from patchlake.stages.collect import IDS_PER_CALL
from patchlake.stages.inventory import KEYS_PER_PAGE
from patchlake_cli.embedded.template import read_template
from tests.analytics.large_day import NODES

STAGES = ("plan", "discover", "collect", "commit")
OPERATIONS = ("S3 PUT", "S3 GET", "S3 LIST", "SQS")
SERVICES = ("Lambda", "S3 requests", "SQS", "S3 storage", "Athena")
SIZES = ((1000, 6), (10_000, 20), (100_000, 100), (1_000_000, 1000))
"""Nodes and targets."""

SSM_SECONDS, S3_SECONDS, START_SECONDS = 0.1, 0.03, 0.5
LOOKS = 10
QUERIES_A_DAY, SHARE_READ = 30, 0.4
LAKE_MONTHS = 12
QUEUES, POLLERS, POLL_SECONDS = 3, 5, 20
DAYS = 30
ASSUMED = (
    ("SSM answers a call in", f"{SSM_SECONDS} s"),
    ("S3 and SQS answer a call in", f"{S3_SECONDS} s"),
    ("an invocation starts in, a cold start now and then included", f"{START_SECONDS} s"),
    ("commit looks at a run until it is complete", f"{LOOKS} times"),
    ("Lambda polls each of the three queues, also when it is empty", f"{POLLERS} at once, every {POLL_SECONDS} s"),
    ("queries a day, each over one run", f"{QUERIES_A_DAY}, reading {100 * SHARE_READ:.0f} % of it"),
    ("the lake is kept for", f"{LAKE_MONTHS} months"),
)

VCPU_PER_GB = 1 / 1.769
"""Lambda gives one processor to 1,769 MB, and shares it out by memory below that."""

ATHENA_LEAST_BYTES = 10e6
CONNECTIONS = 8
"""Calls of a collect worker at once: the template's default."""


class Run(NamedTuple):
    """A run of so many nodes, spread evenly over targets."""

    nodes: int
    targets: int

    @property
    def batches_a_target(self) -> int:
        """Batches of each target."""
        return ceil(self.nodes / self.targets / BATCH)

    @property
    def batches(self) -> int:
        """Batches altogether."""
        return self.targets * self.batches_a_target


class Calls(NamedTuple):
    """What S3 and SQS are asked in one run."""

    puts: int
    reads: int
    lists: int
    messages: int


def calls(run: Run, looks: int) -> Calls:
    """Return the calls of a run at which commit looks so often, the last time to publish it."""
    targets, batches = run.targets, run.batches
    return Calls(
        puts=1 + targets + batches + 2,
        # The snapshot and a stage's own key are looked for first; then come the plan, and shards and parts.
        reads=2 + 3 * targets + 4 * batches + 2 * looks + 2 * targets + batches,
        lists=looks * (_pages(targets) + _pages(batches)),
        # Sent in tens; received and deleted one by one.
        messages=1
        + ceil(targets / MESSAGES_PER_CALL)
        + targets * ceil(run.batches_a_target / MESSAGES_PER_CALL)
        + 2 * (targets + batches + looks),
    )


def _pages(keys: int) -> int:
    """Return the calls that list so many keys, which begin with every digit alike."""
    return 1 if keys <= KEYS_PER_PAGE else 10 * ceil(keys / 10 / KEYS_PER_PAGE)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured for each node: seconds of processor by stage, and bytes.

    Attributes:
        runs_bytes: of its rows in a shard and a part.
        lake_bytes: of its row in a snapshot.
        object_bytes: of a gzipped JSON object of its own.
    """

    discover_cpu: float
    collect_cpu: float
    commit_cpu: float
    runs_bytes: float
    lake_bytes: float
    object_bytes: float


def measured(run: Run) -> Measured:
    """Take a run through the ports, and weigh rows; the run's counted calls must be those that are computed."""
    found = apart("benchmarks.million", run.nodes, run.targets)
    counted = {name: sum(found.get(f"{stage} {name}", 0) for stage in STAGES) for name in OPERATIONS}
    assert tuple(counted.values()) == calls(run, looks=1), f"{counted} were counted, and {calls(run, 1)} computed"
    weighed = forms()
    return Measured(
        discover_cpu=found["discover cpu_seconds"] / run.nodes,
        collect_cpu=found["collect cpu_seconds"] / run.nodes,
        commit_cpu=found["commit cpu_seconds"] / run.nodes,
        runs_bytes=(found["shard_bytes"] + found["part_bytes"]) / run.nodes,
        lake_bytes=weighed[PATCHLAKE].wide / NODES,
        object_bytes=weighed[OBJECTS].wide / NODES,
    )


def gigabytes() -> dict[str, float]:
    """Return the memory of each function, as the template has it."""
    resources = read_template(ROOT / "template.yaml")["Resources"]
    return {stage: resources[f"{stage.title()}Function"]["Properties"]["MemorySize"] / 1024 for stage in STAGES}


def gigabyte_seconds(run: Run, one: Measured) -> float:
    """Return what Lambda is paid for in one run: seconds of waiting, or of working where that is more."""
    size = gigabytes()

    def working(stage: str, cpu_seconds: float) -> float:
        return run.nodes * cpu_seconds / (size[stage] * VCPU_PER_GB)

    # Three calls of S3 and two of SQS or S3, one after the other.
    overhead = START_SECONDS + 5 * S3_SECONDS
    asked = run.nodes / IDS_PER_CALL * SSM_SECONDS
    seconds = {
        "plan": overhead + run.targets / MESSAGES_PER_CALL * S3_SECONDS,
        "discover": run.targets * overhead + asked + working("discover", one.discover_cpu),
        "collect": run.batches * overhead + max(asked / CONNECTIONS, working("collect", one.collect_cpu)),
        "commit": LOOKS * overhead + working("commit", one.commit_cpu),
    }
    return sum(seconds[stage] * size[stage] for stage in STAGES)


def month(run: Run, runs_a_day: int, one: Measured) -> dict[str, float]:
    """Return what a month costs, by service."""
    runs, made = DAYS * runs_a_day, calls(run, LOOKS)
    polls = QUEUES * POLLERS * DAYS * 86_400 / POLL_SECONDS
    stored = run.nodes * runs * (one.lake_bytes * LAKE_MONTHS + one.runs_bytes) / 1e9
    invocations = 1 + run.targets + run.batches + LOOKS
    return {
        "Lambda": runs
        * (gigabyte_seconds(run, one) * prices.LAMBDA_GB_SECOND.each + invocations * prices.LAMBDA_REQUEST.each),
        "S3 requests": runs * ((made.puts + made.lists) * prices.S3_WRITE.each + made.reads * prices.S3_READ.each),
        "SQS": runs * made.messages * (prices.SQS_REQUEST.each + prices.SQS_FAIR.each)
        + polls * prices.SQS_REQUEST.each,
        "S3 storage": stored * prices.S3_GB_MONTH.each,
        "Athena": _athena(SHARE_READ * run.nodes * one.lake_bytes),
    }


def one_object_a_node(run: Run, one: Measured) -> dict[str, float]:
    """Return what a month costs where each node's state is an object of its own, as in Resource Data Sync."""
    lists = run.nodes / KEYS_PER_PAGE
    queried = run.nodes * prices.S3_READ.each + lists * prices.S3_WRITE.each
    return {
        "S3 requests": DAYS * (run.nodes * prices.S3_WRITE.each + QUERIES_A_DAY * queried),
        "S3 storage": run.nodes * one.object_bytes / 1e9 * prices.S3_GB_MONTH.each,
        "Athena": _athena(run.nodes * one.object_bytes),
    }


def _athena(scanned: float) -> float:
    return DAYS * QUERIES_A_DAY * max(ATHENA_LEAST_BYTES, scanned) * prices.ATHENA_TB.each


def months(one: Measured) -> Iterator[list[str]]:
    """Yield the rows of the table of costs."""
    for nodes, targets in SIZES:
        for runs in (1, 4):
            costs = month(Run(nodes, targets), runs, one)
            dollars = [f"{costs[name]:.2f}" for name in SERVICES]
            yield [f"{nodes:,}", f"{targets:,}", f"{runs}", *dollars, f"**{sum(costs.values()):.2f}**"]


def main(*, full: bool) -> None:
    """Write all tables into the docs."""
    priced = [
        [price.unit, f"${price.dollars:.10f}".rstrip("0").ljust(5, "0"), f"{price.source}, {price.quoted}"]
        for price in prices.ALL
    ]
    put("cost.md", "prices", table(["price", "dollars", "as quoted by"], priced))
    put("cost.md", "assumptions", table(["assumption", ""], map(list, ASSUMED)))
    one = measured(Run(100_000, 500) if full else Run(20_000, 100))
    head = ["nodes", "targets", "runs a day", *SERVICES, "all, dollars a month"]
    write("cost.md", "cost", table(head, months(one)))
    beside = []
    for nodes, targets in SIZES:
        theirs, ours = one_object_a_node(Run(nodes, targets), one), month(Run(nodes, targets), 1, one)
        figures = [costs[name] for costs in (theirs, ours) for name in theirs]
        beside.append([f"{nodes:,}", *(f"{figure:.2f}" for figure in figures)])
    names = ("S3 requests", "S3 storage", "Athena")
    head = ["nodes", *(f"objects: {name}" for name in names), *(f"patchlake: {name}" for name in names)]
    write("cost.md", "objects", table(head, beside))
