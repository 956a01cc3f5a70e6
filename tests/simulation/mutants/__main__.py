"""``python -m tests.simulation.mutants``: hunt every mutant; 1 when one survives."""

import sys

from rich.console import Console

from tests.simulation.mutants import MUTANTS, schedules_survived
from tests.simulation.mutants.mutant import MOST_SCHEDULES


def main() -> int:
    """Hunt every mutant."""
    console = Console(highlight=False, soft_wrap=True)
    killed = 0
    for mutant in MUTANTS:
        schedules = schedules_survived(mutant)
        killed += schedules is not None
        outcome = f"SURVIVED {MOST_SCHEDULES}" if schedules is None else f"killed by {mutant.invariant:<3} after"
        console.print(f"{outcome} {'' if schedules is None else schedules:>5} schedules  {mutant.name}")
    console.print(f"killed {killed}/{len(MUTANTS)}")
    return int(killed < len(MUTANTS))


if __name__ == "__main__":
    sys.exit(main())
