"""The messages of secondary sources, by two toys: refused, deferred, lost and sent again."""

from datetime import timedelta

import msgspec
import pytest

from patchlake.core.keys import part_key, snapshot_key
from patchlake.core.messages import CollectMessage, DiscoverMessage
from patchlake.core.timings import COLLECT
from patchlake.errors import (
    InputError,
    RetryableError,
)
from patchlake.ports import Delivery
from patchlake.stages.commit import CommitOutcome
from patchlake.stages.step import Step
from tests.toy_sources import TOY_SOURCES
from tests.toy_world import DEADLINE, DETAIL_DEADLINE, coverage_of, deliver, fail, plan_of, toy_world
from tests.watched_store import WatchedStore, once
from tests.world import EU, ROOT_SOURCES, RUN_AT, RUN_ID, World


def test_a_root_message_does_not_name_its_source_and_any_other_does() -> None:
    root = CollectMessage.of(RUN_ID, EU, 3)
    child = CollectMessage.of(RUN_ID, EU, 3, "toys", 2)

    assert root.encode() == (
        f'{{"v":1,"run_id":"{RUN_ID}","account_id":"111122223333","region":"eu-central-1","batch":3}}'
    )
    assert msgspec.json.decode(child.encode())["source"] == "toys"
    assert CollectMessage.decode(child.encode()) == child
    assert DiscoverMessage.of(RUN_ID, EU).encode() == DiscoverMessage.of(RUN_ID, EU, "nodes").encode()


@pytest.mark.parametrize("source", ["patches", "x"])
def test_a_message_of_a_source_that_this_build_does_not_know_is_retried_until_the_run_is_published(source: str) -> None:
    world = toy_world()
    world.start()
    message = CollectMessage.of(RUN_ID, EU, 0, source)
    listing = DiscoverMessage.of(RUN_ID, EU, source)

    with pytest.raises(RetryableError, match=f"does not read the source {source}"):
        deliver(world, message)
    with pytest.raises(RetryableError, match=f"does not read the source {source}"):
        world.discover.handle(listing, Delivery(listing.encode(), "0", 1))
    world.store.create(snapshot_key(RUN_ID), b"")

    assert world.collect.handle(message, Delivery(message.encode(), "0", 1)).step is Step.LATE
    assert world.discover.handle(listing, Delivery(listing.encode(), "0", 1)).step is Step.LATE


@pytest.mark.parametrize("source", ["", "Toys", "../toys", "a/b", "x" * 40])
def test_a_message_of_a_source_that_is_no_name_is_refused(source: str) -> None:
    body = msgspec.json.encode({**msgspec.to_builtins(CollectMessage.of(RUN_ID, EU, 0)), "source": source}).decode()

    with pytest.raises(InputError):
        CollectMessage.decode(body)


def test_a_child_of_a_batch_that_is_not_stored_is_refused_and_stores_nothing() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover():
        pass
    before = dict(world.store.objects)

    with pytest.raises(InputError, match=r"there is no runs/.*/parts/"):
        deliver(world, CollectMessage.of(RUN_ID, EU, 0, "toys"))

    assert world.store.objects == before


def test_a_slice_that_its_batch_does_not_have_is_refused() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world.deliver_root():
        pass

    with pytest.raises(InputError, match=r"batch 1 of .* has 10 nodes, so slice 1 is refused"):
        deliver(world, CollectMessage.of(RUN_ID, EU, 1, "toys", 1))


def test_a_child_message_is_deferred_on_the_queue_that_it_came_from() -> None:
    world = toy_world()
    fail(world, "DescribeToys", RetryableError("InternalServerError"))
    world.start()
    while world.deliver_discover() or world.deliver_collect():
        pass

    assert {message.receive_count for message in world.detail_queue.messages.values()} == {1}
    assert {message.visible_at - world.clock.at for message in world.detail_queue.messages.values()} == {
        timedelta(seconds=75)
    }


def test_a_child_worker_looks_for_its_key_before_every_tenth_call() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world.deliver_root():
        pass
    key = part_key(RUN_ID, EU, 0, "toys")
    calls: list[str] = []
    world.apis.of(EU).before_call = calls.append
    world.store = WatchedStore(
        world.store.objects, before=once("exists", key, lambda: world.store.objects.update({key: b"theirs"}), after=1)
    )

    result = world.collect.handle(
        CollectMessage.of(RUN_ID, EU, 0, "toys"), Delivery(CollectMessage.of(RUN_ID, EU, 0, "toys").encode(), "0", 1)
    )

    assert result.step is Step.ADOPTED
    assert len(calls) == 9
    assert world.store.objects[key] == b"theirs"


def test_lost_messages_of_children_and_listings_are_sent_again() -> None:
    world = toy_world()
    world.start()
    world.listing_queue.messages.clear()
    while world.deliver_discover() or world.deliver_root():
        pass
    world.detail_queue.messages.clear()

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE

    assert coverage_of(world)["eu-central-1"]["toys_status"] == "COMPLETE"
    assert coverage_of(world)["eu-central-1"]["gadgets_status"] == "LISTED"
    assert world.clock.now() < RUN_AT + DETAIL_DEADLINE


def test_an_adopted_batch_asks_only_for_the_children_that_are_absent() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world.deliver_root():
        pass
    world.detail_queue.messages.clear()
    world.store.objects[part_key(RUN_ID, EU, 1, "toys")] = b"stored"
    message = CollectMessage.of(RUN_ID, EU, 0)

    assert world.collect.handle(message, Delivery(message.encode(), "0", 1)).step is Step.ADOPTED

    again = [CollectMessage.decode(sent.body) for sent in world.detail_queue.messages.values()]
    assert [(child.batch, child.source, child.slice) for child in again] == [(0, "toys", 0), (0, "toys", 2)]


def test_a_part_of_the_root_detail_has_no_slice() -> None:
    body = msgspec.json.encode({**msgspec.to_builtins(CollectMessage.of(RUN_ID, EU, 0)), "slice": 7}).decode()

    with pytest.raises(InputError, match="a part of patch_states has no slice"):
        CollectMessage.decode(body)


def test_a_message_about_the_other_kind_of_source_is_refused() -> None:
    world = toy_world()
    world.start()
    listing = DiscoverMessage.of(RUN_ID, EU, "toys")

    with pytest.raises(InputError, match="gadgets is not a DetailSource"):
        deliver(world, CollectMessage.of(RUN_ID, EU, 0, "gadgets"))
    with pytest.raises(InputError, match="toys is not a ListingSource"):
        world.discover.handle(listing, Delivery(listing.encode(), "0", 1))


def test_a_message_of_an_unknown_source_waits_for_the_visibility_of_its_queue() -> None:
    world = toy_world()
    world.start()
    while world.deliver_discover() or world.deliver_root():
        pass
    world.sources = ROOT_SOURCES
    world.deliver_collect()

    (waiting,) = {message.visible_at - world.clock.at for message in world.detail_queue.messages.values()} - {
        timedelta(0)
    }
    assert waiting == timedelta(seconds=COLLECT.visibility_seconds)
    assert COLLECT.visibility_seconds * COLLECT.max_receive_count > DEADLINE.total_seconds()


def test_lost_children_are_sent_again_though_another_source_has_a_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("core.timings", "stages.commit"):
        monkeypatch.setattr(f"patchlake.{module}.RESEND_LIMIT", 20)
    targets = 42
    world = World(accounts=tuple(f"{number:012d}" for number in range(1, targets + 1)), sources=TOY_SOURCES)
    for number in range(1, targets + 1):
        world.add_nodes(EU._replace(account_id=f"{number:012d}"), [number], MissingCount=1)
    world.start()
    world.listing_queue.messages.clear()
    while world.deliver_root():
        pass
    world.detail_queue.messages.clear()
    sent: set[str] = set()
    while world.clock.now() < plan_of(world).closes_details_at - timedelta(seconds=60):
        world.clock.advance(60)
        world.deliver_commit()
        sent |= {message.group for message in world.detail_queue.messages.values()}
        world.detail_queue.messages.clear()
        world.listing_queue.messages.clear()

    assert len(sent) == targets
