"""The embedded Systems Manager, called by the SDK over HTTP: its answers, omissions and refusals."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.parsers import JSONParser
from botocore.session import get_session

from patchlake.core.targets import Target
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.fleet.fleet import Fleet
from tests.embedded_ssm import HOME, MEMBER, UNKNOWN_ID, client, error_of, pages, raw_call, raw_request

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


def information_pages(ssm: "SSMClient", **arguments: object) -> Iterator[dict[str, Any]]:
    return pages(ssm.describe_instance_information, **arguments)


def state_pages(ssm: "SSMClient", ids: list[str], **arguments: object) -> Iterator[dict[str, Any]]:
    return pages(ssm.describe_instance_patch_states, InstanceIds=ids, **arguments)


def listed(pages: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for page in pages for row in page["InstanceInformationList"]]


def collected(pages: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for page in pages for row in page["InstancePatchStates"]]


def on_the_wire(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Convert parsed rows back to their JSON, by node id."""
    return {
        row["InstanceId"]: {
            name: value.timestamp() if hasattr(value, "timestamp") else value for name, value in row.items()
        }
        for row in rows
    }


@pytest.fixture
def ssm(aws: EmbeddedAws) -> "SSMClient":
    aws.begin_day(0)
    return client(aws)


@pytest.fixture
def ids(aws: EmbeddedAws) -> list[str]:
    """The first 50 nodes of the home target that were ever scanned."""
    return [node.instance_id for node in aws.fleet.nodes(HOME, 0) if node.patch_state is not None][:50]


@pytest.mark.parametrize("target", [HOME, MEMBER, Target("444455556666", "us-east-1")], ids=str)
def test_paging_to_the_end_lists_every_node_once_as_the_fleet_has_it(aws: EmbeddedAws, target: Target) -> None:
    aws.begin_day(0)
    aws.change(short_pages=0.3, empty_pages=0.2)

    rows = listed(information_pages(client(aws, target), MaxResults=50))

    assert len(rows) == aws.fleet.size(target)
    assert on_the_wire(rows) == {node.instance_id: node.information for node in aws.fleet.nodes(target, 0)}


def test_patch_states_are_those_of_the_fleet(aws: EmbeddedAws, ssm: "SSMClient", ids: list[str]) -> None:
    aws.change(short_pages=0.5, empty_pages=0.2)

    rows = collected(state_pages(ssm, ids, MaxResults=10))

    assert len(rows) == 50
    expected = {node.instance_id: node.patch_state for node in aws.fleet.nodes(HOME, 0) if node.instance_id in ids}
    assert on_the_wire(rows) == expected


def test_another_day_has_other_answers_and_old_tokens_end(aws: EmbeddedAws, ssm: "SSMClient") -> None:
    first = next(information_pages(ssm, MaxResults=50))

    aws.begin_day(1)

    assert error_of(lambda: ssm.describe_instance_information(MaxResults=50, NextToken=first["NextToken"]))[:2] == (
        "InvalidNextToken",
        400,
    )
    rows = listed(information_pages(ssm, MaxResults=50))
    assert on_the_wire(rows) == {node.instance_id: node.information for node in aws.fleet.nodes(HOME, 1)}


def test_pages_come_short_and_empty_and_the_last_token_is_empty_or_absent(aws: EmbeddedAws, ssm: "SSMClient") -> None:
    aws.change(short_pages=0.3, empty_pages=0.3)
    nodes = [node.instance_id for node in aws.fleet.nodes(HOME, 0)]
    chains = [list(state_pages(ssm, nodes[start : start + 50])) for start in range(0, len(nodes), 50)]
    lengths = [len(page["InstanceInformationList"]) for page in information_pages(ssm, MaxResults=10)]

    assert 0 in lengths[:-1]
    assert any(0 < length < 10 for length in lengths[:-1])
    assert max(lengths) == 10
    assert {pages[-1].get("NextToken") for pages in chains} == {None, ""}


def test_rows_come_in_an_order_of_their_own_and_always_in_the_same(ssm: "SSMClient") -> None:
    once = [row["InstanceId"] for row in listed(information_pages(ssm, MaxResults=50))]
    again = [row["InstanceId"] for row in listed(information_pages(ssm, MaxResults=7))]

    assert once == again
    assert once != sorted(once)


def test_a_page_of_the_list_holds_ten_nodes_unless_more_are_asked_for(aws: EmbeddedAws, ssm: "SSMClient") -> None:
    aws.change(short_pages=0.0, empty_pages=0.0)

    assert len(ssm.describe_instance_information()["InstanceInformationList"]) == 10


def test_nodes_that_were_never_scanned_or_are_unknown_are_left_out_in_silence(
    aws: EmbeddedAws, ssm: "SSMClient", ids: list[str]
) -> None:
    never_scanned = [node.instance_id for node in aws.fleet.nodes(HOME, 0) if node.patch_state is None]
    elsewhere = aws.fleet.nodes(MEMBER, 0)[0].instance_id

    rows = collected(state_pages(ssm, [*never_scanned[:3], UNKNOWN_ID, elsewhere, ids[0]]))

    assert len(never_scanned) >= 3
    assert [row["InstanceId"] for row in rows] == [ids[0]]


def test_no_ids_have_no_states(ssm: "SSMClient") -> None:
    assert collected(state_pages(ssm, [])) == []


def test_a_region_that_the_fleet_does_not_use_is_empty(aws: EmbeddedAws) -> None:
    assert listed(information_pages(client(aws, Target(HOME.account_id, "eu-west-3")))) == []


def test_fifty_ids_are_the_most(aws: EmbeddedAws, ssm: "SSMClient", ids: list[str]) -> None:
    code, status, message = error_of(lambda: ssm.describe_instance_patch_states(InstanceIds=[*ids, UNKNOWN_ID]))

    assert (code, status) == ("ValidationException", 400)
    assert message.endswith(
        "at 'instanceIds' failed to satisfy constraint: Member must have length less than or equal to 50"
    )
    assert aws.statistics().most_ids == 51


@pytest.mark.parametrize(
    "instance_id",
    ["i-1234567", "i-123456789", "mi-12345678", "x-12345678", "i-1234567!", "i-12345678\n", "İ-12345678", "i-1234567é"],
)
def test_a_malformed_id_is_refused(ssm: "SSMClient", ids: list[str], instance_id: str) -> None:
    code, status, message = error_of(lambda: ssm.describe_instance_patch_states(InstanceIds=[ids[0], instance_id]))

    assert (code, status) == ("ValidationException", 400)
    assert "Member must satisfy regular expression pattern" in message


@pytest.mark.parametrize(
    ("asked", "constraint"), [(9, "greater than or equal to 10"), (51, "less than or equal to 50")]
)
def test_a_page_of_states_holds_ten_to_fifty(ssm: "SSMClient", ids: list[str], asked: int, constraint: str) -> None:
    # The SDK checks the model's lower bound itself; this call goes to the service without that check.
    status, body = raw_call(ssm.meta.endpoint_url, "DescribeInstancePatchStates", InstanceIds=ids, MaxResults=asked)

    assert status == 400
    assert body == {
        "__type": "ValidationException",
        "message": f"1 validation error detected: Value '{asked}' at 'maxResults' failed to satisfy constraint: "
        f"Member must have value {constraint}",
    }


@pytest.mark.parametrize(("asked", "constraint"), [(4, "greater than or equal to 5"), (51, "less than or equal to 50")])
def test_a_page_of_the_list_holds_five_to_fifty(ssm: "SSMClient", asked: int, constraint: str) -> None:
    status, body = raw_call(ssm.meta.endpoint_url, "DescribeInstanceInformation", MaxResults=asked)

    assert (status, body["__type"]) == (400, "ValidationException")
    assert body["message"].endswith(f"Member must have value {constraint}")


@pytest.mark.parametrize("body", ['{"InstanceIds":', '{"InstanceIds": "i-12345678"}', "[]"])
def test_a_body_that_is_not_the_operations_input_is_refused(ssm: "SSMClient", body: str) -> None:
    status, answer = raw_request(ssm.meta.endpoint_url, "DescribeInstancePatchStates", body)

    assert (status, answer["__type"]) == (400, "SerializationException")


def test_ids_are_required(ssm: "SSMClient") -> None:
    status, answer = raw_call(ssm.meta.endpoint_url, "DescribeInstancePatchStates")

    assert status == 400
    assert "Value null at 'instanceIds'" in answer["message"]


def test_filters_are_refused_rather_than_ignored(ssm: "SSMClient") -> None:
    filters: Any = [{"Key": "PingStatus", "Values": ["Online"]}]

    assert error_of(lambda: ssm.describe_instance_information(Filters=filters))[0] == "InvalidFilterKey"


def test_a_token_holds_for_its_own_question_only(aws: EmbeddedAws, ssm: "SSMClient", ids: list[str]) -> None:
    aws.change(short_pages=0.0, empty_pages=0.0)
    listing = ssm.describe_instance_information(MaxResults=10)["NextToken"]
    states = ssm.describe_instance_patch_states(InstanceIds=ids, MaxResults=10)["NextToken"]
    member = client(aws, MEMBER)

    foreign: list[Callable[[], object]] = [
        lambda: ssm.describe_instance_information(MaxResults=11, NextToken=listing),
        lambda: ssm.describe_instance_information(MaxResults=10, NextToken=states),
        lambda: ssm.describe_instance_patch_states(InstanceIds=ids, MaxResults=10, NextToken=listing),
        lambda: ssm.describe_instance_patch_states(InstanceIds=ids[1:], MaxResults=10, NextToken=states),
        lambda: member.describe_instance_information(MaxResults=10, NextToken=listing),
        lambda: ssm.describe_instance_information(MaxResults=10, NextToken="nonsense"),
        lambda: ssm.describe_instance_information(MaxResults=10, NextToken=""),
        lambda: ssm.describe_instance_information(MaxResults=10, NextToken=f"x{listing[1:]}"),
    ]

    assert {error_of(call)[:2] for call in foreign} == {("InvalidNextToken", 400)}
    assert len(ssm.describe_instance_information(MaxResults=10, NextToken=listing)["InstanceInformationList"]) == 10


def test_a_disabled_region_recognises_no_token(aws: EmbeddedAws, ssm: "SSMClient") -> None:
    aws.change(disabled_regions=frozenset({HOME.region}))

    assert error_of(ssm.describe_instance_information) == (
        "UnrecognizedClientException",
        400,
        "The security token included in the request is invalid.",
    )
    assert client(aws, Target(HOME.account_id, "us-east-1")).describe_instance_information()


def test_an_account_may_be_denied(aws: EmbeddedAws, ssm: "SSMClient") -> None:
    aws.change(denied_accounts=frozenset({MEMBER.account_id}))

    code, status, message = error_of(client(aws, MEMBER).describe_instance_information)

    assert (code, status) == ("AccessDeniedException", 400)
    assert "is not authorized to perform: ssm:DescribeInstanceInformation on resource" in message
    assert ssm.describe_instance_information()


def test_a_broken_target_always_ends_with_an_internal_error(aws: EmbeddedAws, ssm: "SSMClient") -> None:
    aws.change(broken_targets=frozenset({str(HOME)}))

    codes = [error_of(ssm.describe_instance_information)[:2] for _ in range(4)]

    assert codes == [("InternalServerError", 500)] * 4
    assert client(aws, MEMBER).describe_instance_information()


def test_an_expired_session_ends_and_a_fresh_one_holds(aws: EmbeddedAws) -> None:
    stale = client(aws, MEMBER)
    stale.describe_instance_information()

    aws.expire_sessions()

    assert error_of(stale.describe_instance_information)[:2] == ("ExpiredTokenException", 400)
    assert client(aws, MEMBER).describe_instance_information()


def test_a_node_can_vanish_between_list_and_collection_and_come_back(
    aws: EmbeddedAws, ssm: "SSMClient", ids: list[str]
) -> None:
    aws.change(short_pages=0.0, empty_pages=0.0, vanished_nodes=frozenset(ids[:2]))
    without = [row["InstanceId"] for row in ssm.describe_instance_patch_states(InstanceIds=ids)["InstancePatchStates"]]
    unlisted = {row["InstanceId"] for row in listed(information_pages(ssm, MaxResults=50))}

    aws.change(vanished_nodes=frozenset())
    back = ssm.describe_instance_patch_states(InstanceIds=ids)["InstancePatchStates"]

    assert sorted(without) == ids[2:]
    assert unlisted.isdisjoint(ids[:2])
    assert len(unlisted) == aws.fleet.size(HOME) - 2
    assert sorted(row["InstanceId"] for row in back) == ids


def test_a_row_can_be_replaced_by_any_text(aws: EmbeddedAws, ssm: "SSMClient", ids: list[str]) -> None:
    never_scanned = next(node.instance_id for node in aws.fleet.nodes(HOME, 0) if node.patch_state is None)
    poison = {ids[0]: f'{{"InstanceId":"{ids[0]}","MissingCount":"7"}}', never_scanned: '{"PatchGroup":null}'}
    aws.change(short_pages=0.0, empty_pages=0.0, patch_state_answers=poison)
    aws.change(information_answers={ids[1]: '{"InstanceId":"i-broken"}'})

    _, states = raw_call(
        ssm.meta.endpoint_url, "DescribeInstancePatchStates", InstanceIds=[*ids[:3], never_scanned], MaxResults=50
    )
    names = [row["InstanceId"] for row in listed(information_pages(ssm, MaxResults=50))]

    assert {"InstanceId": ids[0], "MissingCount": "7"} in states["InstancePatchStates"]
    assert {"PatchGroup": None} in states["InstancePatchStates"]
    assert len(states["InstancePatchStates"]) == 4
    assert "i-broken" in names
    assert ids[1] not in names


def test_answers_are_what_the_sdk_model_of_the_operation_says(ssm: "SSMClient", ids: list[str]) -> None:
    model = get_session().get_service_model("ssm")
    for operation, rows, arguments in (
        ("DescribeInstanceInformation", "InstanceInformationList", {"MaxResults": 50}),
        ("DescribeInstancePatchStates", "InstancePatchStates", {"InstanceIds": ids, "MaxResults": 50}),
        ("DescribeInstancePatches", "Patches", {"InstanceId": ids[0], "MaxResults": 50}),
    ):
        output: Any = model.operation_model(operation).output_shape
        status, body = raw_call(ssm.meta.endpoint_url, operation, **arguments)
        raw = {"body": json.dumps(body).encode(), "headers": {}, "status_code": status}

        parsed = JSONParser().parse(raw, output)

        assert body.keys() <= output.members.keys()
        # The parser drops members that the model does not know: nothing may be lost.
        assert [row.keys() for row in parsed[rows]] == [row.keys() for row in body[rows]]
        assert len(parsed[rows]) > 0


def test_equal_settings_give_equal_answers(aws: EmbeddedAws, ssm: "SSMClient", ids: list[str]) -> None:
    first = raw_call(ssm.meta.endpoint_url, "DescribeInstancePatchStates", InstanceIds=ids)

    aws.begin_day(0)

    assert raw_call(ssm.meta.endpoint_url, "DescribeInstancePatchStates", InstanceIds=ids) == first


def test_the_fleet_that_tests_compare_with_is_the_one_that_answers(aws: EmbeddedAws) -> None:
    assert isinstance(aws.fleet, Fleet)
    assert aws.fleet.run_at(0) == aws.clock()
