"""The depths of a stack's queues and dead-letter queues; the counts of SQS are approximate."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypedDict

from msgspec import Meta

from patchlake_cli.operations.calls import asking, read_answer, require_about
from patchlake_cli.operations.deployment import Deployment, QueueAddress

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


_Count = Annotated[str, Meta(pattern=r"^[0-9]{1,15}\Z")]


class _Attributes(TypedDict):
    QueueArn: str
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


def read_depth(client: "SQSClient", queue: QueueAddress) -> Depth:
    """Read the depth of a queue.

    Raises:
        CommandError: it cannot be read.
    """
    with asking("sqs:GetQueueAttributes", queue.name):
        answer = client.get_queue_attributes(
            QueueUrl=queue.url,
            AttributeNames=[
                "QueueArn",
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesDelayed",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )
        attributes = read_answer(answer, _Queue)["Attributes"]
        require_about(queue.arn, attributes["QueueArn"])
    return Depth(
        waiting=int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesDelayed"]),
        in_flight=int(attributes["ApproximateNumberOfMessagesNotVisible"]),
    )


def read_depths(client: "SQSClient", deployment: Deployment) -> list[StageDepth]:
    """Read the depth of every queue of a stack, in the order of the stages."""
    plan = StageDepth("plan", None, read_depth(client, deployment.plan_dead_letters))
    return [plan] + [
        StageDepth(queue.name, read_depth(client, queue.address), read_depth(client, queue.dead_letters))
        for queue in deployment.queues
    ]
