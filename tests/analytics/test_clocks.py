"""The clocks: sixty days that a computation without SQL confirms, and the laws that hold whatever is unread."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patchlake_cli.lake.statements import views
from tests.analytics.clock_fleet import FIRST, REFUSED, TARGETS, Days, blinded, lives, rescanned, run_of
from tests.analytics.clock_recomputation import clocks, groups_of, node_ages, remediation
from tests.analytics.materialized import MaterializedViews

DAYS = 60
SHORT = 9
NAMES = ("patch_age", "line_age", "node_age", "remediation")
VIEWS = [view for view in views() if view.name in NAMES]
AFTER_ALL = MaterializedViews(VIEWS, FIRST + timedelta(days=DAYS - 1, hours=6))
AFTER_FEW = MaterializedViews(VIEWS, FIRST + timedelta(days=SHORT - 1, hours=6))

type Row = Mapping[str, Any]


def same(answered: Iterable[Row], computed: Sequence[Row]) -> None:
    """Compare the columns that were computed, row for row."""
    names = list(computed[0]) if computed else []
    order = [tuple(str(row[name]) for name in names) for row in answered]
    assert sorted(order) == sorted(tuple(map(str, row.values())) for row in computed)


@pytest.mark.parametrize("seed", range(6))
def test_sixty_days_have_the_clocks_that_a_computation_without_sql_has(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # the days are to be repeated
    told = rescanned(random, blinded(random, lives(random, nodes=24, days=DAYS), often=0.05), often=0.05)
    tables = told.tables()

    answers, rows = AFTER_ALL.answers(tables), clocks(tables)

    assert {row["outcome"] for row in rows} == {"OPEN", "REPLACED", "REMEDIATED", "RESCOPED", "NODE_GONE"}
    same(answers["patch_age"], [without(row, "clock") for row in rows if row["clock"] == "PATCH"])
    same(answers["line_age"], [without(row, "clock", "kb_id", "title") for row in rows if row["clock"] == "LINE"])
    same(answers["node_age"], node_ages(rows))
    same(answers["remediation"], remediation(rows, groups_of(tables)))


def without(row: Row, *names: str) -> Row:
    """Return the other columns of a row."""
    return {name: value for name, value in row.items() if name not in names}


def short_lives() -> st.SearchStrategy[tuple[Days, Days]]:
    """Return a few days of a few nodes, as they were read and with more of them unread; random ones find more."""
    return st.randoms(use_true_random=True).map(_short_lives)


def _short_lives(random: Random) -> tuple[Days, Days]:
    told = blinded(random, lives(random, nodes=6, days=SHORT, moves_back=False), often=0.05)
    return told, blinded(random, told, often=0.2)


slow = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(short_lives())
def test_what_was_not_read_never_invents_a_remediation(told: tuple[Days, Days]) -> None:
    before, after = (remediated(days) for days in told)

    assert {line: number for line, number in after.items() if number > before.get(line, 0)} == {}


def remediated(days: Days) -> dict[tuple[str, ...], int]:
    """Count the remediations of each line of each node."""
    found: dict[tuple[str, ...], int] = {}
    for row in AFTER_FEW.answers(days.tables())["line_age"]:
        if row["outcome"] == "REMEDIATED":
            found[place(row)] = found.get(place(row), 0) + 1
    return found


@slow
@given(short_lives(), st.integers(1, SHORT - 2))
def test_a_run_that_read_no_node_neither_starts_nor_stops_a_clock(told: tuple[Days, Days], day: int) -> None:
    days, _ = told
    unread = replace(days, of_target={**days.of_target, **{(day, target): REFUSED for target in range(len(TARGETS))}})
    tables = unread.tables()
    without_it = {name: [row for row in rows if row["run_id"] != run_of(day)] for name, rows in tables.items()}

    assert ages(tables) == ages(without_it)


def ages(tables: Mapping[str, Sequence[Row]]) -> list[tuple[Any, ...]]:
    """Return each streak with all that its clock says."""
    names = ("instance_id", "line", "outcome", "opened_at", "last_open_at", "ended_at", "days_open", "is_lower_bound")
    return sorted(tuple(row[name] for name in names) for row in AFTER_FEW.answers(tables)["line_age"])


@slow
@given(short_lives())
def test_what_the_newest_run_saw_open_is_open_and_what_it_did_not_read_is_not_remediated(
    told: tuple[Days, Days],
) -> None:
    days, _ = told
    newest = SHORT - 1
    blind = replace(days, of_target={**days.of_target, **{(newest, target): REFUSED for target in range(len(TARGETS))}})
    before, after = (AFTER_FEW.answers(each.tables())["line_age"] for each in (days, blind))

    seen = {place(row) for row in before if row["last_open_run_id"] == run_of(newest)}
    assert seen == {place(row) for row in before if row["is_confirmed"]}
    ended = {(*place(row), row["ended_at"]) for row in before if row["outcome"] == "REMEDIATED"}
    assert {(*place(row), row["ended_at"]) for row in after if row["outcome"] == "REMEDIATED"} <= ended
    assert not any(row["is_confirmed"] for row in after)


def place(row: Row) -> tuple[str, ...]:
    """Return the line that a row is about, and its node."""
    return row["account_id"], row["region"], row["instance_id"], row["line"]
