"""The contract of every TableFormat, in any format of the bytes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.adapters.memory import MemoryTables
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.tables import Column, Columns, ColumnType, Table
from patchlake.errors import IntegrityError
from patchlake.ports import TableFormat
from patchlake.sources.registry import SOURCES

EVERY_TYPE = Table(
    "every_type",
    "One column of each type, and one that no row may lack.",
    (
        Column("id", ColumnType.STRING, "", nullable=False),
        Column("text", ColumnType.STRING, "", repetitive=True),
        Column("count", ColumnType.INT32, "", repetitive=True),
        Column("flag", ColumnType.BOOLEAN, ""),
        Column("at", ColumnType.TIMESTAMP, ""),
    ),
)
VALUES: dict[ColumnType, st.SearchStrategy[Any]] = {
    ColumnType.STRING: st.text(),
    ColumnType.INT32: st.integers(-(2**31), 2**31 - 1),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.TIMESTAMP: st.integers(-(2**63), 2**63 - 1),
}

COMPARED = {
    column.name: VALUES[column.type] | VALUES[ColumnType.STRING] | VALUES[ColumnType.TIMESTAMP]
    for column in EVERY_TYPE
    if column.type is not ColumnType.BOOLEAN
}
"""The values to compare with each column, some of another type; a flag of Python would equal 0 or 1."""


def rows_of(table: Table) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw rows of a table, extremes and None included."""
    return st.lists(
        st.fixed_dictionaries(
            {c.name: st.none() | VALUES[c.type] if c.nullable else VALUES[c.type] for c in table},
        ),
        max_size=30,
    )


def columns_of(table: Table, rows: Sequence[Mapping[str, Any]]) -> Columns:
    """Turn rows into columns."""
    return {column.name: [row[column.name] for row in rows] for column in table}


def cut(rows: Sequence[Mapping[str, Any]], sizes: Iterable[int]) -> list[Sequence[Mapping[str, Any]]]:
    """Cut rows into pieces of these sizes, and one of the rest."""
    pieces = []
    for size in sizes:
        pieces.append(rows[:size])
        rows = rows[size:]
    return [*pieces, rows]


def numbered(count: int) -> list[dict[str, Any]]:
    """Return that many different rows."""
    return [{"id": f"n{i}", "text": "same", "count": i, "flag": None, "at": i * 1000} for i in range(count)]


@pytest.fixture(
    scope="module", params=[ParquetTables(row_group_rows=10), MemoryTables()], ids=lambda made: type(made).__name__
)
def tables(request: pytest.FixtureRequest) -> TableFormat:
    made: TableFormat = request.param
    return made


@given(groups=st.lists(rows_of(EVERY_TYPE), max_size=3))
def test_rows_come_back_as_they_were_written(tables: TableFormat, groups: list[list[dict[str, Any]]]) -> None:
    row_groups = [columns_of(EVERY_TYPE, rows) for rows in groups]

    file = tables.open(tables.encode(EVERY_TYPE, row_groups, {}))

    assert list(file.row_counts) == [len(rows) for rows in groups]
    assert [file.columns(EVERY_TYPE.column_names, i) for i in range(len(groups))] == row_groups
    assert file.columns(EVERY_TYPE.column_names) == columns_of(EVERY_TYPE, [row for rows in groups for row in rows])


@pytest.mark.parametrize("table", SOURCES.tables, ids=lambda table: str(table.name))
def test_every_published_table_has_its_columns_even_without_a_row(tables: TableFormat, table: Table) -> None:
    file = tables.open(tables.encode(table, [], {}))

    assert list(file.row_counts) == []
    assert tuple(file.column_names) == table.column_names
    assert file.columns(table.column_names) == {name: [] for name in table.column_names}


@given(metadata=st.dictionaries(st.text(min_size=1), st.text(), max_size=3))
def test_the_footer_keeps_its_entries_and_has_no_others(tables: TableFormat, metadata: dict[str, str]) -> None:
    file = tables.open(tables.encode(EVERY_TYPE, [], metadata))

    assert dict(file.metadata) == metadata


def test_equal_input_gives_equal_bytes(tables: TableFormat) -> None:
    first, second = (
        tables.encode(EVERY_TYPE, [columns_of(EVERY_TYPE, numbered(25))], {"b": "1", "a": "2"}) for _ in range(2)
    )

    assert first == second


def test_only_the_columns_that_are_asked_for_are_read(tables: TableFormat) -> None:
    file = tables.open(tables.encode(EVERY_TYPE, [columns_of(EVERY_TYPE, numbered(2))], {}))

    assert file.columns(["count", "id"], 0) == {"count": [0, 1], "id": ["n0", "n1"]}
    assert file.columns([]) == {}


def test_a_column_that_the_file_does_not_have_is_all_null(tables: TableFormat) -> None:
    groups = [columns_of(EVERY_TYPE, numbered(2)), columns_of(EVERY_TYPE, numbered(1))]
    file = tables.open(tables.encode(EVERY_TYPE, groups, {}))

    assert file.columns(["invented", "id"]) == {"invented": [None] * 3, "id": ["n0", "n1", "n0"]}
    assert file.columns(["invented"], 1) == {"invented": [None]}


@given(groups=st.lists(rows_of(EVERY_TYPE), max_size=3), data=st.data())
def test_the_differing_columns_are_those_with_another_value_in_any_row(
    tables: TableFormat, groups: list[list[dict[str, Any]]], data: st.DataObject
) -> None:
    rows = [row for group in groups for row in group]
    values = {
        name: data.draw(st.sampled_from([row[name] for row in rows if row[name] is not None] or ["none"]) | others)
        for name, others in COMPARED.items()
    }
    file = tables.open(tables.encode(EVERY_TYPE, [columns_of(EVERY_TYPE, group) for group in groups], {}))

    differing = file.differing(values)

    assert differing == [name for name, value in values.items() if any(row[name] != value for row in rows)]


def test_a_column_without_another_value_does_not_differ(tables: TableFormat) -> None:
    groups = [columns_of(EVERY_TYPE, numbered(count)) for count in (2, 0, 1)]
    file = tables.open(tables.encode(EVERY_TYPE, groups, {}))

    assert file.differing({"text": "same"}) == []
    assert file.differing({"invented": "x", "count": 0, "text": "same", "id": "n0"}) == ["invented", "count", "id"]


def test_no_column_of_a_table_without_rows_differs(tables: TableFormat) -> None:
    file = tables.open(tables.encode(EVERY_TYPE, [columns_of(EVERY_TYPE, [])], {}))

    assert file.differing({"text": "any", "invented": 5}) == []


@given(rows=rows_of(EVERY_TYPE), sizes=st.lists(st.integers(0, 25), max_size=4))
def test_files_are_joined_to_the_same_bytes_however_the_rows_were_cut(
    tables: TableFormat, rows: list[dict[str, Any]], sizes: list[int]
) -> None:
    def joined(pieces: Iterable[Sequence[Mapping[str, Any]]]) -> bytes:
        writer = tables.writer(EVERY_TYPE, {"k": "v"})
        for piece in pieces:
            writer.append(tables.open(tables.encode(EVERY_TYPE, [columns_of(EVERY_TYPE, piece)], {"dropped": "yes"})))
        with writer.finish() as body:
            return body.read()

    in_pieces, at_once = joined(cut(rows, sizes)), joined([rows])

    assert in_pieces == at_once
    file = tables.open(at_once)
    assert dict(file.metadata) == {"k": "v"}
    assert file.columns(EVERY_TYPE.column_names) == columns_of(EVERY_TYPE, rows)


def test_no_file_at_all_joins_to_a_table_without_rows(tables: TableFormat) -> None:
    with tables.writer(EVERY_TYPE, {}).finish() as body:
        file = tables.open(body.read())

    assert list(file.row_counts) == []
    assert file.columns(["id"]) == {"id": []}


def test_columns_are_joined_by_name_absent_ones_null_and_extra_ones_dropped(tables: TableFormat) -> None:
    other_build = Table(
        "every_type",
        "As another version declares it: one column more, one less, another order.",
        (
            Column("at", ColumnType.TIMESTAMP, ""),
            Column("extra", ColumnType.STRING, ""),
            Column("id", ColumnType.STRING, ""),
        ),
    )
    body = tables.encode(other_build, [{"at": [5], "extra": ["x"], "id": ["a"]}], {})
    writer = tables.writer(EVERY_TYPE, {})
    writer.append(tables.open(body))

    with writer.finish() as joined:
        file = tables.open(joined.read())

    expected = {"id": ["a"], "text": [None], "count": [None], "flag": [None], "at": [5], "extra": [None]}
    assert file.columns([*EVERY_TYPE.column_names, "extra"]) == expected


@pytest.mark.parametrize("damage", [b"", b"{}", b"PAR1", bytes(1000)])
def test_bytes_that_are_no_table_are_refused(tables: TableFormat, damage: bytes) -> None:
    with pytest.raises(IntegrityError):
        tables.open(damage)


def test_a_truncated_file_is_refused_wherever_it_ends(tables: TableFormat) -> None:
    body = tables.encode(EVERY_TYPE, [columns_of(EVERY_TYPE, numbered(5))], {})

    for length in range(0, len(body), 7):
        with pytest.raises(IntegrityError):
            tables.open(body[:length])
