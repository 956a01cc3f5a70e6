"""Our own identity and the accounts, as STS and AWS Organizations answer."""

import json
from collections.abc import Iterator, Mapping
from functools import partial

import pytest
from botocore.config import Config

from patchlake.adapters.organizations import AwsAccounts
from patchlake.adapters.sts import caller_account_id
from patchlake.core.paging import ATTEMPTS, EMPTY_PAGES
from patchlake.core.plan import Account
from patchlake.errors import PermanentError, RestartError, RetryableError
from tests.http_stub import Answer, HttpStub, http_stub, session


@pytest.fixture
def aws() -> Iterator[HttpStub]:
    with http_stub() as stub:
        yield stub


@pytest.fixture
def accounts(aws: HttpStub) -> AwsAccounts:
    config = Config(retries={"total_max_attempts": 1})
    return AwsAccounts(
        partial(caller_account_id, session().client("sts", endpoint_url=aws.url, config=config)),
        list,
        session().client("organizations", endpoint_url=aws.url, config=config),
    )


def listing(*found: Mapping[str, object], token: str | None = None) -> Answer:
    """Return a page of ListAccounts."""
    return Answer(200, json.dumps({"Accounts": found, "NextToken": token}).encode())


def test_the_home_account_is_the_one_of_our_credentials(aws: HttpStub, accounts: AwsAccounts) -> None:
    aws.answer_in_turn(
        Answer(
            200,
            b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111111111111</Account>"
            b"</GetCallerIdentityResult></GetCallerIdentityResponse>",
        )
    )

    assert accounts.home_account_id() == "111111111111"


@pytest.mark.parametrize(("status", "code"), [(500, "InternalFailure"), (403, "InvalidClientTokenId")])
def test_not_knowing_who_we_are_fails_for_now(aws: HttpStub, accounts: AwsAccounts, status: int, code: str) -> None:
    aws.answer_in_turn(Answer(status, f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode()))

    with pytest.raises(RetryableError, match=code):
        accounts.home_account_id()


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"",
        b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>",
        b"<a><GetCallerIdentityResult><Account/></GetCallerIdentityResult></a>",
        b"<a><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></a>",
    ],
)
def test_an_answer_that_does_not_say_who_we_are_fails_for_now(
    aws: HttpStub, accounts: AwsAccounts, body: bytes
) -> None:
    aws.answer_in_turn(Answer(200, body))

    with pytest.raises(RetryableError, match="GetCallerIdentity"):
        accounts.home_account_id()


def test_every_account_of_every_page_is_listed_with_its_name(aws: HttpStub, accounts: AwsAccounts) -> None:
    aws.answer_in_turn(
        listing({"Id": "111111111111", "Name": "home", "State": "ACTIVE"}, token="more"),  # noqa: S106
        listing(token="and more"),  # noqa: S106
        listing({"Id": "222222222222", "State": "ACTIVE"}),
    )

    assert accounts.organization_accounts() == [
        Account("111111111111", "home", active=True),
        Account("222222222222", None, active=True),
    ]


@pytest.mark.parametrize(
    ("found", "active"),
    [
        ({"State": "ACTIVE"}, True),
        ({"State": "SUSPENDED"}, False),
        ({"State": "CLOSED"}, False),
        ({"State": "PENDING_ACTIVATION"}, False),
        ({"State": "ACTIVE", "Status": "SUSPENDED"}, True),
        ({"State": "SUSPENDED", "Status": "ACTIVE"}, False),
        ({"Status": "ACTIVE"}, True),
        ({"Status": "SUSPENDED"}, False),
        ({"Status": "PENDING_CLOSURE"}, False),
        ({"State": "", "Status": "SUSPENDED"}, False),
        ({"State": None, "Status": "SUSPENDED"}, False),
        ({"State": {"Value": "ACTIVE"}, "Status": "SUSPENDED"}, False),
        ({}, True),
        ({"State": None}, True),
        ({"State": ""}, True),
        ({"State": ["SUSPENDED"]}, True),
        ({"State": "FROZEN"}, True),
        ({"State": "Suspended"}, True),
        ({"State": "FROZEN", "Status": "SUSPENDED"}, True),
    ],
)
def test_only_a_known_state_of_an_account_that_cannot_be_read_makes_it_not_active(
    aws: HttpStub, accounts: AwsAccounts, found: dict[str, object], *, active: bool
) -> None:
    aws.answer_in_turn(listing({"Id": "111111111111", "Name": "n"} | found))

    assert accounts.organization_accounts() == [Account("111111111111", "n", active=active)]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"Accounts":null}',
        b'{"Accounts":{"Id":"111111111111"}}',
        b'{"NextToken":"more"}',
        b'{"Accounts":[{"Id":"111111111111"',
        b"",
        b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException","message":null},"Version":"1.0"}',
        b'{"__type":"InternalFailure","Accounts":[{"Id":"111111111111"}]}',
        b'{"Accounts":[{"Id":"111111111111"}],"nextToken":"more"}',
        b'{"Accounts":[{"Id":"111111111111"}],"message":"Rate exceeded"}',
        b'{"Accounts":[{"Id":"111111111111"},{"Name":"without an id"}]}',
        b'{"Accounts":[{"Id":"1111"}]}',
        b'{"Accounts":[null]}',
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_an_answer_that_does_not_name_every_account_is_no_organization(
    aws: HttpStub, accounts: AwsAccounts, body: bytes, *, is_first: bool
) -> None:
    first = listing({"Id": "222222222222"}, token="more")  # noqa: S106
    aws.answer = lambda request: Answer(200, body) if is_first or b"NextToken" in request.body else first

    with pytest.raises(RetryableError, match=r"ListAccounts .*check that no proxy changes answers"):
        accounts.organization_accounts()


def test_a_page_of_accounts_that_is_cut_short_once_is_asked_for_again(aws: HttpStub, accounts: AwsAccounts) -> None:
    aws.answer_in_turn(
        listing({"Id": "111111111111"}, token="more"),  # noqa: S106
        Answer(200, b'{"Accounts":[{"Id"'),
        listing({"Id": "222222222222"}),
    )

    assert [account.account_id for account in accounts.organization_accounts()] == ["111111111111", "222222222222"]


@pytest.mark.parametrize("states", [("ACTIVE", "SUSPENDED"), ("SUSPENDED", "ACTIVE")])
def test_an_account_that_comes_twice_is_read_if_it_is_active_once(
    aws: HttpStub, accounts: AwsAccounts, states: tuple[str, str]
) -> None:
    first, second = ({"Id": "111111111111", "Name": "n", "State": state} for state in states)
    aws.answer_in_turn(listing(first, token="more"), listing(second))  # noqa: S106

    assert accounts.organization_accounts() == [Account("111111111111", "n", active=True)]


def test_pages_of_accounts_that_bring_nothing_new_come_to_an_end(aws: HttpStub, accounts: AwsAccounts) -> None:
    aws.answer = lambda _: listing({"Id": "111111111111"}, token=f"token {len(aws.requests)}")

    with pytest.raises(RestartError, match="ListAccounts: 101 pages in a row returned nothing new"):
        accounts.organization_accounts()

    assert len(aws.requests) == ATTEMPTS * (1 + EMPTY_PAGES + 1)


def refused(code: str) -> Answer:
    """Return a refusal."""
    return Answer(400, json.dumps({"__type": code, "Message": "You specified an invalid value: NextToken."}).encode())


@pytest.mark.parametrize("code", ["InvalidInputException", "InvalidNextTokenException"])
def test_a_token_that_is_refused_starts_the_list_again(aws: HttpStub, accounts: AwsAccounts, code: str) -> None:
    first = listing({"Id": "111111111111"}, token="more")  # noqa: S106
    aws.answer_in_turn(first, refused(code), first, listing({"Id": "222222222222"}))

    assert [account.account_id for account in accounts.organization_accounts()] == ["111111111111", "222222222222"]


def test_tokens_that_are_always_refused_are_not_called_a_lack_of_permissions(
    aws: HttpStub, accounts: AwsAccounts
) -> None:
    page = listing({"Id": "111111111111"}, token="more")  # noqa: S106
    aws.answer = lambda request: refused("InvalidInputException") if b"NextToken" in request.body else page

    with pytest.raises(RestartError, match=r"does not accept the token .*InvalidInputException") as caught:
        accounts.organization_accounts()

    assert "Expected: patchlake runs in the management account" not in str(caught.value)
    assert len(aws.requests) == ATTEMPTS * 2


def test_a_name_that_is_no_text_costs_the_account_nothing_else(aws: HttpStub, accounts: AwsAccounts) -> None:
    aws.answer_in_turn(listing({"Id": "111111111111", "Name": ["n"], "State": "SUSPENDED"}))

    assert accounts.organization_accounts() == [Account("111111111111", None, active=False)]


@pytest.mark.parametrize("code", ["AccessDeniedException", "AWSOrganizationsNotInUseException"])
def test_an_organization_that_may_not_be_listed_says_what_is_needed(
    aws: HttpStub, accounts: AwsAccounts, code: str
) -> None:
    aws.answer_in_turn(Answer(400, json.dumps({"__type": code}).encode()))

    with pytest.raises(PermanentError, match=rf"{code}.*management account.*organizations:ListAccounts"):
        accounts.organization_accounts()


@pytest.mark.parametrize(
    ("status", "code"), [(400, "TooManyRequestsException"), (500, "ServiceException"), (400, "ThrottlingException")]
)
def test_an_organization_that_does_not_answer_for_now_is_asked_again(
    aws: HttpStub, accounts: AwsAccounts, status: int, code: str
) -> None:
    aws.answer_in_turn(Answer(status, json.dumps({"__type": code}).encode()))

    with pytest.raises(RetryableError, match=code):
        accounts.organization_accounts()
