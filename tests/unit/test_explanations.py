"""The sentence and the fix of each cause, from the errors that the SDK raises."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    NoCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from patchlake.adapters.aws_errors import AwsError, Cause, cause_of, is_denied, is_refusal, passes
from patchlake.adapters.explanations import EXPLANATIONS, explained

NOW = datetime(2026, 11, 26, 10, 0, 0, tzinfo=UTC)
KEY_TEXT = "User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: kms:GenerateDataKey on resource: arn:x"
DENIAL_TEXT = "User: a is not authorized to perform: s3:PutObject with an explicit deny in a resource-based policy"


def refusal(code: str, status: int, message: str = "why.", operation: str = "PutObject", **headers: str) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {
            "HTTPStatusCode": status,
            "HTTPHeaders": {n.replace("_", "-"): v for n, v in headers.items()},
        },
    }
    return ClientError(answer, operation)


def said(error: AwsError) -> str:
    return explained(error, "s3:PutObject", lambda: NOW)


def test_every_cause_has_a_sentence_and_a_fix_of_its_own() -> None:
    assert set(EXPLANATIONS) == set(Cause)
    assert len({explanation.meaning for explanation in EXPLANATIONS.values()}) == len(Cause)
    assert all(explanation.fix for explanation in EXPLANATIONS.values())


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (refusal("Throttling", 400, operation="AssumeRole"), Cause.THROTTLED),
        (refusal("SlowDown", 503), Cause.THROTTLED),
        (refusal("ConditionalRequestConflict", 409), Cause.CONFLICT),
        (refusal("RequestTimeTooSkewed", 403), Cause.WRONG_CLOCK),
        (refusal("RequestExpired", 400), Cause.WRONG_CLOCK),
        (
            refusal("SignatureDoesNotMatch", 403, "Signature expired: 20261126T100000Z is now earlier"),
            Cause.WRONG_CLOCK,
        ),
        (refusal("InvalidSignatureException", 400, "Signature not yet current: 2026"), Cause.WRONG_CLOCK),
        (refusal("InvalidSignatureException", 400, "The request signature has EXPIRED"), Cause.WRONG_CLOCK),
        (refusal("InvalidSignatureException", 400), Cause.WRONG_SIGNATURE),
        *[
            (refusal(f"{prefix}{name}", 400), cause)
            for name, cause in (
                ("AccessDeniedException", Cause.KEY_DENIED),
                ("DisabledException", Cause.KEY_DISABLED),
                ("InvalidStateException", Cause.KEY_UNUSABLE),
                ("NotFoundException", Cause.KEY_NOT_FOUND),
                ("ThrottlingException", Cause.THROTTLED),
            )
            for prefix in ("KMS.", "KMS", "Kms")
        ],
        (refusal("KMS.KMSInvalidStateException", 400), Cause.KEY_UNUSABLE),
        (refusal("KmsDisabled", 400), Cause.KEY_DISABLED),
        (refusal("com.amazonaws.sqs#KMS.NotFoundException", 400), Cause.KEY_NOT_FOUND),
        (refusal("KMS.UnavailableException", 400), Cause.PASSING),
        (refusal("AccessDenied", 403, KEY_TEXT), Cause.KEY_DENIED),
        (refusal("AccessDenied", 403, DENIAL_TEXT), Cause.DENIED_BY_POLICY),
        (refusal("AccessDenied", 403), Cause.DENIED),
        (refusal("403", 403, "Forbidden", "HeadObject"), Cause.DENIED),
        (refusal("NotImplemented", 501), Cause.NO_CONDITIONAL_WRITES),
        (refusal("501", 501), Cause.NO_CONDITIONAL_WRITES),
        (refusal("MethodNotAllowed", 405), Cause.NO_CONDITIONAL_WRITES),
        (refusal("NotImplemented", 400), Cause.NO_CONDITIONAL_WRITES),
        (
            refusal("InvalidArgument", 400, "A header you provided implies functionality that is not implemented"),
            Cause.NO_CONDITIONAL_WRITES,
        ),
        (refusal("InvalidRequest", 400, "Unsupported header: If-None-Match"), Cause.NO_CONDITIONAL_WRITES),
        (refusal("BadDigest", 400), Cause.REFUSED),
        (refusal("NotImplemented", 501, operation="DescribeInstanceInformation"), Cause.PASSING),
        (refusal("NotImplemented", 400, operation="DescribeInstanceInformation"), Cause.REFUSED),
        (refusal("NoSuchBucket", 404), Cause.NO_BUCKET),
        (refusal("ParentNotFoundException", 400, operation="ListAccountsForParent"), Cause.NO_UNIT),
        (refusal("PermanentRedirect", 301), Cause.OTHER_REGION),
        (refusal("AuthorizationHeaderMalformed", 400), Cause.OTHER_REGION),
        (refusal("IllegalLocationConstraintException", 400), Cause.OTHER_REGION),
        (refusal("301", 301, location="https://a"), Cause.REDIRECTED),
        (refusal("304", 304), Cause.PROXY_ANSWER),
        (refusal("ExpiredToken", 400), Cause.EXPIRED),
        (refusal("407", 407), Cause.PROXY),
        (refusal("403", 403, "<html><body>Blocked</body></html>"), Cause.PROXY_PAGE),
        (refusal("403", 403, "<!DOCTYPE html><html>"), Cause.PROXY_PAGE),
        (refusal("404", 404, content_type="text/html; charset=utf-8"), Cause.PROXY_PAGE),
        (refusal("AccessDenied", 403, content_type="text/html"), Cause.DENIED),
        (EndpointConnectionError(endpoint_url="https://s3"), Cause.UNREACHABLE),
        (ConnectTimeoutError(endpoint_url="https://s3"), Cause.UNREACHABLE),
        (ReadTimeoutError(endpoint_url="https://s3"), Cause.PASSING),
        (ResponseParserError("no XML"), Cause.PASSING),
        (FlexibleChecksumError(error_msg="Expected checksum a did not match calculated checksum: b"), Cause.CHANGED),
        (ProxyConnectionError(proxy_url="http://proxy"), Cause.PROXY),
        (SSLError(endpoint_url="https://s3", error=Exception("self-signed certificate")), Cause.BAD_CERTIFICATE),
        (NoCredentialsError(), Cause.NO_CREDENTIALS),
        (HTTPClientError(error=OSError("the connection was reset")), Cause.PASSING),
        (CredentialRetrievalError(provider="process", error_msg="why"), Cause.EXPIRED),
        (TokenRetrievalError(provider="sso", error_msg="why"), Cause.EXPIRED),
    ],
)
def test_each_error_has_its_true_sentence(error: AwsError, cause: Cause) -> None:
    meaning, fix, _ = EXPLANATIONS[cause]

    assert cause_of(error) is cause
    assert said(error).startswith(meaning)
    assert said(error).casefold().endswith(fix.format(permissions="s3:PutObject").casefold())
    assert "\n" not in said(error)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionClosedError(endpoint_url="https://s3"),
        HTTPClientError(error="Content-Length contained multiple unmatching values (40, 32911)"),
        ResponseParserError("no XML"),
    ],
)
def test_an_answer_that_cannot_be_used_may_be_the_work_of_a_proxy(error: AwsError) -> None:
    assert said(error).endswith(
        "if the problem persists, check the AWS Health Dashboard, and that no proxy changes answers"
    )


def test_a_sentence_has_plain_words_before_the_code_and_the_fix_at_its_end() -> None:
    assert said(refusal("KMS.DisabledException", 400, "arn:key\n is disabled.")) == (
        "the KMS key is disabled (KMS.DisabledException): arn:key is disabled. Enable the key"
    )
    assert said(refusal("NoSuchBucket", 404, "")) == (
        "the bucket does not exist (NoSuchBucket). Correct its name, or create it"
    )


def test_a_refusal_of_the_credentials_names_the_permission_of_the_call_that_gets_them() -> None:
    refusal = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")

    assert explained(refusal, "s3:ListBucket").endswith(": no. The calling identity needs sts:AssumeRole")


@pytest.mark.parametrize(
    ("date", "difference"),
    [
        ("Thu, 26 Nov 2026 10:12:20 GMT", ": the clock of this machine is 12 minutes behind ("),
        ("Thu, 26 Nov 2026 09:59:00 GMT", ": the clock of this machine is 1 minute ahead ("),
        ("Tue, 24 Nov 2026 10:00:00 GMT", ": the clock of this machine is 48 hours ahead ("),
        ("Thu, 26 Nov 2026 10:00:20 GMT", ", though the clock of this machine is right: the request was delayed ("),
        ("yesterday", "AWS's time ("),
        (None, "AWS's time ("),
    ],
)
def test_a_wrong_clock_is_off_by_the_difference_to_the_answer(date: str | None, difference: str) -> None:
    headers = {} if date is None else {"date": date}

    assert difference in said(refusal("RequestTimeTooSkewed", 403, **headers))


def test_the_clock_is_read_when_the_error_is_explained() -> None:
    answered = datetime.now(UTC) + timedelta(minutes=30)
    skewed = refusal("RequestTimeTooSkewed", 403, date=f"{answered:%a, %d %b %Y %H:%M:%S GMT}")

    assert "the clock of this machine is 30 minutes behind" in explained(skewed, "")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal("KMS.DisabledException", 400), True),
        (refusal("NoSuchBucket", 404), True),
        (refusal("403", 403, "<html>"), True),
        (refusal("AuthorizationHeaderMalformed", 400), True),
        (refusal("PermanentRedirect", 301), False),
        (refusal("407", 407), False),
        (refusal("RequestTimeTooSkewed", 403), False),
        (refusal("InvalidNextToken", 400), False),
        (refusal("KMS.DisabledException", 500), False),
        (EndpointConnectionError(endpoint_url="https://s3"), False),
    ],
)
def test_a_refusal_is_an_answer_of_4xx_about_what_was_asked(error: AwsError, expected: bool) -> None:  # noqa: FBT001
    assert is_refusal(error) is expected


def test_a_missing_permission_is_not_the_key_or_a_denial() -> None:
    assert is_denied(refusal("AccessDenied", 403))
    assert not is_denied(refusal("AccessDenied", 403, KEY_TEXT))
    assert not is_denied(refusal("AccessDenied", 403, DENIAL_TEXT))


def test_a_store_without_conditions_is_not_asked_again() -> None:
    assert not passes(refusal("NotImplemented", 501))
    assert passes(refusal("501", 501, operation="GetObject"))
