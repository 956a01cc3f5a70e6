"""The causes of the SDK's errors: one table of codes for all services; each adapter decides what a cause means for it.

A code is looked up without its namespace, its address and the suffix ``Exception``: services spell one code in several
ways.
"""

import re
from collections.abc import Mapping
from enum import StrEnum, auto
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

AWS_ERRORS = (BotoCoreError, ClientError, ResponseParserError, RuntimeError)
"""The errors of AWS client calls: no answer, an answer that is an error, an unreadable answer.

The SDK raises RuntimeError for credentials that are expired although it has just renewed them.
"""

type AwsError = BotoCoreError | ClientError | ResponseParserError | RuntimeError


class Cause(StrEnum):
    """The cause of a failed call.

    Attributes:
        THROTTLED: the service asks for fewer calls.
        PASSING: the service failed, or gave no answer; the same call may succeed later.
        CONFLICT: another request on the same object was under way.
        EXPIRED: the credentials are no longer valid.
        WRONG_CLOCK: the request's time is too far from the service's.
        WRONG_SIGNATURE: the service does not accept how the request was signed.
        BROKEN_CHAIN: the token of a page is not accepted.
        DENIED: the caller lacks a permission.
        UNKNOWN_CALLER: the region does not know the caller: it is not enabled, or newer than the session.
        REDIRECTED: another address answers for the resource.
        PROXY: a proxy refuses the request.
        REFUSED: the service refuses the request for any other reason.
    """

    THROTTLED = auto()
    PASSING = auto()
    CONFLICT = auto()
    EXPIRED = auto()
    WRONG_CLOCK = auto()
    WRONG_SIGNATURE = auto()
    BROKEN_CHAIN = auto()
    DENIED = auto()
    UNKNOWN_CALLER = auto()
    REDIRECTED = auto()
    PROXY = auto()
    REFUSED = auto()


_CODES: Mapping[Cause, frozenset[str]] = {
    Cause.THROTTLED: frozenset(
        {
            "BandwidthLimitExceeded",
            "EC2Throttled",
            "LimitExceeded",
            "PriorRequestNotComplete",
            "ProvisionedThroughputExceeded",
            "RequestLimitExceeded",
            "RequestThrottled",
            "SlowDown",
            "Throttled",
            "Throttling",
            "TooManyRequests",
            "TransactionInProgress",
        }
    ),
    Cause.PASSING: frozenset(
        {
            "InternalError",
            "InternalFailure",
            "InternalServer",
            "InternalServerError",
            "InternalServiceError",
            "RequestTimeout",
            "Service",
            "ServiceUnavailable",
            "Unavailable",
        }
    ),
    Cause.CONFLICT: frozenset({"ConditionalRequestConflict", "OperationAborted"}),
    Cause.EXPIRED: frozenset({"ExpiredToken", "TokenRefreshRequired"}),
    Cause.WRONG_CLOCK: frozenset({"RequestExpired", "RequestTimeTooSkewed"}),
    Cause.WRONG_SIGNATURE: frozenset(
        {
            "IncompleteSignature",
            "InvalidSignature",
            "MissingAuthenticationToken",
            "SignatureDoesNotMatch",
        }
    ),
    Cause.BROKEN_CHAIN: frozenset({"InvalidNextToken"}),
    Cause.DENIED: frozenset({"AccessDenied", "AuthorizationError", "NotAuthorized", "UnauthorizedOperation"}),
    Cause.UNKNOWN_CALLER: frozenset(
        {"AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "OptInRequired", "UnrecognizedClient"}
    ),
}
_CAUSES = {code: cause for cause, codes in _CODES.items() for code in codes}

_STATUSES: Mapping[int | None, Cause] = {
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: Cause.PROXY,
    HTTPStatus.REQUEST_TIMEOUT: Cause.PASSING,
    HTTPStatus.CONFLICT: Cause.CONFLICT,
    HTTPStatus.TOO_EARLY: Cause.PASSING,
    HTTPStatus.TOO_MANY_REQUESTS: Cause.THROTTLED,
}
"""The causes of answers of 4xx whose code is in no list; all others are REFUSED."""

_LATER = frozenset({Cause.THROTTLED, Cause.PASSING, Cause.CONFLICT, Cause.EXPIRED})

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_OTHER_TIME = re.compile(r"(?:signature|request) (?:has )?expired|signature not yet current", re.IGNORECASE)


def code_of(error: AwsError) -> str:
    """Return the service's error code, or the HTTP status if the answer names none.

    For a call without an answer, return the name of the SDK's exception.
    """
    return _code_in(error.response) if isinstance(error, ClientError) else type(error).__name__


def status_of(error: AwsError) -> int | None:
    """Return the HTTP status of the service's answer; None where there is none."""
    return _status_in(error.response) if isinstance(error, ClientError) else None


def cause_of(error: AwsError) -> Cause:
    """Return the cause of an error."""
    return cause_of_answer(error.response) if isinstance(error, ClientError) else Cause.PASSING


def cause_of_answer(answer: Mapping[str, Any]) -> Cause:
    """Return the cause that an error answer names, as the SDK parsed it."""
    code, status = _code_in(answer), _status_in(answer)
    cause = _CAUSES.get(code) or _CAUSES.get(code.removesuffix("Exception"))
    if "throttl" in code.casefold():
        return Cause.THROTTLED
    if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Cause.THROTTLED if cause is Cause.THROTTLED else Cause.PASSING
    if cause in {Cause.WRONG_SIGNATURE, Cause.UNKNOWN_CALLER} and _OTHER_TIME.search(_message_in(answer)):
        return Cause.WRONG_CLOCK
    if cause is not None:
        return cause
    if status is not None and status < HTTPStatus.BAD_REQUEST:
        return Cause.REDIRECTED
    return _STATUSES.get(status, Cause.REFUSED)


def is_denied(error: AwsError) -> bool:
    """Whether the caller lacks a permission; the answer to a HEAD request has no body, so its code is the status."""
    return cause_of(error) is Cause.DENIED or code_of(error) == "403"


def passes(error: AwsError) -> bool:
    """Whether the same call may succeed later: throttling, conflicts, 5xx, time-outs, broken connections."""
    return cause_of(error) in _LATER


def _code_in(answer: Mapping[str, Any]) -> str:
    code = str(answer.get("Error", {}).get("Code") or "").partition(":")[0].rpartition("#")[2].strip()
    return code if _CODE.fullmatch(code) else str(_status_in(answer) or "Unknown")


def _status_in(answer: Mapping[str, Any]) -> int | None:
    status: int | None = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status


def _message_in(answer: Mapping[str, Any]) -> str:
    return str(answer.get("Error", {}).get("Message"))
