"""The time in AWS's answers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from patchlake.adapters.clients import make_client
from patchlake.adapters.clock import ServiceClock
from patchlake.bootstrap import Aws
from patchlake.core.messages import CommitMessage
from patchlake.errors import NotReadyError, RetryableError
from patchlake.stages.stored_plan import stored_plan
from tests.http_stub import DATE, Answer, HttpStub, Lost, http_stub, session
from tests.world import RUN_AT, RUN_ID, SCHEDULED_TIME, World

AT = datetime(2026, 11, 23, 6, 0, 7, tzinfo=UTC)
TWO_DAYS_AHEAD = "Wed, 25 Nov 2026 06:00:07 GMT"
REFUSED = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"


@pytest.fixture
def service() -> Iterator[HttpStub]:
    with http_stub() as stub:
        yield stub


def client_of(url: str) -> BaseClient:
    made: BaseClient = session().client("s3", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}))
    return made


@pytest.fixture
def client(service: HttpStub) -> BaseClient:
    return client_of(service.url)


def never() -> None:
    pytest.fail("the time was known, and yet it was asked for")


def watching(client: BaseClient, ask: Callable[[], object] = never) -> ServiceClock:
    clock = ServiceClock(ask)
    clock.watch(client)
    return clock


def dated(date: str | None, status: int = 200) -> Answer:
    """Return an answer without a body."""
    return Answer(status, b"", {} if date is None else {"Date": date})


def call(client: BaseClient, times: int = 1) -> None:
    for _ in range(times):
        client.list_buckets()  # type: ignore[attr-defined]


def test_an_answer_that_cannot_be_used_has_the_time(service: HttpStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    client = make_client(session(), "sts", Config(retries={"total_max_attempts": 1}))
    clock = watching(client)
    service.answer_in_turn(dated(DATE, 202), Answer(200, b"<html>", {"Date": DATE}))

    for _ in range(2):
        with pytest.raises(ResponseParserError):
            client.get_caller_identity()

    assert clock.now() == AT


def test_the_time_is_that_of_the_latest_answer_whatever_this_machine_says(
    service: HttpStub, client: BaseClient
) -> None:
    clock = watching(client)
    service.answer_in_turn(dated(DATE), dated("Mon, 23 Nov 2026 06:14:00 GMT"), dated("Mon, 23 Nov 2026 06:20:00 GMT"))

    call(client, 2)
    first = clock.now()
    call(client)

    assert first == datetime(2026, 11, 23, 6, 14, tzinfo=UTC)
    assert clock.now() == datetime(2026, 11, 23, 6, 20, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_an_error_tells_the_time_as_well(service: HttpStub, client: BaseClient) -> None:
    clock = watching(client)
    service.answer_in_turn(dated(DATE), dated("Mon, 23 Nov 2026 06:00:09 GMT", 403))

    call(client)
    with pytest.raises(ClientError):
        call(client)

    assert clock.now() == AT + timedelta(seconds=2)


@pytest.mark.parametrize("status", [429, 503])
def test_the_attempts_of_one_call_count_once(service: HttpStub, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    aws = Aws(boto3.Session("testing", "testing", region_name="eu-west-1"))
    service.answer_in_turn(*[dated(TWO_DAYS_AHEAD, status)] * 3, dated(DATE, 403))

    assert aws.clock.now() == AT
    assert len(service.requests) == 5


@pytest.mark.parametrize(
    "date", [TWO_DAYS_AHEAD, "Sat, 21 Nov 2026 06:00:07 GMT", None, "", "yesterday", "Mon, 23 Nov 2026 06:00:07 -0000"]
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_wrong_date_changes_nothing(service: HttpStub, client: BaseClient, date: str | None, place: int) -> None:
    clock = watching(client, lambda: call(client))
    dates = [DATE, DATE, DATE]
    service.answer_in_turn(*(dated(date if number == place else DATE) for number in range(3)), dated(dates[-1]))

    call(client, 3)

    assert clock.now() == AT
    assert len(service.requests) == {0: 3, 1: 4, 2: 5}[place]


def test_the_last_year_of_the_calendar_is_no_time_since_a_deadline_comes_after_it(
    service: HttpStub, client: BaseClient
) -> None:
    clock = watching(client, lambda: call(client))
    service.answer = lambda _: dated("Fri, 31 Dec 9999 23:59:30 GMT")

    with pytest.raises(RetryableError, match="the time is unknown"):
        clock.now()


def test_answers_that_do_not_agree_fail_for_now(service: HttpStub, client: BaseClient) -> None:
    clock = watching(client, lambda: call(client))
    service.answer = lambda _: dated((DATE, TWO_DAYS_AHEAD)[len(service.requests) % 2])

    call(client)

    with pytest.raises(RetryableError, match="the time is unknown: the latest two answers of AWS say"):
        clock.now()


def test_answers_to_an_earlier_invocation_do_not_count(service: HttpStub, client: BaseClient) -> None:
    clock = watching(client, lambda: call(client))
    service.answer_in_turn(*[dated(TWO_DAYS_AHEAD)] * 3, dated(DATE))
    call(client, 2)

    # This answer, say from a cache, is as old as those.
    clock.begin()
    call(client)

    assert clock.now() == AT


def test_the_local_time_counts_where_aws_itself_answers(service: HttpStub, client: BaseClient) -> None:
    clock = ServiceClock(never, lambda: AT.replace(microsecond=5))
    clock.watch(client_of("https://s3.eu-west-1.amazonaws.com"))
    before_any_answer = clock.now()

    clock.answered({"Date": "Mon, 23 Nov 2026 06:05:00 GMT"})
    by_its_answer = clock.now()
    clock.answered({"Date": TWO_DAYS_AHEAD})

    assert before_any_answer == AT
    assert by_its_answer == datetime(2026, 11, 23, 6, 5, tzinfo=UTC)
    assert clock.now() == AT

    # An endpoint of one's own accepts any signature.
    clock = ServiceClock(lambda: call(client), lambda: AT - timedelta(days=400))
    clock.watch(client_of("https://s3.eu-west-1.amazonaws.com"))
    clock.watch(client)
    service.answer_in_turn(dated(DATE))
    assert clock.now() == AT


@pytest.mark.parametrize(
    "url", ["http://s3.eu-west-1.amazonaws.com", "https://amazonaws.com.example.org", "http://127.0.0.1:9000"]
)
def test_no_other_endpoint_is_taken_for_aws(url: str) -> None:
    clock = ServiceClock(lambda: None, lambda: AT)
    clock.watch(client_of(url))

    with pytest.raises(RetryableError, match="the time is unknown"):
        clock.now()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"),
        (403, b"<ErrorResponse><Error><Code>ExpiredToken</Code><Message>expired</Message></Error></ErrorResponse>"),
    ],
    ids=["answered", "refused"],
)
def test_the_clients_of_a_session_ask_sts_for_the_time_whatever_it_answers(
    service: HttpStub, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    service.answer_in_turn(Answer(status, body))
    aws = Aws(boto3.Session("testing", "testing", region_name="eu-west-1"))

    assert aws.clock.now() == AT
    assert {b"Action=GetCallerIdentity" in request.body for request in service.requests} == {True}


def test_a_time_that_sts_does_not_tell_is_told_as_the_failure_of_the_call(
    service: HttpStub, client: BaseClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    aws = Aws(boto3.Session("testing", "testing", region_name="eu-west-1"))
    aws.clock.watch(client)
    service.answer_in_turn(dated(DATE))
    call(client)

    with pytest.raises(RetryableError, match=r"^GetCallerIdentity failed: the endpoint cannot be reached .*endpoints"):
        aws.clock.now()


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Lost(200), "returned an error or no usable answer"),
        (dated(None, 407), "the proxy refuses the request"),
        (dated(None, 503), "returned an error or no usable answer"),
        (Answer(403, REFUSED, {}), "access denied"),
    ],
    ids=["lost", "407", "503", "403"],
)
def test_an_answer_of_sts_without_a_time_is_told_as_what_it_is(
    service: HttpStub, monkeypatch: pytest.MonkeyPatch, answer: Answer, cause: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    service.answer_in_turn(answer)
    aws = Aws(boto3.Session("testing", "testing", region_name="eu-west-1"))

    with pytest.raises(RetryableError, match=f"^GetCallerIdentity failed: .*{cause}"):
        aws.clock.now()


def test_a_date_two_days_off_fences_no_run(service: HttpStub, client: BaseClient) -> None:
    world = World()
    world.clock.at = RUN_AT
    world.start()
    started, two_days_later = (format_datetime(RUN_AT + timedelta(days=days), usegmt=True) for days in (0, 2))
    clock = watching(client, lambda: call(client))
    service.answer_in_turn(dated(started), dated(two_days_later), dated(started))
    call(client, 2)
    delivery = world.commit_queue.receive()
    assert delivery is not None

    with pytest.raises(NotReadyError):
        replace(world.commit, clock=clock).handle(CommitMessage(run_id=RUN_ID), delivery)

    assert not [key for key in world.store.objects if not key.startswith("plans/")]


@pytest.mark.parametrize("days", [-2, 2])
def test_a_date_two_days_off_neither_refuses_nor_plans_a_run(service: HttpStub, client: BaseClient, days: int) -> None:
    world = World()
    started, wrong = (format_datetime(RUN_AT + timedelta(days=off), usegmt=True) for off in (0, days))
    clock = watching(client, lambda: call(client))
    service.answer_in_turn(dated(started), dated(wrong), dated(started))
    call(client, 2)

    replace(world.plan, clock=clock).handle({"scheduled_time": SCHEDULED_TIME})

    assert stored_plan(world.store, RUN_ID).planned_at == RUN_AT
