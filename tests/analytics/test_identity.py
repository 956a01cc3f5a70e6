"""A node is its account, its region and its id together: the same id elsewhere is another node."""

import pytest

from patchlake.core.run import run_at
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.location import LakeLocation
from tests.analytics.rows import pick, view
from tests.analytics.synthetic import collected, listed, write_run

FIRST, SECOND = "20261110T060000Z", "20261111T060000Z"
ID = "i-00000001"
HERE, THERE, ALONE = "111122223333", "222233334444", "333344445555"
WORSE, SAME, BETTER, GONE = (
    {"account_id": HERE, "region": "eu-central-1"},
    {"account_id": HERE, "region": "eu-west-1"},
    {"account_id": ALONE, "region": "us-east-1"},
    {"account_id": THERE, "region": "eu-central-1"},
)
"""Four targets, each with a node of the same id, by its state; one shares neither account nor region."""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("identity")
    bad = {"missing_count": 1}
    write_run(
        folder,
        FIRST,
        [listed(1, **target) for target in (WORSE, SAME, BETTER, GONE)],
        [collected(FIRST, 1, **WORSE), *(collected(FIRST, 1, **target, **bad) for target in (SAME, BETTER, GONE))],
    )
    write_run(
        folder,
        SECOND,
        [*(listed(1, **target) for target in (WORSE, SAME, BETTER)), listed(0, **GONE)],
        [*(collected(SECOND, 1, **target, **bad) for target in (WORSE, SAME)), collected(SECOND, 1, **BETTER)],
    )
    return open_lake(LakeLocation(str(folder)), now=run_at("20261111T120000Z"))


def test_each_has_a_state_of_its_own(lake: Lake) -> None:
    expected = [
        (HERE, "eu-central-1", "NON_COMPLIANT"),
        (HERE, "eu-west-1", "NON_COMPLIANT"),
        (ALONE, "us-east-1", "COMPLIANT"),
    ]

    assert view(lake, "latest_patch_states", "account_id", "region", "compliance_status") == expected
    assert view(lake, "latest_known_nodes", "account_id", "region", "compliance_status") == expected


def test_each_has_a_clock_of_its_own(lake: Lake) -> None:
    columns = ("account_id", "region", "days_non_compliant", "is_lower_bound", "days_unobserved")

    assert view(lake, "days_non_compliant", *columns) == [
        (HERE, "eu-central-1", 0, False, 0),
        (HERE, "eu-west-1", 1, True, 0),
    ]


def test_each_changes_by_itself(lake: Lake) -> None:
    expected = {
        ("NEWLY_NON_COMPLIANT", HERE, "eu-central-1"),
        ("REMEDIATED", ALONE, "us-east-1"),
        ("VANISHED", THERE, "eu-central-1"),
    }

    changes = view(lake, "changes_since_previous_run", "change", "account_id", "region")
    since = pick(lake.named("changes_since", ["2026-11-10"]), "change", "account_id", "region")

    assert (len(changes), set(changes)) == (3, expected)
    assert (len(since), set(since)) == (3, expected)


def test_only_the_one_that_is_gone_was_seen_last_before(lake: Lake) -> None:
    assert view(lake, "nodes_last_seen", "account_id", "region", "reason", "last_seen_run_id") == [
        (THERE, "eu-central-1", "VANISHED", FIRST)
    ]


def test_each_has_a_history_of_its_own(lake: Lake) -> None:
    history = pick(lake.named("node_history", [ID]), "run_id", "account_id", "region", "presence", "compliance_status")

    assert history == [
        (SECOND, HERE, "eu-central-1", "LISTED", "NON_COMPLIANT"),
        (SECOND, HERE, "eu-west-1", "LISTED", "NON_COMPLIANT"),
        (SECOND, THERE, "eu-central-1", "ABSENT", None),
        (SECOND, ALONE, "us-east-1", "LISTED", "COMPLIANT"),
        (FIRST, HERE, "eu-central-1", "LISTED", "COMPLIANT"),
        (FIRST, HERE, "eu-west-1", "LISTED", "NON_COMPLIANT"),
        (FIRST, THERE, "eu-central-1", "LISTED", "NON_COMPLIANT"),
        (FIRST, ALONE, "us-east-1", "LISTED", "NON_COMPLIANT"),
    ]


def test_each_counts_in_its_own_account_and_region(lake: Lake) -> None:
    columns = ("account_id", "region", "nodes_compliant", "nodes_non_compliant")

    assert view(lake, "compliance_by_target", *columns) == [
        (HERE, "eu-central-1", 0, 1),
        (HERE, "eu-west-1", 0, 1),
        (THERE, "eu-central-1", 0, 0),
        (ALONE, "us-east-1", 1, 0),
    ]
