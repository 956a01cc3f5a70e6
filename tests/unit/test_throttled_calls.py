"""The time that a worker spends on a throttling target."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Barrier

import pytest

from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.core.statuses import ListingStatus
from patchlake.core.timings import RESERVE_SECONDS
from patchlake.errors import OutOfTimeError, RefusedError, RetryableError, ThrottledError
from patchlake.ports import Delivery
from patchlake.stages.throttled_calls import ThrottledCalls


@dataclass
class Worker:
    """A worker whose invocation has some seconds, and its actions."""

    seconds: float = 1000
    pauses: list[float] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def throttled_calls(self) -> ThrottledCalls:
        delivery = Delivery("body", "receipt", 1, seconds_left=lambda: self.seconds)
        return ThrottledCalls("target 1", delivery, self.pause, lambda: 0.5)

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.asked.append(-1)
        self.seconds -= seconds

    def throttling(self, *throttled: int) -> Callable[[int], int]:
        """Return a call that answers with its item, but throttles those calls, by their numbers."""
        calls = iter(range(10_000))

        def ask(item: int) -> int:
            self.asked.append(item)
            if next(calls) in throttled:
                raise ThrottledError("slow down")
            return item

        return ask


def test_a_throttled_call_is_made_again_after_a_pause_that_grows() -> None:
    worker = Worker()
    ask = worker.throttling(0, 1, 2, 4)
    calls = worker.throttled_calls()

    assert [calls.call(lambda item=item: ask(item)) for item in (7, 8)] == [7, 8]  # type: ignore[misc]
    assert worker.pauses == [1, 2, 4, 1]
    assert calls.pauses == 4


def test_a_throttled_worker_asks_again_only_once_it_need_not_yield() -> None:
    worker = Worker()
    yields = [True, True, True, False]
    calls = replace(worker.throttled_calls(), must_yield=lambda: yields.pop(0))

    assert list(calls.call_each(worker.throttling(0), [7, 8], map)) == [7, 8]
    assert worker.pauses == [1, 2, 4, 8]
    assert worker.asked == [7, -1, -1, -1, -1, 7, 8]
    assert yields == []


def test_a_worker_that_is_not_throttled_never_yields() -> None:
    worker = Worker()
    calls = replace(worker.throttled_calls(), must_yield=lambda: pytest.fail("it yields"))

    assert list(calls.call_each(worker.throttling(), [7, 8], map)) == [7, 8]


def test_a_worker_that_is_throttled_and_refused_at_once_pauses_before_its_next_call() -> None:
    worker = Worker()
    yields = [True, False]
    calls = replace(worker.throttled_calls(), must_yield=lambda: yields.pop(0))

    both = Barrier(2)

    def ask(item: int) -> int:
        both.wait()
        if item == 7:
            raise ThrottledError("slow down")
        raise RefusedError(ListingStatus.ACCESS_DENIED, "AccessDenied", "no")

    with pytest.raises(RefusedError, match="no"):
        list(calls.call_each(ask, [7, 8], ThreadedMap(2, "test")))
    assert worker.pauses == []

    assert calls.call(lambda: "answer") == "answer"
    assert worker.pauses == [1, 2]
    assert yields == []


def test_nothing_is_begun_that_could_not_be_finished() -> None:
    worker = Worker(RESERVE_SECONDS - 1)

    with pytest.raises(
        OutOfTimeError, match=f"target 1: {RESERVE_SECONDS - 1} seconds are left of the invocation, after 0 pauses"
    ):
        worker.throttled_calls().call(lambda: worker.throttling()(1))
    with pytest.raises(OutOfTimeError):
        list(worker.throttled_calls().call_each(worker.throttling(), [1], map))

    assert worker.asked == []


def test_a_pause_that_would_use_up_the_time_is_not_made() -> None:
    worker = Worker(RESERVE_SECONDS + 4)

    with pytest.raises(OutOfTimeError) as caught:
        worker.throttled_calls().call(lambda: worker.throttling(0, 1, 2)(1) if worker.seconds > 99 else _throttle())

    assert worker.pauses == [1, 2]
    assert str(caught.value) == f"slow down ({RESERVE_SECONDS + 1} seconds are left of the invocation, after 2 pauses)"


def _throttle() -> int:
    raise ThrottledError("slow down")


def test_every_item_is_answered_once_whoever_is_throttled() -> None:
    worker = Worker()

    answers = list(worker.throttled_calls().call_each(worker.throttling(3, 4, 7), range(10), map))

    assert sorted(answers) == list(range(10))


def test_once_throttled_a_worker_asks_for_as_much_as_was_answered_and_then_for_more() -> None:
    worker = Worker()

    list(worker.throttled_calls().call_each(worker.throttling(2), range(10), map))

    # -1 is a pause: the third call was throttled, so the worker paused; two at once were answered, then four are tried.
    assert worker.asked == [0, 1, 2, -1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert worker.pauses == [1]


def test_a_worker_that_gets_no_answer_at_all_asks_for_one_item_at_growing_pauses() -> None:
    worker = Worker()

    list(worker.throttled_calls().call_each(worker.throttling(0, 1, 2), range(3), map))

    assert worker.asked == [0, -1, 0, -1, 0, -1, 0, 1, 2]
    assert worker.pauses == [1, 2, 4]


def test_any_other_failure_ends_it_at_once() -> None:
    def fail(_: int) -> int:
        raise RetryableError("broken")

    worker = Worker()

    with pytest.raises(RetryableError, match="broken"):
        list(worker.throttled_calls().call_each(fail, [1, 2], map))
    assert worker.pauses == []


def test_without_items_nothing_is_asked() -> None:
    assert list(Worker().throttled_calls().call_each(_throttle_item, [], map)) == []


def _throttle_item(_: int) -> int:
    raise ThrottledError("slow down")
