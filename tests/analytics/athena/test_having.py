"""The columns of HAVING: they have their types there, as everywhere in a SELECT."""

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import QueryError

GROUPS = "SELECT k FROM (VALUES (1, 3), (2, 10)) AS t (k, n) GROUP BY k HAVING {}"
"""The group 1 has the number 3, and the group 2 the number 10."""


@pytest.mark.parametrize(
    ("condition", "groups"),
    [
        ("max(n) = 3.4", []),
        ("max(n) = '3.4'", []),
        ("max(n) = ?", []),
        ("max(n) > '9.6'", [2]),
        ("max(n) / 2 = 1", [1]),
        ("max(n) / 2 < 2 AND (SELECT max(n) FROM (VALUES 7) AS u (n)) = 7", [1]),
        ("cardinality(filter(array_agg(n), n -> n > 5)) = 1", [2]),
    ],
)
def test_a_condition_of_groups_is_answered_as_one_of_rows(lake: Lake, condition: str, groups: list[int]) -> None:
    assert lake.query(GROUPS.format(condition), ["3.4"] * condition.count("?")).rows == [(group,) for group in groups]


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        ("count_if(n) > 0", "t.n is a number, and a condition must be a boolean"),
        ("max(n) + '1' > 0", "'1' is text: write CAST"),
    ],
)
def test_types_that_do_not_fit_are_refused(lake: Lake, condition: str, complaint: str) -> None:
    with pytest.raises(QueryError, match=complaint):
        lake.query(GROUPS.format(condition))


def test_a_column_is_no_alias_of_its_name(lake: Lake) -> None:
    sql = "SELECT k, max(n) AS n FROM (VALUES (1, 3), (2, 10)) AS t (k, n) GROUP BY k HAVING max(n) > 5"

    assert lake.query(sql).rows == [(2, 10)]


@pytest.mark.parametrize(
    ("condition", "groups"),
    [
        ("k > 1", [2, 3]),
        ("count(k) = 1 AND k <> 2", [1, 3]),
        ("k / 2 = 1", [2, 3]),
        ("max(k) = '1.4'", []),
        ("K IN (SELECT max(n) FROM (VALUES 3) AS u (n))", [3]),
    ],
)
@pytest.mark.parametrize("selected", ["k", "max(k) AS k", "min(k) AS n"])
def test_a_column_of_using_is_that_of_both_tables(lake: Lake, selected: str, condition: str, groups: list[int]) -> None:
    tables = "(VALUES 1, 2) AS a (k) FULL JOIN (VALUES 2, 3) AS b (k) USING (k)"
    sql = f"SELECT {selected} FROM {tables} GROUP BY k HAVING {condition}"  # noqa: S608

    assert sorted(lake.query(sql).rows) == [(group,) for group in groups]


def test_a_column_of_two_tables_without_using_is_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match='Ambiguous reference to column name "k"'):
        lake.query(
            "SELECT 1 AS n FROM (VALUES 1) AS a (k) CROSS JOIN (VALUES 2) AS b (k) GROUP BY a.k HAVING max(k) > 1"
        )
