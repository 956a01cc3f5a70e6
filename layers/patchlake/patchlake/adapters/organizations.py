"""The accounts: our own from STS, the organization's from AWS Organizations."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from patchlake.adapters.aws_errors import AWS_ERRORS, passes
from patchlake.adapters.explanations import explained
from patchlake.adapters.sts import caller_account_id
from patchlake.core.plan import Account
from patchlake.errors import PermanentError, RetryableError

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_organizations.type_defs import AccountTypeDef
    from mypy_boto3_sts import STSClient

ACTIVE = "ACTIVE"


class AwsAccounts:
    """``Accounts`` from STS and AWS Organizations."""

    def __init__(self, sts: "STSClient", organizations: "OrganizationsClient") -> None:
        """Use each client only on demand: a run of the home account alone does not call Organizations."""
        self._sts = sts
        self._organizations = organizations

    def home_account_id(self) -> str:
        """Return the account that patchlake runs in."""
        return caller_account_id(self._sts)

    def organization_accounts(self) -> Sequence[Account]:
        """Return every account of the organization; one that is closed, suspended or pending is not active."""
        try:
            pages = self._organizations.get_paginator("list_accounts").paginate()
            return [_account(found) for page in pages for found in page["Accounts"]]
        except AWS_ERRORS as error:
            msg = f"Organizations ListAccounts failed: {explained(error, 'organizations:ListAccounts')}"
            if passes(error):
                raise RetryableError(msg) from error
            msg += (
                ". Expected: patchlake runs in the management account or a delegated administrator, with "
                "organizations:ListAccounts; or the accounts are given as a list"
            )
            raise PermanentError(msg) from error


def _account(found: "AccountTypeDef") -> Account:
    # State replaced Status, which is retired since September 2026.
    state = found.get("State") or found.get("Status")
    return Account(found["Id"], found.get("Name"), state == ACTIVE)
