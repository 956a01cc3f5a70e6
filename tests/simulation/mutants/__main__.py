"""``python -m tests.simulation.mutants``: hunt every mutant, the slowest last; 1 when one survives."""

import argparse
import sys
from time import process_time
from typing import NamedTuple

from rich.console import Console

from tests.simulation.mutants import MUTANTS, Hunt, Mutant, hunt


class _Found(NamedTuple):
    seconds: float
    mutant: Mutant
    hunt: Hunt


def main() -> int:
    """Hunt every mutant."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the first schedule's (default: %(default)s)")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of mutants (default: all)")
    arguments = parser.parse_args()
    found = [_hunted(each, arguments.seed) for each in MUTANTS if each.name in (arguments.names or [each.name])]
    console = Console(highlight=False, soft_wrap=True)
    for seconds, mutant, (is_killed, schedules, steps) in sorted(found, key=lambda each: each.seconds):
        outcome = f"killed by {mutant.invariant:<3} after" if is_killed else "SURVIVED           "
        console.print(f"{seconds:5.1f} s  {outcome} {schedules:>4} schedules, {steps:>6} steps  {mutant.name}")
    killed = sum(each.hunt.killed for each in found)
    console.print(f"killed {killed}/{len(found)}, {sum(each.seconds for each in found):.0f} seconds of CPU")
    return int(killed < len(found))


def _hunted(mutant: Mutant, first: int) -> _Found:
    begun = process_time()
    found = hunt(mutant, first)
    return _Found(process_time() - begun, mutant, found)


if __name__ == "__main__":
    sys.exit(main())
