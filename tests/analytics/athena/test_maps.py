"""Maps with the same entries are equal, in whatever order these were written."""

import pytest

from patchlake_cli.lake.catalogue import empty_lake
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

ONE = "map(ARRAY['a', 'b'], ARRAY[1, 2])"
MAPS = [
    "map(ARRAY['b', 'a'], ARRAY[2, 1])",
    "map_concat(map(ARRAY['b'], ARRAY[2]), map(ARRAY['a'], ARRAY[1]))",
    "MAP_CONCAT(map(ARRAY['b', 'a'], ARRAY[3, 1]), map(ARRAY['b'], ARRAY[2]))",
    "CAST(map(ARRAY['b', 'a'], ARRAY['2', '1']) AS map(varchar, integer))",
    "try_cast(map(ARRAY['b', 'a'], ARRAY['2', '1']) AS map(varchar, integer))",
    "if(true, map(ARRAY['b', 'a'], ARRAY[2, 1]))",
    "(SELECT CAST(histogram(x) AS map(varchar, integer)) FROM (VALUES 'b', 'a', 'b') AS t (x))",
]


@pytest.mark.parametrize("other", MAPS)
@pytest.mark.parametrize(
    "comparison",
    [
        "m = n",
        "NOT m <> n",
        "m IN (n)",
        "ARRAY[m] = ARRAY[n]",
        "contains(ARRAY[m], n)",
        "map(ARRAY[1], ARRAY[m]) = map(ARRAY[1], ARRAY[n])",
        "1 = (SELECT count(DISTINCT x) FROM UNNEST(ARRAY[m, n]) AS u (x))",
    ],
)
def test_maps_with_the_same_entries_are_equal(other: str, comparison: str) -> None:
    sql = f"SELECT {comparison} AS same FROM (SELECT {ONE} AS m, {other} AS n) AS t"  # noqa: S608

    assert empty_lake().query(sql).rows == [(True,)]


@pytest.mark.parametrize("other", MAPS)
def test_maps_with_the_same_entries_are_one_row(other: str) -> None:
    assert len(empty_lake().query(f"SELECT {ONE} AS m UNION SELECT {other}").rows) == 1


def test_maps_whose_keys_become_texts_are_equal() -> None:
    texts = "CAST(map(ARRAY[9, 10], ARRAY[1, 2]) AS map(varchar, integer))"

    assert empty_lake().query(f"SELECT {texts} = map(ARRAY['10', '9'], ARRAY[2, 1]) AS same").rows == [(True,)]


@pytest.mark.parametrize(
    "condition",
    ["map(ARRAY['a'], ARRAY[1]) <> map(ARRAY['a'], ARRAY[2])", "map() = map()", "map(NULL, NULL) IS NULL"],
)
def test_maps_of_other_entries_of_none_and_of_nothing_are_what_they_were(condition: str) -> None:
    assert empty_lake().query(f"SELECT {condition} AS found").rows == [(True,)]


def test_a_cast_of_maps_within_an_array_is_refused() -> None:
    with pytest.raises(QueryError, match="is not supported: cast each map by itself"):
        empty_lake().query("SELECT CAST(ARRAY[map(ARRAY[9, 10], ARRAY[1, 2])] AS array(map(varchar, integer))) AS x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("cardinality(ARRAY[1]) - 2", -1),
        ("-cardinality(map(ARRAY['a'], ARRAY[1]))", -1),
        ("element_at(histogram(a), 'x') - 5", -3),
        ("(histogram(a) FILTER (WHERE a = 'y'))['y'] - 5", -4),
        ("element_at(histogram(a), 'z') - 5", None),
        ("histogram(a) FILTER (WHERE a = 'z')", None),
    ],
)
def test_a_count_in_a_map_or_of_its_entries_has_a_sign(lake: Lake, value: str, expected: int | None) -> None:
    sql = f"SELECT {value} AS n FROM (VALUES 'x', 'x', 'y') AS t (a)"  # noqa: S608

    assert set(lake.query(sql).rows) == {(expected,)}


def test_a_histogram_over_a_window_has_signs_too(lake: Lake) -> None:
    sql = "SELECT element_at(histogram(a) OVER (PARTITION BY a), a) - 3 AS n FROM (VALUES 'x', 'x', 'y') AS t (a)"

    assert sorted(lake.query(sql).rows) == [(-2,), (-1,), (-1,)]
