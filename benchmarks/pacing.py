"""Workers on a throttling target: production stages against token buckets, in simulated time."""

from benchmarks.tables import report, table
from patchlake.core.timings import COLLECT
from patchlake.sources.registry import SOURCES
from tests.simulation.throttled import (
    CASES,
    PATCHES_CASES,
    PATCHES_LONG_CASES,
    ThrottledRun,
    listed_world,
    pace_with_patches,
)
from tests.world import EU

SHORT_SECONDS = 120
"""A shorter invocation, for comparison."""


def measure() -> str:
    """Return the table: the cases of the tests, and two of them with short invocations."""
    cases = [(*case, COLLECT.timeout_seconds) for case in CASES]
    cases += [(*case, SHORT_SECONDS) for case in (CASES[0], CASES[-1])]
    rows = []
    for rate, workers, nodes, batch_size, timeout_seconds in cases:
        world = listed_world({EU: nodes}, batch_size)
        run = ThrottledRun(world, workers, {EU: rate}, timeout_seconds)
        seconds, calls = run.play(), nodes / SOURCES.patch_states.operation.ids_per_call
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
        "calls per second",
        "workers",
        "nodes",
        "nodes per batch",
        "seconds per invocation",
        "messages returned",
        "dead letters",
        "seconds",
        "ratio to the bucket's own time",
        "throttled answers per call",
    ]
    return table(head, rows)


def measure_patches() -> str:
    """Return the table of the runs with patches, three of ten nodes of which lack one."""
    rows = []
    for case in (*PATCHES_CASES, *PATCHES_LONG_CASES):
        pace = pace_with_patches(*case)
        dead = len(pace.world.collect_queue.dead) + len(pace.world.detail_queue.dead)
        figures = (*case, pace.run.calls, dead)
        rows.append(
            [*(f"{one:,}" for one in figures), f"{pace.seconds:.0f}", f"{pace.of_bucket:.2f}", f"{pace.of_root:.2f}"]
        )
    head = [
        "calls per second",
        "workers for patch states",
        "workers for patches",
        "nodes",
        "calls",
        "dead letters",
        "seconds",
        "ratio to the bucket's own time",
        "last root part, ratio to a run without patches",
    ]
    return table(head, rows)


def main(*, full: bool) -> None:
    """Report both tables: they are quick, and their randomness has a seed, so they are the same in every size."""
    report("performance.md", "pacing", measure(), full=full, made="Simulated")
    report("performance.md", "pacing of patches", measure_patches(), full=full, made="Simulated")
