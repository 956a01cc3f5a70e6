"""``python -m tests.simulation --schedules 100000 --seed 1``: break the protocol, if it can be broken."""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice
from multiprocessing import SimpleQueue

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from tests.simulation.explore import Exploration, explore, play, tell
from tests.simulation.faults import Fault

WORKERS = 2
CHUNK = 250
PATIENCE_SECONDS = 2
STORIES = 3
"""How many failing schedules are told."""


def main() -> int:
    """Explore schedules, or replay one; 1 when an invariant was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=2000, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the first schedule's (default: %(default)s)")
    parser.add_argument("--replay", type=int, metavar="SEED", help="tell the story of one schedule")
    parser.add_argument("--without", type=Fault, action="append", default=[], metavar="FAULT", help="in a replay")
    arguments = parser.parse_args()
    if arguments.replay is not None:
        return _replay(arguments.replay, arguments.without)
    return _explore(arguments.seed, arguments.schedules)


def _replay(seed: int, without: list[Fault]) -> int:
    schedule, violation = play(seed, without)
    sys.stdout.write(tell(seed, schedule, violation, without) + "\n")
    return int(violation is not None)


def _explore(first: int, count: int) -> int:
    started = time.monotonic()
    found = Exploration()
    chunks = [range(seed, min(seed + CHUNK, first + count)) for seed in range(first, first + count, CHUNK)]
    console = Console()
    progress = Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console, transient=True)
    bar = progress.add_task("schedules", total=count)
    processors: SimpleQueue[int] = SimpleQueue()
    for processor in islice(cycle(sorted(os.sched_getaffinity(0))), WORKERS):
        processors.put(processor)
    with ProcessPoolExecutor(WORKERS, initializer=_settle, initargs=(processors,)) as pool:
        try:
            for part in pool.map(explore, chunks):
                found.add(part)
                progress.update(bar, completed=found.tally.schedules)
                if time.monotonic() - started > PATIENCE_SECONDS:
                    progress.start()
        finally:
            progress.stop()
    for failure in found.failures[:STORIES]:
        console.print(failure.story, markup=False, highlight=False, soft_wrap=True)
    _report(console, found, first, time.monotonic() - started)
    return int(bool(found.failures))


def _settle(processors: "SimpleQueue[int]") -> None:
    """Keep a worker on one processor: its threads take turns all the time, and changing the processor costs a third."""
    os.sched_setaffinity(0, {processors.get()})


def _report(console: Console, found: Exploration, first: int, seconds: float) -> None:
    tally = found.tally
    faults = Table("fault", "times", title="Faults", title_justify="left")
    for fault in Fault:
        faults.add_row(fault, f"{tally.faults[fault]:,}")
    console.print(faults)
    figures = {
        f"schedules explored, from seed {first}": tally.schedules,
        "steps": tally.steps,
        "faults": tally.faults.total(),
        **{f"runs {outcome}": number for outcome, number in sorted(tally.runs.items())},
        "runs published with secondary sources": tally.with_secondary,
        "nodes listed in published runs": tally.nodes,
        "nodes lost": tally.nodes_lost,
        "duplicated rows": tally.duplicated_rows,
        "rewritten objects": tally.rewritten,
        "violations": len(found.failures),
        "seconds": round(seconds),
    }
    for name, number in figures.items():
        console.print(f"{name:<38} {number:>12,}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
