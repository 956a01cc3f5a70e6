"""The SDK's errors, and which of them are transient; each adapter decides what an error means for its service."""

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

AWS_ERRORS = (BotoCoreError, ClientError, ResponseParserError, RuntimeError)
"""The errors of AWS client calls: no answer, an answer that is an error, an unreadable answer.

The SDK raises RuntimeError for credentials that are expired although it has just renewed them.
"""

type AwsError = BotoCoreError | ClientError | ResponseParserError | RuntimeError

THROTTLING_CODES = frozenset(
    {
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""The error codes of throttling, as the SDK's standard retry mode knows them."""

EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException"})
"""The error codes of credentials that are no longer valid."""

DENIED_CODES = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"})
"""The error codes of a caller that lacks a permission, in every service that patchlake calls."""

UNRECOGNISED_CODES = frozenset({"InvalidClientTokenId", "OptInRequired", "UnrecognizedClientException"})
"""The error codes of a region that does not know the caller: it is not enabled, or newer than the session."""

_PASSING_CODES = THROTTLING_CODES | EXPIRED_CODES | {"RequestTimeout", "RequestTimeoutException"}
_PASSING_STATUSES = frozenset({408, 409, 429})


def code_of(error: AwsError) -> str:
    """Return the service's error code; for a call without a readable answer, the name of the SDK's exception."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "Unknown")
    return type(error).__name__


def status_of(error: AwsError) -> int | None:
    """Return the HTTP status of the service's answer; None where there is none."""
    if isinstance(error, ClientError):
        return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return None


def is_denied(error: AwsError) -> bool:
    """Whether the caller lacks a permission; the answer to a HEAD request has no body, so its code is the status."""
    return code_of(error) in DENIED_CODES | {"403"}


def passes(error: AwsError) -> bool:
    """Whether the same call may succeed later: throttling, conflicts, 5xx, time-outs, broken connections."""
    if not isinstance(error, ClientError):
        return True
    status = status_of(error) or 0
    return status >= 500 or status in _PASSING_STATUSES or code_of(error) in _PASSING_CODES  # noqa: PLR2004
