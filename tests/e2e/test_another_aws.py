"""MiniStack's S3, SQS and STS, each by itself: the contracts of store and queue, and what the adapters assume."""

from collections.abc import Iterator
from itertools import count

import pytest
from botocore.exceptions import ClientError

from patchlake.adapters.s3 import S3Store
from patchlake.ports import Store
from tests.contract.test_queue import QueueContract, Received, new_queue
from tests.contract.test_store import StoreContract
from tests.e2e.ministack import MiniStack, running_ministack


@pytest.fixture(scope="module")
def cloud() -> Iterator[MiniStack]:
    with running_ministack("eu-west-1") as cloud:
        yield cloud


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    """Numbers for names that no other test uses."""
    return count()


@pytest.fixture
def received(cloud: MiniStack, numbers: Iterator[int]) -> Received:
    return new_queue(cloud.client("sqs"), next(numbers))


@pytest.fixture
def store(cloud: MiniStack, numbers: Iterator[int]) -> Store:
    client, bucket = cloud.client("s3"), f"lake-{next(numbers)}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.region})
    return S3Store(client, bucket, pause=lambda _: None, chance=lambda: 0)


class TestQueueOverMiniStack(QueueContract):
    """The queue's contract."""


class TestStoreOverMiniStack(StoreContract):
    """The store's contract."""


def test_a_role_that_does_not_exist_is_denied(cloud: MiniStack) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.client("sts").assume_role(RoleArn="arn:aws:iam::444455556666:role/none", RoleSessionName="patchlake")

    assert caught.value.response["Error"]["Code"] == "AccessDenied"
