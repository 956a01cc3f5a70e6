"""The XML of the embedded EC2's answers: moto's own writer takes a second for a page of 1,000 instances."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

_NAMES: Final = {
    "Instances": "instancesSet",
    "Regions": "regionInfo",
    "Reservations": "reservationSet",
    "State": "instanceState",
    "StateTransitionReason": "reason",
    "Tags": "tagSet",
}
"""The elements of members; of all others, the member's name with a small first letter."""
_NAMESPACE: Final = "http://ec2.amazonaws.com/doc/2016-11-15/"


def answer(operation: str, members: Mapping[str, object]) -> str:
    """Write an answer with these members of the API."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{operation}Response xmlns="{_NAMESPACE}">'
        f"<requestId>59dbff89-35bd-4eac-99ed-example</requestId>{_elements(members)}</{operation}Response>"
    )


def _elements(members: Mapping[str, object]) -> str:
    return "".join(
        _element(_NAMES.get(name) or name[0].lower() + name[1:], value)
        for name, value in members.items()
        if value is not None
    )


def _element(name: str, value: object) -> str:
    match value:
        case dict():
            inner = _elements(value)
        case list() | tuple():
            inner = "".join(_element("item", item) for item in value)
        case bool():
            inner = str(value).lower()
        case datetime():
            inner = f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"
        case _:
            inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"
