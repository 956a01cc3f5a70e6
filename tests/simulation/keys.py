"""The key of each object of a run, written out: the simulator does not take it from the production code."""

from patchlake.core.targets import Target


def plan_key(run_id: str) -> str:
    """Return the key of a run's plan."""
    return f"plans/{run_id}.json"


def shard_key(run_id: str, target: Target) -> str:
    """Return the key of a target's shard."""
    return f"runs/{run_id}/shards/{target.account_id}.{target.region}.parquet"


def part_key(run_id: str, target: Target, batch: int) -> str:
    """Return the key of the part of one batch of a target."""
    return f"runs/{run_id}/parts/{target.account_id}.{target.region}/{batch:05d}.parquet"


def secondary_shard_key(run_id: str, source: str, target: Target) -> str:
    """Return the key of a target's shard of a secondary listing source."""
    return f"runs/{run_id}/shards/{source}/{target.account_id}.{target.region}.parquet"


def child_key(run_id: str, source: str, target: Target, number: int) -> str:
    """Return the key of a part of a secondary detail source."""
    return f"runs/{run_id}/details/{source}/{target.account_id}.{target.region}/{number:07d}.parquet"


def coverage_key(run_id: str) -> str:
    """Return the key of a run's coverage."""
    return f"lake/coverage/run_date={_date(run_id)}/{run_id}.parquet"


def snapshot_key(run_id: str) -> str:
    """Return the key of a run's snapshot."""
    return f"lake/patch_states/run_date={_date(run_id)}/{run_id}.parquet"


def table_key(run_id: str, source: str) -> str:
    """Return the key of a run's file of a secondary source's table."""
    return f"lake/{source}/run_date={_date(run_id)}/{run_id}.parquet"


def is_secondary(key: str) -> bool:
    """Whether a key of ``runs/`` is that of a shard or part of a secondary source."""
    _, _, kind, *rest = key.split("/")
    return kind == "details" or (kind == "shards" and len(rest) > 1)


def run_of(key: str) -> str:
    """Return the run that an object belongs to."""
    parts = key.split("/")
    return (parts[1] if parts[0] == "runs" else parts[-1]).partition(".")[0]


def _date(run_id: str) -> str:
    return f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:8]}"
