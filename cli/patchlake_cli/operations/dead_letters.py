"""Send a stack's dead letters again: each from its dead-letter queue back to the queue that it came from.

By receive, send, delete, in this order, so that at every moment a message is in at least one of the two queues: a
process that is killed in between leaves it in both, and the stages take a message twice for once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from patchlake_cli.operations.calls import asking
from patchlake_cli.operations.queues import name_of, read_depth

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MESSAGES_PER_CALL = 10
"""What SQS receives, sends and deletes at most in one call."""

HIDDEN_SECONDS = 60
"""How long a message stays away from others while it is moved; after a kill it is back by then."""

WAIT_SECONDS = 2
"""How long an empty answer is waited for: a short look may miss messages that are there."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message as it was received from a dead-letter queue; ``group`` is its fair queue's, where it has one."""

    body: str
    group: str | None
    receipt: str


class DeadLetterQueue(Protocol):
    """The queue that dead letters are taken from."""

    def count(self) -> int:
        """Return how many are there, approximately, those included that another process has received."""
        ...

    def receive(self, most: int) -> Sequence[DeadLetter]:
        """Receive up to ``most``, and hide them from others for a while; none where there are none."""
        ...

    def delete(self, letters: Sequence[DeadLetter]) -> None:
        """Delete received ones; one that is not deleted comes back."""
        ...

    def release(self, letters: Sequence[DeadLetter]) -> None:
        """Let received ones come back at once."""
        ...


class SourceQueue(Protocol):
    """The queue that they go back to."""

    def send(self, letters: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
        """Send letters, body and group as they are; return those that were taken."""
        ...


@dataclass(frozen=True, slots=True)
class Moved:
    """The outcome for a queue: the dead letters at the start, and those of them that went back."""

    found: int
    moved: int

    @property
    def left(self) -> int:
        """The number of those at the start that are still there."""
        return max(0, self.found - self.moved)


def move(letters: DeadLetterQueue, queue: SourceQueue) -> Moved:
    """Send back what is there at the start; what arrives meanwhile stays for the next time.

    A message that the queue does not take stays where it is, and ends the move.
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
    """``DeadLetterQueue`` by SQS; every method raises CommandError where a call fails."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        """Take from the queue at ``url``."""
        self._client = client
        self._url = url

    def count(self) -> int:
        """Return how many are there, approximately."""
        return read_depth(self._client, self._url).total

    def receive(self, most: int) -> list[DeadLetter]:
        """Receive some."""
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
        """Delete some."""
        entries: Any = [{"Id": str(number), "ReceiptHandle": each.receipt} for number, each in enumerate(letters)]
        with asking("sqs:DeleteMessage", name_of(self._url)):
            self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def release(self, letters: Sequence[DeadLetter]) -> None:
        """Make some visible again."""
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": each.receipt, "VisibilityTimeout": 0}
            for number, each in enumerate(letters)
        ]
        with asking("sqs:ChangeMessageVisibility", name_of(self._url)):
            self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


class SqsSource:
    """``SourceQueue`` by SQS; raises CommandError where the call fails."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        """Send to the queue at ``url``."""
        self._client = client
        self._url = url

    def send(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Send some; SQS may take a few of them and refuse others."""
        entries: Any = [
            {"Id": str(number), "MessageBody": letter.body}
            | ({} if letter.group is None else {"MessageGroupId": letter.group})
            for number, letter in enumerate(letters)
        ]
        with asking("sqs:SendMessage", name_of(self._url)):
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        return [letters[int(taken["Id"])] for taken in answer.get("Successful", [])]
