"""The body of an answer that the SDK leaves to be read: that of an object, or of a function's answer."""

from typing import Any

from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError


def read_streamed(body: Any) -> bytes:  # noqa: ANN401  # the SDK's has no type of its own
    """Read a body to its end.

    Raises:
        AwsError: it breaks off; the SDK does not translate every error of its HTTP library while a body is read, such
            as that of a malformed chunk size.
    """
    try:
        content: bytes = body.read()
    except (HTTPError, ValueError, OverflowError) as error:
        msg = f"the body broke off: {error}"
        raise ResponseParserError(msg) from error
    return content
