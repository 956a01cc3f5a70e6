"""The permissions that AWS calls need, and whether a role's policies grant exactly these."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from tests.policies import Request, Statement, allowed, applies, listed

ACTIONS = {
    ("ec2", "DescribeInstances"): "ec2:DescribeInstances",
    ("ec2", "DescribeRegions"): "ec2:DescribeRegions",
    ("ec2", "DescribeTags"): "ec2:DescribeTags",
    ("organizations", "ListAccounts"): "organizations:ListAccounts",
    ("organizations", "ListAccountsForParent"): "organizations:ListAccountsForParent",
    ("organizations", "ListOrganizationalUnitsForParent"): "organizations:ListOrganizationalUnitsForParent",
    ("s3", "GetObject"): "s3:GetObject",
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "PutObject"): "s3:PutObject",
    ("sqs", "ChangeMessageVisibility"): "sqs:ChangeMessageVisibility",
    ("sqs", "GetQueueAttributes"): "sqs:GetQueueAttributes",
    ("sqs", "SendMessage"): "sqs:SendMessage",
    ("sqs", "SendMessageBatch"): "sqs:SendMessage",
    ("ssm", "DescribeInstanceInformation"): "ssm:DescribeInstanceInformation",
    ("ssm", "DescribeInstancePatchStates"): "ssm:DescribeInstancePatchStates",
    ("ssm", "DescribeInstancePatches"): "ssm:DescribeInstancePatches",
    ("sts", "AssumeRole"): "sts:AssumeRole",
}
"""The action by which IAM knows an operation.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

_READS = {"GetObject", "HeadObject"}


class Call(NamedTuple):
    """One recorded call of a function.

    Attributes:
        stage: whose handler made it.
        is_own: by the function's own role, not by one that it had assumed.
        said: the parameters that determine the resource and the conditions.
    """

    stage: str
    service: str
    operation: str
    is_own: bool
    said: tuple[tuple[str, str], ...]

    def parameters(self) -> Mapping[str, str]:
        """Return the recorded parameters by name."""
        return dict(self.said)


def requests(call: Call, stack: DeployedStack) -> Iterator[Request]:
    """Return the IAM requests of a call."""
    if call.operation == "GetCallerIdentity":
        return  # needs no permission and cannot be denied
    said = call.parameters()
    context: dict[str, str] = {}
    match call.service:
        case "s3":
            bucket = f"arn:aws:s3:::{said['Bucket']}"
            resource = f"{bucket}/{said['Key']}" if "Key" in said else bucket
            if call.operation == "PutObject":
                context = {"s3:ObjectCreationOperation": "true"}
                context |= {"s3:if-none-match": said["IfNoneMatch"]} if "IfNoneMatch" in said else {}
            if call.operation in _READS:
                # Without it S3 answers 403 for a key that does not exist, and the function could not continue.
                yield Request("s3:ListBucket", bucket)
        case "sqs":
            resource = f"arn:aws:sqs:{stack.region}:{stack.account_id}:{said['QueueUrl'].rpartition('/')[2]}"
        case "sts":
            resource = said["RoleArn"]
            context = {"sts:ExternalId": said["ExternalId"]} if "ExternalId" in said else {}
        case _:
            resource = "*"
    yield Request(ACTIONS[call.service, call.operation], resource, context)


def findings(statements: Iterable[Statement], needed: Iterable[Request]) -> list[str]:
    """Name every request that the statements do not allow, and every grant that no request needs."""
    statements, needed = list(statements), list(needed)
    missing = {
        f"missing: {request.action} on {request.resource}" for request in needed if not allowed(statements, request)
    }
    unused = {
        f"unused: {action} on {resource}"
        for action, resource, grant in grants(statements)
        if not any(applies(grant, request) for request in needed)
    }
    return sorted(missing | unused)


def grants(statements: Iterable[Statement]) -> Iterator[tuple[str, str, Statement]]:
    """Return every action and resource that statements allow, each with its own statement."""
    for statement in statements:
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                yield action, resource, {**statement, "Action": action, "Resource": resource}


def without_action(statements: list[dict[str, Any]], index: int, action: str) -> list[Statement]:
    """Return the statements, with one action taken out of one of them."""
    changed = {**statements[index], "Action": [kept for kept in listed(statements[index]["Action"]) if kept != action]}
    return [*statements[:index], changed, *statements[index + 1 :]]
