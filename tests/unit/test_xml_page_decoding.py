"""Raw bodies of EC2 to pages: the SDK's own values, a bad value is lost alone, a broken body is never an empty page."""

import tracemalloc
from datetime import UTC, datetime
from typing import Any

import botocore.parsers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.adapters.xml_page_decoding import XmlPageDecoder
from patchlake.core.records import InvalidRow, Page
from patchlake.errors import BrokenAnswerError
from patchlake.sources.instances import INSTANCE_COLUMNS, INSTANCES
from patchlake.sources.source import Operation
from patchlake.sources.tags import TAGS
from tests.ec2_answers import INSTANCE_ID, answer, answer_shape, element, error, instances, tag, tags

AT = 1_795_413_607_000
MORE = "more"
FULL = {
    "instanceId": INSTANCE_ID,
    "imageId": "ami-1",
    "instanceState": {"code": 16, "name": "running"},
    "privateDnsName": "ip-10-0-0-12.internal",
    "reason": "User initiated (2026-10-27 14:22:31 GMT)",
    "instanceType": "m5.large",
    "launchTime": "2026-10-27T14:22:31.250Z",
    "placement": {"availabilityZone": "eu-west-1c", "tenancy": "default"},
    "vpcId": "vpc-1",
    "privateIpAddress": "10.0.0.12",
    "architecture": "arm64",
    "instanceLifecycle": "spot",
    "iamInstanceProfile": {"arn": "arn:aws:iam::111122223333:instance-profile/web", "id": "A"},
    "tagSet": [{"key": "password", "value": "hunter2"}],
    "networkInterfaceSet": [{"privateIpAddress": "10.0.0.12", "groupSet": [{"groupId": "sg-1"}]}],
    "platformDetails": "Linux/UNIX",
    "operator": {"managed": "true", "principal": "scaling.eks.amazonaws.com"},
}
MEMBERS = {str(column.member): column.name for column in INSTANCE_COLUMNS}


def decoder(operation: Operation) -> XmlPageDecoder:
    return XmlPageDecoder(operation, answer_shape(operation.name))


DECODER, TAG_DECODER = decoder(INSTANCES.operation), decoder(TAGS.operation)


def page(*rows: dict[str, Any]) -> Page[Any]:
    return DECODER.page(instances(*rows), AT)


def sdk_instances(body: bytes) -> list[dict[str, Any]]:
    """Return the instances as plain botocore parses them."""
    parsed = botocore.parsers.create_parser("ec2").parse(
        {"status_code": 200, "headers": {}, "body": body}, answer_shape("DescribeInstances")
    )
    return [instance for reservation in parsed["Reservations"] for instance in reservation["Instances"]]


def member(instance: dict[str, Any], path: str) -> object:
    value: Any = instance
    for name in path.split("."):
        value = value.get(name) if value else None
    return value.timestamp() if isinstance(value, datetime) else value


def test_an_instance_has_every_member_that_the_table_names_and_no_other() -> None:
    [record] = page(FULL).records

    assert record.instance_id == INSTANCE_ID
    assert {name: getattr(record, name) for name in MEMBERS.values()} == {
        "state": "running",
        "state_transition_reason": "User initiated (2026-10-27 14:22:31 GMT)",
        "launch_time": datetime(2026, 10, 27, 14, 22, 31, 250_000, tzinfo=UTC).timestamp(),
        "instance_type": "m5.large",
        "architecture": "arm64",
        "platform_details": "Linux/UNIX",
        "image_id": "ami-1",
        "vpc_id": "vpc-1",
        "availability_zone": "eu-west-1c",
        "iam_instance_profile": "arn:aws:iam::111122223333:instance-profile/web",
        "instance_lifecycle": "spot",
        "operator_managed": True,
        "operator_principal": "scaling.eks.amazonaws.com",
    }
    assert "hunter2" not in repr(record)
    assert "10.0.0.12" not in repr(record)


TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")))
TIME = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.isoformat(timespec="milliseconds"))
ROWS = st.lists(
    st.fixed_dictionaries(
        {"instanceId": st.from_regex(r"\Ai-[0-9a-f]{17}\Z")},
        optional={
            "instanceState": st.fixed_dictionaries({}, optional={"name": TEXT}),
            "reason": TEXT,
            "launchTime": TIME,
            "instanceType": TEXT,
            "placement": st.fixed_dictionaries({}, optional={"availabilityZone": TEXT}),
            "operator": st.fixed_dictionaries({}, optional={"managed": st.sampled_from(["true", "false"])}),
            "tagSet": st.lists(st.fixed_dictionaries({"key": TEXT, "instanceId": TEXT}), max_size=2),
            "invented": TEXT,
        },
    ),
    max_size=4,
)


@given(ROWS)
def test_every_value_is_the_one_that_the_sdk_reads(rows: list[dict[str, Any]]) -> None:
    body = instances(*rows)

    found: Page[Any] = DECODER.page(body, AT)

    assert found.invalid == []
    expected = [(row["InstanceId"], *(member(row, path) for path in MEMBERS)) for row in sdk_instances(body)]
    assert [(one.instance_id, *(getattr(one, name) for name in MEMBERS.values())) for one in found.records] == expected


def test_the_instances_of_all_reservations_are_rows() -> None:
    body = answer(
        "DescribeInstances",
        {"reservationSet": [{"instancesSet": [{"instanceId": f"i-000000{n}{m}"} for m in "01"]} for n in "123"]},
    )

    found: Page[Any] = DECODER.page(body, AT)

    assert [row.instance_id for row in found.records] == [f"i-000000{n}{m}" for n in "123" for m in "01"]


@pytest.mark.parametrize(
    ("bad", "column", "rule"),
    [
        ({"launchTime": "yesterday"}, "launch_time", "LaunchTime: expected `float | null`, got `str`"),
        ({"launchTime": "2026-10-27T14:22:31"}, "launch_time", "LaunchTime: expected `float | null`, got `str`"),
        ({"launchTime": ""}, "launch_time", "LaunchTime: expected `float | null`, got `str`"),
        ({"operator": {"managed": "maybe"}}, "operator_managed", "Operator.Managed: expected `bool | null`, got `str`"),
        ({"imageId": {"id": "ami-1"}}, "image_id", "ImageId: expected `str | null`, got `array`"),
    ],
    ids=["a word", "no zone", "empty", "neither true nor false", "elements"],
)
def test_a_bad_value_is_lost_alone(bad: dict[str, Any], column: str, rule: str) -> None:
    [row] = page(FULL | bad).invalid

    assert (row.instance_id, row.reason) == (INSTANCE_ID, rule)
    good = page(FULL).records[0]
    names = [name for name in MEMBERS.values() if name != column and not name.startswith("operator")]
    assert getattr(row.record, column) is None
    assert [getattr(row.record, name) for name in names] == [getattr(good, name) for name in names]


XSI = b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"'
TYPE = b"<instanceType>m5.large</instanceType>"
STATE = b"<instanceState><code>16</code><name>running</name></instanceState>"


@pytest.mark.parametrize(
    ("said", "also", "column", "name"),
    [
        (TYPE, b"<instanceType>t3.micro</instanceType>", "instance_type", "InstanceType"),
        (TYPE, b"<instanceType/>", "instance_type", "InstanceType"),
        (TYPE, b"<instanceType><a/></instanceType>", "instance_type", "InstanceType"),
        (TYPE, b"<instanceType" + XSI + b"/>", "instance_type", "InstanceType"),
        (STATE, b"<instanceState><name>terminated</name></instanceState>", "state", "State.Name"),
        (b"<name>running</name>", b"<name>terminated</name>", "state", "State.Name"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_an_element_that_comes_twice_with_different_values_is_a_bad_value(
    said: bytes,
    also: bytes,
    column: str,
    name: str,
    is_first: bool,  # noqa: FBT001
) -> None:
    body = instances(FULL).replace(said, also + said if is_first else said + also)

    [row] = DECODER.page(body, AT).invalid

    assert (row.instance_id, row.reason) == (INSTANCE_ID, f"{name}: it occurs twice, with different values")
    assert getattr(row.record, column) is None


def test_an_element_that_comes_twice_with_the_same_value_costs_nothing() -> None:
    twice = instances(FULL).replace(TYPE, TYPE + TYPE).replace(STATE, STATE + STATE)

    assert DECODER.page(twice, AT) == DECODER.page(instances(FULL), AT)


def test_an_instance_or_a_tag_with_two_ids_is_a_row_without_one() -> None:
    other = b"i-1123456789abcdef0"
    body = instances(FULL).replace(b"<instanceId>", b"<instanceId>" + other + b"</instanceId><instanceId>")
    tag_body = tags(tag("Owner", "a")).replace(b"<resourceId>", b"<resourceId>" + other + b"</resourceId><resourceId>")

    for found in (DECODER.page(body, AT), TAG_DECODER.page(tag_body, AT)):
        assert ([row.instance_id for row in found.invalid], found.records) == ([None], [])


@pytest.mark.parametrize("value", [b"true", b"1"])
def test_an_element_that_says_that_it_has_no_value_has_none(value: bytes) -> None:
    nil = XSI.replace(b'"true"', b'"' + value + b'"')
    body = instances(FULL).replace(TYPE, b"<instanceType" + nil + b"/>").replace(STATE, b"<instanceState" + nil + b"/>")

    found: Page[Any] = DECODER.page(body, AT)

    [row] = found.records
    assert (row.state, row.instance_type, row.instance_id) == (None, None, INSTANCE_ID)


def test_a_bad_row_is_lost_alone() -> None:
    found = page(FULL, {"instanceState": {"name": "running"}}, {"instanceId": ""}, {"instanceId": "i-new-form"})

    assert [row.instance_id for row in found.records] == [INSTANCE_ID]
    assert [row.instance_id for row in found.invalid] == [None, None, "i-new-form"]
    assert found.invalid[-1].record is not None


def test_a_reservation_without_its_list_of_instances_is_a_row_without_an_id() -> None:
    body = answer("DescribeInstances", {"reservationSet": [{"reservationId": "r-1"}, {"instancesSet": [FULL]}]})

    found = DECODER.page(body, AT)

    assert found.invalid == [InvalidRow(None, "instancesSet: it is absent")]
    assert len(found.records) == 1


def test_a_reservation_whose_list_of_instances_is_nil_is_a_row_without_an_id() -> None:
    body = answer("DescribeInstances", {"reservationSet": [{"instancesSet": []}]})

    found = DECODER.page(body.replace(b"<instancesSet>", b"<instancesSet" + XSI + b">"), AT)

    assert found.invalid == [InvalidRow(None, "instancesSet: it is absent")]


def test_a_reservation_whose_list_of_instances_is_empty_is_a_row_without_an_id() -> None:
    body = answer("DescribeInstances", {"reservationSet": [{"instancesSet": []}, {"instancesSet": [FULL]}]})

    found = DECODER.page(body, AT)

    assert found.invalid == [InvalidRow(None, "instancesSet: it is empty")]
    assert len(found.records) == 1


@pytest.mark.parametrize("token", [None, ""])
def test_an_absent_or_empty_token_is_the_end(token: str | None) -> None:
    assert DECODER.page(instances(FULL, token=token), AT).next_token is None


def test_an_empty_page_with_a_token_has_a_next_page() -> None:
    assert DECODER.page(instances(token=MORE), AT) == Page([], "more", AT)
    assert TAG_DECODER.page(tags(token=MORE), AT) == Page([], "more", AT)


WHOLE = instances(FULL, token=MORE)
BROKEN = {
    "nothing": b"",
    "cut short": WHOLE[: len(WHOLE) // 2],
    "without its end": WHOLE[:-5],
    "no reservationSet": answer("DescribeInstances", {"nextToken": "more"}),
    "another list": tags(),
    "the answer to another operation": WHOLE.replace(b"DescribeInstancesResponse", b"FooResponse"),
    "a web page with a list": WHOLE.replace(b"DescribeInstancesResponse", b"html"),
    "a deeper reservationSet": answer("DescribeInstances", {"other": {"reservationSet": []}}),
    "an error": error("InternalError"),
    "an error and a list": answer("DescribeInstances", {"reservationSet": [], "Errors": {"Error": {"Code": "X"}}}),
    "two lists": WHOLE.replace(b"<nextToken>", b"<reservationSet/><nextToken>"),
    "a list of another kind": WHOLE.replace(b"item>", b"member>"),
    "a text for a list": answer("DescribeInstances", {"reservationSet": "service degraded"}),
    "a text before the list": WHOLE.replace(b"<reservationSet>", b"<reservationSet>degraded"),
    "a list that is nil": instances().replace(b"<reservationSet>", b"<reservationSet" + XSI + b">"),
    "a list of rows that is nil": WHOLE.replace(b"<reservationSet>", b"<reservationSet" + XSI + b">"),
    "an element for a token": WHOLE.replace(b"<nextToken>more", b"<nextToken><more/>"),
    "a token in other letters": WHOLE.replace(b"nextToken>", b"NextToken>"),
    "a list in other letters": WHOLE.replace(b"<nextToken>", b"<ReservationSet/><nextToken>"),
    "a set of errors and a list": WHOLE.replace(b"<nextToken>", b"<errorSet><item/></errorSet><nextToken>"),
    "an error in other letters": WHOLE.replace(b"<nextToken>", b"<errors/><nextToken>"),
    "two tokens": WHOLE.replace(b"<nextToken>", b"<nextToken/><nextToken>"),
    "a page of a proxy": b"<html><body>down</body></html>",
    "JSON": b'{"reservationSet":[]}',
    "an unknown encoding": WHOLE.replace(b'"1.0"', b'"1.0" encoding="none-such"'),
    "bytes that are no text": WHOLE.replace(b"m5.large", b"\xff"),
    "a character that XML forbids": WHOLE.replace(b"m5.large", b"\x01"),
    "an undefined entity": WHOLE.replace(b"m5.large", b"&nothing;"),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_body_is_never_an_empty_page_and_is_not_repeated(body: bytes) -> None:
    with pytest.raises(BrokenAnswerError, match=r"^the answer to DescribeInstances") as caught:
        DECODER.page(body, AT)

    assert "10.0.0.12" not in str(caught.value)


def test_an_answer_with_a_misleading_member_is_refused_by_its_name() -> None:
    expected = "the answer to DescribeInstances has the unexpected member NextToken"

    with pytest.raises(BrokenAnswerError, match=f"^{expected}$"):
        DECODER.page(BROKEN["a token in other letters"], AT)


@given(st.integers(0, len(WHOLE) - 1))
def test_no_beginning_of_an_answer_is_a_page(length: int) -> None:
    with pytest.raises(BrokenAnswerError):
        DECODER.page(WHOLE[:length], AT)


@given(st.binary(max_size=60), st.integers(0, len(WHOLE)))
def test_any_bytes_are_a_page_or_a_broken_answer(noise: bytes, place: int) -> None:
    try:
        found = DECODER.page(WHOLE[:place] + noise + WHOLE[place + len(noise) :], AT)
    except BrokenAnswerError:
        return
    assert isinstance(found, Page)


def test_the_tags_have_the_ids_of_their_instances() -> None:
    found: Page[Any] = TAG_DECODER.page(tags(tag("Owner", "")), AT)

    [record] = found.records
    assert (record.instance_id, record.resource_type, record.key, record.value) == (
        INSTANCE_ID,
        "instance",
        "Owner",
        "",
    )


def test_a_full_page_takes_little_memory_whatever_its_rows_contain() -> None:
    ballast = {"blockDeviceMapping": [{"ebs": {"volumeId": f"vol-{n}"}} for n in range(60)]}
    body = instances(*(FULL | ballast | {"instanceId": f"i-{n:017x}"} for n in range(300)))
    DECODER.page(body, AT)

    tracemalloc.start()
    try:
        found = DECODER.page(body, AT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(found.records) == 300
    assert peak < len(body) / 2


def test_a_deeply_nested_value_is_a_bad_value() -> None:
    deep = "<x>" * 5000 + "</x>" * 5000
    body = instances(FULL).replace(b"m5.large", deep.encode()).replace(element("reason", "").encode(), b"")

    [row] = DECODER.page(body, AT).invalid

    assert row.reason == "InstanceType: expected `str | null`, got `array`"
