"""A run that commit gives up is corrupt in the list of runs, with the same object and reason; nothing is stored."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis.strategies import integers, none, sampled_from

from patchlake.adapters.memory import MemoryTables
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, part_key, plan_key, shard_key, table_key
from patchlake.ports import TableFormat
from patchlake.sources.registry import SOURCES
from patchlake.stages.commit import CommitOutcome
from patchlake.stages.stored_plan import stored_plan
from patchlake_cli.lake import run_reader as module
from patchlake_cli.lake.commit_rehearsal import REHEARSAL_SECONDS, CommitRehearsal
from patchlake_cli.lake.run_reader import Runs
from patchlake_cli.lake.runs import RunStatus
from tests.runs import runs_of
from tests.watched_store import WatchedStore, once
from tests.world import DEADLINE_SECONDS, EU, RUN_ID, World

DETAIL_DEADLINE_SECONDS = 3600

PART = part_key(RUN_ID, EU, 0)
DETAIL = part_key(RUN_ID, EU, 0, "patches")
INSTANCES = shard_key(RUN_ID, EU, "instances")
OBJECTS = [PART, DETAIL, INSTANCES, shard_key(RUN_ID, EU, "tags"), coverage_key(RUN_ID), table_key(RUN_ID, "patches")]


def started(tables: TableFormat | None = None) -> World:
    """Return a world whose run has two batches and every secondary source, and has just been planned."""
    world = World(tables=tables or ParquetTables(), sources=SOURCES)
    world.settings = replace(world.settings, tag_keys=("Owner",))
    world.add_nodes(EU, range(4), MissingCount=1)
    world.start()
    return world


def collected() -> World:
    """Return a world whose run has every shard and part, and that commit has not seen."""
    world = started()
    while world.deliver_discover() or world.deliver_collect():
        pass
    return world


def noting_reads(world: World) -> tuple[WatchedStore, list[str]]:
    """Return the world's store, and the list of the keys of the objects that are read from it."""
    read: list[str] = []
    return WatchedStore(world.store.objects, before=lambda call, key: read.append(key) if call == "get" else None), read


def status_and_problem(world: World) -> tuple[RunStatus, str | None]:
    [run] = runs_of(world).newest(7)
    return run.status, run.problem


@pytest.mark.parametrize("key", OBJECTS)
def test_a_run_with_a_damaged_object_is_corrupt_as_soon_as_commit_would_read_it(key: str) -> None:
    world = collected()
    world.store.objects[key] = b"PAR1 broken PAR1"

    status, problem = status_and_problem(world)

    assert status is RunStatus.CORRUPT
    assert (problem or "").startswith(f"{key}: the Parquet file is damaged")
    assert world.run_until_committed().detail == problem


def test_a_part_of_another_batch_makes_the_run_corrupt() -> None:
    world = collected()
    world.store.objects[PART] = world.store.objects[part_key(RUN_ID, EU, 1)]

    status, problem = status_and_problem(world)

    assert (status, problem) == (RunStatus.CORRUPT, f"{PART}: instance_id are not those of its batch")
    assert world.run_until_committed().detail == problem


def test_a_part_that_its_children_need_makes_the_run_corrupt_once_the_detail_deadline_has_passed() -> None:
    world = started()
    while world.deliver_root():
        pass
    world.store.objects[PART] = b"PAR1 broken PAR1"

    before = status_and_problem(world)
    world.clock.advance(DETAIL_DEADLINE_SECONDS)
    after = status_and_problem(world)

    assert before == (RunStatus.RUNNING, None)
    assert after[0] is RunStatus.CORRUPT
    assert (after[1] or "").startswith(f"{PART}: the Parquet file is damaged")
    assert world.run_until_committed().detail == after[1]


@pytest.mark.parametrize("seconds", [0, DETAIL_DEADLINE_SECONDS, DEADLINE_SECONDS])
def test_a_run_without_damage_goes_on_and_nothing_is_stored_or_sent(seconds: int) -> None:
    world = started()
    world.deliver_discover()
    world.deliver_collect()
    world.clock.advance(seconds)
    before = dict(world.store.objects)

    assert status_and_problem(world) == (RunStatus.RUNNING, None)

    assert world.store.objects == before
    world.drain()
    assert world.run_until_committed().outcome in {CommitOutcome.COMPLETE, CommitOutcome.PARTIAL}


def test_no_part_is_read_while_others_are_missing() -> None:
    world = started()
    world.deliver_discover()
    world.deliver_collect()
    store, read = noting_reads(world)

    Runs(store, world.tables, world.clock).run(RUN_ID)

    assert read == [plan_key(RUN_ID), shard_key(RUN_ID, EU)]


def test_parts_are_read_once_however_often_one_looks() -> None:
    world = collected()
    store, read = noting_reads(world)
    runs = Runs(store, world.tables, world.clock)
    runs.run(RUN_ID)
    first = read.copy()

    runs.run(RUN_ID)

    assert {PART, DETAIL, INSTANCES} <= set(first)
    assert read[len(first) :] == [plan_key(RUN_ID)]


def test_while_objects_come_the_run_is_read_again_once_a_minute() -> None:
    world = collected()
    late = [world.store.objects.pop(key) for key in (DETAIL, INSTANCES)]
    world.clock.advance(DETAIL_DEADLINE_SECONDS)
    store, read = noting_reads(world)
    runs = Runs(store, world.tables, world.clock)
    runs.run(RUN_ID)
    read.clear()

    store.objects[DETAIL] = late[0]
    world.clock.advance(REHEARSAL_SECONDS - 1)
    runs.run(RUN_ID)
    soon = read.copy()
    store.objects[INSTANCES] = late[1]
    world.clock.advance(1)
    runs.run(RUN_ID)

    assert PART not in soon
    assert {PART, DETAIL, INSTANCES} <= set(read)


def test_a_deadline_is_noticed_at_once() -> None:
    world = collected()
    world.store.objects[DETAIL] = b"PAR1 broken PAR1"
    part = world.store.objects.pop(part_key(RUN_ID, EU, 1))
    world.clock.advance(DEADLINE_SECONDS - 1)
    runs = runs_of(world)
    before = runs.run(RUN_ID).status
    world.store.objects[part_key(RUN_ID, EU, 1)] = part
    world.clock.advance(1)

    [after] = runs.newest(7)

    assert (before, after.status) == (RunStatus.RUNNING, RunStatus.CORRUPT)


def test_a_run_whose_damaged_part_was_deleted_is_no_longer_corrupt() -> None:
    world = collected()
    world.clock.advance(DEADLINE_SECONDS)
    world.store.objects[DETAIL] = b"PAR1 broken PAR1"
    runs = runs_of(world)
    [damaged] = runs.newest(7)
    del world.store.objects[DETAIL]

    [repaired] = runs.newest(7)

    assert (damaged.status, repaired.status) == (RunStatus.CORRUPT, RunStatus.RUNNING)


@pytest.mark.parametrize("key", [DETAIL, INSTANCES])
def test_a_run_is_not_corrupt_if_a_slow_worker_and_commit_go_on_while_one_looks(key: str) -> None:
    world = collected()
    world.clock.advance(DEADLINE_SECONDS)
    last = world.store.objects.pop(key)

    def go_on() -> None:
        world.store.objects[key] = last
        assert world.run_until_committed().outcome is CommitOutcome.COMPLETE

    store = WatchedStore(world.store.objects, before=once("get", shard_key(RUN_ID, EU), go_on))
    rehearsal = CommitRehearsal(store, world.tables, world.clock, map)

    assert rehearsal.flaw(stored_plan(world.store, RUN_ID)) is None


def test_beyond_a_number_of_parts_none_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PARTS", 3)
    world = collected()
    world.store.objects[PART] = b"PAR1 broken PAR1"

    assert status_and_problem(world) == (RunStatus.RUNNING, None)

    monkeypatch.setattr(module, "MOST_PARTS", 4)
    assert status_and_problem(world)[0] is RunStatus.CORRUPT


@given(
    deliveries=integers(0, 12),
    damaged=none() | integers(0, 11),
    seconds=sampled_from([0, DETAIL_DEADLINE_SECONDS, DEADLINE_SECONDS]),
)
def test_the_rehearsal_finds_what_commit_finds(deliveries: int, damaged: int | None, seconds: int) -> None:
    world = started(MemoryTables())
    for _ in range(deliveries):
        _ = world.deliver_discover() or world.deliver_collect()
    stored = sorted(world.store.objects.keys() - {plan_key(RUN_ID)})
    if damaged is not None and stored:
        world.store.objects[stored[damaged % len(stored)]] = b"PAR1 broken PAR1"
    world.clock.advance(seconds)
    before = dict(world.store.objects)
    plan = stored_plan(world.store, RUN_ID)

    flaw = CommitRehearsal(world.store, world.tables, world.clock, map).flaw(plan)

    assert world.store.objects == before
    assert world.deliver_commit()
    assert flaw == (world.committed[-1].detail if world.committed else None)
