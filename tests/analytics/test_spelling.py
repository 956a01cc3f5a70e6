"""SQL that sqlglot reads as something else: only its text shows what Athena refuses, or answers in another way."""

import re

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError


@pytest.mark.parametrize(
    "number", ["0x1f", "0X1F", "0b101", "0O17", "1_000", "1.5_0", "1e5x", ".5x", "1x", "0x1g", "1.2.3", "1DESC"]
)
def test_a_number_that_is_not_decimal_is_refused(lake: Lake, number: str) -> None:
    with pytest.raises(QueryError, match=rf"^{re.escape(number)} is not supported: write numbers in decimal digits"):
        lake.query(f"SELECT {number}")


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
