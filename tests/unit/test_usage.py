"""Counting what was asked of SSM."""

from concurrent.futures import ThreadPoolExecutor

from patchlake.core.usage import Counts, Usage


def test_counts_add_up_until_they_are_taken() -> None:
    usage = Usage()
    usage.add(calls=2, throttles=1)
    usage.add(calls=1, retries=3)

    assert usage.take() == Counts(calls=3, throttles=1, retries=3)
    assert usage.take() == Counts(calls=0, throttles=0, retries=0)


def test_no_count_is_lost_between_threads() -> None:
    usage = Usage()

    with ThreadPoolExecutor(8) as threads:
        for _ in range(1000):
            threads.submit(usage.add, calls=1, retries=2)

    assert usage.take() == Counts(calls=1000, throttles=0, retries=2000)
