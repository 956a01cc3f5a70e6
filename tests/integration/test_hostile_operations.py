"""The operators' commands against services that answer as none should: one clear line, no traceback, no wrong claim."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.config import Config
from botocore.session import Session

from patchlake.adapters import clients
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.operations.deployment import QUEUES
from tests.command_line import patchlake_here
from tests.http_stub import Answer, HttpStub, Request, Trickling, http_stub

ACCOUNT, REGION, STACK, BUCKET = "111122223333", "eu-central-1", "patchlake", "the-bucket"
PAGE = b"<!doctype html><html><body>Please sign in</body></html>"
ERROR = b'{"__type": "com.amazonaws#InternalFailure", "message": "no"}'
DIGITS = b"9" * 5_000
ESCAPE = "\x1b[2J"
SOURCES = "event-source-mappings"
NIL = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"'


def outputs() -> dict[str, str]:
    """Return the outputs of a stack."""
    queues = [
        (f"{name.title()}{kind}QueueUrl", f"http://127.0.0.1/{ACCOUNT}/{STACK}-{name}{kind}")
        for name in QUEUES
        for kind in ("", "DeadLetter")
    ]
    return {
        "BucketName": BUCKET,
        "PlanFunctionName": f"{STACK}-plan",
        "PlanDeadLetterQueueUrl": f"http://127.0.0.1/{ACCOUNT}/{STACK}-planDeadLetter",
        "AlarmTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms",
        **dict(queues),
    }


def described(name: str = STACK, parameters: str = "", **changes: str) -> Answer:
    """Return CloudFormation's answer about a stack."""
    members = "".join(
        f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
        for key, value in (outputs() | changes).items()
    )
    stack = (
        f"<StackName>{name}</StackName><StackStatus>CREATE_COMPLETE</StackStatus>"
        f"<StackId>arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/1</StackId>"
        f"<CreationTime>2026-11-01T00:00:00Z</CreationTime>"
        f"<Parameters>{parameters}</Parameters><Outputs>{members}</Outputs>"
    )
    return xml("DescribeStacks", f"<Stacks><member>{stack}</member></Stacks>")


def xml(operation: str, content: str) -> Answer:
    """Return an answer of a service with XML and forms."""
    result = f"<{operation}Result>{content}</{operation}Result>"
    return Answer(200, f"<{operation}Response>{result}</{operation}Response>".encode())


def depth(count: object) -> bytes:
    """Return the attributes of a queue."""
    names = ("", "Delayed", "NotVisible")
    return json.dumps(
        {"Attributes": {f"ApproximateNumberOfMessages{name}": "0" if name else count for name in names}}
    ).encode()


@dataclass
class HostileAws:
    """An AWS with an empty stack, whose answers a test replaces one by one."""

    stub: HttpStub
    hostile: Callable[[str, Request], Answer | None] = lambda *_: None

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        operation = request.operation or self._operation(request)
        return self.hostile(operation, request) or self._usual(operation)

    def _operation(self, request: Request) -> str:
        if request.method == "POST" and "/invocations" in request.path:
            return "Invoke"
        if request.method == "POST":
            return parse_qs(request.body.decode())["Action"][0]
        found = re.search(
            r"event-source-mappings|account-settings|schedules|\?versioning|\?policy|\?lifecycle", request.path
        )
        return found[0].lstrip("?") if found else "list" if "list-type" in request.path else request.method

    def _usual(self, operation: str) -> Answer:
        match operation:
            case "GetCallerIdentity":
                arn = f"<Account>{ACCOUNT}</Account><Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn>"
                return xml(operation, arn)
            case "DescribeStacks":
                return described()
            case "GetQueueAttributes":
                return Answer(200, depth("0"))
            case "list":
                return Answer(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
            case "HEAD" | "GET":
                return Answer(404)
            case _:
                return Answer(200, b"{}")

    def command(self, *arguments: str) -> Any:  # noqa: ANN401  # a CompletedProcess, whose module is not imported
        """Run a command on the stack."""
        environment = {
            "AWS_ENDPOINT_URL": self.stub.url,
            "AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": "/nowhere",
        }
        ended = patchlake_here(environment, *arguments, "--stack", STACK)
        assert ESCAPE not in ended.stdout + ended.stderr
        return ended


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileAws]:
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    monkeypatch.setattr(clients, "CONFIG", clients.CONFIG.merge(once))
    with http_stub() as stub:
        stub.set_clock(monkeypatch)
        found = HostileAws(stub)
        stub.answer = found.answer
        yield found


def only(operation: str, *answers: Answer) -> Callable[[str, Request], Answer | None]:
    """Answer one operation so, and repeat the last answer."""
    left = list(answers)

    def hostile(asked: str, _: Request) -> Answer | None:
        if asked != operation:
            return None
        return left.pop(0) if len(left) > 1 else left[0]

    return hostile


COMMANDS = ("status", "run", "redrive", "check")
ANSWERS = {
    "page": Answer(200, PAGE),
    "empty": Answer(200),
    "error with 200": Answer(200, ERROR),
    "no members": Answer(200, b"{}"),
    "cut short": Answer(200, b'{"Attributes": {"Appr'),
    "trickle": Trickling(200, b"x" * 10_000),
    "number": Answer(200, DIGITS),
    "nested": Answer(200, b"[" * 100_000),
    "two members of one name": Answer(200, depth("7")[:-1] + b", " + depth("0")[1:]),
    "another status": Answer(202, depth("0")),
    "header of an error": Answer(200, depth("0"), {"x-amzn-errortype": "InternalFailure"}),
}


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
        (described("another"), "CloudFormation answered about another stack"),
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
    assert "no failed events" not in ended.stdout


def message(body: object = "{}") -> Answer:
    """Return a received message."""
    return Answer(200, json.dumps({"Messages": [{"MessageId": "m", "Body": body, "ReceiptHandle": "r"}]}).encode())


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("ReceiveMessage", Answer(200, PAGE)),
        ("ReceiveMessage", Answer(200, ERROR)),
        ("ReceiveMessage", Answer(200)),
        ("ReceiveMessage", Answer(200, b'{"Messages": {}}')),
        ("ReceiveMessage", Answer(200, b'{"Messages": [{"Body": "{}"}]}')),
        ("ReceiveMessage", message(7)),
        ("SendMessageBatch", Answer(200, PAGE)),
        ("SendMessageBatch", Answer(200, b"{}")),
        ("SendMessageBatch", Answer(200, b'{"Successful": [{"Id": "-1"}, {"Id": "7"}, {"Id": "x"}]}')),
        ("SendMessageBatch", Answer(200, b'{"Successful": [{"Id": "0"}], "Failed": [{"Id": "0", "Code": "c"}]}')),
        ("SendMessageBatch", Answer(200, b'{"Successful": [{"Id": 0}]}')),
        ("SendMessageBatch", Answer(202, b'{"Successful": [{"Id": "0"}]}')),
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


CHECKS = {
    "schedules": "schedule",
    "event-source-mappings": "event sources",
    "ListSubscriptionsByTopic": "alarm topic",
    "policy": "bucket policy",
    "versioning": "versions",
    "lifecycle": "retention",
    "DescribeLogGroups": "log retention",
    "account-settings": "concurrency",
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_check_without_an_answer_is_unknown(aws: HostileAws, answer: Answer) -> None:
    aws.hostile = lambda asked, _: answer if asked in CHECKS else None

    checked = json.loads(aws.command("check", "--json").stdout)["checks"]

    assert {each["name"] for each in checked if each["verdict"] == "UNKNOWN"} >= {*CHECKS.values()}


SUBSCRIPTIONS = "ListSubscriptionsByTopic"


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        (SUBSCRIPTIONS, xml(SUBSCRIPTIONS, "<Subscriptions/><Error><Code>InternalError</Code></Error>")),
        (SUBSCRIPTIONS, xml(SUBSCRIPTIONS, "<Subscriptions>Service Unavailable</Subscriptions>")),
        (SUBSCRIPTIONS, xml(SUBSCRIPTIONS, "<Subscriptions nil='true'/>")),
        (SUBSCRIPTIONS, xml("ListSubscriptions", "<Subscriptions/>")),
        ("versioning", Answer(200, b"<ServiceUnavailable/>")),
        ("versioning", Answer(200, b"<LocationConstraint>eu-central-1</LocationConstraint>")),
        ("versioning", Answer(200, b"<VersioningConfiguration>Service Unavailable</VersioningConfiguration>")),
        ("lifecycle", Answer(200, b"<ServiceUnavailable/>")),
    ],
    ids=["error", "text", "nil", "other_list", "unavailable", "location", "text_of_s3", "no_lifecycle"],
)
def test_an_answer_of_another_kind_is_no_empty_one(aws: HostileAws, operation: str, answer: Answer) -> None:
    aws.hostile = only(operation, answer)

    checked = json.loads(aws.command("check", "--json").stdout)["checks"]

    assert {each["name"]: each["verdict"] for each in checked}[CHECKS[operation]] == "UNKNOWN"


def findings(aws: HostileAws, name: str) -> list[dict[str, str]]:
    checked = json.loads(aws.command("check", "--json").stdout)["checks"]
    [found] = [each["findings"] for each in checked if each["name"] == name]
    return list(found)


@pytest.mark.parametrize(
    ("state", "fix"),
    [
        ("Disabled", "aws kms enable-key --key-id k"),
        ("PendingDeletion", "aws kms cancel-key-deletion --key-id k && aws kms enable-key --key-id k"),
        ("PendingImport", "import its key material again"),
        ("Unavailable", "connect its key store again"),
        ("PendingReplicaDeletion", "see its state in the KMS developer guide, Key states of AWS KMS keys"),
    ],
)
def test_a_key_that_cannot_be_used_is_found_with_a_fix_for_its_state(aws: HostileAws, state: str, fix: str) -> None:
    aws.hostile = with_key(state)

    assert findings(aws, "encryption key") == [
        {"text": f"the KMS key k is {state}: nothing can be read or written", "fix": fix}
    ]


@pytest.mark.parametrize("state", ["Enabled", "Updating"])
def test_a_key_that_can_be_used_is_no_finding(aws: HostileAws, state: str) -> None:
    aws.hostile = with_key(state)

    assert findings(aws, "encryption key") == []


def with_key(state: str) -> Callable[[str, Request], Answer | None]:
    parameter = "<member><ParameterKey>KmsKeyArn</ParameterKey><ParameterValue>k</ParameterValue></member>"
    answers = {
        "DescribeStacks": described(parameters=parameter),
        "DescribeKey": Answer(200, json.dumps({"KeyMetadata": {"KeyState": state}}).encode()),
    }
    return lambda asked, _: answers.get(asked)


def test_a_rule_that_deletes_the_lake_from_a_date_on_is_found(aws: HostileAws) -> None:
    expiration = "<Expiration><Date>2026-01-01T00:00:00.000Z</Date></Expiration>"
    rules = f"<Rule><Status>Enabled</Status><Filter><Prefix>lake/patches/</Prefix></Filter>{expiration}</Rule>"
    aws.hostile = only("lifecycle", Answer(200, f"<LifecycleConfiguration>{rules}</LifecycleConfiguration>".encode()))

    assert "lake/patches/ expires on 2026-01-01: from then on, S3 deletes every object, however new it is" in {
        found["text"] for found in findings(aws, "retention")
    }


def verdict(aws: HostileAws, check: str) -> str:
    checked = json.loads(aws.command("check", "--json").stdout)["checks"]
    return str({each["name"]: each["verdict"] for each in checked}[check])


def schedule(state: str) -> str:
    """Return a schedule as EventBridge answers it."""
    return json.dumps({"State": state, "Target": {"Arn": "a"}, "ScheduleExpression": "rate(1 day)"})


def versioned(status: str) -> str:
    """Return a bucket's versioning as S3 answers it."""
    return f"<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>"


def subscribed(arn: str) -> str:
    """Return a subscription as SNS answers it."""
    member = f"<member>{arn}<Endpoint>a@example.com</Endpoint></member>"
    return xml(SUBSCRIPTIONS, f"<Subscriptions>{member}</Subscriptions>").body.decode()


def answered(text: str) -> Answer:
    return Answer(200, text.encode())


def rules(status: str = "<Status>Enabled</Status>", storage_class: str = "<StorageClass>GLACIER</StorageClass>") -> str:
    """Return lifecycle rules as S3 answers them."""
    moves = f"<Transition><Days>10</Days>{storage_class}</Transition>"
    return f"<LifecycleConfiguration><Rule><Filter/>{status}{moves}</Rule></LifecycleConfiguration>"


def test_a_rule_that_archives_every_object_is_found(aws: HostileAws) -> None:
    aws.hostile = only("lifecycle", answered(rules(storage_class="<StorageClass>DEEP_ARCHIVE</StorageClass>")))

    assert "shards and parts move to DEEP_ARCHIVE (unreadable) after 10 days, before a dead letter does" in {
        found["text"] for found in findings(aws, "retention")
    }


def mapping(function: str = "patchlake-discover", state: str = "Enabled", **others: object) -> dict[str, object]:
    """Return a mapping as the template makes it, but for what else is given."""
    return {
        "UUID": "0",
        "State": state,
        "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        **others,
    }


def sources(*mappings: dict[str, object]) -> Callable[[str, Request], Answer | None]:
    """Answer with these mappings for the queue discover."""

    def answer(asked: str, request: Request) -> Answer | None:
        its_own = mappings if request.path.endswith("discover") else []
        return Answer(200, json.dumps({"EventSourceMappings": its_own}).encode()) if asked == SOURCES else None

    return answer


OF_ANOTHER_ACCOUNT = f"arn:aws:lambda:{REGION}:999988887777:function:patchlake-discover"
WITHOUT_FAILURES = (
    "the event source mapping of the queue discover lacks ReportBatchItemFailures: messages that fail are deleted, not "
    "received again"
)
WITH_FILTER = (
    "the event source mapping of the queue discover has a filter: messages that it does not let through are deleted"
)


@pytest.mark.parametrize(
    ("mappings", "said"),
    [
        ([mapping(), mapping("someone-else", "Disabled")], []),
        ([mapping(), mapping("patchlake-discover:v1", "Disabled")], []),
        (
            [mapping(state="Disabled")],
            ["the event source mapping of the queue discover is Disabled: its messages are not read"],
        ),
        (
            [mapping(state="Deleting")],
            ["patchlake-discover does not read the queue discover: its event source mapping does not exist"],
        ),
        (
            [mapping(), mapping("someone-else:1")],
            ["the function someone-else reads the queue discover, too: it takes messages of the runs"],
        ),
        (
            [mapping(), mapping(FunctionArn=f"{OF_ANOTHER_ACCOUNT}:live")],
            [f"the function {OF_ANOTHER_ACCOUNT} reads the queue discover, too: it takes messages of the runs"],
        ),
        ([mapping(FunctionResponseTypes=[])], [WITHOUT_FAILURES]),
        ([mapping(FunctionResponseTypes=None)], [WITHOUT_FAILURES]),
        ([mapping(), mapping("patchlake-discover:v1", FunctionResponseTypes=[])], [WITHOUT_FAILURES]),
        ([mapping(FilterCriteria={"Filters": [{"Pattern": '{"body":{"v":[99]}}'}]})], [WITH_FILTER]),
        ([mapping(FilterCriteria=None, KMSKeyArn="arn:aws:kms:eu-central-1:111122223333:key/k")], [WITH_FILTER]),
        ([mapping(FilterCriteria={"Filters": []}, KMSKeyArn="")], []),
        ([mapping(FilterCriteria={})], []),
    ],
)
def test_a_mapping_counts_by_its_function_state_and_settings(
    aws: HostileAws, mappings: list[dict[str, object]], said: list[str]
) -> None:
    aws.hostile = sources(*mappings)

    texts = [each["text"] for each in findings(aws, "event sources")]

    assert [text for text in texts if "queue discover" in text] == said


@pytest.mark.parametrize(
    ("asked", "answer", "check"),
    [
        ("versioning", "<VersioningConfiguration><Status/></VersioningConfiguration>", "versions"),
        ("versioning", "<VersioningConfiguration><Status>Busy</Status></VersioningConfiguration>", "versions"),
        (
            "versioning",
            "<VersioningConfiguration><MfaDelete>Disabled</MfaDelete>Unavailable</VersioningConfiguration>",
            "versions",
        ),
        ("lifecycle", rules("<Status>On</Status>"), "retention"),
        ("lifecycle", rules("<Status/>"), "retention"),
        ("lifecycle", rules(f"<Status {NIL}/>"), "retention"),
        ("lifecycle", rules(storage_class="<StorageClass>TAPE</StorageClass>"), "retention"),
        ("lifecycle", rules(storage_class=""), "retention"),
        ("schedules", schedule("Service Unavailable"), "schedule"),
        ("schedules", schedule(""), "schedule"),
        (SOURCES, json.dumps({"EventSourceMappings": [mapping(state="Service Unavailable")]}), "event sources"),
        (SUBSCRIPTIONS, subscribed("<SubscriptionArn>Service Unavailable</SubscriptionArn>"), "alarm topic"),
        (SUBSCRIPTIONS, subscribed("<SubscriptionArn/>"), "alarm topic"),
        (SUBSCRIPTIONS, subscribed(f"<SubscriptionArn {NIL}/>"), "alarm topic"),
        ("DescribeKey", '{"KeyMetadata": {"KeyState": ""}}', "encryption key"),
        ("DescribeKey", '{"KeyMetadata": {"KeyState": "Replicating"}}', "encryption key"),
    ],
)
def test_a_state_that_is_not_known_is_no_finding(aws: HostileAws, asked: str, answer: str, check: str) -> None:
    known = with_key("Enabled")
    aws.hostile = lambda operation, request: (
        Answer(200, answer.encode()) if operation == asked else known(operation, request)
    )

    assert verdict(aws, check) == "UNKNOWN"


STATES: dict[tuple[str, str], tuple[Callable[[str], Callable[[str, Request], Answer | None]], str]] = {
    ("scheduler", "ScheduleState"): (lambda state: only("schedules", answered(schedule(state))), "schedule"),
    ("s3", "BucketVersioningStatus"): (lambda state: only("versioning", answered(versioned(state))), "versions"),
    ("s3", "ExpirationStatus"): (
        lambda state: only("lifecycle", answered(rules(f"<Status>{state}</Status>"))),
        "retention",
    ),
    ("s3", "TransitionStorageClass"): (
        lambda name: only("lifecycle", answered(rules(storage_class=f"<StorageClass>{name}</StorageClass>"))),
        "retention",
    ),
    ("kms", "KeyState"): (with_key, "encryption key"),
}
"""Services and checks, by the names of their states in the SDK's models."""


def model_of(service: str, shape: str) -> Any:  # noqa: ANN401  # each kind of shape has its own type
    return Session().get_service_model(service).shape_for(shape)


@pytest.mark.parametrize(("service", "shape"), STATES)
def test_every_state_that_the_service_has_is_judged(aws: HostileAws, service: str, shape: str) -> None:
    hostile, check = STATES[service, shape]
    states = model_of(service, shape).enum

    for state in states:
        aws.hostile = hostile(state)
        assert verdict(aws, check) != "UNKNOWN", state
    assert len(states) > 1


def test_every_state_that_a_mapping_has_is_judged(aws: HostileAws) -> None:
    """The SDK's model of Lambda lists the states only in words."""
    described = model_of("lambda", "EventSourceMappingConfiguration").members["State"]
    states = re.findall(r"<code>(\w+)</code>", described.documentation)

    for state in states:
        aws.hostile = sources(mapping(state=state))
        assert verdict(aws, "event sources") != "UNKNOWN", state
    assert len(states) > 1


@pytest.mark.parametrize(
    "policy",
    [
        '{"__type": "InternalFailure", "Statement": []}',
        '{"message": "busy", "Statement": []}',
        '{"Error": {"Code": "InternalError"}, "Statement": []}',
        '{"Statement": [], "Statement": []}',
        '{"Statement": [], "statement": []}',
        '{"Statement": [{"Sid": "A", "Sid": "B"}]}',
        "[]",
    ],
)
def test_a_policy_that_is_an_error_or_has_a_member_twice_is_no_policy(aws: HostileAws, policy: str) -> None:
    aws.hostile = only("policy", Answer(200, policy.encode()))

    assert verdict(aws, "bucket policy") == "UNKNOWN"


def test_a_policy_of_someone_else_lacks_the_statements(aws: HostileAws) -> None:
    aws.hostile = only("policy", Answer(200, b'{"Version": "2008-10-17", "Id": "Policy1", "Statement": []}'))

    assert verdict(aws, "bucket policy") == "FINDING"


def test_pages_without_an_end_come_to_an_end(aws: HostileAws) -> None:
    numbers = iter(range(10_000))

    def hostile(asked: str, _: Request) -> Answer | None:
        if asked != "event-source-mappings":
            return None
        return Answer(200, json.dumps({"EventSourceMappings": [], "NextMarker": str(next(numbers))}).encode())

    aws.hostile = hostile

    ended = aws.command("check")

    assert "the answer has more than 100 pages" in ended.stdout


def test_a_parameter_that_is_no_number_is_named(aws: HostileAws) -> None:
    wrong = "<member><ParameterKey>MissedRunHours</ParameterKey><ParameterValue>****</ParameterValue></member>"
    aws.hostile = only("DescribeStacks", described(parameters=wrong))

    ended = aws.command("check")

    assert "the parameter MissedRunHours of stack patchlake is '****': expected a whole number" in ended.stdout


@pytest.mark.parametrize("value", ["35.5", "0", "999999999"])
@pytest.mark.parametrize("arguments", [("query", "SELECT 1"), ("report",)], ids=["query", "report"])
def test_a_setting_that_no_view_can_have_is_named(aws: HostileAws, arguments: tuple[str, ...], value: str) -> None:
    """CloudFormation takes 35.5 for a parameter of the type Number."""
    wrong = f"<member><ParameterKey>WindowDays</ParameterKey><ParameterValue>{value}</ParameterValue></member>"
    aws.hostile = only("DescribeStacks", described(parameters=wrong))

    ended = aws.command(*arguments)

    assert ended.returncode == ExitCode.ERROR
    assert f"WindowDays of stack patchlake is '{value}': expected a whole number from 1 to 36500" in ended.stderr
