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
from patchlake_cli.operations.calls import failure, read_answer, require_about

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
    StackId: str
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
class Home:
    """The partition, account and region of a stack."""

    partition: str
    account_id: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource that is there."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"


@dataclass(frozen=True, slots=True)
class QueueAddress:
    """The URL of a queue, which calls need, and its ARN, which answers name."""

    url: str
    arn: str

    @property
    def name(self) -> str:
        """The name of the queue."""
        return self.arn.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class StageQueue:
    """A queue of a stage, and its dead-letter queue; ``name`` is its name without that of the stack."""

    name: str
    address: QueueAddress
    dead_letters: QueueAddress


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stack.

    Attributes:
        parameters: the parameters of the stack, by name.
    """

    stack: str
    home: Home
    bucket: str
    plan_function: str
    plan_dead_letters: QueueAddress
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


def read_deployment(client: "CloudFormationClient", stack: str, home: Home) -> Deployment:
    """Read a stack's outputs.

    Args:
        client: with the caller's credentials.
        stack: its name or id.
        home: the caller's account and region, where the stack must be.

    Raises:
        CommandError: there is no such stack, or it is not a patchlake stack.
    """
    region = home.region
    try:
        [described] = read_answer(client.describe_stacks(StackName=stack), _Stacks)["Stacks"]
        require_about(stack, described["StackId" if stack.startswith("arn:") else "StackName"])
        require_about(home.arn("cloudformation", f"stack/{described['StackName']}/*"), described["StackId"])
    except AWS_ERRORS as error:
        if refusal_code_of(error) == "ValidationError":
            raise CommandError(
                f"there is no stack {stack} in {region}: --stack takes the stack name that you gave to `sam deploy`, "
                "and the region is that of --region, AWS_REGION or the profile"
            ) from error
        raise CommandError(failure(error, "cloudformation:DescribeStacks", f"stack {stack} in {region}")) from error
    listed = [(output["OutputKey"], output["OutputValue"]) for output in described.get("Outputs", [])]
    outputs = dict(listed)
    if len(outputs) < len(listed):
        raise CommandError(f"stack {stack} in {region}: CloudFormation answered with two outputs of one name")

    def address(output: str) -> QueueAddress:
        url = outputs[output]
        return QueueAddress(url, home.arn("sqs", url.rpartition("/")[2]))

    try:
        return Deployment(
            stack=described["StackName"],
            home=home,
            bucket=outputs["BucketName"],
            plan_function=outputs["PlanFunctionName"],
            plan_dead_letters=address("PlanDeadLetterQueueUrl"),
            queues=tuple(
                StageQueue(name, address(f"{name.title()}QueueUrl"), address(f"{name.title()}DeadLetterQueueUrl"))
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
