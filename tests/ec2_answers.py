"""Answers of EC2 in XML, element by element, and the SDK's own description of them."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import ListShape, StructureShape

INSTANCE_ID = "i-0123456789abcdef0"
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


@cache
def answer_shape(operation: str) -> StructureShape:
    """Return the SDK's description of an operation's answer."""
    shape = botocore.session.Session().get_service_model("ec2").operation_model(operation).output_shape
    assert isinstance(shape, StructureShape)
    return shape


def shape_at(operation: str, path: str) -> Any:  # noqa: ANN401
    """Return the shape of a member of an answer; of a list, the shape of its items."""
    shape: Any = answer_shape(operation)
    for name in path.split("."):
        shape = shape.members[name]
        shape = shape.member if isinstance(shape, ListShape) else shape
    return shape


def element(name: str, content: object) -> str:
    """Write an element: of a mapping, one for each member; of a list, an ``item`` for each value; None is none."""
    match content:
        case None:
            return ""
        case dict():
            inner = "".join(element(*member) for member in content.items())
        case list():
            inner = "".join(element("item", value) for value in content)
        case _:
            inner = escape(str(content))
    return f"<{name}>{inner}</{name}>"


def answer(operation: str, members: Mapping[str, object]) -> bytes:
    """Write an answer with these members."""
    inner = element("requestId", "id") + "".join(element(*member) for member in members.items())
    return f'<?xml version="1.0"?><{operation}Response xmlns="{NAMESPACE}">{inner}</{operation}Response>'.encode()


def instances(*found: Mapping[str, Any], token: str | None = None) -> bytes:
    """Write an answer of DescribeInstances, with one reservation for each instance."""
    reservations = [{"reservationId": "r-1", "instancesSet": [instance]} for instance in found]
    return answer("DescribeInstances", {"reservationSet": reservations, "nextToken": token})


def tags(*found: Mapping[str, Any], token: str | None = None) -> bytes:
    """Write an answer of DescribeTags."""
    return answer("DescribeTags", {"tagSet": list(found), "nextToken": token})


def tag(key: str, value: str | None, instance_id: str = INSTANCE_ID) -> dict[str, Any]:
    """Return a tag of an instance in the members of DescribeTags."""
    return {"resourceId": instance_id, "resourceType": "instance", "key": key, "value": value}


def error(code: str, message: str = "why") -> bytes:
    """Write an error as EC2 sends it."""
    return (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{escape(message)}</Message></Error></Errors>"
        "<RequestID>id</RequestID></Response>"
    ).encode()
