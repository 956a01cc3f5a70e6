"""SqsQueue's handling of SQS's errors, including those inside a successful answer."""

import json
from collections.abc import Iterator

import pytest
from botocore.config import Config

from patchlake.adapters.clients import make_client
from patchlake.adapters.sqs import SqsQueue
from patchlake.errors import RetryableError
from patchlake.ports import Delivery
from tests.http_stub import DATE, Answer, HttpStub, Request, http_stub, session

DELIVERY = Delivery("body", "receipt", 1)


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpStub]:
    with http_stub() as stub:
        monkeypatch.setenv("AWS_ENDPOINT_URL", stub.url)
        yield stub


def queue(sqs: HttpStub) -> SqsQueue:
    """Return a queue whose client tries once."""
    client = make_client(session(), "sqs", Config(retries={"total_max_attempts": 1}))
    return SqsQueue(client, f"{sqs.url}/123456789012/collect")


def reply(content: object) -> Answer:
    """Return an answer of SQS's JSON protocol."""
    return Answer(200, json.dumps(content).encode())


def sent(request: Request) -> list[str]:
    """Return the bodies of a SendMessageBatch."""
    return [entry["MessageBody"] for entry in json.loads(request.body)["Entries"]]


def accepted(request: Request, *failed: str) -> Answer:
    """Return the answer to a SendMessageBatch in which the entries with these ids failed."""
    ids = [entry["Id"] for entry in json.loads(request.body)["Entries"]]
    failures = [{"Id": i, "Code": "InternalError", "SenderFault": False} for i in failed]
    return reply({"Successful": [{"Id": i} for i in ids if i not in failed], "Failed": failures})


def test_at_most_ten_messages_go_into_a_call_each_with_its_group(sqs: HttpStub) -> None:
    sqs.answer = accepted

    queue(sqs).send((f"body {i}", f"{i % 2}.eu-west-1") for i in range(12))

    assert [len(sent(request)) for request in sqs.requests] == [10, 2]
    entries = json.loads(sqs.requests[1].body)["Entries"]
    assert entries == [
        {"Id": "0", "MessageBody": "body 10", "MessageGroupId": "0.eu-west-1"},
        {"Id": "1", "MessageBody": "body 11", "MessageGroupId": "1.eu-west-1"},
    ]


def test_only_the_messages_that_failed_inside_a_call_are_sent_again(sqs: HttpStub) -> None:
    sqs.answer = lambda request: accepted(request, *(["1"] if len(sqs.requests) == 1 else []))

    queue(sqs).send([("a", "g"), ("b", "g"), ("c", "g")])

    assert [sent(request) for request in sqs.requests] == [["a", "b", "c"], ["b"]]


@pytest.mark.parametrize("ours", [False, True])
def test_messages_that_go_on_failing_are_an_error_that_says_how_many_and_why(sqs: HttpStub, *, ours: bool) -> None:
    failed = [{"Id": str(i), "Code": "InternalError", "SenderFault": ours} for i in (0, 2)]
    sqs.answer = lambda _: reply({"Successful": [{"Id": "1"}], "Failed": failed})

    with pytest.raises(RetryableError, match=r"collect: 2 messages .* 3 attempts: InternalError"):
        queue(sqs).send([("a", "g"), ("b", "g"), ("c", "g")])

    assert len(sqs.requests) == 3


def test_a_message_that_the_answer_names_as_sent_and_as_failed_is_sent_again(sqs: HttpStub) -> None:
    both = {"Successful": [{"Id": "0"}, {"Id": "1"}], "Failed": [{"Id": "1", "Code": "InternalError"}]}
    sqs.answer_in_turn(reply(both), reply({"Successful": [{"Id": "1"}]}))

    queue(sqs).send([("a", "g"), ("b", "g")])

    assert [sent(request) for request in sqs.requests] == [["a", "b"], ["b"]]


@pytest.mark.parametrize("content", [{}, {"Successful": []}, {"Successful": [{}]}, {"Failed": []}], ids=repr)
def test_messages_that_the_answer_does_not_name_are_not_taken_for_sent(sqs: HttpStub, content: object) -> None:
    sqs.answer = lambda _: reply(content)

    with pytest.raises(RetryableError, match=r"collect: 2 messages .* 3 attempts: they are not in the answer"):
        queue(sqs).send([("a", "g"), ("b", "g")])

    assert [sent(request) for request in sqs.requests] == [["a", "b"]] * 3


@pytest.mark.parametrize(
    ("status", "code"), [(500, "InternalFailure"), (400, "AccessDenied"), (400, "QueueDoesNotExist")]
)
def test_no_failure_of_a_queue_is_final(sqs: HttpStub, status: int, code: str) -> None:
    sqs.answer_in_turn(Answer(status, json.dumps({"__type": f"com.amazonaws.sqs#{code}"}).encode()))

    with pytest.raises(RetryableError, match=rf"SendMessageBatch failed: .* \({code}\)"):
        queue(sqs).send([("a", "g")])
    with pytest.raises(RetryableError, match=rf"ChangeMessageVisibility failed: .* \({code}\)"):
        queue(sqs).defer(DELIVERY, 30)
    with pytest.raises(RetryableError, match=rf"GetQueueAttributes failed: .* \({code}\)"):
        queue(sqs).dead_letter(DELIVERY)


def test_the_dead_letter_queue_is_the_one_of_the_redrive_policy(sqs: HttpStub) -> None:
    policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:lost", "maxReceiveCount": 3})
    sqs.answer_in_turn(reply({"Attributes": {"RedrivePolicy": policy}}), reply({"MessageId": "m"}))

    queue(sqs).dead_letter(DELIVERY)

    message = json.loads(sqs.requests[1].body)
    assert (message["QueueUrl"], message["MessageBody"]) == (f"{sqs.url}/123456789012/lost", "body")


@pytest.mark.parametrize("failure", [{"Id": "0"}, {"Id": "0", "Code": 5}, {"Id": "0", "Code": ["\x1b"]}], ids=repr)
def test_a_failure_without_a_code_is_a_failure(sqs: HttpStub, failure: dict[str, object]) -> None:
    sqs.answer = lambda _: reply({"Failed": [failure]})

    with pytest.raises(RetryableError, match="collect: 1 message of a batch could not be sent in 3 attempts: "):
        queue(sqs).send([("a", "g")])


@pytest.mark.parametrize(
    "content",
    [
        {"Successful": [{"Id": "0"}], "Failed": [None]},
        {"Successful": [None]},
        {"Successful": [{"Id": ["0"]}]},
        {"Successful": [{"Id": "0"}], "Failed": [{"Id": ["0"]}]},
    ],
    ids=repr,
)
def test_an_answer_about_something_else_than_messages_is_malformed(sqs: HttpStub, content: object) -> None:
    sqs.answer = lambda _: reply(content)

    with pytest.raises(RetryableError, match=r"collect: .*malformed"):
        queue(sqs).send([("a", "g")])


def test_an_answer_that_names_failed_messages_twice_is_malformed(sqs: HttpStub) -> None:
    body = b'{"Successful": [{"Id": "0"}], "Failed": [{"Id": "0", "Code": "InternalError"}], "Failed": []}'
    sqs.answer = lambda _: Answer(200, body)

    with pytest.raises(RetryableError, match=r"collect: .*malformed"):
        queue(sqs).send([("a", "g")])


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [(202, {}, "has status 202: expected 200"), (200, {"x-amzn-errortype": "x"}, "the header x-amzn-errortype")],
)
def test_an_answer_that_is_no_success_says_of_no_message_that_it_was_sent(
    sqs: HttpStub, status: int, headers: dict[str, str], why: str
) -> None:
    sqs.answer = lambda _: Answer(status, b'{"Successful": [{"Id": "0"}]}', headers)

    with pytest.raises(RetryableError, match=f"collect: SendMessageBatch failed: .*{why}"):
        queue(sqs).send([("a", "g")])


@pytest.mark.parametrize("content", [{}, {"MessageId": None}, {"MessageId": ["m"]}], ids=repr)
def test_a_dead_letter_is_sent_once_an_answer_names_it(sqs: HttpStub, content: object) -> None:
    policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:lost", "maxReceiveCount": 3})
    sqs.answer_in_turn(reply({"Attributes": {"RedrivePolicy": policy}}), reply(content))

    with pytest.raises(RetryableError, match=r"collect: SendMessage failed: .*malformed"):
        queue(sqs).dead_letter(DELIVERY)


@pytest.mark.parametrize("policy", ["", "{", "[]", "{}", '{"deadLetterTargetArn":5}', 5, ["x"]], ids=repr)
def test_a_redrive_policy_that_names_no_queue_fails_for_now(sqs: HttpStub, policy: object) -> None:
    sqs.answer = lambda _: reply({"Attributes": {"RedrivePolicy": policy}})

    with pytest.raises(RetryableError, match="redrive policy"):
        queue(sqs).dead_letter(DELIVERY)


def test_a_queue_without_a_dead_letter_queue_says_so(sqs: HttpStub) -> None:
    sqs.answer_in_turn(Answer(200, b"{}", {"Date": DATE}))

    with pytest.raises(RetryableError, match="no redrive policy"):
        queue(sqs).dead_letter(DELIVERY)
