"""DescribeInstances and DescribeTags of the simulated EC2: its instances, and its answers in XML.

Nothing is taken from the code that asks: elements and errors are written out as EC2 has them. Each instance has values
of its own, so that a swapped one is seen, and tags and addresses that no run may store.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched, islice
from random import Random
from typing import Any

from tests.ec2_answers import answer, error
from tests.simulation.faults import Fault

DESCRIBE_INSTANCES, DESCRIBE_TAGS = "DescribeInstances", "DescribeTags"
OPERATIONS = (DESCRIBE_INSTANCES, DESCRIBE_TAGS)

SECRET_TAG, ADDRESS = "hunter2", "10.66.0."
"""The value of a tag that no plan allows, and the beginning of every address."""

_STATES = ("running", "stopped", "terminated", "pending", "shutting-down", "stopping")
_FIRST = "first "

type Row = dict[str, Any]
"""An instance or a tag, by the elements of an answer."""


@dataclass(slots=True)
class Ec2Instance:
    """An instance and its tags; only a call with ``IncludeManagedResources`` lists one that a service manages."""

    row: Row
    tags: dict[str, str]

    @property
    def is_managed(self) -> bool:
        """Whether a service of AWS manages it."""
        return bool(self.row.get("operator", {}).get("managed") == "true")


def launched(instance_id: str, serial: int) -> Ec2Instance:
    """Return an instance with values that only its serial number has; optional ones are sometimes absent."""
    optional: dict[str, Any] = {
        "imageId": f"ami-{serial}",
        "reason": f"reason {serial}" if serial % 2 else "",
        "instanceType": f"type {serial // 3}{' ' * (serial % 3)}",
        "launchTime": f"2026-10-{1 + serial % 28:02d}T{serial % 24:02d}:00:00.{serial % 1000:03d}Z",
        "placement": {"availabilityZone": f"zone {serial}", "tenancy": "default"},
        "vpcId": f"vpc-{serial}",
        "architecture": f"architecture {serial}",
        "instanceLifecycle": f"lifecycle {serial}",
        "iamInstanceProfile": {"arn": f"profile {serial}", "id": "A"},
        "platformDetails": f"platform {serial}",
        "operator": {"managed": "true" if serial % 3 == 0 else "false", "principal": f"principal {serial}"},
    }
    present = {name: value for place, (name, value) in enumerate(optional.items()) if (serial + place) % 7}
    row = {
        "instanceId": instance_id,
        "instanceState": {"code": serial % 90, "name": _STATES[serial % len(_STATES)]},
        "privateDnsName": f"{ADDRESS}{serial}.internal",
        "privateIpAddress": f"{ADDRESS}{serial}",
        **present,
        "tagSet": [{"key": "team", "value": SECRET_TAG}, {"key": "password", "value": SECRET_TAG}],
        "networkInterfaceSet": [{"privateIpAddress": f"{ADDRESS}{serial}"}],
    }
    tags = {"team": f"team {serial}", "env": "", "Team": SECRET_TAG, "teams": SECRET_TAG, "password": SECRET_TAG}
    return Ec2Instance(row, dict(islice(tags.items(), serial % 3 and 1 + serial % 5)))


def page(
    instances: dict[str, Ec2Instance], operation: str, request: dict[str, Any], token: str | None, size: int
) -> tuple[list[Row], str | None]:
    """Return the rows of one page and the token of the next one.

    Args:
        instances: those of the target, by id.
        operation: DescribeInstances or DescribeTags.
        request: the members of the call, without those of the page.
        token: of the page: the row after which it begins.
        size: the most rows of a page.
    """
    places = _instances(instances, request) if operation == DESCRIBE_INSTANCES else _tags(instances, request)
    if token is None and len(instances) % 3 == 0:
        return [], _FIRST  # An empty page is no end.
    rest = [(place, row) for place, row in places if token in {None, _FIRST} or place > (token or "")]
    rows = [row for _, row in rest[:size]]
    return rows, rest[size - 1][0] if len(rest) > size else None


def _instances(instances: dict[str, Ec2Instance], request: dict[str, Any]) -> list[tuple[str, Row]]:
    is_listed = bool(request.get("IncludeManagedResources"))
    return sorted((instance_id, one.row) for instance_id, one in instances.items() if is_listed or not one.is_managed)


def _tags(instances: dict[str, Ec2Instance], request: dict[str, Any]) -> list[tuple[str, Row]]:
    wanted = {each["Name"]: each["Values"] for each in request.get("Filters", ())}
    return sorted(
        (f"{instance_id} {key}", tag(instance_id, key, value))
        for instance_id, one in instances.items()
        for key, value in one.tags.items()
        if key in wanted.get("key", [key])
    )


def tag(instance_id: str, key: str, value: str) -> Row:
    """Return a tag of an instance."""
    return {"resourceId": instance_id, "resourceType": "instance", "key": key, "value": value}


def body(operation: str, rows: Sequence[Row], next_token: str | None) -> bytes:
    """Write an answer; of a reservation without its list of instances, the row is empty."""
    if operation == DESCRIBE_TAGS:
        return answer(operation, {"tagSet": list(rows), "nextToken": next_token})
    return answer(operation, {"reservationSet": list(_reservations(rows)), "nextToken": next_token})


def _reservations(rows: Sequence[Row]) -> Iterator[Row]:
    for some in batched(rows, 2, strict=False):
        if found := [row for row in some if row]:
            yield {"reservationId": "r-1", "instancesSet": found}
        yield from ({"reservationId": "r-2"} for row in some if not row)


def no_answers(operation: str) -> tuple[bytes, ...]:
    """Return bodies with status 200 that say nothing."""
    is_tags = operation == DESCRIBE_TAGS
    whole = body(operation, [tag("i-0", "team", SECRET_TAG) if is_tags else launched("i-0", 1).row], None)
    return (
        b"",
        b"{}",
        b"<html></html>",
        error("UnauthorizedOperation"),
        whole[: len(whole) // 2],
        answer(operation, {"nextToken": "more"}),
    )


def damaged(operation: str, rows: Sequence[Row], first: Row, fault: Fault, random: Random) -> list[Row]:
    """Return the rows of a page after a fault; ``first`` is the first row of its chain."""
    *others, last = rows
    if operation == DESCRIBE_INSTANCES:
        return [*others, *random.choice(_DAMAGED_INSTANCES[fault])(last, first)]
    return [*others, *random.choice(_DAMAGED_TAGS[fault])(last, first)]


type _Damage = Callable[[Row, Row], list[Row]]
"""Returns the rows in place of a page's last one."""


def _with(**members: object) -> _Damage:
    return lambda last, _: [{**last, **members}]


def _without(name: str) -> _Damage:
    return lambda last, _: [{member: value for member, value in last.items() if member != name}]


def _after(**members: object) -> _Damage:
    return lambda last, _: [last, {**last, **members}]


def _unknown_form(name: str) -> _Damage:
    return lambda last, _: [{**last, name: f"eks_c:{last[name]}"}]


_NESTED = {"nested": "text"}

_DAMAGED_INSTANCES: dict[Fault, Sequence[_Damage]] = {
    Fault.LISTED_TWICE: (lambda last, first: [last, {**first, "vpcId": "another"}],),
    Fault.BAD_VALUE: (
        _with(launchTime="yesterday"),
        _with(launchTime="2026-10-01T00:00:00"),
        _with(vpcId=_NESTED),
        _with(operator={"managed": "yes", "principal": "eks"}),
    ),
    Fault.UNKNOWN_ID: (_unknown_form("instanceId"),),
    Fault.NAMELESS_ROW: (
        _without("instanceId"),
        _with(instanceId=""),
        _with(instanceId=_NESTED),
        lambda _, __: [{}],
    ),
}
_DAMAGED_TAGS: dict[Fault, Sequence[_Damage]] = {
    Fault.LISTED_TWICE: (lambda last, first: [last, {**first, "value": "another"}],),
    Fault.BAD_VALUE: (_with(value=_NESTED), _without("value"), _with(resourceType=_NESTED)),
    Fault.UNKNOWN_ID: (_unknown_form("resourceId"),),
    Fault.NAMELESS_ROW: (_without("resourceId"), _with(key=_NESTED), _without("key")),
    Fault.NOT_ASKED_FOR: (
        _after(key="Team", value=SECRET_TAG),
        _after(key="password", value=SECRET_TAG),
        _after(resourceId="vol-1", resourceType="volume", value=SECRET_TAG),
        _after(resourceId="vol-1", resourceType=None, value=SECRET_TAG),
    ),
}
