"""Putting a run's parts together and publishing them: coverage first, then the snapshot, each by one atomic write.

Sorted shards cut into consecutive batches make the merge a concatenation, in flat memory. What is published is a
function of the plan, the shards and the parts alone, so any number of finishers write the same bytes.
"""

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, BinaryIO

from patchlake.core.keys import coverage_key, part_key, shard_key, snapshot_key
from patchlake.core.listing import Listing, RunTarget, read_listing
from patchlake.core.plan import Plan
from patchlake.core.rows import coverage_row, is_complete
from patchlake.core.tables import COVERAGE, PATCH_STATES, CollectionStatus, Columns, ListingStatus
from patchlake.errors import IntegrityError
from patchlake.ports import TableFile, TableWriter
from patchlake.stages.stored import about, open_table, run_target_of
from patchlake.stages.stored_run import StoredRun


@dataclass(frozen=True, slots=True)
class Published:
    """What a snapshot holds: nodes by ``collection_status``, targets by ``listing_status``."""

    complete: bool
    statuses: Counter[str]
    listings: Counter[str]


def publish(plan: Plan, stored_run: StoredRun, metadata: dict[str, str]) -> Published:
    """Publish a run whose every shard and part exists.

    Args:
        plan: the stored plan.
        stored_run: where the shards and parts are.
        metadata: what the footers of both files carry.

    Raises:
        RetryableError: the store could not answer for now; nothing, or coverage alone, is published.
        IntegrityError: shards and parts contradict each other, or something else is published under the run's keys.
    """
    writer = stored_run.tables.writer(PATCH_STATES, metadata)
    listings, rows, statuses = _merge(plan, stored_run, writer)
    coverage = stored_run.tables.encode(COVERAGE, [_columns(rows)], metadata)
    with writer.finish() as snapshot:
        _create(stored_run, coverage_key(plan.run_id), io.BytesIO(coverage))
        _create(stored_run, snapshot_key(plan.run_id), snapshot)
    return Published(is_complete(listings, statuses), statuses, Counter(str(listing.status) for listing in listings))


def _merge(
    plan: Plan, stored_run: StoredRun, writer: TableWriter
) -> tuple[list[Listing], list[dict[str, Any]], Counter[str]]:
    active = plan.active_targets()
    batches = stored_run.batches(plan, active)
    batches_of = Counter(batch.target for batch in batches)
    shards = stored_run.read_in_groups(
        lambda target: stored_run.shard(plan, target), active, lambda one: max(1, batches_of[one])
    )
    parts = stored_run.read_in_groups(lambda batch: stored_run.part(plan, batch), batches)
    listings, rows = [], []
    totals: Counter[str] = Counter()
    for planned in plan.targets:
        run_target = run_target_of(plan, planned.target)
        listing = Listing(ListingStatus.ACCOUNT_NOT_ACTIVE)
        statuses: Counter[str] = Counter()
        if planned.active:
            shard = next(shards)
            listing = read_listing(run_target, shard.metadata)
            for number, ids in enumerate(_ids_by_batch(run_target, shard)):
                part = next(parts)
                with about(part_key(plan.run_id, planned.target, number)):
                    statuses.update(_checked_statuses(run_target, ids, part))
                    writer.append(part)
        listings.append(listing)
        rows.append(coverage_row(run_target, planned.account_name, listing, statuses))
        totals.update(statuses)
    return listings, rows, totals


def _columns(rows: list[dict[str, Any]]) -> Columns:
    return {name: [row[name] for row in rows] for name in COVERAGE.column_names}


def _ids_by_batch(run_target: RunTarget, shard: TableFile) -> Iterator[list[str]]:
    """Yield the node ids of each batch; across a shard they ascend, so that no node can be there twice."""
    with about(shard_key(run_target.run_id, run_target.target)):
        ids = shard.columns(["instance_id"])["instance_id"]
        if None in ids or any(first >= second for first, second in pairwise(ids)):
            msg = "its nodes are not in ascending order, each once"
            raise IntegrityError(msg)
    end = 0
    for rows in shard.row_counts:
        start, end = end, end + rows
        yield ids[start:end]


def _checked_statuses(run_target: RunTarget, ids: list[str], part: TableFile) -> list[str]:
    """Return the part's collection statuses, once its rows are known to be the batch's, of this run and target.

    All columns that no row may lack are checked here, so that a part which does not fit is found by its own key.
    """
    found = part.columns(["run_id", "run_at", "account_id", "region", "instance_id", "collection_status"])
    expected = {
        "run_id": [run_target.run_id] * len(ids),
        "run_at": [run_target.run_at] * len(ids),
        "account_id": [run_target.target.account_id] * len(ids),
        "region": [run_target.target.region] * len(ids),
        "instance_id": ids,
    }
    wrong = [name for name, values in expected.items() if found[name] != values]
    if not set(found["collection_status"]) <= set(CollectionStatus):
        wrong.append("collection_status")
    if wrong:
        msg = f"{', '.join(wrong)} are not those of its batch"
        raise IntegrityError(msg)
    return found["collection_status"]


def _create(stored_run: StoredRun, key: str, body: BinaryIO) -> None:
    """Publish one file; where another finisher was first, make sure that it published the same rows."""
    if stored_run.store.create(key, body):
        return
    body.seek(0)
    ours = body.read()
    theirs = stored_run.store.get(key)
    if theirs != ours and not _same_rows(stored_run.tables.open(ours), open_table(stored_run.tables, key, theirs)):
        msg = f"{key}: something else is published there than this run's plan, shards and parts give"
        raise IntegrityError(msg)


def _same_rows(ours: TableFile, theirs: TableFile) -> bool:
    """Whether two files agree in every column that both have: two builds of patchlake may differ in the newest."""
    shared = [name for name in ours.column_names if name in theirs.column_names]
    return (
        ours.metadata.get("plan_sha256") == theirs.metadata.get("plan_sha256")
        and ours.row_counts == theirs.row_counts
        and all(
            ours.columns([name], group) == theirs.columns([name], group)
            for name in shared
            for group in range(len(ours.row_counts))
        )
    )
