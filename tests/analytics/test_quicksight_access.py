"""The readers of the dashboard, the permissions of its data source, and the values of the parameters."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.analytics.quicksight_checks import values
from tests.analytics.quicksight_shapes import model
from tests.analytics.quicksight_stack import OWNER, RESOURCES, TEMPLATE, of_type, stack

READER = "arn:aws:quicksight:us-east-1:111122223333:namespace/default"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
NO_OPERATION = {"PassDataSet", "PassDataSource", "QueryDashboard"}
"""Actions that are permissions only."""


[DASHBOARD] = of_type(RESOURCES, "Dashboard")


def statements(resources: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the role's statements by their id."""
    [policy] = resources["Role"]["Properties"]["Policies"]
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


def test_the_owner_may_all_and_a_reader_may_look_at_the_dashboard() -> None:
    resources = stack(ReaderArn=READER)
    [dashboard] = of_type(resources, "Dashboard")

    owned, read = dashboard["Permissions"]
    assert (owned["Principal"], read["Principal"]) == (OWNER, READER)
    assert set(read["Actions"]) < set(owned["Actions"])
    for kind in ("DataSource", "DataSet"):
        for body in of_type(resources, kind):
            [permission] = body["Permissions"]
            assert permission["Principal"] == OWNER


def test_without_a_reader_nobody_but_the_owner_is_let_in() -> None:
    assert {permission["Principal"] for permission in DASHBOARD["Permissions"]} == {OWNER}


def test_every_permission_is_an_action_of_the_service() -> None:
    known = {*model().operation_names, *NO_OPERATION}
    granted = {action for actions in values(list(RESOURCES.values()), "Actions") for action in actions}

    assert {action.removeprefix("quicksight:") for action in granted} <= known


def test_the_role_writes_results_only_and_reads_one_lake() -> None:
    granted = statements(RESOURCES)

    actions = {
        sid: [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        for sid, statement in granted.items()
    }
    assert not [action for listed in actions.values() for action in listed if "*" in action]
    assert [sid for sid, statement in granted.items() if statement["Resource"] == "*"] == ["AskLakeFormation"]
    assert actions["AskLakeFormation"] == ["lakeformation:GetDataAccess"]
    assert [sid for sid, listed in actions.items() if "s3:PutObject" in listed] == ["WriteAndReadResults"]
    assert granted["WriteAndReadResults"]["Resource"] == "arn:aws:s3:::the-results/*"
    assert granted["ReadTheLake"]["Resource"] == "arn:aws:s3:::the-lake/lake/*"
    assert granted["ListTheLake"]["Condition"] == {"StringLike": {"s3:prefix": "lake/*"}}
    assert not [action for listed in actions.values() for action in listed if "Delete" in action]


def test_a_key_of_ones_own_is_used_through_s3_only() -> None:
    assert "UseTheKeyThroughS3" not in statements(RESOURCES)

    key = statements(stack(KmsKeyArn=KEY))["UseTheKeyThroughS3"]

    assert key["Resource"] == KEY
    assert key["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}


def test_every_parameter_says_what_it_is_and_what_it_takes() -> None:
    for name, parameter in TEMPLATE["Parameters"].items():
        assert parameter["Description"], name
        assert parameter["AllowedPattern"], name
        assert parameter["ConstraintDescription"], name
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(TEMPLATE["Parameters"])


@pytest.mark.parametrize(
    ("parameter", "taken", "refused"),
    [
        ("OwnerArn", [OWNER, OWNER.replace("group/default/security", "user/default/a@b.example")], ["", "security"]),
        ("OwnerArn", [], [READER, "arn:aws:iam::111122223333:user/security"]),
        ("ReaderArn", ["", READER, OWNER], ["default", "arn:aws:iam::111122223333:role/reader"]),
        ("BucketName", ["the-lake"], ["", "s3://the-lake", "The_Lake", "the-lake/lake"]),
        ("DatabaseName", ["patchlake"], ["", "patch-lake", "patchlake; DROP", "1patch"]),
        ("WorkgroupName", ["patchlake"], ["", "patch lake", "*"]),
        ("KmsKeyArn", ["", KEY], ["alias/aws/s3", KEY.replace("key/", "alias/")]),
        ("RefreshTime", ["00:00", "23:59"], ["", "8:00", "24:00", "12:60", "noon"]),
        ("RefreshTimezone", ["UTC", "Europe/Berlin"], ["", "Central European Time"]),
    ],
)
def test_a_parameter_refuses_what_it_cannot_be(parameter: str, taken: list[str], refused: list[str]) -> None:
    pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]

    assert [value for value in taken if not re.fullmatch(pattern, value)] == []
    assert [value for value in refused if re.fullmatch(pattern, value)] == []
