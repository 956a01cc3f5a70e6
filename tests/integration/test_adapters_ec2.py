"""The requests of AwsTargetApis to EC2, and its handling of each kind of answer: an XML protocol where SSM has JSON."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import boto3
import msgspec
import pytest

from patchlake.adapters.clock import ServiceClock
from patchlake.adapters.sts import RoleSessions
from patchlake.adapters.target_apis import AwsTargetApis
from patchlake.core.call_counter import CallCounts
from patchlake.core.paging import ATTEMPTS, read_chain
from patchlake.core.records import Page
from patchlake.core.targets import Target
from patchlake.errors import FailedCallError, RefusedError, RestartError, RetryableError, ThrottledError
from patchlake.ports import TargetApi
from patchlake.sources.instances import INSTANCES
from patchlake.sources.tags import TAGS
from tests import ec2_answers
from tests.ec2_answers import INSTANCE_ID
from tests.http_stub import DATE, Answer, HttpStub, Lost, Request, http_stub
from tests.ssm_over_http import assumed
from tests.target_apis import node_page, plan_of

HOME = "111111111111"
PLAN = msgspec.structs.replace(plan_of(HOME), tag_keys=("Environment", "Owner"))
AT_HOME = Target(HOME, "eu-west-1")
MEMBER = Target("222222222222", "eu-west-1")
SECRETS = {"10.0.0.12", "hunter2"}
INSTANCE: dict[str, Any] = {
    "instanceId": INSTANCE_ID,
    "privateIpAddress": "10.0.0.12",
    "tagSet": [{"key": "password", "value": "hunter2"}],
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpStub]:
    with http_stub() as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.url)
        yield stub


@pytest.fixture
def apis(aws: HttpStub) -> AwsTargetApis:  # noqa: ARG001
    session = boto3.Session("home-key", "secret", region_name="eu-central-1")
    clock = ServiceClock(lambda: clock.answered({"Date": DATE}))
    return AwsTargetApis(
        session, RoleSessions(session, "patchlake-member", attempts=1), clock, connections=2, attempts=1
    )


def instance_page(api: TargetApi, token: str | None = None) -> Page[Any]:
    return api.page(INSTANCES.operation, (), token)


def form(request: Request) -> dict[str, str]:
    """Return the parameters of a request in the query protocol."""
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items() if name != "Version"}


def reply(body: bytes, status: int = 200) -> Answer:
    return Answer(status, body)


def error(code: str, status: int = 400) -> Answer:
    return reply(ec2_answers.error(code), status)


def signer(request: Request) -> str:
    return request.headers["Authorization"].partition("Credential=")[2].partition("/")[0]


def test_instances_are_asked_for_a_thousand_a_page_managed_ones_too(aws: HttpStub, apis: AwsTargetApis) -> None:
    aws.answer = lambda _: reply(ec2_answers.instances(INSTANCE, token="more"))  # noqa: S106

    page = instance_page(apis.open(PLAN, AT_HOME), "token")

    assert [form(request) for request in aws.requests] == [
        {
            "Action": "DescribeInstances",
            "IncludeManagedResources": "true",
            "MaxResults": "1000",
            "NextToken": "token",
        }
    ]
    assert [record.instance_id for record in page.records] == [INSTANCE_ID]
    assert (page.next_token, page.answered_at_ms) == (
        "more",
        datetime(2026, 11, 23, 6, 0, 7, tzinfo=UTC).timestamp() * 1000,
    )


def test_tags_are_asked_for_by_their_keys(aws: HttpStub, apis: AwsTargetApis) -> None:
    aws.answer = lambda _: reply(ec2_answers.tags(ec2_answers.tag("Owner", "web")))

    page: Page[Any] = apis.open(PLAN, AT_HOME).page(TAGS.operation, (), None)

    assert [form(request) for request in aws.requests] == [
        {
            "Action": "DescribeTags",
            "MaxResults": "1000",
            "Filter.1.Name": "resource-type",
            "Filter.1.Value.1": "instance",
            "Filter.2.Name": "key",
            "Filter.2.Value.1": "Environment",
            "Filter.2.Value.2": "Owner",
        }
    ]
    assert [(record.instance_id, record.key, record.value) for record in page.records] == [
        (INSTANCE_ID, "Owner", "web")
    ]


def test_each_service_of_a_target_is_asked_in_the_same_session(aws: HttpStub, apis: AwsTargetApis) -> None:
    def answer(request: Request) -> Answer:
        if request.operation:
            return reply(b'{"InstanceInformationList":[]}')
        is_sts = form(request)["Action"] == "AssumeRole"
        return assumed("role-key", MEMBER.account_id) if is_sts else reply(ec2_answers.instances())

    aws.answer = answer
    api = apis.open(PLAN, MEMBER)

    node_page(api, None)
    instance_page(api)

    assert [signer(request) for request in aws.requests] == ["home-key", "role-key", "role-key"]
    assert apis.call_counter.drain() == CallCounts(calls=2, throttles=0, retries=0)


def test_credentials_that_have_expired_are_renewed_once(aws: HttpStub, apis: AwsTargetApis) -> None:
    aws.answer_in_turn(error("RequestExpired"), reply(ec2_answers.instances(INSTANCE)))

    page = instance_page(apis.open(PLAN, AT_HOME))

    assert [record.instance_id for record in page.records] == [INSTANCE_ID]
    assert len(aws.requests) == 2


@pytest.mark.parametrize(
    ("code", "status", "recorded"),
    [
        ("UnauthorizedOperation", 403, "ACCESS_DENIED"),
        ("AuthFailure", 401, "REGION_DISABLED"),
        ("OptInRequired", 401, "REGION_DISABLED"),
        ("Blocked", 403, "NOT_LISTED"),
        ("PendingVerification", 400, "NOT_LISTED"),
        ("InvalidParameterValue", 400, "NOT_LISTED"),
    ],
)
def test_a_refusal_has_its_status_and_its_code(
    aws: HttpStub, apis: AwsTargetApis, code: str, status: int, recorded: str
) -> None:
    aws.answer = lambda _: error(code, status)

    with pytest.raises(
        RefusedError, match=rf"target 111111111111\.eu-west-1: describe_instances failed.*{code}"
    ) as caught:
        instance_page(apis.open(PLAN, AT_HOME))

    assert (caught.value.listing_status, caught.value.code) == (recorded, code)
    assert caught.value.operation == "DescribeInstances"


def test_a_denied_call_names_the_missing_permission(aws: HttpStub, apis: AwsTargetApis) -> None:
    aws.answer = lambda _: error("UnauthorizedOperation", 403)

    with pytest.raises(RefusedError, match=r"ec2:DescribeTags"):
        apis.open(PLAN, AT_HOME).page(TAGS.operation, (), None)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error("RequestLimitExceeded", 503), ThrottledError),
        (error("RequestLimitExceeded"), ThrottledError),
        (error("EC2ThrottledException"), ThrottledError),
        (error("InternalError", 500), FailedCallError),
        (error("Unavailable", 503), FailedCallError),
        (error("UnauthorizedOperation", 500), FailedCallError),
        (error("RequestExpired"), RetryableError),
        (reply(b"<html>down</html>", 502), FailedCallError),
        (reply(b'{"__type":"InternalServerError"}', 500), FailedCallError),
        (Lost(), FailedCallError),
    ],
    ids=str,
)
def test_an_error_that_is_not_about_the_target_fails_for_now(
    aws: HttpStub, apis: AwsTargetApis, answer: Answer, kind: type[RetryableError]
) -> None:
    aws.answer = lambda _: answer

    with pytest.raises(RetryableError) as caught:
        instance_page(apis.open(PLAN, AT_HOME))

    assert type(caught.value) is kind


@pytest.mark.parametrize("code", ["InvalidNextToken", "InvalidPaginationToken"])
def test_a_refused_token_restarts_the_chain_a_few_times(aws: HttpStub, apis: AwsTargetApis, code: str) -> None:
    aws.answer = lambda request: (
        error(code) if "NextToken" in form(request) else reply(ec2_answers.instances(INSTANCE, token="1"))  # noqa: S106
    )
    api = apis.open(PLAN, AT_HOME)

    with pytest.raises(RestartError, match=code):
        read_chain(lambda token: instance_page(api, token), list, 1000, "a target")

    assert len(aws.requests) == 2 * ATTEMPTS


@pytest.mark.parametrize(
    "body",
    [
        b"",
        ec2_answers.instances(INSTANCE)[:-30],
        ec2_answers.answer("DescribeInstances", {}),
        ec2_answers.tags(),
        ec2_answers.error("InternalError"),
        b"<html></html>",
        b"{}",
    ],
)
def test_a_successful_answer_that_is_no_page_breaks_the_chain(aws: HttpStub, apis: AwsTargetApis, body: bytes) -> None:
    aws.answer = lambda _: reply(body)

    with pytest.raises(RestartError, match=r"target 111111111111\.eu-west-1: describe_instances") as caught:
        instance_page(apis.open(PLAN, AT_HOME))

    assert not [secret for secret in SECRETS if secret in str(caught.value)]


def test_an_answer_whose_date_is_wrong_once_has_the_time_of_the_others(aws: HttpStub, apis: AwsTargetApis) -> None:
    wrong = Answer(200, ec2_answers.instances(INSTANCE), {"Date": "Wed, 25 Nov 2026 06:00:07 GMT"})
    aws.answer_in_turn(reply(ec2_answers.instances(INSTANCE)), wrong)
    api = apis.open(PLAN, AT_HOME)

    pages = [instance_page(api) for _ in range(2)]

    assert {page.answered_at_ms for page in pages} == {datetime(2026, 11, 23, 6, 0, 7, tzinfo=UTC).timestamp() * 1000}


@pytest.mark.parametrize("body", [ec2_answers.instances(INSTANCE), ec2_answers.instances(INSTANCE)[:-9]])
def test_nothing_of_an_answer_reaches_a_log(
    aws: HttpStub, apis: AwsTargetApis, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    aws.answer = lambda _: reply(body)

    with caplog.at_level(logging.INFO):
        try:
            instance_page(apis.open(PLAN, AT_HOME))
        except RestartError as broken:
            logging.getLogger("patchlake").exception("%s", broken)  # noqa: TRY401

    assert not [secret for secret in SECRETS if secret in caplog.text]
