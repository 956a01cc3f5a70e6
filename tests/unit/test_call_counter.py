"""Counting the calls to SSM."""

from concurrent.futures import ThreadPoolExecutor

from patchlake.core.call_counter import CallCounter, CallCounts


def test_counts_add_up_until_they_are_taken() -> None:
    call_counter = CallCounter()
    call_counter.add(calls=2, throttles=1)
    call_counter.add(calls=1, retries=3)

    assert call_counter.drain() == CallCounts(calls=3, throttles=1, retries=3)
    assert call_counter.drain() == CallCounts(calls=0, throttles=0, retries=0)


def test_no_count_is_lost_between_threads() -> None:
    call_counter = CallCounter()

    with ThreadPoolExecutor(8) as threads:
        for _ in range(1000):
            threads.submit(call_counter.add, calls=1, retries=2)

    assert call_counter.drain() == CallCounts(calls=1000, throttles=0, retries=2000)
