"""The memory queue, beyond what every queue must do."""

from patchlake.adapters.memory import MemoryClock, MemoryQueue
from tests.world import RUN_AT


def test_messages_of_groups_that_are_left_out_stay_where_they_are() -> None:
    queue = MemoryQueue(MemoryClock(RUN_AT), visibility_seconds=30, max_receive_count=10)
    queue.send([("first", "slow"), ("second", "slow"), ("third", "quick")])

    taken = [queue.receive(except_groups={"slow"}), queue.receive(except_groups={"slow"}), queue.receive()]

    assert [delivery and delivery.body for delivery in taken] == ["third", None, "first"]
