"""A deployed stack, found by its name: its bucket, plan function, queues and topic, from its outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NotRequired, TypedDict

from botocore.config import Config
from msgspec import Meta

from patchlake.adapters.aws_errors import AWS_ERRORS, refusal_code_of
from patchlake.adapters.s3 import S3Store
from patchlake.bootstrap import Aws, bucket_store
from patchlake.stages.stored_run import READ_AHEAD
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.operations.calls import failure, read_answer

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_Text = Annotated[str, Meta(min_length=1)]


class _Output(TypedDict):
    OutputKey: str
    OutputValue: _Text


class _Parameter(TypedDict):
    ParameterKey: str
    ParameterValue: str


class _Stack(TypedDict):
    StackId: Annotated[str, Meta(pattern=r"^arn:[^:]+:cloudformation:[^:]+:[0-9]{12}:stack/")]
    StackName: _Text
    StackStatus: str
    Outputs: NotRequired[list[_Output]]
    Parameters: NotRequired[list[_Parameter]]


class _Stacks(TypedDict):
    Stacks: Annotated[list[_Stack], Meta(min_length=1, max_length=1)]


STAGES = ("plan", "discover", "collect", "commit")
"""The stages, each with a function."""

QUEUES: Mapping[str, str] = {
    "discover": "discover",
    "listing": "discover",
    "collect": "collect",
    "detail": "collect",
    "commit": "commit",
}
"""The stage that each queue feeds."""

ADDED_QUEUES = frozenset({"listing", "detail"})
"""The queues that a stack of an older version does not have."""


@dataclass(frozen=True, slots=True)
class StageQueue:
    """A queue of a stage, and its dead-letter queue; ``name`` is its name without that of the stack."""

    name: str
    url: str
    dead_letter_url: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack.

    Attributes:
        parameters: the parameters of the stack, by name.
    """

    stack: str
    partition: str
    account_id: str
    region: str
    bucket: str
    plan_function: str
    plan_dead_letter_url: str
    queues: tuple[StageQueue, ...]
    alarm_topic_arn: str
    parameters: Mapping[str, str]

    @property
    def commit(self) -> StageQueue:
        """The queue of the watch messages."""
        return next(queue for queue in self.queues if queue.name == "commit")

    @property
    def schedule(self) -> str:
        """The name of its schedule."""
        return f"{self.stack}-plan"

    @property
    def log_groups(self) -> tuple[str, ...]:
        """The names of its functions' log groups."""
        return tuple(f"/aws/lambda/{self.stack}-{stage}" for stage in STAGES)

    @property
    def lake(self) -> LakeLocation:
        """The lake in its bucket."""
        return LakeLocation(f"s3://{self.bucket}", self.bucket)

    def store(self, aws: Aws) -> S3Store:
        """Return the stack's bucket."""
        return bucket_store(aws.client("s3", Config(max_pool_connections=READ_AHEAD)), self.bucket)


def read_deployment(client: "CloudFormationClient", stack: str, region: str) -> Deployment:
    """Read a stack's outputs.

    Raises:
        CommandError: there is no such stack, or it is not a patchlake stack.
    """
    try:
        [described] = read_answer(client.describe_stacks(StackName=stack), _Stacks)["Stacks"]
    except AWS_ERRORS as error:
        if refusal_code_of(error) == "ValidationError":
            raise CommandError(
                f"there is no stack {stack} in {region}: --stack takes the stack name that you gave to `sam deploy`, "
                "and the region is that of --region, AWS_REGION or the profile"
            ) from error
        raise CommandError(failure(error, "cloudformation:DescribeStacks", f"stack {stack} in {region}")) from error
    if stack not in {described["StackName"], described["StackId"]}:
        raise CommandError(
            f"stack {stack} in {region}: CloudFormation answered about another stack, {described['StackId']}"
        )
    listed = [(output["OutputKey"], output["OutputValue"]) for output in described.get("Outputs", [])]
    outputs = dict(listed)
    if len(outputs) < len(listed):
        raise CommandError(f"stack {stack} in {region}: CloudFormation answered with two outputs of one name")
    _, partition, _, own_region, account_id, _ = described["StackId"].split(":", 5)
    try:
        return Deployment(
            stack=described["StackName"],
            partition=partition,
            account_id=account_id,
            region=own_region,
            bucket=outputs["BucketName"],
            plan_function=outputs["PlanFunctionName"],
            plan_dead_letter_url=outputs["PlanDeadLetterQueueUrl"],
            queues=tuple(
                StageQueue(name, outputs[f"{name.title()}QueueUrl"], outputs[f"{name.title()}DeadLetterQueueUrl"])
                for name in QUEUES
                if name not in ADDED_QUEUES or f"{name.title()}QueueUrl" in outputs
            ),
            alarm_topic_arn=outputs["AlarmTopicArn"],
            parameters={
                parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in described.get("Parameters", [])
            },
        )
    except KeyError as error:
        raise CommandError(
            f"stack {stack} in {region} ({described['StackStatus']}) has no output {error}: it is not a patchlake "
            "stack, or its deployment is not finished"
        ) from error
