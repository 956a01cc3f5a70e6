"""The embedded EC2, called by the SDK over HTTP: the fleet's instances and tags, pages, filters, faults, refusals."""

from collections import Counter
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError
from botocore.parsers import ResponseParserError

from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.aws.settings import NO_FAULTS, FaultRates
from tests.embedded_ssm import HOME, ONCE, error_of, pages

MANAGED = {"IncludeManagedResources": True}


@pytest.fixture
def ec2(aws: EmbeddedAws) -> Any:  # noqa: ANN401
    aws.begin_day(0)
    return client(aws)


def client(aws: EmbeddedAws, region: str = HOME.region) -> Any:  # noqa: ANN401
    return aws.endpoint.session.client("ec2", region, endpoint_url=aws.endpoint_url, config=ONCE)


def instances(ec2: Any, **arguments: object) -> list[dict[str, Any]]:  # noqa: ANN401
    """Ask for every instance, to the last page."""
    found = pages(ec2.describe_instances, **{"MaxResults": 1000, **MANAGED, **arguments})
    return [row for page in found for reservation in page["Reservations"] for row in reservation["Instances"]]


def tags(ec2: Any, *filters: tuple[str, list[str]], size: int = 1000) -> list[dict[str, Any]]:  # noqa: ANN401
    """Ask for every tag that passes the filters, to the last page."""
    asked = [{"Name": name, "Values": values} for name, values in filters]
    return [row for page in pages(ec2.describe_tags, MaxResults=size, Filters=asked) for row in page["Tags"]]


def test_a_node_of_ec2_is_a_running_instance_and_other_instances_are_in_every_state(aws: EmbeddedAws, ec2: Any) -> None:  # noqa: ANN401
    nodes = {node.instance_id: node.information for node in aws.fleet.nodes(HOME, 0)}

    found = {row["InstanceId"]: row for row in instances(ec2)}

    in_ec2 = {i for i, known in nodes.items() if known["ResourceType"] == "EC2Instance"}
    assert found.keys() & nodes.keys() == in_ec2
    others = Counter((row["State"]["Name"], row["Operator"]["Managed"]) for i, row in found.items() if i not in nodes)
    assert others.keys() == {
        ("running", False),
        ("running", True),
        ("stopped", False),
        ("pending", False),
        ("terminated", False),
    }
    assert {row["State"]["Name"] for i, row in found.items() if i in nodes} == {"running"}
    assert {nodes[i]["PingStatus"] for i in in_ec2} == {"Online", "ConnectionLost"}
    assert max(row["LaunchTime"] for row in found.values()) <= aws.fleet.run_at(0)


def test_instances_that_a_service_manages_are_hidden_unless_they_are_asked_for(ec2: Any) -> None:  # noqa: ANN401
    hidden = instances(ec2, IncludeManagedResources=False)

    assert {row["InstanceId"] for row in hidden} == {
        row["InstanceId"] for row in instances(ec2) if not row["Operator"]["Managed"]
    }


def test_short_and_empty_pages_have_each_instance_once(aws: EmbeddedAws, ec2: Any) -> None:  # noqa: ANN401
    aws.change(short_pages=0.5, empty_pages=0.3)

    rows = instances(ec2, MaxResults=20)

    assert len({row["InstanceId"] for row in rows}) == len(rows)
    assert len(rows) == len(instances(ec2))


def test_tags_are_those_of_the_instances(ec2: Any) -> None:  # noqa: ANN401
    of_instances = {(row["InstanceId"], tag["Key"], tag["Value"]) for row in instances(ec2) for tag in row["Tags"]}

    assert {(row["ResourceId"], row["Key"], row["Value"]) for row in tags(ec2, size=50)} == of_instances
    assert {key for _, key, _ in of_instances} == {"Name", "Environment", "CostCenter", "Owner", "owner"}


def test_a_filter_by_key_distinguishes_case_and_reads_wildcards(ec2: Any) -> None:  # noqa: ANN401
    keys = [{row["Key"] for row in tags(ec2, ("key", [key]))} for key in ("Owner", "OWNER", "?wner", "*")]

    assert keys == [{"Owner"}, set(), {"Owner", "owner"}, {"Name", "Environment", "CostCenter", "Owner", "owner"}]
    assert tags(ec2, ("resource-type", ["volume"])) == []


def test_a_size_that_is_out_of_bounds_and_an_unknown_filter_are_refused(ec2: Any) -> None:  # noqa: ANN401
    refused = [
        partial(ec2.describe_instances, MaxResults=1001),
        partial(ec2.describe_tags, MaxResults=4),
        partial(ec2.describe_tags, Filters=[{"Name": "kee", "Values": ["Owner"]}]),
        partial(ec2.describe_instances, Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}]),
    ]

    assert {error_of(call)[0] for call in refused} == {"InvalidParameterValue"}


def test_a_token_is_valid_for_its_own_question(ec2: Any) -> None:  # noqa: ANN401
    token = ec2.describe_instances(MaxResults=5, **MANAGED)["NextToken"]

    assert error_of(partial(ec2.describe_instances, MaxResults=6, NextToken=token, **MANAGED))[:2] == (
        "InvalidNextToken",
        400,
    )
    assert error_of(partial(ec2.describe_tags, MaxResults=5, NextToken=token))[0] == "InvalidNextToken"
    assert error_of(partial(ec2.describe_tags, MaxResults=5, NextToken="none"))[0] == "InvalidNextToken"


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        (FaultRates(throttling=1), ("RequestLimitExceeded", 503)),
        (FaultRates(internal_error=1), ("InternalError", 500)),
    ],
)
def test_a_fault_is_an_error_of_ec2_and_passes(
    aws: EmbeddedAws,
    ec2: Any,  # noqa: ANN401
    rates: FaultRates,
    expected: tuple[str, int],
) -> None:
    aws.change(faults=rates)
    ask = partial(ec2.describe_instances, MaxResults=1000, **MANAGED)

    assert error_of(ask)[:2] == expected
    aws.change(faults=NO_FAULTS, empty_pages=0)
    assert ask()["Reservations"]


def test_an_answer_can_break_off_or_not_come_and_a_token_be_refused(aws: EmbeddedAws, ec2: Any) -> None:  # noqa: ANN401
    aws.change(faults=FaultRates(truncated_body=1))
    with pytest.raises(ResponseParserError):
        ec2.describe_tags(MaxResults=1000)
    aws.change(faults=FaultRates(connection_reset=1))
    with pytest.raises(ConnectionClosedError):
        ec2.describe_tags(MaxResults=999)
    aws.change(faults=FaultRates(invalid_next_token=1), short_pages=0, empty_pages=0)
    assert error_of(lambda: tags(ec2, size=5))[0] == "InvalidPaginationToken"


def test_refusals_have_the_codes_of_ec2(aws: EmbeddedAws, ec2: Any) -> None:  # noqa: ANN401
    aws.change(denied_actions={HOME.account_id: frozenset({"DescribeTags"})})
    assert error_of(partial(ec2.describe_tags))[:2] == ("UnauthorizedOperation", 403)
    assert instances(ec2)

    aws.change(disabled_regions=frozenset({HOME.region}))
    assert error_of(partial(ec2.describe_instances))[:2] == ("AuthFailure", 401)


def test_an_account_has_the_regions_of_the_fleet_that_it_has_enabled(aws: EmbeddedAws, ec2: Any) -> None:  # noqa: ANN401
    home, other = aws.settings.region_list()
    whole = {row["RegionName"]: row["OptInStatus"] for row in ec2.describe_regions()["Regions"]}

    aws.change(disabled_regions=frozenset({f"{HOME.account_id}.{other}"}))

    enabled = ec2.describe_regions()["Regions"]
    every = ec2.describe_regions(AllRegions=True)["Regions"]
    assert whole == {home: "opted-in", other: "opted-in"}
    assert [row["RegionName"] for row in enabled] == [home]
    assert {row["RegionName"]: row["OptInStatus"] for row in every} == {home: "opted-in", other: "not-opted-in"}
    assert error_of(partial(client(aws, other).describe_instances))[:2] == ("AuthFailure", 401)
    assert error_of(partial(ec2.describe_regions, RegionNames=[home]))[0] == "InvalidParameterValue"


def test_the_calls_are_counted(aws: EmbeddedAws, ec2: Any) -> None:  # noqa: ANN401
    aws.change(short_pages=0, empty_pages=0)

    instances(ec2)

    assert aws.statistics().count("ec2", "DescribeInstances") == 1


def test_the_instances_that_no_node_is_are_the_same_on_each_day(aws: EmbeddedAws, ec2: Any) -> None:  # noqa: ANN401
    def unmanaged(day: int) -> set[str]:
        aws.begin_day(day)
        return {row["InstanceId"] for row in instances(ec2)} - {node.instance_id for node in aws.fleet.nodes(HOME, day)}

    assert unmanaged(0) == unmanaged(1)
