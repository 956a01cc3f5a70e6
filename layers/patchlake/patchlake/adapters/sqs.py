"""The queues between the stages."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import batched
from typing import TYPE_CHECKING, Any

import msgspec

from patchlake.adapters.aws_errors import AWS_ERRORS
from patchlake.adapters.explanations import explained
from patchlake.adapters.one_line import one_line
from patchlake.core.counts import counted
from patchlake.core.paging import IF_IT_LASTS
from patchlake.core.ready_types import ready
from patchlake.errors import RetryableError
from patchlake.ports import Delivery

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

MESSAGES_PER_CALL = 10
"""The maximum number of messages that SQS receives, sends and deletes in one call."""

SEND_ATTEMPTS = 3
"""The tries of a message that SQS reports as failed inside a successful call, where the SDK sees no error."""


@ready
class _RedrivePolicy(msgspec.Struct):
    target_arn: str = msgspec.field(name="deadLetterTargetArn")


class _Named(msgspec.Struct):
    """A message that an answer names as sent or as failed."""

    entry_id: str | None = msgspec.field(name="Id", default=None)
    code: Any = msgspec.field(name="Code", default=None)


@ready
class _Batch(msgspec.Struct):
    successful: list[_Named] = msgspec.field(name="Successful", default=[])
    failed: list[_Named] = msgspec.field(name="Failed", default=[])


@ready
class _Sent(msgspec.Struct):
    """An answer that says that a message was sent."""

    message_id: str = msgspec.field(name="MessageId")


class SqsQueue:
    """``Queue`` as a standard queue; the messages' groups make it a fair queue.

    Every failure is a RetryableError: messages are only hints, so no failure here is final.
    """

    def __init__(self, client: "SQSClient", url: str) -> None:
        """Send to the queue at ``url``."""
        self._client = client
        self._url = url

    @property
    def name(self) -> str:
        """The queue's name, as a delivery has it."""
        return self._url.rpartition("/")[2]

    def send(self, messages: Iterable[tuple[str, str]]) -> None:
        """Send (body, group) pairs, all of them.

        Raises:
            RetryableError: some were not sent, and none after them.
        """
        for batch in batched(messages, MESSAGES_PER_CALL, strict=False):
            self._send([{"Id": str(i), "MessageBody": body, "MessageGroupId": g} for i, (body, g) in enumerate(batch)])

    def defer(self, delivery: Delivery, seconds: int) -> None:
        """Make a received message visible again after ``seconds``."""
        with self._failing("ChangeMessageVisibility"):
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=delivery.receipt, VisibilityTimeout=seconds
            )

    def dead_letter(self, delivery: Delivery) -> None:
        """Put a copy of a received message into the dead-letter queue that the queue's redrive policy names."""
        with self._failing("GetQueueAttributes"):
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["RedrivePolicy"])
        policy = answer.get("Attributes", {}).get("RedrivePolicy")
        if policy is None:
            msg = f"{self._url}: the queue has no redrive policy, so there is no dead-letter queue to send to"
            raise RetryableError(msg)
        try:
            arn = msgspec.json.decode(str(policy), type=_RedrivePolicy).target_arn
        except msgspec.DecodeError as error:
            msg = f"{self._url}: the queue's redrive policy names no dead-letter queue: {error}"
            raise RetryableError(msg) from error
        # Both queues are in one account and region, so their addresses differ only in the name.
        url = f"{self._url.rpartition('/')[0]}/{arn.rpartition(':')[2]}"
        with self._failing("SendMessage"):
            sent = self._client.send_message(QueueUrl=url, MessageBody=delivery.body)
        self._members("SendMessage", sent, _Sent)

    def _send(self, entries: "list[SendMessageBatchRequestEntryTypeDef]") -> None:
        failed: list[_Named] = []
        for _ in range(SEND_ATTEMPTS):
            with self._failing("SendMessageBatch"):
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            named = self._members("SendMessageBatch", answer, _Batch)
            failed = named.failed
            # An answer that names an entry nowhere, or as sent and as failed, does not say that it was sent.
            sent = {success.entry_id for success in named.successful} - {failure.entry_id for failure in failed}
            entries = [entry for entry in entries if entry["Id"] not in sent]
            if not entries:
                return
        codes = ", ".join(sorted({one_line(str(failure.code or "no code")) for failure in failed}))
        codes = codes or "they are not in the answer"
        lost = counted(len(entries), "message")
        msg = f"{self._url}: {lost} of a batch could not be sent in {SEND_ATTEMPTS} attempts: {codes}"
        raise RetryableError(msg)

    def _members[Form](self, operation: str, answer: Mapping[str, Any], form: type[Form]) -> Form:
        try:
            return msgspec.convert(answer, form)
        except msgspec.ValidationError as error:
            msg = f"{self._url}: {operation} failed: the answer is malformed. {IF_IT_LASTS}"
            raise RetryableError(msg) from error

    @contextmanager
    def _failing(self, operation: str) -> Iterator[None]:
        try:
            yield
        except AWS_ERRORS as error:
            msg = f"{self._url}: {operation} failed: {explained(error, f'sqs:{operation.removesuffix("Batch")}')}"
            raise RetryableError(msg) from error
