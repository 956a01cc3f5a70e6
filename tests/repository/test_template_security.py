"""The limits of template.yaml's policies: bucket, queues, topic and roles, evaluated as by IAM."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from patchlake_cli.embedded.cloudformation.template import Template, resources_of_type
from tests.policies import Request, Statement, allowed, applies, denied
from tests.resolved_template import ACCOUNT_ID, REGION, properties, resolved

PATH = Path(__file__).parents[2] / "template.yaml"
BUCKET = "arn:aws:s3:::Bucket"
STAGES = ["plan", "discover", "collect", "commit"]
QUEUES = ["discover", "listing", "collect", "detail", "commit"]
TLS = {"aws:SecureTransport": "true"}
KEYS = [
    "plans/20261123T060000Z.json",
    "runs/20261123T060000Z/parts/111122223333.eu-central-1/00000.parquet",
    "lake/patch_states/run_date=2026-11-23/20261123T060000Z.parquet",
]
EVERY_KEY = pytest.mark.parametrize("key", KEYS)


@pytest.fixture(scope="module")
def template(translated: Template) -> Template:
    """The template with its defaults, resolved."""
    return resolved(translated)


def policy(template: Template, logical_id: str) -> list[Statement]:
    """Return the statements of a resource policy."""
    statements: list[Statement] = properties(template, logical_id)["PolicyDocument"]["Statement"]
    return statements


def role_statements(template: Template, logical_id: str) -> list[Statement]:
    """Return the statements of all policies of a role."""
    return [
        statement
        for each in properties(template, logical_id)["Policies"]
        for statement in each["PolicyDocument"]["Statement"]
    ]


@EVERY_KEY
def test_an_object_can_be_created_once_only(template: Template, key: str) -> None:
    resource = f"{BUCKET}/{key}"
    creating = TLS | {"s3:ObjectCreationOperation": "true"}

    def refused(**headers: str) -> bool:
        context = creating | {f"s3:{name.replace('_', '-')}": value for name, value in headers.items()}
        return denied(policy(template, "BucketPolicy"), Request("s3:PutObject", resource, context))

    assert not refused(if_none_match="*")
    assert refused()
    assert refused(if_match="an etag")
    assert refused(if_none_match="*", if_match="an etag")


@EVERY_KEY
def test_the_parts_of_a_multipart_upload_need_no_condition(template: Template, key: str) -> None:
    request = Request("s3:PutObject", f"{BUCKET}/{key}", TLS | {"s3:ObjectCreationOperation": "false"})

    assert not denied(policy(template, "BucketPolicy"), request)


@EVERY_KEY
@pytest.mark.parametrize("action", ["s3:DeleteObject", "s3:DeleteObjectVersion"])
def test_nobody_may_delete(template: Template, key: str, action: str) -> None:
    assert denied(policy(template, "BucketPolicy"), Request(action, f"{BUCKET}/{key}", TLS))


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"])
def test_files_of_the_policy_can_be_replaced_and_deleted(template: Template, action: str) -> None:
    context = TLS | {"s3:ObjectCreationOperation": "true"}

    assert not denied(policy(template, "BucketPolicy"), Request(action, f"{BUCKET}/policy/sla/deadlines.csv", context))


@pytest.mark.parametrize(
    ("logical_id", "action", "resource"),
    [
        ("BucketPolicy", "s3:GetObject", f"{BUCKET}/lake/x"),
        ("BucketPolicy", "s3:ListBucket", BUCKET),
        ("QueuePolicy", "sqs:SendMessage", "any"),
        ("AlarmTopicPolicy", "sns:Publish", f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:patchlake-alarms"),
    ],
)
def test_nothing_is_reached_without_tls(template: Template, logical_id: str, action: str, resource: str) -> None:
    statements = policy(template, logical_id)

    assert denied(statements, Request(action, resource, {"aws:SecureTransport": "false"}))
    assert not denied(statements, Request(action, resource, TLS))


def test_every_queue_refuses_what_is_not_encrypted_on_its_way(translated: Template) -> None:
    queues = resources_of_type(translated, "AWS::SQS::Queue")

    assert sorted(queue["Ref"] for queue in properties(translated, "QueuePolicy")["Queues"]) == sorted(queues)
    assert all(queue["Properties"]["SqsManagedSseEnabled"] is True for queue in queues.values())


@pytest.mark.parametrize("queue", QUEUES)
def test_a_dead_letter_queue_takes_messages_of_its_own_queue_only(template: Template, queue: str) -> None:
    allow = properties(template, f"{queue.title()}DeadLetterQueue")["RedriveAllowPolicy"]

    assert allow == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:patchlake-{queue}"],
    }


@pytest.mark.parametrize("logical_id", ["PlanDeadLetterQueue", *(f"{queue.title()}Queue" for queue in QUEUES)])
def test_no_other_queue_is_a_dead_letter_queue_of_queues(template: Template, logical_id: str) -> None:
    assert properties(template, logical_id)["RedriveAllowPolicy"] == {"redrivePermission": "denyAll"}


def test_what_scheduler_and_plan_fail_at_ends_in_one_queue(template: Template) -> None:
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:patchlake-plan-dead-letter"
    [schedule] = resources_of_type(template, "AWS::Scheduler::Schedule").values()
    [invoke] = resources_of_type(template, "AWS::Lambda::EventInvokeConfig").values()

    assert schedule["Properties"]["Target"]["DeadLetterConfig"] == {"Arn": arn}
    assert invoke["Properties"]["DestinationConfig"]["OnFailure"]["Destination"] == arn
    assert allowed(role_statements(template, "SchedulerRole"), Request("sqs:SendMessage", arn))
    assert allowed(role_statements(template, "PlanRole"), Request("sqs:SendMessage", arn))


def test_scheduler_works_for_this_account_only(template: Template) -> None:
    [trust] = properties(template, "SchedulerRole")["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}


def test_only_our_own_alarms_publish_to_the_topic(template: Template) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:patchlake-alarms"

    def may_publish(account_id: str, alarm: str) -> bool:
        source = {
            "aws:SourceAccount": account_id,
            "aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{account_id}:alarm:{alarm}",
        }
        return allowed(policy(template, "AlarmTopicPolicy"), Request("sns:Publish", topic, TLS | source))

    assert may_publish(ACCOUNT_ID, "patchlake-coverage-gap")
    assert not may_publish(ACCOUNT_ID, "other")
    assert not may_publish("444455556666", "patchlake-coverage-gap")


def test_with_an_organization_no_role_outside_of_it_is_assumed(translated: Template) -> None:
    template = resolved(translated, Accounts="444455556666", OrganizationId="o-abcdefghij")
    role = "arn:aws:iam::444455556666:role/patchlake-member"

    for assuming in ("DiscoverRole", "CollectRole"):
        statements = role_statements(template, assuming)
        assert allowed(statements, Request("sts:AssumeRole", role, {"aws:ResourceOrgID": "o-abcdefghij"}))
        assert not allowed(statements, Request("sts:AssumeRole", role, {"aws:ResourceOrgID": "o-klmnopqrst"}))
        assert not allowed(statements, Request("sts:AssumeRole", role))


def test_without_other_accounts_no_function_may_assume_a_role(template: Template) -> None:
    request = Request("sts:AssumeRole", "arn:aws:iam::444455556666:role/patchlake-member")

    assert not any(
        applies(statement, request)
        for role in resources_of_type(template, "AWS::IAM::Role")
        for statement in role_statements(template, role)
    )


@pytest.mark.parametrize("stage", STAGES)
def test_the_key_is_used_through_s3_only(translated: Template, stage: str) -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/1234"
    template = resolved(translated, KmsKeyArn=key)
    statements = role_statements(template, f"{stage.title()}Role")

    assert allowed(statements, Request("kms:Decrypt", key, {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}))
    assert not allowed(statements, Request("kms:Decrypt", key, {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}))


def test_with_a_key_the_bucket_and_every_log_are_encrypted_with_it(translated: Template) -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/1234"
    template = resolved(translated, KmsKeyArn=key)

    [rule] = properties(template, "Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    logs = resources_of_type(template, "AWS::Logs::LogGroup").values()
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    assert rule["BucketKeyEnabled"] is True
    assert {log["Properties"]["KmsKeyId"] for log in logs} == {key}


def test_without_a_key_the_bucket_is_encrypted_all_the_same(template: Template) -> None:
    [rule] = properties(template, "Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


def test_the_documented_policy_of_a_key_lets_the_stack_and_its_services_use_it(translated: Template) -> None:
    page = (PATH.parent / "docs" / "security.md").read_text(encoding="utf-8")
    [text] = re.findall(r"<!-- key policy: begin -->\n```json\n(.*?)```", page, re.DOTALL)
    by_iam, by_logs, by_events = json.loads(text)
    key = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/1"
    template = resolved(translated, KmsKeyArn=key, NotifyEmail="someone@example.com")
    roles = [
        statement
        for stage in STAGES
        for statement in role_statements(template, f"{stage.title()}Role")
        if statement["Resource"] == key
    ]
    groups = resources_of_type(template, "AWS::Logs::LogGroup").values()
    [groups_of_policy] = by_logs["Condition"]["ArnLike"].values()

    assert len(roles) == len(STAGES)
    assert {action for statement in roles for action in statement["Action"]} <= set(by_iam["Action"])
    assert {group["Properties"]["KmsKeyId"] for group in groups} == {key}
    for group in groups:
        name = group["Properties"]["LogGroupName"]
        assert fnmatchcase(f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{name}", groups_of_policy)
    assert properties(template, "SnapshotTopic")["KmsMasterKeyId"] == key
    # SNS supports no condition about the source in the key's policy, for EventBridge; the topic's own policy has it.
    assert "Condition" not in by_events
    assert "aws:SourceArn" in policy(template, "SnapshotTopicPolicy")[0]["Condition"]["ArnEquals"]
