"""Runs that are stored in a folder up to some stage, for benchmarks of the next one."""

from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.deployed import default
from benchmarks.loopback_ssm import REGION
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import plan_key, shard_key
from patchlake.core.listing import Listing, listing_metadata
from patchlake.core.plan import Account, Plan, decode_plan, encode_plan, make_plan
from patchlake.core.rows import batches
from patchlake.core.tables import SHARD, Columns, ListingStatus
from patchlake.core.targets import Target
from patchlake.ports import Store
from patchlake.stages.stored import run_target_of

RUN_ID = "20261123T060000Z"
BATCH = default("BatchSize")


def store_plan(store: Store, account_ids: Sequence[str]) -> Plan:
    """Store a plan of these accounts, the first of which is the home account."""
    plan = make_plan(
        RUN_ID,
        planned_at=datetime(2026, 11, 23, 6, 1, tzinfo=UTC),
        deadline_seconds=default("DeadlineSeconds"),
        batch_size=BATCH,
        include_sensitive_fields=False,
        home_account_id=account_ids[0],
        accounts=[Account(account_id) for account_id in account_ids],
        regions=[REGION],
    )
    store.create(plan_key(RUN_ID), encode_plan(plan))
    return plan


def stored_plan(store: Store) -> Plan:
    """Return the plan that ``store_plan`` has stored."""
    return decode_plan(store.get(plan_key(RUN_ID)) or b"", RUN_ID)


def store_shard(store: Store, plan: Plan, target: Target, nodes: Columns) -> None:
    """Store the shard of a target: its nodes by columns, in ascending order; columns that are not there are NULL."""
    run_target = run_target_of(plan, target)
    metadata = listing_metadata(run_target, Listing(ListingStatus.LISTED, None, run_target.run_at))
    store.create(shard_key(RUN_ID, target), ParquetTables().encode(SHARD, batches(nodes, BATCH), metadata))
