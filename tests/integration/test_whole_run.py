"""A run from its schedule to its snapshot, through all four stages."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.adapters.memory import MemoryTables
from patchlake.core.plan import Account
from patchlake.core.targets import Target
from patchlake.errors import RefusedError, RetryableError
from patchlake.ports import TableFormat
from patchlake.stages.commit import CommitOutcome
from tests.world import EU, HOME, RUN_ID, US, World, node_id

CLOSED = "222233334444"
REFUSING = Target("333344445555", "eu-central-1")


def test_every_node_of_every_target_is_in_the_snapshot_once(tables: TableFormat) -> None:
    world = World(regions=("us-east-1", "eu-central-1"), batch_size=20, tables=tables)
    world.add_nodes(EU, range(0, 130, 2))
    world.add_nodes(US, range(1, 130, 2))
    del world.apis.of(US).states[node_id(7)]
    world.start()

    result = world.run_until_committed()

    assert result.outcome is CommitOutcome.COMPLETE
    assert result.statuses == Counter(COLLECTED=129, NO_PATCH_STATE=1)
    snapshot = world.snapshot()
    assert list(zip(snapshot["region"], snapshot["instance_id"], strict=True)) == [
        *(("eu-central-1", node_id(number)) for number in range(0, 130, 2)),
        *(("us-east-1", node_id(number)) for number in range(1, 130, 2)),
    ]
    assert world.failures == []
    assert world.apis.call_counter.drain().calls == 2 * 2 + 2 * 4


def test_a_suspended_account_is_a_row_and_makes_no_run_partial(tables: TableFormat) -> None:
    world = World(accounts="organization", tables=tables)
    world.accounts.organization = [Account(HOME, "tools"), Account(CLOSED, "closed", active=False)]
    world.add_nodes(EU, [1])
    world.start()

    result = world.run_until_committed()

    assert result.outcome is CommitOutcome.COMPLETE
    assert result.listings == Counter(LISTED=1, ACCOUNT_NOT_ACTIVE=1)
    coverage = world.coverage()
    assert coverage["account_name"] == ["tools", "closed"]
    assert coverage["listing_status"] == ["LISTED", "ACCOUNT_NOT_ACTIVE"]
    assert coverage["nodes_listed"] == [1, None]


def test_an_account_that_refuses_is_a_row_and_makes_the_run_partial(tables: TableFormat) -> None:
    world = World(accounts=(HOME, REFUSING.account_id), tables=tables)
    world.add_nodes(EU, [1])

    def refuse(target: Target) -> None:
        if target == REFUSING:
            raise RefusedError("ROLE_NOT_ASSUMABLE", "AccessDenied", f"{target}: AccessDenied")

    world.apis.before_open = refuse
    world.start()

    result = world.run_until_committed()

    assert result.outcome is CommitOutcome.PARTIAL
    assert result.listings == Counter(LISTED=1, ROLE_NOT_ASSUMABLE=1)
    assert world.coverage()["listing_detail"] == [None, "AccessDenied"]
    assert [type(failure) for failure in world.failures if "before it is recorded" in str(failure)] == [
        RetryableError
    ] * 2


@pytest.mark.parametrize(
    ("code", "operation"),
    [
        ("RegionDisabledException", "AssumeRole"),
        ("SubscriptionRequiredException", "DescribeInstanceInformation"),
        ("404", "DescribeInstanceInformation"),
    ],
)
def test_no_target_waits_for_the_deadline_because_another_refuses_with_an_unlisted_code(
    code: str, operation: str
) -> None:
    world = World(accounts=(HOME, REFUSING.account_id))
    world.add_nodes(EU, [1])

    def refuse(called: object) -> None:
        if called in {REFUSING, operation}:
            raise RefusedError("NOT_LISTED", code, f"{REFUSING}: {code}", operation)

    if operation == "AssumeRole":
        world.apis.before_open = refuse
    else:
        world.apis.of(REFUSING).before_call = refuse
    world.start()
    began = world.clock.now()

    result = world.run_until_committed()

    assert result.outcome is CommitOutcome.PARTIAL
    assert world.coverage()["listing_status"] == ["LISTED", "NOT_LISTED"]
    assert world.coverage()["listing_detail"] == [None, code]
    assert (world.clock.now() - began).total_seconds() < 600


def test_a_batch_that_is_refused_with_an_unlisted_code_is_not_collected_with_that_code() -> None:
    world = World()
    world.add_nodes(EU, [1])

    def refuse(operation: str) -> None:
        if operation == "DescribeInstancePatchStates":
            raise RefusedError("NOT_LISTED", "ValidationException", "why", operation)

    world.apis.of(EU).before_call = refuse
    world.start()
    began = world.clock.now()

    assert world.run_until_committed().outcome is CommitOutcome.PARTIAL
    assert world.snapshot()["collection_detail"] == ["ValidationException"]
    assert (world.clock.now() - began).total_seconds() < 600


def test_a_run_without_any_node_is_complete_and_has_its_tables(tables: TableFormat) -> None:
    world = World(regions=("eu-central-1", "us-east-1"), tables=tables)
    world.add_nodes(US, [])
    world.start()

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE
    assert world.snapshot()["instance_id"] == []
    assert world.coverage()["nodes_listed"] == [0, 0]


def test_a_target_without_nodes_beside_one_with_nodes_is_listed_with_none(tables: TableFormat) -> None:
    world = World(regions=("eu-central-1", "us-east-1"), tables=tables)
    world.add_nodes(US, [1])
    world.start()

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE
    assert world.coverage()["nodes_listed"] == [0, 1]


def test_nodes_that_come_and_go_between_listing_and_collecting_are_accounted_for(tables: TableFormat) -> None:
    world = World(tables=tables)
    world.add_nodes(EU, [1, 2])
    world.start()
    world.deliver_discover()
    source = world.apis.of(EU)
    del source.nodes[node_id(1)], source.states[node_id(1)]
    world.add_nodes(EU, [3])

    world.run_until_committed()

    assert world.snapshot()["instance_id"] == [node_id(1), node_id(2)]
    assert world.snapshot()["collection_status"] == ["NO_PATCH_STATE", "COLLECTED"]


def test_the_schedule_that_fires_twice_gives_one_run(tables: TableFormat) -> None:
    once, twice = World(tables=tables), World(tables=tables)
    for world in (once, twice):
        world.add_nodes(EU, range(5))
        world.start()
    twice.start()

    once.run_until_committed()
    twice.run_until_committed()

    assert twice.store.objects == once.store.objects
    assert Counter(result.outcome for result in twice.committed) == Counter({CommitOutcome.COMPLETE: 1, "LATE": 1})


def test_two_runs_that_overlap_publish_each_its_own() -> None:
    world, alone = World(), World()
    for each in (world, alone):
        each.add_nodes(EU, range(3))
        each.start()
    world.plan.handle({"scheduled_time": "2026-11-01T05:00:00Z"})

    while len(world.committed) < 2:
        world.drain()
        world.clock.advance(60)
    alone.run_until_committed()

    assert {result.run_id for result in world.committed} == {RUN_ID, "20261101T050000Z"}
    own = {key: body for key, body in world.store.objects.items() if RUN_ID in key}
    assert own == alone.store.objects
    assert len(world.store.objects) == 2 * len(own)


@given(
    numbers=st.sets(st.integers(0, 200), max_size=60),
    unscanned=st.sets(st.integers(0, 200)),
    batch_size=st.integers(1, 70),
    page_size=st.integers(1, 50),
)
def test_no_node_is_lost_or_doubled_whatever_the_sizes_of_pages_and_batches(
    numbers: set[int], unscanned: set[int], batch_size: int, page_size: int
) -> None:
    world = World(batch_size=batch_size, tables=MemoryTables())
    world.add_nodes(EU, numbers)
    source = world.apis.of(EU)
    source.page_size = page_size
    for number in numbers & unscanned:
        del source.states[node_id(number)]
    world.start()

    world.run_until_committed()

    snapshot = world.snapshot()
    assert snapshot["instance_id"] == [node_id(number) for number in sorted(numbers)]
    assert snapshot["collection_status"] == [
        "NO_PATCH_STATE" if number in unscanned else "COLLECTED" for number in sorted(numbers)
    ]
