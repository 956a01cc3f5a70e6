"""The raw body of a successful answer, taken before the SDK parses it.

The SDK's parser reads a truncated body, and one without its list, as an empty answer, loses a page for one bad date,
and takes more time than everything else.
"""

from collections.abc import Mapping
from typing import Any

_BODY = "RawBody"
_FIRST_ERROR_STATUS = 301
_EMPTY = {"json": b"{}", "ec2": b"<empty/>"}
"""An empty body in each protocol."""


def keep_raw_answers(client: Any) -> None:  # noqa: ANN401
    """Keep the body of every successful answer to this boto3 client, and give the SDK's parser an empty one."""
    empty = _EMPTY[client.meta.service_model.resolved_protocol]

    def keep(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
        if response_dict["status_code"] < _FIRST_ERROR_STATUS:
            customized_response_dict[_BODY] = response_dict["body"]
            response_dict["body"] = empty

    client.meta.events.register("before-parse", keep, unique_id=_BODY)


def raw_body(answer: Mapping[str, Any]) -> bytes:
    """Return the body of an answer to such a client."""
    body: bytes = answer[_BODY]
    return body
