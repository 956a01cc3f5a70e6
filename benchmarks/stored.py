"""Runs stored in a folder up to some stage, for benchmarks of the next one."""

from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.deployed import default
from benchmarks.loopback_ssm import REGION
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import plan_key, shard_key
from patchlake.core.listing import ListingResult, listing_metadata
from patchlake.core.plan import Account, Plan, PlannedSource, decode_plan, encode_plan, make_plan
from patchlake.core.statuses import ListingStatus
from patchlake.core.targets import Target
from patchlake.ports import Store
from patchlake.sources.nodes import SHARD
from patchlake.sources.source import ListedRows

RUN_ID = "20261123T060000Z"
BATCH = default("BatchSize")


def node_id(number: int) -> str:
    """Return an id that looks random, a different one for each number."""
    return f"i-{number * 0x9E3779B97F4A7C15 % (1 << 64):017x}"


def plan_of(account_ids: Sequence[str], sources: Sequence[PlannedSource] = ()) -> Plan:
    """Return a plan of these accounts, the first of which is the home account."""
    return make_plan(
        RUN_ID,
        planned_at=datetime(2026, 11, 23, 6, 1, tzinfo=UTC),
        deadline_seconds=default("DeadlineSeconds"),
        batch_size=BATCH,
        include_sensitive_fields=False,
        home_account_id=account_ids[0],
        accounts=[Account(account_id) for account_id in account_ids],
        regions=[REGION],
        sources=sources,
        detail_deadline_seconds=default("DeadlineSeconds"),
    )


def store_plan(store: Store, account_ids: Sequence[str], sources: Sequence[PlannedSource] = ()) -> Plan:
    """Store the plan of these accounts, which reads these secondary sources."""
    plan = plan_of(account_ids, sources)
    store.create(plan_key(RUN_ID), encode_plan(plan))
    return plan


def stored_plan(store: Store) -> Plan:
    """Return the plan that ``store_plan`` stored."""
    return decode_plan(store.get(plan_key(RUN_ID)) or b"", RUN_ID)


def store_shard(store: Store, plan: Plan, target: Target, rows: ListedRows) -> None:
    """Store the shard of a target: its nodes in ascending order; columns that are not there are NULL."""
    listing = ListingResult(ListingStatus.LISTED, None, rows.listed_at_ms)
    metadata = listing_metadata(plan.run_target(target), listing)
    store.create(shard_key(RUN_ID, target), ParquetTables().encode(SHARD, rows.groups(BATCH), metadata))
