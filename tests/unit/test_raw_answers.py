"""The raw body of an answer: one that is an error in its header alone is no page."""

import pytest

from patchlake.adapters.page_decoding import PageDecoder
from patchlake.adapters.raw_answers import page_of
from patchlake.errors import BrokenAnswerError
from patchlake.sources.nodes import NODES


def answer(**headers: str) -> dict[str, object]:
    body = b'{"InstanceInformationList": []}'
    return {"RawBody": body, "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": headers}}


def test_an_empty_list_with_the_header_of_an_error_is_no_empty_page() -> None:
    decoder = PageDecoder(NODES.operation)

    assert page_of(answer(), decoder, 0).records == []
    with pytest.raises(BrokenAnswerError, match="has status 200, but the header x-amzn-errortype of an error"):
        page_of(answer(**{"x-amzn-errortype": "ThrottlingException"}), decoder, 0)
