"""The views over EC2 instances and their tags: every row was worked out by hand."""

from pathlib import Path

import pytest

from patchlake_cli.lake.engine import Lake
from tests.analytics.ec2_story import (
    DENIED,
    E1,
    E2,
    E3,
    E4,
    EU,
    IN_B_EU,
    ROOT_DENIED,
    US,
    covered,
    denied,
    hybrid,
    minutes_after,
)
from tests.analytics.rows import view
from tests.analytics.story import SHOP, opened
from tests.analytics.synthetic import collected, instance, listed, tag, unread, write_run
from tests.world import HOME


def node(number: int) -> str:
    return f"i-{number:08x}"


def newest(lake: Lake, *columns: str) -> list[tuple[object, ...]]:
    """Return these columns of the instances of the newest run."""
    rows = view(lake, "instance_management", "instance_id", "is_latest", *columns)
    return [row[2:] for row in rows if row[1]]


def test_each_instance_has_the_management_of_the_first_rule_that_applies(ec2_lake: Lake) -> None:
    assert newest(ec2_lake, "instance_id", "management", "unknown_reason", "ping_status") == [
        (node(1), "MANAGED", None, "Online"),
        # A stopped instance that SSM still lists is managed, and unreachable.
        (node(2), "MANAGED", None, "ConnectionLost"),
        (node(11), "NOT_MANAGED", None, None),
        (node(12), "SERVICE_MANAGED", None, None),
        (node(13), "STARTING", None, None),
        (node(14), "STARTING", None, None),
        (node(15), "STOPPED", None, None),
        (node(16), "TERMINATED", None, None),
        (node(18), "NOT_MANAGED", None, None),
        (node(19), "STOPPED", None, None),
        (node(31), "UNKNOWN", "NODES_NOT_READ", None),
        (node(32), "UNKNOWN", "NODES_NOT_READ", None),
        (node(33), "TERMINATED", None, None),
        (node(41), "MANAGED", None, None),
        (node(42), "UNKNOWN", "NODES_WITHOUT_ID", None),
    ]


def test_the_instances_of_every_run_that_read_them_are_there(ec2_lake: Lake) -> None:
    sql = "SELECT run_id, management, count(*) FROM instance_management GROUP BY run_id, management ORDER BY 1, 2"

    assert ec2_lake.query(sql).rows[:8] == [
        (E2, "MANAGED", 1),
        (E2, "NOT_MANAGED", 1),
        (E3, "MANAGED", 5),
        (E3, "NOT_MANAGED", 3),
        (E3, "SERVICE_MANAGED", 1),
        (E3, "STARTING", 1),
        (E3, "STOPPED", 2),
        (E4, "MANAGED", 3),
    ]


def test_an_instance_of_a_target_that_ec2_refused_is_known_from_before_and_counts_only_in_bounds(
    ec2_lake: Lake,
) -> None:
    found = ec2_lake.query(
        "SELECT instance_id, management, unknown_reason, is_in_fleet_bound FROM known_instances "
        "WHERE is_latest AND NOT is_read ORDER BY instance_id"
    )

    assert found.rows == [
        (node(21), "UNKNOWN", "INSTANCES_NOT_READ", False),
        (node(22), "UNKNOWN", "INSTANCES_NOT_READ", True),
        # It was starting then; by now it may run.
        (node(23), "UNKNOWN", "INSTANCES_NOT_READ", True),
    ]


def test_an_instance_in_a_state_that_is_not_known_is_not_called_unmanaged(tmp_path: Path) -> None:
    there = [instance(1, state=None), instance(2, state="hibernating"), instance(3, state=None)]
    write_run(tmp_path, E4, [covered(E4, 1, 3, 0)], [collected(E4, 3)], instances=there, tags=[])
    lake = opened(tmp_path)

    assert newest(lake, "instance_id", "management", "unknown_reason") == [
        (node(1), "UNKNOWN", "STATE_NOT_KNOWN"),
        (node(2), "UNKNOWN", "STATE_NOT_KNOWN"),
        (node(3), "MANAGED", None),
    ]
    assert view(lake, "compliance_overall", *FLEET) == [(None, "INSTANCES_NOT_READ", None, 33.3)]


def test_a_launch_time_that_is_not_known_hides_no_unmanaged_instance(tmp_path: Path) -> None:
    there = [instance(1, launch_time=None, operator_managed=None)]
    write_run(tmp_path, E4, [covered(E4, 0, 1, 0)], [], instances=there, tags=[])

    assert newest(opened(tmp_path), "management") == [("NOT_MANAGED",)]


def test_an_instance_that_is_registered_as_a_hybrid_node_shows_as_not_managed(tmp_path: Path) -> None:
    write_run(tmp_path, E4, [covered(E4, 1, 1, 0)], [hybrid(E4)], instances=[instance(1)], tags=[])

    assert newest(opened(tmp_path), "management") == [("NOT_MANAGED",)]


def test_the_same_id_in_another_target_is_another_instance(tmp_path: Path) -> None:
    write_run(
        tmp_path,
        E4,
        [covered(E4, 1, 0, 0), covered(E4, 0, 1, 0, **IN_B_EU)],
        [collected(E4, 1)],
        instances=[instance(1, **IN_B_EU)],
        tags=[],
    )

    assert newest(opened(tmp_path), "account_id", "management") == [(SHOP, "NOT_MANAGED")]


def test_the_instances_that_run_unmanaged_have_their_tags(ec2_lake: Lake) -> None:
    columns = ("account_id", "account_name", "region", "instance_id", "image_id", "tags")

    assert view(ec2_lake, "unmanaged_instances", *columns) == [
        (HOME, "platform", EU, node(11), "ami-00000001", "Owner=data, Stage="),
        (HOME, "platform", EU, node(18), "ami-00000018", ""),
    ]


def test_tags_that_were_not_read_are_not_empty(tmp_path: Path) -> None:
    there = [instance(1), instance(2)]
    write_run(tmp_path, E3, [covered(E3, 0, 2, 1)], [], instances=there, tags=[tag(1, "Owner", None)])
    assert view(opened(tmp_path), "unmanaged_instances", "instance_id", "tags") == [(node(1), None), (node(2), "")]

    write_run(tmp_path, E4, [covered(E4, 0, 2, 0) | denied("tags")], [], instances=there)
    assert view(opened(tmp_path), "unmanaged_instances", "instance_id", "tags") == [(node(1), None), (node(2), None)]


FLEET = (
    "instances_not_managed",
    "fleet_unknown_reason",
    "fleet_compliant_percent",
    "fleet_compliant_percent_lower_bound",
)


def test_the_compliance_of_the_whole_fleet_and_its_bound(ec2_lake: Lake) -> None:
    # E2: host 1 of the hosts 1, 2 and 15. E3: 6 of 7 nodes and 3 unmanaged instances. E4: 5 of 14, which are 4 + 2 of
    # the first target, 1 + 2 of the second, 1 + 1 of the third as last known, and 1 + 1 + 1 of the fourth.
    assert view(ec2_lake, "compliance_of_runs", "run_id", *FLEET) == [
        (E1, None, "INSTANCES_NOT_ASKED", None, None),
        (E2, 1, None, 33.3, 33.3),
        (E3, 3, None, 60.0, 60.0),
        (E4, None, "INSTANCES_NOT_READ", None, 35.7),
    ]
    for name in ("compliance_overall", "compliance_trend"):
        assert view(ec2_lake, name, "run_id", *FLEET)[-1] == (E4, None, "INSTANCES_NOT_READ", None, 35.7)


def test_each_account_has_its_own_fleet(ec2_lake: Lake) -> None:
    assert view(ec2_lake, "compliance_by_account", "account_id", *FLEET) == [
        (HOME, None, "INSTANCES_NOT_READ", None, 44.4),
        (SHOP, None, "NODES_NOT_READ", None, 20.0),
    ]


def test_each_target_says_why_its_unmanaged_instances_are_not_known(ec2_lake: Lake) -> None:
    sql = (
        "SELECT account_id, region, instances_not_managed, fleet_unknown_reason, fleet_bound FROM target_compliance "
        "WHERE is_latest ORDER BY 1, 2"
    )

    assert ec2_lake.query(sql).rows == [
        (HOME, EU, 2, None, 6),
        (HOME, US, None, "INSTANCES_NOT_READ", 3),
        (SHOP, EU, None, "NODES_NOT_READ", 2),
        (SHOP, US, None, "NODES_NOT_READ", 3),
    ]


def test_the_bound_counts_each_node_and_instance_that_was_last_listed_once(tmp_path: Path) -> None:
    # The day before, EC2 listed three managed instances and one that was not. Since then one of them lost its agent,
    # and a hybrid node came: three nodes, and two unmanaged instances. EC2 is denied, which changes no instance.
    before = [collected(E3, number) for number in (1, 2, 3)]
    there = [instance(number) for number in (1, 2, 3, 4)]
    write_run(tmp_path, E3, [covered(E3, 3, 4, 0)], before, instances=there, tags=[])
    now = [collected(E4, 1), collected(E4, 2), hybrid(E4)]
    write_run(tmp_path, E4, [covered(E4, 3, 0, 0) | denied("instances")], now, tags=[])

    [(_, _, _, bound)] = view(opened(tmp_path), "compliance_overall", *FLEET)

    # The greater number of nodes and the last known unmanaged instance would be 4, a bound of 75 %: more than the 60 %
    # of the same day if EC2 can be read.
    assert bound == 60.0
    write_run(tmp_path, E4, [covered(E4, 3, 4, 0)], now, instances=there, tags=[])
    assert view(opened(tmp_path), "compliance_overall", *FLEET) == [(2, None, 60.0, 60.0)]


def test_a_fleet_of_which_instances_were_never_read_has_no_bound(tmp_path: Path) -> None:
    refused = covered(E4, 1, 0, 0) | denied("instances") | denied("tags")
    write_run(tmp_path, E4, [refused], [collected(E4, 1)])

    assert view(opened(tmp_path), "compliance_overall", *FLEET) == [(None, "INSTANCES_NOT_READ", None, None)]


def test_a_table_of_instances_that_is_not_there_in_full_is_not_read(tmp_path: Path) -> None:
    write_run(tmp_path, E4, [covered(E4, 1, 2, 0)], [collected(E4, 1)], instances=[instance(1)], tags=[])
    lake = opened(tmp_path)

    assert newest(lake, "instance_id") == []
    assert view(lake, "compliance_overall", *FLEET) == [(None, "INSTANCES_UNPUBLISHED", None, None)]
    assert view(lake, "targets_not_known", "instances_reason") == [("UNPUBLISHED",)]


def test_rows_of_instances_without_an_id_count_in_the_bound(tmp_path: Path) -> None:
    coverage = covered(E4, 1, 1, 0, instances_rows_without_id=2)
    write_run(tmp_path, E4, [coverage], [collected(E4, 1)], instances=[instance(1)], tags=[])
    lake = opened(tmp_path)

    assert view(lake, "compliance_overall", *FLEET) == [(None, "INSTANCES_NOT_READ", None, 33.3)]
    assert view(lake, "targets_not_known", "instances_reason") == [("rows without an id",)]


def test_an_instance_whose_launch_lies_in_the_future_is_not_starting(tmp_path: Path) -> None:
    launches = [minutes_after(E4, days * 24 * 60) for days in (1, 3, 9_000)]
    there = [instance(number, launch_time=launch) for number, launch in enumerate(launches)]
    write_run(tmp_path, E4, [covered(E4, 0, 3, 0)], [], instances=there, tags=[])

    assert newest(opened(tmp_path), "management") == [("STARTING",), ("NOT_MANAGED",), ("NOT_MANAGED",)]


def test_the_compliance_of_each_tag(ec2_lake: Lake) -> None:
    columns = (
        "tag_key",
        "tag_status",
        "tag_value",
        "nodes_listed",
        "nodes_compliant",
        "nodes_unread",
        "nodes_unplaced",
    )
    bound = "compliant_percent_lower_bound"

    # Hosts 21 (tags denied) may have any tag, and so may the row without an id. Host 31 is of an unread target, and its
    # tags were read.
    assert view(ec2_lake, "compliance_by_tag", *columns, bound) == [
        ("Owner", "NOT_EC2", None, 1, 1, 0, 1, 50.0),
        ("Owner", "NOT_READ", None, 1, 1, 0, 2, None),
        ("Owner", "NO_TAG", None, 2, 2, 0, 2, 50.0),
        ("Owner", "READ", "data", 0, 0, 1, 2, 0.0),
        ("Owner", "READ", "shop", 2, 1, 0, 2, 25.0),
        ("Stage", "NOT_EC2", None, 1, 1, 0, 1, 50.0),
        ("Stage", "NOT_READ", None, 1, 1, 0, 2, None),
        ("Stage", "NO_TAG", None, 3, 2, 1, 2, 33.3),
        ("Stage", "READ", "prod", 1, 1, 0, 2, 33.3),
    ]


def test_a_node_is_in_one_row_of_each_key(ec2_lake: Lake) -> None:
    nodes = "SELECT count(*) FROM latest_known_nodes"
    by_key = "SELECT tag_key, sum(nodes_listed + nodes_unread) FROM compliance_by_tag GROUP BY tag_key ORDER BY 1"

    [(known,)] = ec2_lake.query(nodes).rows
    assert ec2_lake.query(by_key).rows == [("Owner", known), ("Stage", known)]


def test_a_value_that_could_not_be_read_is_not_read_and_an_empty_one_is(tmp_path: Path) -> None:
    tags = [tag(1, "Owner", None), tag(2, "Owner", "")]
    nodes = [collected(E4, number) for number in (1, 2, 3)]
    write_run(tmp_path, E4, [covered(E4, 3, 0, 2)], nodes, instances=[], tags=tags)

    assert view(opened(tmp_path), "node_tags", "instance_id", "tag_status", "tag_value") == [
        (node(1), "NOT_READ", None),
        (node(2), "READ", ""),
        (node(3), "NO_TAG", None),
    ]


def test_a_tag_without_an_id_may_be_that_of_any_node_without_one(tmp_path: Path) -> None:
    nodes = [collected(E4, number) for number in (1, 2)]
    coverage = covered(E4, 2, 0, 1, tags_rows_without_id=1)
    write_run(tmp_path, E4, [coverage], nodes, instances=[], tags=[tag(1, "Owner", "shop")])

    assert view(opened(tmp_path), "node_tags", "instance_id", "tag_status") == [
        (node(1), "READ"),
        (node(2), "NOT_READ"),
    ]


@pytest.mark.parametrize("is_asked", [True, False])
def test_without_any_tag_the_nodes_are_one_row_without_a_key(tmp_path: Path, *, is_asked: bool) -> None:
    coverage = covered(E4, 2, 0, 0) if is_asked else listed(2)
    write_run(tmp_path, E4, [coverage], [collected(E4, 1), hybrid(E4)], tags=[])

    columns = ("tag_key", "tag_status", "nodes_listed", "compliant_percent_lower_bound")
    assert view(opened(tmp_path), "compliance_by_tag", *columns) == [
        (None, "NOT_EC2", 1, None),
        (None, "NO_TAG" if is_asked else "NOT_READ", 1, None),
    ]


def test_the_tags_of_the_newest_run_are_those_of_its_whole_table(ec2_lake: Lake, tmp_path: Path) -> None:
    assert view(ec2_lake, "latest_tags", "instance_id", "key", "value")[:2] == [
        (node(1), "Owner", "shop"),
        (node(1), "Stage", "prod"),
    ]
    write_run(tmp_path, E4, [covered(E4, 1, 0, 2)], [collected(E4, 1)], instances=[], tags=[tag(1, "Owner", "shop")])
    lake = opened(tmp_path)
    assert view(lake, "latest_tags", "key") == []
    assert view(lake, "node_tags", "tag_key", "tag_status") == [(None, "NOT_READ")]


def test_the_targets_that_are_not_known_have_the_reason_of_each_source(ec2_lake: Lake) -> None:
    reasons = ("account_id", "region", "nodes_reason", "instances_reason", "tags_reason")

    assert view(ec2_lake, "targets_not_known", *reasons) == [
        (HOME, US, None, DENIED, DENIED),
        (SHOP, EU, ROOT_DENIED, None, None),
        (SHOP, US, "nodes: rows without an id", None, None),
    ]


def test_a_target_that_left_the_plan_is_not_known(tmp_path: Path) -> None:
    write_run(
        tmp_path,
        E3,
        [covered(E3, 1, 0, 0), covered(E3, 1, 2, 0, **IN_B_EU)],
        [collected(E3, 1), collected(E3, 2, **IN_B_EU)],
        instances=[instance(2, **IN_B_EU), instance(3, **IN_B_EU)],
        tags=[],
    )
    write_run(tmp_path, E4, [covered(E4, 1, 0, 0)], [collected(E4, 1)], instances=[], tags=[])
    lake = opened(tmp_path)

    left = ("TARGET_NOT_PLANNED",) * 3
    assert view(lake, "targets_not_known", "nodes_reason", "instances_reason", "tags_reason") == [left]
    # The plan was read in full, so the percentage is known; the bound counts what the target had.
    assert view(lake, "compliance_overall", *FLEET) == [(0, None, 100.0, 33.3)]


def test_how_long_each_instance_has_been_stopped(ec2_lake: Lake) -> None:
    columns = ("instance_id", "management", "days_stopped", "is_lower_bound", "most_days_stopped", "days_unobserved")

    assert view(ec2_lake, "stopped_instances", *columns) == [
        # Stopped in every run that listed it; launched on 14 November 2023.
        (node(2), "MANAGED", 2, True, 1094, 0),
        # It ran the day before.
        (node(15), "STOPPED", 1, False, 1, 0),
        # It was stopped then too, and has been launched since.
        (node(19), "STOPPED", 0, False, 0, 0),
    ]


def test_a_stop_that_no_run_saw_begin_has_a_limit_only_if_its_launch_is_known(tmp_path: Path) -> None:
    for run_id in (E2, E4):
        there = [instance(1, state="stopping" if run_id == E2 else "stopped", launch_time=None)]
        write_run(tmp_path, run_id, [covered(run_id, 0, 1, 0)], [], instances=there, tags=[])
    write_run(tmp_path, E3, [unread() | denied("instances")], [])

    columns = ("days_stopped", "is_lower_bound", "most_days_stopped", "days_unobserved")
    assert view(opened(tmp_path), "stopped_instances", *columns) == [(2, True, None, 1)]


def test_a_lake_without_the_tables_says_that_nothing_was_asked(lake: Lake) -> None:
    assert view(lake, "latest_run", "instances_status", "tags_status") == [("NOT_ASKED", "NOT_ASKED")]
    for name in ("known_instances", "instance_management", "unmanaged_instances", "stopped_instances", "latest_tags"):
        assert lake.query(f"SELECT count(*) FROM {name}").rows == [(0,)]  # noqa: S608
    assert {row[0] for row in view(lake, "compliance_by_tag", "tag_status")} == {"NOT_READ"}
    assert {row[0] for row in view(lake, "targets_not_known", "instances_reason")} == {
        "NOT_ASKED",
        "TARGET_NOT_PLANNED",
    }
