"""The sessions of AwsTargetApis in other accounts, and its handling of each answer of STS."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from urllib.parse import parse_qs

import boto3
import pytest

from patchlake.adapters import sts
from patchlake.adapters.clock import ServiceClock
from patchlake.adapters.sts import RoleSessions
from patchlake.adapters.target_apis import AwsTargetApis
from patchlake.core.targets import Target
from patchlake.errors import RefusedError, RetryableError, ThrottledError
from tests.http_stub import DATE, Answer, HttpStub, Request, http_stub
from tests.ssm_over_http import (
    AT_HOME,
    ID,
    MEMBER,
    PLAN,
    STATE,
    assumed,
    error,
    is_sts,
    make_sources,
    numbered_sessions,
    reply,
    session,
    session_key,
    sure_clock,
    wanted_account,
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


OTHER = assumed("other", "333333333333").body.decode()


def changed(place: str, other: str = "") -> str:
    """Return an answer with another text before a place in it."""
    return assumed("key").body.decode().replace(place, f"{other}{place}", 1)


def part(name: str) -> str:
    """Return an element of the answer about another account."""
    return OTHER[OTHER.index(f"<{name}>") : OTHER.index(f"</{name}>")] + f"</{name}>"


BROKEN_CREDENTIALS = {
    "two sessions": changed("</AssumeRoleResult>", part("AssumedRoleUser")),
    "two credentials": changed("<Credentials>", part("Credentials")),
    "two results": changed("<AssumeRoleResult>", part("AssumeRoleResult")),
    "an error next to the session": changed("<Credentials>", "<Error><Code>AccessDenied</Code></Error>"),
    "an error next to the result": changed("<AssumeRoleResult>", "<Error><Code>AccessDenied</Code></Error>"),
    "an error as its root": changed("").replace("AssumeRoleResponse", "ErrorResponse"),
    "an empty object": "{}",
    "nothing": "",
    "no credentials": "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>",
    "no key": assumed("").body.decode(),
    "no token": assumed("key").body.decode().replace("<SessionToken>token-key</SessionToken>", ""),
    "no end": assumed("key").body.decode().replace("<Expiration>2999-01-01T00:00:00Z</Expiration>", ""),
    "no twelve digits": assumed("key", "1").body.decode(),
    "two accounts": assumed("key").body.decode().replace("<Arn>", "<Arn>arn:aws:sts::1:assumed-role/a/b</Arn><Arn>"),
    "an end without an offset": assumed("key").body.decode().replace("2999-01-01T00:00:00Z", "2999-01-01"),
    "an end that no clock can hold": assumed("key").body.decode().replace("2999-01-01T00:00:00Z", "9" * 20),
    "an end in the past": assumed("key").body.decode().replace("2999", "2020"),
    "a key that no header can hold": assumed("key\nkey").body.decode(),
    "an end that is no time": assumed("key").body.decode().replace("2999-01-01T00:00:00Z", "later"),
}


@pytest.mark.parametrize("name", ["no key", "no token", "two accounts", "a key that no header can hold"])
def test_an_answer_that_sts_would_not_give_asks_to_look_for_a_proxy(
    aws: HttpStub, sources: AwsTargetApis, name: str
) -> None:
    aws.answer = lambda _: Answer(200, BROKEN_CREDENTIALS[name].encode())

    with pytest.raises(RetryableError, match=r"(?i)if the problem persists, check .*that no proxy changes answers"):
        sources.open(PLAN, MEMBER)


@pytest.mark.parametrize("body", BROKEN_CREDENTIALS.values(), ids=list(BROKEN_CREDENTIALS))
def test_an_answer_of_sts_without_credentials_fails_for_now(aws: HttpStub, sources: AwsTargetApis, body: str) -> None:
    aws.answer = lambda _: Answer(200, body.encode())

    with pytest.raises(RetryableError, match=r"222222222222:role/patchlake-member: AssumeRole failed"):
        sources.open(PLAN, MEMBER)


def test_credentials_that_had_ended_are_not_those_of_the_user(aws: HttpStub, sources: AwsTargetApis) -> None:
    aws.answer = lambda _: Answer(200, assumed("key").body.replace(b"2999", b"2020"))

    with pytest.raises(RetryableError, match="in its answer expired on 2020-01-01 at 00:00 UTC") as caught:
        sources.open(PLAN, MEMBER)

    assert "aws sso login" not in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "answered"), [({"Date": DATE}, ", and 2026-11-23 at 06:00 UTC by the answer"), ({}, "")]
)
def test_credentials_that_have_ended_by_a_clock_that_is_ahead_are_told_with_both_times(
    aws: HttpStub, sources: AwsTargetApis, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], answered: str
) -> None:
    monkeypatch.setattr(sts, "utc_now", lambda: datetime(2026, 11, 23, 8, 0, 7, tzinfo=UTC))
    an_hour_later = assumed("key").body.replace(b"2999-01-01T00:00:00Z", b"2026-11-23T07:00:07Z")
    aws.answer = lambda _: Answer(200, an_hour_later, headers)

    with pytest.raises(RetryableError) as caught:
        sources.open(PLAN, MEMBER)

    assert (
        "expired on 2026-11-23 at 07:00 UTC; it is 2026-11-23 at 08:00 UTC by the clock of this machine"
        f"{answered}. Synchronize the clock if it is wrong. If the problem persists, check that no proxy"
    ) in str(caught.value)


@pytest.mark.parametrize("found", ["333333333333", PLAN.home_account_id])
def test_a_session_of_another_account_is_refused_and_never_used(
    aws: HttpStub, sources: AwsTargetApis, found: str
) -> None:
    aws.answer = lambda _: assumed("key", found)

    with pytest.raises(RefusedError) as caught:
        node_page(sources.open(PLAN, MEMBER), None)

    assert (caught.value.listing_status, caught.value.code) == ("NOT_LISTED", "SessionOfOtherAccount")
    assert f"a session in account {found}, expected one in 222222222222" in str(caught.value)
    assert [is_sts(request) for request in aws.requests] == [True]


def test_an_answer_that_names_no_account_has_usable_credentials(aws: HttpStub, sources: AwsTargetApis) -> None:
    unnamed = Answer(200, assumed("key").body.replace(b"AssumedRoleUser>", b"NewMember>"))
    aws.answer = lambda request: unnamed if is_sts(request) else reply({"InstanceInformationList": []})

    node_page(sources.open(PLAN, MEMBER), None)

    assert session_key(aws.requests[-1]) == "key"


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

    reason = r"AssumeRole failed: AWS throttled the call \(Throttling\): Rate exceeded\. Retry in a minute"
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
        if not is_sts(request):
            return reply({"InstanceInformationList": []})
        return assumed(f"key-{together.wait(20)}", wanted_account(request))

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
    soon = (datetime.now(UTC) + timedelta(minutes=1)).replace(microsecond=0).isoformat()
    first, second = assumed("key-1"), assumed("key-2")
    short = Answer(200, first.body.replace(b"2999-01-01T00:00:00Z", soon.encode()), {"Date": DATE})
    sessions = iter([short, second])
    aws.answer = lambda request: next(sessions) if is_sts(request) else reply({"InstanceInformationList": []})

    node_page(sources.open(PLAN, MEMBER), None)

    assert [session_key(request) for request in aws.requests] == ["home-key", "home-key", "key-2"]


def test_a_role_that_is_withdrawn_while_its_session_is_renewed_is_a_refusal(
    aws: HttpStub, sources: AwsTargetApis
) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=1)).replace(microsecond=0).isoformat()
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
