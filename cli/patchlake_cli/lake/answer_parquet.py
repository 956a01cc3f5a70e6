"""An answer as an Arrow table or a Parquet file, for another program."""

from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq

from patchlake_cli.lake.engine import Answer
from patchlake_cli.lake.errors import QueryError

type ArrowTable = pa.Table

_TYPES = {
    "varchar": pa.string(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}
"""The types of columns; any other one, such as a decimal, is that of the values."""


def as_arrow(answer: Answer) -> ArrowTable:
    """Return the columns of an answer, typed as in Athena; a timestamp is in UTC.

    Raises:
        QueryError: two columns have the same name, or a value has no type that Parquet knows.
    """
    if len(set(answer.columns)) < len(answer.columns):
        raise QueryError("two columns have the same name, which Parquet cannot hold: rename one with AS")
    columns = []
    for place, (name, kind) in enumerate(zip(answer.columns, answer.types, strict=True)):
        try:
            columns.append(pa.array([row[place] for row in answer.rows], _TYPES.get(kind)))
        except (pa.ArrowException, OverflowError) as error:
            raise QueryError(f"column {name} is a {kind}, which has no type in Parquet: CAST it: {error}") from error
    return pa.table(columns, names=list(answer.columns))


def as_parquet(answer: Answer) -> bytes:
    """Return a file with the columns of an answer.

    Raises:
        QueryError: as from ``as_arrow``.
    """
    sink = BytesIO()
    pq.write_table(as_arrow(answer), sink, compression="zstd")
    return sink.getvalue()
