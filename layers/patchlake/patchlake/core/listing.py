"""A shard's footer: the target of its rows, and the result of the listing."""

from collections.abc import Mapping
from typing import NamedTuple

from patchlake.core.keys import ROOT_LISTING
from patchlake.core.statuses import ListingStatus
from patchlake.core.targets import RunTarget
from patchlake.errors import IntegrityError


class ListingResult(NamedTuple):
    """The result of listing a target.

    Attributes:
        detail: the error code or the reason; None if the target was listed.
        listed_at_ms: AWS's time at the listing's last answer, in milliseconds since the epoch.
        rows_without_id: the rows of the listing that name nothing, so that the shard cannot have them.
    """

    status: ListingStatus
    detail: str | None = None
    listed_at_ms: int | None = None
    rows_without_id: int = 0


def listing_metadata(run_target: RunTarget, listing: ListingResult, source: str = ROOT_LISTING) -> dict[str, str]:
    """Write a listing's result as the entries of a shard's footer."""
    entries = {
        "run_id": run_target.run_id,
        "account_id": run_target.target.account_id,
        "region": run_target.target.region,
        "source": _named(source),
        "listing_status": str(listing.status),
        "listing_detail": listing.detail,
        "listed_at": None if listing.listed_at_ms is None else str(listing.listed_at_ms),
        "rows_without_id": str(listing.rows_without_id) if listing.rows_without_id else None,
    }
    return {name: value for name, value in entries.items() if value is not None}


def read_listing(run_target: RunTarget, metadata: Mapping[str, str], source: str = ROOT_LISTING) -> ListingResult:
    """Read the footer of a shard of ``run_target``.

    Raises:
        IntegrityError: it is another source's, target's or run's, or it has no valid result of a listing.
    """
    expected = {
        "run_id": run_target.run_id,
        "account_id": run_target.target.account_id,
        "region": run_target.target.region,
        "source": _named(source),
    }
    others = [
        f"{metadata.get(name) or 'none'} as {name}, expected {value or 'none'}"
        for name, value in expected.items()
        if metadata.get(name) != value
    ]
    if others:
        msg = f"its footer names {'; '.join(others)}: it is another shard"
        raise IntegrityError(msg)
    listed_at = metadata.get("listed_at")
    try:
        return ListingResult(
            ListingStatus(metadata["listing_status"]),
            metadata.get("listing_detail"),
            None if listed_at is None else int(listed_at),
            int(metadata.get("rows_without_id", 0)),
        )
    except (KeyError, ValueError) as error:
        msg = f"its footer has no valid listing: {error}"
        raise IntegrityError(msg) from error


def _named(source: str) -> str | None:
    """Return the source as a footer names it: None for the root listing, which no footer names."""
    return None if source == ROOT_LISTING else source
