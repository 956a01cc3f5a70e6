"""Tables as Parquet files: the shards, parts and published tables of a run.

The format was chosen by measuring (bytes per row, bytes per query): zstd level 1, a dictionary on repetitive columns
only, int32, ``timestamp[ms, UTC]``, data pages of version 1 with checksums, no second copy of the schema in the footer.
Nothing in a file depends on randomness or on the clock, so equal input gives equal bytes with one build.

In this package, only this module imports pyarrow.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from patchlake.core.tables import Columns, ColumnType, Table
from patchlake.errors import IntegrityError, PermanentError, RetryableError
from patchlake.ports import TableFile

ROW_GROUP_ROWS = 100_000
"""The rows of a row group in a file that is merged from others: the best measured balance of size and memory."""

PENDING_PIECES = 256
"""Pieces of a growing file that are held one by one: each takes about ten kilobytes more than its rows."""

ARROW_TYPES = {
    ColumnType.STRING: pa.string(),
    ColumnType.INT32: pa.int32(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.TIMESTAMP: pa.timestamp("ms", "UTC"),
}
"""The Arrow type of each column type."""


class ParquetTables:
    """``TableFormat`` with pyarrow.

    A None in a column that is not nullable, or a value that its type cannot hold, is an IntegrityError.
    """

    def __init__(self, row_group_rows: int = ROW_GROUP_ROWS) -> None:
        """Set ``row_group_rows`` for files made by ``writer``."""
        self._row_group_rows = row_group_rows

    def encode(self, table: Table, row_groups: Iterable[Columns], metadata: Mapping[str, str]) -> bytes:
        """Return a file of ``table`` with one row group for each of ``row_groups``, absent columns NULL."""
        sink = BytesIO()
        with _misfit(table), _parquet_writer(sink, table, metadata) as writer:
            for columns in row_groups:
                rows = _from_lists(table, columns)
                writer.write_table(rows, row_group_size=max(1, rows.num_rows))
        return sink.getvalue()

    def open(self, body: bytes) -> "ParquetTableFile":
        """Read the footer of a file.

        Raises:
            IntegrityError: it is not a Parquet file, or its footer is damaged.
        """
        return ParquetTableFile(body)

    def writer(self, table: Table, metadata: Mapping[str, str]) -> "ParquetTableWriter":
        """Begin a file of ``table``: its bytes depend only on the rows, not on the files that they come from."""
        return ParquetTableWriter(table, metadata, self._row_group_rows)


class ParquetTableFile:
    """``TableFile`` over the bytes of a Parquet file."""

    def __init__(self, body: bytes) -> None:
        """Read the footer; raises IntegrityError."""
        with _damage():
            # One row group is read at a time, from memory: neither threads nor reading ahead would save time.
            self._file = pq.ParquetFile(pa.BufferReader(body), pre_buffer=False, page_checksum_verification=True)
            footer = self._file.metadata
            self._row_counts = [footer.row_group(i).num_rows for i in range(footer.num_row_groups)]
            self._metadata = {key.decode(): value.decode() for key, value in (footer.metadata or {}).items()}
            self._types = {field.name: field.type for field in self._file.schema_arrow}
        self._decoded_group = 0
        self._decoded: dict[str, Any] = {}

    @property
    def metadata(self) -> Mapping[str, str]:
        """The footer's own entries."""
        return self._metadata

    @property
    def column_names(self) -> Sequence[str]:
        """The columns that the file has."""
        return list(self._types)

    @property
    def row_counts(self) -> Sequence[int]:
        """The number of rows of each row group."""
        return self._row_counts

    def columns(self, names: Iterable[str], row_group: int | None = None) -> Columns:
        """Read columns, of one row group or of all; a column that the file does not have is all NULL.

        Raises:
            IntegrityError: they cannot be read, or have a type that no table has.
        """
        names = list(names)
        row_groups = range(len(self._row_counts)) if row_group is None else [row_group]
        columns: Columns = {name: [] for name in names}
        for index in row_groups:
            rows = self.read(names, index)
            with _damage():
                for name in names:
                    columns[name] += _to_list(rows[name]) if name in rows else [None] * self._row_counts[index]
        return columns

    def differing(self, values: Mapping[str, str | int]) -> list[str]:
        """Return the columns in which a row has another value than the one given for the column, or none.

        They are compared as Arrow's values, of which Python has no copies.

        Raises:
            IntegrityError: they cannot be read, or have a type that no table has.
        """
        found: set[str] = set()
        for row_group, count in enumerate(self._row_counts):
            rows = self.read(values, row_group)
            found |= {
                name
                for name, value in values.items()
                if count and not (name in rows and _is_everywhere(value, rows[name]))
            }
        return [name for name in values if name in found]

    def read(self, names: Iterable[str], row_group: int) -> Mapping[str, Any]:
        """Return the columns that the file has, of one row group, as pyarrow's arrays; none is decoded twice in a row.

        Raises:
            IntegrityError: they cannot be read, or have a type that no table has.
        """
        present = [name for name in names if name in self._types]
        for name in present:
            if self._types[name] not in ARROW_TYPES.values():
                msg = f"column {name} of the file has the type {self._types[name]}, which no table has"
                raise IntegrityError(msg)
        if row_group != self._decoded_group:
            self._decoded_group, self._decoded = row_group, {}
        if missing := [name for name in present if name not in self._decoded]:
            with _damage():
                rows = self._file.read_row_group(row_group, columns=missing, use_threads=False)
            self._decoded |= zip(missing, (rows.column(name) for name in missing), strict=True)
        return {name: self._decoded[name] for name in present}


class ParquetTableWriter:
    """``TableWriter`` into a temporary file, with at most one row group and one file's own in memory."""

    def __init__(self, table: Table, metadata: Mapping[str, str], row_group_rows: int) -> None:
        """Begin a file.

        Raises:
            PermanentError: the temporary file cannot be written.
        """
        self._table = table
        self._row_group_rows = row_group_rows
        self._pending: list[Any] = []
        self._pending_rows = 0
        self._unfinished = ExitStack()
        with _misfit(table):
            self._sink: BinaryIO = self._unfinished.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            self._writer = self._unfinished.enter_context(_parquet_writer(self._sink, table, metadata))

    def __del__(self) -> None:
        """Close the temporary file of an abandoned merge; its last bytes are not needed."""
        with suppress(OSError):
            self._unfinished.close()

    def append(self, file: TableFile) -> None:
        """Add all rows of a Parquet file, columns by name; one that it does not have is NULL.

        Raises:
            IntegrityError: the file cannot be read, or its columns do not fit the table.
            PermanentError: the temporary file cannot be written.
        """
        if not isinstance(file, ParquetTableFile):
            msg = f"a {type(file).__name__} cannot go into a Parquet file"
            raise TypeError(msg)
        for row_group, count in enumerate(file.row_counts):
            if count == 0:
                continue
            self._pending.append(_fitted(self._table, file.read(self._table.column_names, row_group), count))
            self._pending_rows += count
            if len(self._pending) >= PENDING_PIECES:
                self._pending = [pa.concat_tables(self._pending).combine_chunks()]
            while self._pending_rows >= self._row_group_rows:
                self._write(self._row_group_rows)

    def finish(self) -> BinaryIO:
        """Return the finished file, to be read from its start; the caller closes it.

        Raises:
            PermanentError: the temporary file cannot be written.
        """
        if self._pending_rows:
            self._write(self._pending_rows)
        with _misfit(self._table):
            self._writer.close()
            # It writes what is still in memory.
            self._sink.seek(0)
        self._unfinished.pop_all()
        return self._sink

    def _write(self, count: int) -> None:
        with _misfit(self._table):
            pending = pa.concat_tables(self._pending)
            # In one piece, because the borders of pieces would appear in the pages of the file.
            self._writer.write_table(pending.slice(0, count).combine_chunks(), row_group_size=count)
            rest = pending.slice(count)
        self._pending = [rest] if rest.num_rows else []
        self._pending_rows = rest.num_rows


def _schema(table: Table) -> Any:  # noqa: ANN401
    return pa.schema([pa.field(column.name, ARROW_TYPES[column.type], nullable=column.nullable) for column in table])


def _parquet_writer(sink: BinaryIO, table: Table, metadata: Mapping[str, str]) -> Any:  # noqa: ANN401
    writer = pq.ParquetWriter(
        sink,
        _schema(table),
        compression="zstd",
        compression_level=1,
        use_dictionary=[column.name for column in table if column.repetitive],
        data_page_version="1.0",
        store_schema=False,
        write_page_checksum=True,
    )
    writer.add_key_value_metadata(dict(metadata))
    return writer


def _from_lists(table: Table, columns: Columns) -> Any:  # noqa: ANN401
    count = len(next(iter(columns.values()), []))
    arrays = [
        pa.array(columns[column.name], ARROW_TYPES[column.type])
        if column.name in columns
        else pa.nulls(count, ARROW_TYPES[column.type])
        for column in table
    ]
    return pa.Table.from_arrays(arrays, schema=_schema(table))


def _fitted(table: Table, present: Mapping[str, Any], count: int) -> Any:  # noqa: ANN401
    arrays = [
        present[column.name] if column.name in present else pa.nulls(count, ARROW_TYPES[column.type])
        for column in table
    ]
    for column, array in zip(table, arrays, strict=True):
        if array.type != ARROW_TYPES[column.type]:
            msg = f"column {column.name} of the file has the type {array.type}: {table.name} needs {column.type}"
            raise IntegrityError(msg)
    return pa.Table.from_arrays(arrays, schema=_schema(table))


def _is_everywhere(value: str | int, column: Any) -> bool:  # noqa: ANN401
    try:
        expected = pa.scalar(value, column.type)
    except pa.ArrowException:
        # The type of the column has no such value.
        return False
    return bool(column.equals(pa.chunked_array([pa.repeat(expected, len(column))])))


def _to_list(column: Any) -> list[Any]:  # noqa: ANN401
    chunks = column.chunks
    if column.type == ARROW_TYPES[ColumnType.TIMESTAMP]:
        # Whole milliseconds as they are stored; a datetime could not hold each of them, and costs more.
        chunks = [chunk.view(pa.int64()) for chunk in chunks]
    return [value for chunk in chunks for value in chunk.to_pylist()]


def _out_of_memory(error: Exception) -> RetryableError:
    return RetryableError(f"not enough memory for a table: {error}")


@contextmanager
def _damage() -> Iterator[None]:
    """Turn the errors of reading a damaged file into an IntegrityError.

    pyarrow raises OSError for some damage, and finds text that is not UTF-8 only when it decodes it.
    """
    try:
        yield
    except pa.ArrowMemoryError as error:
        raise _out_of_memory(error) from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        msg = f"the Parquet file is damaged: {error}"
        raise IntegrityError(msg) from error


@contextmanager
def _misfit(table: Table) -> Iterator[None]:
    """Turn the errors of rows that do not fit the table into an IntegrityError; a full disk is a different error."""
    try:
        yield
    except pa.ArrowMemoryError as error:
        raise _out_of_memory(error) from error
    except (pa.ArrowException, OverflowError, UnicodeEncodeError) as error:
        msg = f"the rows do not fit the table {table.name}: {error}"
        raise IntegrityError(msg) from error
    except OSError as error:
        msg = (
            f"the table {table.name} cannot be assembled in {_temporary_folder()}: "
            f"{error.strerror or error}. Expected: space for the table there, or in the folder that TMPDIR names"
        )
        raise PermanentError(msg) from error


def _temporary_folder() -> str:
    try:
        return f"the folder for temporary files, {tempfile.gettempdir()}"
    except FileNotFoundError:
        return "a folder for temporary files, since there is none"
