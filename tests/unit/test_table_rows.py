"""The rows of a table's files: what a question gets, and how far a scan reads ahead of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from patchlake_cli.lake.table_rows import READ_AHEAD, Scan, TableRows

SCHEMA = pa.schema([("node", pa.int32()), ("title", pa.string()), ("run_date", pa.string())])
DATES = ("2026-11-12", "2026-11-13", "2026-11-14")
ROWS = 100


@pytest.fixture
def table(tmp_path: Path) -> TableRows:
    """A table with a file for each date, in row groups of seven rows; the titles of the first are absent."""
    parquet, files = ds.ParquetFileFormat(), []
    for number, date in enumerate(DATES):
        nodes = range(number * ROWS, (number + 1) * ROWS)
        columns = {"node": pa.array(nodes, pa.int32())} | ({"title": [f"KB{node}" for node in nodes]} if number else {})
        path = str(tmp_path / f"{date}.parquet")
        pq.write_table(pa.table(columns), path, row_group_size=7)
        files.append(parquet.make_fragment(path, fs.LocalFileSystem(), ds.field("run_date") == date))
    return TableRows(files, SCHEMA, parquet, fs.LocalFileSystem())


@pytest.mark.parametrize("columns", [None, ["node"], ["title", "node"], ["run_date"], ["run_date", "title"]])
@pytest.mark.parametrize(
    "rows", [None, ds.field("node") > 120, ds.field("run_date") == DATES[1], ds.field("title") == "KB250"]
)
def test_a_scan_has_the_rows_of_pyarrow_in_their_order(
    table: TableRows, columns: Sequence[str] | None, rows: ds.Expression | None
) -> None:
    expected = ds.FileSystemDataset.scanner(table, columns=columns, filter=rows).to_table()

    assert expected.num_rows > 0
    assert table.scanner(columns, rows).to_reader().read_all().equals(expected)


def test_duckdb_asks_such_a_scan_for_the_columns_and_rows_that_it_needs(
    table: TableRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans: list[Scan] = []
    to_reader = Scan.to_reader

    def noted(scan: Scan) -> Any:  # noqa: ANN401
        scans.append(scan)
        return to_reader(scan)

    monkeypatch.setattr(Scan, "to_reader", noted)
    database = duckdb.connect()
    database.register("patches", table)

    answer = database.execute("SELECT count(*), min(title) FROM patches WHERE run_date = '2026-11-13'").fetchall()

    assert answer == [(ROWS, "KB100")]
    assert [scan.columns for scan in scans] == [["title"]]
    assert str(scans[0].filter).startswith('(run_date == "2026-11-13")')


def test_a_scan_opens_only_the_files_of_the_dates_asked_for(table: TableRows) -> None:
    Path(table.files[0]).write_bytes(b"damaged")

    rows = table.scanner(["node"], ds.field("run_date") == DATES[1]).to_reader().read_all()

    assert rows.num_rows == ROWS


@dataclass
class Reads:
    """A table of one file with a hundred row groups; it counts those that were read."""

    count: int = 0
    schema: pa.Schema = field(default_factory=lambda: SCHEMA)

    def get_fragments(self, _: object) -> list["Reads"]:
        return [self]

    def split_by_row_group(self, *_: object) -> list["Reads"]:
        return [self] * 100

    def to_table(self, *_: object, **__: object) -> Any:  # noqa: ANN401
        self.count += 1
        return pa.table({"node": [self.count]}, schema=pa.schema([SCHEMA.field("node")]))


def test_a_scan_reads_no_further_ahead_than_its_limit() -> None:
    reads = Reads()
    reader = Scan(reads, ["node"], None, ["node"]).to_reader()  # type: ignore[arg-type]

    for number in range(1, 5):
        reader.read_next_batch()
        assert reads.count <= number + READ_AHEAD - 1

    assert reader.read_all().num_rows == 96
    assert reads.count == 100


def test_a_file_that_cannot_be_read_ends_a_scan_with_its_name(table: TableRows) -> None:
    damaged = table.files[1]
    Path(damaged).write_bytes(b"PAR1, not")

    with pytest.raises((OSError, pa.ArrowException), match=DATES[1]):
        table.scanner(["node"]).to_reader().read_all()
