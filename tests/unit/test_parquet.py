"""The format of a Parquet file: its metadata, and its content by an independent reader."""

import gc
import random
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.adapters.parquet import ROW_GROUP_ROWS, ParquetTables
from patchlake.core.tables import Column, Columns, ColumnType, Table
from patchlake.errors import IntegrityError, PermanentError, RetryableError
from patchlake.sources.nodes import SHARD
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.registry import COVERAGE

TABLES = ParquetTables()
SMALL = Table(
    "small",
    "",
    (
        Column("id", ColumnType.STRING, "", nullable=False),
        Column("text", ColumnType.STRING, ""),
        Column("count", ColumnType.INT32, ""),
        Column("at", ColumnType.TIMESTAMP, ""),
    ),
)
EVERY_TABLE = pytest.mark.parametrize("table", [PATCH_STATES.table, COVERAGE, SHARD], ids=lambda table: str(table.name))


def sample(table: Table, count: int) -> Columns:
    """Return plausible columns: every seventh value NULL where it may be."""
    return {
        column.name: [None if column.nullable and i % 7 == 0 else _value(column, i) for i in range(count)]
        for column in table
    }


def _value(column: Column, i: int) -> Any:  # noqa: ANN401
    match column.type:
        case ColumnType.STRING:
            return f"{column.name}-{i % 5 if column.repetitive else i}"
        case ColumnType.INT32:
            return i % 40
        case ColumnType.BOOLEAN:
            return i % 2 == 0
        case ColumnType.TIMESTAMP:
            return 1_795_000_000_123 + i * 997


@EVERY_TABLE
def test_every_column_has_the_form_that_measured_best(table: Table) -> None:
    footer = pq.ParquetFile(pa.BufferReader(TABLES.encode(table, [sample(table, 50)], {}))).metadata

    for index, column in enumerate(table):
        chunk = footer.row_group(0).column(index)
        assert chunk.path_in_schema == column.name
        assert chunk.compression == "ZSTD"
        assert chunk.has_dictionary_page is column.repetitive, column.name
        assert ("PLAIN" in chunk.encodings, "RLE_DICTIONARY" in chunk.encodings) == (True, column.repetitive)
        assert chunk.statistics.has_min_max
        assert footer.schema.column(index).max_definition_level == column.nullable


@EVERY_TABLE
def test_types_are_the_declared_ones_without_a_second_schema_in_the_footer(table: Table) -> None:
    file = pq.ParquetFile(pa.BufferReader(TABLES.encode(table, [sample(table, 3)], {})))

    assert not file.metadata.metadata
    assert [str(field.type).replace("tz=", "") for field in file.schema_arrow] == [str(c.type) for c in table]
    assert {file.schema.column(i).physical_type for i in range(len(table.columns))} <= {
        "BYTE_ARRAY",
        "INT32",
        "INT64",
        "BOOLEAN",
    }


def test_times_are_milliseconds_adjusted_to_utc() -> None:
    schema = pq.ParquetFile(pa.BufferReader(TABLES.encode(SHARD, [], {}))).schema

    logical = schema.column(SHARD.column_names.index("registration_date")).logical_type.to_json()

    assert '"isAdjustedToUTC":true,"timeUnit":"milliseconds"' in logical


@EVERY_TABLE
def test_another_reader_finds_the_same_values_and_types(table: Table, tmp_path: Path) -> None:
    columns = sample(table, 30)
    path = tmp_path / "file.parquet"
    path.write_bytes(TABLES.encode(table, [columns], {}))
    sql_types = {
        ColumnType.STRING: "VARCHAR",
        ColumnType.INT32: "INTEGER",
        ColumnType.BOOLEAN: "BOOLEAN",
        ColumnType.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
    }

    with duckdb.connect() as connection:
        file = connection.read_parquet(str(path))
        rows = file.project(
            ", ".join(f"epoch_ms({c.name})" if c.type is ColumnType.TIMESTAMP else c.name for c in table)
        ).fetchall()
        types = [str(sql_type) for sql_type in file.types]
        names = file.columns

    assert list(zip(names, types, strict=True)) == [(c.name, sql_types[c.type]) for c in table]
    assert rows == list(zip(*columns.values(), strict=True))


def test_data_pages_are_of_version_1() -> None:
    # pyarrow's metadata does not show it, and the other reader does not read page headers either: a page of version 2
    # keeps its levels outside the compressed part, so its header alone has their length. Its type is the second field
    # of the header: 0x15 (an int32), then 0 for a data page of version 1, 6 (zigzag of 3) for one of version 2.
    body = TABLES.encode(Table("t", "", (Column("id", ColumnType.STRING, ""),)), [{"id": ["a", None]}], {})
    offset = pq.ParquetFile(pa.BufferReader(body)).metadata.row_group(0).column(0).data_page_offset

    assert body[offset : offset + 2] == b"\x15\x00"


def test_row_groups_of_a_snapshot_have_100_000_rows() -> None:
    table = Table("t", "", (Column("id", ColumnType.STRING, "", nullable=False),))
    ids = [f"i-{i:017x}" for i in range(45_000)]
    file = TABLES.open(TABLES.encode(table, [{"id": ids}], {}))
    writer = TABLES.writer(table, {})
    for _ in range(5):
        writer.append(file)

    with writer.finish() as body:
        joined = TABLES.open(body.read())

    assert ROW_GROUP_ROWS == 100_000
    assert list(joined.row_counts) == [100_000, 100_000, 25_000]
    assert joined.columns(["id"]) == {"id": ids * 5}


def test_a_column_left_out_of_what_is_written_is_null() -> None:
    body = TABLES.encode(SMALL, [{"count": [1, 2], "id": ["a", "b"]}], {})

    assert TABLES.open(body).columns(["id", "text", "at"]) == {"id": ["a", "b"], "text": [None] * 2, "at": [None] * 2}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("id", [None]),
        ("id", [7]),
        ("count", ["7"]),
        ("count", [2**31]),
        ("at", [2**63]),
        ("text", ["\ud800"]),
        ("text", ["one", "too many"]),
    ],
)
def test_what_the_table_cannot_hold_is_refused(name: str, values: list[Any]) -> None:
    columns: Columns = {"id": ["a"], "text": [None], "count": [None], "at": [None]}

    with pytest.raises(IntegrityError, match="small"):
        TABLES.encode(SMALL, [columns | {name: values}], {})


@given(ends=st.lists(st.integers(0, 37), max_size=4).map(sorted))
def test_row_groups_of_a_joined_file_are_full_whatever_the_files_held(ends: list[int]) -> None:
    tables = ParquetTables(row_group_rows=10)
    ids = [f"n{i}" for i in range(37)]
    groups: list[Columns] = [{"id": ids[start:end]} for start, end in pairwise([0, *ends, 37])]
    writer = tables.writer(SMALL, {})
    writer.append(tables.open(tables.encode(SMALL, groups[:2], {})))
    writer.append(tables.open(tables.encode(SMALL, groups[2:], {})))

    with writer.finish() as body:
        file = tables.open(body.read())

    assert list(file.row_counts) == [10, 10, 10, 7]
    assert file.columns(["id"]) == {"id": ids}


@pytest.mark.parametrize("name", ["id", "count"])
def test_a_file_whose_columns_do_not_fit_is_not_joined(name: str) -> None:
    other = Table("other", "", (Column("id", ColumnType.INT32, ""), Column("count", ColumnType.STRING, "")))
    file = TABLES.open(TABLES.encode(other, [{name: [None]}], {}))

    with pytest.raises(IntegrityError, match="small"):
        TABLES.writer(SMALL, {}).append(file)


def test_whatever_bit_is_wrong_only_integrity_errors_come_out() -> None:
    chance = random.Random(7)  # noqa: S311
    body = TABLES.encode(SHARD, [sample(SHARD, 40)], {"key": "value"})
    refused = 0

    for _ in range(400):
        damaged = bytearray(body)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        try:
            file = TABLES.open(bytes(damaged))
            file.columns(SHARD.column_names)
            writer = TABLES.writer(SHARD, {})
            writer.append(file)
            writer.finish().close()
        except IntegrityError:
            refused += 1

    assert refused > 100


def test_a_column_of_a_type_that_no_table_has_is_refused() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"missing_count": pa.array([1.5])}), sink)
    file = TABLES.open(sink.getvalue().to_pybytes())

    with pytest.raises(IntegrityError, match=r"missing_count .* double"):
        file.columns(["missing_count"])


@pytest.mark.parametrize("buffering", [0, 1 << 20], ids=["at once", "at the end"])
def test_a_full_disk_needs_a_person_and_its_folder_is_named(monkeypatch: pytest.MonkeyPatch, buffering: int) -> None:
    with suppress(OSError), Path("/dev/full").open("wb", buffering=buffering) as full:
        monkeypatch.setattr("tempfile.TemporaryFile", lambda: full)

        with pytest.raises(PermanentError, match=rf"the table shard cannot .* {gettempdir()}: .*No space left"):
            TABLES.writer(SHARD, {}).finish()


def test_a_machine_without_a_folder_for_temporary_files_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr("tempfile.gettempdir", refuse)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)

    with pytest.raises(PermanentError, match="No usable temporary directory"):
        TABLES.writer(SHARD, {})


def test_a_lack_of_memory_is_a_passing_failure_and_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    body = TABLES.encode(SHARD, [sample(SHARD, 3)], {})
    monkeypatch.setattr("pyarrow.parquet.ParquetFile", refuse)
    monkeypatch.setattr("pyarrow.array", refuse)

    with pytest.raises(RetryableError, match="not enough memory for a table"):
        TABLES.open(body)
    with pytest.raises(RetryableError, match="not enough memory for a table"):
        TABLES.encode(SHARD, [sample(SHARD, 3)], {})


def test_a_merge_that_is_given_up_leaves_no_open_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+b") as sink:
        monkeypatch.setattr("tempfile.TemporaryFile", lambda: sink)
        writer = TABLES.writer(SHARD, {})
        writer.append(TABLES.open(TABLES.encode(SHARD, [sample(SHARD, 3)], {})))

        del writer

        assert sink.closed


def test_a_merge_that_is_given_up_on_a_full_disk_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", printed.append)
    sink = Path("/dev/full").open("wb")  # noqa: SIM115  # its writer closes it
    monkeypatch.setattr("tempfile.TemporaryFile", lambda: sink)
    writer = TABLES.writer(SHARD, {})

    with suppress(PermanentError):
        writer.finish()
    del writer
    # The error refers to the writer, and itself.
    gc.collect()

    assert sink.closed
    assert printed == []


def test_a_bit_that_flips_in_the_data_is_never_read_as_another_value() -> None:
    columns = sample(PATCH_STATES.table, 300)
    body = TABLES.encode(PATCH_STATES.table, [columns], {})
    footer_begins = len(body) - 8 - int.from_bytes(body[-8:-4], "little")

    for position in range(len(b"PAR1"), footer_begins, 41):
        damaged = bytearray(body)
        damaged[position] ^= 1 << position % 8
        try:
            read = TABLES.open(bytes(damaged)).columns(PATCH_STATES.table.column_names)
        except IntegrityError:
            continue
        assert read == columns, position
