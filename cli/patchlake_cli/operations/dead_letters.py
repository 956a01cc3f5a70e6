"""Send a stack's dead letters again: each from its dead-letter queue back to the queue that it came from.

A move is receive, send, delete, in this order, so a message is always in at least one of the two queues. A process that
is killed in between leaves it in both, and a stage that gets a message twice does its work once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from patchlake_cli.operations.calls import asking
from patchlake_cli.operations.queues import name_of, read_depth

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MESSAGES_PER_CALL = 10
"""The most messages that SQS receives, sends and deletes in one call."""

HIDDEN_SECONDS = 60
"""The time for which a received message is hidden; after a kill, it is visible again by then."""

WAIT_SECONDS = 2
"""The time for a long poll: a short one may miss messages."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message received from a dead-letter queue; ``group`` is its message group, if it has one."""

    body: str
    group: str | None
    receipt: str


class DeadLetterQueue(Protocol):
    """The queue that holds the dead letters."""

    def count(self) -> int:
        """Return the approximate number of dead letters, including those that another process has received."""
        ...

    def receive(self, most: int) -> Sequence[DeadLetter]:
        """Receive up to ``most`` and hide them from others for a while; return none if there are none."""
        ...

    def delete(self, letters: Sequence[DeadLetter]) -> None:
        """Delete received letters; a letter that is not deleted becomes visible again."""
        ...

    def release(self, letters: Sequence[DeadLetter]) -> None:
        """Make received letters visible at once."""
        ...


class SourceQueue(Protocol):
    """The queue that the letters go back to."""

    def send(self, letters: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
        """Send letters with their body and group; return those that the queue accepted."""
        ...


@dataclass(frozen=True, slots=True)
class Moved:
    """The result for one queue: the number of dead letters at the start, and the number that went back."""

    found: int
    moved: int

    @property
    def left(self) -> int:
        """The number of dead letters of the start that are still there."""
        return max(0, self.found - self.moved)


def move(letters: DeadLetterQueue, queue: SourceQueue) -> Moved:
    """Send back the letters that are there at the start; letters that arrive later stay.

    A message that the queue does not accept stays where it is and ends the move.
    """
    found, moved = letters.count(), 0
    while moved < found and (received := letters.receive(min(MESSAGES_PER_CALL, found - moved))):
        sent = queue.send(received)
        if sent:
            letters.delete(sent)
        moved += len(sent)
        if kept := [letter for letter in received if letter not in sent]:
            letters.release(kept)
            break
    return Moved(found, moved)


class SqsDeadLetters:
    """``DeadLetterQueue`` in SQS; every method raises CommandError if a call fails."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        """Receive from the queue at ``url``."""
        self._client = client
        self._url = url

    def count(self) -> int:
        """Return the approximate number of dead letters."""
        return read_depth(self._client, self._url).total

    def receive(self, most: int) -> list[DeadLetter]:
        """Receive letters."""
        with asking("sqs:ReceiveMessage", name_of(self._url)):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=most,
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageSystemAttributeNames=["MessageGroupId"],
            )
        return [
            DeadLetter(message["Body"], message.get("Attributes", {}).get("MessageGroupId"), message["ReceiptHandle"])
            for message in answer.get("Messages", [])
        ]

    def delete(self, letters: Sequence[DeadLetter]) -> None:
        """Delete letters."""
        entries: Any = [{"Id": str(number), "ReceiptHandle": each.receipt} for number, each in enumerate(letters)]
        with asking("sqs:DeleteMessage", name_of(self._url)):
            self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def release(self, letters: Sequence[DeadLetter]) -> None:
        """Make letters visible again."""
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": each.receipt, "VisibilityTimeout": 0}
            for number, each in enumerate(letters)
        ]
        with asking("sqs:ChangeMessageVisibility", name_of(self._url)):
            self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


class SqsSource:
    """``SourceQueue`` in SQS; raises CommandError if the call fails."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        """Send to the queue at ``url``."""
        self._client = client
        self._url = url

    def send(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Send letters; SQS may accept some of them and refuse others."""
        entries: Any = [
            {"Id": str(number), "MessageBody": letter.body}
            | ({} if letter.group is None else {"MessageGroupId": letter.group})
            for number, letter in enumerate(letters)
        ]
        with asking("sqs:SendMessage", name_of(self._url)):
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        return [letters[int(taken["Id"])] for taken in answer.get("Successful", [])]
