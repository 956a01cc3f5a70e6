"""The accounts: our own, and those of AWS Organizations."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import field

from patchlake.adapters.aws_errors import AWS_ERRORS, passes
from patchlake.adapters.explanations import explained
from patchlake.adapters.page_decoding import PageDecoder
from patchlake.adapters.raw_answers import keep_raw_answers, page_of
from patchlake.core.paging import ListingNews, read_chain
from patchlake.core.plan import Account
from patchlake.core.records import Page, Record
from patchlake.core.targets import ACCOUNT_ID_PATTERN
from patchlake.errors import PermanentError, RetryableError
from patchlake.sources.source import Operation

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_organizations.type_defs import ListAccountsRequestTypeDef

NOT_ACTIVE = frozenset({"SUSPENDED", "CLOSED", "PENDING_CLOSURE", "PENDING_ACTIVATION"})
"""The states of an account that cannot be read; an account in any other state, or in none, is asked."""

MOST_ACCOUNTS = 100_000
"""More accounts than any organization may have."""


class ListedAccount(Record, frozen=True, kw_only=True):
    """An account as ListAccounts returns it; State replaced Status, which is retired since September 2026."""

    account_id: str | None = field(name="Id", default=None)
    name: str | None = field(name="Name", default=None)
    state: str | None = field(name="State", default=None)
    status: str | None = field(name="Status", default=None)


LIST_ACCOUNTS = Operation("organizations", "ListAccounts", "Accounts", ListedAccount, page_size=20)


class AwsAccounts:
    """``Accounts`` of AWS."""

    def __init__(self, home_account_id: Callable[[], str], organizations: "OrganizationsClient") -> None:
        """Ask only on demand: a run of the home account alone does not call Organizations.

        Args:
            home_account_id: asks for the account whose credentials we have.
            organizations: the client.
        """
        self._home_account_id = home_account_id
        self._organizations = organizations
        self._decoder = PageDecoder(LIST_ACCOUNTS)
        keep_raw_answers(organizations)

    def home_account_id(self) -> str:
        """Return the account that patchlake runs in."""
        return self._home_account_id()

    def organization_accounts(self) -> Sequence[Account]:
        """Return every account of the organization; one that is closed, suspended or pending is not active.

        Raises:
            PermanentError: this account may not list them.
            RetryableError: Organizations could not answer for now, or named an account without its id.
        """
        return read_chain(self._page, _accounts, MOST_ACCOUNTS, "Organizations ListAccounts")

    def _page(self, token: str | None) -> Page[Record]:
        request: ListAccountsRequestTypeDef = {} if token is None else {"NextToken": token}
        try:
            answer = self._organizations.list_accounts(**request)
        except AWS_ERRORS as error:
            msg = f"Organizations ListAccounts failed: {explained(error, 'organizations:ListAccounts')}"
            if passes(error):
                raise RetryableError(msg) from error
            msg += (
                ". Expected: patchlake runs in the management account or a delegated administrator, with "
                "organizations:ListAccounts; or the accounts are given as a list"
            )
            raise PermanentError(msg) from error
        return page_of(answer, self._decoder, answered_at_ms=0)


def _accounts(pages: Iterable[Page[Record]]) -> list[Account]:
    """Return each account once; one that comes twice, since its state changed meanwhile, is active if any row says so.

    Raises:
        RestartError: too many pages in a row name no further account: the chain would never end.
        RetryableError: an account has no id.
    """
    accounts: dict[str, Account] = {}
    news = ListingNews("Organizations ListAccounts")
    for page in pages:
        for row in (*page.records, *(bad.record for bad in page.invalid)):
            account = _account(row)
            before = accounts.get(account.account_id)
            if before is None or account.active:
                accounts[account.account_id] = account
        news.require(len(accounts))
    return list(accounts.values())


def _account(found: Record | None) -> Account:
    """Return an account of the list; without its id, the whole list is refused, since the plan could not name it."""
    match found:
        case ListedAccount(account_id=str(account_id)) if re.match(ACCOUNT_ID_PATTERN, account_id):
            return Account(account_id, found.name, (found.state or found.status) not in NOT_ACTIVE)
    msg = "Organizations ListAccounts failed: it names an account without an id of twelve digits"
    raise RetryableError(msg)
