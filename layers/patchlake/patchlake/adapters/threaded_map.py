"""Many calls at once, on threads of one process."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait


class ThreadedMap:
    """``ParallelMap`` by threads: after a failure no further item is begun, and those under way are waited for.

    Lambda freezes whatever a handler leaves behind, and would let it go on in the middle of a later invocation.
    """

    def __init__(self, count: int, name: str) -> None:
        """Start at most ``count`` threads, when they are first needed."""
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    def __call__[A, B](self, function: Callable[[A], B], items: Iterable[A], /) -> list[B]:
        """Apply ``function`` to every item; results in the order of the items. What it raises first is raised."""
        futures = [self._pool.submit(function, item) for item in items]
        wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            future.cancel()
        wait(futures)
        for future in futures:
            if not future.cancelled():
                future.result()
        return [future.result() for future in futures]
