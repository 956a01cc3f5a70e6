"""The queues on an SQS that is not ours: the contract of a queue."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.contract.test_queue import QueueContract, Received, new_queue
from tests.e2e.ministack import running_ministack


@pytest.fixture(scope="module")
def new_queues() -> Iterator[Iterator[Received]]:
    with running_ministack("eu-west-1") as cloud:
        client = cloud.client("sqs")
        yield (new_queue(client, number) for number in count())


@pytest.fixture
def received(new_queues: Iterator[Received]) -> Received:
    return next(new_queues)


class TestQueueOverMiniStack(QueueContract):
    """The queue's contract."""
