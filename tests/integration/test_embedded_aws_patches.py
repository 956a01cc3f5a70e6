"""The embedded DescribeInstancePatches, called by the SDK over HTTP: its answers, filters and refusals."""

import json
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from patchlake.core.targets import Target
from patchlake.sources.patches import STATES
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.aws.settings import NO_FAULTS, FaultRates
from patchlake_cli.embedded.fleet.node import PATCH_STATES, ManagedNode
from tests.embedded_ssm import HOME, MEMBER, UNKNOWN_ID, client, error_of, pages, raw_call

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

type Rows = list[dict[str, Any]]


@pytest.fixture
def ssm(aws: EmbeddedAws) -> "SSMClient":
    aws.begin_day(0)
    return client(aws)


@pytest.fixture
def node(aws: EmbeddedAws) -> ManagedNode:
    """The node of the home target that lacks most patches."""
    return max(aws.fleet.nodes(HOME, 0), key=lambda node: (node.patch_state or {}).get("MissingCount", 0))


def by_state(*states: str) -> dict[str, Any]:
    return {"Filters": [{"Key": "State", "Values": list(states)}]}


def patches(ssm: "SSMClient", node: ManagedNode, **arguments: object) -> Rows:
    """Ask for the patches of a node, to the last page."""
    found = pages(ssm.describe_instance_patches, InstanceId=node.instance_id, **arguments)
    return [row for page in found for row in page["Patches"]]


def counted(rows: Rows) -> Counter[str]:
    return Counter(row["State"] for row in rows)


def expected(node: ManagedNode, *states: str) -> Counter[str]:
    """Return the counts of a node's patch state, by state."""
    state = node.patch_state or {}
    return Counter({name: state.get(PATCH_STATES[name], 0) for name in states or PATCH_STATES})


def test_paging_to_the_end_gives_each_patch_that_the_patch_state_counts_once(
    aws: EmbeddedAws, ssm: "SSMClient", node: ManagedNode
) -> None:
    aws.change(short_pages=0.3, empty_pages=0.2)

    rows = patches(ssm, node, MaxResults=10)

    assert counted(rows) == expected(node)
    assert len({(row["KBId"], row["Title"]) for row in rows}) == len(rows)


def test_a_filter_by_states_answers_the_patches_in_these_states(ssm: "SSMClient", node: ManagedNode) -> None:
    rows = patches(ssm, node, **by_state(*STATES))
    one_by_one = [row for state in STATES for row in patches(ssm, node, **by_state(state))]

    assert counted(rows) == expected(node, *STATES)
    assert counted(rows)["Missing"] > 10
    assert sorted(map(str, rows)) == sorted(map(str, one_by_one))


def test_windows_has_thousands_of_patches_that_do_not_apply(aws: EmbeddedAws, ssm: "SSMClient") -> None:
    windows = max(aws.fleet.nodes(HOME, 0), key=lambda node: (node.patch_state or {}).get("NotApplicableCount", 0))

    rows = patches(ssm, windows)

    assert counted(rows)["NotApplicable"] == 2000
    assert {row["InstalledTime"].timestamp() for row in rows if row["State"] == "NotApplicable"} == {0.0}


def test_several_filters_must_all_match(ssm: "SSMClient", node: ManagedNode) -> None:
    missing = patches(ssm, node, **by_state("Missing"))
    severity, kb_id = missing[0]["Severity"], missing[0]["KBId"]
    filters = [{"Key": "Severity", "Values": [severity]}, {"Key": "KBId", "Values": [kb_id, "other"]}]

    rows = patches(ssm, node, Filters=[*by_state("Missing")["Filters"], *filters])

    assert rows == [row for row in missing if (row["Severity"], row["KBId"]) == (severity, kb_id)]


@pytest.mark.parametrize(
    "filters",
    [
        [{"Key": "Status", "Values": ["Missing"]}],
        [{"Key": "State", "Values": ["MISSING"]}],
        [{"Key": "State", "Values": ["Missing", "Invented"]}],
        [{"Key": "State", "Values": []}],
        [{"Key": "State"}],
        [{"Values": ["Missing"]}],
    ],
    ids=json.dumps,
)
def test_a_filter_that_is_not_valid_is_refused(ssm: "SSMClient", node: ManagedNode, filters: Any) -> None:  # noqa: ANN401
    refused = error_of(lambda: ssm.describe_instance_patches(InstanceId=node.instance_id, Filters=filters))

    assert refused[:2] == ("InvalidFilter", 400)


def test_five_filters_are_the_most(ssm: "SSMClient", node: ManagedNode) -> None:
    status, answer = raw_call(
        ssm.meta.endpoint_url,
        "DescribeInstancePatches",
        InstanceId=node.instance_id,
        Filters=by_state("Missing")["Filters"] * 6,
    )

    assert (status, answer["__type"]) == (400, "ValidationException")
    assert "less than or equal to 5" in answer["message"]


def test_a_service_may_refuse_several_values_in_a_filter(aws: EmbeddedAws, ssm: "SSMClient", node: ManagedNode) -> None:
    aws.change(single_filter_values=True)

    assert error_of(lambda: patches(ssm, node, **by_state("Missing", "Failed")))[:2] == ("InvalidFilter", 400)
    assert counted(patches(ssm, node, **by_state("Missing"))) == expected(node, "Missing")


@pytest.mark.parametrize(
    ("instance_id", "code"),
    [(UNKNOWN_ID, "InvalidInstanceId"), ("i-1234567", "ValidationException"), (None, "ValidationException")],
)
def test_a_node_that_is_not_known_is_refused(ssm: "SSMClient", instance_id: str | None, code: str) -> None:
    arguments = {} if instance_id is None else {"InstanceId": instance_id}

    status, answer = raw_call(ssm.meta.endpoint_url, "DescribeInstancePatches", **arguments)

    assert (status, answer["__type"]) == (400, code)


def test_a_node_of_another_target_or_one_that_vanished_is_refused(
    aws: EmbeddedAws, ssm: "SSMClient", node: ManagedNode
) -> None:
    elsewhere = aws.fleet.nodes(MEMBER, 0)[0]
    aws.change(vanished_nodes=frozenset({node.instance_id}))

    assert error_of(lambda: patches(ssm, elsewhere))[:2] == ("InvalidInstanceId", 400)
    assert error_of(lambda: patches(ssm, node))[:2] == ("InvalidInstanceId", 400)


def test_a_node_that_was_never_scanned_has_no_patches(aws: EmbeddedAws, ssm: "SSMClient") -> None:
    never_scanned = next(node for node in aws.fleet.nodes(HOME, 0) if node.patch_state is None)

    assert patches(ssm, never_scanned) == []


@pytest.mark.parametrize(
    ("asked", "constraint"), [(9, "greater than or equal to 10"), (51, "less than or equal to 50")]
)
def test_a_page_holds_ten_to_fifty_patches(ssm: "SSMClient", node: ManagedNode, asked: int, constraint: str) -> None:
    status, answer = raw_call(
        ssm.meta.endpoint_url, "DescribeInstancePatches", InstanceId=node.instance_id, MaxResults=asked
    )

    assert (status, answer["__type"]) == (400, "ValidationException")
    assert answer["message"].endswith(f"Member must have value {constraint}")


def test_a_token_holds_for_its_own_question_only(aws: EmbeddedAws, ssm: "SSMClient", node: ManagedNode) -> None:
    aws.change(short_pages=0.0, empty_pages=0.0)
    other = next(n for n in aws.fleet.nodes(HOME, 0) if n.patch_state and n.instance_id != node.instance_id)
    question: dict[str, Any] = {"InstanceId": node.instance_id, "MaxResults": 10}
    token = ssm.describe_instance_patches(**question)["NextToken"]

    for changed in ({"InstanceId": other.instance_id}, {"MaxResults": 11}, by_state("Missing")):
        foreign = partial(ssm.describe_instance_patches, **{**question, **changed, "NextToken": token})
        assert error_of(foreign)[:2] == ("InvalidNextToken", 400)
    assert len(ssm.describe_instance_patches(**question, NextToken=token)["Patches"]) == 10


def test_an_older_role_may_ask_for_states_and_not_for_patches(
    aws: EmbeddedAws, ssm: "SSMClient", node: ManagedNode
) -> None:
    aws.change(denied_actions={HOME.account_id: frozenset({"DescribeInstancePatches"})})

    code, status, message = error_of(lambda: patches(ssm, node))

    assert (code, status) == ("AccessDeniedException", 400)
    assert "is not authorized to perform: ssm:DescribeInstancePatches on resource" in message
    assert ssm.describe_instance_patch_states(InstanceIds=[node.instance_id])["InstancePatchStates"]
    assert client(aws, MEMBER).describe_instance_information()


def test_missing_patches_may_be_installed_between_the_two_calls(
    aws: EmbeddedAws, ssm: "SSMClient", node: ManagedNode
) -> None:
    aws.change(rescanned=1.0)

    (state,) = ssm.describe_instance_patch_states(InstanceIds=[node.instance_id])["InstancePatchStates"]
    rows = patches(ssm, node, **by_state(*STATES))

    assert state["MissingCount"] > 10
    assert counted(rows) == expected(node, *STATES) - Counter(Missing=state["MissingCount"])


def test_the_patches_of_a_node_can_be_replaced_by_any_text(ssm: "SSMClient", aws: EmbeddedAws) -> None:
    node = aws.fleet.nodes(HOME, 0)[0]
    aws.change(short_pages=0.0, empty_pages=0.0, patch_answers={node.instance_id: ['{"Title":5}', "null"]})

    _, answer = raw_call(
        ssm.meta.endpoint_url, "DescribeInstancePatches", InstanceId=node.instance_id, **by_state("Missing")
    )

    assert answer["Patches"] == [{"Title": 5}, None]


@pytest.mark.parametrize(
    ("fault", "code"), [("throttling", "ThrottlingException"), ("internal_error", "InternalServerError")]
)
def test_its_faults_are_those_of_the_other_operations(
    aws: EmbeddedAws, ssm: "SSMClient", node: ManagedNode, fault: str, code: str
) -> None:
    aws.change(faults=FaultRates(**{fault: 1.0}))

    assert error_of(lambda: patches(ssm, node))[0] == code
    aws.change(faults=NO_FAULTS)
    assert patches(ssm, node)


def test_rows_come_in_an_order_of_their_own_and_always_in_the_same(ssm: "SSMClient", node: ManagedNode) -> None:
    once = [row["Title"] for row in patches(ssm, node, MaxResults=50)]
    again = [row["Title"] for row in patches(ssm, node, MaxResults=17)]

    assert once == again
    assert once != sorted(once)


def test_a_region_that_the_fleet_does_not_use_knows_no_node(aws: EmbeddedAws, node: ManagedNode) -> None:
    nowhere = client(aws, Target(HOME.account_id, "eu-west-3"))

    assert error_of(lambda: patches(nowhere, node))[0] == "InvalidInstanceId"
