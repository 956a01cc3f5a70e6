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
