"""Advice about targets that refuse access: the missing IAM actions, each with a policy to paste."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from patchlake.adapters.aws_errors import is_denied
from patchlake.errors import PatchlakeError
from patchlake_cli.access.permissions import (
    LAKE_PERMISSIONS,
    PLAN_PERMISSIONS,
    SSM_PERMISSIONS,
    Permission,
    policy,
    trust_policy,
)
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.location import LakeLocation


@dataclass(frozen=True, slots=True)
class Refusals:
    """The accounts that refused.

    Attributes:
        roles: accounts whose role cannot be assumed.
        denied: accounts where SSM denies access.
        denied_sources: accounts that deny what a secondary source needs, by that permission.
    """

    roles: Collection[str] = field(default_factory=set)
    denied: Collection[str] = field(default_factory=set)
    denied_sources: Mapping[Permission, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Advice:
    """A step to take, and the policy for it."""

    text: str
    policy: dict[str, Any]

    def __str__(self) -> str:
        """Return it as text."""
        return f"{self.text}\n{json.dumps(self.policy, indent=2)}"


def advise(
    refusals: Refusals, *, home_account_id: str, role_name: str, external_id: str = "", partition: str = "aws"
) -> list[Advice]:
    """Return the steps that give access to the refusing accounts."""
    found = []
    if refusals.roles:
        found += [
            Advice(
                f"The role {role_name} of {_listed(refusals.roles)} cannot be assumed. Your identity needs "
                f"{Permission.ASSUME_ROLE}:",
                policy([Permission.ASSUME_ROLE], role_name=role_name, partition=partition),
            ),
            Advice(
                f"If the role {role_name} was deployed with templates/member-role.yaml, it trusts only the functions "
                "of a stack, and refuses you by design: leave its trust policy as it is. "
                "Create a role with another name in each of these accounts, with the permissions "
                f"{' and '.join(SSM_PERMISSIONS)}, pass the name with --role-name, and let the role trust account "
                f"{home_account_id}:",
                trust_policy(home_account_id, partition=partition, external_id=external_id),
            ),
        ]
    for denied, permissions in (
        (refusals.denied, SSM_PERMISSIONS),
        *((denied, (permission,)) for permission, denied in refusals.denied_sources.items()),
    ):
        names, needed = " and ".join(permissions), policy(permissions, partition=partition)
        if home_account_id in denied:
            found.append(Advice(f"In your own account {home_account_id}, your identity needs {names}:", needed))
        if others := set(denied) - {home_account_id}:
            found.append(Advice(f"The role {role_name} of {_listed(others)} needs {names}:", needed))
    return found


def advise_on_lake(lake: LakeLocation, *, partition: str = "aws") -> list[Advice]:
    """Return the steps that give access to a lake in a bucket; a folder needs no IAM."""
    if lake.bucket is None:
        return []
    allowed = policy(LAKE_PERMISSIONS, partition=partition, bucket=lake.bucket, prefix=lake.prefix)
    names = ", ".join(LAKE_PERMISSIONS)
    return [Advice(f"For the lake {lake.text}, your identity needs {names}:", allowed)]


def explain(error: PatchlakeError, lake: LakeLocation | None = None, *, partition: str) -> CommandError:
    """Turn an error into the last line of a command, with a policy if a permission was missing.

    Args:
        error: an error of the organization, of the lake, or of an object in the lake.
        lake: the lake that was read and written.
        partition: the partition of the accounts.
    """
    return CommandError("\n".join(map(str, [error, *advise_on_refusal(error, lake, partition=partition)])))


def advise_on_refusal(error: PatchlakeError, lake: LakeLocation | None, *, partition: str) -> list[Advice]:
    """Return the steps that give the missing permission, if that is the cause of an error."""
    cause = error.__cause__
    if not isinstance(cause, ClientError) or not is_denied(cause):
        return []
    if needed := PLAN_PERMISSIONS.get(cause.operation_name):
        return [Advice(f"Your identity needs {' and '.join(needed)}:", policy(needed, partition=partition))]
    return [] if lake is None else advise_on_lake(lake, partition=partition)


def _listed(accounts: Collection[str]) -> str:
    return ", ".join(sorted(accounts))
