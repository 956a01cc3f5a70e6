"""Secondary sources, by two toys: whatever becomes of them, every key is filled and the snapshot is the same."""

import dataclasses
from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from patchlake.core.keys import part_key, plan_key, shard_key, snapshot_key
from patchlake.core.messages import DiscoverMessage
from patchlake.errors import (
    NotReadyError,
    RefusedError,
    RetryableError,
    ThrottledError,
)
from patchlake.ports import Delivery, TableFormat
from patchlake.sources.nodes import NODE_COLUMNS
from patchlake.sources.registry import Registry
from patchlake.sources.source import detail_table
from patchlake.stages.commit import CommitOutcome
from tests.toy_sources import GADGETS, TOYS
from tests.toy_world import (
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
from tests.watched_store import WatchedStore, fail_once
from tests.world import EU, ROOT_SOURCES, RUN_ID, US, World, node_id


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
