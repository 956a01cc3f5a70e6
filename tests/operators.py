"""The operators' commands as tests call them, on a deployed stack of the embedded AWS."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from tests.command_line import patchlake_here, variables
from tests.deployed import sqs
from tests.integration.conftest import REFUSED

if TYPE_CHECKING:
    from subprocess import CompletedProcess


def command(aws: EmbeddedAws, name: str, *arguments: str, **changes: str) -> "CompletedProcess[str]":
    return patchlake_here(variables(aws.endpoint, **changes), name, *arguments)


def client(aws: EmbeddedAws, service: Any) -> Any:  # noqa: ANN401 - any client
    return aws.endpoint.session.client(service, endpoint_url=aws.endpoint_url, config=aws.endpoint.config)


def said(ended: "CompletedProcess[str]") -> Any:  # noqa: ANN401 - any JSON
    assert ended.stderr.count("\n") <= 1, ended.stderr
    return json.loads(ended.stdout)


@contextmanager
def dead_letters(aws: EmbeddedAws, stack: DeployedStack, bodies: dict[str, list[str]]) -> Iterator[None]:
    """Put messages into the dead-letter queues of stages, and leave no message in any queue."""
    queues = sqs(aws.endpoint)
    for stage, messages in bodies.items():
        for body in messages:
            url = stack.outputs[f"{stage.title()}DeadLetterQueueUrl"]
            queues.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=f"{REFUSED}.eu-central-1")
    yield
    for url in (url for name, url in stack.outputs.items() if name.endswith("QueueUrl")):
        while left := queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in left:
                queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
