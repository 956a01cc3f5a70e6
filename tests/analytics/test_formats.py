"""Answers as text: readable, and harmless to the spreadsheet or terminal that shows them."""

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake_cli.lake.answer_parquet import as_parquet
from patchlake_cli.lake.engine import Answer
from patchlake_cli.lake.errors import QueryError
from patchlake_cli.lake.formats import as_csv, as_json, as_json_lines, as_markdown, as_table

HOSTILE = "\N{RIGHT-TO-LEFT OVERRIDE}evil\x1b[2J"
ANSWER = Answer(
    ("name", "nodes", "percent", "is_latest", "run_at", "run_date"),
    ("varchar", "bigint", "double", "boolean", "timestamp", "date"),
    [
        ("web", 12, 99.9, True, datetime(2026, 11, 12, 6), date(2026, 11, 12)),  # noqa: DTZ001  # answers have no zone
        ("データ", None, None, False, None, None),
    ],
)


def texts(*values: str) -> Answer:
    """Return an answer of one column of texts."""
    return Answer(("value",), ("varchar",), [(value,) for value in values])


def test_a_table_is_aligned_by_the_width_of_its_characters() -> None:
    assert as_table(ANSWER) == (
        "name    nodes  percent  is_latest  run_at                run_date\n"
        "------  -----  -------  ---------  --------------------  ----------\n"
        "web        12     99.9  true       2026-11-12T06:00:00Z  2026-11-12\n"
        "データ   NULL     NULL  false      NULL                  NULL\n"
        "\n"
        "2 rows\n"
    )


def test_a_table_that_is_wider_than_the_terminal_shows_a_row_as_a_block() -> None:
    answer = Answer(("name", "nodes"), ("varchar", "bigint"), [("web", 12), ("x" * 30, 1)])

    assert as_table(answer, 20) == f"[1]\nname   web\nnodes  12\n\n[2]\nname   {'x' * 30}\nnodes  1\n\n2 rows\n"
    assert as_table(answer, 37) == as_table(answer)


def test_a_table_without_rows_has_its_columns() -> None:
    assert as_table(Answer(("run_id",), ("varchar",), []), 3) == "run_id\n------\n\n0 rows\n"


def test_the_columns_about_the_run_come_once_above_the_table_where_all_rows_agree() -> None:
    answer = Answer(
        ("run_id", "name", "run_status", "run_coverage"),
        ("varchar", "varchar", "varchar", "varchar"),
        [("20261112T060000Z", "web", None, "1 of 2"), ("20261112T060000Z", "db", None, "2 of 2")],
    )
    body = "name  run_coverage\n----  ------------\nweb   1 of 2\ndb    2 of 2\n\n2 rows\n"

    assert as_table(answer) == f"run_id      20261112T060000Z\nrun_status  NULL\n\n{body}"
    assert as_table(answer, 12).startswith("run_id      20261112T060000Z\nrun_status  NULL\n\n[1]\nname")


def test_an_answer_about_the_run_alone_stays_a_table() -> None:
    answer = Answer(("run_id", "run_status"), ("varchar", "varchar"), [("20261112T060000Z", "COMPLETE")])

    assert as_table(answer).startswith("run_id            run_status\n----------------")


@given(values=st.lists(st.sampled_from(["a", "b", None]), min_size=1))
def test_no_value_about_the_run_is_lost(values: list[str | None]) -> None:
    answer = Answer(("name", "run_id"), ("varchar", "varchar"), [("x", value) for value in values])

    above, _, table = as_table(answer).rpartition("name")

    assert ("run_id" in above) == (len(set(values)) == 1)
    assert all(str(value or "NULL") in above + table for value in values)


def test_a_terminal_obeys_nothing_that_a_table_shows() -> None:
    assert "\\u202eevil\\u001b[2J" in as_table(texts(HOSTILE))
    assert as_table(texts("a\nb")).count("\n") == as_table(texts("ab")).count("\n")


@given(text=st.text())
def test_a_table_holds_no_control_characters(text: str) -> None:
    assert all(line.isprintable() for line in as_table(texts(text)).split("\n"))


def test_csv_tells_null_from_an_empty_text_and_quotes_every_text() -> None:
    answer = Answer(("name", "nodes"), ("varchar", "bigint"), [("a;b", 1), ("", None), (None, 2)])

    assert as_csv(answer) == '"name","nodes"\r\n"a;b",1\r\n"",\r\n,2\r\n'


def test_csv_has_a_row_for_each_null_that_is_alone_in_its_row() -> None:
    text = as_csv(Answer(("patch_group",), ("varchar",), [(None,), ("web",), (None,)]))

    assert list(csv.reader(io.StringIO(text, newline=""))) == [["patch_group"], [""], ["web"], [""]]


NESTED = Answer(
    ("states", "keys", "digest"),
    ("array(varchar)", "map(varchar, integer)", "varbinary"),
    [(["Missing", None, 'a "b"'], {"Owner": 1}, b"\x00\xff")],
)


def test_arrays_and_maps_are_json_and_bytes_are_hexadecimal() -> None:
    [_, row] = csv.reader(io.StringIO(as_csv(NESTED), newline=""))

    assert row == ['["Missing", null, "a \\"b\\""]', '{"Owner": 1}', "00ff"]
    assert json.loads(as_json(NESTED)) == [
        {"states": ["Missing", None, 'a "b"'], "keys": {"Owner": 1}, "digest": "00ff"}
    ]


@pytest.mark.parametrize(
    "text",
    ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "=1", "＝1", "＋1", "－1", "＠1"],  # noqa: RUF001
)
def test_a_spreadsheet_runs_nothing_that_csv_holds(text: str) -> None:
    [_, [cell]] = csv.reader(io.StringIO(as_csv(texts(text)), newline=""))

    assert cell == f"'{text}"


def test_the_name_of_a_column_is_no_formula_either() -> None:
    assert as_csv(Answer(("=1+1",), ("varchar",), [])) == '"\'=1+1"\r\n'


def test_numbers_and_times_are_as_they_are_in_csv() -> None:
    rows = list(csv.reader(io.StringIO(as_csv(ANSWER), newline="")))

    assert rows[1] == ["web", "12", "99.9", "true", "2026-11-12T06:00:00Z", "2026-11-12"]
    assert as_csv(Answer(("n",), ("integer",), [(-5,), (-0.5,), (Decimal("-1.5"),)])) == '"n"\r\n-5\r\n-0.5\r\n-1.5\r\n'


@given(values=st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"))))
def test_csv_gives_every_text_back_but_for_the_apostrophe(values: list[str]) -> None:
    rows = list(csv.reader(io.StringIO(as_csv(texts(*values)), newline="")))[1:]

    assert [cell.removeprefix("'") for [cell] in rows] == [value.removeprefix("'") for value in values]


def test_json_is_an_object_for_each_row() -> None:
    assert json.loads(as_json(ANSWER)) == [
        {
            "name": "web",
            "nodes": 12,
            "percent": 99.9,
            "is_latest": True,
            "run_at": "2026-11-12T06:00:00Z",
            "run_date": "2026-11-12",
        },
        {"name": "データ", "nodes": None, "percent": None, "is_latest": False, "run_at": None, "run_date": None},
    ]
    assert as_json(texts(HOSTILE)).isascii()
    assert json.loads(as_json(Answer(("n",), ("decimal",), [(Decimal("1.5"),)]))) == [{"n": 1.5}]


def test_json_refuses_two_columns_of_one_name() -> None:
    with pytest.raises(QueryError, match="two columns have the same name"):
        as_json(Answer(("a", "a"), ("integer", "integer"), [(1, 2)]))


def test_json_lines_are_the_objects_of_json_each_on_one_line() -> None:
    lines = as_json_lines(ANSWER).splitlines()

    assert [json.loads(line) for line in lines] == json.loads(as_json(ANSWER))
    assert as_json_lines(texts()) == ""


def test_a_table_that_is_cut_says_how_many_rows_there_are() -> None:
    assert as_table(texts("a", "b"), of=350).endswith("\n\nfirst 2 of 350 rows\n")
    assert as_table(texts("a", "b"), of=2).endswith("\n\n2 rows\n")


def test_markdown_is_a_table_with_numbers_at_the_right() -> None:
    assert as_markdown(ANSWER).splitlines() == [
        "| `name` | `nodes` | `percent` | `is_latest` | `run_at` | `run_date` |",
        "| --- | ---: | ---: | --- | --- | --- |",
        "| `web` | 12 | 99.9 | true | 2026-11-12T06:00:00Z | 2026-11-12 |",
        "| `データ` | NULL | NULL | false | NULL | NULL |",
    ]


@given(st.lists(st.text(), min_size=1))
def test_no_text_ends_a_row_or_a_cell_of_markdown(values: list[str]) -> None:
    lines = as_markdown(texts(*values)).split("\n")

    assert len(lines) == len(values) + 3
    assert all(line.count("|") == 2 for line in lines[:-1])


def test_parquet_has_the_types_and_values_of_the_answer() -> None:
    table = pq.read_table(pa.BufferReader(as_parquet(ANSWER)))

    assert [str(field.type) for field in table.schema] == [
        "string",
        "int64",
        "double",
        "bool",
        "timestamp[us, tz=UTC]",
        "date32[day]",
    ]
    assert table.column("name").to_pylist() == ["web", "データ"]
    assert table.column("run_at").to_pylist() == [datetime(2026, 11, 12, 6, tzinfo=UTC), None]
    assert table.column("nodes").to_pylist() == [12, None]


def test_parquet_keeps_decimals_and_refuses_two_columns_of_one_name_and_sums_that_are_too_large() -> None:
    exact = Answer(("share",), ("decimal(4,2)",), [(Decimal("12.50"),)])
    assert pq.read_table(pa.BufferReader(as_parquet(exact))).to_pylist() == [{"share": Decimal("12.50")}]

    with pytest.raises(QueryError, match="two columns have the same name"):
        as_parquet(Answer(("a", "a"), ("bigint", "bigint"), []))
    with pytest.raises(QueryError, match="column a is a bigint, which has no type in Parquet"):
        as_parquet(Answer(("a",), ("bigint",), [(2**64,)]))
