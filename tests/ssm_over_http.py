"""SSM and STS over HTTP, answered by a test: requests, answers, and the adapter that makes the calls."""

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import boto3

from patchlake.adapters.clock import ServiceClock
from patchlake.adapters.sts import RoleSessions
from patchlake.adapters.target_apis import AwsTargetApis
from patchlake.core.targets import Target
from tests.http_stub import DATE, Answer, Request
from tests.target_apis import plan_of

HOME = "111111111111"
PLAN = plan_of(HOME)
AT_HOME = Target(HOME, "eu-west-1")
MEMBER = Target("222222222222", "eu-west-1")
ID = "i-0123456789abcdef0"
STATE = {
    "InstanceId": ID,
    "PatchGroup": "web",
    "BaselineId": "pb-1",
    "OperationStartTime": 1795413600.123,
    "OperationEndTime": 1795413601.0,
    "Operation": "Scan",
}


def sure_clock() -> ServiceClock:
    """Return a clock that learns the time of the stub's answers, without a call of its own."""
    made = ServiceClock(lambda: made.answered({"Date": DATE}))
    return made


@cache
def session() -> boto3.Session:
    """Return one session for all tests: reading the SDK's service models takes longest."""
    return boto3.Session("home-key", "secret", region_name="eu-central-1")


def make_sources(clock: ServiceClock, *, attempts: int = 1, external_id: str = "") -> AwsTargetApis:
    return AwsTargetApis(
        session(),
        RoleSessions(session(), "patchlake-member", external_id, attempts=attempts),
        clock,
        connections=8,
        attempts=attempts,
    )


def reply(content: object, *, status: int = 200) -> Answer:
    """Return a JSON answer of SSM."""
    return Answer(status, json.dumps(content).encode())


def error(code: str, status: int = 400, **members: str) -> Answer:
    """Return an error as SSM sends it."""
    return reply({"__type": code, "message": "why", **members}, status=status)


def records_of(pages: Iterable[Any]) -> list[Any]:
    return [record for page in pages for record in page.records]


def session_key(request: Request) -> str:
    """Return the access key that signed a request."""
    return request.headers["Authorization"].partition("Credential=")[2].partition("/")[0]


def is_sts(request: Request) -> bool:
    """Distinguish requests to STS from those to SSM."""
    return not request.operation


def wanted_account(request: Request) -> str:
    """Return the account whose role a request of AssumeRole names."""
    [role] = parse_qs(request.body.decode())["RoleArn"]
    return role.split(":")[4]


def assumed(key: str, account_id: str = MEMBER.account_id) -> Answer:
    """Return STS's answer of AssumeRole."""
    return Answer(
        200,
        f"""<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser>
        <Arn>arn:aws:sts::{account_id}:assumed-role/patchlake-member/patchlake</Arn></AssumedRoleUser><Credentials><AccessKeyId>{key}</AccessKeyId>
        <SecretAccessKey>s</SecretAccessKey><SessionToken>token-{key}</SessionToken>
        <Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>""".encode(),
    )


def numbered_sessions(ssm: Callable[[Request], Answer]) -> Callable[[Request], Answer]:
    """Answer every AssumeRole with another key, key-1 first, and everything else by ``ssm``."""
    keys = (f"key-{number}" for number in range(1, 10_000))
    return lambda request: assumed(next(keys), wanted_account(request)) if is_sts(request) else ssm(request)
