"""The commands of docs/deploy.md do what the page says: they run, as far as the embedded AWS has their services."""

import json
import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

import jmespath  # type: ignore[import-untyped]  # the SDK brings it, without types
import pytest
from boto3.session import Session

from patchlake.config import CollectConfig
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.cloudformation.deploy import deploy
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.embedded.lambda_.environment import ExecutionEnvironment
from tests.aws_commands import ROOT, AwsCommand, commands_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

PAGE = ROOT / "docs" / "deploy.md"
MEMBER = "444455556666"


@pytest.fixture(scope="module")
def stack(shared_aws: EmbeddedAws) -> DeployedStack:
    """The template with its defaults, under the name that the page gives it."""
    return deploy(ROOT / "template.yaml", shared_aws.endpoint, stack_name="patchlake")


@pytest.fixture
def member(shared_aws: EmbeddedAws) -> Session:
    """A session of another account of the organization."""
    endpoint = shared_aws.endpoint
    with closing(endpoint.session.client("sts", endpoint_url=endpoint.url, config=endpoint.config)) as sts:
        role = f"arn:aws:iam::{MEMBER}:role/{shared_aws.settings.role_name}"
        found = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return Session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], region_name=endpoint.region)


def documented(operation: str, **options: str) -> AwsCommand:
    """Return the one command of the page for an operation, with these options."""
    [command] = [
        command
        for command in commands_of(PAGE)
        if command.operation == operation and all(command.options[name] == [value] for name, value in options.items())
    ]
    return command


def run(aws: EmbeddedAws, command: AwsCommand, session: Session | None = None) -> Any:  # noqa: ANN401  # any answer
    """Run a command and return what the AWS CLI would print."""
    endpoint = aws.endpoint
    make = (session or endpoint.session).client
    client: Any = make(command.service, endpoint_url=endpoint.url, config=endpoint.config)  # type: ignore[call-overload]
    with closing(client):
        answer = getattr(client, command.operation.replace("-", "_"))(**command.parameters())
    return jmespath.search(*command.options["query"], answer) if "query" in command.options else answer


def test_the_outputs_are_shown_by_their_names(shared_aws: EmbeddedAws, stack: DeployedStack) -> None:
    rows = run(shared_aws, documented("describe-stacks"))

    assert dict(rows).items() >= stack.outputs.items()


def test_the_first_run_is_started_by_hand(aws: EmbeddedAws, stack: DeployedStack) -> None:
    command = documented("invoke")
    aws.begin_day(0)
    payload = command.parameters()["Payload"].decode()
    minute = aws.fleet.run_at(0).strftime("%Y-%m-%dT%H:%M:00Z")
    event = json.loads(payload.replace("$(date -u +%Y-%m-%dT%H:%M:00Z)", minute))

    assert command.parameters()["FunctionName"] == stack.outputs["PlanFunctionName"]
    with closing(ExecutionEnvironment(stack.functions["plan"], aws.endpoint, lambda _line: None)) as plan:
        answer = plan.invoke(event)

    [shown] = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert answer == json.loads(shown) | {"run_id": answer["run_id"]}


def test_a_member_account_gets_a_role_that_trusts_the_two_of_the_stack(
    shared_aws: EmbeddedAws, stack: DeployedStack, member: Session
) -> None:
    options = documented("deploy", **{"stack-name": "patchlake-member"}).options
    given = dict(pair.split("=", 1) for pair in options["parameter-overrides"])
    parameters: list[ParameterTypeDef] = [
        {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
    ]
    make, endpoint = member.client, shared_aws.endpoint
    with closing(make("cloudformation", endpoint_url=endpoint.url, config=endpoint.config)) as cloudformation:
        cloudformation.create_stack(
            StackName=options["stack-name"][0],
            TemplateBody=(ROOT / options["template-file"][0]).read_text(encoding="utf-8"),
            Parameters=parameters,
        )
    with closing(make("iam", endpoint_url=endpoint.url, config=endpoint.config)) as iam:
        role = iam.get_role(RoleName="patchlake-member")["Role"]

    policy: Any = role["AssumeRolePolicyDocument"]
    [statement] = policy["Statement"]
    trusted = statement["Condition"]["ArnEquals"]["aws:PrincipalArn"]
    assert role["Arn"] == f"arn:aws:iam::{MEMBER}:role/patchlake-member"
    assert trusted == [stack.outputs["DiscoverRoleArn"], stack.outputs["CollectRoleArn"]]
    assert CollectConfig.read(stack.functions["collect"].environment).role_name == role["RoleName"]


def test_the_commands_of_the_stack_set_are_taken_one_after_the_other(shared_aws: EmbeddedAws) -> None:
    operations = [
        "create-stack-set",
        "create-stack-instances",
        "update-stack-set",
        "delete-stack-instances",
        "delete-stack-set",
    ]

    for operation in operations:
        run(shared_aws, documented(operation))

    written = [command.operation for command in commands_of(PAGE) if "stack-set-name" in command.options]
    assert written == operations
