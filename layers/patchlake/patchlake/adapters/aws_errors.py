"""What the SDK raises, and which of it passes by itself; each adapter decides what it means for its service."""

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

AWS_ERRORS = (BotoCoreError, ClientError, ResponseParserError)
"""Every way in which a call of an AWS client fails: no answer, an answer that is an error, an unreadable answer."""

type AwsError = BotoCoreError | ClientError | ResponseParserError

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
"""The error codes of credentials that were valid and are not any more."""

DENIED_CODES = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"})
"""The error codes of a caller that lacks a permission, in every service that is asked."""

UNRECOGNISED_CODES = frozenset({"InvalidClientTokenId", "OptInRequired", "UnrecognizedClientException"})
"""The error codes of a region that does not know the caller: it is not enabled, or the session is older than that."""

_PASSING_CODES = THROTTLING_CODES | EXPIRED_CODES | {"RequestTimeout", "RequestTimeoutException"}
_PASSING_STATUSES = frozenset({408, 409, 429})


def code_of(error: AwsError) -> str:
    """Return the service's error code; for a call without a readable answer, the name of what the SDK raised."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "Unknown")
    return type(error).__name__


def status_of(error: AwsError) -> int | None:
    """Return the HTTP status of the service's answer; None where there is none."""
    if isinstance(error, ClientError):
        return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return None


def is_denied(error: AwsError) -> bool:
    """Whether the caller lacks a permission; the answer to a HEAD request says so by its status alone."""
    return code_of(error) in DENIED_CODES or (status_of(error) == 403 and code_of(error) == "403")  # noqa: PLR2004


def passes(error: AwsError) -> bool:
    """Whether the same call may well succeed later: throttling, conflicts, 5xx, time-outs, broken connections."""
    if not isinstance(error, ClientError):
        return True
    status = status_of(error) or 0
    return status >= 500 or status in _PASSING_STATUSES or code_of(error) in _PASSING_CODES  # noqa: PLR2004
