"""An answer as an Arrow table or a Parquet file, for another program."""

from io import BytesIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from duckdb.sqltypes import DuckDBPyType

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
"""The types of columns; any other one without a map, such as a decimal, is that of the values."""
_TYPES_IN_MAPS = _TYPES | {
    "null": pa.string(),
    "tinyint": pa.int32(),
    "smallint": pa.int32(),
    "ubigint": pa.int64(),
    "hugeint": pa.int64(),
    "float": pa.float32(),
    "time": pa.time64("us"),
    "blob": pa.binary(),
}
"""The types of keys and values, by DuckDB's names; those of no entries at all are texts."""


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
            of_type = _type_with_maps(duckdb.sqltype(kind)) if "map(" in kind else _TYPES.get(kind)
            columns.append(pa.array([row[place] for row in answer.rows], of_type))
        except (pa.ArrowException, OverflowError) as error:
            raise QueryError(f"column {name} is a {kind}, which has no type in Parquet: CAST it: {error}") from error
    return pa.table(columns, names=list(answer.columns))


def _type_with_maps(kind: DuckDBPyType) -> pa.DataType:
    """Return the type of a column with maps: by its values alone, it would be one of rows with the keys of them all."""
    name = kind.id
    if name in _TYPES_IN_MAPS:
        return _TYPES_IN_MAPS[name]
    match name, [part for _, part in kind.children]:
        case "map", [DuckDBPyType() as keys, DuckDBPyType() as values]:
            return pa.map_(_type_with_maps(keys), _type_with_maps(values))
        case "list", [DuckDBPyType() as elements]:
            return pa.list_(_type_with_maps(elements))
        case "decimal", [precision, scale]:
            return pa.decimal128(precision, scale)
        case _:
            raise pa.ArrowNotImplementedError("it has rows in a map")


def as_parquet(answer: Answer) -> bytes:
    """Return a file with the columns of an answer.

    Raises:
        QueryError: as from ``as_arrow``.
    """
    sink = BytesIO()
    pq.write_table(as_arrow(answer), sink, compression="zstd")
    return sink.getvalue()
