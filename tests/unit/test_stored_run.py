"""The stored state of a run: listed under many prefixes at once, and read ahead by size, with the same result."""

import pytest

from patchlake.core.keys import by_first_digit, part_key, parts_prefix, plan_key, shard_key, shards_prefix
from patchlake.core.plan import Plan, decode_plan
from patchlake.core.targets import Target
from patchlake.sources.registry import SOURCES
from patchlake.stages.fence import close_run
from patchlake.stages.stored_run import KEYS_PER_PAGE, READ_AHEAD, Batch, Slice, StoredRun, StoredRuns
from tests.counted_map import CountedMap
from tests.watched_store import WatchedStore
from tests.world import EU, RUN_ID, World

SIZES = pytest.mark.parametrize(
    ("targets", "is_large"), [(KEYS_PER_PAGE, False), (KEYS_PER_PAGE + 1, True)], ids=["one page", "more"]
)


def planned(targets: int) -> Plan:
    """Return the plan of a run of some accounts, whose ids begin with every digit."""
    world = World(accounts=tuple(f"{number:04d}"[::-1] + "11112222" for number in range(targets)))
    world.start()
    return decode_plan(world.store.objects[plan_key(RUN_ID)], RUN_ID)


def stored_run_of(plan: Plan, keys: list[str]) -> tuple[StoredRun, list[str]]:
    """Return the stored run that has these keys, and the list of the prefixes that it will ask for."""
    asked: list[str] = []
    store = WatchedStore(dict.fromkeys(keys, b""), before=lambda operation, key: asked.append(f"{operation} {key}"))
    return StoredRuns(store, World().tables, SOURCES, map).of(plan), asked


@SIZES
def test_the_targets_without_a_shard_are_found_however_many_there_are(targets: int, *, is_large: bool) -> None:
    plan = planned(targets)
    *listed, missing, last = plan.active_targets()
    stored_run, asked = stored_run_of(plan, [shard_key(RUN_ID, target) for target in (*listed, last)])

    assert stored_run.missing_shards(SOURCES.nodes) == {missing}
    prefix = shards_prefix(RUN_ID)
    assert asked == [f"keys {one}" for one in (by_first_digit(prefix) if is_large else [prefix])]


def test_a_shard_that_an_operator_deleted_is_closed_by_a_commit_that_remembers_it() -> None:
    world = World()
    world.add_nodes(EU, range(4))
    world.start()
    world.deliver_discover()
    plan = decode_plan(world.store.objects[plan_key(RUN_ID)], RUN_ID)
    run = StoredRuns(world.store, world.tables, SOURCES, map).of(plan)
    assert len(run.batches([EU])) == 2

    del world.store.objects[shard_key(RUN_ID, EU)]
    close_run(run)

    assert run.batches([EU]) == []


@SIZES
def test_the_batches_without_a_part_are_found_however_many_there_are(targets: int, *, is_large: bool) -> None:
    accounts = [Target(f"{number:04d}"[::-1] + "11112222", "eu-central-1") for number in range(targets)]
    slices = [Slice(Batch(target, number, 1)) for number, target in enumerate(accounts)]
    *stored, missing, last = slices
    keys = [part_key(RUN_ID, slice_.batch.target, slice_.batch.number) for slice_ in (*stored, last)]
    stored_run, asked = stored_run_of(planned(1), keys)

    assert stored_run.missing_parts(SOURCES.patch_states, slices) == {missing}
    prefix = parts_prefix(RUN_ID)
    assert asked == [f"keys {one}" for one in (by_first_digit(prefix) if is_large else [prefix])]


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [
        ([1] * (READ_AHEAD + 1), [READ_AHEAD, 1]),
        ([READ_AHEAD, 1], [1, 1]),
        ([READ_AHEAD - 1, 1, 1], [2, 1]),
        ([1, 10 * READ_AHEAD, 1], [1, 1, 1]),
        ([], [0]),
    ],
)
def test_objects_are_read_ahead_by_their_sizes_but_one_at_least(sizes: list[int], groups: list[int]) -> None:
    each = CountedMap()
    stored_run = StoredRuns(WatchedStore(), World().tables, SOURCES, each).of(planned(1))

    assert list(stored_run.read_in_groups(str, sizes, lambda size: size)) == [str(size) for size in sizes]
    assert each.at_once == groups
