"""Each deliberate mistake in the protocol is found, by the invariant that it breaks."""

import pytest

from tests.simulation.explore import strands
from tests.simulation.mutants import MUTANTS, Mutant, schedules_survived


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.name))
def test_a_mistake_is_found_by_the_invariant_it_breaks(mutant: Mutant) -> None:
    with strands() as executor:
        assert schedules_survived(mutant, executor) is not None
