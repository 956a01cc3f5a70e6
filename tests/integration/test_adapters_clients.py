"""The total time of a call, whatever a server does."""

import json
import os
from collections.abc import Callable, Iterator
from gzip import compress
from io import BytesIO
from itertools import count
from json import JSONDecodeError
from operator import methodcaller
from traceback import format_exception
from typing import Any, NoReturn

import pytest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ConnectionClosedError, CredentialRetrievalError, ParamValidationError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from botocore.utils import ContainerMetadataFetcher

from patchlake.adapters import clients, timed_connections
from patchlake.adapters.aws_errors import AWS_ERRORS, Cause, cause_of
from patchlake.adapters.clients import make_client
from patchlake.bootstrap import Aws, bucket_store
from patchlake.core.timings import CALL
from patchlake.errors import RetryableError
from tests.http_stub import DATE, Answer, Hinted, HttpStub, Request, Trickling, http_stub, session

BODY = b"x" * 10_000
"""A body that takes minutes, byte by byte."""
OBJECT = {"Date": DATE, "ETag": '"1"'}
"""The headers of an answer about an object."""
ROLE = "arn:aws:iam::111111111111:role/patchlake-member"
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, s3={"addressing_style": "path"})

pytestmark = pytest.mark.usefixtures("in_time")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpStub]:
    with http_stub() as stub:
        stub.set_clock(monkeypatch)
        yield stub


@pytest.fixture
def client(service: HttpStub, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    return lambda name: make_client(session(), name, ONCE)


@pytest.fixture
def patient(service: HttpStub, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Return what makes clients that wait as long as those of the functions."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    return lambda name: make_client(session(), name)


@pytest.mark.parametrize("whole", [0, 20, 80], ids=["status", "headers", "body"])
def test_an_answer_that_trickles_in_is_given_up(service: HttpStub, client: Callable[[str], Any], whole: int) -> None:
    service.answer = lambda _: Trickling(200, BODY, whole=whole)

    with pytest.raises(ReadTimeoutError):
        client("ssm").describe_instance_information()


@pytest.mark.parametrize("whole", [0, 200], ids=["headers", "body"])
def test_an_object_that_trickles_in_fails_for_now(service: HttpStub, client: Callable[[str], Any], whole: int) -> None:
    service.answer = lambda _: Trickling(200, BODY, whole=whole)

    with pytest.raises(RetryableError, match="ReadTimeoutError"):
        bucket_store(client("s3"), "lake").get("plans/a.json")


@pytest.mark.parametrize("body", [BODY, BytesIO(BODY * 100)], ids=["bytes", "file"])
def test_an_object_whose_receipt_trickles_in_fails_for_now(
    service: HttpStub, client: Callable[[str], Any], body: bytes | BytesIO
) -> None:
    service.answer = lambda _: Trickling(200, BODY)

    with pytest.raises(RetryableError, match="ReadTimeoutError"):
        bucket_store(client("s3"), "lake").create("plans/a.json", body)


def test_an_answer_that_comes_at_a_usual_rate_may_be_large(
    service: HttpStub, patient: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    large = bytes(range(256)) * 10_000
    service.answer = lambda request: Answer(200, large if request.method == "GET" else b"", OBJECT)
    store = bucket_store(patient("s3"), "lake")
    # Each send and receipt takes a quarter of a second: far less than a call may take, but all of them take far more.
    quarters = count()
    monkeypatch.setattr(timed_connections, "monotonic", lambda: next(quarters) / 4)

    assert [store.get("lake/large.parquet") for _ in range(3)] == [large] * 3
    assert store.create("lake/large.parquet", BytesIO(large)) is True
    assert store.create("lake/large.parquet", large) is True
    assert next(quarters) / 4 > 2 * CALL.answer_seconds


def test_after_an_interim_answer_no_call_gets_the_answer_to_another(
    service: HttpStub, patient: Callable[[str], Any]
) -> None:
    def answer(request: Request) -> Answer:
        asked = json.loads(request.body)["InstanceId"]
        body = json.dumps({"Patches": [{"KBId": asked}]}).encode()
        return Hinted(200, body) if len(service.requests) == 1 else Answer(200, body)

    service.answer = answer
    ssm = patient("ssm")

    found = [ssm.describe_instance_patches(InstanceId=f"i-{number:017}")["Patches"] for number in range(3)]

    assert [patch["KBId"] for [patch] in found] == [f"i-{number:017}" for number in range(3)]


def test_an_answer_that_never_ends_is_given_up(
    service: HttpStub, client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "LARGEST_ANSWER", len(BODY) * 9)
    service.answer = lambda _: Answer(200, BODY * 10, OBJECT)

    with pytest.raises(ConnectionClosedError):
        client("ssm").describe_instance_information()
    assert bucket_store(client("s3"), "lake").get("lake/large.parquet") == BODY * 10


@pytest.mark.parametrize(
    "expires", ["0", "-1", "never", "Thu, 01-Jan-1970 00:00:00 GMT", "Thursday, 01-Jan-70 00:00:00 GMT"]
)
@pytest.mark.parametrize("modified", ["Sun, 1 Nov 2026 06:00:00 GMT", "Sunday, 01-Nov-26 06:00:00 GMT"])
def test_an_object_is_read_whatever_a_proxy_says_about_its_expiry(
    service: HttpStub, client: Callable[[str], Any], expires: str, modified: str
) -> None:
    headers = OBJECT | {"Expires": expires, "Last-Modified": modified, "Cache-Control": "no-cache"}
    service.answer = lambda _: Answer(200, b"{}", headers)

    assert bucket_store(client("s3"), "lake").get("plans/1.json") == b"{}"


def test_many_answers_over_one_connection_may_be_larger_than_one_of_them(
    service: HttpStub, patient: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "LARGEST_ANSWER", 1000)
    service.answer = lambda _: Answer(200, b'{"InstanceInformationList":[]}')
    ssm = patient("ssm")

    assert [ssm.describe_instance_information()["InstanceInformationList"] for _ in range(20)] == [[]] * 20


CUT_SHORT = (
    b"<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>c2VjcmV0</SecretAccessKey><SessionToken>c2Vj"
)
BAD_TIME = (
    b"<AssumeRoleResponse><AssumeRoleResult><Credentials><SecretAccessKey>c2VjcmV0</SecretAccessKey>"
    b"<Expiration>c2VjcmV0</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)
NO_XML = [b"", b"{}", b"\xff\xfe", b"<html></html>", b"<html><p>", CUT_SHORT]
NO_TIMES = [b"99999999999999999999", b"-1e30", b"1e400", b"nan"]
NO_JSON = [b"null", b"[]", b"17", b'"x"', b"\xff\xfe"]


CALLS: dict[str, Callable[[Callable[[str], Any]], object]] = {
    "AssumeRole": lambda client: client("sts").assume_role(RoleArn=ROLE, RoleSessionName="patchlake"),
    "DescribeStacks": lambda client: client("cloudformation").describe_stacks(),
    "ReceiveMessage": lambda client: client("sqs").receive_message(QueueUrl="http://127.0.0.1/1/queue"),
    "GetFunction": lambda client: client("lambda").get_function(FunctionName="plan"),
    "ListObjectsV2": lambda client: client("s3").list_objects_v2(Bucket="lake"),
}


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        *(("AssumeRole", body) for body in (*NO_XML, BAD_TIME)),
        *(("DescribeStacks", body) for body in NO_XML),
        *(("ReceiveMessage", body) for body in (*NO_JSON, b'{"Messages":[5]}')),
        *(("GetFunction", body) for body in NO_JSON),
        ("ListObjectsV2", b"<L><Contents><Size>x</Size></Contents></L>"),
        *(("ListObjectsV2", b"<L><Contents><LastModified>%b</LastModified></Contents></L>" % at) for at in NO_TIMES),
        *(("AssumeRole", BAD_TIME.replace(b">c2VjcmV0</Exp", b">%b</Exp" % at)) for at in NO_TIMES),
    ],
)
def test_a_malformed_answer_is_an_error_without_the_body(
    service: HttpStub, client: Callable[[str], Any], operation: str, body: bytes
) -> None:
    service.answer = lambda _: Answer(200, body)

    with pytest.raises(ResponseParserError, match="is malformed") as caught:
        CALLS[operation](client)

    assert "c2Vj" not in "".join(format_exception(caught.value))


@pytest.mark.parametrize("operation", CALLS)
def test_a_compressed_answer_says_that_it_is_one(
    service: HttpStub, client: Callable[[str], Any], operation: str
) -> None:
    service.answer = lambda _: Answer(200, compress(b"{}"), {"Content-Encoding": "gzip"})

    with pytest.raises(AWS_ERRORS, match="; its encoding is gzip, which was not asked for"):
        CALLS[operation](client)
    assert {request.headers["Accept-Encoding"] for request in service.requests} == {"identity"}


def test_an_answer_that_is_nested_without_end_is_malformed(service: HttpStub, client: Callable[[str], Any]) -> None:
    service.answer = lambda _: Answer(200, b'{"Messages":' + b"[" * 200_000)

    with pytest.raises(ResponseParserError, match="is malformed"):
        CALLS["ReceiveMessage"](client)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (RuntimeError("the refreshed credentials are still expired"), "still expired"),
        (FileNotFoundError(2, "No such file or directory", "print-keys"), "print-keys"),
        (JSONDecodeError("Expecting value", "secret", 0), "Expecting value"),
        (TypeError("Parser must be a string"), "they have another form than expected: Parser must be a string"),
        (AttributeError("'list' object has no attribute 'get'"), "they have another form than expected"),
        (OverflowError("Python int too large to convert to C int"), "they have another form than expected"),
        (
            CredentialRetrievalError(
                provider="container-role",
                error_msg="Received non 200 response 500 from container metadata: <SecretAccessKey>hunter2",
            ),
            "from container-role: Received non 200 response 500$",
        ),
        (CredentialRetrievalError(provider="custom-process", error_msg="denied"), "from custom-process: denied$"),
        (EOFError(), "there is no terminal to ask for it"),
        (ParamValidationError(report="Invalid length for parameter RoleArn"), "parameter RoleArn"),
        (ResponseParserError("<SecretAccessKey>hunter2"), ": an answer about them was cut short, or is malformed$"),
    ],
)
def test_credentials_that_cannot_be_renewed_are_an_error_of_the_sdk(
    service: HttpStub, client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, raised: Exception, said: str
) -> None:
    def renew(_: object) -> NoReturn:
        raise raised

    monkeypatch.setattr("botocore.credentials.Credentials.get_frozen_credentials", renew)

    with pytest.raises(CredentialRetrievalError, match=said) as caught:
        client("ssm").describe_instance_information()
    assert cause_of(caught.value) is Cause.EXPIRED
    assert "hunter2" not in "".join(format_exception(caught.value))
    assert service.requests == []


def test_credentials_that_are_nested_without_end_are_an_error_of_the_sdk(
    service: HttpStub, client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "botocore.credentials.Credentials.get_frozen_credentials", lambda _: json.loads("[" * 100_000 + "]" * 100_000)
    )

    with pytest.raises(CredentialRetrievalError, match="they are nested too deeply"):
        client("ssm").describe_instance_information()
    assert service.requests == []


@pytest.mark.parametrize("value", ["AKIA\nX", "AKIA\x1b[0m", "AKIÄ", 5, None])
def test_credentials_that_no_header_can_hold_are_not_sent(
    service: HttpStub, client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    frozen = ReadOnlyCredentials(value, "secret", None)  # type: ignore[arg-type]  # as a credential_process may print
    monkeypatch.setattr("botocore.credentials.Credentials.get_frozen_credentials", lambda _: frozen)

    with pytest.raises(CredentialRetrievalError, match="a character that no credentials have"):
        client("ssm").describe_instance_information()
    assert service.requests == []


def test_a_mistake_of_the_program_is_no_error_of_aws(client: Callable[[str], Any]) -> None:
    def mistaken(**_: object) -> NoReturn:
        raise RuntimeError

    store = client("s3")
    store.meta.events.register("before-send", mistaken)

    with pytest.raises(RuntimeError):
        bucket_store(store, "lake").get("a")


def test_every_client_of_a_session_has_the_limit(service: HttpStub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    service.answer = lambda _: Trickling(200, BODY, whole=80)
    aws = Aws(session())

    with pytest.raises(ReadTimeoutError):
        aws.client("organizations", ONCE).list_accounts()
    config = aws.client("sqs").meta.config
    assert (config.connect_timeout, config.read_timeout) == (CALL.connect_seconds, CALL.answer_seconds)
    assert config.retries == {"mode": "standard", "total_max_attempts": CALL.attempts}


ANSWERED = {
    "sqs": (methodcaller("list_queues"), b'{"QueueUrls": []}'),
    "lambda": (methodcaller("get_account_settings"), b'{"AccountLimit": {}}'),
    "sts": (
        methodcaller("get_caller_identity"),
        b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>",
    ),
    "s3": (methodcaller("get_bucket_versioning", Bucket="lake"), b"<VersioningConfiguration/>"),
}
"""A call of each service, and a body that answers it."""


@pytest.mark.parametrize("name", ANSWERED)
@pytest.mark.parametrize(
    ("status", "headers"),
    [(202, {}), (206, {}), (200, {"x-amzn-ErrorType": "InternalFailure"})],
)
def test_an_answer_with_another_status_or_the_header_of_an_error_is_none(
    service: HttpStub, client: Callable[[str], Any], name: str, status: int, headers: dict[str, str]
) -> None:
    call, body = ANSWERED[name]
    service.answer_in_turn(Answer(200, body), Answer(status, body, headers))
    asked = client(name)
    call(asked)

    with pytest.raises(ResponseParserError, match=f"has status {status}"):
        call(asked)


def test_the_functions_own_session_does_not_wait_for_credentials_that_trickle_in(
    service: HttpStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{service.url}/credentials")
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    service.answer = lambda _: Trickling(200, BODY, whole=80)

    with pytest.raises(CredentialRetrievalError, match="Read timeout"):
        Aws().session.get_credentials()
