"""The files: bytes a row, and bytes that each shipped query reads, beside other ways to keep the same rows.

The day is that of the tests of the SQL: 100,000 nodes drawn at random in 40 accounts and 4 regions.
"""

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measured import machine
from benchmarks.tables import table, write
from patchlake.core.keys import snapshot_key
from patchlake.core.tables import PATCH_STATE_COLUMNS
from patchlake_cli.analytics.files import find_lake
from patchlake_cli.analytics.scans import scans
from patchlake_cli.analytics.statements import queries
from tests.analytics.large_day import NODES, RUN_ID, write_large_day

if TYPE_CHECKING:
    from collections.abc import Callable

_OBJECTS = "one gzipped JSON object a node, as Resource Data Sync keeps them"


def measure() -> tuple[str, str]:
    """Return the tables of the forms, and of the queries."""
    with tempfile.TemporaryDirectory(prefix="patchlake-files-") as name:
        folder = Path(name)
        write_large_day(folder)
        snapshot = folder / snapshot_key(RUN_ID)
        rows = pq.read_table(snapshot)
        narrow = ["account_id", "region", *(column.name for column in PATCH_STATE_COLUMNS)]
        columns = find_lake(str(folder)).column_bytes("patch_states")
        ours = {
            "narrow": float(sum(columns.get(one, 0) for one in dict.fromkeys(["instance_id", *narrow]))),
            "wide": float(snapshot.stat().st_size),
        }
        wide = rows.select([one for one in rows.schema.names if rows[one].null_count < len(rows)])
        tables = {
            "narrow": wide.select([one for one in wide.schema.names if one in {"instance_id", *narrow}]),
            "wide": wide,
        }
        forms: dict[str, Callable[[Any], int]] = {
            "Parquet with pyarrow's defaults": _parquet_defaults,
            "one CSV, gzipped": _csv,
            _OBJECTS: _json_each,
        }
        sizes = {"patchlake": ours} | {
            text: {width: float(size(content)) for width, content in tables.items()} for text, size in forms.items()
        }
        read = []
        for query in queries():
            scanned = [scan.columns for scan in scans(query) if scan.table == "patch_states"]
            spent = sum(columns.get(column, 0) for found in scanned for column in found)
            shares = (spent / sum(columns.values()), spent / sizes[_OBJECTS]["wide"])
            read.append([f"`{query.name}`", f"{spent / NODES:.1f}", *(f"{100 * share:.1f} %" for share in shares)])
    shape = table(
        ["bytes a row, 100,000 nodes", "patch state columns and key", "all columns"],
        [[text, *(f"{size[width] / NODES:.1f}" for width in ("narrow", "wide"))] for text, size in sizes.items()],
    )
    question = table(
        ["query, over one run", "bytes a node", "of the file", "of the JSON objects, which are read whole"],
        sorted(read),
    )
    return f"{shape}\n\n{machine('pyarrow')}.", question


def _parquet_defaults(rows: Any) -> int:  # noqa: ANN401  # pyarrow has no types
    sink = io.BytesIO()
    pq.write_table(rows, sink)
    return sink.tell()


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


def main(*, full: bool) -> None:  # noqa: ARG001  # it is quick
    """Write both tables into the docs."""
    forms, questions = measure()
    write("performance.md", "files", forms)
    write("performance.md", "queries", questions)
