"""template.yaml, deployed to an embedded CloudFormation: the reported results, and the actual resources."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patchlake.config import CollectConfig, CommitConfig, DiscoverConfig, PlanConfig
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER, QueueTiming
from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.cloudformation.deploy import deploy
from patchlake_cli.embedded.cloudformation.template import read_template
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.embedded.lambda_.environment import ExecutionEnvironment
from patchlake_cli.embedded.lambda_.function_process import InvocationError
from patchlake_cli.embedded.lambda_.schedule import invoke_asynchronously, scheduled_event
from tests.toys import NOWHERE, REGION, running_moto, toy_function

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
TIMINGS = {"discover": DISCOVER, "listing": DISCOVER, "collect": COLLECT, "detail": COLLECT, "commit": COMMIT}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """One moto server for all tests; each deploys a stack with its own name."""
    with running_moto() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def stack(endpoint: Endpoint) -> DeployedStack:
    """The template with its defaults."""
    return deploy(TEMPLATE, endpoint, stack_name="patchlake")


@pytest.fixture
def sqs(endpoint: Endpoint) -> Iterator["SQSClient"]:
    """The queues as an operator sees them."""
    client = endpoint.session.client("sqs", endpoint_url=endpoint.url, config=endpoint.config)
    yield client
    client.close()


@pytest.fixture
def s3(endpoint: Endpoint) -> Iterator["S3Client"]:
    """The buckets as an operator sees them."""
    client = endpoint.session.client("s3", endpoint_url=endpoint.url, config=endpoint.config)
    yield client
    client.close()


def test_the_functions_are_the_four_stages_in_the_order_of_the_flow(stack: DeployedStack) -> None:
    assert list(stack.functions) == ["plan", "discover", "collect", "commit"]


def test_each_environment_satisfies_its_configuration(stack: DeployedStack) -> None:
    variables = {stage: function.environment for stage, function in stack.functions.items()}

    plan = PlanConfig.read(variables["plan"])
    discover = DiscoverConfig.read(variables["discover"])
    collect = CollectConfig.read(variables["collect"])
    commit = CommitConfig.read(variables["commit"])

    assert {plan.bucket, discover.bucket, collect.bucket, commit.bucket} == {stack.bucket}
    assert (plan.accounts, plan.regions, plan.batch_size) == ("self", (REGION,), 2000)
    assert plan.discover_queue_url == discover.discover_queue_url == stack.outputs["DiscoverQueueUrl"]
    assert discover.collect_queue_url == collect.collect_queue_url == stack.outputs["CollectQueueUrl"]
    assert plan.commit_queue_url == commit.commit_queue_url == stack.outputs["CommitQueueUrl"]
    assert collect.detail_queue_url == commit.detail_queue_url == stack.outputs["DetailQueueUrl"]
    assert (
        plan.listing_queue_url
        == discover.listing_queue_url
        == commit.listing_queue_url
        == stack.outputs["ListingQueueUrl"]
    )
    assert (plan.collect_patches, plan.detail_deadline_seconds) == (True, 3600)
    assert (plan.collect_instances, plan.tag_keys) == (True, ())
    assert (discover.external_id, collect.connections, commit.tick_seconds) == ("", 8, 60)


def test_a_function_is_described_as_the_template_has_it(stack: DeployedStack) -> None:
    collect = stack.functions["collect"]

    assert (collect.name, collect.handler) == ("patchlake-collect", "app.lambda_handler")
    assert collect.arn == f"arn:aws:lambda:{REGION}:{stack.account_id}:function:patchlake-collect"
    assert collect.code_path == ROOT / "functions" / "collect"
    assert ROOT / "layers" / "patchlake" in collect.layer_paths
    assert (collect.timeout_seconds, collect.memory_mb) == (COLLECT.timeout_seconds, 1024)


@pytest.mark.parametrize(("stage", "timing"), TIMINGS.items())
def test_the_queues_stand_with_their_times_and_redrive_policies(
    stack: DeployedStack, sqs: "SQSClient", stage: str, timing: QueueTiming
) -> None:
    _, source = stack.event_sources[stage]

    attributes = sqs.get_queue_attributes(QueueUrl=source.queue_url, AttributeNames=["All"])["Attributes"]
    redrive = json.loads(attributes["RedrivePolicy"])

    assert attributes["QueueArn"] == source.queue_arn
    assert int(attributes["VisibilityTimeout"]) == timing.visibility_seconds
    assert int(redrive["maxReceiveCount"]) == timing.max_receive_count
    assert source.dead_letter_queue_url is not None
    assert source.dead_letter_queue_url.endswith(redrive["deadLetterTargetArn"].rpartition(":")[2])


def test_an_event_source_is_described_as_the_template_has_it(stack: DeployedStack) -> None:
    sources = {name: (function.stage, source) for name, (function, source) in stack.event_sources.items()}

    assert {
        name: (stage, source.batch_size, source.maximum_concurrency) for name, (stage, source) in sources.items()
    } == {
        "discover": ("discover", 1, 2),
        "listing": ("discover", 1, 2),
        "collect": ("collect", 1, 2),
        "detail": ("collect", 1, 2),
        "commit": ("commit", 1, 2),
    }
    assert all(source.reports_item_failures for _, source in sources.values())


def test_the_bucket_keeps_versions(stack: DeployedStack, s3: "S3Client") -> None:
    assert s3.get_bucket_versioning(Bucket=stack.bucket)["Status"] == "Enabled"


def test_a_parameter_reaches_what_depends_on_it(endpoint: Endpoint) -> None:
    parameters = {
        "Accounts": "organization",
        "ExcludedAccounts": "777788889999,444455556666",
        "Regions": "eu-west-1,us-east-1",
        "TickSeconds": "1",
        "CollectConcurrency": "7",
        "DetailConcurrency": "5",
        "DetailDeadlineSeconds": "900",
        "CollectPatches": "false",
        "CollectInstances": "false",
        "TagKeys": "Owner,cost:center",
        "IncludeSensitiveFields": "true",
    }

    stack = deploy(TEMPLATE, endpoint, stack_name="other", parameters=parameters)

    plan = PlanConfig.read(stack.functions["plan"].environment)
    assert (plan.accounts, plan.regions) == ("organization", ("eu-west-1", "us-east-1"))
    assert plan.excluded_accounts == ("777788889999", "444455556666")
    assert plan.include_sensitive_fields
    assert CommitConfig.read(stack.functions["commit"].environment).tick_seconds == 1
    assert (plan.collect_patches, plan.detail_deadline_seconds) == (False, 900)
    assert (plan.collect_instances, plan.tag_keys) == (False, ("Owner", "cost:center"))
    concurrency = {name: source.maximum_concurrency for name, (_, source) in stack.event_sources.items()}
    assert (concurrency["collect"], concurrency["detail"]) == (7, 5)


def test_two_stacks_share_nothing(endpoint: Endpoint, stack: DeployedStack) -> None:
    second = deploy(TEMPLATE, endpoint, stack_name="second")

    assert not set(second.outputs.values()) & set(stack.outputs.values())
    assert second.bucket != stack.bucket


def test_a_parameter_that_the_template_does_not_have_is_refused(endpoint: Endpoint) -> None:
    with pytest.raises(ValueError, match=r"template\.yaml has no parameter TickSecond$"):
        deploy(TEMPLATE, endpoint, stack_name="refused", parameters={"TickSecond": "1"})


def test_an_operator_reads_the_outputs_from_the_stack(endpoint: Endpoint, stack: DeployedStack) -> None:
    client = endpoint.session.client("cloudformation", endpoint_url=endpoint.url, config=endpoint.config)
    [described] = client.describe_stacks(StackName="patchlake")["Stacks"]
    client.close()

    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    assert outputs["BucketName"] == stack.bucket
    assert outputs.items() >= stack.outputs.items()


def test_the_outputs_name_also_what_the_embedded_aws_does_not_make(stack: DeployedStack) -> None:
    outputs = read_template(TEMPLATE)["Outputs"]
    written = {name for name, output in outputs.items() if "Condition" not in output}

    # The bucket of query results belongs to the nested stack, which chooses its name.
    assert stack.outputs.keys() == written - {"ResultsBucketName"}
    assert stack.outputs["PlanFunctionName"] == stack.functions["plan"].name
    assert (stack.outputs["DatabaseName"], stack.outputs["WorkgroupName"]) == ("patchlake", "patchlake")
    assert stack.outputs["DashboardName"] == f"patchlake-{REGION}"
    assert stack.outputs["AlarmTopicArn"] == f"arn:aws:sns:{REGION}:{stack.account_id}:patchlake-alarms"
    assert stack.outputs["DiscoverRoleArn"] == f"arn:aws:iam::{stack.account_id}:role/patchlake-{REGION}-discover"


def test_the_schedules_event_carries_the_scheduled_time_in_utc(stack: DeployedStack) -> None:
    scheduled_at = datetime(2026, 11, 1, 8, 0, tzinfo=timezone(timedelta(hours=2)))

    event = scheduled_event(stack, scheduled_at)

    assert event == json.loads((ROOT / "events" / "plan.json").read_text(encoding="utf-8"))


FAILS_TWICE = """
    CALLS = []

    def lambda_handler(event, context):
        CALLS.append(event)
        if len(CALLS) < 3:
            raise OSError(f"call {len(CALLS)}")
        return len(CALLS)
    """


def test_an_asynchronous_invocation_is_repeated_as_often_as_the_function_says(
    stack: DeployedStack, tmp_path: Path
) -> None:
    retries = stack.functions["plan"].asynchronous_retries

    with closing(ExecutionEnvironment(toy_function(tmp_path, FAILS_TWICE), NOWHERE, lambda _: None)) as environment:
        calls = invoke_asynchronously(environment, {}, retries=retries)

    assert calls == 3


def test_an_asynchronous_invocation_that_keeps_failing_raises_its_last_error(tmp_path: Path) -> None:
    with (
        closing(ExecutionEnvironment(toy_function(tmp_path, FAILS_TWICE), NOWHERE, lambda _: None)) as environment,
        pytest.raises(InvocationError, match="call 2"),
    ):
        invoke_asynchronously(environment, {}, retries=1)
