"""The memory queue, beyond the contract of every queue."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from patchlake.adapters.memory import MemoryClock, MemoryQueue
from tests.world import RUN_AT


def test_messages_of_groups_that_are_left_out_stay_where_they_are() -> None:
    queue = MemoryQueue(MemoryClock(RUN_AT), visibility_seconds=30, max_receive_count=10)
    queue.send([("first", "slow"), ("second", "slow"), ("third", "quick")])

    taken = [queue.receive(except_groups={"slow"}), queue.receive(except_groups={"slow"}), queue.receive()]

    assert [delivery and delivery.body for delivery in taken] == ["third", None, "first"]


@pytest.fixture
def hurried_threads() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hurried_threads")
def test_many_workers_get_every_message_once() -> None:
    queue = MemoryQueue(MemoryClock(RUN_AT), visibility_seconds=30, max_receive_count=10)
    bodies = [str(number) for number in range(500)]
    queue.send(("busy", "slow") for _ in range(4000))
    queue.send((body, "quick") for body in bodies)

    def work(_: int) -> list[str]:
        done = []
        while (delivery := queue.receive(except_groups={"slow"})) is not None:
            done.append(delivery.body)
            queue.delete(delivery)
        return done

    with ThreadPoolExecutor(8) as workers:
        done = [body for bodies in workers.map(work, range(8)) for body in bodies]

    assert sorted(done, key=int) == bodies
    assert len(queue.messages) == 4000
