"""The accounts of organizational units, as AWS Organizations answers."""

import json
from collections.abc import Callable, Iterator, Mapping

import pytest
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from patchlake.adapters.organizations import MOST_LEVELS, AwsAccounts
from patchlake.core.paging import ATTEMPTS, EMPTY_PAGES
from patchlake.core.plan import Account
from patchlake.errors import PermanentError, RestartError, RetryableError
from tests.http_stub import Answer, HttpStub, Request, http_stub, session

ROOT, WORKLOADS, PRODUCTION, SANDBOX = "r-abcd", "ou-abcd-11111111", "ou-abcd-22222222", "ou-abcd-33333333"
TREE: Mapping[str, list[str]] = {ROOT: [WORKLOADS, SANDBOX], WORKLOADS: [PRODUCTION], PRODUCTION: [], SANDBOX: []}
MEMBERS: Mapping[str, list[str]] = {
    ROOT: ["111111111111"],
    WORKLOADS: ["222222222222"],
    PRODUCTION: ["333333333333", "444444444444"],
    SANDBOX: ["555555555555"],
}


@pytest.fixture
def aws() -> Iterator[HttpStub]:
    with http_stub() as stub:
        yield stub


@pytest.fixture
def accounts(aws: HttpStub) -> AwsAccounts:
    config = Config(retries={"total_max_attempts": 1})
    return AwsAccounts(str, list, session().client("organizations", endpoint_url=aws.url, config=config))


def answering(
    tree: Mapping[str, list[str]] = TREE, members: Mapping[str, list[str]] = MEMBERS, size: int = 1
) -> Callable[[Request], Answer]:
    """Answer as an organization does, ``size`` rows a page."""

    def answer(request: Request) -> Answer:
        asked = json.loads(request.body)
        is_of_units = request.operation == "ListOrganizationalUnitsForParent"
        name = "OrganizationalUnits" if is_of_units else "Accounts"
        rows = (tree if is_of_units else members)[asked["ParentId"]]
        start = int(asked.get("NextToken", 0))
        end = start + size
        page = [{"Id": row, "Name": row, "State": "ACTIVE"} for row in rows[start:end]]
        return reply({name: page} | ({"NextToken": str(end)} if end < len(rows) else {}))

    return answer


def reply(body: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(body).encode())


def ids(found: object) -> list[str]:
    assert isinstance(found, list)
    return [account.account_id for account in found]


@pytest.mark.parametrize(
    ("units", "expected"),
    [
        ([SANDBOX], "5"),
        ([PRODUCTION], "34"),
        ([WORKLOADS], "234"),
        ([ROOT], "12345"),
        ([SANDBOX, WORKLOADS], "2345"),
        ([PRODUCTION, WORKLOADS, PRODUCTION], "234"),
    ],
)
def test_a_unit_stands_for_every_account_in_it_and_below_it_each_once(
    aws: HttpStub, accounts: AwsAccounts, units: list[str], expected: str
) -> None:
    aws.answer = answering()

    assert sorted(ids(accounts.unit_accounts(units))) == [digit * 12 for digit in expected]


def test_each_account_of_a_unit_has_its_name_and_state(aws: HttpStub, accounts: AwsAccounts) -> None:
    found = [
        {"Id": "111111111111", "Name": "shop", "State": "ACTIVE"},
        {"Id": "222222222222", "Name": "closed", "State": "SUSPENDED"},
        {"Id": "333333333333"},
    ]
    aws.answer = lambda request: reply(
        {"Accounts": found} if request.operation == "ListAccountsForParent" else {"OrganizationalUnits": []}
    )

    assert accounts.unit_accounts([SANDBOX]) == [
        Account("111111111111", "shop", active=True),
        Account("222222222222", "closed", active=False),
        Account("333333333333", None, active=True),
    ]


def test_an_account_of_two_units_is_read_if_it_is_active_in_one(aws: HttpStub, accounts: AwsAccounts) -> None:
    def answer(request: Request) -> Answer:
        if request.operation != "ListAccountsForParent":
            return reply({"OrganizationalUnits": []})
        state = "ACTIVE" if json.loads(request.body)["ParentId"] == SANDBOX else "SUSPENDED"
        return reply({"Accounts": [{"Id": "111111111111", "Name": "moved", "State": state}]})

    aws.answer = answer

    for units in ([SANDBOX, PRODUCTION], [PRODUCTION, SANDBOX]):
        assert accounts.unit_accounts(units) == [Account("111111111111", "moved", active=True)]


def test_a_unit_without_accounts_has_none(aws: HttpStub, accounts: AwsAccounts) -> None:
    aws.answer = answering({SANDBOX: []}, {SANDBOX: []})

    assert accounts.unit_accounts([SANDBOX]) == []


def test_units_as_deep_as_aws_allows_are_read_to_the_last_level(aws: HttpStub, accounts: AwsAccounts) -> None:
    chain = [ROOT, *(f"ou-abcd-{level:08d}" for level in range(MOST_LEVELS))]
    tree = {parent: [child] for parent, child in zip(chain, [*chain[1:], ""], strict=True)} | {chain[-1]: []}
    aws.answer = answering(tree, {unit: [] for unit in chain[:-1]} | {chain[-1]: ["111111111111"]})

    assert ids(accounts.unit_accounts([ROOT])) == ["111111111111"]


@pytest.mark.parametrize(
    "tree",
    [
        {WORKLOADS: [WORKLOADS]},
        {WORKLOADS: [PRODUCTION], PRODUCTION: [WORKLOADS]},
        {WORKLOADS: [PRODUCTION, SANDBOX], PRODUCTION: [SANDBOX], SANDBOX: []},
    ],
    ids=["itself", "a loop", "two places"],
)
def test_units_that_are_no_tree_are_an_error(aws: HttpStub, accounts: AwsAccounts, tree: dict[str, list[str]]) -> None:
    aws.answer = answering(tree, {unit: [] for unit in tree})

    with pytest.raises(RetryableError, match=f"units below {WORKLOADS} do not form a tree of at most 5 levels"):
        accounts.unit_accounts([WORKLOADS])

    assert len(aws.requests) <= 6


def test_units_without_an_end_are_an_error(aws: HttpStub, accounts: AwsAccounts) -> None:
    aws.answer = lambda _: reply({"OrganizationalUnits": [{"Id": f"ou-abcd-{len(aws.requests):08d}"}]})

    with pytest.raises(RetryableError, match="do not form a tree of at most 5 levels"):
        accounts.unit_accounts([ROOT])

    assert len(aws.requests) == MOST_LEVELS + 1


def test_more_units_than_any_organization_has_are_an_error(
    aws: HttpStub, accounts: AwsAccounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patchlake.adapters.organizations.MOST_UNITS", 20)
    aws.answer = lambda _: reply(
        {"OrganizationalUnits": [{"Id": f"ou-abcd-{len(aws.requests):04d}{child:04d}"} for child in range(5)]}
    )

    with pytest.raises(RetryableError, match="and 20 units"):
        accounts.unit_accounts([ROOT])

    assert len(aws.requests) == 6


@pytest.mark.parametrize("operation", ["ListAccountsForParent", "ListOrganizationalUnitsForParent"])
def test_pages_that_bring_nothing_new_come_to_an_end(aws: HttpStub, accounts: AwsAccounts, operation: str) -> None:
    def answer(request: Request) -> Answer:
        if request.operation != operation:
            return answering({WORKLOADS: []}, {WORKLOADS: []})(request)
        rows = {"Accounts": [{"Id": "111111111111"}], "OrganizationalUnits": [{"Id": SANDBOX}]}
        return reply(rows | {"NextToken": f"token {len(aws.requests)}"})

    aws.answer = answer

    with pytest.raises(RestartError, match=f"{operation} of {WORKLOADS}: 101 pages in a row returned nothing new"):
        accounts.unit_accounts([WORKLOADS])

    asked = [request for request in aws.requests if request.operation == operation]
    assert len(asked) == ATTEMPTS * (1 + EMPTY_PAGES + 1)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        (operation, body)
        for operation, bodies in {
            "ListAccountsForParent": [
                b"{}",
                b'{"Accounts":null}',
                b'{"OrganizationalUnits":[]}',
                b'{"Accounts":[{"Name":"without an id"}]}',
                b'{"Accounts":[{"Id":"1111"}]}',
                b'{"Accounts":[null]}',
                b'{"Accounts":[{"Id":"1111',
                b'{"__type":"InternalFailure","Accounts":[]}',
            ],
            "ListOrganizationalUnitsForParent": [
                b"{}",
                b"",
                b'{"OrganizationalUnits":null}',
                b'{"Accounts":[]}',
                b'{"OrganizationalUnits":[{"Name":"without an id"}]}',
                b'{"OrganizationalUnits":[{"Id":"111111111111"}]}',
                b'{"OrganizationalUnits":[{"Id":["ou-abcd-11111111"]}]}',
                b'{"OrganizationalUnits":[{}]}',
            ],
        }.items()
        for body in bodies
    ],
)
def test_an_answer_that_does_not_name_all_of_a_unit_is_none(
    aws: HttpStub, accounts: AwsAccounts, operation: str, body: bytes
) -> None:
    whole = answering()
    aws.answer = lambda request: Answer(200, body) if request.operation == operation else whole(request)

    with pytest.raises(RetryableError, match=rf"{operation}.*check that no proxy changes answers"):
        accounts.unit_accounts([WORKLOADS])


def test_a_page_that_is_cut_short_once_is_asked_for_again(aws: HttpStub, accounts: AwsAccounts) -> None:
    whole = answering()
    aws.answer = lambda request: Answer(200, b'{"Organ') if len(aws.requests) == 2 else whole(request)

    assert ids(accounts.unit_accounts([ROOT])) == ids(accounts.unit_accounts([ROOT]))


def test_a_unit_that_does_not_exist_is_named(aws: HttpStub, accounts: AwsAccounts) -> None:
    aws.answer = lambda _: reply({"__type": "ParentNotFoundException", "Message": "We can't find a root or OU."}, 400)

    with pytest.raises(PermanentError) as caught:
        accounts.unit_accounts([SANDBOX])

    assert str(caught.value) == (
        f"Organizations ListOrganizationalUnitsForParent of {SANDBOX} failed: the organization has no such "
        "organizational unit or root (ParentNotFoundException): We can't find a root or OU. Correct the id in "
        "--accounts, or in Accounts of a stack; if someone has just deleted the unit, retry"
    )


@pytest.mark.parametrize("operation", ["ListAccountsForParent", "ListOrganizationalUnitsForParent"])
@pytest.mark.parametrize("code", ["AccessDeniedException", "AWSOrganizationsNotInUseException"])
def test_a_unit_that_may_not_be_listed_says_what_is_needed(
    aws: HttpStub, accounts: AwsAccounts, operation: str, code: str
) -> None:
    whole = answering()
    aws.answer = lambda request: reply({"__type": code}, 400) if request.operation == operation else whole(request)

    with pytest.raises(PermanentError, match=rf"{code}.*management account.*organizations:{operation}; or"):
        accounts.unit_accounts([WORKLOADS])


@pytest.mark.parametrize(
    ("status", "code"), [(400, "TooManyRequestsException"), (500, "ServiceException"), (400, "ThrottlingException")]
)
@pytest.mark.parametrize("operation", ["ListAccountsForParent", "ListOrganizationalUnitsForParent"])
def test_a_unit_that_is_not_answered_for_now_is_asked_about_again(
    aws: HttpStub, accounts: AwsAccounts, operation: str, status: int, code: str
) -> None:
    whole = answering()
    aws.answer = lambda request: reply({"__type": code}, status) if request.operation == operation else whole(request)

    with pytest.raises(RetryableError, match=code):
        accounts.unit_accounts([WORKLOADS])


@settings(max_examples=25)
@given(
    parents=st.lists(st.integers(0, 30), max_size=12),
    homes=st.lists(st.integers(0, 12), max_size=20),
    size=st.integers(1, 3),
    chosen=st.integers(0, 12),
)
def test_a_unit_has_the_accounts_of_all_units_below_it(
    parents: list[int], homes: list[int], size: int, chosen: int
) -> None:
    units = [ROOT]
    tree: dict[str, list[str]] = {ROOT: []}
    above = {ROOT: [ROOT]}
    for number, place in enumerate(parents):
        candidates = [unit for unit in units if len(above[unit]) <= MOST_LEVELS]
        unit, parent = f"ou-abcd-{number:08d}", candidates[place % len(candidates)]
        units.append(unit)
        tree[unit] = []
        tree[parent].append(unit)
        above[unit] = [unit, *above[parent]]
    home_of = {f"{number:012d}": units[home % len(units)] for number, home in enumerate(homes)}
    members = {unit: [account for account, home in home_of.items() if home == unit] for unit in units}
    top = units[chosen % len(units)]
    with http_stub() as aws:
        client = session().client("organizations", endpoint_url=aws.url)
        aws.answer = answering(tree, members, size)

        found = ids(AwsAccounts(str, list, client).unit_accounts([top]))

    assert sorted(found) == [account for account, home in home_of.items() if top in above[home]]
