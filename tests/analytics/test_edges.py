"""Lakes at the edges: no node, no run, nothing read, a target that was never read."""

from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from patchlake.core.run import run_at
from patchlake.core.tables import ColumnType
from patchlake.sources.patch_states import PATCH_STATES
from patchlake_cli.lake.engine import open_lake
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.statements import HISTORY, Settings, views
from tests.analytics import story
from tests.analytics.rows import pick, view
from tests.analytics.synthetic import collected, listed, unread, write_run
from tests.world import HOME

FIRST, SECOND = "20261110T060000Z", "20261111T060000Z"
NOW = run_at("20261111T120000Z")


def test_a_run_without_nodes_is_published_and_its_percentage_is_not_100(tmp_path: Path) -> None:
    world = story.new_world()
    story.run(world, SECOND)
    story.write_lake(world, tmp_path)

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert view(lake, "runs", "run_status", "is_latest", "nodes_listed", "run_coverage") == [
        ("COMPLETE", True, 0, "4 of 4 targets read")
    ]
    assert view(lake, "compliance_overall", "nodes_listed", "nodes_compliant", "compliant_percent") == [(0, 0, None)]
    assert view(lake, "compliance_trend", "nodes_listed", "compliant_percent") == [(0, None)]
    assert lake.query("SELECT * FROM compliance_by_platform").rows == []


def test_a_run_that_read_no_target_is_published_with_unknown_figures_not_with_zeros(tmp_path: Path) -> None:
    write_run(tmp_path, FIRST, [listed(1)], [collected(FIRST, 1)])
    write_run(tmp_path, SECOND, [unread()], [])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert view(
        lake,
        "compliance_overall",
        "run_id",
        "run_status",
        "run_coverage",
        "nodes_listed",
        "nodes_unknown",
        "compliant_percent",
        "compliant_percent_lower_bound",
    ) == [(SECOND, "PARTIAL", "0 of 1 targets read", None, None, None, 0.0)]


def test_outside_the_window_the_answer_is_no_snapshot_since_and_never_zero_nodes(tmp_path: Path) -> None:
    write_run(tmp_path, FIRST, [listed(1)], [collected(FIRST, 1)])

    lake = open_lake(LakeLocation(str(tmp_path)), now=run_at("20261201T120000Z"), settings=Settings(window_days=20))

    assert view(
        lake, "compliance_overall", "run_id", "run_status", "run_coverage", "nodes_listed", "nodes_unknown"
    ) == [(None, "NO_SNAPSHOT", "no snapshot since 2026-11-11", None, None)]
    of_any_day = {"built_in_deadlines", "scopes", "severity_ranks", "sla_deadlines"}
    of_the_history = {v.name for v in views() if v.name.startswith(HISTORY)}
    for name in {v.name for v in views()} - {"latest_run", "compliance_overall"} - of_any_day - of_the_history:
        assert lake.query(f"SELECT * FROM {name}").rows == []  # noqa: S608


@pytest.mark.parametrize(("window_days", "runs"), [(20, 0), (21, 1)])
def test_the_first_day_of_the_window_belongs_to_it(tmp_path: Path, window_days: int, runs: int) -> None:
    write_run(tmp_path, FIRST, [listed(1)], [collected(FIRST, 1)])

    lake = open_lake(
        LakeLocation(str(tmp_path)), now=run_at("20261201T120000Z"), settings=Settings(window_days=window_days)
    )

    assert len(lake.query("SELECT * FROM runs").rows) == runs


def test_without_the_last_number_of_an_unread_targets_nodes_there_is_no_lower_bound(tmp_path: Path) -> None:
    write_run(tmp_path, SECOND, [listed(1), unread(region="us-east-1")], [collected(SECOND, 1, platform_type="Linux")])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    figures = ("compliant_percent", "compliant_percent_lower_bound")
    assert view(lake, "compliance_overall", *figures) == [(100.0, None)]
    assert view(lake, "compliance_by_account", *figures) == [(100.0, None)]
    assert view(lake, "compliance_by_target", "region", *figures) == [
        ("eu-central-1", 100.0, 100.0),
        ("us-east-1", None, None),
    ]
    assert view(lake, "compliance_by_platform", *figures) == [(100.0, None)]
    assert view(lake, "latest_coverage", "region", "last_known_nodes", "days_since_read") == [
        ("eu-central-1", 1, 0),
        ("us-east-1", None, None),
    ]


def test_breaking_a_role_never_raises_a_score(tmp_path: Path) -> None:
    regions = {"eu-central-1": (3, 1), "eu-west-1": (1, 4), "us-east-1": (5, 0)}
    whole = "20261101T060000Z"
    broken_runs = {f"202611{day:02d}T060000Z": broken for day, broken in enumerate(product([0, 1], repeat=3), start=2)}
    for run_id, broken in {whole: (0, 0, 0), **broken_runs}.items():
        coverage, nodes = [], []
        for (region, (good, bad)), is_broken in zip(regions.items(), broken, strict=True):
            if is_broken:
                coverage.append(unread(region=region))
                continue
            coverage.append(listed(good + bad, region=region))
            nodes += [collected(run_id, number, region=region) for number in range(good)]
            nodes += [collected(run_id, good + number, region=region, missing_count=1) for number in range(bad)]
        write_run(tmp_path, run_id, coverage, nodes)

    scores = dict(
        open_lake(LakeLocation(str(tmp_path)), now=NOW)
        .query("SELECT run_id, compliant_percent_lower_bound FROM compliance_of_runs")
        .rows
    )

    # 9 of 14 nodes are compliant; a broken target removes its compliant nodes but keeps its nodes.
    assert scores[whole] == 64.2
    expected = {(0, 0, 0): 64.2, (0, 0, 1): 28.5, (0, 1, 0): 57.1, (0, 1, 1): 21.4}
    expected |= {(1, 0, 0): 42.8, (1, 0, 1): 7.1, (1, 1, 0): 35.7, (1, 1, 1): 0.0}
    assert {broken: scores[run_id] for run_id, broken in broken_runs.items()} == expected


def test_a_percentage_is_100_only_where_all_nodes_are_compliant(tmp_path: Path) -> None:
    nodes = [collected(SECOND, number) for number in range(1999)]
    write_run(tmp_path, SECOND, [listed(2000)], [*nodes, collected(SECOND, 1999, missing_count=1)])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert view(lake, "compliance_overall", "compliant_percent", "nodes_non_compliant") == [(99.9, 1)]


def test_a_snapshot_with_other_rows_than_its_coverage_counts_is_not_published(tmp_path: Path) -> None:
    write_run(tmp_path, FIRST, [listed(1)], [collected(FIRST, 1)])
    write_run(tmp_path, SECOND, [listed(3)], [collected(SECOND, number) for number in range(2)])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert view(lake, "runs", "run_id", "run_status") == [(FIRST, "COMPLETE"), (SECOND, "UNPUBLISHED")]
    assert view(lake, "latest_patch_states", "run_id") == [(FIRST,)]
    assert view(lake, "node_compliance", "run_id") == [(FIRST,)]
    assert view(lake, "target_runs", "run_id") == [(FIRST,)]


def test_a_node_that_came_back_keeps_the_clock_that_only_compliance_resets(tmp_path: Path) -> None:
    days = [f"202611{day:02d}T060000Z" for day in (5, 6, 7, 8, 9)]
    states = [
        {"missing_count": 1},
        None,
        {"collection_status": "NOT_COLLECTED"},
        {"failed_count": None},
        {"failed_count": 1},
    ]
    for run_id, state in zip(days, states, strict=True):
        nodes = [] if state is None else [collected(run_id, 1, **state)]
        write_run(tmp_path, run_id, [listed(len(nodes))], nodes)

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    columns = ("compliance_status", "days_non_compliant", "is_lower_bound", "days_unobserved")
    assert view(lake, "days_non_compliant", *columns) == [("NON_COMPLIANT", 4, True, 3)]
    assert view(lake, "changes_since_previous_run", "change", "previous_compliance_status", "compliance_status") == [
        ("BECAME_KNOWN", "UNKNOWN", "NON_COMPLIANT")
    ]


def test_a_target_that_is_listed_for_the_first_time_has_no_new_nodes(tmp_path: Path) -> None:
    write_run(tmp_path, FIRST, [unread()], [])
    write_run(tmp_path, SECOND, [listed(1)], [collected(SECOND, 1)])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert view(lake, "changes_since_previous_run", "change", "instance_id", "previous_run_id") == [
        ("NOT_COMPARED", None, None)
    ]


@pytest.mark.parametrize("column", ["platform_type", "platform_name", "platform_version"])
@pytest.mark.parametrize("unknown", [None, "", " "])
def test_a_node_whose_platform_is_blank_counts_in_its_last_known_one(
    column: str, unknown: str | None, tmp_path: Path
) -> None:
    ubuntu = {"platform_type": "Linux", "platform_name": "Ubuntu", "platform_version": "24.04"}
    for run_id, platform in ((FIRST, ubuntu), (SECOND, {**ubuntu, column: unknown})):
        rows = [collected(run_id, 1, **ubuntu), collected(run_id, 2, missing_count=1, **platform)]
        write_run(tmp_path, run_id, [listed(2)], rows)

    answer = open_lake(LakeLocation(str(tmp_path)), now=NOW).query(
        "SELECT platform_name, nodes_listed, compliant_percent, compliant_percent_lower_bound "
        "FROM compliance_by_platform"
    )

    assert answer.rows == [("Ubuntu", 2, 50.0, 50.0)]


def test_a_change_of_platform_or_of_the_reason_to_be_unknown_is_no_change(tmp_path: Path) -> None:
    before = collected(FIRST, 1, collection_status="NOT_COLLECTED", platform_version="2")
    after = collected(SECOND, 1, missing_count=None, platform_version="2023")
    write_run(tmp_path, FIRST, [listed(1)], [before])
    write_run(tmp_path, SECOND, [listed(1)], [after])

    assert open_lake(LakeLocation(str(tmp_path)), now=NOW).query("SELECT * FROM changes_since_previous_run").rows == []


def test_what_is_older_than_the_window_is_not_even_opened(tmp_path: Path) -> None:
    for run_id in (FIRST, SECOND):
        write_run(tmp_path, run_id, [listed(1)], [collected(run_id, 1)])
    for file in (tmp_path / "lake").glob("*/run_date=2026-11-10/*.parquet"):
        file.write_bytes(b"damaged")

    settings = Settings(window_days=35, history_days=35)
    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW + timedelta(days=35), settings=settings)

    for name in (v.name for v in views()):
        lake.query(f"SELECT * FROM {name}")  # noqa: S608
    assert view(lake, "runs", "run_id") == [(SECOND,)]
    with pytest.raises(LakeError, match="cannot be read"):
        lake.query("SELECT * FROM patch_states")


@pytest.mark.parametrize(
    ("column", "status"),
    [
        ("nodes_collected", "COMPLETE"),
        ("nodes_no_patch_state", "COMPLETE"),
        ("nodes_not_collected", "PARTIAL"),
        ("nodes_invalid_response", "PARTIAL"),
    ],
)
def test_one_node_that_could_not_be_read_makes_a_run_partial(tmp_path: Path, column: str, status: str) -> None:
    write_run(tmp_path, SECOND, [listed(1, **{column: 1}), listed(0, region="us-east-1")], [collected(SECOND, 1)])

    assert view(open_lake(LakeLocation(str(tmp_path)), now=NOW), "runs", "run_status", "run_coverage") == [
        (status, "2 of 2 targets read")
    ]


def test_a_run_that_listed_no_target_is_never_complete(tmp_path: Path) -> None:
    closed = listed(None, listing_status="ACCOUNT_NOT_ACTIVE")
    write_run(tmp_path, SECOND, [closed], [])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert view(lake, "latest_run", "run_status", "run_coverage") == [("PARTIAL", "0 of 0 targets read")]


@pytest.mark.parametrize("status", ["NOT_COLLECTED", "INVALID_RESPONSE"])
def test_a_group_does_not_improve_when_its_bad_nodes_cannot_be_read(tmp_path: Path, status: str) -> None:
    ubuntu = {"platform_type": "Linux", "platform_name": "Ubuntu", "platform_version": "24.04"}
    good, bad = (collected(FIRST, n, patch_group="web", missing_count=n - 1, **ubuntu) for n in (1, 2))
    write_run(tmp_path, FIRST, [listed(2)], [good, bad])
    # The second node's description cannot be read either.
    blind = {"account_id": HOME, "region": "eu-central-1", "instance_id": bad["instance_id"]}
    second = collected(SECOND, 1, patch_group="web", **ubuntu)
    write_run(tmp_path, SECOND, [listed(2)], [second, {**blind, "collection_status": status}])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    figures = ("nodes_listed", "nodes_unknown", "nodes_unplaced", "compliant_percent", "compliant_percent_lower_bound")
    assert view(lake, "compliance_by_patch_group", "patch_group", *figures) == [("web", 2, 1, 0, 50.0, 50.0)]
    assert view(lake, "compliance_by_platform", "platform_name", *figures) == [("Ubuntu", 2, 1, 0, 50.0, 50.0)]


def test_a_node_of_no_known_group_counts_against_every_group(tmp_path: Path) -> None:
    nodes = [collected(SECOND, n, patch_group="web") for n in range(3)]
    nodes += [collected(SECOND, n, patch_group="db") for n in range(3, 4)]
    nodes += [collected(SECOND, 4, collection_status="NOT_COLLECTED")]
    nodes += [collected(SECOND, 5, collection_status="NO_PATCH_STATE")]
    write_run(tmp_path, SECOND, [listed(6)], nodes)

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    figures = ("nodes_listed", "nodes_unplaced", "compliant_percent", "compliant_percent_lower_bound")
    assert lake.query(
        f"SELECT patch_group, {', '.join(figures)} FROM compliance_by_patch_group ORDER BY patch_group"  # noqa: S608
    ).rows == [("db", 1, 1, 100.0, 50.0), ("web", 3, 1, 100.0, 75.0), (None, 2, 1, 0.0, 0.0)]


def test_a_never_scanned_node_of_an_unread_target_may_be_in_any_group_by_now(tmp_path: Path) -> None:
    write_run(
        tmp_path,
        FIRST,
        [listed(1), listed(1, region="us-east-1")],
        [
            collected(FIRST, 1, patch_group="web"),
            collected(FIRST, 2, region="us-east-1", collection_status="NO_PATCH_STATE"),
        ],
    )
    write_run(tmp_path, SECOND, [listed(1), unread(region="us-east-1")], [collected(SECOND, 1, patch_group="web")])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    figures = ("nodes_unread", "nodes_unplaced", "compliant_percent", "compliant_percent_lower_bound")
    assert lake.query(
        f"SELECT patch_group, {', '.join(figures)} FROM compliance_by_patch_group ORDER BY patch_group"  # noqa: S608
    ).rows == [("web", 0, 1, 100.0, 50.0), (None, 1, 1, None, 0.0)]


def test_exports_of_different_accounts_do_not_hide_each_other(tmp_path: Path) -> None:
    other = "222233334444"
    write_run(tmp_path, FIRST, [listed(3)], [collected(FIRST, n, missing_count=1) for n in range(3)])
    write_run(tmp_path, SECOND, [listed(1, account_id=other)], [collected(SECOND, 9, account_id=other)])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    columns = ("run_status", "run_coverage", "targets_not_planned", "nodes_listed")
    assert view(lake, "compliance_overall", *columns, "compliant_percent", "compliant_percent_lower_bound") == [
        ("COMPLETE", "1 of 1 targets read, 1 no longer planned", 1, 1, 100.0, 25.0)
    ]
    assert view(lake, "compliance_by_account", "account_id", "targets_total", "compliant_percent_lower_bound") == [
        (HOME, 0, 0.0),
        (other, 1, 100.0),
    ]


def test_a_target_that_leaves_the_plan_before_it_was_ever_read_leaves_no_bound(tmp_path: Path) -> None:
    write_run(tmp_path, FIRST, [listed(1), unread(region="us-east-1")], [collected(FIRST, 1)])
    write_run(tmp_path, SECOND, [listed(1)], [collected(SECOND, 1)])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    columns = ("compliant_percent", "compliant_percent_lower_bound")
    assert view(lake, "compliance_overall", "run_coverage", *columns) == [
        ("1 of 1 targets read, 1 no longer planned", 100.0, None)
    ]


def test_an_account_that_was_closed_and_then_left_the_plan_stays_out_of_the_figures(tmp_path: Path) -> None:
    earlier = "20261109T060000Z"
    write_run(
        tmp_path,
        earlier,
        [listed(0), listed(1, account_id="222233334444")],
        [collected(earlier, 1, account_id="222233334444", missing_count=1)],
    )
    closed = listed(None, account_id="222233334444", listing_status="ACCOUNT_NOT_ACTIVE")
    write_run(tmp_path, FIRST, [listed(1), closed], [collected(FIRST, 2)])
    write_run(tmp_path, SECOND, [listed(1)], [collected(SECOND, 2)])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    columns = ("targets_not_planned", "compliant_percent_lower_bound")
    assert view(lake, "compliance_overall", "run_coverage", *columns) == [("1 of 1 targets read", 0, 100.0)]
    assert view(lake, "latest_coverage", "account_id", "listing_status", "is_active") == [
        (HOME, "LISTED", True),
        ("222233334444", "TARGET_NOT_PLANNED", False),
    ]


def test_a_target_that_comes_back_into_the_plan_is_a_usual_one(tmp_path: Path) -> None:
    earlier = "20261109T060000Z"
    us = "us-east-1"
    write_run(tmp_path, earlier, [listed(0), listed(1, region=us)], [collected(earlier, 1, region=us)])
    write_run(tmp_path, FIRST, [listed(0)], [])
    write_run(tmp_path, SECOND, [listed(0), listed(1, region=us)], [collected(SECOND, 1, region=us)])

    lake = open_lake(LakeLocation(str(tmp_path)), now=NOW)

    assert view(lake, "compliance_of_runs", "run_id", "run_coverage", "compliant_percent_lower_bound") == [
        (earlier, "2 of 2 targets read", 100.0),
        (FIRST, "1 of 1 targets read, 1 no longer planned", 0.0),
        (SECOND, "2 of 2 targets read", 100.0),
    ]


def test_the_largest_counts_add_up_without_overflow(tmp_path: Path) -> None:
    run_id, largest = "20261112T060000Z", 2**31 - 1
    counts = {column.name: largest for column in PATCH_STATES.table if column.type is ColumnType.INT32}
    write_run(tmp_path, run_id, [listed(3)], [collected(run_id, number, **counts) for number in range(3)])
    lake = open_lake(LakeLocation(str(tmp_path)), now=run_at(run_id))

    for each in views():
        assert lake.query(f"SELECT * FROM {each.name}").columns  # noqa: S608
    assert pick(lake.named("missing_patches"), "critical_patches", "security_patches") == [(3 * largest, 3 * largest)]
