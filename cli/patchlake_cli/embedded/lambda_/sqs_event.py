"""The two formats between a queue and its function: Lambda's event of messages, and the function's answer.

Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html and …/services-sqs-errorhandling.html
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef


def sqs_event(messages: "Sequence[MessageTypeDef]", queue_arn: str) -> dict[str, Any]:
    """Return the event of one invocation for messages as ReceiveMessage returned them with all their attributes."""
    return {"Records": [_record(message, queue_arn) for message in messages]}


def _record(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message["Attributes"]),
        "messageAttributes": {
            name: {
                "stringValue": attribute.get("StringValue"),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": attribute["DataType"],
            }
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def failed_message_ids(answer: object, message_ids: Sequence[str]) -> frozenset[str]:
    """Return the ids of the messages that stay in the queue, by an answer with ``ReportBatchItemFailures``.

    No list, or an empty one, means that all succeeded. An entry that names no message of the batch means that all
    failed: Lambda cannot know which messages succeeded.
    """
    everything = frozenset(message_ids)
    match answer:
        case None | {"batchItemFailures": None | []}:
            return frozenset()
        case {"batchItemFailures": [*failures]}:
            named = frozenset(_failed_id(failure) for failure in failures)
            return named if named.issubset(everything) else everything
        case dict() if "batchItemFailures" not in answer:
            return frozenset()
        case _:
            return everything


def _failed_id(failure: object) -> str:
    match failure:
        case {"itemIdentifier": str(message_id)}:
            return message_id
        case _:
            return ""
