"""``check --stack`` against services that answer as none should: the unknown is UNKNOWN, never OK or a finding."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.session import Session

from patchlake_cli.exit_codes import ExitCode
from tests.hostile_stack import (
    ACCOUNT,
    ANSWERS,
    BUCKET,
    PARAMETERS,
    REGION,
    STACK,
    HostileAws,
    depth,
    described,
    hostile_aws,
    only,
    queue_arn,
    stack_id,
    xml,
)
from tests.http_stub import Answer, Request

SOURCES = "event-source-mappings"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
NIL = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"'
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


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileAws]:
    with hostile_aws(monkeypatch) as found:
        yield found


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
        ("Disabled", "aws kms enable-key --key-id {key}"),
        ("PendingDeletion", "aws kms cancel-key-deletion --key-id {key} && aws kms enable-key --key-id {key}"),
        ("PendingImport", "import its key material again"),
        ("Unavailable", "connect its key store again"),
        ("PendingReplicaDeletion", "see its state in the KMS developer guide, Key states of AWS KMS keys"),
    ],
)
def test_a_key_that_cannot_be_used_is_found_with_a_fix_for_its_state(aws: HostileAws, state: str, fix: str) -> None:
    aws.hostile = with_key(state)

    assert findings(aws, "encryption key") == [
        {"text": f"the KMS key {KEY} is {state}: nothing can be read or written", "fix": fix.format(key=KEY)}
    ]


@pytest.mark.parametrize("state", ["Enabled", "Updating"])
def test_a_key_that_can_be_used_is_no_finding(aws: HostileAws, state: str) -> None:
    aws.hostile = with_key(state)

    assert findings(aws, "encryption key") == []


def with_key(state: str, arn: str = KEY) -> Callable[[str, Request], Answer | None]:
    answers = {
        "DescribeStacks": described(parameters=PARAMETERS | {"KmsKeyArn": KEY}),
        "DescribeKey": Answer(200, json.dumps({"KeyMetadata": {"Arn": arn, "KeyState": state}}).encode()),
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


def schedule(**members: object) -> str:
    """Return a schedule as EventBridge answers it."""
    usual = {
        "Arn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{STACK}-plan",
        "State": "ENABLED",
        "Target": {"Arn": "arn:aws:lambda"},
        "ScheduleExpression": "rate(1 day)",
    }
    return json.dumps(usual | members)


def versioned(status: str) -> str:
    """Return a bucket's versioning as S3 answers it."""
    return f"<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>"


def subscribed(arn: str, topic: str = TOPIC) -> str:
    """Return a subscription as SNS answers it."""
    member = f"<member><TopicArn>{topic}</TopicArn>{arn}<Endpoint>a@example.com</Endpoint></member>"
    return xml(SUBSCRIPTIONS, f"<Subscriptions>{member}</Subscriptions>").body.decode()


def logged(days: object, arn: str = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{STACK}-plan:*") -> str:
    """Return a log group as CloudWatch answers it."""
    group = {"logGroupName": arn.split(":")[6], "arn": arn, "retentionInDays": days}
    return json.dumps({"logGroups": [group]})


def answered(text: str) -> Answer:
    return Answer(200, text.encode())


def rules(
    status: str = "<Status>Enabled</Status>",
    storage_class: str = "<StorageClass>GLACIER</StorageClass>",
    moment: str = "<Days>10</Days>",
) -> str:
    """Return lifecycle rules as S3 answers them."""
    moves = f"<Transition>{moment}{storage_class}</Transition>"
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
        "EventSourceArn": queue_arn("patchlake-discover"),
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
        ("schedules", schedule(State="Service Unavailable"), "schedule"),
        ("schedules", schedule(State=""), "schedule"),
        ("schedules", schedule(ScheduleExpression="Service Unavailable"), "schedule"),
        ("schedules", schedule(ScheduleExpression=""), "schedule"),
        ("schedules", schedule(Target={"Arn": "Service Unavailable"}), "schedule"),
        ("schedules", schedule(Target={"Arn": ""}), "schedule"),
        *(("DescribeLogGroups", logged(days), "log retention") for days in (0, -30, True)),
        (
            SOURCES,
            json.dumps({"EventSourceMappings": [mapping(ScalingConfig={"MaximumConcurrency": -1000})]}),
            "event sources",
        ),
        (SOURCES, json.dumps({"EventSourceMappings": [mapping(state="Service Unavailable")]}), "event sources"),
        (SUBSCRIPTIONS, subscribed("<SubscriptionArn>Service Unavailable</SubscriptionArn>"), "alarm topic"),
        (SUBSCRIPTIONS, subscribed("<SubscriptionArn/>"), "alarm topic"),
        (SUBSCRIPTIONS, subscribed(f"<SubscriptionArn {NIL}/>"), "alarm topic"),
        *(
            ("DescribeKey", json.dumps({"KeyMetadata": {"Arn": KEY, "KeyState": state}}), "encryption key")
            for state in ("", "Replicating")
        ),
    ],
)
def test_a_state_that_is_not_known_is_no_finding(aws: HostileAws, asked: str, answer: str, check: str) -> None:
    known = with_key("Enabled")
    aws.hostile = lambda operation, request: (
        Answer(200, answer.encode()) if operation == asked else known(operation, request)
    )

    assert verdict(aws, check) == "UNKNOWN"


NO_TIMES: list[object] = [False, True, "false", "", "0", "Monday", [], {}, 1e300, "2099-01-01T00:00:00"]


@pytest.mark.parametrize(
    ("asked", "answer", "check"),
    [
        *(
            ("schedules", schedule(**{name: value}), "schedule")
            for name in ("StartDate", "EndDate")
            for value in NO_TIMES
        ),
        *(
            ("lifecycle", rules(moment=f"<Date>{text}</Date>"), "retention")
            for text in ("", "0", "false", "Monday", "Service Unavailable", "2026-13-01", "2026-01-01")
        ),
    ],
)
def test_a_time_that_is_none_is_not_known(aws: HostileAws, asked: str, answer: str, check: str) -> None:
    aws.hostile = only(asked, answered(answer))

    assert verdict(aws, check) == "UNKNOWN"


@pytest.mark.parametrize(
    ("name", "check"),
    [("LogRetentionDays", "log retention"), ("WindowDays", "retention"), ("WindowDays", "history")],
)
def test_a_parameter_that_the_answer_does_not_have_is_not_known(aws: HostileAws, name: str, check: str) -> None:
    left = {key: value for key, value in PARAMETERS.items() if key != name}
    answers = {
        "DescribeStacks": described(parameters=left),
        "DescribeLogGroups": Answer(200, b'{"logGroups": []}'),
        "lifecycle": answered(rules()),
    }
    aws.hostile = lambda asked, _: answers.get(asked)

    assert verdict(aws, check) == "UNKNOWN"


STATES: dict[tuple[str, str], tuple[Callable[[str], Callable[[str, Request], Answer | None]], str]] = {
    ("scheduler", "ScheduleState"): (lambda state: only("schedules", answered(schedule(State=state))), "schedule"),
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


type Hostile = Callable[[str, Request], Answer | None]


def with_policy_of(bucket: str) -> Hostile:
    statements = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource} for resource in (f"{bucket}/*", "*")
    ]
    return only("policy", Answer(200, json.dumps({"Statement": statements}).encode()))


def with_topic(arn: str) -> Hostile:
    subscription = f"<SubscriptionArn>{TOPIC}:1</SubscriptionArn>"
    return only(SUBSCRIPTIONS, answered(subscribed(subscription, arn)))


NAMES: dict[str, tuple[str, str, Callable[[str], Hostile]]] = {
    "schedules": (
        "schedule",
        json.loads(schedule())["Arn"],
        lambda arn: only("schedules", answered(schedule(Arn=arn))),
    ),
    SOURCES: ("event sources", queue_arn(f"{STACK}-discover"), lambda arn: sources(mapping(EventSourceArn=arn))),
    "GetQueueAttributes": (
        "dead letters",
        queue_arn(f"{STACK}-planDeadLetter"),
        lambda arn: (
            lambda asked, request: (
                Answer(200, depth("0", arn))
                if asked == "GetQueueAttributes" and b"planDeadLetter" in request.body
                else None
            )
        ),
    ),
    SUBSCRIPTIONS: ("alarm topic", TOPIC, with_topic),
    "policy": ("bucket policy", f"arn:aws:s3:::{BUCKET}", with_policy_of),
    "DescribeKey": ("encryption key", KEY, lambda arn: with_key("Enabled", arn)),
    "DescribeLogGroups": (
        "log retention",
        json.loads(logged(30))["logGroups"][0]["arn"],
        lambda arn: only("DescribeLogGroups", answered(logged(30, arn))),
    ),
}
"""The operations whose answers name a resource: their check, its ARN, and an answer that names an ARN."""

NAMELESS = {"GetCallerIdentity", "account-settings", "versioning", "lifecycle", "list"}
"""The operations whose answers name no resource; for a list, see the tests of the store."""

OF_ANOTHER: dict[str, Callable[[str], str]] = {
    "name": lambda arn: re.sub(f"{STACK}|{BUCKET}|alarms|/k$", "another", arn),
    "account": lambda arn: arn.replace(ACCOUNT, "999988887777"),
    "region": lambda arn: arn.replace(REGION, "eu-west-1"),
    "partition": lambda arn: arn.replace("arn:aws:", "arn:aws-cn:"),
}


@pytest.mark.parametrize("operation", NAMES)
def test_an_answer_about_the_resource_is_judged(aws: HostileAws, operation: str) -> None:
    check, own, answer = NAMES[operation]
    aws.hostile = answer(own)

    assert verdict(aws, check) in {"OK", "FINDING"}


@pytest.mark.parametrize(
    ("operation", "other"),
    # A bucket's ARN has no account and no region.
    [
        (operation, other)
        for operation, (_, own, _) in NAMES.items()
        for change in OF_ANOTHER.values()
        if (other := change(own)) != own
    ],
)
def test_an_answer_about_another_resource_is_not_known(aws: HostileAws, operation: str, other: str) -> None:
    check, _, answer = NAMES[operation]
    aws.hostile = answer(other)

    checked = json.loads(aws.command("check", "--json").stdout)["checks"]

    [found] = [each for each in checked if each["name"] == check]
    assert (found["verdict"], f"the answer is about {other}, not about " in found["reason"]) == ("UNKNOWN", True)


def test_every_operation_of_the_checks_is_known_to_name_a_resource_or_none(aws: HostileAws) -> None:
    aws.hostile = with_key("Enabled")

    aws.command("check")

    asked = {aws.operation(request) for request in aws.stub.requests}
    assert asked == {*NAMES, "DescribeStacks"} | NAMELESS


@pytest.mark.parametrize("change", OF_ANOTHER)
@pytest.mark.parametrize("command", ["check", "status"])
def test_a_stack_of_another_account_or_region_is_never_taken_for_the_stack(
    aws: HostileAws, command: str, change: str
) -> None:
    other = OF_ANOTHER[change](stack_id())
    body = described().body.replace(stack_id().encode(), other.encode())
    aws.hostile = only("DescribeStacks", Answer(200, body))

    ended = aws.command(command)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (ExitCode.ERROR, "", 1)
    assert f"the answer is about {other}, not about arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/" in ended.stderr


def test_a_stack_that_is_named_by_its_id_is_that_stack_and_no_earlier_one_of_its_name(aws: HostileAws) -> None:
    found, other = aws.command("status", stack=stack_id()), aws.command("status", stack=f"{stack_id()}2")

    assert found.stdout.startswith(f"Stack {STACK} in {REGION}, account {ACCOUNT}")
    assert (other.returncode, other.stdout) == (ExitCode.ERROR, "")
    assert f"the answer is about {stack_id()}, not about {stack_id()}2" in other.stderr
