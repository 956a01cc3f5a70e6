"""The expected rows of instances and tags, derived again from the rows that EC2 answered.

Columns, elements and rules are written out: none of it is taken from the code that asks, reads or writes.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from patchlake.core.plan import Plan
from patchlake.core.tables import Columns
from tests.simulation.ec2_service import Row

_ELEMENTS = {
    "instance_id": "instanceId",
    "state": "instanceState.name",
    "state_transition_reason": "reason",
    "launch_time": "launchTime",
    "instance_type": "instanceType",
    "architecture": "architecture",
    "platform_details": "platformDetails",
    "image_id": "imageId",
    "vpc_id": "vpcId",
    "availability_zone": "placement.availabilityZone",
    "iam_instance_profile": "iamInstanceProfile.arn",
    "instance_lifecycle": "instanceLifecycle",
    "operator_managed": "operator.managed",
    "operator_principal": "operator.principal",
}
INSTANCE_COLUMNS = [*_ELEMENTS]
TAG_COLUMNS = ["instance_id", "key", "value"]


def request_problem(operation: str, request: dict[str, Any], size: int, tag_keys: Iterable[str]) -> str | None:
    """Return where a call is not for all instances, or for their tags with the allowed keys alone, 1,000 a page."""
    keys = sorted(tag_keys)
    if operation == "DescribeTags" and not keys:
        return "tags, and the plan allows no key"
    of_tags = [{"Name": "resource-type", "Values": ["instance"]}, {"Name": "key", "Values": keys}]
    wanted = {"Filters": of_tags} if operation == "DescribeTags" else {"IncludeManagedResources": True}
    return None if request == wanted and size == 1000 else f"{request}, {size} a page, where {wanted} is allowed"


def instances(rows: Iterable[Row], _: Plan) -> tuple[int, Columns]:
    """Return the number of rows without an id, and each instance once, as its last row has it."""
    found: dict[str, dict[str, Any]] = {}
    nameless = 0
    for row in rows:
        values: dict[str, Any] = {column: _text(row, element) for column, element in _ELEMENTS.items()}
        if not values["instance_id"]:
            nameless += 1
            continue
        values["launch_time"] = _milliseconds(values["launch_time"])
        values["operator_managed"] = {"true": True, "false": False}.get(values["operator_managed"] or "")
        found[values["instance_id"]] = values
    return nameless, _columns(INSTANCE_COLUMNS, [found[key] for key in sorted(found)])


def tags(rows: Iterable[Row], plan: Plan) -> tuple[int, Columns]:
    """Return the number of rows without an id or a key, and each tag of an instance with an allowed key once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    nameless = 0
    for row in rows:
        instance_id, key = _text(row, "resourceId"), _text(row, "key")
        if instance_id and not _is_of_instance(instance_id, _text(row, "resourceType")):
            continue
        if not instance_id or key is None:
            nameless += 1
        elif key in plan.tag_keys:
            found[instance_id, key] = {"instance_id": instance_id, "key": key, "value": _text(row, "value")}
    return nameless, _columns(TAG_COLUMNS, [found[key] for key in sorted(found)])


def _is_of_instance(resource_id: str, resource_type: str | None) -> bool:
    return resource_id.startswith("i-") or resource_type == "instance"


def _columns(names: Iterable[str], rows: list[dict[str, Any]]) -> Columns:
    return {name: [row[name] for row in rows] for name in names}


def _text(row: Row, place: str) -> str | None:
    value: Any = row
    for name in place.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return None if value is None or isinstance(value, dict) else str(value)


def _milliseconds(text: str | None) -> int | None:
    if text is None or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text):
        return None
    return round(datetime.fromisoformat(text).timestamp() * 1000)
