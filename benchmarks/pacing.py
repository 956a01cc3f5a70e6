"""Workers on a target that throttles: production stages against token buckets, in simulated time."""

from benchmarks.tables import table, write
from patchlake.core.timings import COLLECT
from tests.simulation.test_pacing import listed_world
from tests.simulation.throttled import ThrottledRun
from tests.world import EU

CASES = (
    (5, 4, 12_000, 2000, COLLECT.timeout_seconds),
    (20, 4, 24_000, 2000, COLLECT.timeout_seconds),
    (50, 4, 40_000, 2000, COLLECT.timeout_seconds),
    (5, 20, 10_000, 500, COLLECT.timeout_seconds),
    (20, 40, 24_000, 500, COLLECT.timeout_seconds),
    (50, 20, 50_000, 1000, COLLECT.timeout_seconds),
    (5, 20, 40_000, 2000, COLLECT.timeout_seconds),
    (5, 4, 12_000, 2000, 120),
    (5, 20, 40_000, 2000, 120),
)
"""Calls a second, workers, nodes, nodes of a batch, and seconds of an invocation: as deployed, and shorter."""


def measure() -> str:
    """Return the table."""
    rows = []
    for rate, workers, nodes, batch_size, timeout_seconds in CASES:
        world = listed_world({EU: nodes}, batch_size)
        run = ThrottledRun(world, workers, {EU: rate}, timeout_seconds)
        seconds, calls = run.play(), nodes / 50
        figures = (rate, workers, nodes, batch_size, timeout_seconds)
        lost = (len(world.failures), len(world.collect_queue.dead))
        rows.append(
            [
                *(f"{figure:,}" for figure in figures + lost),
                f"{seconds:.0f}",
                f"{seconds * rate / calls:.2f}",
                f"{run.throttles / calls:.1f}",
            ]
        )
    head = [
        "calls a second",
        "workers",
        "nodes",
        "nodes a batch",
        "seconds an invocation",
        "messages given back",
        "dead letters",
        "seconds",
        "times the bucket's own",
        "throttled answers a call",
    ]
    return table(head, rows)


def main(*, full: bool) -> None:  # noqa: ARG001  # it is quick
    """Write the table into the docs."""
    write("performance.md", "pacing", measure())
