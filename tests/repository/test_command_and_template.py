"""The command and template.yaml agree: on the names and policies of a stack, and on the permissions."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from patchlake_cli.access.permissions import Permission
from patchlake_cli.embedded.cloudformation.template import Template, read_template, translate_template
from patchlake_cli.operations.bucket_policy import differing_statements, expected_statements
from patchlake_cli.operations.deployment import QUEUES
from patchlake_cli.operations.findings import OVERDUE_FIX
from tests.known_deployment import BUCKET, DEPLOYMENT
from tests.resolved_template import REGION, resolved

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
ROLES = ("PlanRole", "DiscoverRole", "CollectRole", "CommitRole")


@pytest.fixture(scope="module")
def template() -> Template:
    """The deployed resources, with every name resolved."""
    return resolved(translate_template(TEMPLATE, REGION), {"Bucket": BUCKET})


def named(template: Template, kind: str, member: str) -> list[str]:
    return [resource["Properties"][member] for resource in template["Resources"].values() if resource["Type"] == kind]


def test_the_policy_that_is_expected_is_the_templates(template: Template) -> None:
    policy = template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]

    assert expected_statements(BUCKET, "aws") == policy["Statement"]
    assert differing_statements(policy, BUCKET, "aws") == []


def test_the_names_that_are_expected_are_the_templates(template: Template) -> None:
    assert named(template, "AWS::Scheduler::Schedule", "Name") == [DEPLOYMENT.schedule]
    assert named(template, "AWS::Logs::LogGroup", "LogGroupName") == list(DEPLOYMENT.log_groups)
    assert DEPLOYMENT.commit.name == "commit"


def test_the_queues_that_are_known_are_the_event_sources_of_their_stages(template: Template) -> None:
    sources = [
        (source["Properties"]["EventSourceArn"].rpartition(":")[2], source["Properties"]["FunctionName"])
        for source in template["Resources"].values()
        if source["Type"] == "AWS::Lambda::EventSourceMapping"
    ]

    assert sorted(sources) == sorted(
        (f"{DEPLOYMENT.stack}-{name}", f"{DEPLOYMENT.stack}-{stage}") for name, stage in QUEUES.items()
    )
    outputs = read_template(TEMPLATE)["Outputs"].keys()
    assert {f"{name.title()}{kind}" for name in QUEUES for kind in ("QueueUrl", "DeadLetterQueueUrl")} <= outputs


def test_each_parameter_that_a_command_reads_is_the_templates() -> None:
    template = translate_template(TEMPLATE, REGION)

    read = {"KmsKeyArn", "LogRetentionDays", "MaxLatenessSeconds", "MissedRunHours", "WindowDays"}

    assert read <= template["Parameters"].keys()


def allowed_actions(value: object) -> Iterator[str]:
    """Yield the actions of every statement in a role's policies, those behind a condition included."""
    match value:
        case {"Effect": "Allow", "Action": str(action)}:
            yield action
        case {"Effect": "Allow", "Action": [*actions]}:
            yield from map(str, actions)
        case dict():
            for member in value.values():
                yield from allowed_actions(member)
        case list():
            for member in value:
                yield from allowed_actions(member)


def test_an_export_needs_what_the_four_functions_need() -> None:
    roles = [read_template(TEMPLATE)["Resources"][name]["Properties"]["Policies"] for name in ROLES]
    actions = set(allowed_actions(roles))

    services = {permission.partition(":")[0] for permission in Permission}
    assert {action for action in actions if action.partition(":")[0] in services} == set(Permission)


def test_every_action_that_the_commands_need_is_in_the_runbook() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "cli/patchlake_cli/operations").glob("*.py"))
    actions = set(re.findall(r'(?:asking\(|explained\(error, )"([a-z0-9]+:\w+)"', code))

    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    assert len(actions) >= 14
    assert [action for action in sorted(actions) if f"`{action}`" not in runbook] == []


def test_the_entries_about_an_overdue_run_are_in_the_runbook() -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    entries = [title for title in re.findall(r"^### (.+)$", runbook, re.MULTILINE) if title in OVERDUE_FIX]

    assert entries == ["Send a lost watch message by hand", "CommitDeadLetterAlarm", "WatchTooOldAlarm"]
