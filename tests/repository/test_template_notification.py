"""The e-mail about a new snapshot: of the commit object alone, from the stack's own rule, without figures."""

import re
import shlex
from pathlib import Path

import pytest

from patchlake.core.keys import coverage_key, part_key, plan_key, shard_key, snapshot_key, table_key
from patchlake.core.targets import Target
from patchlake_cli.embedded.cloudformation.template import Template, read_template
from tests.policies import Request, allowed
from tests.resolved_template import ACCOUNT_ID, REGION, STACK_NAME, properties, resolved

PATH = Path(__file__).parents[2] / "template.yaml"
RUN_ID = "20261123T060000Z"
TARGET = Target("111122223333", "eu-central-1")
ADDRESS = "team@example.com"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture(scope="module")
def template(translated: Template) -> Template:
    """The template with an address that is told of snapshots, resolved."""
    return resolved(translated, NotifyEmail=ADDRESS)


def test_without_an_address_there_is_no_rule_and_no_topic_for_snapshots(translated: Template) -> None:
    made = resolved(translated)["Resources"]

    assert [name for name in made if name.startswith("Snapshot")] == []


def test_the_bucket_sends_its_events_to_eventbridge_in_any_case(translated: Template) -> None:
    bucket = properties(resolved(translated), "Bucket")

    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_the_rule_matches_the_object_that_publishes_a_run_and_no_other(template: Template) -> None:
    pattern = properties(template, "SnapshotRule")["EventPattern"]
    [key] = pattern["detail"]["object"]["key"]
    others = [
        plan_key(RUN_ID),
        shard_key(RUN_ID, TARGET),
        part_key(RUN_ID, TARGET, 0),
        coverage_key(RUN_ID),
        table_key(RUN_ID, "patches"),
    ]

    assert (pattern["source"], pattern["detail-type"]) == (["aws.s3"], ["Object Created"])
    assert pattern["detail"]["bucket"]["name"] == [properties(template, "BucketPolicy")["Bucket"]]
    assert snapshot_key(RUN_ID).startswith(key["prefix"])
    assert [other for other in others if other.startswith(key["prefix"])] == []


def test_only_the_rule_of_the_stack_publishes_to_its_topic(template: Template) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:{STACK_NAME}-snapshots"
    statements = properties(template, "SnapshotTopicPolicy")["PolicyDocument"]["Statement"]

    def may_publish(rule: str) -> bool:
        context = {"aws:SecureTransport": "true", "aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{rule}"}
        return allowed(statements, Request("sns:Publish", topic, context))

    assert [target["Arn"] for target in properties(template, "SnapshotRule")["Targets"]] == [topic]
    assert may_publish(f"{STACK_NAME}-snapshots")
    assert not may_publish("other")
    assert not allowed(statements, Request("sns:Publish", topic, {"aws:SecureTransport": "false"}))


def test_the_address_is_subscribed_to_the_topic(template: Template) -> None:
    subscription = properties(template, "SnapshotSubscription")

    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", ADDRESS)
    assert subscription["TopicArn"] == f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:{STACK_NAME}-snapshots"


def test_the_topic_is_encrypted_with_the_key_of_the_stack_if_it_has_one(translated: Template) -> None:
    """Never with AWS's own key of SNS: EventBridge cannot use it."""
    without, having = (resolved(translated, NotifyEmail=ADDRESS, KmsKeyArn=key) for key in ("", KEY_ARN))

    assert "KmsMasterKeyId" not in properties(without, "SnapshotTopic")
    assert properties(having, "SnapshotTopic")["KmsMasterKeyId"] == KEY_ARN


def test_the_message_names_the_run_and_how_to_read_it_and_has_no_figure(template: Template) -> None:
    [target] = properties(template, "SnapshotRule")["Targets"]
    transformer = target["InputTransformer"]
    lines = transformer["InputTemplate"].splitlines()
    [command] = re.findall(r"patchlake report .*(?=\"$)", lines[-1])
    bucket = properties(template, "BucketPolicy")["Bucket"]

    assert all(re.fullmatch(r'"[^"\\]+"', line) for line in lines)
    assert re.findall(r"<(\w+)>", transformer["InputTemplate"]) == list(transformer["InputPathsMap"])
    assert transformer["InputPathsMap"] == {"key": "$.detail.object.key"}
    assert not re.search(r"\d", transformer["InputTemplate"].replace("s3://", ""))
    assert shlex.split(command) == ["patchlake", "report", "--lake", f"s3://{bucket}", "--out", "report.html"]


@pytest.mark.parametrize("parameter", ["AlarmEmail", "NotifyEmail"])
def test_an_address_is_empty_or_an_address(parameter: str) -> None:
    pattern = read_template(PATH)["Parameters"][parameter]["AllowedPattern"]

    assert all(re.fullmatch(pattern, text) for text in ("", "a@example.com", "a+b@mail.example.com"))
    assert not any(
        re.fullmatch(pattern, text) for text in ("a", "a@b", "a b@example.com", "a@example.com,b@example.com")
    )
