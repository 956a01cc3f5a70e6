"""Publishing: parts in key order are the snapshot, by any finisher; contradictory objects are never published."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import pytest

from patchlake.adapters.memory import MemoryStore
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, part_key, plan_key, shard_key, snapshot_key
from patchlake.core.plan import plan_sha256
from patchlake.core.tables import Column, Columns, ColumnType, Table, string
from patchlake.ports import TableFile, TableFormat
from patchlake.sources.coverage import coverage_table
from patchlake.sources.nodes import SHARD
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.stages.commit import CommitOutcome, CommitResult
from patchlake.stages.stored_run import READ_AHEAD
from tests.watched_store import WatchedStore, once
from tests.world import EU, HOME, RUN_ID, US, World, node_id

COVERAGE_KEY = coverage_key(RUN_ID)
SNAPSHOT_KEY = snapshot_key(RUN_ID)
TABLE_OF = {COVERAGE_KEY: coverage_table(()), SNAPSHOT_KEY: PATCH_STATES.table}
FIRST_PART = part_key(RUN_ID, EU, 0)
FIRST_SHARD = shard_key(RUN_ID, EU)


def ready_world(tables: TableFormat | None = None) -> World:
    """Return a world whose run of two targets has all its shards and parts, and is not published."""
    world = World(regions=("eu-central-1", "us-east-1"), tables=tables)
    world.add_nodes(EU, range(3))
    world.add_nodes(US, range(5, 6))
    world.start()
    while world.deliver_discover() or world.deliver_collect():
        pass
    return world


def commit(world: World) -> CommitResult:
    world.commit_queue.send([(f'{{"v":1,"run_id":"{RUN_ID}"}}', RUN_ID)])
    world.deliver_commit()
    return world.committed[-1]


def published(world: World) -> dict[str, bytes]:
    return {key: body for key, body in world.store.objects.items() if key.startswith("lake/")}


def opened(world: World, key: str) -> TableFile:
    return world.tables.open(world.store.objects[key])


def rewrite(  # noqa: PLR0913
    world: World,
    key: str,
    table: Table,
    *,
    change: Callable[[Columns], None] = lambda _columns: None,
    metadata: Mapping[str, str] | None = None,
    groups: int | None = None,
) -> None:
    """Store another file under a key: the same one with changed rows, other entries in its footer, or fewer groups."""
    file = opened(world, key)
    row_groups = [file.columns(table.column_names, group) for group in range(len(file.row_counts))][:groups]
    if row_groups:
        change(row_groups[0])
    world.store.objects[key] = world.tables.encode(table, row_groups, {**file.metadata, **(metadata or {})})


def set_all(name: str, value: object) -> Callable[[Columns], None]:
    def change(columns: Columns) -> None:
        columns[name] = [value] * len(columns[name])

    return change


def reverse(columns: Columns) -> None:
    for values in columns.values():
        values.reverse()


def drop_last(columns: Columns) -> None:
    for values in columns.values():
        values.pop()


def repeat_first(columns: Columns) -> None:
    for values in columns.values():
        values[1] = values[0]


# Published objects


def test_the_snapshot_is_the_parts_in_the_order_of_their_keys(tables: TableFormat) -> None:
    world = ready_world(tables)

    assert commit(world).outcome is CommitOutcome.COMPLETE

    keys = [FIRST_PART, part_key(RUN_ID, EU, 1), part_key(RUN_ID, US, 0)]
    parts = [opened(world, key).columns(PATCH_STATES.table.column_names) for key in keys]
    snapshot = world.snapshot()
    assert snapshot == {
        name: [value for part in parts for value in part[name]] for name in PATCH_STATES.table.column_names
    }
    assert snapshot["instance_id"] == [node_id(number) for number in (0, 1, 2, 5)]
    assert snapshot["region"] == ["eu-central-1"] * 3 + ["us-east-1"]


def test_the_parts_of_a_target_are_all_there_once_however_many_are_read_ahead() -> None:
    world = World(batch_size=1)
    world.add_nodes(EU, range(2 * READ_AHEAD + 1))
    world.start()

    world.run_until_committed()

    assert world.snapshot()["instance_id"] == [node_id(number) for number in range(2 * READ_AHEAD + 1)]


def test_the_coverage_has_a_row_for_each_target(tables: TableFormat) -> None:
    world = ready_world(tables)

    commit(world)

    coverage = world.coverage()
    assert coverage["account_id"] == [HOME, HOME]
    assert coverage["region"] == ["eu-central-1", "us-east-1"]
    assert coverage["nodes_listed"] == coverage["nodes_collected"] == [3, 1]
    assert coverage["nodes_invalid_response"] == [0, 0]


def test_both_footers_name_their_table_plan_and_version(tables: TableFormat) -> None:
    world = ready_world(tables)

    commit(world)

    expected = {
        "run_id": RUN_ID,
        "plan_sha256": plan_sha256(world.store.objects[plan_key(RUN_ID)]),
        "patchlake_version": "test",
    }
    assert dict(opened(world, COVERAGE_KEY).metadata) == {**expected, "table": "coverage"}
    assert dict(opened(world, SNAPSHOT_KEY).metadata) == {**expected, "table": "patch_states"}


def test_the_coverage_is_published_before_the_snapshot() -> None:
    world = ready_world()
    created: list[str] = []
    world.store = WatchedStore(
        world.store.objects, before=lambda call, key: created.append(key) if call == "create" else None
    )

    commit(world)

    assert created == [COVERAGE_KEY, SNAPSHOT_KEY]


def test_neither_the_clock_nor_the_order_of_arrival_shows_in_the_published_bytes(tables: TableFormat) -> None:
    first, second = ready_world(tables), ready_world(tables)
    second.store.objects = dict(reversed(second.store.objects.items()))
    second.clock.advance(3 * 3600)

    commit(first)
    commit(second)

    assert published(first) == published(second)


# Finishers


def overtake(world: World, key: str, body: bytes) -> None:
    """Let another process create ``key`` just before this world's commit does."""
    objects = world.store.objects
    world.store = WatchedStore(objects, before=once("create", key, lambda: objects.update({key: body})))


@pytest.mark.parametrize("moment", [COVERAGE_KEY, SNAPSHOT_KEY])
def test_two_commits_at_once_publish_the_same_bytes_and_both_end_well(tables: TableFormat, moment: str) -> None:
    world, alone = ready_world(tables), ready_world(tables)
    commit(alone)
    objects = world.store.objects

    def the_other_is_faster() -> None:
        world.store = MemoryStore(objects)
        commit(world)

    world.store = WatchedStore(objects, before=once("create", moment, the_other_is_faster))

    commit(world)

    assert [result.outcome for result in world.committed] == [CommitOutcome.COMPLETE] * 2
    assert published(world) == published(alone)


@pytest.mark.parametrize("key", [COVERAGE_KEY, SNAPSHOT_KEY])
def test_the_same_rows_published_by_another_version_are_adopted(tables: TableFormat, key: str) -> None:
    world, other = ready_world(tables), ready_world(tables)
    commit(other)
    older = Table("older", "", TABLE_OF[key].columns[:-1])
    rewrite(other, key, older, metadata={"patchlake_version": "before"})
    theirs = other.store.objects[key]
    overtake(world, key, theirs)

    assert commit(world).outcome is CommitOutcome.COMPLETE
    assert world.store.objects[key] == theirs


@pytest.mark.parametrize("key", [COVERAGE_KEY, SNAPSHOT_KEY])
def test_the_same_rows_published_by_a_version_with_other_columns_are_adopted(tables: TableFormat, key: str) -> None:
    world, other = ready_world(tables), ready_world(tables)
    commit(other)
    file, shared = opened(other, key), TABLE_OF[key].columns[:-1]
    rows = {**file.columns([column.name for column in shared]), "newest": [None] * sum(file.row_counts)}
    theirs = tables.encode(Table("another", "", (*shared, string("newest", ""))), [rows], file.metadata)
    overtake(world, key, theirs)

    assert commit(world).outcome is CommitOutcome.COMPLETE
    assert world.store.objects[key] == theirs


@pytest.mark.parametrize("key", [COVERAGE_KEY, SNAPSHOT_KEY])
@pytest.mark.parametrize(
    "theirs",
    [b"", b"something else", "another plan", "another row", "more rows", "another table"],
    ids=["nothing", "no table", "another plan", "another row", "more rows", "another table"],
)
def test_anything_else_under_a_published_key_makes_the_run_corrupt(
    tables: TableFormat, key: str, theirs: bytes | str
) -> None:
    world, other = ready_world(tables), ready_world(tables)
    if theirs == "another plan":
        other.store.objects[plan_key(RUN_ID)] += b"\n"
    if theirs == "another row":
        rewrite(other, FIRST_PART, PATCH_STATES.table, change=set_all("collection_detail", "because"))
        rewrite(other, FIRST_SHARD, SHARD, metadata={"listed_at": "1"})
    commit(other)
    if theirs == "more rows":
        file = opened(other, key)
        rows = file.columns(file.column_names)
        other.store.objects[key] = tables.encode(TABLE_OF[key], [rows, rows], file.metadata)
    if theirs == "another table":
        rewrite(other, key, TABLE_OF[key], metadata={"table": "other"})
    body = theirs if isinstance(theirs, bytes) else other.store.objects[key]
    overtake(world, key, body)

    result = commit(world)

    assert result.outcome is CommitOutcome.CORRUPT
    assert (result.detail or "").startswith(f"{key}: ")
    assert world.store.objects[key] == body


def test_another_row_far_behind_the_first_ones_makes_the_run_corrupt_as_well() -> None:
    tables = ParquetTables(row_group_rows=2)
    world, other = ready_world(tables), ready_world(tables)
    rewrite(other, part_key(RUN_ID, US, 0), PATCH_STATES.table, change=set_all("collection_detail", "because"))
    commit(other)
    overtake(world, SNAPSHOT_KEY, other.store.objects[SNAPSHOT_KEY])

    assert commit(world).outcome is CommitOutcome.CORRUPT


class ForgetfulStore(MemoryStore):
    """A store whose published objects exist and cannot be found."""

    def create(self, key: str, body: bytes | BinaryIO) -> bool:
        return not key.startswith("lake/") and super().create(key, body)


def test_a_published_object_that_is_there_and_is_gone_makes_the_run_corrupt() -> None:
    world = ready_world()
    world.store = ForgetfulStore(world.store.objects)

    assert (commit(world).detail or "").startswith(f"{COVERAGE_KEY}: the object existed and is gone")


# Never published


@pytest.mark.parametrize(
    "change",
    [
        set_all("run_id", "20261102T060000Z"),
        set_all("run_at", 0),
        set_all("account_id", "999999999999"),
        set_all("region", "us-east-1"),
        set_all("instance_id", node_id(9)),
        set_all("collection_status", "PERHAPS"),
        reverse,
        drop_last,
        repeat_first,
    ],
    ids=["run", "time", "account", "region", "node", "status", "order", "a node less", "a node twice"],
)
def test_a_part_that_is_not_its_batchs_is_named_and_nothing_published(
    tables: TableFormat, change: Callable[[Columns], None]
) -> None:
    world = ready_world(tables)
    rewrite(world, FIRST_PART, PATCH_STATES.table, change=change)

    result = commit(world)

    assert result.outcome is CommitOutcome.CORRUPT
    assert (result.detail or "").startswith(f"{FIRST_PART}: ")
    assert (result.detail or "").endswith("are not those of its batch")
    assert published(world) == {}


@pytest.mark.parametrize(
    "rewriting",
    [
        {"change": reverse},
        {"change": repeat_first},
        {"change": set_all("instance_id", node_id(7))},
        {"metadata": {"region": "us-east-1"}},
        {"metadata": {"run_id": "20261102T060000Z"}},
        {"metadata": {"listing_status": "PERHAPS"}},
        {"metadata": {"listing_status": "NOT_LISTED"}},
        {"metadata": {"listed_at": "noon"}},
    ],
    ids=["order", "twice", "every node one", "target", "run", "status", "nodes of an unlisted target", "time"],
)
def test_a_shard_that_contradicts_itself_is_named_and_nothing_published(
    tables: TableFormat, rewriting: dict[str, Any]
) -> None:
    world = ready_world(tables)
    rewrite(world, FIRST_SHARD, SHARD, **rewriting)

    result = commit(world)

    assert result.outcome is CommitOutcome.CORRUPT
    assert (result.detail or "").startswith(f"{FIRST_SHARD}: ")
    assert published(world) == {}


def test_a_shard_with_a_node_without_an_id_is_named_and_nothing_published() -> None:
    world = ready_world()
    rewrite(world, FIRST_SHARD, SHARD, change=set_all("instance_id", None))

    assert (commit(world).detail or "").startswith(f"{FIRST_SHARD}: its nodes are not in ascending order")
    assert published(world) == {}


@pytest.mark.parametrize("key", [FIRST_SHARD, FIRST_PART])
@pytest.mark.parametrize("damage", [b"", b"PAR1", b"\x00" * 500, b"{}"], ids=["empty", "short", "zeros", "json"])
def test_a_damaged_object_is_named_and_nothing_published(tables: TableFormat, key: str, damage: bytes) -> None:
    world = ready_world(tables)
    world.store.objects[key] = damage

    result = commit(world)

    assert result.outcome is CommitOutcome.CORRUPT
    assert (result.detail or "").startswith(f"{key}: ")
    assert published(world) == {}


@pytest.mark.parametrize("key", [FIRST_SHARD, FIRST_PART])
def test_damage_that_shows_only_when_a_column_is_read_is_named_as_well(key: str) -> None:
    world = ready_world(ParquetTables())
    body = bytearray(world.store.objects[key])
    body[4:60] = bytes(56)
    world.store.objects[key] = bytes(body)

    result = commit(world)

    assert result.outcome is CommitOutcome.CORRUPT
    assert (result.detail or "").startswith(f"{key}: the Parquet file is damaged")
    assert published(world) == {}


def test_damage_in_a_shard_that_the_fence_reads_is_named_as_well() -> None:
    world = World(tables=ParquetTables())
    world.add_nodes(EU, range(3))
    world.start()
    world.deliver_discover()
    body = bytearray(world.store.objects[FIRST_SHARD])
    body[4:60] = bytes(56)
    world.store.objects[FIRST_SHARD] = bytes(body)
    world.clock.advance(14_400)

    assert (commit(world).detail or "").startswith(f"{FIRST_SHARD}: the Parquet file is damaged")


def test_a_part_whose_column_has_another_type_is_named_and_nothing_published() -> None:
    world = ready_world(ParquetTables())
    columns = tuple(
        Column(c.name, ColumnType.STRING if c.name == "missing_count" else c.type, "") for c in PATCH_STATES.table
    )
    rewrite(world, FIRST_PART, Table("other", "", columns), change=set_all("missing_count", "none"))

    result = commit(world)

    assert (result.detail or "").startswith(f"{FIRST_PART}: column missing_count of the file has the type string")
    assert published(world) == {}


# A deploy in the middle of a run


def test_a_part_of_a_later_build_loses_the_column_that_this_one_does_not_know(tables: TableFormat) -> None:
    world, undisturbed = ready_world(tables), ready_world(tables)
    commit(undisturbed)
    later = Table("patch_states", "", (Column("added_later", ColumnType.STRING, ""), *PATCH_STATES.table.columns))
    rewrite(world, FIRST_PART, later)

    assert commit(world).outcome is CommitOutcome.COMPLETE
    assert published(world) == published(undisturbed)


def test_a_part_of_an_earlier_build_gives_null_in_the_column_that_it_does_not_have(tables: TableFormat) -> None:
    world = ready_world(tables)
    earlier = Table("patch_states", "", tuple(c for c in PATCH_STATES.table if c.name != "missing_count"))
    rewrite(world, FIRST_PART, earlier)

    assert commit(world).statuses == Counter(COLLECTED=4)
    assert world.snapshot()["missing_count"] == [None, None, 0, 0]
