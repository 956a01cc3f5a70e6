"""A small AWS over HTTP for the deployed handlers: two accounts of two nodes, a bucket, queues that keep nothing.

A test puts an answer of its own in front of any request: an AWS that is hostile as no embedded one is on request.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from tests.http_stub import Answer, HttpStub, Request
from tests.world import HOME, RUN_AT, node_id

MEMBER = "444455556666"

IDS = {HOME: [node_id(1), node_id(2)], MEMBER: [node_id(3), node_id(4)]}
"""The nodes of each account."""

_KEYS = {HOME: "AKIAHOME", MEMBER: "ASIAMEMBER"}
_ACCOUNTS = {key: account_id for account_id, key in _KEYS.items()}


def account_of(request: Request) -> str:
    """Return the account whose credentials signed a request."""
    found = re.search(r"Credential=(\w+)/", request.headers["Authorization"])
    assert found is not None
    return _ACCOUNTS[found[1]]


def object_key(request: Request) -> str:
    """Return the key of an object that a request of S3 is about; no other request has one."""
    return unquote(urlsplit(request.path).path).removeprefix("/lake").removeprefix("/")


def _nothing(_: Request) -> Answer | None:
    return None


@dataclass
class StubAws:
    """The state of it.

    Attributes:
        now: the time of its answers.
        objects: of the bucket.
        hostile: returns the answer to a request, or None for the usual one.
    """

    stub: HttpStub
    now: datetime = RUN_AT + timedelta(seconds=5)
    objects: dict[str, bytes] = field(default_factory=dict)
    hostile: Callable[[Request], Answer | None] = _nothing

    def answer(self, request: Request) -> Answer:
        """Answer a request; an answer without a time gets the usual one."""
        answer = self.hostile(request) or self._usual(request)
        headers = {"Date": f"{self.now:%a, %d %b %Y %H:%M:%S GMT}", **answer.headers}
        return replace(answer, headers=headers)

    def _usual(self, request: Request) -> Answer:
        match request.operation:
            case "DescribeInstanceInformation":
                return _json(InstanceInformationList=[{"InstanceId": one} for one in IDS[account_of(request)]])
            case "DescribeInstancePatchStates":
                return _json(InstancePatchStates=[self._state(one) for one in json.loads(request.body)["InstanceIds"]])
            case "SendMessageBatch":
                entries = json.loads(request.body)["Entries"]
                return _json(
                    Successful=[{"Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "1"} for entry in entries]
                )
            case "":
                return self._form(request) if request.method == "POST" else self._object(request)
            case _:
                return _json()

    def _state(self, instance_id: str) -> dict[str, object]:
        scanned = self.now.timestamp() - 3600
        return {
            "InstanceId": instance_id,
            "PatchGroup": "",
            "BaselineId": "pb-1",
            "OperationStartTime": scanned,
            "OperationEndTime": scanned,
            "Operation": "Scan",
            "MissingCount": 0,
        }

    def _form(self, request: Request) -> Answer:
        if parse_qs(request.body.decode())["Action"] == ["AssumeRole"]:
            until = f"{self.now + timedelta(days=1000):%Y-%m-%dT%H:%M:%SZ}"
            keys = f"<AccessKeyId>{_KEYS[MEMBER]}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
            keys += f"<SessionToken>t</SessionToken><Expiration>{until}</Expiration>"
            user = f"<AssumedRoleUser><Arn>arn:aws:sts::{MEMBER}:assumed-role/r/s</Arn></AssumedRoleUser>"
            return _result("AssumeRole", f"{user}<Credentials>{keys}</Credentials>")
        return _result("GetCallerIdentity", f"<Account>{HOME}</Account>")

    def _object(self, request: Request) -> Answer:
        key, query = object_key(request), parse_qs(urlsplit(request.path).query)
        if "list-type" in query:
            found = sorted(one for one in self.objects if one.startswith(query["prefix"][0]))
            keys = "".join(f"<Contents><Key>{one}</Key></Contents>" for one in found)
            return _xml(f"<ListBucketResult><IsTruncated>false</IsTruncated>{keys}</ListBucketResult>")
        if request.method == "PUT":
            if key in self.objects:
                return s3_error(412, "PreconditionFailed")
            self.objects[key] = request.body
            return Answer(200, b"", {"ETag": '"1"'})
        if key not in self.objects:
            return s3_error(404, "NoSuchKey")
        return Answer(200, self.objects[key], {"ETag": '"1"'})


def s3_error(status: int, code: str, message: str = "why") -> Answer:
    """Return an error of S3."""
    return Answer(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode(), {})


def query_error(status: int, code: str) -> Answer:
    """Return an error of STS."""
    error = f"<Code>{code}</Code><Message>why</Message>"
    return Answer(status, f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode(), {})


def _json(**members: object) -> Answer:
    return Answer(200, json.dumps(members).encode(), {})


def _result(operation: str, content: str) -> Answer:
    return _xml(f"<{operation}Response><{operation}Result>{content}</{operation}Result></{operation}Response>")


def _xml(body: str) -> Answer:
    return Answer(200, body.encode(), {})
