"""The status of a stack, as a person sees it."""

from datetime import timedelta

import pytest

from patchlake_cli.lake.run_reader import OVERDUE_AFTER, Runs
from patchlake_cli.operations.status_page import in_words, progress_line, run_line
from tests.world import EU, RUN_ID, World


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=59), "0 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=6, minutes=5), "6 h 5 min"),
        (timedelta(hours=47, minutes=59), "47 h 59 min"),
        (timedelta(days=3, hours=2), "3 days 2 h"),
    ],
)
def test_an_age_is_told_as_people_say_it(age: timedelta, words: str) -> None:
    assert in_words(age) == words


def test_a_run_is_one_line_under_way_overdue_and_published() -> None:
    world = World()
    world.add_nodes(EU, range(5))
    world.start()
    runs = Runs(world.store, world.tables, world.clock)
    world.deliver_discover()

    under_way = str(progress_line(runs.run(RUN_ID)))
    world.clock.advance(14_401 + OVERDUE_AFTER.total_seconds())
    overdue = str(progress_line(runs.run(RUN_ID)))
    world.run_until_committed()
    published = runs.run(RUN_ID)

    progress = "1 of 1 targets listed, 0 of 3 parts collected, deadline 2026-11-01T10:01:00Z."
    assert under_way == f"Run {RUN_ID} is RUNNING: {progress}"
    assert overdue.startswith(f"Run {RUN_ID} is OVERDUE: {progress} It is past its deadline")
    assert str(run_line(published)) == str(progress_line(published))
    assert "1 of 1 targets read, 5 nodes listed" in str(run_line(published))
