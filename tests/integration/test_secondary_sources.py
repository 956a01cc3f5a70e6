"""Secondary sources, by two toys: whatever becomes of them, every key is filled and the snapshot is the same."""

import dataclasses
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from patchlake.core.keys import coverage_key, part_key, plan_key, shard_key, snapshot_key, table_key
from patchlake.core.messages import CollectMessage, DiscoverMessage
from patchlake.core.plan import Plan, decode_plan
from patchlake.core.tables import Columns
from patchlake.core.timings import COLLECT
from patchlake.errors import (
    ConfigError,
    InputError,
    IntegrityError,
    NotReadyError,
    RefusedError,
    RetryableError,
    ThrottledError,
)
from patchlake.ports import Delivery, TableFormat
from patchlake.sources.nodes import NODE_COLUMNS
from patchlake.sources.patches import PATCHES
from patchlake.sources.registry import Registry
from patchlake.sources.source import detail_table
from patchlake.stages.commit import CommitOutcome
from patchlake.stages.step import Step
from tests.toy_sources import GADGETS, TOY_SOURCES, TOYS, gadget, toys_of
from tests.watched_store import WatchedStore, fail_once, once
from tests.world import EU, ROOT_SOURCES, RUN_AT, RUN_ID, US, World, node_id

REGIONS = ("eu-central-1", "us-east-1")
BATCH = 120
NODES = 130
DETAIL_DEADLINE = timedelta(seconds=3600)
DEADLINE = timedelta(seconds=14_400)


def toy_world(tables: TableFormat | None = None, sources: Registry = TOY_SOURCES) -> World:
    """Return a world of two targets; in the first one every third node misses a patch."""
    world = World(regions=REGIONS, batch_size=BATCH, tables=tables, sources=sources)
    for number in range(NODES):
        world.add_nodes(EU, [number], MissingCount=int(number % 3 == 0))
    world.add_nodes(US, [NODES])
    for target in (EU, US):
        api = world.apis.of(target)
        api.others["DescribeToys"] = {i: toys_of(i) for i in api.nodes}
        api.others["ListGadgets"] = {f"gadget-{n:04d}": [gadget(n)] for n in range(70 if target == EU else 0)}
    return world


def asked_ids() -> list[str]:
    return [node_id(number) for number in range(0, NODES, 3)]


def plan_of(world: World) -> Plan:
    return decode_plan(world.store.objects[plan_key(RUN_ID)], RUN_ID)


def table(world: World, name: str) -> Columns:
    file = world.tables.open(world.store.objects[table_key(RUN_ID, name)])
    return file.columns(file.column_names)


def coverage_of(world: World) -> dict[str, dict[str, object]]:
    """Return the coverage of the secondary sources, by region."""
    columns = world.coverage()
    return {
        region: {name: values[row] for name, values in columns.items() if name.startswith(("gadgets_", "toys_"))}
        for row, region in enumerate(columns["region"])
    }


def toy_keys(batch_sizes: list[int]) -> set[str]:
    """Return the keys of the parts of toys of a target, written out."""
    return {
        f"runs/{RUN_ID}/details/toys/{EU}/{batch * 3 + number:07d}.parquet"
        for batch, size in enumerate(batch_sizes)
        for number in range(-(-size // 50))
    }


def stored(world: World, part: str) -> set[str]:
    return {key for key in world.store.objects if part in key}


def fail(world: World, operation: str, error: Exception, region: str | None = None) -> None:
    """Let every call of one operation fail, in one region or in all."""
    for one in REGIONS if region is None else (region,):
        api = world.apis.of(EU._replace(region=one))

        def before_call(name: str, earlier: Callable[[str], None] = api.before_call) -> None:
            earlier(name)
            if name == operation:
                raise error

        api.before_call = before_call


def without_secondary() -> World:
    """Return the same world, of which a build without secondary sources took its snapshot."""
    world = toy_world(sources=ROOT_SOURCES)
    world.start()
    world.run_until_committed()
    return world


def rows_of(world: World) -> Columns:
    return {name: values for name, values in world.snapshot().items() if name != "collected_at"}


def deliver(world: World, message: CollectMessage) -> object:
    return world.collect.handle(message, Delivery(message.encode(), "0", 1, "detail"))


# The plan


def test_the_plan_names_its_secondary_sources_and_their_deadline() -> None:
    world = toy_world()
    world.start()

    plan = msgspec.json.decode(world.store.objects[plan_key(RUN_ID)])

    assert plan["sources"] == [{"name": "gadgets"}, {"name": "toys", "nodes_per_part": 50, "asks_version": 1}]
    assert plan["detail_deadline_at"] == "2026-11-01T07:01:00Z"
    assert plan["schema_version"] == 1


def test_a_plan_without_secondary_sources_has_no_new_member() -> None:
    world = World()
    world.start()

    members = msgspec.json.decode(world.store.objects[plan_key(RUN_ID)]).keys()

    assert members.isdisjoint({"sources", "tag_keys", "detail_deadline_at"})


def test_the_detail_deadline_is_never_after_the_deadline() -> None:
    world = toy_world()
    world.settings = dataclasses.replace(world.settings, detail_deadline_seconds=10**6)
    world.start()

    assert plan_of(world).closes_details_at == plan_of(world).deadline_at


# A healthy run


def test_every_source_is_published_whole_and_the_snapshot_last(tables: TableFormat) -> None:
    world = toy_world(tables)
    created: list[str] = []
    world.store = WatchedStore(
        world.store.objects, before=lambda call, key: created.append(key) if call == "create" else None
    )
    world.start()

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE

    assert [key for key in created if key.startswith("lake/")] == [
        f"lake/{name}/run_date=2026-11-01/{RUN_ID}.parquet" for name in ("coverage", "gadgets", "toys", "patch_states")
    ]
    toys = table(world, "toys")
    assert toys["instance_id"] == [i for i in asked_ids() for _ in range(2)]
    assert toys["name"] == [f"{kind} of {i}" for i in asked_ids() for kind in ("bear", "duck")]
    assert set(toys["collection_status"]) == {"COLLECTED"}
    assert table(world, "gadgets")["gadget_id"] == [f"gadget-{n:04d}" for n in range(70)]
    assert set(table(world, "gadgets")["region"]) == {"eu-central-1"}
    assert stored(world, f"/details/toys/{EU}/") == toy_keys([120, 10])
    assert stored(world, "/shards/gadgets/") == {f"runs/{RUN_ID}/shards/gadgets/{t}.parquet" for t in (EU, US)}


def test_coverage_says_what_was_read_with_each_source() -> None:
    world = toy_world()
    world.start()
    world.run_until_committed()

    assert coverage_of(world) == {
        "eu-central-1": {
            "gadgets_status": "LISTED",
            "gadgets_detail": None,
            "gadgets_listed_at": round(world.clock.now().timestamp() * 1000),
            "gadgets_rows_without_id": 0,
            "gadgets_rows": 70,
            "toys_status": "COMPLETE",
            "toys_detail": None,
            "toys_nodes_collected": 44,
            "toys_nodes_no_toys": 0,
            "toys_nodes_not_collected": 0,
            "toys_nodes_invalid_response": 0,
            "toys_rows": 88,
        },
        "us-east-1": {
            "gadgets_status": "LISTED",
            "gadgets_detail": None,
            "gadgets_listed_at": round(world.clock.now().timestamp() * 1000),
            "gadgets_rows_without_id": 0,
            "gadgets_rows": 0,
            "toys_status": "COMPLETE",
            "toys_detail": None,
            "toys_nodes_collected": 0,
            "toys_nodes_no_toys": 0,
            "toys_nodes_not_collected": 0,
            "toys_nodes_invalid_response": 0,
            "toys_rows": 0,
        },
    }


def test_a_run_with_secondary_sources_has_the_snapshot_that_it_would_have_without() -> None:
    world = toy_world()
    world.start()
    world.run_until_committed()

    assert rows_of(world) == rows_of(without_secondary())


def test_a_slice_that_selects_no_node_is_settled_without_asking_anyone() -> None:
    world = toy_world()
    world.start()
    calls: list[str] = []
    for target in (EU, US):
        world.apis.of(target).before_call = calls.append
    while world.deliver_discover() or world.deliver_collect():
        pass

    assert calls.count("DescribeToys") == len(asked_ids())
    assert part_key(RUN_ID, US, 0, "toys") in world.store.objects
    assert not world.detail_queue.messages


def test_a_node_that_the_service_answers_nothing_for_has_one_row_that_says_so() -> None:
    world = toy_world()
    del world.apis.of(EU).others["DescribeToys"][node_id(3)]
    world.start()
    world.run_until_committed()

    toys = table(world, "toys")
    rows = [row for row, i in enumerate(toys["instance_id"]) if i == node_id(3)]
    assert [(toys["collection_status"][row], toys["name"][row]) for row in rows] == [("NO_TOYS", None)]
    assert coverage_of(world)["eu-central-1"]["toys_nodes_no_toys"] == 1


# Messages


def test_a_root_message_does_not_name_its_source_and_any_other_does() -> None:
    root = CollectMessage.of(RUN_ID, EU, 3)
    child = CollectMessage.of(RUN_ID, EU, 3, "toys", 2)

    assert root.encode() == (
        f'{{"v":1,"run_id":"{RUN_ID}","account_id":"111122223333","region":"eu-central-1","batch":3}}'
    )
    assert msgspec.json.decode(child.encode())["source"] == "toys"
    assert CollectMessage.decode(child.encode()) == child
    assert DiscoverMessage.of(RUN_ID, EU).encode() == DiscoverMessage.of(RUN_ID, EU, "nodes").encode()


@pytest.mark.parametrize("source", ["patches", "x"])
def test_a_message_of_a_source_that_this_build_does_not_know_is_retried_until_the_run_is_published(source: str) -> None:
    world = toy_world()
    world.start()
    message = CollectMessage.of(RUN_ID, EU, 0, source)
    listing = DiscoverMessage.of(RUN_ID, EU, source)

    with pytest.raises(RetryableError, match=f"does not read the source {source}"):
        deliver(world, message)
    with pytest.raises(RetryableError, match=f"does not read the source {source}"):
        world.discover.handle(listing, Delivery(listing.encode(), "0", 1))
    world.store.create(snapshot_key(RUN_ID), b"")

    assert world.collect.handle(message, Delivery(message.encode(), "0", 1)).step is Step.LATE
    assert world.discover.handle(listing, Delivery(listing.encode(), "0", 1)).step is Step.LATE


@pytest.mark.parametrize("source", ["", "Toys", "../toys", "a/b", "x" * 40])
def test_a_message_of_a_source_that_is_no_name_is_refused(source: str) -> None:
    body = msgspec.json.encode({**msgspec.to_builtins(CollectMessage.of(RUN_ID, EU, 0)), "source": source}).decode()

    with pytest.raises(InputError):
        CollectMessage.decode(body)


def test_a_child_of_a_batch_that_is_not_stored_is_refused_and_stores_nothing() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover():
        pass
    before = dict(world.store.objects)

    with pytest.raises(InputError, match=r"there is no runs/.*/parts/"):
        deliver(world, CollectMessage.of(RUN_ID, EU, 0, "toys"))

    assert world.store.objects == before


def test_a_slice_that_its_batch_does_not_have_is_refused() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world._deliver(world.collect_queue, _collect(world)):  # noqa: SLF001
        pass

    with pytest.raises(InputError, match=r"batch 1 of .* has 10 nodes, so slice 1 is refused"):
        deliver(world, CollectMessage.of(RUN_ID, EU, 1, "toys", 1))


def _collect(world: World) -> Callable[[Delivery], object]:
    return lambda delivery: world.collect.handle(CollectMessage.decode(delivery.body), delivery)


def test_a_child_message_is_deferred_on_the_queue_that_it_came_from() -> None:
    world = toy_world()
    fail(world, "DescribeToys", RetryableError("InternalServerError"))
    world.start()
    while world.deliver_discover() or world.deliver_collect():
        pass

    assert {message.receive_count for message in world.detail_queue.messages.values()} == {1}
    assert {message.visible_at - world.clock.at for message in world.detail_queue.messages.values()} == {
        timedelta(seconds=75)
    }


def test_a_child_worker_looks_for_its_key_before_every_tenth_call() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world._deliver(world.collect_queue, _collect(world)):  # noqa: SLF001
        pass
    key = part_key(RUN_ID, EU, 0, "toys")
    calls: list[str] = []
    world.apis.of(EU).before_call = calls.append
    world.store = WatchedStore(
        world.store.objects, before=once("exists", key, lambda: world.store.objects.update({key: b"theirs"}), after=1)
    )

    result = world.collect.handle(
        CollectMessage.of(RUN_ID, EU, 0, "toys"), Delivery(CollectMessage.of(RUN_ID, EU, 0, "toys").encode(), "0", 1)
    )

    assert result.step is Step.ADOPTED
    assert len(calls) == 9
    assert world.store.objects[key] == b"theirs"


# Lost messages


def test_lost_messages_of_children_and_listings_are_sent_again() -> None:
    world = toy_world()
    world.start()
    world.listing_queue.messages.clear()
    while world.deliver_discover() or world._deliver(world.collect_queue, _collect(world)):  # noqa: SLF001
        pass
    world.detail_queue.messages.clear()

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE

    assert coverage_of(world)["eu-central-1"]["toys_status"] == "COMPLETE"
    assert coverage_of(world)["eu-central-1"]["gadgets_status"] == "LISTED"
    assert world.clock.now() < RUN_AT + DETAIL_DEADLINE


def test_an_adopted_batch_asks_only_for_the_children_that_are_absent() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world._deliver(world.collect_queue, _collect(world)):  # noqa: SLF001
        pass
    world.detail_queue.messages.clear()
    world.store.objects[part_key(RUN_ID, EU, 1, "toys")] = b"stored"
    message = CollectMessage.of(RUN_ID, EU, 0)

    assert world.collect.handle(message, Delivery(message.encode(), "0", 1)).step is Step.ADOPTED

    again = [CollectMessage.decode(sent.body) for sent in world.detail_queue.messages.values()]
    assert [(child.batch, child.source, child.slice) for child in again] == [(0, "toys", 0), (0, "toys", 2)]


# Two deadlines


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
    while world._deliver(world.collect_queue, _collect(world)):  # noqa: SLF001
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


# Refusals, throttling


def test_a_secondary_refusal_is_recorded_and_makes_no_run_partial() -> None:
    world = toy_world()
    fail(world, "ListGadgets", RefusedError("ACCESS_DENIED", "UnauthorizedOperation", "denied"))
    fail(world, "DescribeToys", RefusedError("ACCESS_DENIED", "AccessDeniedException", "denied"), "eu-central-1")
    world.start()

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE

    covered = coverage_of(world)
    assert {row["gadgets_status"] for row in covered.values()} <= {"ACCESS_DENIED", "LISTED"}
    assert (covered["us-east-1"]["gadgets_status"], covered["us-east-1"]["gadgets_detail"]) == (
        "ACCESS_DENIED",
        "UnauthorizedOperation",
    )
    assert covered["eu-central-1"]["toys_detail"] == "AccessDeniedException"
    assert covered["eu-central-1"]["toys_nodes_not_collected"] == len(asked_ids())


def test_a_secondary_listing_that_is_throttled_gives_its_message_back_after_two_minutes() -> None:
    world = toy_world()
    fail(world, "ListGadgets", ThrottledError("slow down"))
    world.start()
    began = world.clock.at
    message = DiscoverMessage.of(RUN_ID, EU, "gadgets")

    with pytest.raises(RetryableError, match="throttled for"):
        world.discover.handle(message, Delivery(message.encode(), "0", 9, "listing"))

    assert timedelta(seconds=100) < world.clock.at - began <= timedelta(seconds=120)
    assert shard_key(RUN_ID, EU, "gadgets") not in world.store.objects


# Builds that differ


def test_a_source_that_commit_does_not_know_is_left_out(tables: TableFormat) -> None:
    world = toy_world(tables)
    world.start()
    while world.deliver_discover() or world.deliver_collect():
        pass
    world.sources = ROOT_SOURCES

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE

    assert stored(world, "lake/") == {coverage_key(RUN_ID), snapshot_key(RUN_ID)}
    assert not [name for name in world.coverage() if name.startswith(("toys", "gadgets"))]


def test_a_source_that_selects_by_another_version_of_its_rule_is_left_out() -> None:
    world = toy_world()
    world.start()
    world.sources = Registry(
        ROOT_SOURCES.nodes, ROOT_SOURCES.patch_states, (GADGETS, dataclasses.replace(TOYS, asks_version=2))
    )

    world.run_until_committed()

    assert table_key(RUN_ID, "gadgets") in world.store.objects
    assert table_key(RUN_ID, "toys") not in world.store.objects


def test_a_deploy_that_cuts_other_slices_changes_nothing_of_a_planned_run() -> None:
    world = toy_world()
    world.start()
    world.sources = Registry(
        ROOT_SOURCES.nodes, ROOT_SOURCES.patch_states, (GADGETS, dataclasses.replace(TOYS, nodes_per_part=7))
    )
    world.run_until_committed()

    assert stored(world, f"/details/toys/{EU}/") == toy_keys([120, 10])


def test_a_detail_of_another_parent_than_the_patch_states_is_no_source() -> None:
    with pytest.raises(ValueError, match="toys is a detail of gadgets: expected a detail of patch_states"):
        Registry(ROOT_SOURCES.nodes, ROOT_SOURCES.patch_states, (GADGETS, dataclasses.replace(TOYS, parent="gadgets")))


# Integrity


def damaged(world: World, key: str, change: Callable[[Columns], Columns]) -> None:
    source = TOYS if "/toys/" in key else GADGETS
    file = world.tables.open(world.store.objects[key])
    columns = change(file.columns(file.column_names))
    world.store.objects[key] = world.tables.encode(source.table, [columns], file.metadata)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda rows: {name: values[2:] for name, values in rows.items()}, "instance_id"),
        (lambda rows: {name: values[::-1] for name, values in rows.items()}, "instance_id"),
        (lambda rows: rows | {"region": ["us-east-1"] * len(rows["region"])}, "region"),
        (lambda rows: rows | {"collection_status": ["FORGOTTEN"] * len(rows["region"])}, "collection_status"),
        (lambda rows: rows | {"collection_status": ["NO_TOYS"] * len(rows["region"])}, "collection_status"),
        (lambda rows: rows | {"instance_id": [node_id(1)] * len(rows["region"])}, "instance_id"),
    ],
    ids=["a node less", "another order", "another target", "no status", "a status that is not alone", "another node"],
)
def test_a_child_part_that_contradicts_its_parent_makes_the_run_corrupt(
    change: Callable[[Columns], Columns], named: str
) -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world.deliver_collect():
        pass
    key = part_key(RUN_ID, EU, 0, "toys")
    damaged(world, key, change)

    result = world.run_until_committed()

    assert result.outcome is CommitOutcome.CORRUPT
    assert re.match(rf"{key}: .*{named}.* not those of its slice", result.detail or "")
    assert snapshot_key(RUN_ID) not in world.store.objects


def test_the_part_of_another_source_is_named_and_nothing_is_published() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world.deliver_collect():
        pass
    key = part_key(RUN_ID, EU, 0, "toys")
    rows = world.tables.open(world.store.objects[key])
    shared = rows.columns(name for name in rows.column_names if name not in {"name", "size"})
    others = {column.name: [None] * len(shared["region"]) for column in PATCHES.answer_columns}
    world.store.objects[key] = world.tables.encode(PATCHES.table, [shared | others], {})

    result = world.run_until_committed()

    assert result.outcome is CommitOutcome.CORRUPT
    assert result.detail == f"{key}: it has no column of toys"
    assert snapshot_key(RUN_ID) not in world.store.objects


@pytest.mark.parametrize("key", [part_key(RUN_ID, EU, 2, "toys"), shard_key(RUN_ID, EU, "gadgets")])
def test_a_damaged_secondary_object_makes_the_run_corrupt(key: str) -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world.deliver_collect():
        pass
    world.store.objects[key] = b"damaged"

    assert world.run_until_committed().outcome is CommitOutcome.CORRUPT


def test_a_shard_of_another_source_is_refused() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover():
        pass
    gadgets = shard_key(RUN_ID, EU, "gadgets")
    file = world.tables.open(world.store.objects[gadgets])
    metadata = {name: value for name, value in file.metadata.items() if name != "source"}
    world.store.objects[gadgets] = world.tables.encode(GADGETS.table, [], metadata)
    message = DiscoverMessage.of(RUN_ID, EU, "gadgets")

    with pytest.raises(IntegrityError, match=f"{gadgets}: its footer names"):
        world.discover.handle(message, Delivery(message.encode(), "0", 1))


# Every finisher, every crash


def test_every_finisher_publishes_the_same_bytes() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world.deliver_collect():
        pass
    first = world.run_until_committed()
    published = {key: body for key, body in world.store.objects.items() if key.startswith("lake/")}
    del world.store.objects[snapshot_key(RUN_ID)]
    world.commit_queue.send([(f'{{"v":1,"run_id":"{RUN_ID}"}}', RUN_ID)])
    world.committed.clear()

    assert world.run_until_committed().statuses == first.statuses

    assert {key: body for key, body in world.store.objects.items() if key.startswith("lake/")} == published


@pytest.mark.parametrize("prefix", ["runs/", "lake/coverage/", "lake/gadgets/", "lake/toys/", "lake/patch_states/"])
def test_a_crash_at_any_write_is_made_good_by_the_next_look(prefix: str) -> None:
    undisturbed, world = toy_world(), toy_world()
    for each in (undisturbed, world):
        fail(each, "DescribeToys", RetryableError("InternalServerError"))
        each.start()
        each.drain()
        each.clock.at = plan_of(each).closes_details_at
    undisturbed.run_until_committed()
    world.store = WatchedStore(world.store.objects, before=fail_once("create", prefix))

    world.run_until_committed()

    assert world.store.objects == undisturbed.store.objects


def test_the_status_counts_of_coverage_are_those_of_the_published_rows() -> None:
    world = toy_world()
    del world.apis.of(EU).others["DescribeToys"][node_id(0)]
    world.start()
    world.run_until_committed()

    rows = table(world, "toys")
    nodes = Counter(dict(zip(rows["instance_id"], rows["collection_status"], strict=True)).values())
    covered = coverage_of(world)["eu-central-1"]
    assert covered["toys_rows"] == len(rows["instance_id"])
    assert {status: covered[f"toys_nodes_{status.lower()}"] for status in TOYS.statuses} == {
        status: nodes[status] for status in TOYS.statuses
    }


def test_a_secondary_source_of_a_run_that_no_tick_found_ready_is_named_as_missing() -> None:
    world = toy_world()
    fail(world, "DescribeToys", RetryableError("InternalServerError"))
    world.start()
    world.drain()

    waiting = [str(failure) for failure in world.failures if isinstance(failure, NotReadyError)]
    assert waiting == [f"run {RUN_ID}: 0 of 2 shards and 0 parts, 4 of toys are missing"]


# Odd messages, plans and builds


def test_a_part_of_the_root_detail_has_no_slice() -> None:
    body = msgspec.json.encode({**msgspec.to_builtins(CollectMessage.of(RUN_ID, EU, 0)), "slice": 7}).decode()

    with pytest.raises(InputError, match="a part of patch_states has no slice"):
        CollectMessage.decode(body)


def test_a_message_about_the_other_kind_of_source_is_refused() -> None:
    world = toy_world()
    world.start()
    listing = DiscoverMessage.of(RUN_ID, EU, "toys")

    with pytest.raises(InputError, match="gadgets is no DetailSource"):
        deliver(world, CollectMessage.of(RUN_ID, EU, 0, "gadgets"))
    with pytest.raises(InputError, match="toys is no ListingSource"):
        world.discover.handle(listing, Delivery(listing.encode(), "0", 1))


def test_a_message_of_an_unknown_source_waits_for_the_visibility_of_its_queue() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world._deliver(world.collect_queue, _collect(world)):  # noqa: SLF001
        pass
    world.sources = ROOT_SOURCES
    world.deliver_collect()

    (waiting,) = {message.visible_at - world.clock.at for message in world.detail_queue.messages.values()} - {
        timedelta(0)
    }
    assert waiting == timedelta(seconds=COLLECT.visibility_seconds)
    assert COLLECT.visibility_seconds * COLLECT.max_receive_count > DEADLINE.total_seconds()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"detail_deadline_at": "2026-11-01T23:00:00Z"}, "detail_deadline_at is after deadline_at"),
        ({"sources": [{"name": "patch_states", "nodes_per_part": 60, "asks_version": 1}]}, "patch_states is no second"),
        ({"sources": [{"name": "toys"}, {"name": "toys"}]}, "a source is named twice"),
        ({"sources": [{"name": "../toys"}]}, "Expected `str` matching"),
        ({"sources": [{"name": "toys", "nodes_per_part": 0}]}, "Expected `int` >= 1"),
        ({"sources": []}, "has a detail_deadline_at if it has sources"),
    ],
)
def test_a_plan_that_breaks_a_rule_of_its_sources_is_no_plan(changes: dict[str, object], named: str) -> None:
    world = toy_world()
    world.start()
    plan = {**msgspec.json.decode(world.store.objects[plan_key(RUN_ID)]), **changes}

    with pytest.raises(IntegrityError, match=re.escape(named)):
        decode_plan(msgspec.json.encode(plan), RUN_ID)


def test_a_source_that_no_one_knows_cannot_be_planned() -> None:
    with pytest.raises(ConfigError, match="there is no source toyz: expected one of gadgets, toys"):
        TOY_SOURCES.planned(["toyz"])


def test_a_column_that_is_carried_over_comes_from_the_parents_rows() -> None:
    name = next(column for column in NODE_COLUMNS if column.name == "ping_status")
    carrying = dataclasses.replace(
        TOYS, carried=(name,), table=detail_table("toys", "", TOYS.answer_columns, TOYS.statuses, carried=(name,))
    )
    world = toy_world(sources=Registry(ROOT_SOURCES.nodes, ROOT_SOURCES.patch_states, (GADGETS, carrying)))
    fail(world, "DescribeToys", RetryableError("InternalServerError"))
    world.start()
    world.run_until_committed()

    assert set(table(world, "toys")["ping_status"]) == {"Online"}


def test_a_row_in_the_part_of_a_slice_that_selects_no_node_makes_the_run_corrupt(tables: TableFormat) -> None:
    world = toy_world(tables)
    world.start()
    while world.deliver_discover() or world.deliver_collect():
        pass
    key = part_key(RUN_ID, US, 0, "toys")
    full = tables.open(world.store.objects[part_key(RUN_ID, EU, 0, "toys")])
    row = {name: values[:1] for name, values in full.columns(full.column_names).items()}
    row |= {"region": ["us-east-1"], "instance_id": [""], "collection_status": ["NO_TOYS"]}
    world.store.objects[key] = tables.encode(TOYS.table, [row], {})

    assert world.run_until_committed().outcome is CommitOutcome.CORRUPT


def test_lost_children_are_sent_again_though_another_source_has_a_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("core.timings", "stages.commit"):
        monkeypatch.setattr(f"patchlake.{module}.RESEND_LIMIT", 20)
    targets = 42
    world = World(accounts=tuple(f"{number:012d}" for number in range(1, targets + 1)), sources=TOY_SOURCES)
    for number in range(1, targets + 1):
        world.add_nodes(EU._replace(account_id=f"{number:012d}"), [number], MissingCount=1)
    world.start()
    world.listing_queue.messages.clear()
    while world._deliver(world.discover_queue, _discover(world)):  # noqa: SLF001
        pass
    while world._deliver(world.collect_queue, _collect(world)):  # noqa: SLF001
        pass
    world.detail_queue.messages.clear()
    sent: set[str] = set()
    while world.clock.now() < plan_of(world).closes_details_at - timedelta(seconds=60):
        world.clock.advance(60)
        world.deliver_commit()
        sent |= {message.group for message in world.detail_queue.messages.values()}
        world.detail_queue.messages.clear()
        world.listing_queue.messages.clear()

    assert len(sent) == targets


def _discover(world: World) -> Callable[[Delivery], object]:
    stage = world.discover
    return lambda delivery: stage.handle(DiscoverMessage.decode(delivery.body), delivery)
