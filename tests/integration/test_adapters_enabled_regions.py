"""The regions that our own account has enabled, as EC2 answers."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.config import Config

from patchlake.adapters.enabled_regions import enabled_regions
from patchlake.errors import PermanentError, RetryableError
from tests import ec2_answers
from tests.http_stub import Answer, HttpStub, http_stub, session

HERE = {
    "regionName": "eu-west-1",
    "regionEndpoint": "ec2.eu-west-1.amazonaws.com",
    "optInStatus": "opt-in-not-required",
}


@pytest.fixture
def aws() -> Iterator[HttpStub]:
    with http_stub() as stub:
        yield stub


@pytest.fixture
def ec2(aws: HttpStub) -> Any:  # noqa: ANN401  # a client of EC2
    return session().client("ec2", endpoint_url=aws.url, config=Config(retries={"total_max_attempts": 1}))


def listing(*regions: Mapping[str, Any]) -> Answer:
    return Answer(200, ec2_answers.answer("DescribeRegions", {"regionInfo": list(regions)}))


def test_the_enabled_regions_are_asked_for_and_sorted(aws: HttpStub, ec2: Any) -> None:  # noqa: ANN401
    others = [{"regionName": "us-east-1"}, {"regionName": "ap-east-1", "optInStatus": "opted-in"}]
    aws.answer_in_turn(listing(HERE, *others))

    assert enabled_regions(ec2, session().get_partition_for_region) == ["ap-east-1", "eu-west-1", "us-east-1"]
    assert [{**parse_qs(request.body.decode())} for request in aws.requests] == [
        {"Action": ["DescribeRegions"], "Version": ["2016-11-15"]}
    ]


@pytest.mark.parametrize(
    ("state", "is_read"),
    [("opt-in-not-required", True), ("opted-in", True), ("enabling", True), (None, True), ("not-opted-in", False)],
)
def test_only_a_region_that_is_not_enabled_is_left_out(
    aws: HttpStub,
    ec2: Any,  # noqa: ANN401
    state: str | None,
    *,
    is_read: bool,
) -> None:
    aws.answer_in_turn(listing(HERE, {"regionName": "me-south-1", "optInStatus": state}))

    assert ("me-south-1" in enabled_regions(ec2, session().get_partition_for_region)) is is_read


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a/>",
        ec2_answers.answer("DescribeRegions", {}),
        ec2_answers.answer("DescribeRegions", {"regionInfo": []}),
        ec2_answers.answer("DescribeRegions", {"regionInfo": "eu-west-1"}),
        ec2_answers.answer("DescribeRegions", {"regionInfo": [HERE, {}]}),
        ec2_answers.answer("DescribeRegions", {"regionInfo": [HERE, {"regionName": ""}]}),
        ec2_answers.answer("DescribeRegions", {"regionInfo": [HERE, {"regionName": "../../x"}]}),
        ec2_answers.answer("DescribeRegions", {"regionInfo": [HERE, {"optInStatus": "opted-in"}]}),
        ec2_answers.answer("DescribeRegions", {"regionInfo": [{"regionName": "us-east-1"}]}),
        ec2_answers.answer("DescribeRegions", {"regionInfo": [HERE, {"regionName": "cn-north-1"}]}),
        ec2_answers.answer("DescribeRegions", {"regionInfo": [HERE, {"regionName": "us-gov-west-1"}]}),
        ec2_answers.answer("DescribeRegions", {"regionInfo": [HERE | {"optInStatus": "not-opted-in"}]}),
        ec2_answers.answer("DescribeRegions", {"regionInfo": [HERE]})[:-30],
        ec2_answers.error("InternalError"),
    ],
)
def test_an_answer_that_does_not_name_every_region_is_none(aws: HttpStub, ec2: Any, body: bytes) -> None:  # noqa: ANN401
    aws.answer_in_turn(Answer(200, body))

    with pytest.raises(RetryableError, match=r"DescribeRegions.*(?i:if the problem persists)"):
        enabled_regions(ec2, session().get_partition_for_region)


@pytest.mark.parametrize("region", ["eu-central-9", "nz-north-1"])
def test_a_region_that_is_newer_than_the_sdk_is_read(aws: HttpStub, ec2: Any, region: str) -> None:  # noqa: ANN401
    aws.answer_in_turn(listing(HERE, {"regionName": region}))

    assert region in enabled_regions(ec2, session().get_partition_for_region)


def test_an_answer_that_is_cut_short_once_is_asked_for_again(aws: HttpStub, ec2: Any) -> None:  # noqa: ANN401
    aws.answer_in_turn(Answer(200, b"<Descr"), listing(HERE))

    assert enabled_regions(ec2, session().get_partition_for_region) == ["eu-west-1"]


def test_an_account_that_may_not_list_its_regions_says_what_is_needed(aws: HttpStub, ec2: Any) -> None:  # noqa: ANN401
    aws.answer_in_turn(Answer(403, ec2_answers.error("UnauthorizedOperation")))

    with pytest.raises(PermanentError, match=r"UnauthorizedOperation.*ec2:DescribeRegions; or the regions are given"):
        enabled_regions(ec2, session().get_partition_for_region)


@pytest.mark.parametrize(("status", "code"), [(503, "RequestLimitExceeded"), (500, "InternalError")])
def test_regions_that_are_not_answered_for_now_are_asked_for_again(
    aws: HttpStub,
    ec2: Any,  # noqa: ANN401
    status: int,
    code: str,
) -> None:
    aws.answer_in_turn(Answer(status, ec2_answers.error(code)))

    with pytest.raises(RetryableError, match=code):
        enabled_regions(ec2, session().get_partition_for_region)
