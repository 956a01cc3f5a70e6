"""Texts that a cast makes numbers, booleans, dates and times: only those in the forms that Athena reads."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake_cli.lake.catalogue import empty_lake
from patchlake_cli.lake.errors import QueryError

numbers = st.integers(-(2**31), 2**31 - 1)
READ: dict[str, list[str]] = {
    "integer": ["1", "+5", "-0", "007"],
    "double": ["1", "1.5", ".5", "1.", "-1e3", " 2 "],
    "decimal(5, 1)": ["1", "-1.5", "1e1"],
    "boolean": ["t", "TRUE", "1", "F", "false", "0"],
    "date": ["2026-11-01", " 2026-11-1 "],
    "timestamp": ["2026-11-01", "2026-11-01 06:00", "2026-11-01 06:00:00.5"],
    "time": ["06:00", "06:00:00.5"],
}
OTHERS: dict[str, list[str]] = {
    "integer": ["1.5", " 1", "1_000", "1e3", "0x1f", "", "2147483648"],
    "double": ["inf", "nan", "infinity", "1_0", "0x1f", ""],
    "decimal(5, 1)": [" 1", "1_0", "nan", ""],
    "boolean": ["yes", "no", "y", "on", " true", "2", ""],
    "date": ["2026/11/01", "20261101", "2026-11-01 06:00", "2026-11-01T06:00:00Z", "2026-02-30", ""],
    "timestamp": [
        "2026-11-01T06:00:00",
        "2026-11-01 06:00:00Z",
        "2026-11-01 06:00:00+01:00",
        "2026/11/01",
        "2026-11-01 24:00",
        "",
    ],
    "time": ["06", "24:00", "06:00:00Z", "2026-11-01 06:00", ""],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in READ.items() for text in texts])
def test_a_text_in_a_form_of_athena_is_cast(kind: str, text: str) -> None:
    [(literal, value, tried)] = rows(f"CAST('{text}' AS {kind}), CAST(? AS {kind}), TRY_CAST(? AS {kind})", [text] * 2)

    assert literal == value == tried is not None


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in OTHERS.items() for text in texts])
@pytest.mark.parametrize("value", ["'{}'", "?", "trim('{}', 'z')", "(SELECT x FROM (VALUES '{}') AS t (x))"])
def test_a_text_in_another_form_is_not_cast(kind: str, text: str, value: str) -> None:
    written = value.format(text)
    values = [text] * written.count("?")

    assert rows(f"TRY_CAST({written} AS {kind})", values) == [(None,)]
    with pytest.raises(QueryError):
        rows(f"CAST({written} AS {kind})", values)


def test_the_elements_of_an_array_are_read_so_too() -> None:
    assert rows("CAST(ARRAY['1', NULL] AS array(integer)), TRY_CAST(ARRAY['1.5'] AS array(integer))", []) == [
        ([1, None], None)
    ]


@given(numbers)
def test_a_number_and_its_text_are_made_of_each_other(number: int) -> None:
    assert rows("CAST(? AS integer), CAST(CAST(? AS integer) AS varchar)", [str(number)] * 2) == [(number, str(number))]


def rows(selected: str, values: list[str]) -> list[tuple[Any, ...]]:
    """Return the rows of a SELECT without a table."""
    return empty_lake().query(f"SELECT {selected}", values).rows
