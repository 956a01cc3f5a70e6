"""Conditions on the columns of the tables: an answer does not depend on what the statistics of the files say."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from patchlake.adapters.parquet import ARROW_TYPES
from patchlake.core.tables import Column, ColumnType, Table
from patchlake.sources.registry import SOURCES
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.location import LakeLocation

NOW = datetime(2026, 11, 12, 12, tzinfo=UTC)
VALUES: dict[ColumnType, list[Any]] = {
    ColumnType.STRING: ["", "a", "é"],
    ColumnType.INT32: [-1, 0, 2_147_483_647],
    ColumnType.BOOLEAN: [False, True],
    ColumnType.TIMESTAMP: [NOW - timedelta(milliseconds=1), NOW, NOW + timedelta(days=1)],
}
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
COLUMNS = list(
    {(column.type, column.repetitive): (table, column) for table in SOURCES.tables for column in table}.values()
)
"""One of each kind: DuckDB and pyarrow know nothing else of a column."""


def in_sql(value: Any) -> str:  # noqa: ANN401
    match value:
        case datetime():
            return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S.%f}'"
        case str():
            return f"'{value}'"
        case _:
            return str(value)


def row_groups(values: list[Any]) -> list[list[Any]]:
    """Return the values of row groups: each one alone, with its next, and both with NULL, and NULL alone."""
    ranges = [*([value] for value in values), *(list(pair) for pair in pairwise(values))]
    return [group for each in ranges for group in (each, [*each, None])] + [[None]]


def write(folder: Path, table: Table) -> None:
    """Write a file whose row groups have every kind of statistics in every column; one file has no columns."""
    by_column = {column.name: row_groups(VALUES[column.type]) for column in table}
    schema = pa.schema([(column.name, ARROW_TYPES[column.type]) for column in table])
    file = folder / "lake" / table.name / "run_date=2026-11-11" / "20261111T060000Z.parquet"
    file.parent.mkdir(parents=True)
    with pq.ParquetWriter(file, schema) as writer:
        for number in range(max(map(len, by_column.values()))):
            groups = {name: groups[number % len(groups)] for name, groups in by_column.items()}
            rows = max(map(len, groups.values()))
            columns = {name: [group[row % len(group)] for row in range(rows)] for name, group in groups.items()}
            writer.write_table(pa.table(columns, schema))
    older = file.parent.parent / "run_date=2026-11-10" / "20261110T060000Z.parquet"
    older.parent.mkdir()
    pq.write_table(pa.table({"of_another_version": [1, 2]}), older)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("filters")
    for table in SOURCES.tables:
        write(folder, table)
    return open_lake(LakeLocation(str(folder)), now=NOW)


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda each: each.name)
def test_a_condition_keeps_the_rows_that_it_is_true_for(lake: Lake, table: Table, column: Column) -> None:
    name = column.name
    found = [value for (value,) in lake.query(f"SELECT {name} FROM {table.name}").rows]  # noqa: S608
    known = [value for value in found if value is not None]
    values = [value.replace(tzinfo=None) if isinstance(value, datetime) else value for value in VALUES[column.type]]
    expected = {f"{name} IS NULL": len(found) - len(known), f"{name} IS NOT NULL": len(known)}
    for value in values:
        shown = in_sql(value)
        expected |= {
            f"{name} {sign} {shown}": sum(holds(each, value) for each in known) for sign, holds in OPERATORS.items()
        }
        expected[f"{name} IS DISTINCT FROM {shown}"] = sum(each != value for each in found)
        expected[f"{name} IS NULL OR {name} = {shown}"] = sum(each in (None, value) for each in found)
    expected[f"{name} IN ({', '.join(map(in_sql, values[:2]))})"] = sum(each in values[:2] for each in found)

    sql = " UNION ALL ".join(
        f"SELECT {place}, count(*) FROM {table.name} WHERE {condition}"  # noqa: S608
        for place, condition in enumerate(expected)
    )
    answered = dict(lake.query(sql).rows)

    assert set(found) == {None, *values}
    assert [answered[place] for place in range(len(expected))] == list(expected.values())
