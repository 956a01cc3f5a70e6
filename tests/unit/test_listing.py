"""The footer of a shard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.core.listing import ListingResult, listing_metadata, read_listing
from patchlake.core.statuses import ListingStatus
from patchlake.core.targets import RunTarget
from patchlake.errors import IntegrityError
from tests.world import EU, RUN_ID, US

ORIGIN = RunTarget(RUN_ID, 1_793_512_800_000, EU)
LISTED = ListingResult(ListingStatus.LISTED, None, 1_793_512_860_000)


@given(
    status=st.sampled_from(ListingStatus),
    detail=st.none() | st.text(),
    listed_at=st.none() | st.integers(-(2**53), 2**53),
)
def test_a_listing_comes_back_as_it_was_stored(
    status: ListingStatus, detail: str | None, listed_at: int | None
) -> None:
    listing = ListingResult(status, detail, listed_at)

    assert read_listing(ORIGIN, listing_metadata(ORIGIN, listing)) == listing


def test_a_footer_has_these_entries() -> None:
    assert listing_metadata(ORIGIN, LISTED) == {
        "run_id": "20261101T060000Z",
        "account_id": "111122223333",
        "region": "eu-central-1",
        "listing_status": "LISTED",
        "listed_at": "1793512860000",
    }


@pytest.mark.parametrize(
    "other", [ORIGIN._replace(run_id="20261102T060000Z"), ORIGIN._replace(target=US)], ids=["run", "target"]
)
def test_the_shard_of_another_run_or_target_is_refused(other: RunTarget) -> None:
    with pytest.raises(IntegrityError, match=r"^its footer names .*, expected .*: it is another shard$") as caught:
        read_listing(ORIGIN, listing_metadata(other, LISTED))

    assert "{" not in str(caught.value)


@pytest.mark.parametrize(
    "entries",
    [{"listing_status": "FORGOTTEN"}, {"listing_status": ""}, {"listed_at": "yesterday"}, {"listed_at": ""}],
    ids=str,
)
def test_a_footer_without_a_valid_listing_is_refused(entries: dict[str, str]) -> None:
    with pytest.raises(IntegrityError, match=r"^its footer has no valid listing"):
        read_listing(ORIGIN, listing_metadata(ORIGIN, LISTED) | entries)


@pytest.mark.parametrize("name", ["run_id", "account_id", "region", "listing_status"])
def test_a_footer_that_lacks_an_entry_is_refused(name: str) -> None:
    metadata = listing_metadata(ORIGIN, LISTED)
    del metadata[name]

    with pytest.raises(IntegrityError, match="its footer"):
        read_listing(ORIGIN, metadata)
