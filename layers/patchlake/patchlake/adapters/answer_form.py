"""The form of a successful answer: the SDK's parsers read a page of a proxy, an error or no body as an empty answer."""

import json
import re
from collections.abc import Collection, Container, Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any
from xml.etree import ElementTree as ET

from patchlake.adapters.one_line import one_line
from patchlake.adapters.xml_elements import has_text, is_nil, local_name, parsed_xml

_OTHER_XML = re.compile(
    rb"\s*(?:<\?[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+)?(?:html|error|errorresponse)\b",
    re.IGNORECASE | re.DOTALL,
)
_OF_AN_ERROR = frozenset({"__type", "Output"})
"""The members of an error in JSON: its type, or a wrapper around it."""
_OF_A_PROXY = re.compile(r"__type|code|message|(error|exception|fault)\w*", re.IGNORECASE)
"""The members with which a proxy adds an error to an answer."""
_ROOTS = {
    "GetBucketLifecycleConfigurationOutput": {"LifecycleConfiguration"},
    "GetBucketVersioningOutput": {"VersioningConfiguration", "GetBucketVersioningResponse"},
    "ListObjectsV2Output": {"ListBucketResult"},
}
"""The roots of S3's answers, which the SDK's model lacks, by its names of the answers: of those that are asked for.

Sources: the API reference of S3; moto, for the second root of versioning.
"""
FIRST_ERROR_STATUS = 301
"""The status from which the SDK takes an answer for an error."""
ERROR_HEADER = "x-amzn-errortype"
"""The header that only errors have, in the protocols of AWS that use JSON."""


def is_in_form(answer: Mapping[str, Any], protocol: str, shape: Any) -> bool:  # noqa: ANN401  # the SDK's has no type
    """Whether a successful answer may be one of the service; errors and bodies that are read later always may.

    Args:
        answer: as the SDK's parsers take it.
        protocol: of the service, by its name in the SDK.
        shape: of the answer, in the SDK's model; None if it has no members.
    """
    body = answer["body"]
    if answer["status_code"] >= FIRST_ERROR_STATUS or not isinstance(body, bytes):
        return True
    if not body.strip():
        return protocol not in {"json", "rest-json", "rest-xml"} or not _has_body(shape)
    if protocol in {"json", "rest-json"}:
        return is_object(body, names_in(shape))
    return protocol not in {"query", "rest-xml"} or (not _OTHER_XML.match(body) and _is_xml_answer(body, shape))


def failure_in(status: int, headers: Container[str]) -> str | None:
    """Return what shows that an answer without an error status is no answer; None if nothing does.

    No call of patchlake is answered with another status than 200. One such as 206 says that the body is not the whole
    answer, or not that of the service.
    """
    if status != HTTPStatus.OK:
        return f"the answer has status {status}: expected 200"
    return f"the answer has status 200, but the header {ERROR_HEADER} of an error" if ERROR_HEADER in headers else None


def misleading_member(found: Iterable[str], known: Iterable[str]) -> str | None:
    """Return the name of a member of an error, or of a known one in other letters, such as ``nextToken``.

    To ignore such a member, as those that are not known, could end a list too early.
    """
    names = set(known)
    spelled = {name.lower() for name in names}
    others = (name for name in found if name not in names)
    misleading = (name for name in others if name.lower() in spelled or _OF_A_PROXY.fullmatch(name))
    return next((one_line(name, most=50) for name in misleading), None)


def _has_body(shape: Any) -> bool:  # noqa: ANN401
    return shape is not None and any("location" not in member.serialization for member in shape.members.values())


def is_object(body: bytes, known: Collection[str]) -> bool:
    """Whether a JSON text is an object that is no error and has no member twice; without known members, any is one."""
    try:
        found = json.loads(body.decode(), object_pairs_hook=_object_of)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and not (_OF_AN_ERROR & found.keys() or (known and misleading_member(found, known)))


def _object_of(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object with these members.

    Raises:
        ValueError: one comes twice; the SDK's parser would keep the last.
    """
    found = dict(members)
    if len(found) < len(members):
        raise ValueError
    return found


def _is_xml_answer(body: bytes, shape: Any) -> bool:  # noqa: ANN401
    root = parsed_xml(body)
    if root is None or shape is None or "payload" in shape.serialization:
        return True
    wrapper = shape.serialization.get("resultWrapper")
    if wrapper is None:
        is_its_own = local_name(root) in _ROOTS.get(shape.name, ()) or not _has_body(shape)
        return is_its_own and _is_whole(root, shape)
    if local_name(root) != f"{wrapper.removesuffix('Result')}Response" or has_text(root):
        return False
    results = [child for child in root if local_name(child) == wrapper]
    is_alone = not misleading_member(map(local_name, root), {wrapper, "ResponseMetadata"})
    return is_alone and len(results) == 1 and _is_whole(results[0], shape)


def _is_whole(element: ET.Element, shape: Any) -> bool:  # noqa: ANN401
    return not misleading_member(map(local_name, element), names_in(shape)) and _is_of(element, shape)


def _is_of(element: ET.Element, shape: Any) -> bool:  # noqa: ANN401
    """Whether an element may have a value of this shape.

    The SDK's parser takes the first of two members, and reads a list or a structure that is nil, or a text in its
    place, as an empty one, as it does an element in place of a text.
    """
    if shape.type_name not in {"list", "structure"}:
        return len(element) == 0
    if is_nil(element) or has_text(element):
        return False
    if shape.type_name == "structure":
        return _are_members(element, shape)
    item = shape.member.serialization.get("name", "member")
    return all(local_name(child) == item and _is_of(child, shape.member) for child in element)


def _are_members(element: ET.Element, shape: Any) -> bool:  # noqa: ANN401
    known, seen = _members_of(shape), set()
    for child in element:
        name = local_name(child)
        member = known.get(name)
        if member is None:
            continue
        is_list = member.serialization.get("flattened")
        if (name in seen and not is_list) or not _is_of(child, member.member if is_list else member):
            return False
        seen.add(name)
    return True


@cache
def _members_of(shape: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the members of a structure by their names in an answer; a listing of S3 has a thousand of one shape."""
    return {member.serialization.get("name", name): member for name, member in shape.members.items()}


def names_in(shape: Any) -> set[str]:  # noqa: ANN401
    """Return the names that the members of an answer have in it."""
    return set() if shape is None else set(_members_of(shape))
