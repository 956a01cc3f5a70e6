"""Each gap of MiniStack that the template is cut for is still there: without it, the list has to shrink."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.e2e.ministack import MiniStack, running_ministack
from tests.e2e.ministack_gaps import CUTS, Gap


@pytest.fixture(scope="module")
def cloud() -> Iterator[MiniStack]:
    with running_ministack("eu-central-1") as cloud:
        yield cloud


def refusal(cloud: MiniStack, name: str, resources: dict[str, Any], parameters: dict[str, Any] | None = None) -> str:
    """Deploy a stack, and return the reason why it could not be made; nothing if it was."""
    client = cloud.client("cloudformation")
    body = json.dumps({"Parameters": parameters or {}, "Resources": resources})
    try:
        client.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"], DisableRollback=True)
        client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    except ClientError as error:
        return str(error)
    except WaiterError:
        events = client.describe_stack_events(StackName=name)["StackEvents"]
        return " ".join(event.get("ResourceStatusReason", "") for event in events)
    return ""


def test_every_gap_has_one_cut() -> None:
    assert [cut.gap for cut in CUTS] == list(Gap)


def test_there_are_no_named_queries(cloud: MiniStack) -> None:
    query = {
        "Type": "AWS::Athena::NamedQuery",
        "Properties": {"Name": "one", "Database": "default", "QueryString": "SELECT 1"},
    }

    assert "AWS::Athena::NamedQuery" in refusal(cloud, "with-a-query", {"Query": query})


def test_there_is_no_metric_math(cloud: MiniStack) -> None:
    metric = {"Metric": {"Namespace": "a", "MetricName": "b"}, "Stat": "Sum", "Period": 60}
    properties = {
        "Metrics": [{"Id": "sum", "MetricStat": metric}],
        "ComparisonOperator": "LessThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": 1,
    }

    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}

    assert "metric math" in refusal(cloud, "with-metric-math", {"Alarm": alarm})


def test_a_concurrency_from_a_parameter_stays_text(cloud: MiniStack) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": "def handler(event, context): pass"},
    }
    source = {
        "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
        "FunctionName": {"Ref": "Function"},
        "ScalingConfig": {"MaximumConcurrency": {"Ref": "Concurrency"}},
    }
    resources = {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Source": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": source},
    }
    client, answers = cloud.client("lambda"), list[bytes]()
    # The SDK reads a number from the text.
    client.meta.events.register("before-parse.lambda", lambda response_dict, **_: answers.append(response_dict["body"]))

    assert refusal(cloud, "with-a-source", resources, {"Concurrency": {"Type": "Number", "Default": 2}}) == ""
    client.list_event_source_mappings()

    [source] = json.loads(answers[0])["EventSourceMappings"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": "2"}


def test_lifecycle_rules_are_dropped(cloud: MiniStack) -> None:
    rule = {"Status": "Enabled", "Prefix": "runs/", "ExpirationInDays": 30}
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"BucketName": "with-a-rule", "LifecycleConfiguration": {"Rules": [rule]}},
    }

    assert refusal(cloud, "with-lifecycle-rules", {"Bucket": bucket}) == ""

    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        cloud.client("s3").get_bucket_lifecycle_configuration(Bucket="with-a-rule")


def test_sending_a_batch_needs_an_action_that_aws_does_not_have(cloud: MiniStack) -> None:
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    sender = cloud.as_user("sender", json.dumps({"Version": "2012-10-17", "Statement": [statement]})).client("sqs")
    url = cloud.client("sqs").create_queue(QueueName="queue")["QueueUrl"]

    sender.send_message(QueueUrl=url, MessageBody="one")

    with pytest.raises(ClientError, match="not authorized to perform: sqs:SendMessageBatch"):
        sender.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "one"}])
