"""The event that Lambda makes of messages, and how it reads a partial batch response."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patchlake_cli.embedded.lambda_.sqs_event import failed_message_ids, sqs_event

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

EVENTS = Path(__file__).parents[2] / "events"
QUEUE_ARN = "arn:aws:sqs:eu-central-1:123456789012:patchlake-collect"
BATCH = ["a", "b", "c"]


def test_a_message_becomes_the_record_that_lambda_documents() -> None:
    [recorded] = json.loads((EVENTS / "collect.json").read_text(encoding="utf-8"))["Records"]
    message: MessageTypeDef = {
        "MessageId": recorded["messageId"],
        "ReceiptHandle": recorded["receiptHandle"],
        "MD5OfBody": recorded["md5OfBody"],
        "Body": recorded["body"],
        "Attributes": recorded["attributes"],
    }

    event = sqs_event([message], QUEUE_ARN)

    assert event == {"Records": [recorded]}


def test_a_message_attribute_keeps_its_type() -> None:
    message: MessageTypeDef = {
        "MessageId": "a",
        "ReceiptHandle": "handle",
        "MD5OfBody": "",
        "Body": "",
        "Attributes": {},
        "MessageAttributes": {"traced": {"DataType": "Number", "StringValue": "1"}},
    }

    [record] = sqs_event([message], QUEUE_ARN)["Records"]

    assert record["messageAttributes"] == {
        "traced": {"stringValue": "1", "stringListValues": [], "binaryListValues": [], "dataType": "Number"}
    }


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}, {"other": 1}])
def test_no_list_of_failures_means_that_all_succeeded(answer: object) -> None:
    assert failed_message_ids(answer, BATCH) == frozenset()


def test_only_the_named_messages_failed() -> None:
    answer = {"batchItemFailures": [{"itemIdentifier": "c"}, {"itemIdentifier": "a"}]}

    assert failed_message_ids(answer, BATCH) == {"a", "c"}


@pytest.mark.parametrize(
    "answer",
    [
        {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "unknown"}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifer": "a"}]},
        {"batchItemFailures": ["a"]},
        {"batchItemFailures": "a"},
        "no object",
        ["a"],
    ],
)
def test_an_answer_that_names_no_message_of_the_batch_fails_them_all(answer: object) -> None:
    assert failed_message_ids(answer, BATCH) == {"a", "b", "c"}
