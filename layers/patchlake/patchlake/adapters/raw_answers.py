"""The raw body of a successful answer, taken before the SDK parses it.

The SDK's parser reads a truncated body, and one without its list, as an empty answer, loses a page for one bad date,
and takes more time than everything else.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from patchlake.adapters.answer_encoding import unasked_encoding
from patchlake.adapters.answer_form import FIRST_ERROR_STATUS, failure_in
from patchlake.adapters.clients import REQUIRE_SUCCESS
from patchlake.core.paging import IF_IT_LASTS
from patchlake.core.records import Page, Record
from patchlake.errors import BrokenAnswerError

_BODY = "RawBody"
_EMPTY = {"json": b"{}", "ec2": b"<empty/>"}
"""An empty body in each protocol."""


class Decoder(Protocol):
    """The decoder of one operation's answers."""

    def page(self, body: bytes, answered_at_ms: int) -> Page[Record]:
        """Return the page in a body.

        Raises:
            BrokenAnswerError: there is none in it.
        """
        ...


def keep_raw_answers(client: Any) -> None:  # noqa: ANN401
    """Keep the body of every successful answer to this boto3 client, and give the SDK's parser an empty one.

    The answer is checked where its body is read: see ``raw_body``.
    """
    empty = _EMPTY[client.meta.service_model.resolved_protocol]

    def keep(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
        if response_dict["status_code"] < FIRST_ERROR_STATUS:
            customized_response_dict[_BODY] = response_dict["body"]
            response_dict["body"] = empty

    client.meta.events.unregister("before-parse", unique_id=REQUIRE_SUCCESS)
    client.meta.events.register("before-parse", keep, unique_id=_BODY)


def raw_body(answer: Mapping[str, Any]) -> bytes:
    """Return the body of an answer to such a client.

    Raises:
        BrokenAnswerError: its status or a header says that it is no whole answer of the service.
    """
    metadata = answer["ResponseMetadata"]
    if failure := failure_in(metadata["HTTPStatusCode"], metadata["HTTPHeaders"]):
        msg = f"{failure}. {IF_IT_LASTS}"
        raise BrokenAnswerError(msg)
    body: bytes = answer[_BODY]
    return body


def page_of(answer: Mapping[str, Any], decoder: Decoder, answered_at_ms: int) -> Page[Record]:
    """Return the page in an answer to such a client.

    Raises:
        BrokenAnswerError: there is none in it.
    """
    body = raw_body(answer)
    try:
        return decoder.page(body, answered_at_ms)
    except BrokenAnswerError as error:
        encoding = unasked_encoding(answer["ResponseMetadata"]["HTTPHeaders"])
        msg = f"{error}{encoding}. {IF_IT_LASTS}"
        raise BrokenAnswerError(msg) from error
