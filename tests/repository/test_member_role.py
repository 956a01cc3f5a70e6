"""templates/member-role.yaml: the role's trust policy and permissions."""

from pathlib import Path
from typing import Any

import pytest

from patchlake.sources.registry import SOURCES
from patchlake_cli.embedded.cloudformation.template import Template, read_template, translate_template
from tests.policies import Request, Statement, allowed
from tests.resolved_template import ACCOUNT_ID, REGION, STACK_NAME, resolved

ROOT = Path(__file__).parents[2]
HOME = ACCOUNT_ID
MEMBER = {"AWS::AccountId": "444455556666"}
MEMBER_ROLE = "arn:aws:iam::444455556666:role/patchlake-member"
STAGES_THAT_READ = ["discover", "collect"]


@pytest.fixture(scope="module")
def written() -> Template:
    """The template as written, which CloudFormation gets unchanged."""
    return read_template(ROOT / "templates" / "member-role.yaml")


@pytest.fixture(scope="module")
def home() -> Template:
    """The template of patchlake itself, as CloudFormation gets it."""
    return translate_template(ROOT / "template.yaml", REGION)


def member_role(written: Template, **parameters: str) -> dict[str, Any]:
    """Return the properties of the role in a member account."""
    template = resolved(written, MEMBER, HomeAccountId=HOME, HomeRegion=REGION, **parameters)
    properties: dict[str, Any] = template["Resources"]["MemberRole"]["Properties"]
    return properties


def trusts(role: dict[str, Any], principal: str, **context: str) -> bool:
    """Whether the role can be assumed by a principal of the home account that calls with such a context."""
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{HOME}:root"}
    keys = {"external_id": "sts:ExternalId", "organization_id": "aws:PrincipalOrgID"}
    known = {"aws:PrincipalArn": principal} | {keys[name]: value for name, value in context.items()}
    return allowed([statement | {"Resource": "*"}], Request("sts:AssumeRole", MEMBER_ROLE, known))


def role_of(stage: str) -> str:
    """Return the ARN of a stage's role in the home account."""
    return f"arn:aws:iam::{HOME}:role/{STACK_NAME}-{REGION}-{stage}"


@pytest.mark.parametrize("stage", STAGES_THAT_READ)
def test_it_trusts_the_roles_that_patchlake_gives_discover_and_collect(
    written: Template, home: Template, stage: str
) -> None:
    role_name = resolved(home)["Resources"][f"{stage.title()}Role"]["Properties"]["RoleName"]

    assert trusts(member_role(written), f"arn:aws:iam::{HOME}:role/{role_name}")


@pytest.mark.parametrize("stage", ["plan", "commit", "scheduler", "discover-2"])
def test_it_trusts_no_other_role_of_the_home_account(written: Template, stage: str) -> None:
    assert not trusts(member_role(written), role_of(stage))


@pytest.mark.parametrize("stage", STAGES_THAT_READ)
def test_an_external_id_must_be_sent_where_there_is_one(written: Template, stage: str) -> None:
    role = member_role(written, ExternalId="secret-handshake")

    assert trusts(role, role_of(stage), external_id="secret-handshake")
    assert not trusts(role, role_of(stage), external_id="other")
    assert not trusts(role, role_of(stage))


@pytest.mark.parametrize("stage", STAGES_THAT_READ)
def test_the_home_account_must_belong_to_the_organization_where_one_is_given(written: Template, stage: str) -> None:
    role = member_role(written, OrganizationId="o-abcdefghij")

    assert trusts(role, role_of(stage), organization_id="o-abcdefghij")
    assert not trusts(role, role_of(stage), organization_id="o-klmnopqrst")
    assert not trusts(role, role_of(stage))


def test_with_both_both_are_asked_for(written: Template) -> None:
    role = member_role(written, ExternalId="handshake", OrganizationId="o-abcdefghij")

    assert trusts(role, role_of("collect"), external_id="handshake", organization_id="o-abcdefghij")
    assert not trusts(role, role_of("collect"), external_id="handshake")
    assert not trusts(role, role_of("collect"), organization_id="o-abcdefghij")


def test_it_allows_the_operation_of_every_source_that_a_function_reads_and_nothing_else(written: Template) -> None:
    [policy] = member_role(written)["Policies"]
    statements: list[Statement] = policy["PolicyDocument"]["Statement"]

    assert {statement["Effect"] for statement in statements} == {"Allow"}
    operations = [f"{operation.service}:{operation.name}" for operation in SOURCES.operations]
    assert [action for statement in statements for action in statement["Action"]] == operations
    assert operations == [
        "ssm:DescribeInstanceInformation",
        "ssm:DescribeInstancePatchStates",
        "ssm:DescribeInstancePatches",
        "ec2:DescribeInstances",
        "ec2:DescribeTags",
    ]


@pytest.mark.parametrize("name", ["RoleName", "ExternalId", "OrganizationId"])
def test_what_both_templates_ask_for_has_the_same_default_and_pattern(
    written: Template, home: Template, name: str
) -> None:
    here, there = written["Parameters"][name], home["Parameters"][name]

    assert (here["Default"], here["AllowedPattern"]) == (there["Default"], there["AllowedPattern"])


def test_each_parameter_is_described_constrained_and_shown_in_one_group(written: Template) -> None:
    groups = written["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(written["Parameters"])
    assert all(body["Description"] and body["AllowedPattern"] for body in written["Parameters"].values())
