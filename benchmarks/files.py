"""The files: bytes a row, and bytes that each shipped query reads, compared with other formats of the same rows.

The rows are the day of the SQL tests: 100,000 random nodes in 40 accounts and 4 regions. A query reads only the columns
that it needs of Parquet, but all of CSV and JSON.
"""

import csv
import gzip
import io
import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.environments import command, make_environment
from benchmarks.measured import machine
from benchmarks.tables import report, table
from generators.documents.scans import scans
from generators.large_day import NODES, RUN_ID, write_large_day
from patchlake.core.keys import snapshot_key
from patchlake.core.tables import INSTANCE_ID
from patchlake.sources.patch_states import PATCH_STATE_COLUMNS
from patchlake_cli.lake.statements import queries

PATCHLAKE, OBJECTS = "patchlake", "a gzipped JSON object per node"
NARROW = ("account_id", "region", INSTANCE_ID.name, *(column.name for column in PATCH_STATE_COLUMNS))


class Form(NamedTuple):
    """One format of the rows: bytes by column, or in total, with narrow rows and with wide ones."""

    columns: dict[str, int]
    narrow: int
    wide: int

    def read(self, columns: Iterable[str]) -> int:
        """Return the bytes that a query reads if it needs these columns."""
        return sum(self.columns.get(name, 0) for name in columns) if self.columns else self.wide


def parquet(path: Path) -> Form:
    """Measure a Parquet file of wide rows."""
    columns: Counter[str] = Counter()
    footer = pq.read_metadata(path)
    for group in map(footer.row_group, range(footer.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            columns[column.path_in_schema] += column.total_compressed_size
    return Form(columns, sum(columns[name] for name in NARROW), path.stat().st_size)


def forms() -> dict[str, Form]:
    """Write the day in every format, and measure it."""
    make_environment("pandas")
    with tempfile.TemporaryDirectory(prefix="patchlake-files-") as name:
        folder = Path(name)
        write_large_day(folder)
        snapshot, plain, frame = folder / snapshot_key(RUN_ID), folder / "plain.parquet", folder / "frame.parquet"
        rows = pq.read_table(snapshot)
        rows = rows.select([one for one in rows.schema.names if rows[one].null_count < len(rows)])
        pq.write_table(rows, plain)
        subprocess.run(command("pandas", "pandas_file", frame, plain), check=True)
        return {
            PATCHLAKE: parquet(snapshot),
            "Parquet, pyarrow's defaults": parquet(plain),
            "Parquet, pandas' defaults": parquet(frame),
            "one CSV, gzipped": whole(_csv, rows),
            OBJECTS: whole(_json_each, rows),
        }


def reads() -> dict[str, list[str]]:
    """Return the columns of patch_states that each shipped query reads, repeated if it reads them more than once."""
    return {
        query.name: [name for scan in scans(query) if scan.table == "patch_states" for name in scan.columns]
        for query in sorted(queries(), key=lambda query: query.name)
    }


def measure() -> tuple[str, str]:
    """Return the tables of the formats, and of the queries."""
    found = forms()
    sizes = [[text, *(f"{size / NODES:.1f}" for size in (form.narrow, form.wide))] for text, form in found.items()]
    questions = [
        [f"`{name}`", *(f"{form.read(columns) / NODES:.1f}" for form in found.values())]
        for name, columns in reads().items()
    ]
    shape = table([f"bytes per row, {NODES:,} nodes", "patch state columns and key", "all columns"], sizes)
    return f"{shape}\n\n{machine('pyarrow')}.", table(["bytes per node, over one run", *found], questions)


def whole(size: Any, rows: Any) -> Form:  # noqa: ANN401  # pyarrow has no types
    """Measure a format that is always read whole."""
    narrow = rows.select([name for name in rows.schema.names if name in NARROW])
    return Form({}, size(narrow), size(rows))


def _csv(rows: Any) -> int:  # noqa: ANN401
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(rows.schema.names)
    writer.writerows(zip(*(column.to_pylist() for column in _plain(rows).columns), strict=True))
    return len(gzip.compress(sink.getvalue().encode()))


def _json_each(rows: Any) -> int:  # noqa: ANN401
    return sum(len(gzip.compress(json.dumps(row).encode())) for row in _plain(rows).to_pylist())


def _plain(rows: Any) -> Any:  # noqa: ANN401
    """Write times as text, as JSON and CSV have them."""
    fields = [
        pa.field(field.name, pa.string()) if pa.types.is_timestamp(field.type) else field for field in rows.schema
    ]
    return rows.cast(pa.schema(fields))


def main(*, full: bool) -> None:
    """Report both tables; it is quick, so both sizes are the same."""
    shapes, questions = measure()
    report("performance.md", "files", shapes, full=full)
    report("performance.md", "queries", questions, full=full)
