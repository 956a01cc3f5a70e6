"""The accounts: our own with its regions, and those of AWS Organizations, in whole or by organizational unit."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from botocore import xform_name
from msgspec import field

from patchlake.adapters.aws_errors import AWS_ERRORS, AwsError, Cause, cause_of, code_of, passes, refusal_code_of
from patchlake.adapters.explanations import explained
from patchlake.adapters.page_decoding import PageDecoder
from patchlake.adapters.raw_answers import keep_raw_answers, page_of
from patchlake.core.error_codes import without_suffix
from patchlake.core.paging import IF_IT_LASTS, ListingNews, read_chain
from patchlake.core.plan import Account
from patchlake.core.records import Page, Record
from patchlake.core.targets import ACCOUNT_ID_PATTERN, is_unit_id
from patchlake.errors import PermanentError, RestartError, RetryableError
from patchlake.sources.source import Operation

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient

NOT_ACTIVE = frozenset({"SUSPENDED", "CLOSED", "PENDING_CLOSURE", "PENDING_ACTIVATION"})
"""The states of an account that cannot be read; an account in any other state, or in none, is asked."""

MOST_ACCOUNTS = 100_000
"""More accounts than any organization may have."""

MOST_UNITS = 10_000
"""More organizational units than any organization may have."""

_INVALID = "InvalidInput"
"""The code of a token that is refused, and of any other parameter."""

MOST_LEVELS = 5
"""The levels of organizational units below a root: AWS allows no more."""


class ListedAccount(Record, frozen=True, kw_only=True):
    """An account as Organizations lists it; State replaced Status, which is retired since September 2026."""

    account_id: str | None = field(name="Id", default=None)
    name: str | None = field(name="Name", default=None)
    state: str | None = field(name="State", default=None)
    status: str | None = field(name="Status", default=None)


class ListedUnit(Record, frozen=True, kw_only=True):
    """An organizational unit as Organizations lists it."""

    unit_id: str | None = field(name="Id", default=None)


LIST_ACCOUNTS = Operation("organizations", "ListAccounts", "Accounts", ListedAccount, page_size=20)
LIST_ACCOUNTS_OF_PARENT = replace(LIST_ACCOUNTS, name="ListAccountsForParent")
LIST_UNITS_OF_PARENT = Operation(
    "organizations", "ListOrganizationalUnitsForParent", "OrganizationalUnits", ListedUnit, page_size=20
)


class AwsAccounts:
    """``Accounts`` of AWS."""

    def __init__(
        self,
        home_account_id: Callable[[], str],
        enabled_regions: Callable[[], Sequence[str]],
        organizations: "OrganizationsClient",
    ) -> None:
        """Ask only on demand: a run of the home account alone does not call Organizations.

        Args:
            home_account_id: asks for the account whose credentials we have.
            enabled_regions: asks for its regions.
            organizations: the client.
        """
        self._home_account_id = home_account_id
        self._enabled_regions = enabled_regions
        self._organizations = organizations
        keep_raw_answers(organizations)

    def home_account_id(self) -> str:
        """Return the account that patchlake runs in."""
        return self._home_account_id()

    def enabled_regions(self) -> Sequence[str]:
        """Return the regions that this account has enabled."""
        return self._enabled_regions()

    def organization_accounts(self) -> Sequence[Account]:
        """Return every account of the organization; one that is closed, suspended or pending is not active.

        Raises:
            PermanentError: this account may not list them.
            RetryableError: Organizations could not answer for now, or named an account without its id.
        """
        return self._listed(LIST_ACCOUNTS, _accounts, MOST_ACCOUNTS)

    def unit_accounts(self, unit_ids: Iterable[str]) -> Sequence[Account]:
        """Return every account in these organizational units and those below them, each once.

        An account that is moved from one unit to another meanwhile may come twice, or not at all.

        Raises:
            PermanentError: there is no such unit, or this account may not list them.
            RetryableError: as ``organization_accounts``; or the units are not a tree.
        """
        units = {unit_id for top in unit_ids for unit_id in self._units(top)}
        accounts: dict[str, Account] = {}
        for unit_id in sorted(units):
            _add(accounts, self._listed(LIST_ACCOUNTS_OF_PARENT, _accounts, MOST_ACCOUNTS, unit_id))
        return list(accounts.values())

    def _units(self, top: str) -> list[str]:
        """Return a unit and all units below it.

        Raises:
            RetryableError: a unit comes twice, or there are more of them than an organization can have.
        """
        units = level = [top]
        for _ in range(MOST_LEVELS + 1):
            level = [
                child
                for unit_id in level
                for child in self._listed(LIST_UNITS_OF_PARENT, _unit_ids, MOST_UNITS, unit_id)
            ]
            units = [*units, *level]
            if len({*units}) < len(units) or len(units) > MOST_UNITS:
                break
            if not level:
                return units
        msg = (
            f"Organizations {LIST_UNITS_OF_PARENT.name} failed: the units below {top} do not form a tree of at most "
            f"{MOST_LEVELS} levels and {MOST_UNITS:,} units, each in one place. {IF_IT_LASTS}"
        )
        raise RetryableError(msg)

    def _listed[T](
        self,
        operation: Operation,
        read: Callable[[str, Iterable[Page[Record]]], T],
        most_rows: int,
        parent: str | None = None,
    ) -> T:
        """Return what ``read`` makes of all pages of an operation's answer.

        Args:
            operation: the operation.
            read: takes the subject, for errors, and the pages.
            most_rows: the most rows that the answer can have.
            parent: the unit to ask about, for an operation that needs one.
        """
        subject = f"Organizations {operation.name}" + (f" of {parent}" if parent else "")
        decoder = PageDecoder(operation)
        call = getattr(self._organizations, xform_name(operation.name))
        request = {} if parent is None else {"ParentId": parent}

        def page(token: str | None) -> Page[Record]:
            try:
                answer = call(**request, **({} if token is None else {"NextToken": token}))
            except AWS_ERRORS as error:
                if token is not None and _is_about_token(error):
                    msg = (
                        f"{subject} failed: Organizations does not accept the token that it gave for the next page "
                        f"({code_of(error)}). {IF_IT_LASTS}"
                    )
                    raise RestartError(msg) from error
                msg = f"{subject} failed: {explained(error, f'organizations:{operation.name}')}"
                if passes(error):
                    raise RetryableError(msg) from error
                if cause_of(error) is not Cause.NO_UNIT:
                    msg += (
                        ". Expected: patchlake runs in the management account or a delegated administrator, with "
                        f"organizations:{operation.name}; or the accounts are given as a list of ids"
                    )
                raise PermanentError(msg) from error
            return page_of(answer, decoder, answered_at_ms=0)

        return read_chain(page, lambda pages: read(subject, pages), most_rows, subject)


def _is_about_token(error: AwsError) -> bool:
    """Whether a request with a token is refused: without it, the first page was the same request."""
    return cause_of(error) is Cause.BROKEN_CHAIN or without_suffix(refusal_code_of(error) or "") == _INVALID


def _accounts(subject: str, pages: Iterable[Page[Record]]) -> Sequence[Account]:
    """Return each account once.

    Raises:
        RestartError: too many pages in a row name no further account: the chain would never end.
        RetryableError: an account has no id.
    """
    accounts: dict[str, Account] = {}
    news = ListingNews(subject)
    for page in pages:
        _add(accounts, (_account(subject, row) for row in _rows(page)))
        news.require(len(accounts))
    return list(accounts.values())


def _unit_ids(subject: str, pages: Iterable[Page[Record]]) -> Sequence[str]:
    """Return each unit once.

    Raises:
        RestartError: too many pages in a row name no further unit: the chain would never end.
        RetryableError: a unit has no id.
    """
    found: dict[str, None] = {}
    news = ListingNews(subject)
    for page in pages:
        found |= dict.fromkeys(_unit_id(subject, row) for row in _rows(page))
        news.require(len(found))
    return list(found)


def _add(accounts: dict[str, Account], others: Iterable[Account]) -> None:
    """Add accounts; one that comes twice, since its state changed meanwhile, is active if any row says so."""
    for account in others:
        if account.account_id not in accounts or account.active:
            accounts[account.account_id] = account


def _rows(page: Page[Record]) -> Iterable[Record | None]:
    return (record for _, record in page.reasons_and_records())


def _account(subject: str, found: Record | None) -> Account:
    """Return an account of a list; without its id, the whole list is refused, since the plan could not name it."""
    match found:
        case ListedAccount(account_id=str(account_id)) if re.match(ACCOUNT_ID_PATTERN, account_id):
            return Account(account_id, found.name, (found.state or found.status) not in NOT_ACTIVE)
    msg = f"{subject} failed: it names an account without an id of twelve digits. {IF_IT_LASTS}"
    raise RetryableError(msg)


def _unit_id(subject: str, found: Record | None) -> str:
    """Return the id of a unit in a list; without it, the whole list is refused, since accounts would be missing."""
    match found:
        case ListedUnit(unit_id=str(unit_id)) if is_unit_id(unit_id):
            return unit_id
    msg = f"{subject} failed: it names a unit without an id such as ou-abcd-11111111. {IF_IT_LASTS}"
    raise RetryableError(msg)
