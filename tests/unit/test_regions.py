"""The regions that a session can read."""

import boto3
import pytest

from patchlake.adapters.regions import region_problem

PARTITIONS = {
    "eu-central-1": "aws",
    "us-east-1": "aws",
    "cn-north-1": "aws-cn",
    "us-gov-west-1": "aws-us-gov",
    "us-iso-east-1": "aws-iso",
}


def session_in(region: str) -> boto3.Session:
    return boto3.Session(region_name=region)


@pytest.mark.parametrize("own", PARTITIONS)
@pytest.mark.parametrize("region", PARTITIONS)
def test_a_session_reads_the_regions_of_its_own_partition_only(own: str, region: str) -> None:
    problem = region_problem(session_in(own), [own, region])

    if PARTITIONS[own] == PARTITIONS[region]:
        assert problem is None
    else:
        assert problem is not None
        assert problem.startswith(f"{region}: in the partition {PARTITIONS[region]}, but the session in {own} ")


def test_every_region_of_another_partition_is_named() -> None:
    problem = region_problem(session_in("eu-central-1"), ["us-gov-west-1", "us-east-1", "cn-north-1"])

    assert problem is not None
    assert problem.startswith("cn-north-1, us-gov-west-1: in the partition aws-cn, aws-us-gov, but")


def test_a_region_that_the_sdk_does_not_know_is_named() -> None:
    problem = region_problem(session_in("eu-central-1"), ["eu-cental-1", "cn-north-1"])

    assert problem == "eu-cental-1: the AWS SDK knows no such region of SSM"


def test_a_session_in_a_region_without_ssm_reads_other_regions() -> None:
    assert region_problem(session_in("eu-cental-1"), ["eu-central-1"]) is None
