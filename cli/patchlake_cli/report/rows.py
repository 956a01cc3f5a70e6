"""Reads rows of a lake as values: the columns are the fields of the type."""

from dataclasses import fields

from patchlake_cli.lake.engine import Lake
from patchlake_cli.report.shortlist import Shortlist


def read_rows[Row](lake: Lake, row_type: type[Row], source: str) -> list[Row]:
    """Return the rows of a view.

    Args:
        lake: the lake.
        row_type: a dataclass.
        source: what follows FROM.
    """
    return [row_type(*row) for row in lake.select(f"SELECT {columns_of(row_type)} FROM {source}").rows]  # noqa: S608


def read_shortlist[Row](lake: Lake, row_type: type[Row], source: str, order: str, length: int) -> Shortlist[Row]:
    """Return the first rows of a view and the number of all rows, with one reading of the lake."""
    sql = f"SELECT {columns_of(row_type)}, count(*) OVER () FROM {source} ORDER BY {order} LIMIT {length}"  # noqa: S608
    rows = lake.select(sql).rows
    return Shortlist(rows=[row_type(*row[:-1]) for row in rows], total=rows[0][-1] if rows else 0)


def columns_of(row_type: type) -> str:
    """Return the names of the fields of a dataclass, as the columns of a SELECT."""
    return ", ".join(field.name for field in fields(row_type))
