"""SQL that sqlglot reads as something else: only its text shows what Athena refuses, or answers in another way."""

import re
from decimal import Decimal

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError


@pytest.mark.parametrize(
    "number",
    [
        "0x1f",
        "0X1F",
        "0b101",
        "0O17",
        "1_000",
        "1.5_0",
        "1e5x",
        ".5x",
        ".5_0",
        "1x",
        "0x1g",
        "1.2.3",
        ".5.5",
        "1..5",
        ". 5",
        "1DESC",
        ".1DESC",
    ],
)
def test_a_number_that_is_not_decimal_is_refused(lake: Lake, number: str) -> None:
    with pytest.raises(QueryError, match=rf"^{re.escape(number)} is not supported: write numbers in decimal digits"):
        lake.query(f"SELECT {number}")


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (".5", Decimal("0.5")),
        ("-.25", Decimal("-0.25")),
        ("1-.5", Decimal("0.5")),
        ("4*.5", Decimal("2.0")),
        (".5e1", 5.0),
        (".5E-1", 0.05),
        (".5 x", Decimal("0.5")),
        (".5/**/", Decimal("0.5")),
        ("ARRAY[.5][1]", Decimal("0.5")),
        ("1 IN (.5, 1)", True),
        ("CASE WHEN .5<1 THEN .75 END", Decimal("0.75")),
    ],
)
def test_a_number_may_begin_with_its_point(lake: Lake, number: str, value: object) -> None:
    assert lake.query(f"SELECT {number}").rows == [(value,)]


@pytest.mark.parametrize("value", ["1 .5", "(1).5", "'a'.5", "x .5", "x.5", "ARRAY[1][1].5"])
def test_a_number_with_a_point_after_a_value_is_refused(lake: Lake, value: str) -> None:
    with pytest.raises(QueryError, match=r"^\.5 is not valid SQL in Athena after a value"):
        lake.query(f"SELECT {value} FROM (VALUES 1) AS t (x)")  # noqa: S608


@pytest.mark.parametrize(("value", "name"), [("boolean 2", "boolean"), ("DATE .5", "DATE"), ("double 1", "double")])
def test_a_number_after_the_name_of_a_type_is_refused(lake: Lake, value: str, name: str) -> None:
    with pytest.raises(QueryError, match=f"^a number after {name} is not valid SQL in Athena: use CAST"):
        lake.query(f"SELECT {value}")


def test_a_text_after_the_name_of_a_type_and_a_number_after_range_are_accepted(lake: Lake) -> None:
    sql = "SELECT double '2.5', sum(x) OVER (ORDER BY x RANGE 1 PRECEDING) FROM (VALUES 1, 2) AS t (x)"

    assert sorted(lake.query(sql).rows) == [(2.5, 1), (2.5, 3)]


def test_a_number_in_a_condition_is_decimal_too(lake: Lake) -> None:
    for condition in ("run_age_hours > 0x1", "1=1AND 2=2"):
        with pytest.raises(QueryError, match="is not supported: write numbers in decimal digits"):
            lake.query(f"SELECT run_id FROM runs WHERE {condition}")  # noqa: S608


@pytest.mark.parametrize(
    ("number", "value"), [("1e5", 1e5), ("1E-2", 0.01), ("10e+1/2", 50.0), ("X'1f'", b"\x1f"), ("31--1x\n", 31)]
)
def test_a_number_with_an_exponent_and_bytes_are_accepted(lake: Lake, number: str, value: object) -> None:
    assert lake.query(f"SELECT {number}").rows == [(value,)]


def test_digits_in_names_and_texts_are_no_numbers(lake: Lake) -> None:
    sql = 'SELECT t1.x2, \'0x1f\', "0x1f" FROM (VALUES (1, 2)) AS t1 (x2, "0x1f")'

    assert lake.query(sql).rows == [(1, "0x1f", 2)]
