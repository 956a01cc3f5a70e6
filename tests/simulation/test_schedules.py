"""Two thousand schedules of faults on every run of the tests; ``make simulate`` plays any number."""

import pytest

from tests.simulation.explore import explore

SLICES = 8
SCHEDULES = 2000


@pytest.mark.parametrize("first", range(1, SCHEDULES + 1, SCHEDULES // SLICES))
def test_no_schedule_breaks_an_invariant(first: int) -> None:
    found = explore(range(first, first + SCHEDULES // SLICES))

    assert not found.failures, found.failures[0].story
    assert found.tally.schedules == SCHEDULES // SLICES
    assert found.tally.faults.total() > found.tally.schedules
