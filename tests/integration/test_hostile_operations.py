"""The operators' commands against services that answer as none should: one clear line, no traceback, no wrong claim."""

import json
import re
from collections.abc import Iterator

import pytest

from patchlake_cli.exit_codes import ExitCode
from tests.hostile_stack import (
    ANSWERS,
    ERROR,
    ESCAPE,
    PAGE,
    PARAMETERS,
    REGION,
    STACK,
    HostileAws,
    depth,
    described,
    hostile_aws,
    only,
    xml,
)
from tests.http_stub import Answer, Request

COMMANDS = ("status", "run", "redrive", "check")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileAws]:
    with hostile_aws(monkeypatch) as found:
        yield found


@pytest.mark.parametrize(
    ("name", "answer"),
    [*(("status", answer) for answer in ANSWERS.values()), *((name, ANSWERS["page"]) for name in COMMANDS[1:])],
)
def test_a_stack_that_is_not_described_is_one_line(aws: HostileAws, name: str, answer: Answer) -> None:
    aws.hostile = only("DescribeStacks", answer)

    ended = aws.command(name)

    assert (ended.returncode, ended.stdout) == (ExitCode.ERROR, "")
    assert ended.stderr.startswith(f"patchlake: stack {STACK} in {REGION}: cloudformation:DescribeStacks failed: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (xml("DescribeStacks", "<Stacks></Stacks>"), "is malformed"),
        (xml("DescribeStacks", "<Stacks><member/><member/></Stacks>"), "is malformed"),
        (described(BucketName=""), "is malformed"),
        (described("another"), "the answer is about another, not about patchlake"),
        (
            Answer(
                200,
                described().body.replace(
                    b"<Outputs>",
                    b"<Outputs><member><OutputKey>BucketName</OutputKey><OutputValue>other</OutputValue></member>",
                ),
            ),
            "CloudFormation answered with two outputs of one name",
        ),
        (described(f"a{ESCAPE}"), "failed: "),
    ],
    ids=["none", "two", "empty output", "another", "two buckets", "control sequence"],
)
def test_a_description_that_is_not_that_of_the_stack_is_one_line(aws: HostileAws, answer: Answer, text: str) -> None:
    aws.hostile = only("DescribeStacks", answer)

    ended = aws.command("status")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1)
    assert text in ended.stderr


DEPTHS = {
    **ANSWERS,
    "a number for a text": Answer(200, depth(3)),
    "no number": Answer(200, depth("many")),
    "negative": Answer(200, depth("-1")),
    "digits": Answer(200, depth("9" * 5_000)),
    "a list": Answer(200, b'{"Attributes": []}'),
}


@pytest.mark.parametrize("answer", DEPTHS.values(), ids=DEPTHS)
def test_a_queue_that_cannot_be_counted_is_never_an_empty_one(aws: HostileAws, answer: Answer) -> None:
    aws.hostile = only("GetQueueAttributes", answer)

    status, redriven, check = (aws.command(name) for name in ("status", "redrive", "check"))

    assert (status.returncode, status.stdout, status.stderr.count("\n")) == (ExitCode.ERROR, "", 1)
    assert "sqs:GetQueueAttributes failed" in status.stderr
    assert redriven.returncode == check.returncode == ExitCode.PARTIAL
    assert redriven.stdout.count("could not be read: ") == 6
    assert "no dead letters" not in redriven.stdout
    assert "no failed events" not in redriven.stdout
    assert re.search(r"dead letters +UNKNOWN", check.stdout)


def test_failed_events_that_are_counted_and_do_not_arrive_are_not_absent(aws: HostileAws) -> None:
    def hostile(asked: str, request: Request) -> Answer | None:
        if b"planDeadLetter" not in request.body:
            return None
        return {"GetQueueAttributes": Answer(200, depth("3")), "ReceiveMessage": Answer(200, b"{}")}.get(asked)

    aws.hostile = hostile

    ended = aws.command("redrive")

    assert (ended.returncode, ended.stderr) == (ExitCode.PARTIAL, "")
    assert "plan: could not be read: 3 of 3 failed events: another process may have received them" in ended.stdout


@pytest.mark.parametrize(
    ("seconds", "words"), [("86400", "24 hours"), ("3600", "1 hour"), ("5400", "90 minutes"), ("3601", "60 minutes")]
)
def test_the_time_to_start_a_run_again_is_that_of_the_stack(aws: HostileAws, seconds: str, words: str) -> None:
    event = {"MessageId": "1", "Body": '{"scheduled_time": "2026-11-01T06:00:00Z"}', "ReceiptHandle": "r"}

    def hostile(asked: str, request: Request) -> Answer | None:
        if asked == "DescribeStacks":
            return described(parameters=PARAMETERS | {"MaxLatenessSeconds": seconds})
        if b"planDeadLetter" not in request.body:
            return None
        received = json.dumps({"Messages": [event]}).encode()
        return {"GetQueueAttributes": Answer(200, depth("1")), "ReceiveMessage": Answer(200, received)}.get(asked)

    aws.hostile = hostile

    ended = aws.command("redrive")

    assert (ended.returncode, ended.stderr) == (ExitCode.PARTIAL, "")
    assert f"was never planned. Within {words} of its scheduled time, start it with " in ended.stdout


def test_nothing_is_sent_again_by_a_stack_whose_parameter_is_not_a_number(aws: HostileAws) -> None:
    aws.hostile = only("DescribeStacks", described(parameters=PARAMETERS | {"MaxLatenessSeconds": "****"}))

    ended = aws.command("redrive")

    assert (ended.returncode, ended.stdout) == (ExitCode.ERROR, "")
    assert "the parameter MaxLatenessSeconds of stack patchlake is '****': expected a whole number" in ended.stderr
    assert "no failed events" not in ended.stdout


def message(body: object = "{}", **others: str) -> Answer:
    """Return a received message."""
    received = {"MessageId": "m", "Body": body, "ReceiptHandle": "r", **others}
    return Answer(200, json.dumps({"Messages": [received]}).encode())


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("ReceiveMessage", Answer(200, PAGE)),
        ("ReceiveMessage", Answer(200, ERROR)),
        ("ReceiveMessage", Answer(200)),
        ("ReceiveMessage", Answer(200, b'{"Messages": {}}')),
        ("ReceiveMessage", Answer(200, b'{"Messages": [{"Body": "{}"}]}')),
        ("ReceiveMessage", message(7)),
        ("ReceiveMessage", message(MD5OfBody="0" * 32)),
        ("SendMessageBatch", Answer(200, PAGE)),
        ("SendMessageBatch", Answer(200, b"{}")),
        ("SendMessageBatch", Answer(200, b'{"Successful": [{"Id": "-1"}, {"Id": "7"}, {"Id": "x"}]}')),
        ("SendMessageBatch", Answer(200, b'{"Successful": [{"Id": "0"}], "Failed": [{"Id": "0", "Code": "c"}]}')),
        ("SendMessageBatch", Answer(200, b'{"Successful": [{"Id": 0}]}')),
        ("SendMessageBatch", Answer(202, b'{"Successful": [{"Id": "0"}]}')),
        ("SendMessageBatch", Answer(200, b'{"Successful": [{"Id": "0", "MD5OfMessageBody": "00"}]}')),
        ("DeleteMessageBatch", Answer(200, PAGE)),
        ("DeleteMessageBatch", Answer(206, b'{"Successful": [{"Id": "0"}]}')),
        ("DeleteMessageBatch", Answer(200, b'{"Failed": [{"Id": "0", "Code": "c"}]}')),
    ],
)
def test_a_letter_whose_way_is_not_certain_is_left_and_no_queue_costs_another(
    aws: HostileAws, operation: str, answer: Answer
) -> None:
    def hostile(asked: str, request: Request) -> Answer | None:
        if b"collectDeadLetter" not in request.body and asked != "SendMessageBatch":
            return None
        usual = {
            "GetQueueAttributes": Answer(200, depth("1")),
            "ReceiveMessage": message(),
            "SendMessageBatch": Answer(200, b'{"Successful": [{"Id": "0"}]}'),
            "DeleteMessageBatch": Answer(200, b'{"Successful": [{"Id": "0"}]}'),
        }
        return answer if asked == operation else usual.get(asked)

    aws.hostile = hostile

    ended = aws.command("redrive")

    assert (ended.returncode, ended.stderr) == (ExitCode.PARTIAL, "")
    assert "collect: 0 of 1 dead letters sent again." in ended.stdout
    assert "commit: no dead letters." in ended.stdout
    deleted = [request for request in aws.stub.requests if request.operation == "DeleteMessageBatch"]
    assert bool(deleted) is (operation == "DeleteMessageBatch")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer(200, PAGE), "is malformed"),
        (Answer(200), "is malformed"),
        (Answer(200, b"{}"), "is malformed"),
        (Answer(200, b"[" * 100_000), "is malformed"),
        (Answer(200, b'{"run_id": 1, "step": "STORED"}'), "is malformed"),
        (Answer(200, b'{"run_id": "x", "step": "STORED", "message": "busy"}'), "a member of an error, or one twice"),
        (
            Answer(200, b'{"run_id": "20200101T000000Z", "step": "STORED"}'),
            "not the plan function of a patchlake stack",
        ),
        (
            Answer(200, b'{"errorMessage": "no\\naccounts\\u001b[2J"}', {"X-Amz-Function-Error": "Unhandled"}),
            "no accounts",
        ),
        (
            Answer(200, b'{"errorMessage": {"a": 1}}', {"X-Amz-Function-Error": "Unhandled"}),
            "patchlake-plan failed. run",
        ),
        (Answer(200, b"", {"X-Amz-Function-Error": "Unhandled"}), "is malformed"),
        (Answer(200, b"{}", {"X-Amz-Function-Error": "Unhandled"}), "it gives no reason: see its log"),
        (Answer(200, b'{"run_id": "x', length=100), "failed: "),
    ],
)
def test_a_function_that_does_not_answer_as_plan_starts_no_run(aws: HostileAws, answer: Answer, text: str) -> None:
    aws.hostile = only("Invoke", answer)

    ended = aws.command("run")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1)
    assert text in ended.stderr


@pytest.mark.parametrize("step", ["STORED", "ADOPTED", "LATE"])
def test_a_run_of_which_the_lake_has_nothing_is_not_told_as_one(aws: HostileAws, step: str) -> None:
    aws.hostile = only("Invoke", Answer(200, json.dumps({"run_id": "20261123T060000Z", "step": step}).encode()))

    ended = aws.command("run", "--scheduled-time", "2026-11-23T06:00:00Z")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1)
    assert f"answered {step} for run 20261123T060000Z, but s3://" in ended.stderr


def test_a_parameter_that_is_no_number_is_named(aws: HostileAws) -> None:
    aws.hostile = only("DescribeStacks", described(parameters={"MissedRunHours": "****"}))

    ended = aws.command("check")

    assert "the parameter MissedRunHours of stack patchlake is '****': expected a whole number" in ended.stdout


@pytest.mark.parametrize("value", ["35.5", "0", "999999999"])
@pytest.mark.parametrize("arguments", [("query", "SELECT 1"), ("report",)], ids=["query", "report"])
def test_a_setting_that_no_view_can_have_is_named(aws: HostileAws, arguments: tuple[str, ...], value: str) -> None:
    """CloudFormation takes 35.5 for a parameter of the type Number."""
    aws.hostile = only("DescribeStacks", described(parameters={"WindowDays": value}))

    ended = aws.command(*arguments)

    assert ended.returncode == ExitCode.ERROR
    assert f"WindowDays of stack patchlake is '{value}': expected a whole number from 1 to 36500" in ended.stderr
