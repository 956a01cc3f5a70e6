"""events/ holds one real event per function, in the shapes of the messages."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.run import run_id_of
from patchlake.ports import Delivery

EVENTS = Path(__file__).parents[2] / "events"
MESSAGES: dict[str, type[DiscoverMessage | CollectMessage | CommitMessage]] = {
    "discover": DiscoverMessage,
    "collect": CollectMessage,
    "commit": CommitMessage,
}


def event(stage: str) -> dict[str, Any]:
    """Read a stage's event."""
    content: dict[str, Any] = json.loads((EVENTS / f"{stage}.json").read_text(encoding="utf-8"))
    return content


def test_there_is_one_event_per_function() -> None:
    assert sorted(path.name for path in EVENTS.iterdir()) == [
        "collect.json",
        "commit.json",
        "discover.json",
        "plan.json",
    ]


def test_the_scheduled_event_names_the_run_of_all_messages() -> None:
    run_id = run_id_of(event("plan")["scheduled_time"])

    decoded = [kind.decode(event(stage)["Records"][0]["body"]) for stage, kind in MESSAGES.items()]

    assert [message.run_id for message in decoded] == [run_id] * 3


@pytest.mark.parametrize("stage", MESSAGES)
def test_a_body_is_what_the_stage_before_would_have_sent(stage: str) -> None:
    [record] = event(stage)["Records"]

    assert MESSAGES[stage].decode(record["body"]).encode() == record["body"]
    assert hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest() == record["md5OfBody"]


@pytest.mark.parametrize("stage", ["discover", "collect"])
def test_a_target_is_the_group_of_its_messages(stage: str) -> None:
    [record] = event(stage)["Records"]
    message = MESSAGES[stage].decode(record["body"])

    assert isinstance(message, DiscoverMessage | CollectMessage)
    assert record["attributes"]["MessageGroupId"] == str(message.target)


@pytest.mark.parametrize("stage", MESSAGES)
def test_what_matters_of_a_record_is_its_body_its_receipt_how_often_it_was_received_and_the_time_left(
    stage: str,
) -> None:
    [record] = event(stage)["Records"]
    again = {**record, "attributes": {**record["attributes"], "ApproximateReceiveCount": "3"}}

    delivery = Delivery.of(again, lambda: 1500)

    assert (delivery.body, delivery.receipt, delivery.receive_count) == (record["body"], record["receiptHandle"], 3)
    assert delivery.seconds_left() == 1.5
