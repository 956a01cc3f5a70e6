"""What a shard's footer says: whose nodes it holds, and how the listing ended."""

from collections.abc import Mapping
from typing import NamedTuple

from patchlake.core.keys import shard_key
from patchlake.core.tables import ListingStatus
from patchlake.core.targets import Target
from patchlake.errors import IntegrityError


class RunTarget(NamedTuple):
    """The run and the target that rows belong to; ``run_at`` in milliseconds since the epoch."""

    run_id: str
    run_at: int
    target: Target


class Listing(NamedTuple):
    """How the listing of a target ended.

    Attributes:
        detail: the error code or the reason; None where the target was listed.
        listed_at: the Date header of the listing's last answer, in milliseconds since the epoch.
    """

    status: ListingStatus
    detail: str | None = None
    listed_at: int | None = None


def listing_metadata(run_target: RunTarget, listing: Listing) -> dict[str, str]:
    """Write a listing as the entries of a shard's footer."""
    entries = {
        "run_id": run_target.run_id,
        "account_id": run_target.target.account_id,
        "region": run_target.target.region,
        "listing_status": str(listing.status),
        "listing_detail": listing.detail,
        "listed_at": None if listing.listed_at is None else str(listing.listed_at),
    }
    return {name: value for name, value in entries.items() if value is not None}


def read_listing(run_target: RunTarget, metadata: Mapping[str, str]) -> Listing:
    """Read the footer of the shard of ``run_target``.

    Raises:
        IntegrityError: it is another target's or run's, or it does not say how the listing ended.
    """
    expected = {
        "run_id": run_target.run_id,
        "account_id": run_target.target.account_id,
        "region": run_target.target.region,
    }
    found = {name: metadata.get(name) for name in expected}
    if found != expected:
        msg = f"{shard_key(run_target.run_id, run_target.target)}: its footer names {found}"
        raise IntegrityError(msg)
    listed_at = metadata.get("listed_at")
    try:
        return Listing(
            ListingStatus(metadata["listing_status"]),
            metadata.get("listing_detail"),
            None if listed_at is None else int(listed_at),
        )
    except (KeyError, ValueError) as error:
        msg = f"{shard_key(run_target.run_id, run_target.target)}: its footer has no valid listing: {error}"
        raise IntegrityError(msg) from error
