"""The choice of accounts by organizational unit and of all enabled regions, over HTTP to the embedded AWS."""

import json
from pathlib import Path

import pytest

from patchlake.core.keys import plan_key
from patchlake_cli.embedded.aws.server import EmbeddedAws
from tests.command_line import patchlake_here, variables
from tests.deployed import new_stack, running
from tests.integration.conftest import REFUSED

HOME, MEMBER = "111122223333", "444455556666"
ROOT, WORKLOADS, EXPERIMENTS, CLOSED = "r-abcd", "ou-abcd-11111111", "ou-abcd-22222222", "ou-abcd-33333333"
EU, US = "eu-central-1", "us-east-1"


@pytest.fixture
def environment(aws: EmbeddedAws) -> dict[str, str]:
    return variables(aws.endpoint)


def planned(lake: Path) -> list[tuple[str, str, str | None, bool]]:
    """Return the targets of the only plan of a lake."""
    [plan] = (lake / "plans").iterdir()
    targets = json.loads(plan.read_text())["targets"]
    return [(each["account_id"], each["region"], each["account_name"], each["active"]) for each in targets]


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        (EXPERIMENTS, [(REFUSED, "research")]),
        (WORKLOADS, [(MEMBER, "payments"), (REFUSED, "research")]),
        (ROOT, [(HOME, "platform"), (MEMBER, "payments"), (REFUSED, "research")]),
        (f"{EXPERIMENTS},{HOME}", [(HOME, None), (REFUSED, "research")]),
        (f"{WORKLOADS},{EXPERIMENTS},{REFUSED}", [(MEMBER, "payments"), (REFUSED, "research")]),
        (f"{CLOSED},{HOME}", [(HOME, None)]),
    ],
)
def test_an_export_reads_the_accounts_of_its_units(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path, accounts: str, expected: list[tuple[str, str | None]]
) -> None:
    aws.change(refused_accounts=frozenset())

    export = patchlake_here(environment, "export", "--lake", tmp_path, "--accounts", accounts, "--json")

    assert (export.returncode, json.loads(export.stdout)["status"]) == (0, "COMPLETE"), export.stderr
    assert planned(tmp_path) == [(account_id, EU, name, True) for account_id, name in expected]


def test_an_account_of_a_unit_that_is_closed_is_planned_and_not_read(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    aws.change(suspended_accounts=frozenset({MEMBER}), refused_accounts=frozenset())

    export = patchlake_here(environment, "export", "--lake", tmp_path, "--accounts", f"{MEMBER},{WORKLOADS}")

    assert export.returncode == 0, export.stderr
    assert planned(tmp_path) == [(MEMBER, EU, "payments", False), (REFUSED, EU, "research", True)]


@pytest.mark.parametrize("command", ["check", "export"])
def test_an_account_can_be_left_out_of_a_unit(environment: dict[str, str], tmp_path: Path, command: str) -> None:
    options = ("--accounts", WORKLOADS, "--exclude-accounts", REFUSED, "--lake", tmp_path, "--json")

    ended = patchlake_here(environment, command, *options)

    assert ended.returncode == 0, ended.stderr
    if command == "export":
        assert planned(tmp_path) == [(MEMBER, EU, "payments", True)]


def test_all_enabled_regions_are_those_of_our_own_account_and_one_that_another_lacks_is_a_row(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    aws.change(disabled_regions=frozenset({f"{MEMBER}.{US}"}))
    options = ("--accounts", f"{HOME},{MEMBER}", "--regions", "all-enabled", "--json")

    check = patchlake_here(environment, "check", *options)
    export = patchlake_here(environment, "export", "--lake", tmp_path, *options)

    assert (check.returncode, export.returncode) == (3, 3), export.stderr
    assert planned(tmp_path) == [(account, region, None, True) for account in (HOME, MEMBER) for region in (EU, US)]
    [unread] = json.loads(export.stdout)["unread"]
    assert (unread["account_id"], unread["region"], unread["listing_status"]) == (MEMBER, US, "REGION_DISABLED")


def test_a_region_that_our_own_account_has_not_enabled_is_no_target(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    aws.change(disabled_regions=frozenset({f"{HOME}.{US}"}))

    export = patchlake_here(environment, "export", "--lake", tmp_path, "--regions", "all-enabled")

    assert export.returncode == 0, export.stderr
    assert planned(tmp_path) == [(HOME, EU, None, True)]


def test_an_identity_that_may_not_list_its_regions_gets_the_policy_to_paste(
    aws: EmbeddedAws, environment: dict[str, str]
) -> None:
    aws.change(denied_actions={HOME: frozenset({"DescribeRegions"})})

    check = patchlake_here(environment, "check", "--regions", "all-enabled")

    assert (check.returncode, check.stdout) == (1, "")
    assert "EC2 DescribeRegions failed: access denied (UnauthorizedOperation)" in check.stderr
    assert "Your identity needs ec2:DescribeRegions:" in check.stderr


def test_all_enabled_needs_a_region_of_the_session_to_ask_in(environment: dict[str, str]) -> None:
    nowhere = {name: value for name, value in environment.items() if name != "AWS_DEFAULT_REGION"}

    check = patchlake_here(nowhere, "check", "--regions", "all-enabled")

    assert (check.returncode, check.stdout, check.stderr.count("\n")) == (1, "", 1)
    assert "no region is set" in check.stderr


def test_a_stack_plans_its_units_and_all_enabled_regions(aws: EmbeddedAws, tmp_path: Path) -> None:
    stack = new_stack(aws, Accounts=f"{WORKLOADS},{HOME}", ExcludedAccounts=REFUSED, Regions="all-enabled")

    with running(aws, stack, 0, tmp_path) as run:
        run.fire()
        run.wait_until_committed()

        assert run.observation.outcome == "COMPLETE"
        targets = json.loads(run.objects()[plan_key(run.run_id)])["targets"]
    assert [(each["account_id"], each["account_name"], each["region"]) for each in targets] == [
        *((HOME, None, region) for region in (EU, US)),
        *((MEMBER, "payments", region) for region in (EU, US)),
    ]
