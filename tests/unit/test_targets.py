"""The name of a target."""

import re

import pytest

from patchlake.core.targets import ACCOUNT_ID_PATTERN, REGION_PATTERN, Target


def test_a_target_is_written_as_in_keys() -> None:
    assert str(Target("111122223333", "eu-central-1")) == "111122223333.eu-central-1"


def test_targets_sort_by_account_then_by_region() -> None:
    last, first, middle = Target("2" * 12, "us-east-1"), Target("1" * 12, "us-east-1"), Target("2" * 12, "eu-west-1")

    assert sorted([last, first, middle]) == [first, middle, last]


@pytest.mark.parametrize(
    "region", ["eu-central-1", "us-gov-west-1", "us-iso-east-1", "cn-north-1", "eusc-de-east-1", "mx-central-1"]
)
def test_regions_of_every_partition_are_regions(region: str) -> None:
    assert re.match(REGION_PATTERN, region)


@pytest.mark.parametrize(
    "region", ["", "eu-central", "eu-central-1\n", "EU-CENTRAL-1", "eu-central-123", "../eu-central-1", "eu--1", "eu-1"]
)
def test_what_is_not_a_region_does_not_pass_for_one(region: str) -> None:
    assert not re.match(REGION_PATTERN, region)


@pytest.mark.parametrize("account_id", ["", "1" * 11, "1" * 13, "1" * 12 + "\n", "11112222333a", "１" * 12])  # noqa: RUF001
def test_what_is_not_an_account_id_does_not_pass_for_one(account_id: str) -> None:
    assert not re.match(ACCOUNT_ID_PATTERN, account_id)
