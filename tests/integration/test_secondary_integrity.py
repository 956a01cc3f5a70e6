"""Objects and plans of secondary sources that contradict each other, by two toys: nothing is published."""

import re
from collections.abc import Callable

import msgspec
import pytest

from patchlake.core.keys import part_key, plan_key, shard_key, snapshot_key
from patchlake.core.messages import DiscoverMessage
from patchlake.core.plan import decode_plan
from patchlake.core.tables import Columns
from patchlake.errors import (
    IntegrityError,
)
from patchlake.ports import Delivery, TableFormat
from patchlake.sources.patches import PATCHES
from patchlake.stages.commit import CommitOutcome
from tests.toy_sources import GADGETS, TOYS
from tests.toy_world import toy_world
from tests.world import EU, RUN_ID, US, World, node_id


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


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"detail_deadline_at": "2026-11-01T23:00:00Z"}, "detail_deadline_at is after deadline_at"),
        (
            {"sources": [{"name": "patch_states", "nodes_per_part": 60, "asks_version": 1}]},
            "patch_states is not a second",
        ),
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
