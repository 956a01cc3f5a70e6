"""The breaches of a policy: sixty days that a computation without SQL confirms, and what unread tags may never do."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from patchlake_cli.lake.policy import OBJECT_PATH, POLICY_TABLES, folder_of, read_lines
from patchlake_cli.lake.statements import views
from tests.analytics.clock_fleet import FIRST, blinded, lives, run_of
from tests.analytics.clock_recomputation import clocks
from tests.analytics.materialized import MaterializedViews
from tests.analytics.policy_fleet import Policy, policy_of, tagged
from tests.analytics.policy_recomputation import breaches, read_policy

DAYS = 60
NEWEST = run_of(DAYS - 1)
COMPUTED = (
    "account_id",
    "region",
    "instance_id",
    "line",
    "breach_status",
    "overdue_status",
    "reason",
    "strictest_days",
    "longest_days",
    "excepted_until",
)
VIEWS = [view for view in views() if view.name in {"sla_breaches", "policy_problems"}]
AFTER_ALL = MaterializedViews(VIEWS, FIRST + timedelta(days=DAYS - 1, hours=6))

type Row = Mapping[str, Any]
type Tables = Mapping[str, Sequence[Row]]


def with_policy(tables: Tables, policy: Policy) -> dict[str, Sequence[Row]]:
    """Return the tables of a lake, and those of a policy as the command reads them."""
    return {
        **tables,
        **{
            table.name: [
                {**dict(zip(table.column_names, line.cells, strict=True)), OBJECT_PATH: name}
                for name, text in policy[folder_of(table)].items()
                for line in read_lines(table, text.encode())
            ]
            for table in POLICY_TABLES
        },
    }


@pytest.mark.parametrize("seed", range(4))
def test_sixty_days_have_the_breaches_that_a_computation_without_sql_has(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # the days are to be repeated
    tables = tagged(random, blinded(random, lives(random, nodes=24, days=DAYS), often=0.05).tables())
    rows = clocks(tables)
    for files in (policy_of(random, NEWEST) for _ in range(3)):
        policy = read_policy(files)

        answers = AFTER_ALL.answers(with_policy(tables, files))

        computed = [tuple(map(str, row.values())) for row in breaches(rows, tables, policy, NEWEST)]
        assert sorted(tuple(str(row[name]) for name in COMPUTED) for row in answers["sla_breaches"]) == sorted(computed)
        problems = [row["policy"] for row in answers["policy_problems"]]
        assert problems.count("sla") == policy.bad_deadlines
        assert problems.count("exceptions") == policy.bad_exceptions
