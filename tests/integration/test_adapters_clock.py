"""The time in AWS's answers."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError

from patchlake.adapters.clock import ServiceClock
from patchlake.errors import RetryableError
from tests.http_stub import Answer, HttpStub, http_stub


@pytest.fixture
def service() -> Iterator[HttpStub]:
    with http_stub() as stub:
        yield stub


@cache
def session() -> boto3.Session:
    """Return one session for all tests: reading the SDK's service models takes longest."""
    return boto3.Session("testing", "testing", region_name="eu-west-1")


@pytest.fixture
def client(service: HttpStub) -> BaseClient:
    made: BaseClient = session().client(
        "s3", endpoint_url=service.url, config=Config(retries={"total_max_attempts": 1})
    )
    return made


def dated(date: str, status: int = 200) -> Answer:
    """Return an answer without a body."""
    return Answer(status, b"", {"Date": date})


def test_the_time_is_that_of_the_latest_answer_whatever_this_machine_says(
    service: HttpStub, client: BaseClient
) -> None:
    clock = ServiceClock()
    clock.watch(client)
    service.answer_in_turn(dated("Mon, 23 Nov 2026 06:00:07 GMT"), dated("Tue, 24 Nov 2026 00:00:00 GMT"))

    client.list_buckets()  # type: ignore[attr-defined]
    first = clock.now()
    client.list_buckets()  # type: ignore[attr-defined]

    assert first == datetime(2026, 11, 23, 6, 0, 7, tzinfo=UTC)
    assert clock.now() == datetime(2026, 11, 24, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_an_error_tells_the_time_as_well(service: HttpStub, client: BaseClient) -> None:
    clock = ServiceClock()
    clock.watch(client)
    service.answer_in_turn(dated("Mon, 23 Nov 2026 06:00:07 GMT", 403))

    with pytest.raises(ClientError):
        client.list_buckets()  # type: ignore[attr-defined]

    assert clock.now() == datetime(2026, 11, 23, 6, 0, 7, tzinfo=UTC)


def test_an_answer_without_a_date_leaves_the_time_as_it_was(service: HttpStub, client: BaseClient) -> None:
    clock = ServiceClock()
    clock.watch(client)
    service.answer_in_turn(dated("Mon, 23 Nov 2026 06:00:07 GMT"), Answer(200, b"", {}))

    client.list_buckets()  # type: ignore[attr-defined]
    client.list_buckets()  # type: ignore[attr-defined]

    assert clock.now() == datetime(2026, 11, 23, 6, 0, 7, tzinfo=UTC)


def test_before_the_first_answer_the_time_is_unknown(client: BaseClient) -> None:
    clock = ServiceClock()
    clock.watch(client)

    with pytest.raises(RetryableError, match="no AWS service has answered"):
        clock.now()


@pytest.mark.parametrize("date", ["yesterday", "", "Mon, 23 Nov 2026 06:00:07", "Mon, 23 Nov 2026 06:00:07 -0000"])
def test_a_date_that_is_none_is_an_error(service: HttpStub, client: BaseClient, date: str) -> None:
    clock = ServiceClock()
    clock.watch(client)
    service.answer_in_turn(dated(date))
    client.list_buckets()  # type: ignore[attr-defined]

    with pytest.raises(RetryableError, match="no valid Date header"):
        clock.now()
