"""An AWS that answers as none should, with a stack that has nothing in it yet."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.config import Config

from patchlake.adapters import clients
from patchlake_cli.operations.deployment import QUEUES
from tests.command_line import patchlake_here
from tests.http_stub import Answer, HttpStub, Request, Trickling, http_stub

ACCOUNT, REGION, STACK, BUCKET = "111122223333", "eu-central-1", "patchlake", "the-bucket"
PAGE = b"<!doctype html><html><body>Please sign in</body></html>"
ERROR = b'{"__type": "com.amazonaws#InternalFailure", "message": "no"}'
DIGITS = b"9" * 5_000
ESCAPE = "\x1b[2J"
ASKED_QUEUE = "THE-QUEUE-OF-THE-REQUEST"
"""A name in an answer, in place of that of the queue that the request is about."""


def outputs() -> dict[str, str]:
    """Return the outputs of a stack."""
    queues = [
        (f"{name.title()}{kind}QueueUrl", f"http://127.0.0.1/{ACCOUNT}/{STACK}-{name}{kind}")
        for name in QUEUES
        for kind in ("", "DeadLetter")
    ]
    return {
        "BucketName": BUCKET,
        "PlanFunctionName": f"{STACK}-plan",
        "PlanDeadLetterQueueUrl": f"http://127.0.0.1/{ACCOUNT}/{STACK}-planDeadLetter",
        "AlarmTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
        **dict(queues),
    }


PARAMETERS = {
    "HistoryDays": "120",
    "LogRetentionDays": "30",
    "MaxLatenessSeconds": "86400",
    "MissedRunHours": "30",
    "WindowDays": "35",
}


def stack_id(name: str = STACK) -> str:
    """Return the id of a stack."""
    return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/1"


def described(name: str = STACK, parameters: Mapping[str, str] = PARAMETERS, **changes: str) -> Answer:
    """Return CloudFormation's answer about a stack."""
    values = "".join(
        f"<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>"
        for key, value in parameters.items()
    )
    members = "".join(
        f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
        for key, value in (outputs() | changes).items()
    )
    stack = (
        f"<StackName>{name}</StackName><StackStatus>CREATE_COMPLETE</StackStatus>"
        f"<StackId>{stack_id(name)}</StackId>"
        f"<CreationTime>2026-11-01T00:00:00Z</CreationTime>"
        f"<Parameters>{values}</Parameters><Outputs>{members}</Outputs>"
    )
    return xml("DescribeStacks", f"<Stacks><member>{stack}</member></Stacks>")


def xml(operation: str, content: str) -> Answer:
    """Return an answer of a service with XML and forms."""
    result = f"<{operation}Result>{content}</{operation}Result>"
    return Answer(200, f"<{operation}Response>{result}</{operation}Response>".encode())


def queue_arn(name: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def depth(count: object, arn: str = queue_arn(ASKED_QUEUE)) -> bytes:
    """Return the attributes of a queue."""
    names = ("", "Delayed", "NotVisible")
    counts = {f"ApproximateNumberOfMessages{name}": "0" if name else count for name in names}
    return json.dumps({"Attributes": {"QueueArn": arn, **counts}}).encode()


@dataclass
class HostileAws:
    """An AWS with an empty stack, whose answers a test replaces one by one."""

    stub: HttpStub
    hostile: Callable[[str, Request], Answer | None] = lambda *_: None

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        operation = self.operation(request)
        answer = self.hostile(operation, request) or self._usual(operation)
        queue = re.search(rb'"QueueUrl": ?"[^"]*/([^"/]+)"', request.body)
        return replace(answer, body=answer.body.replace(ASKED_QUEUE.encode(), queue[1])) if queue else answer

    def operation(self, request: Request) -> str:
        """Return the name of an operation, or a part of its path."""
        return request.operation or self._operation(request)

    def _operation(self, request: Request) -> str:
        if request.method == "POST" and "/invocations" in request.path:
            return "Invoke"
        if request.method == "POST":
            return parse_qs(request.body.decode())["Action"][0]
        found = re.search(
            r"event-source-mappings|account-settings|schedules|\?versioning|\?policy|\?lifecycle", request.path
        )
        return found[0].lstrip("?") if found else "list" if "list-type" in request.path else request.method

    def _usual(self, operation: str) -> Answer:
        match operation:
            case "GetCallerIdentity":
                arn = f"<Account>{ACCOUNT}</Account><Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn>"
                return xml(operation, arn)
            case "DescribeStacks":
                return described()
            case "GetQueueAttributes":
                return Answer(200, depth("0"))
            case "list":
                return Answer(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
            case "HEAD" | "GET":
                return Answer(404)
            case _:
                return Answer(200, b"{}")

    def command(self, *arguments: str, stack: str = STACK) -> Any:  # noqa: ANN401  # a CompletedProcess, whose module is not imported
        """Run a command on the stack."""
        environment = {
            "AWS_ENDPOINT_URL": self.stub.url,
            "AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": "/nowhere",
        }
        ended = patchlake_here(environment, *arguments, "--stack", stack)
        assert ESCAPE not in ended.stdout + ended.stderr
        return ended


@contextmanager
def hostile_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileAws]:
    """Serve such an AWS, whose every call is made once."""
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    monkeypatch.setattr(clients, "CONFIG", clients.CONFIG.merge(once))
    with http_stub() as stub:
        stub.set_clock(monkeypatch)
        found = HostileAws(stub)
        stub.answer = found.answer
        yield found


def only(operation: str, *answers: Answer) -> Callable[[str, Request], Answer | None]:
    """Answer one operation so, and repeat the last answer."""
    left = list(answers)

    def hostile(asked: str, _: Request) -> Answer | None:
        if asked != operation:
            return None
        return left.pop(0) if len(left) > 1 else left[0]

    return hostile


ANSWERS = {
    "page": Answer(200, PAGE),
    "empty": Answer(200),
    "error with 200": Answer(200, ERROR),
    "no members": Answer(200, b"{}"),
    "cut short": Answer(200, b'{"Attributes": {"Appr'),
    "trickle": Trickling(200, b"x" * 10_000),
    "number": Answer(200, DIGITS),
    "nested": Answer(200, b"[" * 100_000),
    "two members of one name": Answer(200, depth("7")[:-1] + b", " + depth("0")[1:]),
    "another status": Answer(202, depth("0")),
    "header of an error": Answer(200, depth("0"), {"x-amzn-errortype": "InternalFailure"}),
}
"""Answers that no call may take for one of its service."""
