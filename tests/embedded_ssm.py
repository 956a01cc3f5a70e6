"""Calls of the embedded Systems Manager: by the SDK with one attempt, and without the SDK's checks."""

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from patchlake.core.targets import Target
from patchlake_cli.embedded.aws.server import EmbeddedAws

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

HOME = Target("111122223333", "eu-central-1")
MEMBER = Target("444455556666", "eu-central-1")
ONCE = Config(proxies={}, retries={"total_max_attempts": 1})
UNKNOWN_ID = "i-0123456789abcdef0"


def client(aws: EmbeddedAws, target: Target = HOME) -> "SSMClient":
    """Return a client that tries once; for a member account, with the role there."""
    session = aws.endpoint.session
    if target.account_id == HOME.account_id:
        return session.client("ssm", target.region, endpoint_url=aws.endpoint_url, config=ONCE)
    keys = session.client("sts", endpoint_url=aws.endpoint_url, config=ONCE).assume_role(
        RoleArn=f"arn:aws:iam::{target.account_id}:role/patchlake-member", RoleSessionName="test"
    )["Credentials"]
    return session.client(
        "ssm",
        target.region,
        endpoint_url=aws.endpoint_url,
        config=ONCE,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def pages(call: Callable[..., Any], **arguments: object) -> Iterator[dict[str, Any]]:
    """Ask for page after page, as a caller without the SDK's paginator does."""
    token: dict[str, str] = {}
    while True:
        page = call(**arguments, **token)
        yield page
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def error_of(call: Callable[[], object]) -> tuple[str, int, str]:
    """Return code, status and message of a call's error."""
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def raw_call(url: str, operation: str, **arguments: object) -> tuple[int, dict[str, Any]]:
    """Call an operation without the SDK's checks; return status and JSON."""
    return raw_request(url, operation, json.dumps(arguments))


def raw_request(url: str, operation: str, body: str) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
    scope = f"{HOME.region}/ssm/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential=any/20261101/{scope}, SignedHeaders=host, Signature=none",
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"AmazonSSM.{operation}",
    }
    try:
        connection.request("POST", "/", body, headers)
        response = connection.getresponse()
        assert response.headers["Content-Type"] == "application/x-amz-json-1.1"
        assert response.headers["x-amzn-RequestId"]
        answer: dict[str, Any] = json.loads(response.read())
        return response.status, answer
    finally:
        connection.close()
