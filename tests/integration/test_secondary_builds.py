"""Builds that know other secondary sources than the plan of a run, by two toys."""

import dataclasses

import pytest

from patchlake.core.keys import coverage_key, snapshot_key, table_key
from patchlake.errors import (
    ConfigError,
)
from patchlake.ports import TableFormat
from patchlake.sources.registry import Registry
from patchlake.stages.commit import CommitOutcome
from tests.toy_sources import GADGETS, TOY_SOURCES, TOYS
from tests.toy_world import stored, toy_keys, toy_world
from tests.world import EU, ROOT_SOURCES, RUN_ID


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


def test_a_source_that_no_one_knows_cannot_be_planned() -> None:
    with pytest.raises(ConfigError, match="there is no source toyz: expected one of gadgets, toys"):
        TOY_SOURCES.planned(["toyz"])
