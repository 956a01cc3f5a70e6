"""SQL that sqlglot reads as something else: only its text shows what Athena refuses, or answers in another way."""

import re
from decimal import Decimal

import pytest

from patchlake_cli.lake.athena.translation import parse_question
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
    "number",
    [
        str(2**63 + 1),
        *("9" * digits for digits in (20, 39, 5000)),
        *(f"0.{'1' * 38}", f".{'1' * 38}", f"0.{'0' * 40}1", f"{'1' * 37}.5"),
    ],
    ids=lambda number: f"{number[:5]} and {len(number)}",
)
@pytest.mark.parametrize("select", ["SELECT {}", "SELECT 1 > {}", "SELECT 1 LIMIT {}", "SELECT 1 GROUP BY {}"])
def test_a_number_with_more_digits_than_athena_has_is_refused(lake: Lake, select: str, number: str) -> None:
    with pytest.raises(QueryError, match=rf"{number[:40]}.* has too many digits|not valid SQL in Athena"):
        lake.query(select.format(number))


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (str(2**63 - 1), 2**63 - 1),
        (str(-(2**63)), -(2**63)),
        (f"0.{'1' * 37}", Decimal(f"0.{'1' * 37}")),
        (f".{'1' * 37}", Decimal(f"0.{'1' * 37}")),
        (f"{'0' * 50}1", 1),
        (f"{'9' * 40}e0", 1e40),
    ],
)
def test_a_number_with_as_many_digits_as_athena_has_is_exact(lake: Lake, number: str, value: object) -> None:
    assert lake.query(f"SELECT {number}").rows == [(value,)]


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


@pytest.mark.parametrize(
    "value",
    ["1 .5", "(1).5", "'a'.5", "x .5", "x.5", "ARRAY[1][1].5", "boolean 2", "DATE .5", "double 1"],
)
def test_a_number_after_a_value_or_the_name_of_a_type_is_refused(lake: Lake, value: str) -> None:
    with pytest.raises(QueryError, match=r"^line 1, column \d+: this is not valid SQL in Athena\n"):
        lake.query(f"SELECT {value} FROM (VALUES 1) AS t (x)")  # noqa: S608


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


@pytest.mark.parametrize(
    ("joins", "complaint"),
    [
        ("a JOIN runs AS b", r"line 1, column \d+: a JOIN needs ON or USING"),
        ("a INNER JOIN runs AS b", r"line 1, column \d+: a JOIN needs ON or USING"),
        ("a LEFT JOIN runs AS b, runs AS c", r"line 1, column \d+: a JOIN needs ON or USING"),
        ("a JOIN UNNEST(ARRAY[1, 2]) AS b (n)", r"line 1, column \d+: a JOIN needs ON or USING"),
        ("a JOIN LATERAL (SELECT 1 AS n) AS b", r"line 1, column \d+: a JOIN needs ON or USING"),
        ("a JOIN runs AS b JOIN runs AS c ON a.run_id = c.run_id", r"line 1, column \d+: a JOIN needs ON or USING"),
        ("a JOIN (runs AS b JOIN runs AS c) ON a.run_id = b.run_id", r"line 1, column \d+: a JOIN needs ON or USING"),
        (
            "a WHERE EXISTS (SELECT 1 FROM runs AS b FULL JOIN runs AS c)",
            r"line 1, column \d+: a JOIN needs ON or USING",
        ),
        ("a JOIN runs AS b USING ()", "line 1, column 59: this is not valid SQL in Athena"),
        ("a JOIN runs AS b USING run_id", "line 1, column 58: this is not valid SQL in Athena"),
        ("a CROSS JOIN runs AS b ON a.run_id = b.run_id", "line 1, column 58: this is not valid SQL in Athena"),
        ("a JOIN runs AS b CROSS JOIN runs AS c ON a.run_id = b.run_id", "a CROSS JOIN has no ON or USING"),
    ],
)
def test_a_join_whose_condition_athena_does_not_accept_is_refused(lake: Lake, joins: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=f"^{complaint}"):
        lake.query(f"SELECT count(*) AS n FROM runs AS {joins}")  # noqa: S608


@pytest.mark.parametrize(
    ("joins", "rows"),
    [
        ("t, t AS u", 4),
        ("t, UNNEST(ARRAY[7, 8, 9]) AS u (n)", 6),
        ("t CROSS JOIN t AS u", 4),
        ("t JOIN t AS u ON t.k = u.k", 2),
        ("t JOIN t AS u ON true CROSS JOIN t AS v", 8),
        ("t LEFT JOIN t AS u USING (k)", 2),
        ("t JOIN t AS u JOIN t AS v ON u.k = v.k ON t.k = u.k", 2),
        ('t AS "JOIN" WHERE k > 1 -- JOIN t AS v', 1),
    ],
)
def test_a_list_of_tables_and_joins_with_their_conditions_are_answered(lake: Lake, joins: str, rows: int) -> None:
    sql = f"WITH t AS (SELECT k FROM (VALUES 1, 2) AS v (k)) SELECT count(*) AS n FROM {joins}"  # noqa: S608

    assert lake.query(sql).rows == [(rows,)]


@pytest.mark.parametrize(
    ("opened", "closed", "most"),
    [("(", ")", 40), ("abs(", ")", 40), ("(SELECT ", ")", 40), ("ARRAY[", "]", 10), ("(ARRAY[", "])", 10)],
)
def test_brackets_are_nested_only_as_deeply_as_is_read_at_once(opened: str, closed: str, most: int) -> None:
    for levels in (most + 1, 3000):
        with pytest.raises(QueryError, match=r"^the SELECT is nested too deeply$"):
            parse_question(f"SELECT {opened * levels}1{closed * levels}")
    parse_question(f"SELECT {opened * most}1{closed * most}")
    parse_question(f"SELECT {', '.join([f'{opened}1{closed}'] * 2 * most)}")
