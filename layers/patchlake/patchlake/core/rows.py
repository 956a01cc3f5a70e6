"""The rows of a shard, a part and a coverage file, made from answers alone.

Nothing here asks anybody anything: equal answers give equal rows, in the order of the shard.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from patchlake.core.listing import Listing, RunTarget
from patchlake.core.records import Page, Record
from patchlake.core.tables import (
    COLLECTION_COLUMNS,
    NODE_COLUMNS,
    PATCH_STATE_COLUMNS,
    SHARD,
    CollectionStatus,
    Column,
    Columns,
    ColumnType,
    ListingStatus,
)
from patchlake.errors import UnlistableError

NAMELESS_ROW = "a row of the listing has no usable id"
"""Why a target is NOT_LISTED of which SSM describes a node that cannot be told from others."""


class ListedNodes(NamedTuple):
    """A target's nodes, by the columns of its shard; ``listed_at`` is when SSM answered the last page."""

    columns: Columns
    listed_at: int | None


class Outcome(NamedTuple):
    """What became of one node: the collection columns, and the state where there is one."""

    status: CollectionStatus
    detail: str | None = None
    collected_at: int | None = None
    state: Record | None = None


def listed_nodes(
    run_target: RunTarget, pages: Iterable[Page[Record]], *, include_sensitive_fields: bool
) -> ListedNodes:
    """Return a target's nodes, sorted by id, each once; of each page only its values are held.

    A node whose description breaks a rule is listed with its reason and without attributes. Where a node comes twice
    (it moved between pages while they were read), the last description counts.

    Raises:
        UnlistableError: a row has no usable id, so the listing cannot be complete.
    """
    columns: Columns = {name: [] for name in SHARD.column_names}
    texts: dict[str | None, str | None] = {}
    listed_at = None
    for page in pages:
        _require_ids(run_target, page)
        described = _described(page, include_sensitive_fields=include_sensitive_fields)
        for column in SHARD:
            values = described[column.name]
            # A text that many nodes have in common is held once.
            columns[column.name] += [texts.setdefault(text, text) for text in values] if column.repetitive else values
        listed_at = page.answered_at
    last = {instance_id: row for row, instance_id in enumerate(columns["instance_id"])}
    rows = [last[instance_id] for instance_id in sorted(last)]
    return ListedNodes({name: [values[row] for row in rows] for name, values in columns.items()}, listed_at)


def batches(columns: Columns, batch_size: int) -> Iterator[Columns]:
    """Cut a shard's nodes into consecutive batches of at most ``batch_size``."""
    for start in range(0, len(columns["instance_id"]), batch_size):
        yield {name: values[start : start + batch_size] for name, values in columns.items()}


def outcomes(asked: Sequence[str], pages: Iterable[Page[Record]]) -> dict[str, Outcome]:
    """Settle what became of each id of one call's chain of pages.

    An id that SSM leaves out is NO_PATCH_STATE, unless a row without a usable id might have been about it. A node that
    comes twice with different values is INVALID_RESPONSE. Rows about nodes that were not asked for are dropped.
    """
    settled: dict[str, Outcome] = {}
    unattributed: str | None = None
    answered_at: int | None = None
    for page in pages:
        answered_at = page.answered_at
        for record in page.records:
            before = settled.get(record.instance_id)
            if before is None:
                settled[record.instance_id] = Outcome(CollectionStatus.COLLECTED, None, answered_at, record)
            elif before.state != record:
                settled[record.instance_id] = Outcome(
                    CollectionStatus.INVALID_RESPONSE, "the node came twice, with different values", answered_at
                )
        for row in page.invalid:
            if row.instance_id is None:
                unattributed = f"a row of the answer has no usable id: {row.reason}"
            else:
                settled[row.instance_id] = Outcome(CollectionStatus.INVALID_RESPONSE, row.reason, answered_at)
    absent = (
        Outcome(CollectionStatus.NO_PATCH_STATE, None, answered_at)
        if unattributed is None
        else Outcome(CollectionStatus.INVALID_RESPONSE, unattributed, answered_at)
    )
    return {instance_id: settled.get(instance_id, absent) for instance_id in asked}


def part_columns(
    run_target: RunTarget, nodes: Columns, settled: Mapping[str, Outcome], *, include_sensitive_fields: bool
) -> Columns:
    """Return the finished rows of one batch: one per node, in the shard's order.

    Args:
        run_target: the run and target.
        nodes: the batch as the shard holds it.
        settled: what became of each node whose description is valid.
        include_sensitive_fields: whether sensitive members are kept.
    """
    ids = nodes["instance_id"]
    rows = [
        settled[instance_id] if reason is None else Outcome(CollectionStatus.INVALID_RESPONSE, reason)
        for instance_id, reason in zip(ids, nodes["invalid_reason"], strict=True)
    ]
    status, detail, collected_at = (column.name for column in COLLECTION_COLUMNS)
    return {
        **_repeated(run_target, len(ids)),
        "instance_id": ids,
        **{column.name: nodes[column.name] for column in NODE_COLUMNS},
        status: [str(outcome.status) for outcome in rows],
        detail: [outcome.detail for outcome in rows],
        collected_at: [outcome.collected_at for outcome in rows],
        **_values(
            PATCH_STATE_COLUMNS,
            [outcome.state for outcome in rows],
            include_sensitive_fields=include_sensitive_fields,
        ),
    }


def coverage_row(
    run_target: RunTarget, account_name: str | None, listing: Listing, statuses: Mapping[str, int]
) -> dict[str, Any]:
    """Return the coverage row of one target.

    Args:
        run_target: the run and target.
        account_name: from AWS Organizations, else None.
        listing: what the target's shard says.
        statuses: the number of rows in the snapshot by ``collection_status``.
    """
    listed = listing.status is ListingStatus.LISTED
    counts = {f"nodes_{status.lower()}": statuses.get(status, 0) if listed else None for status in CollectionStatus}
    return {
        "run_id": run_target.run_id,
        "run_at": run_target.run_at,
        "account_id": run_target.target.account_id,
        "account_name": account_name,
        "region": run_target.target.region,
        "listing_status": str(listing.status),
        "listing_detail": listing.detail,
        "listed_at": listing.listed_at,
        "nodes_listed": sum(statuses.values()) if listed else None,
        **counts,
    }


def is_complete(listings: Iterable[Listing], statuses: Mapping[str, int]) -> bool:
    """Whether every active target was listed, and every node collected or known to have no state."""
    settled = {ListingStatus.LISTED, ListingStatus.ACCOUNT_NOT_ACTIVE}
    unknown = (CollectionStatus.NOT_COLLECTED, CollectionStatus.INVALID_RESPONSE)
    return all(listing.status in settled for listing in listings) and not any(statuses.get(s) for s in unknown)


def _require_ids(run_target: RunTarget, page: Page[Record]) -> None:
    for row in page.invalid:
        if row.instance_id is None:
            msg = f"run {run_target.run_id}, target {run_target.target}: {NAMELESS_ROW}: {row.reason}"
            raise UnlistableError(NAMELESS_ROW, msg)


def _described(page: Page[Record], *, include_sensitive_fields: bool) -> Columns:
    """Return the rows of one page of a listing, in the columns of a shard."""
    records = [*[None] * len(page.invalid), *page.records]
    return {
        "instance_id": [*(row.instance_id for row in page.invalid), *(record.instance_id for record in page.records)],
        **_values(NODE_COLUMNS, records, include_sensitive_fields=include_sensitive_fields),
        "invalid_reason": [*(row.reason for row in page.invalid), *[None] * len(page.records)],
    }


def _repeated(run_target: RunTarget, rows: int) -> Columns:
    return {
        "run_id": [run_target.run_id] * rows,
        "run_at": [run_target.run_at] * rows,
        "account_id": [run_target.target.account_id] * rows,
        "region": [run_target.target.region] * rows,
    }


def _values(columns: Iterable[Column], records: Sequence[Record | None], *, include_sensitive_fields: bool) -> Columns:
    return {column.name: _column(column, records, include_sensitive_fields) for column in columns}


def _column(column: Column, records: Sequence[Record | None], include_sensitive_fields: bool) -> list[Any]:  # noqa: FBT001
    if column.sensitive and not include_sensitive_fields:
        return [None] * len(records)
    values = [None if record is None else getattr(record, column.name) for record in records]
    if column.type is ColumnType.TIMESTAMP:
        return [None if seconds is None else round(seconds * 1000) for seconds in values]
    if column.name == "install_override_list" and not include_sensitive_fields:
        return [None if url is None else url.partition("?")[0] for url in values]
    return values
