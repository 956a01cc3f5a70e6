"""Send a stack's dead letters again: each from its dead-letter queue back to the queue that it came from.

A move is receive, send, delete, in this order, so a message is always in at least one of the two queues. A process that
is killed in between leaves it in both, and a stage that gets a message twice does its work once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import md5
from itertools import batched
from typing import TYPE_CHECKING, Any, NotRequired, Protocol, TypedDict

from patchlake.adapters.one_line import one_line
from patchlake.adapters.sqs import MESSAGES_PER_CALL
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.operations.calls import asking, read_answer
from patchlake_cli.operations.deployment import QueueAddress
from patchlake_cli.operations.queues import read_depth

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HIDDEN_SECONDS = 60
"""The time for which a received message is hidden; after a kill, it is visible again by then."""

WAIT_SECONDS = 2
"""The time for a long poll: a short one may miss messages."""


class _Attributes(TypedDict):
    MessageGroupId: NotRequired[str]


class _Message(TypedDict):
    MessageId: str
    Body: str
    MD5OfBody: NotRequired[str]
    ReceiptHandle: str
    Attributes: NotRequired[_Attributes]


class _Received(TypedDict):
    Messages: NotRequired[list[_Message]]


class _Entry(TypedDict):
    Id: str
    Code: NotRequired[str]
    MD5OfMessageBody: NotRequired[str]


class _Batch(TypedDict):
    Successful: NotRequired[list[_Entry]]
    Failed: NotRequired[list[_Entry]]


NOT_RECEIVED = "another process may have received them: try again in a minute"
"""Why letters that the queue counts did not arrive."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message received from a dead-letter queue; ``group`` is its message group, if it has one."""

    id: str
    body: str
    group: str | None
    receipt: str


class DeadLetterQueue(Protocol):
    """The queue that holds the dead letters."""

    def count(self) -> int:
        """Return the approximate number of dead letters, including those that another process has received."""
        ...

    def receive(self, most: int) -> Sequence[DeadLetter]:
        """Receive up to ``most`` and hide them from others for a while; return none if there are none.

        It may return a letter twice, with two receipts.
        """
        ...

    def delete(self, letters: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
        """Delete received letters and return those that are deleted; another one becomes visible again."""
        ...

    def release(self, letters: Sequence[DeadLetter]) -> None:
        """Make received letters visible at once."""
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """The letters that a queue accepted, and the codes of its refusals."""

    letters: Sequence[DeadLetter]
    codes: frozenset[str] = frozenset()


class SourceQueue(Protocol):
    """The queue that the letters go back to."""

    def send(self, letters: Sequence[DeadLetter]) -> Sent:
        """Send letters with their body and group."""
        ...


@dataclass(frozen=True, slots=True)
class Moved:
    """The result for one queue: the number of dead letters at the start, and the number that went back.

    Attributes:
        problem: why some are left, with every reason that is known.
    """

    found: int
    moved: int
    problem: str | None = None

    @property
    def left(self) -> int:
        """The number of dead letters of the start that are still there."""
        return max(0, self.found - self.moved)


def move(letters: DeadLetterQueue, queue: SourceQueue, on_progress: Callable[[Moved], None] = lambda _: None) -> Moved:
    """Send back the letters that are there at the start; letters that arrive later stay.

    A message that the queue does not accept stays where it is. If the queue accepts none of a call, or a call fails,
    the move ends; what is sent until then counts.

    Args:
        letters: the queue to empty.
        queue: the queue that gets them.
        on_progress: called with what is moved so far, at the start and after each call.

    Raises:
        CommandError: the number of letters cannot be read.
    """
    found, received, moved = letters.count(), Received(letters), 0
    kept: list[DeadLetter] = []
    codes: set[str] = set()
    undeleted = 0
    problems: list[str] = []
    is_stopped = False
    try:
        on_progress(Moved(found, moved))
        while few := received.next(found):
            sent = queue.send(few)
            kept += [letter for letter in few if letter not in sent.letters]
            codes |= sent.codes
            if is_stopped := not sent.letters:
                break
            deleted = letters.delete(sent.letters)
            undeleted += len(sent.letters) - len(deleted)
            moved += len(deleted)
            on_progress(Moved(found, moved))
        for some in batched(kept, MESSAGES_PER_CALL, strict=False):
            letters.release(some)
    except CommandError as error:
        problems.append(str(error))
        is_stopped = True
    found = max(found, received.count)
    if kept:
        problems.append(f"the queue did not accept {len(kept)} ({', '.join(sorted(codes)) or 'without a reason'})")
    if undeleted:
        problems.append(f"SQS did not delete {undeleted} of those sent")
    if received.count < found and not is_stopped:
        problems.append(f"{found - received.count} of {found} not received: {NOT_RECEIVED}")
    return Moved(found, moved, "; ".join(problems) or None)


class Received:
    """The letters of a queue, received in calls of ten, each once."""

    def __init__(self, letters: DeadLetterQueue) -> None:
        """Receive nothing yet."""
        self._letters = letters
        self._ids: set[str] = set()

    @property
    def count(self) -> int:
        """The number of letters that were received."""
        return len(self._ids)

    def next(self, most: int) -> list[DeadLetter]:
        """Receive more letters, up to ``most`` in all; return none if there are no others.

        Raises:
            CommandError: the call failed.
        """
        if self.count >= most:
            return []
        received = self._letters.receive(min(MESSAGES_PER_CALL, most - self.count))
        others = {letter.id: letter for letter in received if letter.id not in self._ids}
        self._ids |= others.keys()
        return list(others.values())


class SqsDeadLetters:
    """``DeadLetterQueue`` in SQS; every method raises CommandError if a call fails."""

    def __init__(self, client: "SQSClient", queue: QueueAddress) -> None:
        """Receive from a queue."""
        self._client = client
        self._queue = queue

    def count(self) -> int:
        """Return the approximate number of dead letters."""
        return read_depth(self._client, self._queue).total

    def receive(self, most: int) -> list[DeadLetter]:
        """Receive letters; one whose body is not the one of its checksum is a CommandError."""
        with asking("sqs:ReceiveMessage", self._queue.name):
            answer = self._client.receive_message(
                QueueUrl=self._queue.url,
                MaxNumberOfMessages=most,
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageSystemAttributeNames=["MessageGroupId"],
            )
            messages = read_answer(answer, _Received).get("Messages", [])
        if changed := [each for each in messages if not _is_of(each["Body"], each.get("MD5OfBody"))]:
            message_id = one_line(changed[0]["MessageId"], most=100)
            problem = f"the body of message {message_id} was changed on its way from SQS"
            raise CommandError(f"{self._queue.name}: {problem}: find out what is between it and here")
        return [
            DeadLetter(
                message["MessageId"],
                message["Body"],
                message.get("Attributes", {}).get("MessageGroupId"),
                message["ReceiptHandle"],
            )
            for message in messages
        ]

    def delete(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Delete letters."""
        entries: Any = [{"Id": str(number), "ReceiptHandle": each.receipt} for number, each in enumerate(letters)]
        with asking("sqs:DeleteMessage", self._queue.name):
            answer = self._client.delete_message_batch(QueueUrl=self._queue.url, Entries=entries)
            return _named(letters, read_answer(answer, _Batch))

    def release(self, letters: Sequence[DeadLetter]) -> None:
        """Make letters visible again."""
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": each.receipt, "VisibilityTimeout": 0}
            for number, each in enumerate(letters)
        ]
        with asking("sqs:ChangeMessageVisibility", self._queue.name):
            self._client.change_message_visibility_batch(QueueUrl=self._queue.url, Entries=entries)


class SqsSource:
    """``SourceQueue`` in SQS; raises CommandError if the call fails."""

    def __init__(self, client: "SQSClient", queue: QueueAddress) -> None:
        """Send to a queue."""
        self._client = client
        self._queue = queue

    def send(self, letters: Sequence[DeadLetter]) -> Sent:
        """Send letters; SQS may accept some of them, refuse others, and get one that was changed on its way."""
        entries: Any = [
            {"Id": str(number), "MessageBody": letter.body}
            | ({} if letter.group is None else {"MessageGroupId": letter.group})
            for number, letter in enumerate(letters)
        ]
        with asking("sqs:SendMessage", self._queue.name):
            batch = read_answer(self._client.send_message_batch(QueueUrl=self._queue.url, Entries=entries), _Batch)
        codes = {one_line(entry.get("Code", "?"), most=100) for entry in batch.get("Failed", [])}
        checksums = {entry["Id"]: entry.get("MD5OfMessageBody") for entry in batch.get("Successful", [])}
        sent = _named(letters, batch)
        arrived = [letter for letter in sent if _is_of(letter.body, checksums[str(letters.index(letter))])]
        if len(arrived) < len(sent):
            codes.add("changed on its way to SQS")
        return Sent(arrived, frozenset(codes))


def _is_of(body: str, checksum: str | None) -> bool:
    """Whether a checksum of SQS, if there is one, is that of a body."""
    return checksum in (None, md5(body.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest())


def _named(letters: Sequence[DeadLetter], batch: _Batch) -> list[DeadLetter]:
    """Return the letters that an answer names as successful, and as nothing else: an answer may name any id."""
    failed = {entry["Id"] for entry in batch.get("Failed", [])}
    done = {entry["Id"] for entry in batch.get("Successful", [])} - failed
    return [letter for number, letter in enumerate(letters) if str(number) in done]
