"""The IAM permissions that a run on this machine needs: one list, the source of every hint and policy."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from patchlake.sources.registry import SOURCES


class Permission(StrEnum):
    """An IAM action that export uses, named as in a policy."""

    LIST_ACCOUNTS = "organizations:ListAccounts"
    LIST_ACCOUNTS_OF_UNIT = "organizations:ListAccountsForParent"
    LIST_UNITS = "organizations:ListOrganizationalUnitsForParent"
    LIST_REGIONS = "ec2:DescribeRegions"
    ASSUME_ROLE = "sts:AssumeRole"
    LIST_NODES = "ssm:DescribeInstanceInformation"
    READ_PATCH_STATES = "ssm:DescribeInstancePatchStates"
    READ_PATCHES = "ssm:DescribeInstancePatches"
    LIST_INSTANCES = "ec2:DescribeInstances"
    LIST_TAGS = "ec2:DescribeTags"
    LIST_LAKE = "s3:ListBucket"
    READ_LAKE = "s3:GetObject"
    WRITE_LAKE = "s3:PutObject"


SSM_PERMISSIONS = (Permission.LIST_NODES, Permission.READ_PATCH_STATES)
"""The permissions of the role in each account, and of the user in their own; neither supports resources."""

SOURCE_PERMISSIONS = {
    source.name: Permission(f"{source.operation.service}:{source.operation.name}") for source in SOURCES.secondary
}
"""The additional permission that each secondary source needs in an account, by the name of the source."""

UNIT_PERMISSIONS = (Permission.LIST_ACCOUNTS_OF_UNIT, Permission.LIST_UNITS)
"""The permissions to find the accounts of an organizational unit."""

PLAN_PERMISSIONS = {
    permission.partition(":")[2]: permissions
    for permissions in ((Permission.LIST_ACCOUNTS,), UNIT_PERMISSIONS, (Permission.LIST_REGIONS,))
    for permission in permissions
}
"""The permissions to find the chosen accounts and regions, by operation."""

LAKE_PERMISSIONS = (Permission.LIST_LAKE, Permission.READ_LAKE, Permission.WRITE_LAKE)
"""The permissions that a lake in a bucket needs."""


def policy(
    permissions: Iterable[Permission],
    *,
    partition: str = "aws",
    role_name: str = "",
    bucket: str = "",
    prefix: str = "",
) -> dict[str, Any]:
    """Return an IAM policy with only these permissions, to attach to the identity that runs export.

    Args:
        permissions: the permissions, in any order.
        partition: the partition of the accounts.
        role_name: the name of the role in every other account, for ASSUME_ROLE.
        bucket: the bucket of the lake, for its three permissions.
        prefix: the prefix of the lake in the bucket, with its slash.
    """
    resources = {
        Permission.ASSUME_ROLE: f"arn:{partition}:iam::*:role/{role_name}",
        Permission.LIST_LAKE: f"arn:{partition}:s3:::{bucket}",
        Permission.READ_LAKE: f"arn:{partition}:s3:::{bucket}/{prefix}*",
        Permission.WRITE_LAKE: f"arn:{partition}:s3:::{bucket}/{prefix}*",
    }
    actions: dict[str, list[str]] = {}
    for permission in sorted(set(permissions), key=list(Permission).index):
        actions.setdefault(resources.get(permission, "*"), []).append(permission)
    statements = [{"Effect": "Allow", "Action": names, "Resource": resource} for resource, names in actions.items()]
    return {"Version": "2012-10-17", "Statement": statements}


def trust_policy(home_account_id: str, *, partition: str = "aws", external_id: str = "") -> dict[str, Any]:
    """Return the trust policy of a role that the home account may assume, if its own policies allow it."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{home_account_id}:root"},
        "Action": str(Permission.ASSUME_ROLE),
    }
    if external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {"Version": "2012-10-17", "Statement": [statement]}
