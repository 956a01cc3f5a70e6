"""Advice about targets that refuse: who lacks which IAM actions, each with a policy to paste."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from patchlake.adapters.aws_errors import is_denied
from patchlake.errors import PatchlakeError
from patchlake_cli.access.permissions import LAKE_PERMISSIONS, SSM_PERMISSIONS, Permission, policy, trust_policy
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.location import LakeLocation


@dataclass(frozen=True, slots=True)
class Refusals:
    """The accounts that refused.

    Attributes:
        roles: accounts whose role cannot be assumed.
        denied: accounts where SSM denies access.
    """

    roles: Collection[str] = field(default_factory=set)
    denied: Collection[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to do: what, and the policy that it takes."""

    text: str
    policy: dict[str, Any]

    def __str__(self) -> str:
        """Write it for people."""
        return f"{self.text}\n{json.dumps(self.policy, indent=2)}"


def advise(
    refusals: Refusals, *, home_account_id: str, role_name: str, external_id: str = "", partition: str = "aws"
) -> list[Advice]:
    """Tell what would let the refusing accounts be read."""
    found = []
    if refusals.roles:
        found += [
            Advice(
                f"The role {role_name} of {_listed(refusals.roles)} cannot be assumed. Whoever runs this needs "
                f"{Permission.ASSUME_ROLE}:",
                policy([Permission.ASSUME_ROLE], role_name=role_name, partition=partition),
            ),
            Advice(
                f"The role must also exist in each of these accounts, and trust account {home_account_id}:",
                trust_policy(home_account_id, partition=partition, external_id=external_id),
            ),
        ]
    ssm = policy(SSM_PERMISSIONS, partition=partition)
    names = " and ".join(SSM_PERMISSIONS)
    if home_account_id in refusals.denied:
        found.append(Advice(f"In {home_account_id}, our own account, whoever runs this needs {names}:", ssm))
    if others := set(refusals.denied) - {home_account_id}:
        found.append(Advice(f"The role {role_name} of {_listed(others)} needs {names}:", ssm))
    return found


def advise_on_lake(lake: LakeLocation, *, partition: str = "aws") -> list[Advice]:
    """Tell what would let a lake in a bucket be read and written; a folder needs no IAM."""
    if lake.bucket is None:
        return []
    allowed = policy(LAKE_PERMISSIONS, partition=partition, bucket=lake.bucket, prefix=lake.prefix)
    names = ", ".join(LAKE_PERMISSIONS)
    return [Advice(f"For the lake {lake.text}, whoever runs this needs {names}:", allowed)]


def explain(error: PatchlakeError, lake: LakeLocation | None = None, *, partition: str) -> CommandError:
    """Turn what ended a command into its last line, with a policy where a permission is what was missing.

    Args:
        error: of the organization, of the lake, or of what is stored in it.
        lake: that was read and written.
        partition: of the accounts.
    """
    cause, advice = error.__cause__, list[Advice]()
    if isinstance(cause, ClientError) and is_denied(cause):
        if cause.operation_name == "ListAccounts":
            listing = policy([Permission.LIST_ACCOUNTS], partition=partition)
            advice.append(Advice(f"Whoever runs this needs {Permission.LIST_ACCOUNTS}:", listing))
        elif lake is not None:
            advice += advise_on_lake(lake, partition=partition)
    return CommandError("\n".join(map(str, [error, *advice])))


def _listed(accounts: Collection[str]) -> str:
    return ", ".join(sorted(accounts))
