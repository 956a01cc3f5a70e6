"""The two deadlines of a run with secondary sources, by two toys."""

from datetime import timedelta

from patchlake.errors import (
    RetryableError,
)
from patchlake.stages.commit import CommitOutcome
from tests.toy_world import (
    DETAIL_DEADLINE,
    asked_ids,
    coverage_of,
    fail,
    plan_of,
    rows_of,
    stored,
    table,
    toy_keys,
    toy_world,
    without_secondary,
)
from tests.world import EU


def test_secondary_sources_that_never_answer_hold_the_snapshot_back_until_their_deadline_and_no_longer() -> None:
    world = toy_world()
    fail(world, "DescribeToys", RetryableError("InternalServerError"))
    fail(world, "ListGadgets", RetryableError("InternalServerError"), "us-east-1")
    world.start()
    planned_at = plan_of(world).planned_at

    result = world.run_until_committed()

    assert result.outcome is CommitOutcome.COMPLETE
    assert DETAIL_DEADLINE <= world.clock.now() - planned_at <= DETAIL_DEADLINE + timedelta(minutes=2)
    assert rows_of(world) == rows_of(without_secondary())
    toys = table(world, "toys")
    assert toys["instance_id"] == asked_ids()
    assert set(toys["collection_status"]) == {"NOT_COLLECTED"}
    assert set(toys["collection_detail"]) == {"no part by the run's detail deadline"}
    covered = coverage_of(world)
    assert (covered["eu-central-1"]["toys_status"], covered["eu-central-1"]["toys_detail"]) == (
        "PARTIAL",
        "no part by the run's detail deadline",
    )
    assert (covered["us-east-1"]["gadgets_status"], covered["us-east-1"]["gadgets_detail"]) == (
        "NOT_LISTED",
        "no shard by the run's detail deadline",
    )
    assert covered["us-east-1"]["gadgets_rows"] is None


def test_before_the_detail_deadline_nothing_secondary_is_closed() -> None:
    world = toy_world()
    fail(world, "DescribeToys", RetryableError("InternalServerError"))
    world.start()
    closes_at = plan_of(world).closes_details_at
    while world.clock.now() + timedelta(seconds=60) < closes_at:
        world.drain()
        world.clock.advance(60)
    world.drain()

    assert not world.committed
    assert stored(world, f"/details/toys/{EU}/") == set()


def test_a_batch_that_comes_after_the_detail_deadline_closes_its_children_itself() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover():
        pass
    world.clock.at = plan_of(world).closes_details_at
    while world.deliver_root():
        pass

    assert stored(world, f"/details/toys/{EU}/") == toy_keys([120, 10])
    assert not world.detail_queue.messages


def test_a_child_is_closed_only_where_its_parent_is_stored() -> None:
    world = toy_world()
    fail(world, "DescribeInstancePatchStates", RetryableError("InternalServerError"))
    world.start()
    world.drain()
    world.clock.at = plan_of(world).closes_details_at
    world.drain()

    assert stored(world, "/parts/") == set()
    assert stored(world, "/details/") == set()
    assert not world.committed
    world.clock.at = plan_of(world).deadline_at

    world.run_until_committed()

    assert stored(world, f"/details/toys/{EU}/") == toy_keys([120, 10])
    assert coverage_of(world)["eu-central-1"]["toys_status"] == "PARTIAL"
    assert coverage_of(world)["eu-central-1"]["toys_detail"] == "patch_states: NOT_COLLECTED"
    assert table(world, "toys")["instance_id"] == []


def test_at_the_deadline_everything_is_closed_whatever_came() -> None:
    world = toy_world()
    for operation in ("DescribeInstanceInformation", "ListGadgets"):
        fail(world, operation, RetryableError("InternalServerError"), "us-east-1")
    fail(world, "DescribeToys", RetryableError("InternalServerError"), "eu-central-1")
    world.start()
    world.run_until_committed()

    assert world.committed[-1].outcome is CommitOutcome.PARTIAL
    assert coverage_of(world)["us-east-1"]["toys_detail"] == "nodes: NOT_LISTED"
    assert coverage_of(world)["us-east-1"]["toys_rows"] is None


def test_messages_that_come_after_the_detail_deadline_ask_nothing_and_store_nothing() -> None:
    world = toy_world()
    world.start()
    while world.deliver_root():
        pass
    before = dict(world.store.objects)
    world.apis.call_counter.drain()
    world.clock.at = plan_of(world).closes_details_at
    while world.deliver_discover() or world.deliver_collect():
        pass

    assert world.store.objects == before
    assert world.apis.call_counter.drain().calls == 0
    assert world.failures == []


def test_messages_that_come_days_late_leave_a_run_that_commit_has_not_closed_as_it_is() -> None:
    """SSM keeps no history: the run would have the nodes and patches of another day."""
    world = toy_world()
    world.start()
    world.clock.advance(5 * 86_400)
    while world.deliver_discover() or world.deliver_collect():
        pass

    result = world.run_until_committed()

    assert result.outcome is CommitOutcome.PARTIAL
    assert set(world.coverage()["listing_detail"]) == {"no shard by the run's deadline"}
    assert rows_of(world)["instance_id"] == []
    assert world.apis.call_counter.drain().calls == 0
