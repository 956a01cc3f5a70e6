"""Workers on a throttled target, and next to one: production stages against token buckets, in simulated time."""

from collections import Counter

import pytest

from patchlake.core.targets import Target
from patchlake.stages.commit import CommitOutcome
from tests.simulation.throttled import CASES, PATCHES_CASES, ThrottledRun, listed_world, pace_with_patches
from tests.world import EU

OTHERS = tuple(f"{222233330000 + n}" for n in range(10))


@pytest.mark.parametrize(("calls_a_second", "workers", "nodes", "batch_size"), CASES)
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


@pytest.mark.parametrize(("calls_a_second", "workers", "detail_workers", "nodes"), PATCHES_CASES)
def test_patches_take_what_a_target_bears_and_leave_it_to_the_patch_states_first(
    calls_a_second: int, workers: int, detail_workers: int, nodes: int
) -> None:
    pace = pace_with_patches(calls_a_second, workers, detail_workers, nodes)

    assert pace.of_bucket <= 1.15
    assert pace.of_root <= 1.2
    assert pace.world.collect_queue.dead == pace.world.detail_queue.dead == []
    assert pace.world.committed[-1].outcome is CommitOutcome.COMPLETE
    assert pace.world.coverage()["patches_status"] == ["COMPLETE"]


def test_a_throttled_account_does_not_hold_back_the_others() -> None:
    others = [Target(account, EU.region) for account in OTHERS]
    world = listed_world({EU: 20_000} | dict.fromkeys(others, 500), 500)
    run = ThrottledRun(world, 4, {EU: 2} | dict.fromkeys(others, 20.0))

    seconds = run.play()

    # Four batches of the throttled account are under way when the others come; none of the rest goes before them.
    assert max(run.done_at[target] for target in others) < 40
    assert 200 <= seconds <= 300
    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE
