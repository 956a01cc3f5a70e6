"""The embedded Organizations: the fleet's accounts, in whole and by organizational unit; moto answers the rest.

moto draws account ids at random; these are fixed, and the same as in the fleet and STS. Source: the API reference
of ListAccounts, ListAccountsForParent and ListOrganizationalUnitsForParent.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.organizations.exceptions import InvalidInputException, OrganizationsClientError
from moto.organizations.responses import OrganizationsResponse

from patchlake_cli.embedded.aws.state import State
from patchlake_cli.embedded.fleet.catalogue import ROOT_ID, UNITS, Account, parent_of_account

_MOST_RESULTS: Final = 20
_JOINED: Final = datetime(2024, 1, 1, tzinfo=UTC).timestamp()


class EmbeddedOrganizations(OrganizationsResponse):
    """One call of Organizations.

    Args:
        state: of the embedded AWS.
    """

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state

    def answer(self, request: Request, url: str, headers: object) -> TYPE_RESPONSE:
        """Answer the call."""
        return self._dispatch(request, url, headers)

    def list_accounts(self) -> str:
        """Return a page of the organization's accounts."""
        return self._page("Accounts", [self._described(account) for account in self._parents()])

    def list_accounts_for_parent(self) -> str:
        """Return a page of the accounts that are in a unit or in the root, those in the units below it left out."""
        parent_id = self._parent_id()
        found = [account for account, in_unit in self._parents().items() if in_unit == parent_id]
        return self._page("Accounts", [self._described(account) for account in found])

    def list_organizational_units_for_parent(self) -> str:
        """Return a page of the units that are in a unit or in the root."""
        parent_id = self._parent_id()
        found = [
            {
                "Id": unit.unit_id,
                "Arn": f"arn:aws:organizations::{self._state.home_account_id}:ou/o-exampleorgid/{unit.unit_id}",
                "Name": unit.name,
            }
            for unit in UNITS
            if unit.parent_id == parent_id
        ]
        return self._page("OrganizationalUnits", found)

    def _parent_id(self) -> str:
        parent_id = self._get_param("ParentId")
        if parent_id not in {ROOT_ID, *(unit.unit_id for unit in UNITS)}:
            raise OrganizationsClientError(
                "ParentNotFoundException", "We can't find a root or OU with the ParentId that you specified."
            )
        return str(parent_id)

    def _page(self, member: str, rows: Sequence[dict[str, Any]]) -> str:
        """Return a page of a list; only the management account of the organization, the home account, may ask."""
        if self.current_account != self._state.home_account_id:
            raise OrganizationsClientError(
                "AccessDeniedException", "You don't have permissions to access this resource."
            )
        size = self._get_param("MaxResults", _MOST_RESULTS)
        if not 1 <= size <= _MOST_RESULTS:
            raise InvalidInputException(f"You specified an invalid value: MaxResults must be 1 to {_MOST_RESULTS}.")
        start = _start(self._get_param("NextToken"))
        page: dict[str, Any] = {member: rows[start : start + size]}
        if start + size < len(rows):
            page["NextToken"] = urlsafe_b64encode(b"rows:%d" % (start + size)).decode()
        return json.dumps(page)

    def _parents(self) -> dict[Account, str]:
        """Return each account of the organization, and the id of the unit or root that it is in."""
        parents = {account: parent_of_account(index) for index, account in enumerate(self._state.accounts)}
        known = {account.account_id for account in parents}
        closed = sorted(self._state.conditions.suspended_accounts - known)
        return parents | {Account(account_id, f"closed-{account_id}"): UNITS[-1].unit_id for account_id in closed}

    def _described(self, account: Account) -> dict[str, Any]:
        state = "SUSPENDED" if account.account_id in self._state.conditions.suspended_accounts else "ACTIVE"
        home = self._state.home_account_id
        return {
            "Id": account.account_id,
            "Arn": f"arn:aws:organizations::{home}:account/o-exampleorgid/{account.account_id}",
            "Email": f"{account.name}@example.com",
            "Name": account.name,
            "Status": state,
            "State": state,
            "JoinedMethod": "INVITED" if account.account_id == home else "CREATED",
            "JoinedTimestamp": _JOINED,
        }


def _start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(urlsafe_b64decode(token).removeprefix(b"rows:"))
    except ValueError as error:
        raise InvalidInputException("You specified an invalid value: NextToken.") from error
