"""The total time of a call, whatever a server does."""

from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from time import monotonic
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from patchlake.adapters.clients import make_client
from patchlake.adapters.s3 import S3Store
from patchlake.bootstrap import Aws
from patchlake.core.timings import CALL
from patchlake.errors import RetryableError
from tests.http_stub import Answer, HttpStub, Trickling, http_stub

BODY = b"x" * 10_000
"""A body that takes minutes, byte by byte."""
LIMIT = Config(read_timeout=0.2, retries={"mode": "standard", "total_max_attempts": 1}, s3={"addressing_style": "path"})
MOST_SECONDS = 20
"""Far less than the answer takes, and far more than a busy machine needs to give it up."""


@pytest.fixture
def service() -> Iterator[HttpStub]:
    with http_stub() as stub:
        yield stub


@cache
def session() -> boto3.Session:
    """Return one session for all tests: reading the SDK's service models takes longest."""
    return boto3.Session("testing", "testing", region_name="eu-west-1")


@pytest.fixture
def client(service: HttpStub, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    return lambda name: make_client(session(), name, LIMIT)


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    began = monotonic()
    yield
    assert monotonic() - began < MOST_SECONDS


@pytest.mark.parametrize("whole", [0, 20, 80], ids=["status", "headers", "body"])
def test_an_answer_that_trickles_in_is_given_up(service: HttpStub, client: Callable[[str], Any], whole: int) -> None:
    service.answer = lambda _: Trickling(200, BODY, whole=whole)

    with pytest.raises(ReadTimeoutError):
        client("ssm").describe_instance_information()


@pytest.mark.parametrize("whole", [0, 200], ids=["headers", "body"])
def test_an_object_that_trickles_in_fails_for_now(service: HttpStub, client: Callable[[str], Any], whole: int) -> None:
    service.answer = lambda _: Trickling(200, BODY, whole=whole)

    with pytest.raises(RetryableError, match="ReadTimeoutError"):
        S3Store(client("s3"), "lake").get("plans/a.json")


@pytest.mark.parametrize("body", [BODY, BytesIO(BODY * 100)], ids=["bytes", "file"])
def test_an_object_whose_receipt_trickles_in_fails_for_now(
    service: HttpStub, client: Callable[[str], Any], body: bytes | BytesIO
) -> None:
    service.answer = lambda _: Trickling(200, BODY)

    with pytest.raises(RetryableError, match="ReadTimeoutError"):
        S3Store(client("s3"), "lake").create("plans/a.json", body)


def test_an_answer_that_comes_at_a_usual_rate_may_be_large(service: HttpStub, client: Callable[[str], Any]) -> None:
    large = bytes(range(256)) * 100_000
    service.answer = lambda request: Answer(200, large if request.method == "GET" else b"")
    store = S3Store(client("s3"), "lake")

    assert [store.get("lake/large.parquet") for _ in range(3)] == [large] * 3
    assert store.create("lake/large.parquet", BytesIO(large)) is True
    assert store.create("lake/large.parquet", large) is True


def test_every_client_of_a_session_has_the_limit(service: HttpStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    service.answer = lambda _: Trickling(200, BODY, whole=80)
    aws = Aws(session())

    with pytest.raises(ReadTimeoutError):
        aws.client("organizations", LIMIT).list_accounts()
    config = aws.client("sqs").meta.config
    assert (config.connect_timeout, config.read_timeout) == (CALL.connect_seconds, CALL.answer_seconds)
    assert config.retries == {"mode": "standard", "total_max_attempts": CALL.attempts}
