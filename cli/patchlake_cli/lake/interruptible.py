"""A connection to DuckDB that Ctrl-C interrupts.

DuckDB lets the thread that asks work too, and Python sees a signal only when the main thread is back in Python: a long
statement would end before Ctrl-C counts. So another thread asks. It may wait long for a file in a bucket, also after
Ctrl-C.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import duckdb


class InterruptibleDatabase:
    """The connection; it has the methods of DuckDB's own that a lake needs."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._interrupted: list[Future[duckdb.DuckDBPyConnection]] = []
        self.register = connection.register
        self.executemany = connection.executemany

    def execute(self, sql: str, values: Sequence[object] = ()) -> duckdb.DuckDBPyConnection:
        """Execute a statement to its end, once those that were interrupted have ended.

        Raises:
            duckdb.Error: it fails.
            KeyboardInterrupt: Ctrl-C interrupted it; it ends as soon as it has what it waits for.
        """
        wait(self._interrupted)
        threads = ThreadPoolExecutor(1)
        asked = threads.submit(self._connection.execute, sql, list(values))
        try:
            return asked.result()
        except KeyboardInterrupt:
            self._connection.interrupt()
            self._interrupted = [asked]
            raise
        finally:
            threads.shutdown(wait=False)
