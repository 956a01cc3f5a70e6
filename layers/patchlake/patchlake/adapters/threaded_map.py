"""Many calls at once, on threads of one process."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait


class ThreadedMap:
    """``ParallelMap`` on threads: after a failure no further item is started, and the call waits for those in progress.

    Lambda freezes threads that a handler leaves, and would continue them in the middle of a later invocation.
    """

    def __init__(self, count: int, name: str) -> None:
        """Use at most ``count`` threads, started on first use."""
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    def __call__[A, B](self, function: Callable[[A], B], items: Iterable[A], /) -> list[B]:
        """Apply ``function`` to every item; results in the order of the items. The first exception is raised."""
        futures = [self._pool.submit(function, item) for item in items]
        wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            future.cancel()
        wait(futures)
        for future in futures:
            if not future.cancelled():
                future.result()
        return [future.result() for future in futures]
