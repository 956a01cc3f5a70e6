"""A connection to DuckDB that Ctrl-C interrupts.

DuckDB lets the thread that asks work too, and Python sees a signal only when the main thread is back in Python: a long
statement would end before Ctrl-C counts. So another thread asks.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import duckdb


class InterruptibleDatabase:
    """The connection; it has the methods of DuckDB's own that a lake needs."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.register = connection.register
        self.executemany = connection.executemany

    def execute(self, sql: str, values: Sequence[object] = ()) -> duckdb.DuckDBPyConnection:
        """Execute a statement to its end.

        Raises:
            duckdb.Error: it fails.
            KeyboardInterrupt: Ctrl-C interrupted it.
        """
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(self._connection.execute, sql, list(values))
            try:
                return asked.result()
            except KeyboardInterrupt:
                self._connection.interrupt()
                raise
