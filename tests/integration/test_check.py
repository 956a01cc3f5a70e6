"""``patchlake check`` against the embedded AWS: it shows what would work, target by target, and writes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.laptop_stack import trusted_callers
from tests.command_line import patchlake, patchlake_here, variables
from tests.deployed import new_stack, running, s3
from tests.integration.conftest import REFUSED

WHOLE = ("--accounts", "organization", "--regions", "eu-central-1,us-east-1")
HOME, MEMBER = "111122223333", "444455556666"


@pytest.fixture
def environment(aws: EmbeddedAws) -> dict[str, str]:
    return variables(aws.endpoint)


def checked(environment: dict[str, str], *arguments: str) -> tuple[int, dict[str, Any]]:
    ended = patchlake_here(environment, "check", "--json", *arguments)
    return ended.returncode, json.loads(ended.stdout)


def test_each_target_is_told_from_the_others(environment: dict[str, str]) -> None:
    code, found = checked(environment, *WHOLE)

    assert code == 3
    assert found["account_id"] == HOME
    assert [(t["account_id"], t["role"], t["list_nodes"], t["read_patch_states"]) for t in found["targets"]] == [
        *[(HOME, "own account", "ok", "ok")] * 2,
        *[(MEMBER, "ok", "ok", "ok")] * 2,
        *[(REFUSED, "AccessDenied", "-", "-")] * 2,
    ]
    assert found["targets"][-1]["missing_permissions"] == ["sts:AssumeRole"]
    assert found["advice"][0]["policy"]["Statement"] == [
        {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": "arn:aws:iam::*:role/patchlake-member"}
    ]


def test_accounts_that_are_left_out_are_no_targets(environment: dict[str, str], tmp_path: Path) -> None:
    left_out = (*WHOLE, "--exclude-accounts", f"{REFUSED},{MEMBER}")

    code, found = checked(environment, *left_out)
    export = patchlake_here(environment, "export", "--lake", tmp_path, *left_out, "--json")

    assert (code, {target["account_id"] for target in found["targets"]}) == (0, {HOME})
    assert (export.returncode, json.loads(export.stdout)["targets"]) == (0, 2)
    [plan] = (tmp_path / "plans").iterdir()
    assert json.loads(plan.read_text())["excluded_account_ids"] == [MEMBER, REFUSED]


@pytest.mark.parametrize("command", ["check", "export"])
def test_accounts_can_be_left_out_of_an_organization_only_and_not_all_of_them(
    environment: dict[str, str], tmp_path: Path, command: str
) -> None:
    lake = ("--lake", str(tmp_path))
    unused = patchlake_here(environment, command, *lake, "--exclude-accounts", HOME)
    nothing = patchlake_here(environment, command, *lake, *WHOLE, "--exclude-accounts", f"{HOME},{MEMBER},{REFUSED}")

    assert unused.returncode == 2
    assert "--exclude-accounts has no effect without organization or a unit in --accounts." in unused.stderr
    assert (nothing.returncode, nothing.stderr.count("\n")) == (1, 1)
    assert "every account is excluded" in nothing.stderr


def test_where_all_works_it_says_complete(environment: dict[str, str], tmp_path: Path) -> None:
    code, found = checked(environment, "--lake", str(tmp_path / "lake"))

    assert (code, found["lake_obstacle"], found["advice"]) == (0, None, [])
    assert list(tmp_path.iterdir()) == []


def test_a_role_that_trusts_only_the_functions_is_not_to_be_widened(
    aws: EmbeddedAws, environment: dict[str, str]
) -> None:
    stack = new_stack(aws)
    aws.change(trusted_callers=trusted_callers(stack), refused_accounts=frozenset())

    code, found = checked(environment, *WHOLE)
    other_code, other = checked(environment, *WHOLE, "--role-name", "patchlake-export")

    assert code == 3
    assert {t["account_id"] for t in found["targets"] if not t["works"]} == {MEMBER, REFUSED}
    [_, advice] = found["advice"]
    assert "If the role patchlake-member was deployed with templates/member-role.yaml, it trusts" in advice["text"]
    assert "leave its trust policy as it is. Create a role with another name" in advice["text"]
    assert (other_code, other["advice"]) == (0, [])


def test_a_run_of_a_stack_assumes_the_roles_that_trust_only_its_functions(aws: EmbeddedAws, tmp_path: Path) -> None:
    stack = new_stack(aws)
    aws.change(trusted_callers=trusted_callers(stack), refused_accounts=frozenset())
    with running(aws, stack, 0, tmp_path) as run:
        run.fire()
        run.wait_until_committed()

        assert run.observation.outcome == "COMPLETE"


@pytest.mark.parametrize("option", ["lake", "accounts", "regions", "role-name", "external-id"])
def test_an_option_that_a_stack_makes_useless_is_refused(environment: dict[str, str], option: str) -> None:
    ended = patchlake_here(environment, "check", "--stack", "any", f"--{option}", "self")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"--{option} has no effect with --stack: leave one of them out." in ended.stderr


@pytest.mark.parametrize("command", [("check",), ("export", "--lake", "lake")])
@pytest.mark.parametrize("option", ["role-name", "external-id"])
def test_a_role_is_refused_where_only_the_own_account_is_read(
    environment: dict[str, str], tmp_path: Path, command: tuple[str, ...], option: str
) -> None:
    ended = patchlake_here(environment, *command, f"--{option}", "reader", folder=tmp_path)

    assert (ended.returncode, ended.stdout, list(tmp_path.iterdir())) == (2, "", [])
    assert f"--{option} has no effect with --accounts self: leave one of them out." in ended.stderr


def test_an_account_where_ssm_denies_access_names_what_is_missing(
    aws: EmbeddedAws, environment: dict[str, str]
) -> None:
    aws.change(denied_accounts=frozenset({MEMBER}))

    code, found = checked(environment, "--accounts", MEMBER, "--regions", "us-east-1")

    [target] = found["targets"]
    assert (code, target["role"], target["list_nodes"]) == (1, "ok", "AccessDeniedException")
    [advice] = found["advice"]
    assert f"The role patchlake-member of {MEMBER} needs" in advice["text"]
    [statement] = advice["policy"]["Statement"]
    assert statement["Action"] == ["ssm:DescribeInstanceInformation", "ssm:DescribeInstancePatchStates"]


def test_a_role_that_may_not_read_patches_is_named_with_the_statement_that_it_lacks(
    aws: EmbeddedAws, environment: dict[str, str]
) -> None:
    aws.change(denied_actions={MEMBER: frozenset({"DescribeInstancePatches"})})

    code, found = checked(environment, "--accounts", MEMBER, "--regions", "us-east-1")

    [target] = found["targets"]
    assert (code, target["works"], target["read_patch_states"]) == (0, True, "ok")
    assert target["read_patches"] == "AccessDeniedException"
    assert target["missing_permissions"] == ["ssm:DescribeInstancePatches"]
    [advice] = found["advice"]
    assert advice["text"] == f"The role patchlake-member of {MEMBER} needs ssm:DescribeInstancePatches:"
    assert advice["policy"]["Statement"] == [
        {"Effect": "Allow", "Action": ["ssm:DescribeInstancePatches"], "Resource": "*"}
    ]


def test_a_role_that_is_older_than_every_secondary_source_is_named_with_each_action_that_it_lacks(
    aws: EmbeddedAws, environment: dict[str, str]
) -> None:
    lacking = ("ssm:DescribeInstancePatches", "ec2:DescribeInstances", "ec2:DescribeTags")
    aws.change(denied_actions={MEMBER: frozenset(action.partition(":")[2] for action in lacking)})

    code, found = checked(environment, "--accounts", MEMBER, "--regions", "us-east-1")

    [target] = found["targets"]
    assert (code, target["works"]) == (0, True)
    assert (target["list_instances"], target["list_tags"]) == ("UnauthorizedOperation", "UnauthorizedOperation")
    assert target["missing_permissions"] == list(lacking)
    assert [advice["text"] for advice in found["advice"]] == [
        f"The role patchlake-member of {MEMBER} needs {action}:" for action in lacking
    ]
    for action in lacking:
        assert action in target["detail"]


def test_a_target_that_may_list_tags_alone_is_told_from_one_that_may_not(
    aws: EmbeddedAws, environment: dict[str, str]
) -> None:
    aws.change(denied_actions={HOME: frozenset({"DescribeInstances"})})

    _, found = checked(environment)

    [target] = found["targets"]
    assert (target["read_patches"], target["list_instances"], target["list_tags"]) == (
        "ok",
        "UnauthorizedOperation",
        "ok",
    )
    [advice] = found["advice"]
    assert advice["text"] == f"In your own account {HOME}, your identity needs ec2:DescribeInstances:"


def test_a_node_that_ssm_no_longer_knows_shows_that_patches_may_be_read(
    aws: EmbeddedAws, environment: dict[str, str]
) -> None:
    nodes = {node.instance_id for target in aws.fleet.targets for node in aws.fleet.nodes(target, 0)}
    aws.change(vanished_nodes=frozenset(nodes))

    code, found = checked(environment)

    assert (code, found["advice"]) == (0, [])
    assert [target["read_patches"] for target in found["targets"]] == ["ok"]


def test_a_bucket_is_looked_into_and_nothing_is_stored(aws: EmbeddedAws, environment: dict[str, str]) -> None:
    client = s3(aws.endpoint)
    client.create_bucket(Bucket="checked", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})

    code, found = checked(environment, "--lake", "s3://checked/some/lake")
    absent_code, absent = checked(environment, "--lake", "s3://not-there")

    assert (code, found["lake_obstacle"]) == (0, None)
    assert client.list_objects_v2(Bucket="checked")["KeyCount"] == 0
    assert absent_code == 1
    assert "NoSuchBucket" in absent["lake_obstacle"]


def test_people_see_a_table_and_what_to_do(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ended = patchlake(environment, "check", *WHOLE, "--lake", tmp_path / "file")

    assert ended.returncode == 1
    assert "file is not a folder" in ended.stdout
    assert "4 of 6 targets can be read" in ended.stdout
    assert '"sts:AssumeRole"' in ended.stdout
    assert "\x1b" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--accounts", "all"], 2, "--accounts is 'all': expected self, organization"),
        (
            ["--accounts", "ou-abcd-99999999"],
            1,
            "ListOrganizationalUnitsForParent of ou-abcd-99999999 failed: the organization has no such organizational",
        ),
        (["--accounts", "ou-abcd-33333333"], 1, "no account in ou-abcd-33333333, nor in the units below"),
        (
            ["--accounts", f"r-abcd,{HOME}", "--exclude-accounts", HOME],
            2,
            f"--exclude-accounts names {HOME}, as --accounts does: name each in only one of them",
        ),
        (["--regions", "mars-north-1"], 2, "--regions names mars-north-1: the AWS SDK knows no such region of SSM"),
        (
            ["--regions", "us-gov-west-1"],
            2,
            "--regions names us-gov-west-1: in the partition aws-us-gov, but the session",
        ),
        (["--profile", "absent"], 1, "profile (absent) could not be found"),
        (["--profile", "a\nb"], 1, "profile (a b) could not be found"),
        (["--lake", "ftp://x"], 2, "--lake is 'ftp://x'"),
    ],
)
def test_what_is_wrong_is_one_line(environment: dict[str, str], arguments: list[str], code: int, text: str) -> None:
    ended = patchlake_here(environment, "check", *arguments)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (code, "", 1), ended.stderr
    assert text in ended.stderr
