"""One deliberate mistake, and the hunt for it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count, islice

import pytest

from tests.simulation.explore import play
from tests.simulation.schedule import CROWD_EVERY, Schedule
from tests.simulation.world import World

MOST_SCHEDULES = 5000
"""So many schedules a mutant may survive at most."""

type Patch = pytest.MonkeyPatch
type Where = Callable[[World], bool]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake.

    Attributes:
        invariant: what it breaks.
        apply: makes it, until the patch is undone.
        where: whether a schedule's world can provoke it; the others are not played.
        crowd: whether it takes thousands of targets.
        soon: a seed from which on it is found soon. The tests start there; ``make mutants`` starts at the first one.
    """

    name: str
    invariant: str
    apply: Callable[[Patch], None]
    where: Where = lambda _: True
    crowd: bool = False
    soon: int = 1


MUTANTS: list[Mutant] = []


def mutant(
    invariant: str, name: str, where: Where = lambda _: True, *, crowd: bool = False, soon: int = 1
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register a function as what makes a mistake."""

    def register(apply: Callable[[Patch], None]) -> Callable[[Patch], None]:
        MUTANTS.append(Mutant(name, invariant, apply, where, crowd, soon))
        return apply

    return register


def schedules_survived(mutant: Mutant, first: int = 1) -> int | None:
    """Return after how many schedules, from a first seed on, its invariant finds a mutant; None where none does."""
    with pytest.MonkeyPatch.context() as patch:
        mutant.apply(patch)
        numbers = count(first - first % CROWD_EVERY, CROWD_EVERY) if mutant.crowd else count(first)
        seeds = (seed for seed in numbers if mutant.where(Schedule(seed).world))
        for number, seed in enumerate(islice(seeds, MOST_SCHEDULES), start=1):
            _, violation = play(seed)
            if violation is not None and violation.invariant == mutant.invariant:
                return number
    return None
