"""Gaps of secondary sources: everything that a run did not read of an active target and could have."""

from collections import Counter

import pytest

from patchlake.core.listing import ListingResult
from patchlake.core.statuses import CollectionStatus, ListingStatus
from patchlake.core.targets import RunTarget, Target
from patchlake.sources.coverage import SourceRead, TargetRead, has_gap
from tests.toy_sources import GADGETS, TOYS

RUN_TARGET = RunTarget("20261123T060000Z", 0, Target("111122223333", "eu-central-1"))
LISTED = ListingResult(ListingStatus.LISTED, listed_at_ms=1)


def read(
    listing: ListingResult = LISTED, status: str = CollectionStatus.COLLECTED, **sources: SourceRead
) -> TargetRead:
    return TargetRead(RUN_TARGET, None, listing, Counter({status: 1}), sources)


@pytest.mark.parametrize(
    ("gaps", "is_gap"),
    [
        ({}, False),
        ({"InvalidInstanceId": 3}, False),
        ({"InvalidInstanceIdException": 1, "InvalidInstanceId": 1}, False),
        ({"InvalidInstanceId": 3, "AccessDeniedException": 1}, True),
        ({"AccessDeniedException": 1}, True),
        ({"no part by the run's detail deadline": 1}, True),
        ({"INVALID_RESPONSE": 1}, True),
    ],
)
def test_a_node_that_aws_no_longer_knows_is_alone_no_gap_of_a_detail(gaps: dict[str, int], *, is_gap: bool) -> None:
    assert has_gap(TOYS, read(toys=SourceRead(gaps=Counter(gaps)))) is is_gap


@pytest.mark.parametrize(
    "status", [status for status in ListingStatus if status is not ListingStatus.ACCOUNT_NOT_ACTIVE]
)
def test_a_target_is_read_by_a_detail_only_if_its_nodes_were_listed(status: ListingStatus) -> None:
    assert has_gap(TOYS, read(ListingResult(status), toys=SourceRead())) is (status is not ListingStatus.LISTED)


@pytest.mark.parametrize("status", [CollectionStatus.NOT_COLLECTED, CollectionStatus.INVALID_RESPONSE])
def test_a_node_that_its_parent_did_not_read_is_a_gap_of_a_detail(status: str) -> None:
    assert has_gap(TOYS, read(status=status, toys=SourceRead()))


def test_rows_of_nodes_without_an_id_are_a_gap_of_a_detail() -> None:
    assert has_gap(
        TOYS, read(ListingResult(ListingStatus.LISTED, listed_at_ms=1, rows_without_id=1), toys=SourceRead())
    )


@pytest.mark.parametrize(
    "status", [status for status in ListingStatus if status is not ListingStatus.ACCOUNT_NOT_ACTIVE]
)
def test_a_listing_that_was_refused_is_a_gap_whatever_became_of_the_nodes(status: ListingStatus) -> None:
    gadgets = SourceRead(ListingResult(status))

    assert has_gap(GADGETS, read(gadgets=gadgets)) is (status is not ListingStatus.LISTED)


def test_rows_of_a_listing_without_an_id_are_a_gap_of_it_alone() -> None:
    gadgets = SourceRead(ListingResult(ListingStatus.LISTED, listed_at_ms=1, rows_without_id=1))

    assert has_gap(GADGETS, read(gadgets=gadgets))
    assert not has_gap(TOYS, read(gadgets=gadgets, toys=SourceRead()))


def test_an_account_that_is_not_active_is_no_gap() -> None:
    target = read(ListingResult(ListingStatus.ACCOUNT_NOT_ACTIVE))

    assert not has_gap(GADGETS, target)
    assert not has_gap(TOYS, target)
