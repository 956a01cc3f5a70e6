"""The contract of every Queue."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from patchlake.adapters.memory import MemoryClock, MemoryQueue
from patchlake.adapters.sqs import SqsQueue
from patchlake.ports import Delivery, Queue

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sqs import SQSClient


@dataclass
class Received:
    """A queue under test, as Lambda's event source and an operator would see it."""

    queue: Queue
    receive: Callable[[], Delivery | None]
    dead_letters: Callable[[], list[str]]


def _sqs(request: pytest.FixtureRequest) -> Received:
    session: boto3.Session = request.getfixturevalue("aws_session")
    client: SQSClient = session.client("sqs", endpoint_url=request.getfixturevalue("aws_url"))
    request.addfinalizer(client.close)
    return new_queue(client, next(request.getfixturevalue("numbers")))


def new_queue(client: "SQSClient", number: int) -> Received:
    """Make a queue of SQS and its dead-letter queue, with a number in their names."""
    dead_url = client.create_queue(QueueName=f"stage-{number}-dead")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 10})
    url = client.create_queue(QueueName=f"stage-{number}", Attributes={"RedrivePolicy": policy})["QueueUrl"]

    def receive() -> Delivery | None:
        found = client.receive_message(QueueUrl=url, MessageSystemAttributeNames=["ApproximateReceiveCount"])
        for message in found.get("Messages", []):
            count = int(message["Attributes"]["ApproximateReceiveCount"])
            return Delivery(message["Body"], message["ReceiptHandle"], count)
        return None

    def dead_letters() -> list[str]:
        found = client.receive_message(QueueUrl=dead_url, MaxNumberOfMessages=10)
        return [message["Body"] for message in found.get("Messages", [])]

    return Received(SqsQueue(client, url), receive, dead_letters)


def _memory(_: pytest.FixtureRequest) -> Received:
    clock = MemoryClock(datetime(2026, 11, 23, 6, tzinfo=UTC))
    queue = MemoryQueue(clock, visibility_seconds=30, max_receive_count=10)
    return Received(queue, queue.receive, lambda: queue.dead)


class QueueContract:
    """The tests of every Queue; `received` is a fixture of the class that inherits them."""

    def test_every_message_arrives_however_many_there_are(self, received: Received) -> None:
        bodies = [f'{{"batch":{number}}}' for number in range(23)]

        received.queue.send((body, "123456789012.eu-west-1") for body in bodies)

        arrived = [delivery.body for _ in bodies if (delivery := received.receive())]
        assert sorted(arrived) == sorted(bodies)
        assert received.receive() is None

    def test_sending_nothing_is_no_error(self, received: Received) -> None:
        received.queue.send([])

        assert received.receive() is None

    def test_a_received_message_is_hidden_until_it_is_deferred_to_now(self, received: Received) -> None:
        received.queue.send([("body", "group")])
        first = received.receive()
        assert first is not None
        assert received.receive() is None

        received.queue.defer(first, 0)

        second = received.receive()
        assert second is not None
        assert (second.body, first.receive_count, second.receive_count) == ("body", 1, 2)

    def test_a_deferred_message_stays_away(self, received: Received) -> None:
        received.queue.send([("body", "group")])
        delivery = received.receive()
        assert delivery is not None

        received.queue.defer(delivery, 3600)

        assert received.receive() is None

    def test_a_copy_of_a_dead_letter_is_in_the_dead_letter_queue(self, received: Received) -> None:
        received.queue.send([("poisoned", "group")])
        delivery = received.receive()
        assert delivery is not None

        received.queue.dead_letter(delivery)

        assert received.dead_letters() == ["poisoned"]


@pytest.fixture(params=[_memory, _sqs], ids=lambda make: str(make.__name__).strip("_"))
def received(request: pytest.FixtureRequest) -> Received:
    make: Callable[[pytest.FixtureRequest], Received] = request.param
    return make(request)


class TestQueue(QueueContract):
    """The adapters of the project, SQS's over moto."""
