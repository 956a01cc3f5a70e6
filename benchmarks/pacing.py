"""Workers on a target that throttles: production stages against token buckets, in simulated time."""

from benchmarks.tables import table, write
from tests.simulation.test_pacing import listed_world
from tests.simulation.throttled import ThrottledRun
from tests.world import EU

CASES = (
    (5, 4, 12_000, 2000),
    (20, 4, 24_000, 2000),
    (50, 4, 40_000, 2000),
    (5, 20, 10_000, 500),
    (20, 40, 24_000, 500),
    (50, 20, 50_000, 1000),
)
"""Calls a second, workers, nodes, and nodes of a batch, as the tests have them."""


def measure() -> str:
    """Return the table."""
    rows = []
    for rate, workers, nodes, batch_size in CASES:
        world = listed_world({EU: nodes}, batch_size)
        run = ThrottledRun(world, workers, {EU: rate})
        seconds, calls = run.play(), nodes / 50
        figures = (rate, workers, nodes, batch_size, len(world.failures), len(world.collect_queue.dead))
        rows.append(
            [
                *(f"{figure:,}" for figure in figures),
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
