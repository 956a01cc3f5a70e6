"""Our own identity and the accounts, as STS and AWS Organizations answer."""

import json
from collections.abc import Iterator
from functools import cache

import boto3
import pytest
from botocore.config import Config

from patchlake.adapters.organizations import AwsAccounts
from patchlake.core.plan import Account
from patchlake.errors import PermanentError, RetryableError
from tests.http_stub import Answer, HttpStub, http_stub


@pytest.fixture
def aws() -> Iterator[HttpStub]:
    with http_stub() as stub:
        yield stub


@cache
def session() -> boto3.Session:
    """Return one session for all tests: reading the SDK's service models takes longest."""
    return boto3.Session("testing", "testing", region_name="eu-west-1")


@pytest.fixture
def accounts(aws: HttpStub) -> AwsAccounts:
    config = Config(retries={"total_max_attempts": 1})
    return AwsAccounts(
        session().client("sts", endpoint_url=aws.url, config=config),
        session().client("organizations", endpoint_url=aws.url, config=config),
    )


def listing(*found: dict[str, str], token: str | None = None) -> Answer:
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
        ({}, False),
    ],
)
def test_the_state_decides_and_the_status_only_where_there_is_no_state(
    aws: HttpStub, accounts: AwsAccounts, found: dict[str, str], *, active: bool
) -> None:
    aws.answer_in_turn(listing({"Id": "111111111111", "Name": "n"} | found))

    assert accounts.organization_accounts() == [Account("111111111111", "n", active=active)]


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
