"""The time at which a run must be published, and until which its lost messages are sure to be sent again."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from patchlake.core.plan import Plan
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER, RESEND_LIMIT
from tests.simulation import secondary_oracle
from tests.simulation.keys import shard_key
from tests.simulation.world import World


def lateness(world: World, run_id: str, ready_at: datetime) -> Iterator[str]:
    """Yield where a run was published later than two ticks after it was ready, and nothing broke any more."""
    begins_at = max(ready_at, _back_at(world), world.watched_again_at.get(run_id, ready_at))
    latest = begins_at + timedelta(seconds=2 * world.scenario.tick_seconds)
    if world.published_at[run_id] > latest and run_id not in world.tampered:
        yield f"run {run_id} was published at {world.published_at[run_id]}, later than {latest}"


def sent_again_by(world: World, plan: Plan, deadline_at: datetime) -> bool:
    """Whether nothing breaks any more when the last round of re-sending begins that is over by a deadline."""
    shards = [world.tables[shard_key(plan.run_id, target)] for target in plan.active_targets()]
    details = secondary_oracle.details(plan)
    children = sum(len(secondary_oracle.object_keys(world, plan.run_id, source)) for source in details)
    messages = max(len(plan.targets), sum(len(shard.row_counts) for shard in shards), children)
    ticks = 2 + messages // (RESEND_LIMIT // 2)
    seconds = (deadline_at - plan.planned_at).total_seconds() - ticks * world.scenario.tick_seconds
    last = min(_last_doubling(timing.visibility_seconds, seconds) for timing in (DISCOVER, COLLECT))
    return _back_at(world) <= plan.planned_at + timedelta(seconds=last)


def _back_at(world: World) -> datetime:
    """Return when a watch message comes back that was under way when something broke last."""
    return world.quiet_at + timedelta(seconds=COMMIT.visibility_seconds)


def _last_doubling(first: int, most: float) -> int:
    """Return the last of ``first``, twice that, and so on that is not above ``most``; 0 where none is."""
    return max((first << n for n in range(10) if first << n <= most), default=0)
