"""The embedded Organizations: ListAccounts over the fleet's accounts; moto answers the other operations.

moto draws account ids at random; these are fixed, and the same as in the fleet and STS. Source: the API reference
of ListAccounts.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any, Final

from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.organizations.exceptions import InvalidInputException, OrganizationsClientError
from moto.organizations.responses import OrganizationsResponse

from patchlake_cli.embedded.aws.state import State
from patchlake_cli.embedded.fleet.catalogue import Account

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
        """Return a page of the organization's accounts; only its management account, the home account, may ask."""
        if self.current_account != self._state.home_account_id:
            raise OrganizationsClientError(
                "AccessDeniedException", "You don't have permissions to access this resource."
            )
        size = self._get_param("MaxResults", _MOST_RESULTS)
        if not 1 <= size <= _MOST_RESULTS:
            raise InvalidInputException(f"You specified an invalid value: MaxResults must be 1 to {_MOST_RESULTS}.")
        start = _start(self._get_param("NextToken"))
        accounts = self._accounts()
        page: dict[str, Any] = {"Accounts": [self._described(account) for account in accounts[start : start + size]]}
        if start + size < len(accounts):
            page["NextToken"] = urlsafe_b64encode(b"accounts:%d" % (start + size)).decode()
        return json.dumps(page)

    def _accounts(self) -> list[Account]:
        known = {account.account_id for account in self._state.accounts}
        closed = sorted(self._state.conditions.suspended_accounts - known)
        return [*self._state.accounts, *(Account(account_id, f"closed-{account_id}") for account_id in closed)]

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
        return int(urlsafe_b64decode(token).removeprefix(b"accounts:"))
    except ValueError as error:
        raise InvalidInputException("You specified an invalid value: NextToken.") from error
