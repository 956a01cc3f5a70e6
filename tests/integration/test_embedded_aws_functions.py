"""The embedded Lambda as operators call it, and the settings of a stack that moto's CloudFormation skips."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from patchlake.core.keys import plan_key
from patchlake_cli.embedded.aws.server import EmbeddedAws
from tests.deployed import DeployedRun, new_stack, running, s3, sqs


def client(aws: EmbeddedAws, service: Any) -> Any:  # noqa: ANN401 - any client
    return aws.endpoint.session.client(service, endpoint_url=aws.endpoint_url, config=aws.endpoint.config)


def invoke(aws: EmbeddedAws, function: str, event: object) -> tuple[str | None, Any]:
    answer = client(aws, "lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def visible(aws: EmbeddedAws, url: str) -> int:
    names: Any = ["ApproximateNumberOfMessages"]
    return int(sqs(aws.endpoint).get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])


@pytest.fixture(scope="module")
def a_run(shared_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedRun]:
    """A stack whose functions run; each test has a day of its own."""
    with running(shared_aws, new_stack(shared_aws), 0, tmp_path_factory.mktemp("run")) as run:
        yield run


def test_a_function_of_a_running_pipeline_is_invoked_through_the_api(aws: EmbeddedAws, a_run: DeployedRun) -> None:
    run = a_run.on_day(0)

    error, answer = invoke(aws, run.pipeline.stack.functions["plan"].arn, {"scheduled_time": run.at.isoformat()})

    assert error is None
    assert answer == {"run_id": run.run_id, "step": "STORED", "targets": 6}
    assert run.pipeline.store.exists(plan_key(run.run_id))
    run.wait_until_committed()


def test_what_a_handler_raises_is_told_as_lambda_tells_it(aws: EmbeddedAws, a_run: DeployedRun) -> None:
    error, answer = invoke(aws, a_run.pipeline.stack.functions["plan"].name, {"scheduled_time": "never"})

    assert error == "Unhandled"
    assert answer["errorType"] == "InputError"
    assert "the event's scheduled_time is 'never'" in answer["errorMessage"]


def test_a_function_that_does_not_run_is_not_found(aws: EmbeddedAws) -> None:
    stack = new_stack(aws)

    with pytest.raises(ClientError, match="Function not found"):
        invoke(aws, stack.functions["plan"].name, {})


def test_an_event_source_that_is_disabled_delivers_nothing_until_it_is_enabled(
    aws: EmbeddedAws, a_run: DeployedRun
) -> None:
    run = a_run.on_day(1)
    lambda_client = client(aws, "lambda")
    _, queue = run.pipeline.stack.event_sources["discover"]
    [source] = lambda_client.list_event_source_mappings(EventSourceArn=queue.queue_arn)["EventSourceMappings"]

    lambda_client.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    run.fire()
    waiting = visible(aws, run.queue_url("discover"))
    [disabled] = lambda_client.list_event_source_mappings(EventSourceArn=source["EventSourceArn"])[
        "EventSourceMappings"
    ]
    lambda_client.update_event_source_mapping(UUID=source["UUID"], Enabled=True)
    run.wait_until_committed()

    assert (source["State"], disabled["State"]) == ("Enabled", "Disabled")
    assert source["ScalingConfig"] == {"MaximumConcurrency": 2}
    # One receive may have been in progress when it was disabled.
    assert waiting >= 5


def test_the_limit_of_concurrent_functions_is_a_condition(aws: EmbeddedAws) -> None:
    aws.change(concurrent_executions=10)

    limit = client(aws, "lambda").get_account_settings()["AccountLimit"]

    assert limit["ConcurrentExecutions"] == 10


def test_a_buckets_policy_is_kept_as_the_template_has_it_and_not_enforced(aws: EmbeddedAws) -> None:
    stack = new_stack(aws)
    bucket = s3(aws.endpoint)

    statements = json.loads(bucket.get_bucket_policy(Bucket=stack.bucket)["Policy"])["Statement"]
    bucket.put_object(Bucket=stack.bucket, Key="plans/any", Body=b"", IfNoneMatch="*")
    bucket.delete_bucket_policy(Bucket=stack.bucket)

    assert [statement["Sid"] for statement in statements] == [
        "OnlyOverTls",
        "CreateOnce",
        "NeverReplace",
        "NeverDelete",
    ]
    assert statements[3]["Resource"] == [
        f"arn:aws:s3:::{stack.bucket}/{folder}/*" for folder in ("plans", "runs", "lake")
    ]
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        bucket.get_bucket_policy(Bucket=stack.bucket)


def test_the_schedule_and_the_subscription_stand_as_the_template_has_them(aws: EmbeddedAws) -> None:
    stack = new_stack(aws, AlarmEmail="operators@example.com", LakeRetentionDays="365")

    schedule = client(aws, "scheduler").get_schedule(Name=f"{stack.name}-plan")
    [subscription] = client(aws, "sns").list_subscriptions_by_topic(TopicArn=stack.outputs["AlarmTopicArn"])[
        "Subscriptions"
    ]
    lifecycle = s3(aws.endpoint).get_bucket_lifecycle_configuration(Bucket=stack.bucket)["Rules"]

    assert (schedule["State"], schedule["ScheduleExpression"]) == ("ENABLED", "cron(0 6 * * ? *)")
    assert schedule["Target"]["Arn"] == stack.functions["plan"].arn
    assert subscription["Endpoint"] == "operators@example.com"
    days = {rule["Filter"]["Prefix"]: rule["Expiration"].get("Days") for rule in lifecycle if "Expiration" in rule}
    assert days == {"runs/": 30, "plans/": 365, "lake/": 365, "": None}


def test_an_address_for_new_snapshots_is_subscribed_to_a_topic_of_its_own(aws: EmbeddedAws) -> None:
    stack = new_stack(aws, NotifyEmail="team@example.com")

    topics = [stack.outputs[name] for name in ("SnapshotTopicArn", "AlarmTopicArn")]
    told, alarmed = (client(aws, "sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"] for arn in topics)

    assert [subscription["Endpoint"] for subscription in told] == ["team@example.com"]
    assert alarmed == []


def test_every_output_of_the_template_is_known(aws: EmbeddedAws) -> None:
    stack = new_stack(aws)

    assert stack.outputs["PlanFunctionName"] == stack.functions["plan"].name
    assert stack.outputs["DiscoverRoleArn"].endswith(f":role/{stack.name}-{stack.region}-discover")


def test_the_command_runs_an_embedded_aws_until_it_is_interrupted() -> None:
    command = [str(Path(sys.executable).with_name("patchlake")), "embedded-aws", "--nodes", "50", "--stack", "by-hand"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as served:
        assert served.stdout is not None
        lines = [served.stdout.readline().strip() for _ in range(6)]
        variables = dict(line.removeprefix("export ").split("=", 1) for line in lines[:5])
        address = variables["AWS_ENDPOINT_URL"].removeprefix("http://")
        connection = HTTPConnection(address, timeout=30)
        connection.request("POST", "/_embedded/statistics", b"null")
        status = connection.getresponse().status
        connection.close()
        served.send_signal(signal.SIGINT)
        ended = served.wait(timeout=30)

    assert status == 200
    assert variables.keys() == {
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    }
    assert lines[5] == "# Paste these lines into a second terminal. Then, for example: patchlake run --stack by-hand"
    assert ended == 0
