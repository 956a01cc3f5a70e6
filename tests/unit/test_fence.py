"""The fence: at the deadline every missing object gets a tombstone, and either outcome of a race is valid."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from patchlake.adapters.memory import MemoryClock, MemoryStore
from patchlake.core.keys import part_key, parts_prefix, plan_key, shard_key, shards_prefix
from patchlake.core.messages import CollectMessage, DiscoverMessage
from patchlake.core.plan import Account, decode_plan
from patchlake.core.timings import RESEND_LIMIT
from patchlake.errors import RetryableError
from patchlake.ports import Delivery, TableFormat
from patchlake.stages.commit import CommitOutcome, CommitResult
from patchlake.stages.fence import close_run
from patchlake.stages.step import Step
from patchlake.stages.stored_run import READ_AHEAD, StoredRuns
from tests.counted_map import CountedMap
from tests.watched_store import WatchedStore, fail_once, once
from tests.world import DEADLINE_SECONDS, EU, HOME, RUN_ID, US, World, node_id

REGIONS = ("eu-central-1", "us-east-1")


def half_done_world(tables: TableFormat | None = None) -> World:
    """Return a world in which one target of two is listed, and one batch of two is collected."""
    world = World(regions=REGIONS, tables=tables)
    world.add_nodes(EU, range(3))
    world.add_nodes(US, range(5, 9))
    world.start()
    world.deliver_discover()
    world.deliver_collect()
    world.clock.advance(DEADLINE_SECONDS)
    return world


def commit(world: World) -> CommitResult:
    world.deliver_commit()
    return world.committed[-1]


def slow_discover(world: World) -> Step:
    """Discover with a worker that began just before the deadline."""
    message = DiscoverMessage(run_id=RUN_ID, account_id=US.account_id, region=US.region)
    stage = replace(world.discover, clock=before_the_deadline(world))
    return stage.handle(message, Delivery(message.encode(), "0", 1)).step


def slow_collect(world: World) -> Step:
    """Collect with a worker that began just before the deadline."""
    message = CollectMessage(run_id=RUN_ID, account_id=EU.account_id, region=EU.region, batch=1)
    stage = replace(world.collect, clock=before_the_deadline(world))
    return stage.handle(message, Delivery(message.encode(), "0", 1)).step


def before_the_deadline(world: World) -> MemoryClock:
    return MemoryClock(world.clock.at - timedelta(seconds=1))


def test_what_never_came_is_accounted_for_exactly(tables: TableFormat) -> None:
    world = half_done_world(tables)

    result = commit(world)

    assert result.outcome is CommitOutcome.PARTIAL
    assert result.statuses == Counter(COLLECTED=2, NOT_COLLECTED=1)
    assert result.listings == Counter(LISTED=1, NOT_LISTED=1)
    snapshot = world.snapshot()
    assert snapshot["instance_id"] == [node_id(0), node_id(1), node_id(2)]
    assert snapshot["collection_status"] == ["COLLECTED", "COLLECTED", "NOT_COLLECTED"]
    assert snapshot["collection_detail"] == [None, None, "no part by the run's deadline"]
    assert snapshot["ping_status"] == ["Online"] * 3
    assert snapshot["missing_count"] == [0, 0, None]
    coverage = world.coverage()
    assert coverage["listing_status"] == ["LISTED", "NOT_LISTED"]
    assert coverage["listing_detail"] == [None, "no shard by the run's deadline"]
    assert coverage["nodes_listed"] == [3, None]
    assert coverage["nodes_collected"] == [2, None]
    assert coverage["nodes_not_collected"] == [1, None]


def test_a_run_on_which_nobody_worked_is_closed_with_every_target_unknown(tables: TableFormat) -> None:
    world = World(regions=REGIONS, tables=tables)
    world.start()
    world.clock.advance(DEADLINE_SECONDS)

    assert commit(world).listings == Counter(NOT_LISTED=2)
    assert world.snapshot()["instance_id"] == []


def test_every_active_target_is_closed_and_no_other_however_many_there_are() -> None:
    count = RESEND_LIMIT + 2
    world = World(accounts="organization")
    world.accounts.organization = [
        Account(HOME),
        *(Account(f"{444455550000 + n}", active=n > 0) for n in range(count - 1)),
    ]
    world.start()
    world.clock.advance(DEADLINE_SECONDS)

    result = commit(world)

    assert result.listings == {"NOT_LISTED": count - 1, "ACCOUNT_NOT_ACTIVE": 1}
    assert len(list(world.store.keys(shards_prefix(RUN_ID)))) == count - 1


def test_every_batch_is_closed_however_many_there_are() -> None:
    count = RESEND_LIMIT + 1
    world = World(batch_size=1)
    world.add_nodes(EU, range(count))
    world.start()
    world.deliver_discover()
    world.clock.advance(DEADLINE_SECONDS)

    assert commit(world).statuses == {"NOT_COLLECTED": count}


def test_no_run_is_closed_a_second_before_its_deadline() -> None:
    world = half_done_world()
    world.clock.advance(-1)
    before = dict(world.store.objects)

    world.deliver_commit()

    assert world.committed == []
    assert world.store.objects == before


def test_a_run_that_is_ready_at_its_deadline_is_complete() -> None:
    world = World()
    world.add_nodes(EU, range(3))
    world.start()
    while world.deliver_discover() or world.deliver_collect():
        pass
    world.clock.advance(DEADLINE_SECONDS)

    assert commit(world).outcome is CommitOutcome.COMPLETE


def test_a_shard_that_comes_before_its_tombstone_counts_and_its_nodes_are_accounted_for(tables: TableFormat) -> None:
    world = half_done_world(tables)
    objects = world.store.objects

    def worker_is_faster() -> None:
        world.store = MemoryStore(objects)
        assert slow_discover(world) is Step.STORED

    world.store = WatchedStore(objects, before=once("create", shard_key(RUN_ID, US), worker_is_faster))

    result = commit(world)

    assert result.listings == Counter(LISTED=2)
    assert result.statuses == Counter(COLLECTED=2, NOT_COLLECTED=5)


def test_a_part_that_comes_before_its_tombstone_counts(tables: TableFormat) -> None:
    world = half_done_world(tables)
    objects = world.store.objects

    def worker_is_faster() -> None:
        world.store = MemoryStore(objects)
        assert slow_collect(world) is Step.STORED

    world.store = WatchedStore(objects, before=once("create", part_key(RUN_ID, EU, 1), worker_is_faster))

    assert commit(world).statuses == Counter(COLLECTED=3)


def test_a_slow_worker_adopts_the_tombstones(tables: TableFormat) -> None:
    world = half_done_world(tables)
    objects = world.store.objects
    world.store = WatchedStore(objects, before=fail_once("create", "lake/"))
    world.deliver_commit()
    assert [type(failure) for failure in world.failures] == [RetryableError]
    fenced = dict(objects)

    assert (slow_discover(world), slow_collect(world)) == (Step.ADOPTED, Step.ADOPTED)
    assert objects == fenced
    world.clock.advance(60)
    assert commit(world).statuses == Counter(COLLECTED=2, NOT_COLLECTED=1)


@pytest.mark.parametrize("prefix", ["runs/", f"runs/{RUN_ID}/parts/", "lake/coverage/", "lake/patch_states/"])
def test_a_commit_that_crashes_at_any_object_is_finished_by_the_next_one(prefix: str) -> None:
    world, undisturbed = half_done_world(), half_done_world()
    commit(undisturbed)
    world.store = WatchedStore(world.store.objects, before=fail_once("create", prefix))
    world.deliver_commit()
    assert world.committed == []
    world.clock.advance(60)

    commit(world)

    assert world.store.objects == undisturbed.store.objects


def test_large_shards_are_closed_one_after_the_other_so_that_memory_suffices_for_them() -> None:
    world = World(regions=REGIONS, batch_size=1)
    world.add_nodes(EU, range(READ_AHEAD))
    world.add_nodes(US, [READ_AHEAD])
    world.start()
    while world.deliver_discover():
        pass
    each = CountedMap()

    runs = StoredRuns(world.store, world.tables, world.sources, each)
    close_run(runs.of(decode_plan(world.store.objects[plan_key(RUN_ID)], RUN_ID)))

    assert each.at_once[-2:] == [1, 1]
    assert len(list(world.store.keys(parts_prefix(RUN_ID)))) == READ_AHEAD + 1
