"""Two thousand schedules of faults on every run of the tests; ``make simulate`` plays any number."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.explore import explore
from tests.simulation.schedule import Schedule

SLICES = 8
SCHEDULES = 2000


@pytest.mark.parametrize("first", range(0, SCHEDULES, SCHEDULES // SLICES))
def test_no_schedule_breaks_an_invariant(first: int) -> None:
    found = explore(range(first, first + SCHEDULES // SLICES))

    assert not found.failures, found.failures[0].story
    assert found.tally.schedules == SCHEDULES // SLICES
    assert found.tally.faults.total() > found.tally.schedules
    assert found.tally.runs.keys() == {"COMPLETE", "PARTIAL", "never planned", "CORRUPT"}
    assert found.tally.with_secondary > SCHEDULES // SLICES // 5
    assert (found.tally.nodes_lost, found.tally.duplicated_rows, found.tally.rewritten) == (0, 0, 0)


def test_one_of_these_schedules_has_thousands_of_targets() -> None:
    crowd = Schedule(0)

    assert len(crowd.world.targets) > 2000


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    stories = [
        subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--replay", "7"],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).parents[2],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]

    assert stories[0] == stories[1]
    assert len(stories[0].splitlines()) > 20
