"""A world of two targets with two toy sources, and its tables."""

from collections.abc import Callable
from datetime import timedelta

from patchlake.core.keys import plan_key, table_key
from patchlake.core.messages import CollectMessage
from patchlake.core.plan import Plan, decode_plan
from patchlake.core.tables import Columns
from patchlake.ports import Delivery, TableFormat
from patchlake.sources.registry import Registry
from tests.toy_sources import TOY_SOURCES, gadget, toys_of
from tests.world import DEADLINE_SECONDS, EU, ROOT_SOURCES, RUN_ID, US, World, node_id

REGIONS = ("eu-central-1", "us-east-1")
BATCH = 120
NODES = 130
DETAIL_DEADLINE = timedelta(seconds=3600)
DEADLINE = timedelta(seconds=DEADLINE_SECONDS)


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
