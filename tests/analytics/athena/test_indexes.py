"""The brackets after arrays and maps: an index and a key are those that are written, wherever the value comes from."""

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

MAP = "map(ARRAY[5, 4], ARRAY['five', 'four'])"


@pytest.mark.parametrize(
    "value",
    [
        f"{MAP}[5]",
        f"({MAP})[5]",
        f"try({MAP})[5]",
        "m[5]",
        "m[4 + 1]",
        "m[n]",
        "m[n + 0]",
        "m[length(s)]",
        "m[-(-5)]",
        "m[CAST(? AS integer)]",
        "max(m) OVER ()[5]",
        "array_agg(m) OVER ()[1][5]",
        f"ARRAY[{MAP}][1][5]",
        f"transform(ARRAY[{MAP}], x -> x[5])[1]",
        f"map_concat({MAP}, map(ARRAY[6], ARRAY['six']))[5]",
        "element_at(m, 5)",
    ],
)
def test_a_key_of_a_map_is_the_one_that_is_written(lake: Lake, value: str) -> None:
    sql = f"SELECT {value} AS found FROM (SELECT {MAP} AS m, 5 AS n, 'abcde' AS s) AS t"  # noqa: S608

    assert lake.query(sql, ["5"] * value.count("?")).rows == [("five",)]


@pytest.mark.parametrize(
    "value",
    [
        "ARRAY[7, 8][2]",
        "a[2]",
        "a[1 + 1]",
        "ARRAY[ARRAY[7, 8]][1][2]",
        "array_sort(a)[2]",
        "filter(a, x -> x > 0)[2]",
        "map_values(map(ARRAY[1, 2], a))[2]",
        "transform(ARRAY[a], x -> x[2])[1]",
        "histogram(8) OVER ()[8] + 7",
    ],
)
def test_an_index_of_an_array_is_the_one_that_is_written(lake: Lake, value: str) -> None:
    assert lake.query(f"SELECT {value} AS found FROM (SELECT ARRAY[7, 8] AS a) AS t").rows == [(8,)]  # noqa: S608


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a[3]", "3 is no index of the array"),
        ("a[n]", "0 is no index of the array"),
        ("split('x,y', ',')[3]", "3 is no index of the array"),
        ("transform(ARRAY[a], x -> x[n + 4])[1]", "4 is no index of the array"),
        ("map(a, a)[6]", "6 is no key of the map"),
        ("map(ARRAY['k'], ARRAY[1])['l']", "l is no key of the map"),
        ("element_at(a, n)", "0 is no index: it must be a whole number, and not 0"),
        ("slice(a, n, 1)", "0 is no index: it must be a whole number, and not 0"),
    ],
)
def test_an_index_or_a_key_that_is_absent_is_refused(lake: Lake, value: str, problem: str) -> None:
    sql = f"SELECT {value} AS found FROM (VALUES (ARRAY[7, 8], 0)) AS t (a, n)"  # noqa: S608

    with pytest.raises(QueryError) as refused:
        lake.query(sql)

    assert problem in str(refused.value)


@pytest.mark.parametrize(
    "value",
    [
        *("a[n]", "a[3]", "map(a, a)[6]", "element_at(a, n)"),
        *("slice(a, n, 1)", "slice(a, 0, 1)", "slice(ARRAY[7], 0, 1)", "slice(ARRAY[7], 1 - 1, 1)", "a[n] + a[n]"),
        *("1 / n + 1 / n", "CASE WHEN 1 / 0 > 1 THEN 1 ELSE 2 END", "CAST('x' AS integer) * CAST('x' AS integer)"),
    ],
)
def test_what_fails_is_null_in_a_try(lake: Lake, value: str) -> None:
    assert lake.query(f"SELECT try({value}) FROM (VALUES (ARRAY[7, 8], 0)) AS t (a, n)").rows == [(None,)]  # noqa: S608


@pytest.mark.parametrize(
    ("value", "found"),
    [
        *(("a[n]", 8), ("a[CAST(NULL AS integer)]", None), ("CAST(NULL AS array(integer))[1]", None)),
        *(("element_at(a, 3)", None), ("element_at(a, -3)", None), ("element_at(map(a, a), 6)", None)),
        *(("CAST(NULL AS map(integer, integer))[1]", None), ("map(a, a)[CAST(NULL AS integer)]", None)),
    ],
)
def test_an_index_or_a_key_that_athena_accepts_is_taken(lake: Lake, value: str, found: int | None) -> None:
    assert lake.query(f"SELECT {value} FROM (VALUES (ARRAY[7, 8], 2)) AS t (a, n)").rows == [(found,)]  # noqa: S608


@pytest.mark.parametrize("value", ["a[1.9]", "a[1e0]", "element_at(a, 1.9)", "split_part('a', ',', 1.9)"])
def test_an_index_with_a_fraction_is_refused(lake: Lake, value: str) -> None:
    with pytest.raises(QueryError, match="must be a whole number: write CAST"):
        lake.query(f"SELECT {value} FROM (VALUES (ARRAY[7, 8], 2)) AS t (a, n)")  # noqa: S608


def test_several_indexes_in_one_pair_of_brackets_are_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match=r"^line 1, column 21: this is not valid SQL in Athena\n"):
        lake.query("SELECT ARRAY[1, 2][1, 2]")


@pytest.mark.parametrize(
    "value",
    [
        "s[1]",
        "element_at(s, 1)",
        "slice(s, 1, 2)",
        "upper(s)[1]",
        "(s || 'f')[1]",
        "format('%s', s)[1]",
        "replace(s, 'a', 'b')[1]",
        "regexp_extract(s, 'a')[1]",
        "split_part(s, ',', 1)[1]",
        "split(s, ',')[1][1]",
        "CAST(s AS varchar(4))[1]",
        "max(s) OVER ()[1]",
        "ARRAY[s][1][1]",
        "map(ARRAY[1], ARRAY[s])[1][1]",
        "transform(ARRAY[s], x -> x[1])",
        "?[1]",
        "element_at(?, 1)",
    ],
)
def test_an_index_of_a_text_is_refused(lake: Lake, value: str) -> None:
    with pytest.raises(QueryError, match=r"is text, and not an array: use substr\(\) for a part of it$"):
        lake.query(f"SELECT {value} AS found FROM (SELECT 'abcde' AS s) AS t", ["abc"] * value.count("?"))  # noqa: S608
