"""Comparisons with NaN: false, and true for ``<>``, as in Athena, so that 0 of 0 nodes is no share above a limit."""

from itertools import product
from math import nan
from operator import eq, ge, gt, le, lt, ne

import pytest

from patchlake_cli.lake.catalogue import empty_lake

OPERATORS = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
NUMBERS: dict[str, float | None] = {"0e0 / 0": nan, "sqrt(-1)": nan, "1.5e0": 1.5, "2": 2, "CAST(NULL AS double)": None}


def value(expression: str) -> object:
    [(found,)] = empty_lake().query(f"SELECT {expression}").rows
    return found


@pytest.mark.parametrize("written", OPERATORS)
def test_every_comparison_is_that_of_ieee_754(written: str) -> None:
    for (left, first), (right, second) in product(NUMBERS.items(), repeat=2):
        expected = None if first is None or second is None else OPERATORS[written](first, second)

        assert value(f"{left} {written} {right}") is expected, f"{left} {written} {right}"
        assert value(f"NOT ({left} {written} {right})") is (None if expected is None else not expected)


@pytest.mark.parametrize(
    ("expression", "athena"),
    [
        ("0e0 / 0 BETWEEN 0 AND 1", False),
        ("1e0 BETWEEN 0 AND 0e0 / 0", False),
        ("1e0 NOT BETWEEN 0 AND 0e0 / 0", True),
        ("1e0 BETWEEN 0 AND 2", True),
        ("0e0 / 0 IN (0e0 / 0, 1)", False),
        ("0e0 / 0 NOT IN (0e0 / 0, 1)", True),
        ("1e0 IN (0e0 / 0, 1)", True),
        ("1e0 IN (0e0 / 0, NULL)", None),
        ("(0e0 / 0 > 1) = (0e0 / 0 < 1)", True),
        ("CASE WHEN 0e0 / 0 >= 1 THEN 'high' ELSE 'low' END", "low"),
        ("0e0 / 0 IS DISTINCT FROM 0e0 / 0", False),
    ],
)
def test_nan_is_in_no_range_and_no_list(expression: str, athena: object) -> None:
    assert value(expression) == athena


def test_a_target_without_nodes_passes_no_limit_of_its_share() -> None:
    asked = (
        "SELECT compliant FROM (VALUES (0, 0), (90, 100), (80, 100)) AS t (compliant, listed) "
        "WHERE compliant * 1e0 / listed >= 0.9e0"
    )

    assert empty_lake().query(asked).rows == [(90,)]
