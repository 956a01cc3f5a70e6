"""Many calls at once, and no leftovers when one of them fails."""

from threading import Barrier, Event

import pytest

from patchlake.adapters.threaded_map import ThreadedMap

PATIENCE_SECONDS = 20


def test_results_come_in_the_order_of_the_items_of_calls_made_at_once() -> None:
    together = Barrier(4)

    def call(item: int) -> int:
        together.wait(PATIENCE_SECONDS)
        return item * 2

    assert list(ThreadedMap(4, "test")(call, range(8))) == [0, 2, 4, 6, 8, 10, 12, 14]


def test_after_a_failure_what_is_under_way_is_waited_for() -> None:
    second_begun, first_failed = Event(), Event()
    begun: list[int] = []
    ended: list[int] = []

    def call(item: int) -> int:
        begun.append(item)
        if item == 0:
            second_begun.wait(PATIENCE_SECONDS)
            first_failed.set()
            raise ValueError("broken")
        second_begun.set()
        first_failed.wait(PATIENCE_SECONDS)
        ended.append(item)
        return item

    with pytest.raises(ValueError, match="broken"):
        ThreadedMap(2, "test")(call, range(100))

    assert 1 in ended
    assert set(ended) == set(begun) - {0}
