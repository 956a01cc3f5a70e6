"""The figures of a report add up: each is computed again from others of the same page."""

from datetime import date
from itertools import chain
from pathlib import Path

import pytest

from patchlake_cli.lake.engine import open_lake_as_of
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.report import reading
from patchlake_cli.report.figures import Details, Figures
from patchlake_cli.report.node_figures import Compliance
from patchlake_cli.report.page import render_page
from patchlake_cli.report.reading import read_figures
from tests.analytics.synthetic import collected, listed, unread, write_run

DAYS = [date(2026, 11, day) for day in (1, 2, 10, 13)]
"""The days of the story with a published run; its last one read neither all targets nor all nodes."""


@pytest.fixture(scope="module", params=DAYS, ids=str)
def figures(request: pytest.FixtureRequest, story_folder: Path) -> Figures:
    for name in ("NODES_SHOWN", "GROUPS_SHOWN", "PLATFORMS_SHOWN", "ACCOUNTS_SHOWN", "TARGETS_SHOWN"):
        # A list that is cut has its number of rows, which other tests compare.
        assert getattr(reading, name) >= 25
    return read_figures(open_lake_as_of(LakeLocation(str(story_folder)), request.param))


@pytest.fixture(scope="module")
def details(figures: Figures) -> Details:
    assert figures.details is not None
    return figures.details


def states(row: Compliance) -> tuple[int, int, int, int]:
    """Return the numbers of nodes of a row; those of a row that was not read add nothing."""
    return (
        row.nodes_listed or 0,
        row.nodes_compliant or 0,
        row.nodes_unknown or 0,
        row.nodes_non_compliant or 0,
    )


def total(*rows: Compliance) -> tuple[int, ...]:
    """Add the numbers of nodes of several rows."""
    return tuple(map(sum, zip((0, 0, 0, 0), *map(states, rows), strict=True)))


def test_every_row_is_the_sum_of_its_three_states(details: Details) -> None:
    rows = chain(
        [details.fleet], details.trend, details.accounts.rows, details.platforms.rows, details.patch_groups.rows
    )

    for row in rows:
        nodes, compliant, unknown, non_compliant = states(row)
        assert nodes == compliant + unknown + non_compliant


def test_accounts_platforms_groups_and_the_last_day_of_the_trend_are_the_fleet(details: Details) -> None:
    fleet = states(details.fleet)

    assert total(*details.accounts.rows) == fleet
    assert total(*details.platforms.rows) == fleet
    assert states(details.trend[-1]) == fleet
    nodes, compliant, unknown, non_compliant = total(*details.patch_groups.rows)
    # A node without a known group is unknown.
    ungrouped = details.ungrouped.listed
    assert (nodes + ungrouped, compliant, unknown + ungrouped, non_compliant) == fleet


def test_targets_are_read_unread_or_not_active(figures: Figures, details: Details) -> None:
    run, targets = figures.run, details.coverage.rows

    assert (run.targets_total, run.targets_not_active) == (
        (run.targets_read or 0) + details.unread.targets,
        sum(target.listing_status == "ACCOUNT_NOT_ACTIVE" for target in targets),
    )
    assert len(targets) == (run.targets_total or 0) + (run.targets_not_active or 0)
    assert sum(account.targets_read for account in details.accounts.rows) == run.targets_read
    assert sum(account.targets_total for account in details.accounts.rows) == run.targets_total
    assert sum(reason.how_many for reason in details.unread_targets) == details.unread.targets
    assert details.left_targets.total == details.not_planned.targets == run.targets_not_planned
    assert sum(account.targets_not_planned for account in details.accounts.rows) == run.targets_not_planned


def test_the_nodes_of_the_coverage_are_those_of_the_fleet(details: Details) -> None:
    targets = details.coverage.rows
    reasons = {reason.reason: reason.how_many for reason in details.unknown_nodes}

    assert sum(target.nodes_listed or 0 for target in targets) == details.fleet.nodes_listed
    assert sum(target.nodes_no_patch_state or 0 for target in targets) == reasons.get("NO_PATCH_STATE", 0)
    assert sum(target.nodes_not_collected or 0 for target in targets) == reasons.get("NOT_COLLECTED", 0)
    assert sum(target.nodes_invalid_response or 0 for target in targets) == reasons.get("INVALID_RESPONSE", 0)
    assert sum(reasons.values()) == details.fleet.nodes_unknown


def test_unread_nodes_are_the_last_known_ones_of_targets_not_read_or_no_longer_planned(details: Details) -> None:
    last_known = (details.unread.last_known_nodes or 0) + (details.not_planned.last_known_nodes or 0)

    assert sum(platform.nodes_unread for platform in details.platforms.rows) == last_known
    assert sum(group.nodes_unread for group in details.patch_groups.rows) + details.ungrouped.unread == last_known


def test_the_oldest_nodes_are_the_non_compliant_ones_and_those_that_became_unknown(details: Details) -> None:
    now = {state.reason: state.how_many for state in details.overdue_states}

    assert now.get("NON_COMPLIANT", 0) == details.fleet.nodes_non_compliant
    assert sum(now.values()) == details.overdue.total == sum(age.nodes for age in details.ages)


def test_the_changed_nodes_are_those_of_all_kinds(details: Details) -> None:
    assert sum(details.changes_by_kind.values()) == details.changes.total


def test_the_page_connects_the_oldest_nodes_with_the_non_compliant_ones(tmp_path: Path) -> None:
    first, last = "20261101T060000Z", "20261102T060000Z"
    bad = {"missing_count": 1}
    write_run(
        tmp_path,
        first,
        [listed(3), listed(1, region="us-east-1")],
        [
            *(collected(first, number, **bad) for number in range(3)),
            collected(first, 3, region="us-east-1", **bad),
        ],
    )
    write_run(
        tmp_path,
        last,
        [listed(3), unread(region="us-east-1")],
        [
            *(collected(last, number, **bad) for number in range(2)),
            collected(last, 2, collection_status="NOT_COLLECTED"),
        ],
    )

    page = render_page(read_figures(open_lake_as_of(LakeLocation(str(tmp_path)), date(2026, 11, 2))))

    assert (
        "4 nodes were non-compliant and have not been seen compliant since. 2 are non-compliant in this run; " in page
    )
    assert (
        "1 is now unknown (NOT_COLLECTED); 1 is in a target that this run did not read (TARGET_NOT_READ). “≥” marks"
        in page
    )
    assert (
        "1 of the 3 listed nodes is unknown: it is not known whether it is compliant. The nodes of the 1 target" in page
    )
