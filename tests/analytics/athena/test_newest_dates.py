"""The dates of the newest run that the engine names next to ``is_latest``."""

from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings

from patchlake_cli.lake.athena.newest_dates import NewestDates, is_marked
from patchlake_cli.lake.athena.translation import translate
from patchlake_cli.lake.statements import Settings, views
from tests.analytics.histories import History, histories
from tests.analytics.materialized import MaterializedViews

NOW = datetime(2026, 11, 27, tzinfo=UTC)
DATES = NewestDates(run=("2026-11-26",), last_read=("2026-11-25", "2026-11-26"))
LISTED = "SELECT 1 AS n FROM node_states AS s JOIN target_listings AS t ON s.run_date = t.last_read_date"
CHANGED = [
    view
    for view in views()
    if translate(view.render(Settings()), NOW, DATES) != translate(view.render(Settings()), NOW)
]
VIEWS = MaterializedViews([view for view in views() if is_marked(view.name)], NOW)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT region FROM runs WHERE is_latest", "WHERE (is_latest AND run_date = '2026-11-26')"),
        (
            "SELECT 1 AS n FROM tags AS t JOIN covered_runs AS r ON r.run_id = t.run_id AND r.is_latest",
            "AND (r.is_latest AND r.run_date = '2026-11-26')",
        ),
        ("SELECT run_id FROM runs WHERE NOT is_latest", "NOT (is_latest AND run_date = '2026-11-26')"),
        (
            f"{LISTED} WHERE t.is_latest AND t.is_active",
            "ON (s.run_date = t.last_read_date AND (s.run_date = '2026-11-25' OR s.run_date = '2026-11-26'))",
        ),
    ],
)
def test_a_condition_on_the_newest_run_names_its_date(sql: str, expected: str) -> None:
    assert expected in translate(sql, NOW, DATES)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT is_latest FROM runs",
        "SELECT run_id FROM history_runs WHERE is_latest",
        "WITH runs AS (SELECT true AS is_latest) SELECT 1 AS n FROM runs WHERE is_latest",
        "SELECT 1 AS n FROM runs AS a CROSS JOIN severity_ranks AS b WHERE is_latest",
        LISTED,
        "SELECT 1 AS n FROM node_states AS s JOIN tags AS t ON s.run_date = t.last_read_date WHERE t.is_latest",
    ],
)
def test_other_statements_are_left_as_they_are(sql: str) -> None:
    assert translate(sql, NOW, DATES) == translate(sql, NOW)


def test_a_date_of_a_listing_is_named_only_where_every_row_is_of_the_newest_run() -> None:
    assert "2026-11-25" not in translate(f"{LISTED} WHERE t.is_latest OR t.is_active", NOW, DATES)


def test_without_a_newest_run_no_date_is_named() -> None:
    sql = "SELECT region FROM runs WHERE is_latest"

    assert "run_date" not in translate(sql, NOW)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_each_row_of_the_newest_run_has_its_date(history: History) -> None:
    found = VIEWS.answers(history.tables(history.after))

    dates = {row["run_date"] for row in found["covered_runs"] if row["is_latest"]}
    for rows in found.values():
        assert {row["run_date"] for row in rows if row["is_latest"]} <= dates


@cache
def views_naming(dates: NewestDates) -> MaterializedViews:
    return MaterializedViews(CHANGED, NOW, dates)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_the_dates_change_no_answer(history: History) -> None:
    tables = history.tables(history.after)
    expected = views_naming(NewestDates()).answers(tables)
    listings = [row for row in VIEWS.answers(tables)["target_listings"] if row["is_latest"]]
    dates = NewestDates(
        run=tuple({row["run_date"] for row in listings}),
        last_read=tuple(sorted({row["last_read_date"] for row in listings} - {None})),
    )

    found = views_naming(dates).answers(tables)

    assert {name: sorted(map(str, rows)) for name, rows in found.items()} == {
        name: sorted(map(str, rows)) for name, rows in expected.items()
    }
