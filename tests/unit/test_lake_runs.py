"""The runs of a stack, read from its bucket."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, part_key, plan_key
from patchlake.core.plan import Account
from patchlake.core.tables import ColumnType, Table
from patchlake.core.targets import Target
from patchlake.errors import RefusedError
from patchlake.ports import TableFormat
from patchlake.sources.registry import COVERAGE
from patchlake_cli.lake import run_reader as module
from patchlake_cli.lake.run_reader import OVERDUE_AFTER, Runs
from patchlake_cli.lake.runs import Progress, RunStatus, TargetCoverage
from patchlake_cli.operations.status import run_as_json
from tests.runs import runs_of, two_regions
from tests.world import EU, HOME, RUN_AT, RUN_ID, World

OTHER = Target("222233334444", "eu-central-1")
DEADLINE_SECONDS = 14_400


class WatchedStore:
    """Counts the objects that are read whole."""

    def __init__(self, world: World) -> None:
        self.reads = 0
        self._store = world.store
        self.exists, self.keys, self.create = world.store.exists, world.store.keys, world.store.create

    def get(self, key: str) -> bytes | None:
        self.reads += 1
        return self._store.get(key)


def test_a_published_run_is_told_from_its_coverage(tables: TableFormat) -> None:
    world = two_regions(tables)
    world.start()
    world.run_until_committed()

    [run] = runs_of(world).newest(7)

    assert (run.run_id, run.status, run.targets, run.targets_listed) == (RUN_ID, RunStatus.COMPLETE, 2, 2)
    assert run.nodes == {"COLLECTED": 8, "NO_PATCH_STATE": 0, "NOT_COLLECTED": 0, "INVALID_RESPONSE": 0}
    assert run.nodes_listed == 8
    assert run.progress is None


def test_a_target_that_refused_is_named_and_makes_it_partial() -> None:
    world = World(accounts=(HOME, OTHER.account_id))
    world.add_nodes(EU, [1])

    def refuse(target: Target) -> None:
        if target == OTHER:
            raise RefusedError("ROLE_NOT_ASSUMABLE", "AccessDenied", "no")

    world.apis.before_open = refuse
    world.start()
    world.run_until_committed()

    [run] = runs_of(world).newest(7)

    assert run.status is RunStatus.PARTIAL
    assert run.unread == (
        TargetCoverage(OTHER.account_id, None, OTHER.region, "ROLE_NOT_ASSUMABLE", "AccessDenied", None, None),
    )


def test_an_account_that_is_not_active_is_no_gap() -> None:
    world = World(accounts="organization")
    world.accounts.organization = [Account(HOME, "tools"), Account(OTHER.account_id, "closed", active=False)]
    world.add_nodes(EU, [1])
    world.start()
    world.run_until_committed()

    [run] = runs_of(world).newest(7)

    assert (run.status, run.targets, run.targets_listed, run.unread) == (RunStatus.COMPLETE, 2, 1, ())


def test_a_target_that_left_the_plan_is_named_as_long_as_an_earlier_run_with_it_is_shown() -> None:
    world = World(accounts="organization")
    leaving = Account(OTHER.account_id, "leaving")
    world.accounts.organization = [Account(HOME, "tools"), leaving, Account("333344445555", "closed", active=False)]
    for day, accounts in enumerate([3, 1, 1]):
        world.accounts.organization = world.accounts.organization[:accounts]
        world.clock.at = RUN_AT + timedelta(days=day, minutes=1)
        world.committed.clear()
        world.plan.handle({"scheduled_time": (RUN_AT + timedelta(days=day)).isoformat()})
        world.run_until_committed()

    newest = runs_of(world).newest(3)

    left = TargetCoverage(OTHER.account_id, "leaving", OTHER.region, "LISTED", None, 0, 0)
    assert [run.not_planned for run in newest] == [(left,), (left,), ()]
    assert newest[0].status is RunStatus.COMPLETE
    assert newest[0].targets_in_words == "1 of 1 targets read, 1 no longer planned"
    assert run_as_json(newest[0])["not_planned"] == [{"account_id": OTHER.account_id, "region": OTHER.region}]
    assert run_as_json(runs_of(world).run(newest[0].run_id))["not_planned"] is None


def test_a_run_under_way_tells_how_far_it_is() -> None:
    world = two_regions()
    world.start()
    runs = runs_of(world)

    seen = [runs.run(RUN_ID).progress]
    world.deliver_discover()
    seen.append(runs.run(RUN_ID).progress)
    world.deliver_discover()
    world.deliver_collect()
    seen.append(runs.run(RUN_ID).progress)

    deadline = world.clock.now() + timedelta(seconds=DEADLINE_SECONDS)
    assert seen == [
        Progress(deadline, 2, 0, 0, 0),
        Progress(deadline, 2, 1, 0, 3),
        Progress(deadline, 2, 2, 1, 5),
    ]


def test_each_shard_is_read_once_however_often_one_looks() -> None:
    world = two_regions()
    world.start()
    world.deliver_discover()
    world.deliver_discover()
    store = WatchedStore(world)
    runs = Runs(store, world.tables, world.clock)

    first = [runs.run(RUN_ID), store.reads]
    again = [runs.run(RUN_ID), store.reads]

    assert first[1] == 1 + 2
    assert again[1] == 3 + 1


def test_beyond_a_number_of_shards_the_parts_to_come_stay_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SHARDS", 1)
    world = two_regions()
    world.start()
    world.deliver_discover()
    world.deliver_discover()
    world.deliver_collect()
    store = WatchedStore(world)

    progress = Runs(store, world.tables, world.clock).run(RUN_ID).progress

    assert progress is not None
    assert (progress.parts, progress.parts_expected) == (1, None)
    assert store.reads == 1


def test_a_run_past_its_deadline_is_overdue_once_commit_has_had_its_time() -> None:
    world = two_regions()
    world.start()

    world.clock.advance(DEADLINE_SECONDS + OVERDUE_AFTER.total_seconds())
    just_in_time = runs_of(world).run(RUN_ID).status
    world.clock.advance(1)

    assert (just_in_time, runs_of(world).run(RUN_ID).status) == (RunStatus.RUNNING, RunStatus.OVERDUE)


def test_the_newest_runs_come_first_over_the_turn_of_a_year() -> None:
    world = two_regions()
    world.start()
    body = world.store.objects[plan_key(RUN_ID)]
    for run_id in ("20261231T060000Z", "20270102T060000Z", "20270101T060000Z"):
        world.store.create(plan_key(run_id), body.replace(RUN_ID.encode(), run_id.encode()))
    world.store.create("plans/not-a-run.json", b"{}")
    world.clock.advance(70 * 86_400)

    newest = runs_of(world).newest(3)

    assert [run.run_id for run in newest] == ["20270102T060000Z", "20270101T060000Z", "20261231T060000Z"]


def test_json_has_the_counts_by_the_demos_names_and_null_for_what_is_not_known() -> None:
    world = two_regions()
    world.start()

    under_way = run_as_json(runs_of(world).run(RUN_ID))
    world.run_until_committed()
    published = run_as_json(runs_of(world).run(RUN_ID))

    assert under_way["nodes_listed"] is under_way["nodes_collected"] is under_way["targets_listed"] is None
    assert under_way["progress"]["deadline_at"] == "2026-11-01T10:01:00Z"
    assert (published["nodes_collected"], published["nodes_not_collected"], published["progress"]) == (8, 0, None)


def test_a_part_that_no_shard_knows_does_not_count() -> None:
    world = two_regions()
    world.start()
    world.deliver_discover()
    world.store.create(part_key(RUN_ID, EU, 99), b"")

    progress = runs_of(world).run(RUN_ID).progress

    assert progress is not None
    assert progress.parts == 0


def with_column(body: bytes, name: str, value: object) -> bytes:
    """Return a table of one row with another value in a column."""
    tables = ParquetTables()
    stored = tables.open(body)
    kind = ColumnType.STRING if name == "nodes_collected" else None
    columns = tuple(
        replace(each, nullable=True, type=kind if kind and each.name == name else each.type) for each in COVERAGE
    )
    rows = stored.columns(stored.column_names) | {name: [value]}
    return tables.encode(Table("coverage", "", columns), [rows], stored.metadata)


@pytest.mark.parametrize(
    ("key", "damage", "problem"),
    [
        (plan_key(RUN_ID), lambda _: b"{}", "is not a plan of schema version 1"),
        (coverage_key(RUN_ID), lambda _: b"PAR1", "the Parquet file is damaged"),
        (
            coverage_key(RUN_ID),
            lambda body: with_column(body, "nodes_collected", "5"),
            "nodes_collected is not of type int32",
        ),
        (
            coverage_key(RUN_ID),
            lambda body: with_column(body, "listing_status", None),
            "listing_status is not of type string",
        ),
        (
            coverage_key(RUN_ID),
            lambda body: with_column(body, "run_id", "20200101T000000Z"),
            "it is the coverage of run 20200101T000000Z",
        ),
    ],
)
def test_a_run_that_is_damaged_costs_no_other_one(key: str, damage: Callable[[bytes], bytes], problem: str) -> None:
    world = World(tables=ParquetTables())
    world.add_nodes(EU, range(5))
    world.start()
    plan = world.store.objects[plan_key(RUN_ID)]
    if key != plan_key(RUN_ID):
        world.run_until_committed()
    world.store.objects[key] = damage(world.store.objects[key])
    earlier = "20261101T050000Z"
    world.store.create(plan_key(earlier), plan.replace(RUN_ID.encode(), earlier.encode()))
    world.store.create(plan_key("20261199T060000Z"), b"no day has this number")

    newest = runs_of(world).newest(7)

    assert [(run.run_id, run.status) for run in newest] == [
        (RUN_ID, RunStatus.CORRUPT),
        (earlier, RunStatus.RUNNING),
    ]
    assert key in str(newest[0].problem)
    assert problem in str(newest[0].problem)
    assert run_as_json(newest[0])["problem"] == newest[0].problem
