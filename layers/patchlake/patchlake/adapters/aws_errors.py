"""The causes of the SDK's errors: one table of codes for all services; each adapter decides what a cause means for it.

A code is looked up without its namespace, its address, the prefix ``Client.`` or ``Server.`` of EC2's older answers and
the suffix ``Exception``: services spell one code in several ways.
"""

import re
from collections.abc import Mapping
from enum import StrEnum, auto
from http import HTTPStatus
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    FlexibleChecksumError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from patchlake.adapters.addresses import without_secrets
from patchlake.adapters.one_line import one_line
from patchlake.core.error_codes import without_suffix

AWS_ERRORS = (BotoCoreError, ClientError, ResponseParserError)
"""The errors of AWS client calls: no answer, an answer that is an error, an unreadable answer."""

type AwsError = BotoCoreError | ClientError | ResponseParserError


class Cause(StrEnum):
    """The cause of a failed call; ``explanations`` has a sentence and a fix for each."""

    THROTTLED = auto()
    PASSING = auto()
    CONFLICT = auto()
    CHANGED = auto()
    UNREACHABLE = auto()
    BAD_CERTIFICATE = auto()
    PROXY = auto()
    PROXY_PAGE = auto()
    PROXY_ANSWER = auto()
    NO_CREDENTIALS = auto()
    EXPIRED = auto()
    WRONG_CLOCK = auto()
    WRONG_SIGNATURE = auto()
    UNKNOWN_CALLER = auto()
    DENIED = auto()
    DENIED_BY_POLICY = auto()
    KEY_DENIED = auto()
    KEY_DISABLED = auto()
    KEY_UNUSABLE = auto()
    KEY_NOT_FOUND = auto()
    NO_BUCKET = auto()
    NO_UNIT = auto()
    OTHER_REGION = auto()
    REDIRECTED = auto()
    NO_CONDITIONAL_WRITES = auto()
    BROKEN_CHAIN = auto()
    REFUSED = auto()


CODES: Mapping[Cause, frozenset[str]] = {
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
            "KMS.DependencyTimeout",
            "KMS.Internal",
            "KMS.Unavailable",
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
    Cause.UNKNOWN_CALLER: frozenset(
        {"AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "OptInRequired", "UnrecognizedClient"}
    ),
    Cause.DENIED: frozenset({"AccessDenied", "AuthorizationError", "NotAuthorized", "UnauthorizedOperation"}),
    Cause.KEY_DENIED: frozenset({"KMS.AccessDenied", "KMS.OptInRequired"}),
    Cause.KEY_DISABLED: frozenset({"KMS.Disabled"}),
    Cause.KEY_UNUSABLE: frozenset({"KMS.InvalidKeyUsage", "KMS.InvalidState", "KMS.KeyUnavailable"}),
    Cause.KEY_NOT_FOUND: frozenset({"KMS.NotFound"}),
    Cause.NO_BUCKET: frozenset({"NoSuchBucket"}),
    Cause.NO_UNIT: frozenset({"ParentNotFound"}),
    Cause.OTHER_REGION: frozenset(
        {
            "AuthorizationHeaderMalformed",
            "IllegalLocationConstraint",
            "IncorrectEndpoint",
            "PermanentRedirect",
            "TemporaryRedirect",
        }
    ),
    Cause.BROKEN_CHAIN: frozenset({"InvalidNextToken", "InvalidPaginationToken"}),
}
"""The codes of each cause, without the suffix ``Exception``; those of KMS all begin with ``KMS.``."""

_CAUSES = {code: cause for cause, codes in CODES.items() for code in codes}

_STATUSES: Mapping[int | None, Cause] = {
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: Cause.PROXY,
    HTTPStatus.REQUEST_TIMEOUT: Cause.PASSING,
    HTTPStatus.CONFLICT: Cause.CONFLICT,
    HTTPStatus.TOO_EARLY: Cause.PASSING,
    HTTPStatus.TOO_MANY_REQUESTS: Cause.THROTTLED,
}
"""The causes of answers of 4xx that are not about what was asked, whatever code they name."""

_ELSEWHERE = frozenset({HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.TEMPORARY_REDIRECT, HTTPStatus.PERMANENT_REDIRECT})
_ADDRESSES = frozenset({"location", "x-amz-bucket-region"})

_WITHOUT_ANSWER: Mapping[Cause, tuple[type[Exception], ...]] = {
    Cause.NO_CREDENTIALS: (NoCredentialsError, PartialCredentialsError),
    Cause.EXPIRED: (CredentialRetrievalError, SSOError, TokenRetrievalError),
    Cause.PROXY: (ProxyConnectionError,),
    Cause.BAD_CERTIFICATE: (SSLError,),
    Cause.CHANGED: (FlexibleChecksumError,),
    Cause.UNREACHABLE: (ConnectTimeoutError, EndpointConnectionError),
}
"""The causes of the SDK's own errors; all others are PASSING."""

_LATER = frozenset({Cause.THROTTLED, Cause.PASSING, Cause.PROXY_ANSWER, Cause.CONFLICT, Cause.EXPIRED})
_OUR_OWN = _LATER | {Cause.WRONG_CLOCK, Cause.WRONG_SIGNATURE, Cause.BROKEN_CHAIN, Cause.REDIRECTED, Cause.PROXY}

DENIALS = frozenset({Cause.DENIED, Cause.DENIED_BY_POLICY, Cause.KEY_DENIED})
"""The causes that are a matter of policies."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SIDE = re.compile(r"^(?:Client|Server)\.")
_OF_KMS = re.compile(r"^(?:kms\.?)+", re.IGNORECASE)
_OTHER_TIME = re.compile(r"(?:signature|request) (?:has )?expired|signature not yet current", re.IGNORECASE)
_EXPIRED_SIGNATURE = re.compile(r"expired|not yet current", re.IGNORECASE)
_KEY = re.compile(r"\bkms:", re.IGNORECASE)
_DENIAL = re.compile(r"\bexplicit deny\b", re.IGNORECASE)
_CONDITION = re.compile(r"functionality that is not implemented|if-none-match", re.IGNORECASE)
_WEB_PAGE = re.compile(r"\s*<(?:!doctype\s+)?html\b", re.IGNORECASE)


def code_of(error: AwsError) -> str:
    """Return the service's error code, or the HTTP status if the answer names none.

    For a call without an answer, return the name of the SDK's exception.
    """
    return _code_in(error.response) if isinstance(error, ClientError) else type(error).__name__


def failure_code_of(error: AwsError) -> str:
    """Return the code to record for a call that the service did not answer.

    An answer that is no refusal, such as one of 5xx, may have the code of one, such as that of an unknown id: the
    status distinguishes the two.
    """
    code, status = code_of(error), status_of(error)
    is_named_by_status = status in _STATUSES or (status or 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
    is_of_a_refusal = code != str(status) and cause_named(code) not in {Cause.PASSING, Cause.THROTTLED}
    return f"{status} {code}" if is_named_by_status and is_of_a_refusal else code


def status_of(error: AwsError) -> int | None:
    """Return the HTTP status of the service's answer; None where there is none."""
    return _status_in(error.response) if isinstance(error, ClientError) else None


def cause_of(error: AwsError) -> Cause:
    """Return the cause of an error."""
    if not isinstance(error, ClientError):
        found = (cause for cause, types in _WITHOUT_ANSWER.items() if isinstance(error, types))
        return next(found, Cause.PASSING)
    if error.operation_name == "PutObject" and _refuses_conditions(error.response):
        return Cause.NO_CONDITIONAL_WRITES
    # The answer to a HEAD request has no body, so it names no code.
    if error.operation_name.startswith("Head") and code_of(error) == "403":
        return Cause.DENIED
    if error.operation_name == "HeadBucket" and code_of(error) == "404":
        return Cause.NO_BUCKET
    return cause_of_answer(error.response)


def cause_of_answer(answer: Mapping[str, Any]) -> Cause:
    """Return the cause that an error answer names, as the SDK parsed it."""
    status, cause = _status_in(answer), cause_named(_code_in(answer))
    if status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Cause.THROTTLED if cause is Cause.THROTTLED else Cause.PASSING
    if status is not None and status < HTTPStatus.BAD_REQUEST and cause is not Cause.OTHER_REGION:
        return Cause.REDIRECTED if _names_an_address(answer) else Cause.PROXY_ANSWER
    if status in _STATUSES:
        return _STATUSES[status]
    if cause is not None:
        return _told_by_message(cause, _message_in(answer))
    return Cause.PROXY_PAGE if _is_web_page(answer) else Cause.REFUSED


def cause_named(code: str) -> Cause | None:
    """Return the cause that a code names, whatever the status of its answer; None if the code is not known."""
    if "throttl" in code.casefold():
        return Cause.THROTTLED
    listed = _OF_KMS.sub("KMS.", code)
    return _CAUSES.get(listed) or _CAUSES.get(without_suffix(listed))


def is_denied(error: AwsError) -> bool:
    """Whether the caller lacks a permission."""
    return cause_of(error) is Cause.DENIED


def is_refusal(error: AwsError) -> bool:
    """Whether an answer of 4xx refuses what was asked, rather than the way in which we asked."""
    status = status_of(error)
    is_4xx = status is None or HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error, ClientError) and is_4xx and cause_of(error) not in _OUR_OWN


def refusal_code_of(error: AwsError) -> str | None:
    """Return the code of a refusal; None for any other error, whose body may name a code that does not apply."""
    return code_of(error) if is_refusal(error) else None


def passes(error: AwsError) -> bool:
    """Whether the same call may succeed later: throttling, conflicts, 5xx, time-outs, broken connections."""
    return cause_of(error) in _LATER or not isinstance(error, ClientError)


def _told_by_message(cause: Cause, message: str) -> Cause:
    """Return the cause of a code that AWS uses for several causes."""
    match cause:
        case Cause.WRONG_SIGNATURE if _EXPIRED_SIGNATURE.search(message):
            return Cause.WRONG_CLOCK
        case Cause.UNKNOWN_CALLER if _OTHER_TIME.search(message):
            return Cause.WRONG_CLOCK
        case Cause.DENIED if _KEY.search(message):
            return Cause.KEY_DENIED
        case Cause.DENIED if _DENIAL.search(message):
            return Cause.DENIED_BY_POLICY
        case _:
            return cause


def _refuses_conditions(answer: Mapping[str, Any]) -> bool:
    """Whether a store refuses a write because of its condition: older stores answer 501, others something else."""
    code, status = _code_in(answer), _status_in(answer)
    if status in {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.METHOD_NOT_ALLOWED} or code == "NotImplemented":
        return True
    return status == HTTPStatus.BAD_REQUEST and _CONDITION.search(_message_in(answer)) is not None


def _names_an_address(answer: Mapping[str, Any]) -> bool:
    """Whether an answer of 3xx is one of a service that is elsewhere; a 302 or 303 is that of a page to sign in."""
    return _status_in(answer) in _ELSEWHERE and not _ADDRESSES.isdisjoint(_headers_of(answer))


def _is_web_page(answer: Mapping[str, Any]) -> bool:
    """Whether an answer without a code is a page of HTML."""
    if _code_in(answer) != str(_status_in(answer)):
        return False
    content_type = str(_headers_of(answer).get("content-type", ""))
    return content_type.casefold().startswith("text/html") or _WEB_PAGE.match(_message_in(answer)) is not None


def message_of(error: AwsError) -> str:
    """Return what the service says about an error, or else the SDK, in one line, without passwords in addresses."""
    return one_line(without_secrets(_message_in(error.response) if isinstance(error, ClientError) else str(error)))


def _code_in(answer: Mapping[str, Any]) -> str:
    named = str(answer.get("Error", {}).get("Code") or "").partition(":")[0].rpartition("#")[2].strip()
    code = _SIDE.sub("", named)
    return code if _CODE.fullmatch(code) else str(_status_in(answer) or "Unknown")


def _status_in(answer: Mapping[str, Any]) -> int | None:
    status: int | None = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status


def _headers_of(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    headers: Mapping[str, Any] = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return headers


def _message_in(answer: Mapping[str, Any]) -> str:
    return str(answer.get("Error", {}).get("Message") or "")
