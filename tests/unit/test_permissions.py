"""The permissions of an export, and the policy to paste after a refusal."""

import json

import pytest
from botocore.exceptions import ClientError

from patchlake.errors import PatchlakeError, PermanentError
from patchlake_cli.access.advice import Refusals, advise, explain
from patchlake_cli.access.permissions import (
    LAKE_PERMISSIONS,
    SSM_PERMISSIONS,
    UNIT_PERMISSIONS,
    Permission,
    policy,
    trust_policy,
)
from patchlake_cli.lake.location import LakeLocation
from tests.policies import Request, allowed

HOME, MEMBER, OTHER = "111122223333", "444455556666", "777788889999"
LAKE = LakeLocation.parse("s3://lake/some/prefix")


def test_a_policy_allows_what_it_was_made_for_and_nothing_beside() -> None:
    statements = policy(LAKE_PERMISSIONS, bucket="lake", prefix="some/prefix/")["Statement"]

    assert allowed(statements, Request("s3:ListBucket", "arn:aws:s3:::lake"))
    assert allowed(statements, Request("s3:PutObject", "arn:aws:s3:::lake/some/prefix/plans/x.json"))
    assert not allowed(statements, Request("s3:PutObject", "arn:aws:s3:::lake/other/plans/x.json"))
    assert not allowed(statements, Request("s3:DeleteObject", "arn:aws:s3:::lake/some/prefix/plans/x.json"))


def test_a_policy_names_the_partition_and_the_role() -> None:
    [statement] = policy([Permission.ASSUME_ROLE], partition="aws-cn", role_name="reader")["Statement"]

    assert statement["Resource"] == "arn:aws-cn:iam::*:role/reader"


def test_a_role_trusts_the_account_and_asks_for_the_external_id() -> None:
    [statement] = trust_policy(HOME, external_id="secret")["Statement"]

    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{HOME}:root"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "secret"}}


def test_each_refusal_is_advised_on_where_it_must_be_fixed() -> None:
    advice = advise(Refusals(roles={OTHER}, denied={HOME, MEMBER}), home_account_id=HOME, role_name="reader")

    texts = [each.text for each in advice]
    assert [f"The role reader of {OTHER} cannot be assumed" in text for text in texts] == [True, False, False, False]
    assert f"trust account {HOME}" in texts[1]
    assert f"In your own account {HOME}" in texts[2]
    assert f"The role reader of {MEMBER} needs" in texts[3]
    assert [each.policy for each in advice[2:]] == [policy(SSM_PERMISSIONS)] * 2


def test_where_no_account_refuses_there_is_nothing_to_do() -> None:
    assert advise(Refusals(), home_account_id=HOME, role_name="reader") == []


def refused(operation: str, code: str) -> PatchlakeError:
    """Return the error that an adapter makes of an answer of AWS."""
    error = PermanentError(f"{operation} was refused")
    error.__cause__ = ClientError({"Error": {"Code": code, "Message": "no"}}, operation)
    return error


@pytest.mark.parametrize(
    ("operation", "code", "expected"),
    [
        ("PutObject", "AccessDenied", LAKE_PERMISSIONS),
        ("HeadObject", "403", LAKE_PERMISSIONS),
        ("ListAccounts", "AccessDeniedException", (Permission.LIST_ACCOUNTS,)),
        ("ListAccountsForParent", "AccessDeniedException", UNIT_PERMISSIONS),
        ("ListOrganizationalUnitsForParent", "AccessDeniedException", UNIT_PERMISSIONS),
        ("DescribeRegions", "UnauthorizedOperation", (Permission.LIST_REGIONS,)),
    ],
)
def test_a_command_that_is_denied_ends_with_the_policy_that_it_lacks(
    operation: str, code: str, expected: tuple[Permission, ...]
) -> None:
    text = str(explain(refused(operation, code), LAKE, partition="aws"))

    line, _, pasted = text.partition("\n{")
    assert line.startswith(f"{operation} was refused\n")
    assert all(permission in line for permission in expected)
    actions = [action for statement in json.loads("{" + pasted)["Statement"] for action in statement["Action"]]
    assert actions == list(expected)


def test_another_error_is_one_line() -> None:
    assert str(explain(refused("PutObject", "NoSuchBucket"), LAKE, partition="aws")) == "PutObject was refused"
    assert "\n" not in str(explain(refused("PutObject", "AccessDenied"), LakeLocation.parse("d"), partition="aws"))
