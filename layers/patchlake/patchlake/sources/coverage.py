"""The coverage of a run: one row per target, with the result of each source."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from patchlake.core.halving import is_unknown_id
from patchlake.core.listing import ListingResult
from patchlake.core.rows import target_values
from patchlake.core.statuses import LISTING, NOT_READ, CollectionStatus, ListingStatus, described
from patchlake.core.tables import RUN_COLUMNS, TARGET_COLUMNS, Column, Table, count, string, timestamp
from patchlake.core.targets import RunTarget
from patchlake.sources.source import DetailSource, ListingSource, Source

COMPLETE, PARTIAL = "COMPLETE", "PARTIAL"

ROWS_WITHOUT_ID = "rows_without_id"
"""The column that counts the rows of a listing that are in no snapshot, since they name no node."""

_COLUMNS = (
    *RUN_COLUMNS,
    TARGET_COLUMNS[0],
    string("account_name", "The account's name in AWS Organizations; NULL if the accounts are given as a list."),
    TARGET_COLUMNS[1],
    string(
        "listing_status",
        described(LISTING),
        nullable=False,
    ),
    string("listing_detail", "The error code or reason for any status other than LISTED."),
    timestamp(
        "listed_at",
        "When SSM answered the last page of the listing, by AWS's clock; NULL unless LISTED.",
    ),
    count("nodes_listed", "Nodes of the target in the snapshot. This and the counts below are NULL unless LISTED."),
    count("nodes_collected", "Nodes with a patch state."),
    count("nodes_no_patch_state", "Nodes that were never scanned."),
    count("nodes_not_collected", "Nodes whose state could not be collected."),
    count("nodes_invalid_response", "Nodes for which SSM's answer broke its rules."),
    count(
        ROWS_WITHOUT_ID,
        "Rows of the listing without an id: nodes that exist but are not in the snapshot. NULL unless LISTED.",
    ),
)


@dataclass
class SourceRead:
    """The result of reading one target with one secondary source.

    Attributes:
        listing: the result of a listing source; None if the target's account is not active.
        nodes: the nodes of a detail source by ``collection_status``.
        gaps: the reasons for the nodes that it could not collect.
        rows: the number of rows of the target in the published table.
    """

    listing: ListingResult | None = None
    nodes: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    rows: int = 0


@dataclass
class TargetRead:
    """The result of reading one target.

    Attributes:
        listing: the result of listing its nodes.
        statuses: the number of rows in the snapshot by ``collection_status``.
        sources: the result of each secondary source, by its name.
    """

    run_target: RunTarget
    account_name: str | None
    listing: ListingResult
    statuses: Counter[str] = field(default_factory=Counter)
    sources: dict[str, SourceRead] = field(default_factory=dict)


def is_complete(listings: Iterable[str], statuses: Mapping[str, int], rows_without_id: int) -> bool:
    """Whether a run read everything: some active target and every one, and every node of each.

    Args:
        listings: the ``listing_status`` of each target, or of each that occurs.
        statuses: the number of nodes by ``collection_status``.
        rows_without_id: rows of listings that are in no snapshot.
    """
    active = set(listings) - {ListingStatus.ACCOUNT_NOT_ACTIVE}
    return active == {ListingStatus.LISTED} and not rows_without_id and not any(map(statuses.get, NOT_READ))


def has_gap(source: Source, read: TargetRead) -> bool:
    """Whether a secondary source did not read all of an active target; nodes that AWS no longer knows are no gap."""
    if read.listing.status is ListingStatus.ACCOUNT_NOT_ACTIVE:
        return False
    found = read.sources.get(source.name, SourceRead())
    match source:
        case ListingSource():
            listing = found.listing
            return listing is None or listing.status is not ListingStatus.LISTED or listing.rows_without_id > 0
        case DetailSource():
            gaps = Counter({reason: count for reason, count in found.gaps.items() if not is_unknown_id(reason)})
            return _detail_gap(read, gaps) is not None


def coverage_table(sources: Iterable[Source]) -> Table:
    """Declare the coverage of runs that read these secondary sources."""
    return Table(
        "coverage",
        "One row per target, per run: whether it was read, and if not, why.",
        (*_COLUMNS, *(column for source in sources for column in _source_columns(source))),
    )


def coverage_row(read: TargetRead, sources: Sequence[Source]) -> dict[str, Any]:
    """Return the coverage row of one target: counts are NULL if nothing could be counted."""
    listing = read.listing
    listed = listing.status is ListingStatus.LISTED
    row = {
        **target_values(read.run_target),
        "account_name": read.account_name,
        "listing_status": str(listing.status),
        "listing_detail": listing.detail,
        "listed_at": listing.listed_at_ms,
        "nodes_listed": read.statuses.total() if listed else None,
        **{f"nodes_{status.lower()}": read.statuses[status] if listed else None for status in CollectionStatus},
        ROWS_WITHOUT_ID: listing.rows_without_id if listed else None,
    }
    for source in sources:
        row |= {f"{source.name}_{name}": value for name, value in _source_values(source, read).items()}
    return row


def _source_columns(source: Source) -> Iterator[Column]:
    name = source.name
    match source:
        case ListingSource():
            yield string(f"{name}_status", f"The status of the listing of {name}, with the values of listing_status.")
            yield string(f"{name}_detail", "The error code or reason for any status other than LISTED.")
            yield timestamp(f"{name}_listed_at", "When AWS answered the last page of that listing; NULL unless LISTED.")
            yield count(f"{name}_rows_without_id", "Rows of that listing without an id; NULL unless LISTED.")
        case DetailSource():
            yield string(
                f"{name}_status",
                f"COMPLETE: every node of the target was read by {name} and by its parents. PARTIAL: at least one was "
                "not. NULL if the account is not active.",
            )
            yield string(f"{name}_detail", "The most frequent reason for a PARTIAL status.")
            for status in source.statuses:
                yield count(
                    f"{name}_nodes_{status.lower()}",
                    f"Nodes that {name} asked about, with the status {status}.",
                )
    yield count(f"{name}_rows", f"Rows of the target in the table {name}.")


def _source_values(source: Source, read: TargetRead) -> dict[str, Any]:
    found = read.sources.get(source.name, SourceRead())
    match source:
        case ListingSource():
            return _listing_values(found)
        case DetailSource():
            return _detail_values(source, read, found)


def _listing_values(found: SourceRead) -> dict[str, Any]:
    listing = found.listing or ListingResult(ListingStatus.ACCOUNT_NOT_ACTIVE)
    return {
        "status": str(listing.status),
        "detail": listing.detail,
        "listed_at": listing.listed_at_ms,
        "rows_without_id": listing.rows_without_id if listing.status is ListingStatus.LISTED else None,
        "rows": found.rows if listing.status is ListingStatus.LISTED else None,
    }


def _detail_values(source: DetailSource, read: TargetRead, found: SourceRead) -> dict[str, Any]:
    is_active = read.listing.status is not ListingStatus.ACCOUNT_NOT_ACTIVE
    is_listed = read.listing.status is ListingStatus.LISTED
    gap = _detail_gap(read, found.gaps) if is_active else None
    return {
        "status": (COMPLETE if gap is None else PARTIAL) if is_active else None,
        "detail": gap,
        **{f"nodes_{status.lower()}": found.nodes[status] if is_listed else None for status in source.statuses},
        "rows": found.rows if is_listed else None,
    }


def _detail_gap(read: TargetRead, gaps: Mapping[str, int]) -> str | None:
    """Return the reason why a detail source did not read all of a target, its parents' first; None if it did."""
    if read.listing.status is not ListingStatus.LISTED:
        return f"nodes: {read.listing.status}"
    if read.listing.rows_without_id:
        return "nodes: rows without an id"
    for status in NOT_READ:
        if read.statuses[status]:
            return f"patch_states: {status}"
    return min(gaps, key=lambda reason: (-gaps[reason], reason), default=None)
