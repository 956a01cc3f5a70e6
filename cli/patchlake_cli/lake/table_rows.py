"""The rows of a table's files, read only a little ahead of the question that asks for them.

DuckDB asks a dataset of pyarrow for a scanner of the columns and rows that it needs, and the scanner for a reader. A
reader of pyarrow itself reads up to 1 GiB ahead of a slow question, which has one for each time that it reads a table.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

READ_AHEAD = 8
"""The row groups, or footers of files, that a scan reads at once, or holds until they are asked for."""


class TableRows(ds.FileSystemDataset):  # type: ignore[misc]
    """The rows of a table, in the order of its files, as something that DuckDB can register."""

    def scanner(self, columns: Sequence[str] | None = None, filter: Any = None) -> "Scan":  # noqa: A002, ANN401
        """Return a scan of these columns, or all, of the rows that a filter of pyarrow leaves, or all."""
        names = self.schema.names
        asked = names if columns is None else columns
        # A name within another one is read without need.
        condition = "" if filter is None else str(filter)
        filtered = [name for name in names if name not in asked and name in condition]
        return Scan(self, asked, filter, [*asked, *filtered])


@dataclass(frozen=True, slots=True)
class Scan:
    """A scanner, as far as DuckDB needs one of pyarrow.

    Attributes:
        columns: the columns that the reader returns.
        filter: the condition that a row meets, or None.
        read: those columns, and those of the condition.
    """

    table: TableRows
    columns: Sequence[str]
    filter: Any
    read: Sequence[str]

    def to_reader(self) -> Any:  # noqa: ANN401
        """Return a reader of the rows; it raises an OSError or an ArrowException for a file that cannot be read."""
        schema = pa.schema([self.table.schema.field(name) for name in self.columns])
        return pa.RecordBatchReader.from_batches(schema, self._batches())

    def _batches(self) -> Iterator[Any]:
        pool = ThreadPoolExecutor(READ_AHEAD, thread_name_prefix="lake")
        try:
            groups = chain.from_iterable(_ahead(pool, self._row_groups, self.table.get_fragments(self.filter)))
            for rows in _ahead(pool, self._read, groups):
                yield from rows.to_batches()
        finally:
            pool.shutdown(cancel_futures=True)

    def _row_groups(self, file: Any) -> Any:  # noqa: ANN401
        """Return the row groups that may have such rows, by their statistics."""
        schema = self.table.schema
        try:
            return file.split_by_row_group(self.filter, schema)
        except pa.ArrowNotImplementedError:
            # The times of a file have a zone and those of a table have none: Arrow cannot compare all statistics.
            return file.split_by_row_group(schema=schema)

    def _read(self, row_group: Any) -> Any:  # noqa: ANN401
        rows = row_group.to_table(self.table.schema, columns=self.read, use_threads=False)
        return rows if self.filter is None else rows.filter(self.filter).select(self.columns)


def _ahead[A, B](pool: ThreadPoolExecutor, function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """Apply a function to each item, on the pool's threads; yield the results in the order of the items."""
    started: deque[Future[B]] = deque()
    for item in items:
        started.append(pool.submit(function, item))
        if len(started) == READ_AHEAD:
            yield started.popleft().result()
    while started:
        yield started.popleft().result()
