"""The parameters of a query: their types, and the values that a user gives."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake_cli.lake.athena.places import parameters_of
from patchlake_cli.lake.athena.translation import parse_question
from patchlake_cli.lake.errors import ParameterError
from patchlake_cli.lake.parameters import Parameter, ParameterType, check_values, read_values
from patchlake_cli.lake.statements import Statement, queries

TODAY = date(2026, 11, 13)
SINCE = Parameter("since", ParameterType.DATE, "2026-11-01", "The first date.")
DAYS = Parameter("days", ParameterType.DAYS, "30", "The days.")
ANY = Parameter("any", ParameterType.ANY_TEXT, "x", "Anything.")
NODE = Parameter("node", ParameterType.TEXT, "i-1", "The node.")


def refusal(*given: str, parameters: tuple[Parameter, ...] = (SINCE,)) -> str:
    """Return the sentence with which values are refused."""
    with pytest.raises(ParameterError) as refused:
        read_values("it", parameters, given, TODAY)
    return str(refused.value)


@pytest.mark.parametrize(
    "value",
    [
        "29.10.2026",
        "20261110",
        "yesterday",
        "today",
        "",
        " 2026-11-01",
        "2026-11-01\n",
        "2026-11-1",
        "2026-02-30",
        "2026-11-01T00:00:00Z",
        "2026-W45-2",
        "11/01/2026",
        "0000-01-01",
        "infinity",
        "\uff12026-11-01",
        "2026-11-14",
        "9999-12-31",
    ],
)
def test_what_is_no_date_up_to_today_is_refused(value: str) -> None:
    assert refusal(f"since={value}") == (
        f"since is {value!r}: expected a UTC date up to 2026-11-13, as YYYY-MM-DD, such as since=2026-11-13"
    )


@pytest.mark.parametrize(
    "value", ["-5", "-1", "+5", "7.5", "", " 7", "7 ", "1e3", "1_000", "99999999999", "10000", "seven", "\u0667", "0x1"]
)
def test_what_is_no_number_of_days_is_refused(value: str) -> None:
    assert refusal(f"days={value}", parameters=(DAYS,)) == (
        f"days is {value!r}: expected a whole number of days, from 0 to 9999, such as days=30"
    )


@pytest.mark.parametrize("value", ["0", "7", "007", "9999"])
def test_a_whole_number_is_a_number_of_days(value: str) -> None:
    assert read_values("it", (DAYS,), [f"days={value}"], TODAY) == [value]


@given(st.text())
def test_a_text_may_be_anything_but_empty_or_with_spaces_at_its_ends(value: str) -> None:
    assert read_values("it", (ANY,), [f"any={value}"], TODAY) == [value]
    if value.strip() == value != "":
        assert read_values("it", (NODE,), [f"node={value}"], TODAY) == [value]
    else:
        assert refusal(f"node={value}", parameters=(NODE,)) == (
            f"node is {value!r}: expected UTF-8 text that is not empty, without spaces at either end, such as node=i-1"
        )


def test_bytes_that_are_not_utf_8_are_no_text() -> None:
    assert refusal("node=\udcff", parameters=(NODE,)) == (
        "node is '\\udcff': expected UTF-8 text that is not empty, without spaces at either end, such as node=i-1"
    )


def test_values_are_named_in_any_order_or_come_in_order() -> None:
    expected = ["2026-11-13", "7", "a=b"]

    assert read_values("it", (SINCE, DAYS, NODE), ["node=a=b", "days=7", "since=2026-11-13"], TODAY) == expected
    assert read_values("it", (SINCE, DAYS), ["2026-11-13", "7"], TODAY) == expected[:2]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (["day=7"], "'day=7': expected the parameter of it, such as days=30 (The days)"),
        (["=7"], "'=7': expected the parameter of it, such as days=30 (The days)"),
        ([], "expected the parameter of it, such as days=30 (The days)"),
        (["7", "8"], "'8': expected the parameter of it, such as days=30 (The days)"),
        (["days=7", "days=7"], "'days=7': expected one value for days, and '7' is given too"),
        (["days=7", "8"], "'8': expected the parameter of it, such as days=30 (The days)"),
    ],
)
def test_names_that_are_unknown_missing_or_repeated_are_refused(given: list[str], wrong: str) -> None:
    assert refusal(*given, parameters=(DAYS,)) == wrong


def test_a_missing_parameter_of_several_names_them_all() -> None:
    assert refusal("days=7", parameters=(SINCE, DAYS)) == (
        "expected the parameters of it, such as since=2026-11-01 (The first date) and days=30 (The days)"
    )


def test_a_query_without_parameters_takes_none() -> None:
    assert refusal("7", parameters=()) == "'7': expected no parameter, since it has none"
    assert refusal("days=7", parameters=()) == "'days=7': expected no parameter, since it has none"


def test_a_place_of_an_own_select_is_named_by_its_number() -> None:
    places = parameters_of(parse_question("SELECT ?, ? LIMIT ?"))

    assert read_values("the SELECT", places, ["2=b=c", "3=4", "1="], TODAY) == ["", "b=c", "4"]
    assert read_values("the SELECT", places, ["a", "b", "4"], TODAY) == ["a", "b", "4"]


@pytest.mark.parametrize("values", [[], ["7", "8"]])
def test_values_in_order_are_as_many_as_the_parameters(values: list[str]) -> None:
    with pytest.raises(ParameterError, match="expected the parameter of it"):
        check_values("it", (DAYS,), values, TODAY)


@pytest.mark.parametrize("query", [pytest.param(query, id=query.name) for query in queries() if query.parameters])
def test_the_declared_example_of_a_parameter_is_valid(query: Statement) -> None:
    check_values(query.name, query.parameters, [each.example for each in query.parameters], TODAY)


CASTS = {ParameterType.DATE: "CAST(? AS date)", ParameterType.DAYS: "CAST('+' || CAST(? AS varchar) AS integer)"}


@pytest.mark.parametrize("query", [pytest.param(query, id=query.name) for query in queries() if query.parameters])
def test_the_sql_casts_a_parameter_to_its_type_so_that_athena_refuses_other_values(query: Statement) -> None:
    for parameter in query.parameters:
        assert CASTS.get(parameter.type, "CAST(? AS varchar)") in query.sql
