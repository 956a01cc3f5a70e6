"""Each deliberate mistake in the protocol is found, by the invariant that it breaks."""

import pytest

from tests.simulation.checking import numbers
from tests.simulation.explore import explore, play
from tests.simulation.mutants import MUTANTS, Mutant, hunt


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.name))
def test_a_mistake_is_found_by_the_invariant_it_breaks(mutant: Mutant) -> None:
    found = hunt(mutant)

    assert found.killed, f"it survived {found.schedules} schedules, {found.steps} steps"


def test_every_invariant_finds_a_mistake_that_it_names() -> None:
    assert {mutant.invariant for mutant in MUTANTS} == numbers()


def test_a_failing_seed_tells_a_story_that_can_be_replayed() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "collect overwrites a stored part")

    with pytest.MonkeyPatch.context() as patch:
        mutant.apply(patch)
        failure = next(failure for first in range(1, 1000) for failure in explore([first]).failures)
        _, violation = play(failure.seed, failure.without)

    assert violation is not None
    assert str(violation) in failure.story
    assert f"--replay {failure.seed}" in failure.story
    assert failure.without, "nothing was left out of the story"
