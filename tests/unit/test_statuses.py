"""The explanations of the statuses."""

import pytest

from patchlake.core.statuses import COLLECTION, LISTING, CollectionStatus, Explanation, ListingStatus, described


def test_every_status_is_explained() -> None:
    assert set(LISTING) == set(ListingStatus)
    assert set(COLLECTION) == set(CollectionStatus)


def test_every_target_that_could_not_be_read_has_a_fix_and_no_other_has() -> None:
    unread = set(ListingStatus) - {ListingStatus.LISTED, ListingStatus.ACCOUNT_NOT_ACTIVE}

    assert {status for status, explanation in LISTING.items() if explanation.fix} == unread


@pytest.mark.parametrize("explanation", [*LISTING.values(), *COLLECTION.values()], ids=str)
def test_a_meaning_reads_in_a_list_and_as_a_sentence(explanation: Explanation) -> None:
    assert not explanation.meaning.endswith(".")
    assert explanation.sentence.endswith(".")
    assert explanation.sentence[1:-1] == explanation.meaning[1:]


def test_the_description_of_a_column_names_every_status_with_its_meaning() -> None:
    text = described(LISTING)

    assert all(f"{status}: {explanation.meaning}." in text for status, explanation in LISTING.items())
