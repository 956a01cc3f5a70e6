"""The commands and adapters name the true cause of a refusal, and its fix, from the answer on the wire."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from patchlake.adapters.clients import make_client
from patchlake.adapters.sqs import SqsQueue
from patchlake.bootstrap import bucket_store
from patchlake.errors import PatchlakeError, PermanentError, RetryableError
from tests.command_line import patchlake_here
from tests.http_stub import Answer, HttpStub, Request, http_stub

FAR_AHEAD = f"{datetime.now(UTC) + timedelta(hours=5):%a, %d %b %Y %H:%M:%S GMT}"
HTML = b"<html><head><title>Blocked</title></head><body>Ask your administrator</body></html>"
ROLE = "arn:aws:sts::111122223333:assumed-role/someone/session"


@pytest.fixture
def aws() -> Iterator[HttpStub]:
    with http_stub() as stub:
        yield stub


@pytest.fixture
def environment(aws: HttpStub) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return ours | {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def client(aws: HttpStub, service: str, proxies: dict[str, str] | None = None) -> Any:  # noqa: ANN401
    session = boto3.Session("key", "secret", region_name="eu-central-1")
    config = Config(proxies=proxies, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", aws.url)
        return make_client(session, service, config)


def s3_error(status: int, code: str, message: str = "why", **headers: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, body.encode(), headers)


def query_error(status: int, code: str, message: str = "why", **headers: str) -> Answer:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return Answer(status, body.encode(), headers)


def identity() -> Answer:
    result = f"<GetCallerIdentityResult><Arn>{ROLE}</Arn><Account>111122223333</Account></GetCallerIdentityResult>"
    return Answer(200, f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>".encode())


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            s3_error(400, "KMS.DisabledException"),
            "the KMS key is disabled (KMS.DisabledException): why. Enable the key",
        ),
        (s3_error(400, "KMS.KMSInvalidStateException"), "Cancel its deletion, then enable the key"),
        (s3_error(400, "KMS.NotFoundException"), "the KMS key does not exist (KMS.NotFoundException)"),
        (
            s3_error(403, "AccessDenied", "a is not authorized to perform: kms:GenerateDataKey on resource: k"),
            "access denied to the KMS key (AccessDenied)",
        ),
        (
            s3_error(403, "AccessDenied", "a may not s3:PutObject with an explicit deny in a resource-based policy"),
            "a policy explicitly denies the call (AccessDenied)",
        ),
        (s3_error(403, "AccessDenied"), "access denied (AccessDenied): why. The calling identity needs s3:PutObject"),
        (s3_error(404, "NoSuchBucket"), "the bucket does not exist (NoSuchBucket)"),
        (s3_error(301, "PermanentRedirect"), "the bucket is in another region (PermanentRedirect)"),
        (s3_error(307, "TemporaryRedirect"), "the bucket is in another region (TemporaryRedirect)"),
        (
            s3_error(301, "PermanentRedirect", **{"x-amz-bucket-region": "us-east-1"}),
            "the bucket is in another region (PermanentRedirect)",
        ),
        (s3_error(400, "AuthorizationHeaderMalformed"), "the bucket is in another region (Authorization"),
        (s3_error(400, "IllegalLocationConstraintException"), "the bucket is in another region (IllegalLocation"),
        (s3_error(501, "NotImplemented"), "the store does not support conditional writes (If-None-Match)"),
        (
            s3_error(403, "RequestTimeTooSkewed", Date=FAR_AHEAD),
            "the time of the request is too far from AWS's time: the clock of this machine is 5 hours behind",
        ),
        (Answer(407, HTML), "the proxy refuses the request or cannot be reached (407)"),
        (Answer(403, HTML), "a web page arrived instead of an answer from AWS"),
        (Answer(403, HTML, {"Content-Type": "text/html"}), "a web page arrived instead of an answer from AWS"),
    ],
)
def test_a_write_says_why_the_store_refuses_it(aws: HttpStub, answer: Answer, sentence: str) -> None:
    aws.answer_in_turn(answer)

    with pytest.raises(PermanentError) as caught:
        bucket_store(client(aws, "s3"), "lake").create("plans/a.json", b"")

    assert str(caught.value).startswith("s3://lake/plans/a.json: PutObject was refused: ")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("KMS.DisabledException", "the KMS key is disabled (KMS.DisabledException)"),
        ("KmsDisabled", "the KMS key is disabled (KmsDisabled)"),
        (
            "KmsInvalidState",
            "the KMS key cannot be used, for example because its deletion is pending (KmsInvalidState)",
        ),
        ("KmsAccessDenied", "access denied to the KMS key (KmsAccessDenied)"),
        ("KmsNotFound", "the KMS key does not exist (KmsNotFound)"),
        ("RequestThrottled", "AWS throttled the call (RequestThrottled)"),
    ],
)
def test_a_queue_says_why_it_refuses_a_message(aws: HttpStub, code: str, sentence: str) -> None:
    aws.answer_in_turn(Answer(400, json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": "why"}).encode()))

    with pytest.raises(RetryableError) as caught:
        SqsQueue(client(aws, "sqs"), f"{aws.url}/111122223333/discover").send([("a", "b")])

    assert f"SendMessageBatch failed: {sentence}: why. " in str(caught.value)


@pytest.mark.parametrize(
    ("proxy", "sentence"),
    [
        ("http://127.0.0.1:9", "the proxy refuses the request or cannot be reached (ProxyConnectionError)"),
        (None, "the endpoint cannot be reached (EndpointConnectionError)"),
    ],
)
def test_an_address_that_cannot_be_reached_is_named(proxy: str | None, sentence: str) -> None:
    with http_stub() as gone:
        store = bucket_store(client(gone, "s3", {"http": proxy} if proxy else None), "lake")

    with pytest.raises(RetryableError) as caught:
        store.exists("a")

    assert f"s3://lake/a: HeadObject failed for now: {sentence}" in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (query_error(400, "Throttling"), "AWS throttled the call (Throttling): why. Retry in a minute"),
        (
            query_error(403, "SignatureDoesNotMatch", "Signature expired: x is now earlier than y", Date=FAR_AHEAD),
            "the clock of this machine is 5 hours behind (SignatureDoesNotMatch)",
        ),
        (query_error(400, "ExpiredToken"), "the credentials have expired or cannot be renewed (ExpiredToken)"),
        (query_error(403, "InvalidClientTokenId"), "the region does not recognize the credentials"),
        (query_error(403, "SignatureDoesNotMatch"), "AWS does not accept the signature (SignatureDoesNotMatch)"),
        (Answer(407, HTML), "the proxy refuses the request or cannot be reached (407)"),
        (Answer(403, HTML), "a web page arrived instead of an answer from AWS"),
    ],
)
@pytest.mark.parametrize("command", [("export", "--lake", "lake"), ("check",)], ids=["export", "check"])
def test_a_command_that_cannot_identify_itself_says_why(  # noqa: PLR0913, PLR0917
    aws: HttpStub,
    environment: dict[str, str],
    tmp_path: Path,
    command: tuple[str, ...],
    answer: Answer,
    sentence: str,
) -> None:
    aws.answer_in_turn(answer)

    ended = patchlake_here(environment | {"AWS_MAX_ATTEMPTS": "1"}, *command, folder=tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1), ended.stderr
    assert "cannot get your identity from AWS: " in ended.stderr
    assert sentence in ended.stderr


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HTTP_PROXY", "::::", "HTTP_PROXY cannot be used as the address of a proxy: expected http://HOST"),
        (
            "AWS_ENDPOINT_URL_STS",
            "ftp://x",
            "the endpoint of sts cannot be used: it is 'ftp://x', expected http://HOST",
        ),
        (
            "AWS_ENDPOINT_URL_SSM",
            "ftp://x",
            "the endpoint of ssm cannot be used: it is 'ftp://x', expected http://HOST",
        ),
        ("AWS_ENDPOINT_URL_SSM", "::::", "profile cannot be used for ssm: Invalid endpoint: ::::"),
    ],
)
def test_an_address_that_cannot_be_used_ends_an_export_with_its_own_sentence(  # noqa: PLR0913, PLR0917
    aws: HttpStub, environment: dict[str, str], tmp_path: Path, variable: str, value: str, said: str
) -> None:
    aws.answer = in_s3(lambda _: None)
    changed = environment | {"NO_PROXY": "", "no_proxy": "", variable: value}

    ended = patchlake_here(changed, "export", "--lake", "lake", folder=tmp_path)

    assert ended.returncode == 1
    assert said in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def in_s3(refuse: Callable[[Request], Answer | None]) -> Callable[[Request], Answer]:
    """Return the answers of an AWS whose S3 is empty, except where it refuses."""

    def answer(request: Request) -> Answer:
        now = {"Date": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}"}
        if request.headers.get("X-Amz-Target"):
            return Answer(200, b'{"InstanceInformationList": [], "InstancePatchStates": []}', now)
        if request.method == "POST":
            return Answer(200, identity().body, now)
        if (refused := refuse(request)) is not None:
            return Answer(refused.status, refused.body, {**now, **refused.headers})
        if "list-type=2" in request.path:
            return Answer(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>", now)
        if request.method == "PUT":
            return Answer(200, b"", {**now, "ETag": '"1"'})
        return Answer(404, s3_error(404, "NoSuchKey").body, now)

    return answer


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (501, "NotImplemented", "the store does not support conditional writes (If-None-Match) (NotImplemented)"),
        (400, "KMS.DisabledException", "the KMS key is disabled (KMS.DisabledException)"),
        (404, "NoSuchBucket", "the bucket does not exist (NoSuchBucket)"),
        (403, "AccessDenied", "access denied (AccessDenied): why. The calling identity needs s3:PutObject"),
    ],
)
def test_an_export_ends_with_the_reason_at_its_first_write(
    aws: HttpStub, environment: dict[str, str], status: int, code: str, sentence: str
) -> None:
    aws.answer = in_s3(lambda request: s3_error(status, code) if request.method == "PUT" else None)

    ended = patchlake_here(environment, "export", "--lake", "s3://lake/shared")

    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr
    assert f"PutObject was refused: {sentence}" in ended.stderr
    assert ("s3:ListBucket, s3:GetObject, s3:PutObject:" in ended.stderr) == (code == "AccessDenied")
    assert not [request for request in aws.requests if request.headers.get("X-Amz-Target")]


def test_a_check_finds_a_store_without_conditional_writes(aws: HttpStub, environment: dict[str, str]) -> None:
    aws.answer = in_s3(lambda request: s3_error(501, "NotImplemented") if request.method == "PUT" else None)

    ended = patchlake_here(environment, "check", "--json", "--lake", "s3://lake/shared")

    found = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert "the store does not support conditional writes (If-None-Match)" in found["lake_obstacle"]
    assert found["advice"] == []
    assert {request.path for request in aws.requests if request.method == "PUT"} == {
        "/lake/shared/check/conditional-writes"
    }


def test_a_lake_in_another_region_is_no_lake_without_permissions(aws: HttpStub, environment: dict[str, str]) -> None:
    aws.answer = in_s3(lambda _: s3_error(400, "AuthorizationHeaderMalformed", "expecting 'us-east-1'"))

    ended = patchlake_here(environment, "check", "--json", "--lake", "s3://lake")

    found = json.loads(ended.stdout)
    assert "the bucket is in another region (AuthorizationHeaderMalformed)" in found["lake_obstacle"]
    assert "Use the region of the bucket: set AWS_REGION, or" in found["lake_obstacle"]
    assert found["advice"] == []


def test_errors_of_the_adapters_have_one_line(aws: HttpStub) -> None:
    aws.answer_in_turn(s3_error(403, "AccessDenied", "a\nb"))

    with pytest.raises(PatchlakeError) as caught:
        bucket_store(client(aws, "s3"), "lake").create("a", b"")

    assert "\n" not in str(caught.value)
