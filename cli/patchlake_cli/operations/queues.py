"""The depths of a stack's queues and dead-letter queues; the counts of SQS are approximate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypedDict

from msgspec import Meta

from patchlake_cli.operations.calls import asking, read_answer
from patchlake_cli.operations.deployment import Deployment

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


_Count = Annotated[str, Meta(pattern=r"^[0-9]{1,15}\Z")]


class _Attributes(TypedDict):
    ApproximateNumberOfMessages: _Count
    ApproximateNumberOfMessagesDelayed: _Count
    ApproximateNumberOfMessagesNotVisible: _Count


class _Queue(TypedDict):
    Attributes: _Attributes


@dataclass(frozen=True, slots=True)
class Depth:
    """The messages of a queue: those waiting, including delayed ones, and those that a worker has received."""

    waiting: int
    in_flight: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.waiting + self.in_flight


@dataclass(frozen=True, slots=True)
class StageDepth:
    """A queue and its dead letters, by its name; the stage plan has no queue, only failed events."""

    stage: str
    queue: Depth | None
    dead_letters: Depth


def read_depth(client: "SQSClient", url: str) -> Depth:
    """Read the depth of a queue.

    Raises:
        CommandError: it cannot be read.
    """
    with asking("sqs:GetQueueAttributes", name_of(url)):
        answer = client.get_queue_attributes(
            QueueUrl=url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesDelayed",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )
        attributes = read_answer(answer, _Queue)["Attributes"]
    return Depth(
        waiting=int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesDelayed"]),
        in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
    )


def read_depths(client: "SQSClient", deployment: Deployment) -> list[StageDepth]:
    """Read the depth of every queue of a stack, in the order of the stages."""
    plan = StageDepth("plan", None, read_depth(client, deployment.plan_dead_letter_url))
    return [plan] + [
        StageDepth(queue.name, read_depth(client, queue.url), read_depth(client, queue.dead_letter_url))
        for queue in deployment.queues
    ]


def name_of(url: str) -> str:
    """Return a queue's name, which is the end of its URL."""
    return url.rpartition("/")[2]
