"""One deliberate mistake, and the hunt for it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

import pytest

from patchlake.sources.coverage import coverage_row
from patchlake.stages import publish
from tests.simulation.explore import play
from tests.simulation.provocation import ANY, Provocation
from tests.simulation.schedule import CROWD_EVERY

MOST_STEPS = 10_000
"""So many steps the schedules that find a mutant may have: a few seconds' worth."""

type Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake.

    Attributes:
        invariant: what it breaks.
        apply: makes it, until the patch is undone.
        provocation: what a schedule is given, so that almost every one finds it.
        crowd: whether it takes thousands of targets.
    """

    name: str
    invariant: str
    apply: Callable[[Patch], None]
    provocation: Provocation = ANY
    crowd: bool = False


class Hunt(NamedTuple):
    """The schedules that were played with a mutant, and their steps.

    Attributes:
        killed: whether the mutant's invariant found it.
    """

    killed: bool
    schedules: int
    steps: int


MUTANTS: list[Mutant] = []


def mutant(
    invariant: str, name: str, provocation: Provocation = ANY, *, crowd: bool = False
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register a function as what makes a mistake."""

    def register(apply: Callable[[Patch], None]) -> Callable[[Patch], None]:
        MUTANTS.append(Mutant(name, invariant, apply, provocation, crowd))
        return apply

    return register


def alter_coverage(patch: Patch, alter: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Alter each row of coverage before it is published."""
    patch.setattr(publish, "coverage_row", lambda *arguments: alter(coverage_row(*arguments)))


def hunt(mutant: Mutant, first: int = 1) -> Hunt:
    """Play schedules, from a first seed on, until one finds a mutant, or they have had ``MOST_STEPS`` steps."""
    steps = 0
    with pytest.MonkeyPatch.context() as patch:
        mutant.apply(patch)
        seeds = (seed for seed in count(first) if (seed % CROWD_EVERY == 0) == mutant.crowd)
        for number, seed in enumerate(seeds, start=1):
            schedule, violation = play(seed, provocation=mutant.provocation)
            steps += schedule.tally.steps
            killed = violation is not None and violation.invariant == mutant.invariant
            if killed or steps > MOST_STEPS:
                return Hunt(killed, number, steps)
    raise AssertionError
