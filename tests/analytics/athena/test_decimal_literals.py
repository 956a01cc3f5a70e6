"""Decimals in quotes, the form that Athena's documentation recommends: they keep their fraction."""

from decimal import Decimal
from typing import Any

import pytest

from patchlake_cli.lake.catalogue import empty_lake
from patchlake_cli.lake.errors import QueryError


@pytest.mark.parametrize(
    ("expression", "athena"),
    [
        ("DECIMAL '1.10'", Decimal("1.10")),
        ("decimal'.5'", Decimal("0.5")),
        ("DECIMAL /* a price */ '-1.10'", Decimal("-1.10")),
        ("2 - DECIMAL '+5'", Decimal(-3)),
        ("DECIMAL '1.10' * DECIMAL '2.00'", Decimal("2.2000")),
        ("89.7e0 >= DECIMAL '89.6'", True),
        ("DECIMAL '1.4' IN (DECIMAL '1.4', DECIMAL '2')", True),
        ("(SELECT max(x) FROM (VALUES DECIMAL '1.1', DECIMAL '1.2') AS t (x))", Decimal("1.2")),
        ("CAST('1.5' AS decimal)", Decimal(2)),
        (f"DECIMAL '0.{'1' * 36}' = DECIMAL '0.{'1' * 35}2'", False),
    ],
)
def test_a_decimal_in_quotes_keeps_its_fraction(expression: str, athena: Any) -> None:  # noqa: ANN401
    assert empty_lake().query(f"SELECT {expression}").rows == [(athena,)]


def test_a_whole_decimal_is_no_integer() -> None:
    with pytest.raises(QueryError, match="Athena rounds a quotient of decimals"):
        empty_lake().query("SELECT DECIMAL '5' / 2")


@pytest.mark.parametrize("text", ["", "1e5", "NaN", "1,5", "1_000", " 1", "1''", ".", f"0.{'1' * 38}"])
def test_what_is_no_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="is not a decimal number of at most 37 digits"):
        empty_lake().query(f"SELECT DECIMAL '{text}'")


def test_a_complaint_points_to_the_text_as_it_was_written() -> None:
    with pytest.raises(QueryError, match=r"there is no column \"absent\"|line 1, column 24"):
        empty_lake().query("SELECT DECIMAL '1.10', absent FROM runs")
