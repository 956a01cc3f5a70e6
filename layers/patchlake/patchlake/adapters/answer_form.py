"""The form of a successful answer: the SDK's parsers read a page of a proxy, an error or no body as an empty answer."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_OTHER_XML = re.compile(
    rb"\s*(?:<\?[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+)?(?:html|error|errorresponse)\b",
    re.IGNORECASE | re.DOTALL,
)
_OF_AN_ERROR = frozenset({"__type", "Output"})
"""The members of an error in JSON: its type, or a wrapper around it."""
_FIRST_OTHER_STATUS = 300


def is_in_form(answer: Mapping[str, Any], protocol: str, shape: Any) -> bool:  # noqa: ANN401  # the SDK's has no type
    """Whether a successful answer may be one of the service; errors and bodies that are read later always may.

    Args:
        answer: as the SDK's parsers take it.
        protocol: of the service, by its name in the SDK.
        shape: of the answer, in the SDK's model; None if it has no members.
    """
    body = answer["body"]
    if answer["status_code"] >= _FIRST_OTHER_STATUS or not isinstance(body, bytes):
        return True
    if not body.strip():
        return protocol not in {"json", "rest-json", "rest-xml"} or not _has_body(shape)
    if protocol in {"json", "rest-json"}:
        return _is_json_answer(body)
    return protocol != "rest-xml" or _OTHER_XML.match(body) is None


def _has_body(shape: Any) -> bool:  # noqa: ANN401
    return shape is not None and any("location" not in member.serialization for member in shape.members.values())


def _is_json_answer(body: bytes) -> bool:
    try:
        found = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return not _OF_AN_ERROR & found.keys()
