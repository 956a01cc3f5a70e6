"""Each question about EC2 instances and their tags, answered by its named query: every row was worked out by hand."""

from pathlib import Path

import pytest

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.errors import ParameterError
from patchlake_cli.lake.overview import answer_questions
from tests.analytics.ec2_story import DENIED, E3, E4, EU, HYBRID, ROOT_DENIED, US, covered, denied, hybrid
from tests.analytics.rows import pick
from tests.analytics.story import SHOP, opened
from tests.analytics.synthetic import collected, instance, tag, write_run
from tests.world import HOME

WITHOUT_ID = "nodes: rows without an id"


def node(number: int) -> str:
    return f"i-{number:08x}"


def test_23_the_running_instances_that_are_not_managed(ec2_lake: Lake) -> None:
    answer = ec2_lake.named("running_not_managed", ["Owner"])

    columns = ("answer", "reason", "account_id", "region", "instance_id", "owner", "owner_status", "image_id")
    assert pick(answer, *columns) == [
        ("UNKNOWN", DENIED, HOME, US, None, None, None, None),
        ("UNKNOWN", ROOT_DENIED, SHOP, EU, None, None, None, None),
        ("UNKNOWN", WITHOUT_ID, SHOP, US, None, None, None, None),
        ("KNOWN", None, HOME, EU, node(11), "data", "READ", "ami-00000001"),
        ("KNOWN", None, HOME, EU, node(18), None, "NO_TAG", "ami-00000018"),
    ]


@pytest.mark.parametrize("key", ["owner", "Team"])
def test_23_a_key_that_no_instance_has_is_not_known_to_have_been_asked_for(ec2_lake: Lake, key: str) -> None:
    answer = ec2_lake.named("running_not_managed", [key])

    assert pick(answer, "owner", "owner_status")[3:] == [(None, "NOT_READ")] * 2


def test_23_a_whole_answer_without_a_row_says_that_every_running_instance_is_managed(tmp_path: Path) -> None:
    write_run(tmp_path, E4, [covered(E4, 1, 1, 0)], [collected(E4, 1)], instances=[instance(1)], tags=[])

    assert opened(tmp_path).named("running_not_managed", ["Owner"]).rows == []


@pytest.mark.parametrize("state", [None, "hibernated", "Stopped"])
def test_23_and_24_an_instance_in_an_unknown_state_may_be_in_the_answer(tmp_path: Path, state: str | None) -> None:
    there = [instance(1), instance(2, state=state)]
    write_run(tmp_path, E4, [covered(E4, 1, 2, 0)], [collected(E4, 1)], instances=there, tags=[])
    lake = opened(tmp_path)

    for name, value in (("running_not_managed", "Owner"), ("stopped_for_long", "30")):
        assert pick(lake.named(name, [value]), *OWNED) == [("UNKNOWN", "STATE_NOT_KNOWN", HOME, EU, node(2))]


def test_24_the_instances_that_have_been_stopped_for_more_than_a_number_of_days(ec2_lake: Lake) -> None:
    columns = ("answer", "reason", "instance_id", "days_stopped", "most_days_stopped")
    refused = ("UNKNOWN", DENIED, None, None, None)
    long_perhaps = ("UNKNOWN", "HISTORY_TOO_SHORT", node(2), 2, 1094)

    assert pick(ec2_lake.named("stopped_for_long", ["0"]), *columns) == [
        refused,
        ("KNOWN", None, node(2), 2, 1094),
        ("KNOWN", None, node(15), 1, 1),
    ]
    assert pick(ec2_lake.named("stopped_for_long", ["30"]), *columns) == [refused, long_perhaps]
    assert pick(ec2_lake.named("stopped_for_long", ["2000"]), *columns) == [refused]


def test_25_the_compliance_of_each_tag(ec2_lake: Lake) -> None:
    answer = ec2_lake.named("tag_values")

    columns = ("answer", "reason", "account_id", "region", "tag_key", "tag_status", "tag_value", "nodes_listed")
    assert pick(answer, *columns) == [
        ("UNKNOWN", DENIED, HOME, US, None, None, None, None),
        ("UNKNOWN", ROOT_DENIED, SHOP, EU, None, None, None, None),
        ("UNKNOWN", WITHOUT_ID, SHOP, US, None, None, None, None),
        ("UNKNOWN", "NOT_READ", None, None, "Owner", "NOT_READ", None, 1),
        ("UNKNOWN", "NOT_READ", None, None, "Stage", "NOT_READ", None, 1),
        ("KNOWN", None, None, None, "Owner", "READ", "data", 0),
        ("KNOWN", None, None, None, "Owner", "READ", "shop", 2),
        ("KNOWN", None, None, None, "Owner", "NO_TAG", None, 2),
        ("KNOWN", None, None, None, "Owner", "NOT_EC2", None, 1),
        ("KNOWN", None, None, None, "Stage", "NO_TAG", None, 3),
        ("KNOWN", None, None, None, "Stage", "READ", "prod", 1),
        ("KNOWN", None, None, None, "Stage", "NOT_EC2", None, 1),
    ]


TARGETS = [
    ("UNKNOWN", DENIED, HOME, US, None),
    ("UNKNOWN", ROOT_DENIED, SHOP, EU, None),
    ("UNKNOWN", WITHOUT_ID, SHOP, US, None),
]
OWNED = ("answer", "reason", "account_id", "region", "instance_id")


def test_26_the_non_compliant_nodes_of_an_owner(ec2_lake: Lake) -> None:
    assert pick(ec2_lake.named("non_compliant_of_owner", ["Owner", "shop"]), *OWNED) == [
        *TARGETS,
        ("KNOWN", None, HOME, EU, node(2)),
    ]


def test_26_a_node_of_the_owner_in_an_unknown_state_is_unknown(ec2_lake: Lake) -> None:
    assert pick(ec2_lake.named("non_compliant_of_owner", ["Owner", "data"]), *OWNED) == [
        TARGETS[0],
        TARGETS[1],
        ("UNKNOWN", "TARGET_NOT_READ", SHOP, EU, node(31)),
        TARGETS[2],
    ]


def test_26_a_key_that_no_instance_has_is_no_owner_without_nodes(ec2_lake: Lake) -> None:
    # Keys differ by case.
    assert pick(ec2_lake.named("non_compliant_of_owner", ["owner", "shop"]), *OWNED) == [
        ("UNKNOWN", "NO_SUCH_KEY", None, None, None),
        *TARGETS,
    ]


def test_26_a_value_that_no_node_has_is_no_owner_whose_nodes_are_compliant(ec2_lake: Lake, tmp_path: Path) -> None:
    # Values differ by case.
    assert pick(ec2_lake.named("non_compliant_of_owner", ["Owner", "Shop"]), *OWNED) == [
        ("UNKNOWN", "NO_SUCH_VALUE", None, None, None),
        *TARGETS,
    ]
    # Instance 2 is no node.
    tags = [tag(1, "Owner", "shop"), tag(2, "Owner", "data")]
    write_run(tmp_path, E4, [covered(E4, 1, 2, 2)], [collected(E4, 1)], instances=[instance(1), instance(2)], tags=tags)
    lake = opened(tmp_path)
    assert pick(lake.named("non_compliant_of_owner", ["Owner", "data"]), *OWNED) == [
        ("UNKNOWN", "NO_SUCH_VALUE", None, None, None)
    ]
    assert lake.named("non_compliant_of_owner", ["Owner", "shop"]).rows == []


def test_26_a_node_whose_tag_has_a_value_that_could_not_be_read_is_unknown(tmp_path: Path) -> None:
    tags = [tag(1, "Owner", None), tag(2, "Owner", "shop")]
    nodes = [collected(E4, number, missing_count=1) for number in (1, 2, 3)]
    write_run(tmp_path, E4, [covered(E4, 3, 0, 2)], nodes, instances=[], tags=tags)

    assert pick(opened(tmp_path).named("non_compliant_of_owner", ["Owner", "shop"]), *OWNED) == [
        ("UNKNOWN", "TAG_NOT_READ", HOME, EU, node(1)),
        ("KNOWN", None, HOME, EU, node(2)),
    ]


def test_27_the_nodes_that_ssm_lists_and_ec2_does_not(ec2_lake: Lake) -> None:
    answer = ec2_lake.named("nodes_without_instance")

    assert pick(answer, "answer", "reason", "account_id", "region", "instance_id", "kind") == [
        ("UNKNOWN", DENIED, HOME, US, None, None),
        ("UNKNOWN", ROOT_DENIED, SHOP, EU, None, None),
        ("UNKNOWN", WITHOUT_ID, SHOP, US, None, None),
        ("KNOWN", None, HOME, EU, node(4), "NO_INSTANCE"),
        ("KNOWN", None, HOME, EU, HYBRID, "NOT_EC2"),
    ]


def test_27_no_node_lacks_an_instance_where_ec2_was_not_read(tmp_path: Path) -> None:
    coverage = covered(E4, 2, 0, 0) | denied("instances")
    write_run(tmp_path, E4, [coverage], [collected(E4, 1), hybrid(E4)], tags=[])

    assert pick(opened(tmp_path).named("nodes_without_instance"), "answer", "instance_id", "kind") == [
        ("UNKNOWN", None, None),
        ("KNOWN", HYBRID, "NOT_EC2"),
    ]


def test_what_could_not_be_read_has_the_targets_without_instances_and_tags(ec2_lake: Lake) -> None:
    assert pick(ec2_lake.named("not_read"), "what", "account_id", "region", "reason", "detail") == [
        ("TARGET", SHOP, EU, "ACCESS_DENIED", None),
        ("TAGS", HOME, US, "PARTIAL", DENIED),
        ("ROWS", SHOP, US, "ROWS_WITHOUT_ID", None),
        ("INSTANCES", HOME, US, "PARTIAL", DENIED),
    ]


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("running_not_managed", [" "]),
        ("non_compliant_of_owner", ["", "shop"]),
        ("stopped_for_long", ["-1"]),
        ("stopped_for_long", ["a week"]),
    ],
)
def test_a_value_that_is_none_of_its_type_is_refused(ec2_lake: Lake, query: str, values: list[str]) -> None:
    with pytest.raises(ParameterError):
        ec2_lake.named(query, values)


def test_an_empty_value_is_a_value(tmp_path: Path) -> None:
    nodes = [collected(E4, 1, missing_count=1)]
    write_run(tmp_path, E4, [covered(E4, 1, 0, 1)], nodes, instances=[], tags=[tag(1, "Owner", "")])

    assert pick(opened(tmp_path).named("non_compliant_of_owner", ["Owner", ""]), "instance_id") == [(node(1),)]


def test_the_overview_names_the_unmanaged_instances_of_each_account(ec2_lake: Lake, lake: Lake) -> None:
    answers = {answer.question: answer.rows for answer in answer_questions(ec2_lake)}

    [(account, _, at_least, reason, *_), *_] = answers[
        "Running instances that Systems Manager does not manage, by account"
    ]
    assert (account, at_least, reason) == (HOME, 2, "INSTANCES_NOT_READ")
    named = answers["Unmanaged instances, earliest launch first"]
    assert [(row[2], row[4]) for row in named] == [(node(11), "Owner=data, Stage="), (node(18), "")]
    assert not [answer.question for answer in answer_questions(lake) if "nstances" in answer.question]


def test_a_run_that_read_everything_has_no_unknown_row(tmp_path: Path) -> None:
    write_run(
        tmp_path,
        E3,
        [covered(E3, 1, 2, 1)],
        [collected(E3, 1, missing_count=1)],
        instances=[instance(1), instance(2, state="stopped", launch_time=None)],
        tags=[tag(1, "Owner", "shop")],
    )
    lake = opened(tmp_path)

    for name, values in (
        ("running_not_managed", ["Owner"]),
        ("tag_values", []),
        ("non_compliant_of_owner", ["Owner", "shop"]),
        ("nodes_without_instance", []),
    ):
        assert {row[0] for row in pick(lake.named(name, values), "answer")} <= {"KNOWN"}
    # Its stop began before the history.
    assert pick(lake.named("stopped_for_long", ["3"]), "answer", "reason") == [("UNKNOWN", "HISTORY_TOO_SHORT")]
