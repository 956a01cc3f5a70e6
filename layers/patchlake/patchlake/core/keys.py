"""Where each object of the lake lives; nothing else joins paths.

::

    plans/<run_id>.json
    runs/<run_id>/shards/<account_id>.<region>.parquet
    runs/<run_id>/parts/<account_id>.<region>/<batch:05d>.parquet
    lake/coverage/run_date=YYYY-MM-DD/<run_id>.parquet
    lake/patch_states/run_date=YYYY-MM-DD/<run_id>.parquet

Arguments come from parsed messages and plans, so their shapes are already known to be safe.
"""

from string import digits

from patchlake.core.run import run_date
from patchlake.core.targets import Target

MAX_BATCHES = 100_000
"""Batches of one target: what five digits can number."""

PLANS = "plans/"
SNAPSHOTS = "lake/patch_states/"


def plan_key(run_id: str) -> str:
    """Return the key of a run's plan."""
    return f"{PLANS}{run_id}.json"


def shards_prefix(run_id: str) -> str:
    """Return the prefix of all shards of a run."""
    return f"runs/{run_id}/shards/"


def shard_key(run_id: str, target: Target) -> str:
    """Return the key of a target's shard."""
    return f"{shards_prefix(run_id)}{target}.parquet"


def parts_prefix(run_id: str) -> str:
    """Return the prefix of all parts of a run."""
    return f"runs/{run_id}/parts/"


def part_key(run_id: str, target: Target, batch: int) -> str:
    """Return the key of the part of one batch of a target."""
    return f"{parts_prefix(run_id)}{target}/{batch:05d}.parquet"


def by_first_digit(prefix: str) -> list[str]:
    """Cut the prefix of all shards or parts of a run into those of the accounts whose ids begin with each digit."""
    return [prefix + digit for digit in digits]


def coverage_key(run_id: str) -> str:
    """Return the key of a run's published coverage."""
    return f"lake/coverage/run_date={run_date(run_id)}/{run_id}.parquet"


def snapshot_key(run_id: str) -> str:
    """Return the key of a run's snapshot: the object whose existence is the commit."""
    return f"{SNAPSHOTS}run_date={run_date(run_id)}/{run_id}.parquet"
