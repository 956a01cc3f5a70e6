"""``patchlake redrive`` on a deployed stack."""

import json
import re
from typing import Any

from patchlake.core.messages import CollectMessage
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.exit_codes import ExitCode
from tests.deployed import DeployedRun, sqs
from tests.integration.conftest import REFUSED
from tests.operators import command, dead_letters, said


def test_dead_letters_go_back_to_their_own_queue_as_they_were(aws: EmbeddedAws, standing: DeployedStack) -> None:
    collect = [
        CollectMessage(run_id="20261101T060000Z", account_id=REFUSED, region="eu-central-1", batch=batch).encode()
        for batch in range(12)
    ]
    with dead_letters(aws, standing, {"collect": collect, "discover": ["not ours"]}):
        ended = command(aws, "redrive", "--stack", standing.name, "--json")
        queues = sqs(aws.endpoint)
        received: list[Any] = []
        while messages := queues.receive_message(
            QueueUrl=standing.outputs["CollectQueueUrl"],
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["MessageGroupId"],
        ).get("Messages", []):
            received += messages
        again = command(aws, "redrive", "--stack", standing.name)

    assert ended.returncode == ExitCode.COMPLETE, ended.stderr
    moved = {queue["stage"]: (queue["found"], queue["moved"], queue["left"]) for queue in said(ended)["queues"]}
    assert moved == {
        "discover": (1, 1, 0),
        "listing": (0, 0, 0),
        "collect": (12, 12, 0),
        "detail": (0, 0, 0),
        "commit": (0, 0, 0),
    }
    assert sorted(message["Body"] for message in received) == sorted(collect)
    assert {message["Attributes"]["MessageGroupId"] for message in received} == {f"{REFUSED}.eu-central-1"}
    assert (again.returncode, "collect: no dead letters." in again.stdout) == (ExitCode.COMPLETE, True)


def test_a_failed_event_stays_until_its_run_has_a_plan_and_says_how_it_gets_one(
    aws: EmbeddedAws, a_run: DeployedRun
) -> None:
    stack = a_run.pipeline.stack
    aws.advance_clock(120)
    at = aws.clock().replace(second=0)
    event = {"scheduled_time": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    wrapped = {"requestPayload": event, "responsePayload": {"errorMessage": "the accounts cannot be listed"}}
    with dead_letters(aws, stack, {"plan": [json.dumps(wrapped)]}):
        first = command(aws, "redrive", "--stack", stack.name)
        [typed] = re.findall(r"`patchlake (run --stack \S+ --scheduled-time \S+)`", first.stdout)
        ended = command(aws, *typed.split())
        second = command(aws, "redrive", "--stack", stack.name)

    assert (first.returncode, second.returncode) == (ExitCode.PARTIAL, ExitCode.COMPLETE), first.stderr
    assert "was never planned (the accounts cannot be listed)" in first.stdout
    assert ended.returncode in {ExitCode.COMPLETE, ExitCode.PARTIAL}, ended.stderr
    assert re.search(r"deleted the failed event of run \w+: the run has a plan now", second.stdout)
