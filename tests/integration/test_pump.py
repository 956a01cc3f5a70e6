"""The pump, which acts as Lambda's event source, against moto's queues and toy handlers in their own processes."""

import json
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.lambda_.deployed_stack import EventSource
from patchlake_cli.embedded.lambda_.pump import (
    Batch,
    Crash,
    Disturbance,
    InvocationEnded,
    InvocationStarted,
    LogLine,
    Pump,
    PumpBroken,
)
from tests.toys import REGION, Witness, running_moto, toy_function

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# Prints its messages. A message may ask to fail until it has been received a number of times.
HANDLER = """
    import json

    def lambda_handler(event, context):
        failures = []
        for record in event["Records"]:
            receive = int(record["attributes"]["ApproximateReceiveCount"])
            body = json.loads(record["body"])
            print(body["name"], receive)
            if receive < body.get("until", 1):
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}
    """

# Hangs on its first receive, and only then.
HANGING_HANDLER = """
    import threading

    def lambda_handler(event, context):
        receive = event["Records"][0]["attributes"]["ApproximateReceiveCount"]
        print("receive", receive)
        if receive == "1":
            threading.Event().wait()
    """


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """One moto server for all tests; each makes its own queues."""
    with running_moto() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def sqs(endpoint: Endpoint) -> Iterator["SQSClient"]:
    """The queues as a test sees them."""
    client = endpoint.session.client("sqs", endpoint_url=endpoint.url, config=endpoint.config)
    yield client
    client.close()


class Stream:
    """A queue with its dead-letter queue, its toy function, and a witness of the pump's actions."""

    def __init__(self, sqs: "SQSClient", endpoint: Endpoint, folder: Path) -> None:
        self.sqs = sqs
        self.endpoint = endpoint
        self.folder = folder
        self.witness = Witness()
        self.source = EventSource(
            name="toy",
            queue_url="",
            queue_arn="",
            dead_letter_queue_url=None,
            batch_size=10,
            maximum_concurrency=1,
            reports_item_failures=True,
        )
        self.queue()

    def queue(self, *, visibility_seconds: int = 0, max_receive_count: int = 1000) -> None:
        """Make new queues; with a visibility timeout of 0, failed messages are back at once."""
        name = f"toy-{uuid.uuid4().hex}"
        arn = f"arn:aws:sqs:{REGION}:123456789012:{name}"
        dead_letter_url = self.sqs.create_queue(QueueName=f"{name}-dead-letter")["QueueUrl"]
        redrive = {"deadLetterTargetArn": f"{arn}-dead-letter", "maxReceiveCount": max_receive_count}
        url = self.sqs.create_queue(
            QueueName=name,
            Attributes={"VisibilityTimeout": str(visibility_seconds), "RedrivePolicy": json.dumps(redrive)},
        )["QueueUrl"]
        self.source = replace(self.source, queue_url=url, queue_arn=arn, dead_letter_queue_url=dead_letter_url)

    def pump(
        self, handler: str = HANDLER, *, timeout_seconds: int = 30, disturbance: Disturbance | None = None
    ) -> Pump:
        """Make a pump; the test starts it."""
        function = toy_function(self.folder / "code", handler, timeout_seconds=timeout_seconds)
        return Pump(function, self.source, self.endpoint, self.witness, disturbance=disturbance)

    def send(self, *bodies: Mapping[str, object]) -> None:
        """Send messages."""
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.source.queue_url, MessageBody=json.dumps(body), MessageGroupId="group")

    @property
    def messages_left(self) -> int:
        """Messages in the queue, visible or not."""
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.source.queue_url, AttributeNames=["All"])["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"]) + int(attributes["ApproximateNumberOfMessagesNotVisible"])

    @property
    def dead_letters(self) -> list[str]:
        """Names in the dead-letter queue."""
        received = self.sqs.receive_message(
            QueueUrl=str(self.source.dead_letter_queue_url), MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(message["Body"])["name"] for message in received.get("Messages", [])]

    @property
    def log(self) -> list[str]:
        """The output of the function."""
        return [event.line for event in self.witness.seen(LogLine)]


@pytest.fixture
def stream(sqs: "SQSClient", endpoint: Endpoint, tmp_path: Path) -> Stream:
    """This test's own queues."""
    return Stream(sqs, endpoint, tmp_path)


def names(batch: Batch) -> list[str]:
    """Return the names of a batch's messages."""
    return [json.loads(message["Body"])["name"] for message in batch]


def all_succeeded(event: InvocationEnded) -> bool:
    """Return whether no message failed."""
    return not event.failed_ids


def test_a_batch_that_succeeds_is_deleted(stream: Stream) -> None:
    stream.send({"name": "a"}, {"name": "b"}, {"name": "c"})

    with stream.pump():
        [ended] = stream.witness.wait_for(InvocationEnded)

    assert sorted(names(ended.batch)) == ["a", "b", "c"]
    assert (ended.stage, ended.failed_ids, ended.error) == ("toy", frozenset(), None)
    assert stream.messages_left == 0


def test_the_event_has_the_shape_that_lambda_documents(stream: Stream) -> None:
    recorded = json.loads((Path(__file__).parents[2] / "events" / "collect.json").read_text(encoding="utf-8"))
    stream.send({"name": "a"})

    with stream.pump("import json\ndef lambda_handler(event, context): print(json.dumps(event))"):
        stream.witness.wait_for(InvocationEnded)

    event = json.loads(stream.log[0])
    [record], [expected] = event["Records"], recorded["Records"]
    assert event.keys() == recorded.keys()
    assert record.keys() == expected.keys()
    assert record["attributes"].keys() == expected["attributes"].keys()
    assert (record["eventSourceARN"], record["awsRegion"]) == (stream.source.queue_arn, REGION)


def test_only_the_failed_messages_come_back_and_count_their_receives(stream: Stream) -> None:
    stream.send({"name": "good"}, {"name": "bad", "until": 3})

    with stream.pump():
        invocations = stream.witness.wait_for(InvocationEnded, 3)

    assert [len(ended.failed_ids) for ended in invocations] == [1, 1, 0]
    assert sorted(stream.log) == ["bad 1", "bad 2", "bad 3", "good 1"]
    assert stream.messages_left == 0


def test_a_message_received_too_often_moves_to_the_dead_letter_queue(stream: Stream) -> None:
    stream.queue(max_receive_count=2)
    stream.send({"name": "poison", "until": 1000})

    with stream.pump():
        stream.witness.wait_for(InvocationEnded, 2)
        stream.send({"name": "next"})
        stream.witness.wait_for(InvocationEnded, where=all_succeeded)

    assert stream.dead_letters == ["poison"]
    assert [line for line in stream.log if line.startswith("poison")] == ["poison 1", "poison 2"]
    assert stream.messages_left == 0


def test_an_invocation_that_raises_leaves_its_whole_batch(stream: Stream) -> None:
    stream.queue(visibility_seconds=600)
    stream.send({"name": "a"}, {"name": "b"})

    with stream.pump("def lambda_handler(event, context): raise OSError('broken')"):
        [ended] = stream.witness.wait_for(InvocationEnded)

    assert str(ended.error) == "OSError: broken"
    assert len(ended.failed_ids) == 2
    assert stream.messages_left == 2


def test_an_answer_is_not_heeded_where_the_source_does_not_ask_for_it(stream: Stream) -> None:
    stream.source = replace(stream.source, reports_item_failures=False)
    stream.send({"name": "bad", "until": 1000})

    with stream.pump():
        [ended] = stream.witness.wait_for(InvocationEnded)

    assert ended.failed_ids == frozenset()
    assert stream.messages_left == 0


def test_a_batch_is_no_larger_than_the_source_says(stream: Stream) -> None:
    stream.source = replace(stream.source, batch_size=2)
    stream.send(*({"name": str(number)} for number in range(5)))

    with stream.pump():
        invocations = stream.witness.wait_for(InvocationEnded, 3)

    assert sorted(len(ended.batch) for ended in invocations) == [1, 2, 2]
    assert stream.messages_left == 0


def test_a_message_whose_function_timed_out_comes_back(stream: Stream) -> None:
    stream.send({"name": "a"})

    with stream.pump(HANGING_HANDLER, timeout_seconds=1):
        timed_out, repeated = stream.witness.wait_for(InvocationEnded, 2)

    assert timed_out.error is not None
    assert timed_out.error.error_type == "Sandbox.Timedout"
    assert repeated.error is None
    assert stream.log == ["receive 1", "receive 2"]
    assert stream.messages_left == 0


def test_a_message_whose_host_died_comes_back_when_its_visibility_timeout_ends(stream: Stream) -> None:
    stream.queue(visibility_seconds=1)
    stream.send({"name": "a"})

    with stream.pump(HANGING_HANDLER) as pump:
        stream.witness.wait_for(LogLine)
        pump.kill_environments()
        killed, repeated = stream.witness.wait_for(InvocationEnded, 2)

    assert killed.error is not None
    assert killed.error.error_type == "Runtime.ExitError"
    assert repeated.error is None
    attributes = repeated.batch[0]["Attributes"]
    assert attributes["ApproximateReceiveCount"] == "2"
    assert time.time() - int(attributes["ApproximateFirstReceiveTimestamp"]) / 1000 >= 1
    assert stream.messages_left == 0


@pytest.mark.parametrize(("crash", "handled"), [(Crash.BEFORE, ["a 2"]), (Crash.AFTER, ["a 1", "a 2"])])
def test_a_crash_around_an_invocation_loses_its_answer_and_no_message(
    stream: Stream, crash: Crash, handled: list[str]
) -> None:
    def crash_on_first_receive(batch: Batch) -> Crash | None:
        return crash if batch[0]["Attributes"]["ApproximateReceiveCount"] == "1" else None

    stream.send({"name": "a"})

    with stream.pump(disturbance=Disturbance(crash=crash_on_first_receive)):
        crashed, repeated = stream.witness.wait_for(InvocationEnded, 2)

    assert (len(crashed.failed_ids), crashed.error is None) == (1, False)
    assert (len(repeated.failed_ids), repeated.error) == (0, None)
    assert stream.log == handled
    assert stream.messages_left == 0


def test_a_message_can_be_delivered_twice(stream: Stream) -> None:
    stream.send({"name": "a"})

    with stream.pump(disturbance=Disturbance(arrange=lambda batch: [batch, batch])):
        invocations = stream.witness.wait_for(InvocationEnded, 2)

    assert [ended.error for ended in invocations] == [None, None]
    assert stream.log == ["a 1", "a 1"]
    assert stream.messages_left == 0


def test_messages_can_be_delivered_out_of_order(stream: Stream) -> None:
    held: list[Batch] = []

    def third_first(batch: Batch) -> Iterable[Batch]:
        held.extend([message] for message in batch)
        return reversed(held) if len(held) == 3 else []

    stream.queue(visibility_seconds=600)
    stream.source = replace(stream.source, batch_size=1)
    stream.send({"name": "1"}, {"name": "2"}, {"name": "3"})

    with stream.pump(disturbance=Disturbance(arrange=third_first)):
        invocations = stream.witness.wait_for(InvocationEnded, 3)

    assert [names(ended.batch) for ended in invocations[:3]] == [["3"], ["2"], ["1"]]


def test_messages_are_handled_side_by_side_up_to_the_sources_maximum(stream: Stream) -> None:
    # Each invocation waits until the other has begun, so neither ends unless both run.
    meeting = f"""
        import pathlib
        import threading

        FOLDER = pathlib.Path({str(stream.folder)!r})

        def lambda_handler(event, context):
            (FOLDER / (event["Records"][0]["messageId"] + ".here")).touch()
            while len(list(FOLDER.glob("*.here"))) < 2:
                threading.Event().wait(0.01)
        """
    stream.queue(visibility_seconds=600)
    stream.source = replace(stream.source, batch_size=1, maximum_concurrency=2)
    stream.send({"name": "a"}, {"name": "b"})

    with stream.pump(meeting):
        invocations = stream.witness.wait_for(InvocationEnded, 2)

    assert [ended.error for ended in invocations] == [None, None]


def test_a_warm_environment_is_used_before_a_cold_one(stream: Stream) -> None:
    stream.queue(visibility_seconds=600)
    stream.source = replace(stream.source, batch_size=1, maximum_concurrency=3)

    with stream.pump("import os\ndef lambda_handler(event, context): print(os.getpid())"):
        for number in range(4):
            stream.send({"name": "x"})
            stream.witness.wait_for(InvocationEnded, number + 1)

    assert len(stream.log) == 4
    assert len(set(stream.log)) == 1


def test_metrics_that_a_function_prints_are_told_before_its_invocation_ends(stream: Stream) -> None:
    metrics = '{"_aws": {"CloudWatchMetrics": []}, "Nodes": [3.0]}'
    stream.send({"name": "a"})

    with stream.pump(f"def lambda_handler(event, context): print({metrics!r})"):
        stream.witness.wait_for(InvocationEnded)

    started, line, ended = stream.witness.seen(object)
    assert isinstance(started, InvocationStarted)
    assert line == LogLine("toy", metrics)
    assert isinstance(ended, InvocationEnded)


def test_a_paused_pump_receives_nothing_until_it_is_resumed(stream: Stream) -> None:
    pump = stream.pump()
    pump.pause()

    with pump:
        stream.send({"name": "a"})
        # Works without a clock: a second pump on the same queue gets the message, so the first one did not take it.
        second = Witness()
        with Pump(toy_function(stream.folder / "second", HANDLER), stream.source, stream.endpoint, second):
            second.wait_for(InvocationEnded)
        started_while_paused = stream.witness.seen(InvocationStarted)
        stream.send({"name": "b"})
        pump.resume()
        [ended] = stream.witness.wait_for(InvocationEnded)

    assert started_while_paused == []
    assert names(ended.batch) == ["b"]


def test_stopping_waits_for_no_handler_and_leaves_its_message_in_the_queue(stream: Stream) -> None:
    stream.queue(visibility_seconds=600)
    stream.send({"name": "a"})
    pump = stream.pump(HANGING_HANDLER)
    pump.start()
    stream.witness.wait_for(LogLine)

    pump.stop()

    [ended] = stream.witness.seen(InvocationEnded)
    assert ended.error is not None
    assert ended.seconds < 20
    assert stream.messages_left == 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pump-")]


def test_a_pump_whose_queue_is_gone_says_so_and_stops(stream: Stream) -> None:
    stream.sqs.delete_queue(QueueUrl=stream.source.queue_url)

    with stream.pump():
        [broken] = stream.witness.wait_for(PumpBroken)

    assert "NonExistentQueue" in str(broken.error)
