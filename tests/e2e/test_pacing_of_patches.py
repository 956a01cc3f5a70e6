"""The patches of a target that throttles for longer than messages stay hidden, or that forty workers ask."""

import pytest

from patchlake.stages.commit import CommitOutcome
from tests.simulation.throttled import PATCHES_LONG_CASES, pace_with_patches


@pytest.mark.parametrize(("calls_a_second", "workers", "detail_workers", "nodes"), PATCHES_LONG_CASES)
def test_forty_workers_take_what_a_target_bears_though_commit_sends_messages_again(
    calls_a_second: int, workers: int, detail_workers: int, nodes: int
) -> None:
    pace = pace_with_patches(calls_a_second, workers, detail_workers, nodes)

    assert pace.of_bucket <= 1.15
    assert pace.of_root <= 1.2
    assert pace.world.collect_queue.dead == pace.world.detail_queue.dead == []
    assert pace.world.committed[-1].outcome is CommitOutcome.COMPLETE
    assert pace.world.coverage()["patches_status"] == ["COMPLETE"]
