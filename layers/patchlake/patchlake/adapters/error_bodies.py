"""The bodies of error answers, put into a form that the SDK can read.

The SDK trusts an error answer to have the form of its protocol. At a page of a proxy, or a JSON text that is no object,
its parser raises errors of Python or loses the HTTP status.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from patchlake.adapters.answer_encoding import unasked_encoding
from patchlake.adapters.answer_form import ERROR_HEADER, FIRST_ERROR_STATUS
from patchlake.adapters.one_line import one_line
from patchlake.adapters.xml_elements import local_name, parsed_xml

_OF_A_PROXY = re.compile(r"\s*<(?:!doctype\s+)?html\b.*|[^<>{}\[\]\0\ufffd]*", re.IGNORECASE | re.DOTALL)
"""A web page, or a plain text. Any other body may be a part of an answer, under a wrong status, with secrets in it."""
_OF_THE_SDK = 500
"""The status that the SDK gives to an S3 answer of 200 that is not XML, and whose body may contain secrets."""


def keep_errors_readable(events: Any) -> None:  # noqa: ANN401  # each kind has its own type
    """Let the client, or all clients of the session, with these events raise a ClientError for every error answer.

    It has the HTTP status, whatever the body.
    """
    events.register("before-parse", _make_readable, unique_id="KeepErrorsReadable")


def _make_readable(response_dict: dict[str, Any], operation_model: Any, **_: object) -> None:  # noqa: ANN401
    status, body = response_dict["status_code"], response_dict["body"] or b""
    if status < FIRST_ERROR_STATUS:
        return
    protocol = operation_model.service_model.resolved_protocol
    text = body.decode(errors="replace")
    if encoding := unasked_encoding(response_dict["headers"]):
        text = f"the answer cannot be read{encoding}"
    elif (protocol == "rest-xml" and status == _OF_THE_SDK) or not _OF_A_PROXY.fullmatch(text):
        text = "the answer was cut short, or is malformed"
    else:
        text = one_line(text)
    match protocol:
        case "json" | "rest-json":
            response_dict["body"] = _json_error(body, response_dict["headers"], text)
        case "rest-xml":
            # Without a body the SDK takes the HTTP status for the code.
            response_dict["body"] = body if not body or _is_flat_error(body) else _flat_error(status, text)
        case _:
            response_dict["body"] = _xml_error(body, status, text)


def _json_error(body: bytes, headers: Mapping[str, str], text: str) -> bytes:
    """Return the members of a JSON error that are texts; without a type the SDK takes the HTTP status for the code."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = {"message": text}
    texts = {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}
    named = texts.pop("__type", None) or headers.get(ERROR_HEADER)
    return json.dumps({**texts, "__type": named} if named else texts).encode()


def _xml_error(body: bytes, status: int, text: str) -> bytes:
    """Return the first code and message of an XML error; without a code, the HTTP status is the code."""
    root = parsed_xml(body)
    code = "" if root is None else _text_of(root, "Code")
    message = "" if root is None else _text_of(root, "Message")
    if not code:
        code, message = str(status), message or text
    return (
        f"<ErrorResponse><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"
    ).encode()


def _flat_error(status: int, text: str) -> bytes:
    """Return S3's form of an error whose code is the HTTP status."""
    return f"<Error><Code>{status}</Code><Message>{escape(text)}</Message></Error>".encode()


def _is_flat_error(body: bytes) -> bool:
    """Whether a body is S3's form of an error: an element of texts, each named once."""
    root = parsed_xml(body)
    if root is None or local_name(root) != "Error":
        return False
    names = [local_name(child) for child in root]
    return len(set(names)) == len(names) and not any(len(child) for child in root)


def _text_of(root: ET.Element, name: str) -> str:
    found = next((element for element in root.iter() if local_name(element) == name), None)
    return "" if found is None or len(found) else " ".join((found.text or "").split())
