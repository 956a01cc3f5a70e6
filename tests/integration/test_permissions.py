"""Each role allows exactly the calls that its function makes: the calls are recorded in whole deployed runs."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from patchlake.core.keys import plan_key, snapshot_key
from patchlake.core.messages import CommitMessage
from patchlake.core.timings import COLLECT, DISCOVER
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.cloudformation.template import Template, read_template, translate_template
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.embedded.lambda_.environment import ExecutionEnvironment
from patchlake_cli.embedded.lambda_.sqs_event import sqs_event
from tests.deployed import DeployedRun, new_stack, running, s3, sqs
from tests.permissions import Call, findings, grants, requests, without_action
from tests.policies import Request, allowed, denied
from tests.resolved_template import resolved

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "tests" / "recording"
STAGES = ["plan", "discover", "collect", "commit"]
EXTERNAL_ID = "handshake"
DEADLINE_SECONDS = 14_400
TLS = {"aws:SecureTransport": "true"}


@dataclass(frozen=True)
class Recorded:
    """The AWS calls of a stack's functions, and the templates of that stack."""

    stack: DeployedStack
    calls: frozenset[Call]
    home: Template
    member: Template

    def statements(self, role: str) -> list[dict[str, Any]]:
        """Return the statements of a role's policies."""
        template = self.member if role == "MemberRole" else self.home
        policies = template["Resources"][role]["Properties"]["Policies"]
        return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]

    def needed(self, role: str) -> set[tuple[str, str, tuple[tuple[str, str], ...]]]:
        """Return the needs of a role, hashable: action, resource, context."""
        found: list[Request] = []
        for call in self.calls:
            if role == ("MemberRole" if not call.is_own else f"{call.stage.title()}Role"):
                found.extend(requests(call, self.stack))
        found.extend(self.by_services().get(role, []))
        return {(request.action, request.resource, tuple(sorted(request.context.items()))) for request in found}

    def by_services(self) -> dict[str, list[Request]]:
        """Return the calls that AWS itself makes with a role: each for a reason."""
        here = f"{self.stack.region}:{self.stack.account_id}"
        failed = Request("sqs:SendMessage", f"arn:aws:sqs:{here}:{self.stack.name}-plan-dead-letter")
        plan = f"arn:aws:lambda:{here}:function:{self.stack.name}-plan"
        found = {"SchedulerRole": [Request("lambda:InvokeFunction", plan), failed]}
        for stage in STAGES:
            stream = f"arn:aws:logs:{here}:log-group:/aws/lambda/{self.stack.name}-{stage}:log-stream:any"
            # Lambda writes the function's output to its log group.
            found[f"{stage.title()}Role"] = [
                Request("logs:CreateLogStream", stream),
                Request("logs:PutLogEvents", stream),
            ]
            for source in self.stack.functions[stage].event_sources:
                queue = source.queue_arn
                # Lambda's event source reads the queue, and deletes what did not fail.
                found[f"{stage.title()}Role"] += [
                    Request("sqs:ReceiveMessage", queue),
                    Request("sqs:DeleteMessage", queue),
                    Request("sqs:GetQueueAttributes", queue),
                ]
        # Lambda sends an event on which plan failed three times.
        found["PlanRole"].append(failed)
        return found

    def findings(self, role: str, statements: list[Any] | None = None) -> list[str]:
        """Compare a role's needs with its permissions."""
        needed = [Request(action, resource, dict(context)) for action, resource, context in self.needed(role)]
        return findings(self.statements(role) if statements is None else statements, needed)


def recording(stack: DeployedStack) -> DeployedStack:
    """Return a stack whose functions log every call."""
    functions = {
        stage: replace(function, handler="recording.lambda_handler", layer_paths=(RECORDING, *function.layer_paths))
        for stage, function in stack.functions.items()
    }
    return replace(stack, functions=functions)


def calls(lines: list[dict[str, Any]], stack: DeployedStack) -> Iterator[Call]:
    """Return the calls that functions have logged."""
    for line in lines:
        if "aws_call" in line:
            call = line["aws_call"]
            is_own = call["access_key"] == stack.functions[line["stage"]].role_name
            said = tuple(sorted(call["said"].items()))
            yield Call(line["stage"], call["service"], call["operation"], is_own, said)


def has_deferred(lines: list[dict[str, Any]]) -> bool:
    """Whether collect has returned a message to its queue for a pause."""
    return any(
        line["stage"] == "collect" and line.get("aws_call", {}).get("operation") == "ChangeMessageVisibility"
        for line in list(lines)
    )


class Watch:
    """Commit's watch of a run, tick by tick at times that the test chooses."""

    def __init__(self, run: DeployedRun) -> None:
        self._run = run
        body = CommitMessage(run_id=run.run_id).encode()
        client, url = sqs(run.aws.endpoint), run.queue_url("commit")
        client.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="watch")
        messages = client.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
        while messages[0]["Body"] != body:  # an earlier run's
            messages = client.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
        self._event = sqs_event(messages, "arn:aws:sqs:eu-central-1:1:q")
        self._environment = ExecutionEnvironment(run.pipeline.stack.functions["commit"], run.aws.endpoint, self._hear)

    def _hear(self, line: str) -> None:
        self._run.lines.append({"stage": "commit"} | json.loads(line))
        self._run.observation.read(line)

    def tick(self) -> None:
        """Let commit check the run once."""
        self._environment.invoke(self._event)

    def close(self) -> None:
        """End the environment."""
        self._environment.close()


def record_everything(aws: EmbeddedAws, stack: DeployedStack, folder: Path) -> list[dict[str, Any]]:
    """Make the functions do everything that they can: a whole run, sending again, fencing, adopting, and giving up."""
    refused = aws.settings.conditions.refused_accounts
    home = aws.settings.account_list()[0].account_id
    broken = frozenset({str(min(aws.fleet.targets))})
    with running(aws, stack, 0, folder) as run:
        for pump in run.pipeline.pumps.values():
            pump.pause()
        run.fire()
        run.fire()
        with closing(Watch(run)) as watch:
            aws.advance_clock(DISCOVER.visibility_seconds)
            watch.tick()  # sends discover messages again, those about instances and tags too
            run.pipeline.pumps["discover"].resume()
            run.wait(lambda: run.observation.targets_done == run.observation.targets)
            aws.advance_clock(2 * COLLECT.visibility_seconds - DISCOVER.visibility_seconds)
            watch.tick()  # sends collect messages again
            aws.change(broken_targets=broken)
            run.pipeline.pumps["collect"].resume()  # some fail, and come back
            run.wait(lambda: has_deferred(run.lines))
            aws.change(broken_targets=frozenset())
            run.wait(lambda: run.observation.nodes_done == run.observation.nodes_listed)
            watch.tick()  # sends messages about patches again
            aws.change(denied_actions={home: frozenset({"DescribeInstancePatches", "DescribeInstances"})})
            for name in ("detail", "listing"):
                run.pipeline.pumps[name].resume()  # some fail, and come back

            def is_published() -> bool:
                watch.tick()
                return run.observation.outcome is not None

            run.wait(is_published)
            s3(aws.endpoint).delete_object(Bucket=stack.bucket, Key=snapshot_key(run.run_id))
            watch.tick()  # finds its own tables, as after a crash before the last one
        lines = list(run.lines)
    aws.change(denied_actions={}, refused_accounts=refused)
    with running(aws, stack, 1, folder) as run:
        for stage in ("collect", "commit"):
            run.pipeline.pumps[stage].pause()
        aws.change(broken_targets=broken)
        run.fire()
        assert run.observation.targets is not None
        expected = run.observation.targets - 1
        run.wait(lambda: run.observation.targets_done == expected)
        with closing(Watch(run)) as watch:
            aws.advance_clock(DEADLINE_SECONDS)
            watch.tick()  # writes tombstones of a shard, of parts and of their children
        assert run.observation.outcome == "PARTIAL"
        lines += run.lines
    aws.change(broken_targets=frozenset())
    with running(aws, stack, 2, folder) as run:
        run.pipeline.pumps["commit"].pause()
        s3(aws.endpoint).put_object(Bucket=stack.bucket, Key=plan_key(run.run_id), Body=b"no plan")
        with closing(Watch(run)) as watch:
            watch.tick()  # gives up
        assert run.observation.outcome == "CORRUPT"
        lines += run.lines
    return lines


@pytest.fixture(scope="module")
def recorded(shared_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Three runs, with every event that can happen in them."""
    regions = ",".join(shared_aws.settings.region_list())
    parameters = {"Accounts": "organization", "Regions": regions, "TagKeys": "Owner"}
    stack = recording(new_stack(shared_aws, ExternalId=EXTERNAL_ID, **parameters))
    lines = record_everything(shared_aws, stack, tmp_path_factory.mktemp("recorded"))
    return heard(stack, lines, parameters)


def heard(stack: DeployedStack, lines: list[dict[str, Any]], parameters: dict[str, str]) -> Recorded:
    """Return what the functions of a stack with these parameters logged."""
    pseudo = {
        "AWS::AccountId": stack.account_id,
        "AWS::Region": stack.region,
        "AWS::StackName": stack.name,
        "Bucket": stack.bucket,
    }
    home = resolved(translate_template(ROOT / "template.yaml", stack.region), pseudo, **parameters)
    member = resolved(
        read_template(ROOT / "templates" / "member-role.yaml"),
        HomeAccountId=stack.account_id,
        HomeRegion=stack.region,
        HomeStackName=stack.name,
        ExternalId=EXTERNAL_ID,
    )
    return Recorded(stack, frozenset(calls(lines, stack)), home, member)


ROLES = ["PlanRole", "DiscoverRole", "CollectRole", "CommitRole", "SchedulerRole", "MemberRole"]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_allows_every_call_that_is_made_and_nothing_that_is_not(recorded: Recorded, role: str) -> None:
    assert recorded.findings(role) == []


@pytest.mark.parametrize(
    ("accounts", "regions"),
    [
        ("self", "all-enabled"),
        ("ou-abcd-22222222", "eu-central-1"),
        ("111122223333,r-abcd", "all-enabled"),
    ],
)
def test_plan_may_list_what_its_choice_of_accounts_and_regions_needs_and_no_more(
    aws: EmbeddedAws, tmp_path: Path, accounts: str, regions: str
) -> None:
    parameters = {"Accounts": accounts, "Regions": regions}
    stack = recording(new_stack(aws, **parameters))
    with running(aws, stack, 3, tmp_path) as run:
        for pump in run.pipeline.pumps.values():
            pump.pause()
        run.fire()
        run.fire()

        assert heard(stack, run.lines, parameters).findings("PlanRole") == []


@pytest.mark.parametrize("role", ROLES)
def test_any_action_that_is_taken_out_is_missed(recorded: Recorded, role: str) -> None:
    statements = recorded.statements(role)

    for index, statement in enumerate(statements):
        for action, _, _ in grants([statement]):
            found = recorded.findings(role, without_action(statements, index, action))
            assert any(each.startswith(f"missing: {action} ") for each in found), (statement["Sid"], action)


@pytest.mark.parametrize("role", ROLES)
def test_any_resource_that_is_taken_out_is_missed(recorded: Recorded, role: str) -> None:
    statements = recorded.statements(role)

    for index, statement in enumerate(statements):
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        for resource in resources:
            kept = {**statement, "Resource": [other for other in resources if other != resource]}
            found = recorded.findings(role, [*statements[:index], kept, *statements[index + 1 :]])
            assert any(each.startswith("missing: ") for each in found), (statement["Sid"], resource)


@pytest.mark.parametrize("role", ROLES)
def test_an_action_that_nobody_needs_is_found(recorded: Recorded, role: str) -> None:
    surplus = {"Sid": "Surplus", "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "*"}

    assert recorded.findings(role, [*recorded.statements(role), surplus]) == ["unused: s3:DeleteObject on *"]


def test_every_function_was_heard(recorded: Recorded) -> None:
    assert {call.stage for call in recorded.calls} == set(STAGES)
    assert {call.stage for call in recorded.calls if not call.is_own} == {"discover", "collect"}


def test_the_buckets_policy_denies_none_of_the_calls(recorded: Recorded) -> None:
    policy = recorded.home["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    asked = [request for call in recorded.calls if call.service == "s3" for request in requests(call, recorded.stack)]

    assert len([request for request in asked if request.action == "s3:PutObject"]) > len(STAGES)
    assert not [request for request in asked if denied(policy, request._replace(context=TLS | dict(request.context)))]


def test_the_member_role_trusts_the_functions_as_they_call(recorded: Recorded) -> None:
    [trust] = recorded.member["Resources"]["MemberRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assuming = [call for call in recorded.calls if call.operation == "AssumeRole"]

    assert {call.stage for call in assuming} == {"discover", "collect"}
    for call in assuming:
        role_name = recorded.home["Resources"][f"{call.stage.title()}Role"]["Properties"]["RoleName"]
        caller = f"arn:aws:iam::{recorded.stack.account_id}:role/{role_name}"
        [request] = requests(call, recorded.stack)
        known = request._replace(context={**request.context, "aws:PrincipalArn": caller})
        assert allowed([trust | {"Resource": "*"}], known)
