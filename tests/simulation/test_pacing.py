"""Workers on one target that throttles, and beside one: production stages against token buckets, in simulated time."""

from collections import Counter

import pytest

from patchlake.core.targets import Target
from patchlake.core.timings import COLLECT
from patchlake.stages.commit import CommitOutcome
from tests.simulation.throttled import FairQueue, ThrottledRun
from tests.world import EU, World

OTHERS = tuple(f"{222233330000 + n}" for n in range(10))


def listed_world(nodes: dict[Target, int], batch_size: int) -> World:
    """Return a world whose targets are listed, in their order, and whose batches wait in a fair queue."""
    world = World(accounts=tuple(target.account_id for target in nodes), batch_size=batch_size)
    world.collect_queue = FairQueue(world.clock, COLLECT.visibility_seconds, COLLECT.max_receive_count)
    for target, count in nodes.items():
        world.add_nodes(target, range(count))
    world.start()
    while world.deliver_discover():
        pass
    world.sources.usage.take()
    return world


@pytest.mark.parametrize(
    ("calls_a_second", "workers", "nodes", "batch_size"),
    [
        (5, 4, 12_000, 2000),
        (20, 4, 24_000, 2000),
        (50, 4, 40_000, 2000),
        (5, 20, 10_000, 500),
        (20, 40, 24_000, 500),
        (50, 20, 50_000, 1000),
        (5, 20, 40_000, 2000),
    ],
)
def test_workers_take_what_a_target_bears_and_lose_nothing(
    calls_a_second: int, workers: int, nodes: int, batch_size: int
) -> None:
    world = listed_world({EU: nodes}, batch_size)
    run = ThrottledRun(world, workers, {EU: calls_a_second})

    seconds = run.play()

    assert seconds <= 1.5 * nodes / 50 / calls_a_second
    assert world.collect_queue.dead == []
    result = world.run_until_committed()
    assert (result.outcome, result.statuses) == (CommitOutcome.COMPLETE, Counter(COLLECTED=nodes))


def test_a_throttled_account_does_not_hold_back_the_others() -> None:
    others = [Target(account, EU.region) for account in OTHERS]
    world = listed_world({EU: 20_000} | dict.fromkeys(others, 500), 500)
    run = ThrottledRun(world, 4, {EU: 2} | dict.fromkeys(others, 20.0))

    seconds = run.play()

    # Four batches of the throttled account are under way when the others come; none of the rest goes before them.
    assert max(run.done_at[target] for target in others) < 40
    assert 200 <= seconds <= 300
    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE
