"""Mischief that must do what it says, or an invariant would be blamed for it."""

from tests.simulation import mischief
from tests.simulation.keys import shard_key
from tests.simulation.schedule import Schedule
from tests.world import EU, RUN_ID, US


def test_a_shard_is_never_damaged_with_an_earlier_listing_of_its_own_that_was_put_elsewhere() -> None:
    world = Schedule(1).world
    ours, theirs = shard_key(RUN_ID, EU), shard_key(RUN_ID, US)
    found = set()

    for _ in range(100):
        world.objects.spoil(ours, b"an earlier listing")
        world.tamper(theirs, b"an earlier listing")
        world.tamper(ours, None)
        world.objects.spoil(ours, b"a later listing")
        mischief._damage(world)  # noqa: SLF001
        found.add(world.objects[ours])

    assert found == {b"a later listing", b"a later", b""}
