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
from tests.analytics.scorecard_recomputation import Card, overdue_days, scorecards

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
OF_LINES = (
    "lines_overdue",
    "lines_possibly_overdue",
    "lines_excepted",
    "lines_exception_expired",
    "nodes_overdue",
    "lines_begun",
    "lines_remediated",
    "median_days",
)
"""The columns of a scorecard about lines of patches."""
NAMES = {"sla_breaches", "policy_problems", "scorecards", "scorecard_trend", "runs"}
VIEWS = [view for view in views() if view.name in NAMES]
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

        owed = list(breaches(rows, tables, policy, NEWEST))
        computed = [tuple(map(str, row.values())) for row in owed]
        assert sorted(tuple(str(row[name]) for name in COMPUTED) for row in answers["sla_breaches"]) == sorted(computed)
        check_scorecards(answers["scorecards"], scorecards(rows, owed, tables, NEWEST), tables)
        check_trend(answers, overdue_days(rows, tables, policy, NEWEST), tables)
        problems = [row["policy"] for row in answers["policy_problems"]]
        assert problems.count("sla") == policy.bad_deadlines
        assert problems.count("exceptions") == policy.bad_exceptions


def check_scorecards(answered: Sequence[Row], computed: Mapping[Card, Row], tables: Tables) -> None:
    """Compare the columns about lines, of every row."""
    is_read = patches_were_read(tables)
    found = {
        (
            row["scope"], row["account_id"], row["patch_group"],
            row["tag_key"], row["tag_status"], row["tag_value"],
        ): row
        for row in answered
    }  # fmt: skip
    assert set(computed) <= set(found)
    for card, row in found.items():
        nothing = 0 if is_any_patch_known(row, row["patches_status"]) else None
        figures = {**dict.fromkeys(OF_LINES, nothing), "median_days": None, **computed.get(card, {})}
        if not is_read:
            figures |= dict.fromkeys(OF_LINES[:5])
        if row["nodes_listed"] is None:
            figures |= dict.fromkeys(("lines_overdue", "nodes_overdue"))
        assert {name: row[name] for name in OF_LINES} == figures, card


def check_trend(
    answers: Mapping[str, Sequence[Row]], computed: Mapping[tuple[str, str | None], int], tables: Tables
) -> None:
    """Compare the overdue lines of the fleet and of the accounts, on every day."""
    status_of = {row["run_id"]: row["patches_status"] for row in answers["runs"]}
    rows = {
        (row["run_date"], row["account_id"]): row
        for row in answers["scorecard_trend"]
        if row["scope"] in {"FLEET", "ACCOUNT"}
    }
    found = {key: row["lines_overdue"] for key, row in rows.items()}
    assert set(computed) <= set(found)
    if not patches_were_read(tables):
        assert set(found.values()) == {None}
    else:
        assert found == {
            key: computed.get(key, 0 if is_any_patch_known(row, status_of[row["run_id"]]) else None)
            for key, row in rows.items()
        }


def is_any_patch_known(row: Row, patches_status: str) -> bool:
    """Whether a run with this status of patches shows the patches of a node of the row: of a compliant one, it does."""
    known = {"COMPLETE": ("nodes_compliant", "nodes_non_compliant"), "PARTIAL": ("nodes_compliant",)}
    return any(row[name] for name in known.get(patches_status, ()))


def patches_were_read(tables: Tables) -> bool:
    """Whether the newest run asked for patches and published them."""
    counted = [row["patches_rows"] for row in tables["coverage"] if row["run_id"] == NEWEST and "patches_rows" in row]
    return bool(counted) and sum(filter(None, counted)) == sum(row["run_id"] == NEWEST for row in tables["patches"])
