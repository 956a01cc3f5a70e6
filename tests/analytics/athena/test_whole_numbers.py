"""A text or a parameter that is compared with a whole number keeps its fraction, as a number in the SQL does."""

from datetime import date

import pytest

from patchlake_cli.api import Lake, QueryError, open_lake
from tests.analytics.synthetic import collected, listed, write_run

RUN = "20261112T060000Z"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with nodes that miss 0, 1, 2 and 3 patches."""
    folder = tmp_path_factory.mktemp("lake")
    write_run(
        folder, RUN, [listed(4, rows_without_id=0)], [collected(RUN, count, missing_count=count) for count in range(4)]
    )
    return open_lake(folder, as_of=date(2026, 11, 12))


def nodes(lake: Lake, condition: str, *values: object) -> object:
    """Return how many nodes there are under a condition."""
    [row] = lake.sql(f"SELECT count(*) AS n FROM latest_patch_states WHERE {condition}", *values).rows  # noqa: S608
    return row["n"]


@pytest.mark.parametrize(
    ("condition", "number", "expected"),
    [
        ("missing_count > {}", "0.5", 3),
        ("missing_count = {}", "1.4", 0),
        ("missing_count <> {}", "1.4", 4),
        ("missing_count >= {}", "2.5", 1),
        ("missing_count < ({})", "2.5", 3),
        ("{} < missing_count", "2.5", 1),
        ("missing_count > {}", "-0.4", 4),
        ("missing_count IN ({}, 3)", "1.4", 1),
        ("missing_count NOT IN ({}, 3)", "1.4", 3),
        ("missing_count BETWEEN {} AND 3", "1.5", 2),
        ("missing_count IS DISTINCT FROM {}", "1.4", 4),
        ("missing_count + 1 = {}", "2.4", 0),
        ("missing_count = {}", "2", 1),
        ("(SELECT count(*) FROM runs) = {}", "1.4", 0),
        ("{} IN (SELECT targets_read FROM runs)", "1.4", 0),
        ("missing_count = coalesce({}, 0)", "1.4", 0),
        ("missing_count = CASE WHEN true THEN {} ELSE 0 END", "1.4", 0),
        ("missing_count = if(true, {})", "1.4", 0),
        ("missing_count = (SELECT {})", "1.4", 0),
        ("CASE missing_count WHEN {} THEN true END", "1.4", 0),
    ],
)
def test_a_fraction_is_compared_as_one(lake: Lake, condition: str, number: str, expected: int) -> None:
    assert nodes(lake, condition.format(number)) == expected
    assert nodes(lake, condition.format(f"'{number}'")) == expected
    assert nodes(lake, condition.format("?"), number) == expected
    assert nodes(lake, condition.format("?"), float(number)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "element_at(split('1.4,2', ','), 1)",
        "format('%s', '1.4')",
        "from_utf8(to_utf8('1.4'))",
        "lpad('.4', 3, '1')",
        "regexp_extract('v1.4', '[0-9.]+')",
        "regexp_extract_all('v1.4', '[0-9.]+')[1]",
        "regexp_replace('v1.4', 'v', '')",
        "replace('v1.4', 'v', '')",
        "rpad('1.', 3, '4')",
        "split('1.4,2', ',')[1]",
        "split_part('1.4,2', ',', 1)",
        "(SELECT max(x) FROM UNNEST(split('1.4', ',')) AS t (x))",
    ],
)
def test_the_text_of_a_function_keeps_its_fraction(lake: Lake, text: str) -> None:
    assert nodes(lake, f"missing_count = {text}") == 0
    assert nodes(lake, f"missing_count < {text}") == 2


@pytest.mark.parametrize(
    "condition",
    [
        "missing_count = (SELECT s FROM (VALUES '1.4') AS t (s))",
        "missing_count = trim(' 1.4 ')",
        "missing_count = CAST(1.4 AS varchar)",
        "EXISTS (SELECT 1 FROM (VALUES '1.4', '2.6') AS t (s) WHERE t.s = missing_count)",
    ],
)
def test_a_text_that_is_not_written_out_keeps_its_fraction_too(lake: Lake, condition: str) -> None:
    assert nodes(lake, condition) == 0
    assert nodes(lake, condition.replace("1.4", "1.0")) == 1


FUNCTIONS = [
    "replace('1.4a', 'a', '')",
    "regexp_extract('v1.4', '[0-9.]+')",
    "regexp_extract_all('v1.4', '[0-9.]+')[1]",
    "regexp_replace('1.4a', 'a', '')",
    "regexp_split('1.4a2', 'a')[1]",
    "split_part('1.4,2', ',', 1)",
    "split('1.4,2', ',')[1]",
    "element_at(split('1.4,2', ','), 1)",
    "format('%s', '1.4')",
    "lpad('.4', 3, '1')",
    "from_utf8(to_utf8('1.4'))",
    "(ARRAY['1.4'] || ARRAY['2'])[1]",
    "(SELECT max(s, 1)[1] FROM (VALUES '1.4') AS t (s))",
    "(SELECT s FROM UNNEST(split('1.4', ',')) AS t (s))",
]


@pytest.mark.parametrize("text", FUNCTIONS)
def test_a_text_of_any_function_keeps_its_fraction(lake: Lake, text: str) -> None:
    assert nodes(lake, f"missing_count = {text}") == 0
    assert nodes(lake, f"{text.replace('1.4', '1.0').replace('.4', '.0')} IN (missing_count, 5)") == 1


@pytest.mark.parametrize(
    "relation",
    [
        "JOIN (SELECT ? AS x) AS p ON missing_count = p.x",
        "JOIN (SELECT ? AS missing_count) AS p USING (missing_count)",
        "CROSS JOIN (SELECT ARRAY[?] AS x) AS p WHERE missing_count = element_at(p.x, 1)",
        "CROSS JOIN (SELECT '0' AS x UNION ALL SELECT ?) AS p WHERE p.x <> '0' AND missing_count = p.x",
    ],
)
def test_a_parameter_behind_a_subquery_keeps_its_fraction(lake: Lake, relation: str) -> None:
    sql = f"SELECT count(*) AS n FROM latest_patch_states {relation}"  # noqa: S608

    assert lake.sql(sql, "1.4").rows == [{"n": 0}]
    assert lake.sql(sql, "1.0").rows == [{"n": 1}]


def test_what_may_be_a_text_is_not_compared_with_a_number(lake: Lake) -> None:
    with pytest.raises(
        QueryError, match=r"the type of .* is not known, and Athena compares no text with a number: write"
    ):
        nodes(lake, "missing_count = element_at(map(), 'a')")


def test_a_whole_number_of_64_bits_is_exact(lake: Lake) -> None:
    assert nodes(lake, "9223372036854775807 = ?", "9223372036854775807") == 4
    assert nodes(lake, "9223372036854775807 = ?", "9223372036854775806") == 0


@pytest.mark.parametrize("value", ["one", "", "1_", "inf", "nan", "0x1"])
def test_what_is_no_number_is_refused(lake: Lake, value: str) -> None:
    with pytest.raises(QueryError):
        nodes(lake, "missing_count = ?", value)


def test_a_text_is_still_compared_with_a_text(lake: Lake) -> None:
    assert nodes(lake, "instance_id = ?", "1.4") == 0
    assert nodes(lake, "run_id = ?", RUN) == 4


@pytest.mark.parametrize("calculation", ["{} * missing_count", "missing_count + {}", "missing_count % ({})", "{} / 2"])
def test_a_text_is_no_number_in_a_calculation(lake: Lake, calculation: str) -> None:
    for text, values in (("'1.5'", ()), ("?", ("1.5",))):
        with pytest.raises(QueryError, match=r"is text: write CAST\("):
            lake.sql(f"SELECT {calculation.format(text)} AS n FROM latest_patch_states", *values)  # noqa: S608


def test_a_value_with_a_type_may_be_used_in_a_calculation(lake: Lake) -> None:
    sql = "SELECT max(CAST(? AS double) * missing_count) AS n FROM latest_patch_states"

    assert lake.sql(sql, 1.5).rows == [{"n": 4.5}]
