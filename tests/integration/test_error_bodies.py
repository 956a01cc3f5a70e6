"""Error answers whose body is malformed: the SDK raises a ClientError with the HTTP status."""

import json
from collections.abc import Callable, Iterator
from gzip import compress
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from patchlake.adapters.aws_errors import Cause, cause_of, code_of, message_of, status_of
from patchlake.adapters.error_bodies import _make_readable, keep_errors_readable
from tests.http_stub import Answer, HttpStub, http_stub

ODD_BODIES = [
    b"",
    b"<html><body>This page is blocked</body></html>",
    b"<html><p>not XML",
    b"Forbidden",
    b"[]",
    b"null",
    b"17",
    b'"text"',
    b"{}",
    b'{"__type":null,"message":null}',
    b'{"__type":17,"message":[]}',
    b'{"__type":"","Message":{}}',
    b'{"__type":["x"]}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b"<Error/>",
    b"<?xml version='1.0' encoding='x-unknown'?><Error/>",
    b"<?xml version='1.0' encoding='base64'?><Error/>",
    b"<Error><Code/></Error>",
    b"<Error><Code><a>x</a><b>y</b></Code></Error>",
    b"<ErrorResponse><Error>text</Error><ResponseMetadata>text</ResponseMetadata></ErrorResponse>",
    b"<Response><Errors><Error/><Error/></Errors></Response>",
]

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "ssm": ("describe_instance_information", {}),
    "sqs": ("send_message", {"QueueUrl": "http://127.0.0.1/1/queue", "MessageBody": "x"}),
    "sts": ("get_caller_identity", {}),
    "ec2": ("describe_instances", {}),
    "lambda": ("get_account_settings", {}),
    "s3": ("put_object", {"Bucket": "lake", "Key": "key", "Body": b"", "IfNoneMatch": "*"}),
}
"""A call of each service."""


type Refused = Callable[[str, Answer], ClientError]


@pytest.fixture(scope="module")
def aws() -> Iterator[HttpStub]:
    with http_stub() as stub:
        yield stub


@pytest.fixture(scope="module")
def clients(aws: HttpStub) -> dict[str, Any]:
    session = boto3.Session("key", "secret", region_name="eu-central-1")
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    made: dict[str, Any] = {
        service: session.client(service, config=config, endpoint_url=aws.url)  # type: ignore[call-overload]
        for service in CALLS
    }
    for client in made.values():
        keep_errors_readable(client.meta.events)
    return made


@pytest.fixture
def refused(aws: HttpStub, clients: dict[str, Any]) -> Refused:
    """Return what makes a call that gets an answer, and returns its error."""

    def call(service: str, answer: Answer) -> ClientError:
        aws.answer = lambda _: answer
        method, arguments = CALLS[service]
        with pytest.raises(ClientError) as caught:
            getattr(clients[service], method)(**arguments)
        return caught.value

    return call


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("status", [404, 451, 503])
def test_an_odd_body_costs_neither_the_error_nor_its_status(refused: Refused, service: str, status: int) -> None:
    for body in ODD_BODIES:
        error = refused(service, Answer(status, body))

        assert (code_of(error), status_of(error)) == (str(status), status), body


@pytest.mark.parametrize(
    "body",
    [
        b"<?xml version='1.0'?><ListBucketResult><Contents><Key>MARKER</Key></Contents><Cont",
        b"<AssumeRoleResponse><SecretAccessKey>MARKER</SecretAccessKey><Session",
        b'{"SecretAccessKey": "MARKER"}',
    ],
)
def test_a_successful_answer_of_s3_that_is_cut_short_is_never_quoted(refused: Refused, body: bytes) -> None:
    error = refused("s3", Answer(200, body))

    assert (code_of(error), cause_of(error)) == ("500", Cause.PASSING)
    assert message_of(error) == "the answer was cut short, or is malformed"
    assert "MARKER" not in str(error.response)


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("status", [403, 500])
@pytest.mark.parametrize(
    "body",
    [
        b"<AssumeRoleResponse><SecretAccessKey>MARKER</SecretAccessKey></AssumeRoleResponse>",
        b"\n<?xml version='1.0'?><AssumeRoleResponse><SecretAccessKey>MARKER</Secret",
        b"<DescribeTagsResponse><tagSet><item><value>MARKER</value></item></tagSet></DescribeTagsResponse>",
        b'{"InstanceInformationList": [{"IPAddress": "MARKER"}]}',
        b' {"InstanceInformationList": [{"IPAddress": "MARKER", ',
        b'["MARKER"]',
        b"\xef\xbb\xbf<AssumeRoleResponse><SecretAccessKey>MARKER</SecretAccessKey></AssumeRoleResponse>",
        "<AssumeRoleResponse><SecretAccessKey>MARKER".encode("utf-16-le").replace(b"M\0A\0R\0K\0E\0R\0", b"MARKER"),
        b"e6\r\n<AssumeRoleResponse><SecretAccessKey>MARKER",
        b"--b\r\nContent-Type: text/xml\r\n\r\n<AssumeRoleResponse><SecretAccessKey>MARKER",
        b"SecretAccessKey>MARKER</SecretAccessKey></AssumeRoleResponse>",
        b'cb({"SecretAccessKey": "MARKER"})',
        b')]}\',\n{"SecretAccessKey": "MARKER"}',
        b'"{\\"SecretAccessKey\\": \\"MARKER\\"}"',
    ],
)
def test_an_answer_whose_status_someone_changed_is_never_quoted(
    refused: Refused, service: str, status: int, body: bytes
) -> None:
    error = refused(service, Answer(status, body))

    assert status_of(error) == status
    assert "MARKER" not in f"{error} {error.response}"


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("body", [b"Forbidden by policy 7", b"\n<!DOCTYPE html><p>Forbidden by policy 7</p>"])
def test_the_page_of_a_proxy_is_quoted(refused: Refused, service: str, body: bytes) -> None:
    assert "Forbidden by policy 7" in message_of(refused(service, Answer(403, body)))


def test_an_error_of_s3_with_status_200_keeps_its_code_and_message(refused: Refused) -> None:
    error = refused("s3", Answer(200, b"<Error><Code>InternalError</Code><Message>why</Message></Error>"))

    assert (code_of(error), message_of(error)) == ("InternalError", "why")


@pytest.mark.parametrize("service", ["ssm", "sqs", "lambda"])
@pytest.mark.parametrize(
    "code", ["SubscriptionRequiredException", "com.amazonaws.ssm#SubscriptionRequiredException", "aws.x#A.b-C_d"]
)
def test_a_json_error_keeps_its_code_and_message(refused: Refused, service: str, code: str) -> None:
    error = refused(service, Answer(400, json.dumps({"__type": code, "message": "why"}).encode()))

    assert code_of(error) == code.rpartition("#")[2]
    assert "why" in str(error)


@pytest.mark.parametrize("service", ["ssm", "lambda"])
def test_a_json_error_may_name_its_code_in_a_header(refused: Refused, service: str) -> None:
    named = {"x-amzn-ErrorType": "ValidationException:http://internal/"}

    error = refused(service, Answer(400, b'{"Message": "why"}', named))

    assert (code_of(error), message_of(error)) == ("ValidationException", "why")


@pytest.mark.parametrize("service", CALLS)
def test_a_compressed_error_says_that_it_is_one_and_keeps_its_status(refused: Refused, service: str) -> None:
    error = refused(service, Answer(403, compress(b"<html>Blocked</html>"), {"Content-Encoding": "gzip\t"}))

    assert (code_of(error), status_of(error)) == ("403", 403)
    assert error.response["Error"]["Message"] == (
        "the answer cannot be read; its encoding is gzip, which was not asked for"
    )


def test_an_error_that_can_be_read_is_read_whatever_its_encoding_is_said_to_be(refused: Refused) -> None:
    body = json.dumps({"__type": "AccessDeniedException", "message": "why"}).encode()

    assert code_of(refused("ssm", Answer(400, body, {"Content-Encoding": "gzip"}))) == "AccessDeniedException"


_QUERY = (
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
    "<Code>{}</Code><Message>why &amp; how</Message></Error><RequestId>1</RequestId></ErrorResponse>"
)
_EC2 = (
    "<Response><Errors><Error><Code>{}</Code><Message>why &amp; how</Message></Error></Errors>"
    "<RequestID>1</RequestID></Response>"
)


@pytest.mark.parametrize(("service", "body"), [("sts", _QUERY), ("ec2", _EC2), ("sts", _EC2)])
def test_an_xml_error_keeps_its_code_and_message(refused: Refused, service: str, body: str) -> None:
    error = refused(service, Answer(403, body.format("com.amazonaws#RegionDisabledException").encode()))

    assert (code_of(error), error.response["Error"]["Message"]) == ("RegionDisabledException", "why & how")


def test_an_error_of_s3_keeps_its_other_members(refused: Refused) -> None:
    body = b"<Error><Code>PermanentRedirect</Code><Message>why</Message><Endpoint>x</Endpoint></Error>"

    error = refused("s3", Answer(403, body))

    assert error.response["Error"] == {"Code": "PermanentRedirect", "Message": "why", "Endpoint": "x"}


class _Json:
    class service_model:  # noqa: N801
        resolved_protocol = "json"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_any_json_becomes_an_object_of_texts(content: object) -> None:
    answer: dict[str, Any] = {"status_code": 400, "body": json.dumps(content).encode(), "headers": {}}

    _make_readable(answer, _Json)

    assert all(isinstance(value, str) for value in json.loads(answer["body"]).values())
