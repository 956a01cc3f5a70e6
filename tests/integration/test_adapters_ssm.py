"""The requests of AwsTargetApis to SSM, and its handling of each kind of answer."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import botocore
import pytest

from patchlake import __version__
from patchlake.adapters.clock import ServiceClock
from patchlake.adapters.target_apis import AwsTargetApis
from patchlake.core.call_counter import CallCounts
from patchlake.core.paging import read_chain
from patchlake.errors import (
    BrokenAnswerError,
    FailedCallError,
    RefusedError,
    RestartError,
    RetryableError,
    ThrottledError,
)
from patchlake.sources.patches import PATCHES, STATES
from tests.http_stub import Answer, HttpStub, Lost, Request, http_stub
from tests.ssm_over_http import (
    AT_HOME,
    ID,
    PLAN,
    STATE,
    error,
    make_sources,
    records_of,
    reply,
    sure_clock,
)
from tests.target_apis import node_page, patch_state_page


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


@pytest.mark.parametrize("status", [201, 203, 206])
def test_an_answer_of_another_status_than_200_is_no_page(aws: HttpStub, sources: AwsTargetApis, status: int) -> None:
    whole = reply({"InstancePatchStates": []})
    aws.answer = lambda _: Answer(status, whole.body, whole.headers)

    with pytest.raises(BrokenAnswerError, match=f"the answer has status {status}: expected 200"):
        patch_state_page(sources.open(PLAN, AT_HOME), [ID], None)


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
        row = {"Title": states[0], "KBId": "KB1", "Classification": "", "Severity": "", "State": states[0]}
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
        (error("AccessDeniedException", 503), "503 AccessDeniedException"),
        (error("InvalidInstanceId", 500), "500 InvalidInstanceId"),
        (error("AccessDeniedException", 408), "408 AccessDeniedException"),
        (error("InvalidInstanceId", 409), "409 InvalidInstanceId"),
        (error("ThrottlingException", 429), "ThrottlingException"),
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

    with pytest.raises(
        RetryableError, match=rf"target 111111111111\.eu-west-1: describe_.*{code.rpartition(' ')[2]}"
    ) as caught:
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
