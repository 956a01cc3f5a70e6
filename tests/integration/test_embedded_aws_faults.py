"""Faults of the embedded SSM: the same in every run, in any order of the calls, and over at the third attempt."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import batched
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from patchlake.core.targets import Target
from patchlake_cli.embedded.aws.server import EmbeddedAws, start_server
from patchlake_cli.embedded.aws.settings import USUAL_FAULTS, Conditions, FaultRates, Settings

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

HOME = Target("111122223333", "eu-central-1")
WHOLE_PAGES = {"short_pages": 0.0, "empty_pages": 0.0}
SOME = FaultRates(throttling=0.2, internal_error=0.2, truncated_body=0.2)


def client(aws: EmbeddedAws, attempts: int = 1) -> "SSMClient":
    config = Config(proxies={}, retries={"total_max_attempts": attempts, "mode": "standard"})
    return aws.endpoint.session.client("ssm", endpoint_url=aws.endpoint_url, config=config)


@pytest.fixture
def quiet_aws(aws: EmbeddedAws) -> EmbeddedAws:
    aws.begin_day(0)
    aws.change(**WHOLE_PAGES)
    return aws


@pytest.fixture
def chunks(aws: EmbeddedAws) -> list[list[str]]:
    """Calls of ten ids each."""
    return [list(ids) for ids in batched((node.instance_id for node in aws.fleet.nodes(HOME, 0)), 10, strict=False)]


def outcome(call: Callable[[], Any]) -> str:
    """Say how a call of DescribeInstancePatchStates ends."""
    try:
        answer = call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    except ConnectionClosedError:
        return "no answer"
    # The SDK silently returns nothing for a truncated body.
    return "answer" if "InstancePatchStates" in answer else "truncated"


def outcomes(aws: EmbeddedAws, chunks: list[list[str]], attempts: int = 3) -> list[list[str]]:
    """Ask for each chunk several times, and say how each attempt ended."""
    ssm = client(aws)
    return [
        [outcome(partial(ssm.describe_instance_patch_states, InstanceIds=ids)) for _ in range(attempts)]
        for ids in chunks
    ]


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        (FaultRates(throttling=1.0), "ThrottlingException"),
        (FaultRates(internal_error=1.0), "InternalServerError"),
        (FaultRates(truncated_body=1.0), "truncated"),
        (FaultRates(connection_reset=1.0), "no answer"),
    ],
    ids=["throttling", "internal error", "truncated body", "connection reset"],
)
def test_a_fault_spoils_one_or_two_attempts_and_then_it_is_over(
    quiet_aws: EmbeddedAws, chunks: list[list[str]], rates: FaultRates, expected: str
) -> None:
    quiet_aws.change(faults=rates)

    ends = outcomes(quiet_aws, chunks[:12])

    assert {tuple(attempts) for attempts in ends} == {
        (expected, "answer", "answer"),
        (expected, expected, "answer"),
    }


def test_throttling_says_which_quota_and_keeps_the_status_of_the_service(
    quiet_aws: EmbeddedAws, chunks: list[list[str]]
) -> None:
    quiet_aws.change(faults=FaultRates(throttling=1.0))

    with pytest.raises(ClientError) as caught:
        client(quiet_aws).describe_instance_patch_states(InstanceIds=chunks[0])

    response: Any = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response["Error"]["Message"] == "Rate exceeded"
    assert response["ServiceCode"] == "ssm"
    assert response["QuotaCode"]


@pytest.mark.parametrize(
    "rates",
    [FaultRates(throttling=1.0), FaultRates(internal_error=1.0), FaultRates(connection_reset=1.0)],
    ids=["throttling", "internal error", "connection reset"],
)
def test_the_sdk_retries_what_it_would_retry_at_aws(
    quiet_aws: EmbeddedAws, chunks: list[list[str]], rates: FaultRates
) -> None:
    quiet_aws.change(faults=rates)

    answer = client(quiet_aws, attempts=3).describe_instance_patch_states(InstanceIds=chunks[0])

    retries = answer["ResponseMetadata"]["RetryAttempts"]
    assert retries in {1, 2}
    assert quiet_aws.statistics().retries("ssm") == retries
    assert sum(quiet_aws.statistics().faults.values()) == retries


def test_a_token_is_refused_once_and_the_chain_goes_on(quiet_aws: EmbeddedAws) -> None:
    quiet_aws.change(faults=FaultRates(invalid_next_token=1.0))
    ask: Any = client(quiet_aws).describe_instance_information
    listed: list[str] = []
    refused = 0
    token: dict[str, str] = {}

    while True:
        try:
            page = ask(MaxResults=10, **token)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "InvalidNextToken"  # noqa: PT017 - the first of two outcomes
            refused += 1
            continue
        listed += [row["InstanceId"] for row in page["InstanceInformationList"]]
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}

    assert refused == 1
    assert sorted(listed) == [node.instance_id for node in quiet_aws.fleet.nodes(HOME, 0)]
    assert quiet_aws.statistics().faults == {"invalid_next_token": 1}


@pytest.fixture(scope="module")
def second_aws(shared_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """Another process with the same settings, except faults from its start."""
    conditions = Conditions(faults=SOME, short_pages=0.0, empty_pages=0.0)
    settings = shared_aws.settings
    with start_server(
        Settings(
            nodes=settings.nodes,
            accounts=settings.accounts,
            regions=settings.regions,
            days=settings.days,
            conditions=conditions,
        )
    ) as aws:
        yield aws


def test_two_runs_meet_the_same_faults_in_whatever_order_they_call(
    quiet_aws: EmbeddedAws, second_aws: EmbeddedAws, chunks: list[list[str]]
) -> None:
    quiet_aws.change(faults=SOME)
    second_aws.begin_day(0)

    forwards = outcomes(quiet_aws, chunks)
    with ThreadPoolExecutor(4) as threads:
        backwards = list(threads.map(lambda ids: outcomes(second_aws, [ids])[0], chunks[::-1]))

    assert backwards[::-1] == forwards
    assert {end for attempts in forwards for end in attempts} == {
        "ThrottlingException",
        "InternalServerError",
        "truncated",
        "answer",
    }
    assert quiet_aws.statistics().faults == second_aws.statistics().faults


def test_each_day_has_faults_of_its_own(quiet_aws: EmbeddedAws, chunks: list[list[str]]) -> None:
    quiet_aws.change(faults=SOME)
    first = outcomes(quiet_aws, chunks, attempts=1)

    quiet_aws.begin_day(1)
    other = outcomes(quiet_aws, chunks, attempts=1)
    quiet_aws.begin_day(0)
    again = outcomes(quiet_aws, chunks, attempts=1)

    assert again == first != other


def test_without_faults_nothing_fails(quiet_aws: EmbeddedAws, chunks: list[list[str]]) -> None:
    assert outcomes(quiet_aws, chunks, attempts=1) == [["answer"]] * len(chunks)
    assert quiet_aws.statistics().faults == {}
    assert quiet_aws.statistics().retries("ssm") == 0


def test_the_usual_faults_are_rare(quiet_aws: EmbeddedAws, chunks: list[list[str]]) -> None:
    quiet_aws.change(faults=USUAL_FAULTS)

    failed = sum(ends != ["answer"] for ends in outcomes(quiet_aws, [[n] for c in chunks for n in c], attempts=1))

    nodes = sum(map(len, chunks))
    assert 0.04 < failed / nodes < 0.15
