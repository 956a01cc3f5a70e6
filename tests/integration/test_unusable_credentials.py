"""Credentials from an endpoint that answers as none should: one line, without a traceback or a secret."""

import json
import os
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from botocore.utils import ContainerMetadataFetcher

from patchlake_cli.aws_session import new_session
from patchlake_cli.exit_codes import ExitCode
from tests.command_line import patchlake_here
from tests.http_stub import Answer, HttpStub, http_stub

SECRET = "hunter2"  # noqa: S105
CREDENTIALS = {
    "AccessKeyId": "AKIATEST",
    "SecretAccessKey": SECRET,
    "Token": "t",
    "Expiration": "2099-01-01T00:00:00Z",
}
COMMANDS = {"check": ("check",), "query": ("query", "--lake", "s3://lake/shared", "SELECT 1")}


def body(**others: object) -> bytes:
    return json.dumps(CREDENTIALS | others).encode()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpStub]:
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)
    with http_stub() as stub:
        yield stub


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(500, body()), "Received non 200 response 500"),
        (Answer(302, body()), "Received non 200 response 302"),
        (Answer(200, body(Expiration="99999999999999999999")), "they have another form than expected"),
        (Answer(200, body(Expiration="1" * 40 + "-01-01")), "they have another form than expected"),
        (Answer(200, body(Expiration=5)), "they have another form than expected"),
        (Answer(200, b"[1]"), "they have another form than expected"),
        (Answer(200, b"[" * 100_000), "they are nested too deeply"),
        (Answer(200, body()[:-5]), "Unable to parse JSON returned from container metadata services"),
    ],
    ids=["500", "302", "far", "farther", "number", "list", "nested", "cut short"],
)
def test_an_answer_of_a_container_that_has_no_credentials_is_one_line(
    aws: HttpStub, command: tuple[str, ...], answer: Answer, said: str
) -> None:
    aws.answer = lambda _: answer
    environment = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/credentials",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "eu-central-1",
    }

    ended = patchlake_here(environment, *command)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1), ended.stderr
    assert ended.stderr.rstrip().partition(f": {said}")[1], ended.stderr
    assert SECRET not in ended.stderr


@pytest.mark.parametrize("status", [301, 403, 500])
def test_an_error_about_credentials_never_quotes_them(
    aws: HttpStub, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """The SDK makes its own client to get the credentials of IAM Identity Center."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    aws.answer = lambda _: Answer(status, b'{"roleCredentials": {"secretAccessKey": "hunter2", "sess')
    client = new_session(region="eu-central-1").client("sso", endpoint_url=aws.url)

    with pytest.raises(ClientError, match="the answer was cut short, or is malformed") as caught:
        client.get_role_credentials(roleName="r", accountId="111122223333", accessToken="t")

    assert SECRET not in str(caught.value)
