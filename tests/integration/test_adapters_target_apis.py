"""The requests of AwsTargetApis, and its handling of each kind of answer."""

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs

import boto3
import botocore
import pytest

from patchlake import __version__
from patchlake.adapters.clock import ServiceClock
from patchlake.adapters.sts import RoleSessions
from patchlake.adapters.target_apis import AwsTargetApis
from patchlake.core.call_counter import CallCounts
from patchlake.core.paging import read_chain
from patchlake.core.targets import Target
from patchlake.errors import FailedCallError, RefusedError, RestartError, RetryableError, ThrottledError
from patchlake.sources.patches import PATCHES, STATES
from tests.http_stub import DATE, Answer, HttpStub, Lost, Request, http_stub
from tests.target_apis import node_page, patch_state_page, plan_of

HOME = "111111111111"
PLAN = plan_of(HOME)
AT_HOME = Target(HOME, "eu-west-1")
MEMBER = Target("222222222222", "eu-west-1")
ID = "i-0123456789abcdef0"
STATE = {
    "InstanceId": ID,
    "PatchGroup": "web",
    "BaselineId": "pb-1",
    "OperationStartTime": 1795413600.123,
    "OperationEndTime": 1795413601.0,
    "Operation": "Scan",
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpStub]:
    with http_stub() as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.url)
        yield stub


@pytest.fixture
def clock() -> ServiceClock:
    return sure_clock()


@pytest.fixture
def sources(aws: HttpStub, clock: ServiceClock) -> AwsTargetApis:  # noqa: ARG001
    return make_sources(clock)


def sure_clock() -> ServiceClock:
    """Return a clock that learns the time of the stub's answers, without a call of its own."""
    made = ServiceClock(lambda: made.answered({"Date": DATE}))
    return made


@cache
def session() -> boto3.Session:
    """Return one session for all tests: reading the SDK's service models takes longest."""
    return boto3.Session("home-key", "secret", region_name="eu-central-1")


def make_sources(clock: ServiceClock, *, attempts: int = 1, external_id: str = "") -> AwsTargetApis:
    return AwsTargetApis(
        session(),
        RoleSessions(session(), "patchlake-member", external_id, attempts=attempts),
        clock,
        connections=8,
        attempts=attempts,
    )


def reply(content: object, *, status: int = 200) -> Answer:
    """Return a JSON answer of SSM."""
    return Answer(status, json.dumps(content).encode())


def error(code: str, status: int = 400, **members: str) -> Answer:
    """Return an error as SSM sends it."""
    return reply({"__type": code, "message": "why", **members}, status=status)


def records_of(pages: Iterable[Any]) -> list[Any]:
    return [record for page in pages for record in page.records]


def session_key(request: Request) -> str:
    """Return the access key that signed a request."""
    return request.headers["Authorization"].partition("Credential=")[2].partition("/")[0]


def is_sts(request: Request) -> bool:
    """Distinguish requests to STS from those to SSM."""
    return not request.operation


def assumed(key: str) -> Answer:
    """Return STS's answer of AssumeRole."""
    return Answer(
        200,
        f"""<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId>
        <SecretAccessKey>s</SecretAccessKey><SessionToken>token-{key}</SessionToken>
        <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>""".encode(),
    )


def numbered_sessions(ssm: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
    """Answer every AssumeRole with another key, key-1 first, and everything else by ``ssm``."""
    keys = (f"key-{number}" for number in range(1, 10_000))
    return lambda request: assumed(next(keys)) if is_sts(request) else ssm(request)


# Requests and answers.


def test_patch_states_are_asked_for_by_id_fifty_a_page(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = lambda _: reply({"InstancePatchStates": [STATE], "NextToken": "more"})

    page = patch_state_page(sources.open(PLAN, AT_HOME), [ID, "i-00000000"], None)

    [request] = aws.requests
    assert request.operation == "DescribeInstancePatchStates"
    assert json.loads(request.body) == {"InstanceIds": [ID, "i-00000000"], "MaxResults": 50}
    assert [record.instance_id for record in page.records] == [ID]
    assert page.next_token == "more"  # noqa: S105


def test_nodes_are_asked_for_fifty_a_page_with_the_token_of_the_page_before(
    aws: HttpStub, sources: AwsTargetApis
) -> None:
    aws.answer = lambda _: reply({"InstanceInformationList": [{"InstanceId": ID}], "NextToken": ""})

    page = node_page(sources.open(PLAN, AT_HOME), "token")

    [request] = aws.requests
    assert request.operation == "DescribeInstanceInformation"
    assert json.loads(request.body) == {"MaxResults": 50, "NextToken": "token"}
    assert page.next_token is None


def test_the_caller_says_who_it_is(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = lambda _: reply({"InstanceInformationList": []})

    node_page(sources.open(PLAN, AT_HOME), None)

    # Powertools adds its own name if it has been imported before.
    agent = aws.requests[0].headers["User-Agent"].split()
    assert agent[:2] == [f"patchlake/{__version__}", f"Botocore/{botocore.__version__}"]
    assert all(word.startswith("PT") for word in agent[2:])


def test_a_page_was_answered_when_its_date_header_says(
    aws: HttpStub, sources: AwsTargetApis, clock: ServiceClock
) -> None:
    aws.answer = lambda _: reply({"InstancePatchStates": []})

    page = patch_state_page(sources.open(PLAN, AT_HOME), [ID], None)

    at = datetime(2026, 11, 23, 6, 0, 7, tzinfo=UTC)
    assert page.answered_at_ms == at.timestamp() * 1000
    assert clock.now() == at


@pytest.mark.parametrize("date", [None, "yesterday", "Wed, 25 Nov 2026 06:00:07 GMT", "Sat, 21 Nov 2026 06:00:07 GMT"])
def test_a_wrong_date_of_a_page_is_not_the_time_that_is_stored(
    aws: HttpStub, sources: AwsTargetApis, date: str | None
) -> None:
    headers = {} if date is None else {"Date": date}
    aws.answer_in_turn(
        reply({"InstancePatchStates": []}), Answer(200, b'{"InstancePatchStates":[]}', headers), reply({})
    )
    api = sources.open(PLAN, AT_HOME)

    pages = [patch_state_page(api, [ID], None) for _ in range(2)]

    assert {page.answered_at_ms for page in pages} == {datetime(2026, 11, 23, 6, 0, 7, tzinfo=UTC).timestamp() * 1000}


def test_a_page_whose_time_cannot_be_known_fails_for_now(aws: HttpStub) -> None:
    aws.answer = lambda _: reply({"InstancePatchStates": []})
    api = make_sources(ServiceClock(lambda: None)).open(PLAN, AT_HOME)

    with pytest.raises(RetryableError, match=r"111111111111\.eu-west-1.*the time is unknown"):
        patch_state_page(api, [ID], None)


def test_a_bad_row_is_invalid_beside_good_ones(aws: HttpStub, sources: AwsTargetApis) -> None:
    bad = STATE | {"InstanceId": "i-00000000", "OperationEndTime": "yesterday"}
    aws.answer = lambda _: reply({"InstancePatchStates": [bad, STATE]})

    page = patch_state_page(sources.open(PLAN, AT_HOME), [ID, "i-00000000"], None)

    assert [record.instance_id for record in page.records] == [ID]
    assert [row.instance_id for row in page.invalid] == ["i-00000000"]


def test_many_threads_ask_one_target_at_once_and_each_gets_its_own_answer(
    aws: HttpStub, sources: AwsTargetApis
) -> None:
    def answer(request: Request) -> Answer:
        return reply(
            {"InstancePatchStates": [STATE | {"InstanceId": i} for i in json.loads(request.body)["InstanceIds"]]}
        )

    aws.answer = answer
    source = sources.open(PLAN, AT_HOME)
    ids = [f"i-{number:08x}" for number in range(200)]

    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda i: patch_state_page(source, [i], None), ids))

    assert [[record.instance_id for record in page.records] for page in pages] == [[i] for i in ids]
    assert sources.call_counter.drain() == CallCounts(calls=200, throttles=0, retries=0)


# Errors.


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b""),
        Answer(200, b'{"InstancePatchStates":[{"Inst'),
        Answer(200, b'{"InstancePatchStates":[{"Inst', length=1000),
        Answer(200, b"<html></html>"),
        Answer(200, b"[]"),
        Answer(200, b"{}"),
        Answer(200, b'{"InstancePatchStates":null}'),
        Answer(200, b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException","message":null}}'),
        Answer(200, b'{"__type":"InternalServerError","InstancePatchStates":[]}'),
    ],
    ids=["empty", "truncated", "broken_off", "html", "list", "object", "null", "output", "type"],
)
def test_a_successful_answer_that_is_no_page_breaks_the_chain(
    aws: HttpStub, sources: AwsTargetApis, answer: Answer
) -> None:
    aws.answer = lambda _: answer

    with pytest.raises(RestartError, match=r"target 111111111111\.eu-west-1"):
        patch_state_page(sources.open(PLAN, AT_HOME), [ID], None)


BROKEN_CREDENTIALS = {
    "an empty object": "{}",
    "nothing": "",
    "no credentials": "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>",
    "no key": assumed("").body.decode(),
    "no token": assumed("key").body.decode().replace("<SessionToken>token-key</SessionToken>", ""),
    "no end": assumed("key").body.decode().replace("<Expiration>2999-01-01T00:00:00Z</Expiration>", ""),
    "an end that is no time": assumed("key").body.decode().replace("2999-01-01T00:00:00Z", "later"),
}


@pytest.mark.parametrize("body", BROKEN_CREDENTIALS.values(), ids=list(BROKEN_CREDENTIALS))
def test_an_answer_of_sts_without_credentials_fails_for_now(aws: HttpStub, sources: AwsTargetApis, body: str) -> None:
    aws.answer = lambda _: Answer(200, body.encode())

    with pytest.raises(RetryableError, match=r"222222222222:role/patchlake-member: AssumeRole failed"):
        sources.open(PLAN, MEMBER)


def test_a_refused_token_breaks_the_chain(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = lambda _: error("InvalidNextToken")

    with pytest.raises(RestartError, match=r"target 111111111111\.eu-west-1: describe_.*InvalidNextToken"):
        node_page(sources.open(PLAN, AT_HOME), "old")


def test_a_filter_that_is_refused_is_asked_for_state_by_state(aws: HttpStub, sources: AwsTargetApis) -> None:
    asked: list[list[str]] = []

    def answer(request: Request) -> Answer:
        states = json.loads(request.body)["Filters"][0]["Values"]
        asked.append(states)
        if len(states) > 1:
            return error("InvalidFilter")
        row = {"Title": states[0], "KBId": "", "Classification": "", "Severity": "", "State": states[0]}
        return reply({"Patches": [row | {"InstalledTime": 0.0}]})

    aws.answer = answer
    source = sources.open(PLAN, AT_HOME)

    records: list[Any] = read_chain(lambda token: source.page(PATCHES.operation, [ID], token), records_of, 9, "a node")

    assert [record.state for record in records] == list(STATES)
    assert asked == [list(STATES), *([state] for state in STATES)]


def test_a_filter_that_no_narrower_call_replaces_is_a_refusal_with_its_code(
    aws: HttpStub, sources: AwsTargetApis
) -> None:
    aws.answer = lambda _: error("InvalidFilter")

    with pytest.raises(RefusedError, match=r"target 111111111111\.eu-west-1: describe_.*InvalidFilter") as caught:
        node_page(sources.open(PLAN, AT_HOME), None)

    assert (caught.value.listing_status, caught.value.code) == ("NOT_LISTED", "InvalidFilter")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error("InternalServerError", 500), "InternalServerError"),
        (error("InternalServerError"), "InternalServerError"),
        (error("ThrottlingException"), "ThrottlingException"),
        (error("com.amazonaws.ssm#ThrottlingException"), "ThrottlingException"),
        (Answer(429, b"<html>slow down</html>"), "429"),
        (error("ServiceUnavailable", 503), "ServiceUnavailable"),
        (error("AccessDeniedException", 503), "AccessDeniedException"),
        (error("RequestExpired"), "RequestExpired"),
        (error("InvalidSignatureException"), "InvalidSignatureException"),
        (error("IncompleteSignature"), "IncompleteSignature"),
        (Answer(500, b"<html>oops</html>"), "500"),
        (Answer(302, b""), "302"),
        (Answer(407, b"<html>who are you?</html>"), "407"),
        (Answer(408, b""), "408"),
        (Answer(409, b"null"), "409"),
        (Lost(), "ConnectionClosedError"),
    ],
    ids=str,
)
def test_an_error_that_is_not_about_the_target_fails_for_now_and_is_never_recorded(
    aws: HttpStub, sources: AwsTargetApis, answer: Answer, code: str
) -> None:
    aws.answer = lambda _: answer

    with pytest.raises(RetryableError, match=rf"target 111111111111\.eu-west-1: describe_.*{code}") as caught:
        patch_state_page(sources.open(PLAN, AT_HOME), [ID], None)

    kinds: dict[str, type[RetryableError]] = {
        **dict.fromkeys(("ThrottlingException", "429"), ThrottledError),
        **dict.fromkeys(("RequestExpired", "InvalidSignatureException", "IncompleteSignature"), RetryableError),
        **dict.fromkeys(("302", "407"), RetryableError),
    }
    assert type(caught.value) is kinds.get(code, FailedCallError)
    assert not isinstance(caught.value, FailedCallError) or caught.value.code == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error("ValidationException"), "ValidationException"),
        (error("SubscriptionRequiredException"), "SubscriptionRequiredException"),
        (error("com.amazonaws.ssm#NeverHeardOf", 422), "NeverHeardOf"),
        (error("NeverHeardOf:http://internal.amazon.com/coral/com.amazon.coral.service/"), "NeverHeardOf"),
        (error(""), "400"),
        (error("a page about nothing"), "400"),
        (reply({"__type": None, "message": None}, status=400), "400"),
        (reply([], status=400), "400"),
        (reply(None, status=400), "400"),
        (Answer(403, b"<html>blocked</html>"), "403"),
        (Answer(404, b""), "404"),
        (Answer(405, b"<html>"), "405"),
        (Answer(413, b"\xff"), "413"),
        (Answer(451, b"17"), "451"),
    ],
    ids=str,
)
def test_any_other_error_of_4xx_is_a_refusal_with_its_own_code(
    aws: HttpStub, sources: AwsTargetApis, answer: Answer, code: str
) -> None:
    aws.answer = lambda _: answer

    with pytest.raises(RefusedError, match=r"target 111111111111\.eu-west-1: describe_instance_patch_states") as caught:
        patch_state_page(sources.open(PLAN, AT_HOME), [ID], None)

    assert (caught.value.listing_status, caught.value.code) == ("NOT_LISTED", code)
    assert caught.value.operation == "DescribeInstancePatchStates"


def test_a_server_that_is_gone_fails_for_now(monkeypatch: pytest.MonkeyPatch, clock: ServiceClock) -> None:
    with http_stub() as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.url)
    sources = make_sources(clock)

    with pytest.raises(RetryableError, match="EndpointConnectionError"):
        node_page(sources.open(PLAN, AT_HOME), None)


def test_a_throttled_call_tells_the_quota_that_it_hit(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = lambda _: error("ThrottlingException", QuotaCode="L-1234", ServiceCode="ssm")

    with pytest.raises(ThrottledError, match="ServiceCode ssm, QuotaCode L-1234"):
        node_page(sources.open(PLAN, AT_HOME), None)

    assert sources.call_counter.drain() == CallCounts(calls=1, throttles=1, retries=0)


def test_the_sdk_retries_a_throttled_call_and_each_attempt_is_counted(aws: HttpStub, clock: ServiceClock) -> None:
    sources = make_sources(clock, attempts=2)
    aws.answer_in_turn(error("ThrottlingException"), reply({"InstancePatchStates": []}))

    patch_state_page(sources.open(PLAN, AT_HOME), [ID], None)

    assert sources.call_counter.drain() == CallCounts(calls=1, throttles=1, retries=1)


def test_a_retry_that_is_throttled_as_well_is_counted_as_well(aws: HttpStub, clock: ServiceClock) -> None:
    sources = make_sources(clock, attempts=2)
    aws.answer_in_turn(error("ThrottlingException"), error("ThrottlingException"))

    with pytest.raises(ThrottledError):
        patch_state_page(sources.open(PLAN, AT_HOME), [ID], None)

    assert sources.call_counter.drain() == CallCounts(calls=1, throttles=2, retries=1)


def test_the_sdk_retries_a_connection_that_broke(aws: HttpStub, clock: ServiceClock) -> None:
    sources = make_sources(clock, attempts=2)
    aws.answer_in_turn(Lost(), reply({"InstancePatchStates": [STATE]}))

    page = patch_state_page(sources.open(PLAN, AT_HOME), [ID], None)

    assert len(page.records) == 1
    assert sources.call_counter.drain() == CallCounts(calls=1, throttles=0, retries=1)


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied"])
def test_a_call_that_is_denied_is_a_refusal_of_the_account(aws: HttpStub, sources: AwsTargetApis, code: str) -> None:
    aws.answer = lambda _: error(code)

    with pytest.raises(RefusedError, match=r"target 111111111111\.eu-west-1") as caught:
        node_page(sources.open(PLAN, AT_HOME), None)

    assert (caught.value.listing_status, caught.value.code) == ("ACCESS_DENIED", code)


# Other accounts.


def test_another_account_is_asked_through_its_role(aws: HttpStub, clock: ServiceClock) -> None:
    sources = make_sources(clock, external_id="shared-secret")
    aws.answer = numbered_sessions(lambda _: reply({"InstanceInformationList": []}))

    node_page(sources.open(PLAN, MEMBER), None)

    to_sts, to_ssm = aws.requests
    assert {name: value for name, [value] in parse_qs(to_sts.body.decode()).items()} == {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": "arn:aws:iam::222222222222:role/patchlake-member",
        "RoleSessionName": "patchlake",
        "ExternalId": "shared-secret",
    }
    assert "/eu-central-1/sts/" in to_sts.headers["Authorization"]
    assert "/eu-west-1/ssm/" in to_ssm.headers["Authorization"]
    assert (session_key(to_sts), session_key(to_ssm)) == ("home-key", "key-1")
    assert to_ssm.headers["X-Amz-Security-Token"] == "token-key-1"


def test_no_external_id_is_sent_where_none_is_configured(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = numbered_sessions(lambda _: reply({}))

    sources.open(PLAN, MEMBER)

    assert b"ExternalId" not in aws.requests[0].body


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_the_role_is_in_the_partition_of_the_home_region(aws: HttpStub, region: str, partition: str) -> None:
    aws.answer = numbered_sessions(lambda _: reply({}))

    RoleSessions(boto3.Session("key", "secret", region_name=region), "member").session("222222222222")

    [role] = parse_qs(aws.requests[0].body.decode())["RoleArn"]
    assert role == f"arn:{partition}:iam::222222222222:role/member"


def test_many_sessions_search_no_more_folders_than_one(aws: HttpStub) -> None:
    aws.answer = numbered_sessions(lambda _: reply({}))
    roles = RoleSessions(session(), "member")

    searched = [
        len(roles.session("222222222222")._session.get_component("data_loader").search_paths)  # noqa: SLF001
        for _ in range(3)
    ]

    assert searched[0] == searched[1] == searched[2]


def test_our_own_account_needs_no_role(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = lambda _: reply({"InstanceInformationList": []})

    node_page(sources.open(PLAN, AT_HOME), None)

    assert [session_key(request) for request in aws.requests] == ["home-key"]


def test_one_session_serves_every_region_of_an_account(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = numbered_sessions(lambda _: reply({"InstanceInformationList": []}))

    for region in ("eu-west-1", "us-east-1", "eu-west-1"):
        node_page(sources.open(PLAN, Target("222222222222", region)), None)

    assert [is_sts(request) for request in aws.requests] == [True, False, False, False]


def test_a_role_that_is_refused_is_a_refusal_of_the_target(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = lambda _: Answer(403, b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>")

    with pytest.raises(RefusedError, match="arn:aws:iam::222222222222:role/patchlake-member") as caught:
        sources.open(PLAN, MEMBER)

    assert (caught.value.listing_status, caught.value.code) == ("ROLE_NOT_ASSUMABLE", "AccessDenied")


def sts_error(code: str, status: int, message: str = "why") -> Answer:
    """Return an error as STS sends it."""
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return Answer(status, body.encode())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (sts_error("RegionDisabledException", 403), "RegionDisabledException"),
        (sts_error("ValidationError", 400), "ValidationError"),
        (sts_error("com.amazonaws.sts#PackedPolicyTooLarge", 400), "PackedPolicyTooLarge"),
        (sts_error("", 400), "400"),
        (Answer(404, b"<html><body>blocked</body></html>"), "404"),
        (Answer(451, b"blocked"), "451"),
        (Answer(413, b""), "413"),
    ],
)
def test_any_other_error_of_4xx_from_sts_is_a_refusal_with_its_own_code(
    aws: HttpStub, sources: AwsTargetApis, answer: Answer, code: str
) -> None:
    aws.answer = lambda _: answer

    with pytest.raises(RefusedError, match="arn:aws:iam::222222222222:role/patchlake-member") as caught:
        sources.open(PLAN, MEMBER)

    assert (caught.value.listing_status, caught.value.code) == ("NOT_LISTED", code)
    assert caught.value.operation == "AssumeRole"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ExpiredToken"),
        (403, "SignatureDoesNotMatch"),
        (403, "InvalidClientTokenId"),
        (400, "RequestExpired"),
        (503, "ServiceUnavailable"),
        (503, "AccessDenied"),
        (407, "407"),
        (408, "RequestTimeout"),
    ],
)
def test_an_error_of_sts_that_is_not_about_the_role_fails_for_now(
    aws: HttpStub, sources: AwsTargetApis, status: int, code: str
) -> None:
    aws.answer = lambda _: sts_error(code, status)

    with pytest.raises(RetryableError, match=rf"AssumeRole failed: .* \({code}\)") as caught:
        sources.open(PLAN, MEMBER)
    assert type(caught.value) is RetryableError


def test_sts_that_throttles_is_waited_for_as_ssm_is(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = lambda _: sts_error("Throttling", 400, "Rate exceeded")

    reason = r"AssumeRole failed: AWS throttles the call \(Throttling\): Rate exceeded\. Retry in a minute"
    with pytest.raises(ThrottledError, match=reason):
        sources.open(PLAN, MEMBER)


def test_a_fresh_session_is_not_the_one_that_was_refused(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = numbered_sessions(lambda _: reply({"InstanceInformationList": []}))
    node_page(sources.open(PLAN, MEMBER), None)
    node_page(sources.open(PLAN, MEMBER), None)

    node_page(sources.open(PLAN, MEMBER, fresh_session=True), None)
    node_page(sources.open(PLAN, MEMBER), None)

    asked = [session_key(request) for request in aws.requests if not is_sts(request)]
    assert asked == ["key-1", "key-1", "key-2", "key-2"]


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired"])
def test_a_region_that_knows_no_fresh_session_either_is_disabled(
    aws: HttpStub, sources: AwsTargetApis, code: str
) -> None:
    aws.answer = numbered_sessions(lambda _: error(code))

    with pytest.raises(RefusedError, match=r"222222222222\.eu-west-1") as caught:
        node_page(sources.open(PLAN, MEMBER), None)

    assert (caught.value.listing_status, caught.value.code) == ("REGION_DISABLED", code)
    assert [session_key(request) for request in aws.requests] == ["home-key", "key-1", "home-key", "key-2"]


def test_a_region_of_our_own_account_can_be_disabled_too(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = lambda _: error("UnrecognizedClientException")

    with pytest.raises(RefusedError) as caught:
        node_page(sources.open(PLAN, AT_HOME), None)

    assert caught.value.listing_status == "REGION_DISABLED"


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_a_session_that_is_not_accepted_any_more_is_replaced_once_for_all_threads(
    aws: HttpStub, sources: AwsTargetApis, code: str
) -> None:
    def answer(request: Request) -> Answer:
        return error(code) if session_key(request) == "key-1" else reply({"InstancePatchStates": [STATE]})

    aws.answer = numbered_sessions(answer)
    source = sources.open(PLAN, MEMBER)

    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(lambda _: patch_state_page(source, [ID], None), range(40)))

    assert [len(page.records) for page in pages] == [1] * 40
    assert sum(map(is_sts, aws.requests)) == 2


def test_roles_of_many_accounts_are_assumed_at_the_same_time(aws: HttpStub, sources: AwsTargetApis) -> None:
    together = Barrier(4)

    def answer(request: Request) -> Answer:
        # A role that had to wait for another one would break the barrier.
        return assumed(f"key-{together.wait(20)}") if is_sts(request) else reply({"InstanceInformationList": []})

    aws.answer = answer
    accounts = [f"{number:012d}" for number in range(4)]

    with ThreadPoolExecutor(8) as pool:
        opened = pool.map(lambda account: sources.open(PLAN, Target(account, "eu-west-1")), accounts * 2)
        pages = [node_page(source, None) for source in opened]

    assert len(pages) == 8
    assert sum(map(is_sts, aws.requests)) == 4


def test_a_token_that_expires_at_once_fails_for_now(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = numbered_sessions(lambda _: error("ExpiredTokenException"))

    with pytest.raises(RetryableError, match="ExpiredTokenException"):
        node_page(sources.open(PLAN, MEMBER), None)


def test_credentials_that_end_are_renewed_without_a_failed_call(aws: HttpStub, sources: AwsTargetApis) -> None:
    soon = datetime.now(UTC).replace(microsecond=0).isoformat()
    first, second = assumed("key-1"), assumed("key-2")
    short = Answer(200, first.body.replace(b"2999-01-01T00:00:00Z", soon.encode()), {"Date": DATE})
    sessions = iter([short, second])
    aws.answer = lambda request: next(sessions) if is_sts(request) else reply({"InstanceInformationList": []})

    node_page(sources.open(PLAN, MEMBER), None)

    assert [session_key(request) for request in aws.requests] == ["home-key", "home-key", "key-2"]


def test_a_role_that_is_withdrawn_while_its_session_is_renewed_is_a_refusal(
    aws: HttpStub, sources: AwsTargetApis
) -> None:
    soon = datetime.now(UTC).replace(microsecond=0).isoformat()
    short = Answer(200, assumed("key-1").body.replace(b"2999-01-01T00:00:00Z", soon.encode()))
    denied = Answer(403, b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>")
    aws.answer_in_turn(short, denied)
    source = sources.open(PLAN, MEMBER)

    with pytest.raises(RefusedError) as caught:
        node_page(source, None)

    assert caught.value.listing_status == "ROLE_NOT_ASSUMABLE"


def test_the_clients_and_sessions_of_thousands_of_targets_do_not_pile_up(
    aws: HttpStub, clock: ServiceClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patchlake.adapters.target_apis.MOST_REMEMBERED", 3)
    sources = make_sources(clock)
    aws.answer = numbered_sessions(lambda _: reply({"InstanceInformationList": []}))
    accounts = [f"{number:012d}" for number in range(4)]
    for account in accounts:
        sources.open(PLAN, Target(account, "eu-west-1"))
    asked = len(aws.requests)

    for account in (accounts[-1], accounts[1], accounts[0]):
        sources.open(PLAN, Target(account, "eu-west-1"))

    assert len(aws.requests) - asked == 1
