"""The runs of a world, as the commands read them."""

from patchlake.ports import TableFormat
from patchlake_cli.lake.run_reader import Runs
from tests.world import EU, US, World


def runs_of(world: World) -> Runs:
    """Return the reader of a world's runs."""
    return Runs(world.store, world.tables, world.clock)


def two_regions(tables: TableFormat | None = None) -> World:
    """Return a world of two targets, with five nodes and three."""
    world = World(regions=("eu-central-1", "us-east-1"), tables=tables)
    world.add_nodes(EU, range(5))
    world.add_nodes(US, range(10, 13))
    return world
