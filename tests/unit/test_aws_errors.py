"""The one table of causes, for every spelling of a code."""

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.retries import standard
from hypothesis import given
from hypothesis import strategies as st

from patchlake.adapters.aws_errors import Cause, cause_of, code_of, message_of, passes, refusal_code_of
from patchlake.adapters.one_line import MOST_CHARACTERS


def client_error(code: object, status: int | None = 400, message: str = "why") -> ClientError:
    metadata = {} if status is None else {"ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError({"Error": {"Code": code, "Message": message}, **metadata}, "Ask")  # type: ignore[typeddict-item]


@pytest.mark.parametrize("code", standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES)  # type: ignore[attr-defined]  # noqa: SLF001
@pytest.mark.parametrize("status", [400, 429, 503])
def test_what_the_sdk_takes_for_throttling_is_throttling(code: str, status: int) -> None:
    assert cause_of(client_error(code, status)) is Cause.THROTTLED


@pytest.mark.parametrize("code", standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES)  # type: ignore[attr-defined]  # noqa: SLF001
def test_what_the_sdk_takes_for_transient_passes(code: str) -> None:
    assert passes(client_error(code))


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("AccessDeniedException", "AccessDeniedException"),
        ("com.amazonaws.ssm#AccessDeniedException", "AccessDeniedException"),
        ("com.amazon.coral.service#AccessDeniedException", "AccessDeniedException"),
        ("AccessDeniedException:http://internal.amazon.com/coral/com.amazon.coral.service/", "AccessDeniedException"),
        ("com.amazonaws.ssm#AccessDeniedException:http://a#b/", "AccessDeniedException"),
        (" AccessDeniedException\n", "AccessDeniedException"),
        ("Client.RequestLimitExceeded", "RequestLimitExceeded"),
        ("Server.InternalError", "InternalError"),
        ("com.amazonaws.ec2#Client.UnauthorizedOperation:http://a/", "UnauthorizedOperation"),
        ("Client.", "403"),
        ("Clients.RequestLimitExceeded", "Clients.RequestLimitExceeded"),
        ("", "403"),
        (None, "403"),
        ("#", "403"),
        (":", "403"),
        ("no code at all", "403"),
        ("x" * 200, "403"),
        ("\x1b[31mred", "403"),
        (17, "17"),
        ({}, "403"),
    ],
    ids=repr,
)
def test_a_code_is_read_from_each_spelling(spelling: object, code: str) -> None:
    assert code_of(client_error(spelling, 403)) == code


def test_an_answer_without_code_and_status_has_an_unknown_code() -> None:
    assert code_of(client_error("", None)) == "Unknown"
    assert code_of(ClientError({}, "Ask")) == "Unknown"


_EARLIER = "Signature expired: 20261126T100000Z is now earlier than 20261126T101500Z"
_LATER = "Signature not yet current: 20261126T101500Z is still later than 20261126T100000Z"


@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [
        ("Throttling", 400, Cause.THROTTLED),
        ("Whatever", 429, Cause.THROTTLED),
        ("", 429, Cause.THROTTLED),
        ("KMS.ThrottlingException", 400, Cause.THROTTLED),
        ("com.amazonaws.ssm#ThrottlingException", 400, Cause.THROTTLED),
        ("Client.RequestLimitExceeded", 503, Cause.THROTTLED),
        ("Client.RequestLimitExceeded", 400, Cause.THROTTLED),
        ("Client.InvalidNextToken", 400, Cause.BROKEN_CHAIN),
        ("Client.UnauthorizedOperation", 403, Cause.DENIED),
        ("Server.Unavailable", 400, Cause.PASSING),
        ("InternalServerError", 400, Cause.PASSING),
        ("InternalServerError", 500, Cause.PASSING),
        ("AccessDenied", 503, Cause.PASSING),
        ("", 502, Cause.PASSING),
        ("", 408, Cause.PASSING),
        ("", 409, Cause.CONFLICT),
        ("ConditionalRequestConflict", 409, Cause.CONFLICT),
        ("ExpiredToken", 400, Cause.EXPIRED),
        ("ExpiredTokenException", 403, Cause.EXPIRED),
        ("RequestExpired", 400, Cause.WRONG_CLOCK),
        ("RequestTimeTooSkewed", 403, Cause.WRONG_CLOCK),
        ("SignatureDoesNotMatch", 403, Cause.WRONG_SIGNATURE),
        ("InvalidSignatureException", 400, Cause.WRONG_SIGNATURE),
        ("IncompleteSignature", 400, Cause.WRONG_SIGNATURE),
        ("MissingAuthenticationTokenException", 403, Cause.WRONG_SIGNATURE),
        ("InvalidNextToken", 400, Cause.BROKEN_CHAIN),
        ("AccessDenied", 403, Cause.DENIED),
        ("AccessDeniedException", 400, Cause.DENIED),
        ("UnauthorizedOperation", 403, Cause.DENIED),
        ("UnrecognizedClientException", 400, Cause.UNKNOWN_CALLER),
        ("InvalidClientTokenId", 403, Cause.UNKNOWN_CALLER),
        ("OptInRequired", 401, Cause.UNKNOWN_CALLER),
        ("AuthFailure", 401, Cause.UNKNOWN_CALLER),
        ("", 407, Cause.PROXY),
        *(("", status, Cause.PROXY_ANSWER) for status in (301, 302, 303, 304, 305, 307, 308)),
        ("AccessDenied", 302, Cause.PROXY_ANSWER),
        ("AccessDenied", 407, Cause.PROXY),
        ("AccessDeniedException", 408, Cause.PASSING),
        ("AccessDenied", 409, Cause.CONFLICT),
        ("AccessDeniedException", 425, Cause.PASSING),
        ("AccessDeniedException", 429, Cause.THROTTLED),
        ("TemporaryRedirect", 307, Cause.OTHER_REGION),
        ("ValidationException", 400, Cause.REFUSED),
        ("ValidationError", 400, Cause.REFUSED),
        ("RegionDisabledException", 403, Cause.REFUSED),
        ("SubscriptionRequiredException", 400, Cause.REFUSED),
        ("NeverHeardOf", 422, Cause.REFUSED),
        ("NeverHeardOf", None, Cause.REFUSED),
        *(("", status, Cause.REFUSED) for status in (400, 403, 404, 405, 413, 451)),
    ],
)
def test_each_answer_has_its_cause(code: str, status: int | None, cause: Cause) -> None:
    assert cause_of(client_error(code, status)) is cause


@pytest.mark.parametrize("header", ["location", "x-amz-bucket-region"])
@pytest.mark.parametrize(
    ("status", "cause"),
    [
        *((status, Cause.REDIRECTED) for status in (301, 307, 308)),
        *((status, Cause.PROXY_ANSWER) for status in (302, 303, 304)),
    ],
)
def test_a_service_is_elsewhere_only_if_a_redirect_that_is_no_page_to_sign_in_says_where(
    header: str, status: int, cause: Cause
) -> None:
    error = client_error("", status)
    error.response["ResponseMetadata"]["HTTPHeaders"] = {header: "a"}

    assert cause_of(error) is cause
    assert passes(error) is (cause is Cause.PROXY_ANSWER)


@pytest.mark.parametrize(("status", "code"), [(404, "NoSuchBucketPolicy"), (302, None), (429, None), (500, None)])
def test_only_an_answer_of_4xx_is_a_refusal_with_its_code(status: int, code: str | None) -> None:
    assert refusal_code_of(client_error("NoSuchBucketPolicy", status)) == code


@pytest.mark.parametrize("code", ["InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure"])
@pytest.mark.parametrize("message", [_EARLIER, _LATER], ids=["earlier", "later"])
def test_a_signature_of_another_time_is_the_clocks_fault(code: str, message: str) -> None:
    assert cause_of(client_error(code, 403, message)) is Cause.WRONG_CLOCK


@given(st.text())
def test_what_a_service_says_is_one_line_without_control_characters(text: str) -> None:
    said = message_of(client_error("AccessDenied", 403, text))

    assert said.isprintable()
    assert len(said) <= MOST_CHARACTERS + 1
    if len(text) <= MOST_CHARACTERS and text.isprintable():
        assert said == " ".join(text.split())


def test_a_long_text_of_a_service_is_cut_off() -> None:
    said = message_of(client_error("AccessDenied", 403, "\x1b[31m\u202eNo\r\nlevel: ERROR\x00 " + "x" * 100_000))

    assert said.startswith("[31mNo level: ERROR xxx")
    assert said.endswith("xxx…")
    assert len(said) == MOST_CHARACTERS + 1


@pytest.mark.parametrize("error", [ConnectTimeoutError, ReadTimeoutError])
def test_a_call_without_an_answer_passes(error: type[ConnectTimeoutError | ReadTimeoutError]) -> None:
    assert passes(error(endpoint_url="https://ssm"))
