"""commit: watch a run until it is published, and send again what was lost."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from patchlake.adapters.memory import MemoryQueue
from patchlake.core.keys import part_key, plan_key, shard_key, shards_prefix, snapshot_key
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.statuses import CollectionStatus, ListingStatus
from patchlake.core.targets import Target
from patchlake.core.timings import COMMIT, RESEND_LIMIT
from patchlake.errors import NoPlanError, NotReadyError, PermanentError, RetryableError
from patchlake.ports import Delivery
from patchlake.stages.commit import (
    NODE_METRICS,
    PUBLISHED_METRICS,
    RUN_METRICS,
    TARGET_METRICS,
    CommitOutcome,
    CommitResult,
    CommitStage,
)
from tests.handlers import invoke, records
from tests.watched_store import WatchedStore, fail_once
from tests.world import EU, HOME, RUN_ID, SCHEDULED_TIME, World, node_id

WATCH = CommitMessage(run_id=RUN_ID).encode()


def world_of(nodes: int = 3) -> World:
    """Return a world of one target, its run planned and nothing delivered yet."""
    world = World()
    world.add_nodes(EU, range(nodes))
    world.start()
    return world


def watched(world: World) -> World:
    """Give a world a watch message and no plan."""
    world.commit_queue.send([(WATCH, RUN_ID)])
    return world


def drain_workers(world: World) -> None:
    while world.deliver_discover() or world.deliver_collect():
        pass


def seconds_to_next_look(world: World) -> float:
    (message,) = world.commit_queue.messages.values()
    return (message.visible_at - world.clock.at).total_seconds()


def lose_everything(*queues: MemoryQueue) -> None:
    for queue in queues:
        queue.messages.clear()


def sent(queue: MemoryQueue) -> list[str]:
    """Take every message out of a queue; each must have its target as its group."""
    messages = [*queue.messages.values()]
    for message in messages:
        members = msgspec.json.decode(message.body)
        assert message.group == str(Target(members["account_id"], members["region"]))
    queue.messages.clear()
    return [message.body for message in messages]


def ticks(world: World, seconds: int) -> Iterator[float]:
    """Deliver the watch message at every tick for some seconds; yield the time since the plan after each."""
    planned_at = world.clock.at
    while (world.clock.at - planned_at).total_seconds() < seconds:
        world.deliver_commit()
        yield (world.clock.at - planned_at).total_seconds()
        world.clock.advance(60)


def refuse(call: str, _key: str) -> None:
    raise PermanentError(f"{call} was refused")


# Waiting


def test_a_run_whose_lake_refuses_is_looked_at_again_at_the_next_tick() -> None:
    world = world_of()
    world.store = WatchedStore(world.store.objects, before=refuse)

    world.deliver_commit()

    assert [str(error) for error in world.failures] == ["exists was refused"]
    assert seconds_to_next_look(world) == 60


def test_a_run_with_every_part_is_published_at_the_next_look() -> None:
    world = world_of(nodes=3)
    drain_workers(world)

    world.deliver_commit()

    assert world.committed == [
        CommitResult(
            RUN_ID,
            CommitOutcome.COMPLETE,
            statuses=Counter(COLLECTED=3),
            listings=Counter(LISTED=1),
            age=timedelta(seconds=60),
        )
    ]
    assert world.commit_queue.messages == {}


def test_a_run_without_every_shard_is_looked_at_again_after_a_tick() -> None:
    world = world_of()

    world.deliver_commit()

    (failure,) = world.failures
    assert isinstance(failure, NotReadyError)
    assert str(failure) == f"run {RUN_ID}: 1 of 1 shards are missing"
    assert seconds_to_next_look(world) == 60


def test_a_run_without_every_part_is_looked_at_again_after_a_tick() -> None:
    world = world_of(nodes=5)
    world.deliver_discover()
    world.deliver_collect()

    world.deliver_commit()

    assert [str(failure) for failure in world.failures] == [f"run {RUN_ID}: 0 of 1 shards and 2 parts are missing"]
    assert seconds_to_next_look(world) == 60


def test_a_watch_message_waits_a_hundred_ticks_without_losing_anything() -> None:
    world = world_of()
    lose_everything(world.discover_queue)
    for _ in ticks(world, 100 * 60):
        lose_everything(world.discover_queue)
    assert {type(failure) for failure in world.failures} == {NotReadyError}
    assert len(world.failures) == 100
    assert world.commit_queue.dead == []

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE
    assert len(world.snapshot()["instance_id"]) == 3


@pytest.mark.parametrize("call", ["exists", "get", "keys", "create"])
def test_a_store_that_cannot_answer_for_now_costs_a_tick(call: str) -> None:
    world = world_of()
    drain_workers(world)
    world.store = WatchedStore(world.store.objects, before=fail_once(call, ""))

    world.deliver_commit()

    assert [str(failure) for failure in world.failures] == [f"{call} failed for now"]
    assert seconds_to_next_look(world) == 60
    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE


def test_while_shards_are_missing_and_nothing_is_due_a_look_reads_no_shard() -> None:
    world = World(regions=("eu-central-1", "us-east-1"))
    world.start()
    world.deliver_discover()
    calls: list[str] = []
    world.store = WatchedStore(world.store.objects, before=lambda call, key: calls.append(f"{call} {key}"))

    world.deliver_commit()

    assert calls == [f"exists {snapshot_key(RUN_ID)}", f"get {plan_key(RUN_ID)}", f"keys runs/{RUN_ID}/shards/"]


@pytest.mark.parametrize(("remembered", "reads"), [(3, 3), (2, 9)])
def test_a_shard_is_read_once_however_often_its_run_is_looked_at_while_memory_is_not_full(
    monkeypatch: pytest.MonkeyPatch, remembered: int, reads: int
) -> None:
    monkeypatch.setattr("patchlake.stages.stored_run.MOST_REMEMBERED", remembered)
    world = World(regions=("eu-central-1", "eu-west-1", "us-east-1"))
    world.add_nodes(EU, [1])
    world.start()
    while world.deliver_discover():
        pass
    read: list[str] = []
    world.store = WatchedStore(
        world.store.objects, before=lambda call, key: read.append(key) if call == "get" else None
    )
    stage, delivery = world.commit, Delivery(WATCH, "0", 1)

    for _ in range(3):
        with pytest.raises(NotReadyError):
            stage.handle(CommitMessage(run_id=RUN_ID), delivery)

    assert len([key for key in read if "/shards/" in key]) == reads


# A shard that someone deleted, and that was listed again while no commit looked


def listed_again(world: World, numbers: Iterable[int]) -> CommitStage:
    """List a target again, with other nodes; return a commit that counted the batches of its first shard."""
    stage = world.commit
    with pytest.raises(NotReadyError):
        stage.handle(CommitMessage(run_id=RUN_ID), Delivery(WATCH, "0", 1))
    del world.store.objects[shard_key(RUN_ID, EU)]
    world.apis.of(EU).nodes.clear()
    world.add_nodes(EU, numbers)
    world.discover_queue.send([(DiscoverMessage.of(RUN_ID, EU).encode(), str(EU))])
    drain_workers(world)
    return stage


def published_by(world: World, stage: CommitStage) -> CommitResult:
    """Let one commit look every tick until the run is published."""
    while True:
        try:
            return stage.handle(CommitMessage(run_id=RUN_ID), Delivery(WATCH, "0", 1))
        except RetryableError:
            drain_workers(world)
            world.clock.advance(60)


@pytest.mark.parametrize("nodes", [0, 1, 2, 3, 4, 5, 6, 7])
def test_a_commit_that_counted_the_batches_of_an_earlier_shard_publishes_every_node_of_the_stored_one(
    nodes: int,
) -> None:
    world = world_of(nodes=3)
    world.deliver_discover()
    stage = listed_again(world, range(nodes))

    result = published_by(world, stage)

    assert result.outcome is CommitOutcome.COMPLETE
    assert world.snapshot()["instance_id"] == [node_id(number) for number in range(nodes)]
    assert world.coverage()["nodes_listed"] == [nodes]


@pytest.mark.parametrize("nodes", [1, 2, 3, 4, 5, 6, 7])
def test_its_fence_closes_the_batches_of_the_stored_shard(nodes: int) -> None:
    world = world_of(nodes=3)
    world.deliver_discover()
    stage = listed_again(world, range(nodes))
    for key in [key for key in world.store.objects if "/parts/" in key]:
        del world.store.objects[key]
    world.clock.advance(14_400)

    result = published_by(world, stage)

    assert result.statuses == Counter(NOT_COLLECTED=nodes)
    assert world.snapshot()["instance_id"] == [node_id(number) for number in range(nodes)]


# Sending again


def test_a_lost_discover_message_is_sent_again_after_its_visibility_and_not_before() -> None:
    world = world_of()
    lose_everything(world.discover_queue)

    sent_at = {seconds: sent(world.discover_queue) for seconds in ticks(world, 4000)}

    body = DiscoverMessage(run_id=RUN_ID, account_id=HOME, region="eu-central-1").encode()
    assert {seconds: bodies for seconds, bodies in sent_at.items() if bodies} == {
        seconds: [body] for seconds in (960, 1020, 1920, 1980, 3840, 3900)
    }


def test_lost_collect_messages_are_sent_again_for_missing_parts_alone() -> None:
    world = world_of(nodes=5)
    world.deliver_discover()
    world.deliver_collect()
    lose_everything(world.collect_queue)

    sent_at = {seconds: sent(world.collect_queue) for seconds in ticks(world, 1100)}

    bodies = [
        CollectMessage(run_id=RUN_ID, account_id=HOME, region="eu-central-1", batch=batch).encode() for batch in (1, 2)
    ]
    assert {seconds: found for seconds, found in sent_at.items() if found} == {960: bodies, 1020: bodies}
    assert sent(world.discover_queue) == []


def test_parts_are_asked_for_again_while_another_target_is_not_listed_yet() -> None:
    world = World(regions=("eu-central-1", "us-east-1"))
    world.add_nodes(EU, [1])
    world.start()
    world.deliver_discover()
    lose_everything(world.discover_queue, world.collect_queue)

    for _ in ticks(world, 1100):
        pass

    assert [CollectMessage.decode(body).target for body in sent(world.collect_queue)] == [EU] * 2
    assert [DiscoverMessage.decode(body).region for body in sent(world.discover_queue)] == ["us-east-1"] * 2


@pytest.mark.parametrize("queue", ["discover_queue", "collect_queue"])
def test_a_run_whose_messages_are_all_lost_once_is_complete_in_the_end(queue: str) -> None:
    world = world_of()
    if queue == "collect_queue":
        world.deliver_discover()
    lose_everything(getattr(world, queue))

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE


def test_more_than_a_thousand_lost_messages_are_sent_again_within_one_round_a_thousand_a_tick_at_most() -> None:
    accounts = tuple(f"{number:012d}" for number in range(2_600))
    world = World(accounts=accounts)
    world.start()
    lose_everything(world.discover_queue)

    sent_at = {seconds: sent(world.discover_queue) for seconds in ticks(world, 1920)}

    assert {body for bodies in sent_at.values() for body in bodies} == {
        DiscoverMessage(run_id=RUN_ID, account_id=account, region="eu-central-1").encode() for account in accounts
    }
    assert max(len(bodies) for bodies in sent_at.values()) == RESEND_LIMIT
    assert Counter(body for bodies in sent_at.values() for body in bodies).most_common(1)[0][1] == 2


def test_a_round_leaves_out_no_target_while_workers_keep_up_with_it() -> None:
    world = World(accounts=tuple(f"{number:012d}" for number in range(1_600)))
    world.start()
    lose_everything(world.discover_queue)

    for _ in ticks(world, 1300):
        drain_workers(world)

    assert len(list(world.store.keys(shards_prefix(RUN_ID)))) == 1_600


def test_a_round_leaves_out_no_batch_while_workers_keep_up_with_it() -> None:
    world = World(batch_size=1)
    world.add_nodes(EU, range(1_600))
    world.start()
    world.deliver_discover()
    lose_everything(world.collect_queue)

    collected: set[int] = set()
    for _ in ticks(world, 1300):
        collected |= {CollectMessage.decode(body).batch for body in sent(world.collect_queue)}
        # While a part is missing, commit only checks which parts exist.
        world.store.objects |= {part_key(RUN_ID, EU, batch): b"" for batch in collected - {0}}

    assert collected == set(range(1_600))


def test_shards_and_parts_share_the_thousand_of_a_tick() -> None:
    accounts = tuple(f"{number:012d}" for number in range(2_000))
    world = World(accounts=accounts, batch_size=1)
    listed = Target("000000000000", "eu-central-1")
    world.add_nodes(listed, range(3_000))
    world.start()
    world.deliver_discover()
    lose_everything(world.discover_queue, world.collect_queue)

    totals = [len(sent(world.discover_queue)) + len(sent(world.collect_queue)) for _ in ticks(world, 2400)]

    assert max(totals) == RESEND_LIMIT


# Without a plan


def test_a_run_without_a_plan_is_looked_at_less_and_less_often() -> None:
    world = watched(World())
    pauses = []
    for _ in range(4):
        world.deliver_commit()
        pauses.append(seconds_to_next_look(world))
        world.clock.advance(pauses[-1])

    assert pauses == [60, 120, 180, 240]
    assert {type(failure) for failure in world.failures} == {NoPlanError}


def test_a_run_that_never_gets_a_plan_is_missed_and_no_dead_letter() -> None:
    world = watched(World())
    started_at = world.clock.at

    result = world.run_until_committed(ticks=3000)

    assert result == CommitResult(RUN_ID, CommitOutcome.MISSED)
    assert timedelta(seconds=86_400 + 14_400) <= world.clock.at - started_at <= timedelta(seconds=86_400 + 18_000)
    assert world.commit_queue.messages == {}
    assert world.commit_queue.dead == []
    assert world.store.objects == {}
    assert len(world.failures) < COMMIT.max_receive_count / 5


def test_a_plan_that_comes_late_is_finished_all_the_same() -> None:
    world = watched(World())
    world.add_nodes(EU, [1])
    for _ in range(20):
        world.drain()
        world.clock.advance(3600)

    world.start()
    world.drain()

    assert [result.outcome for result in world.committed] == [CommitOutcome.COMPLETE, CommitOutcome.LATE]
    assert world.commit_queue.messages == {}


def test_a_run_that_has_a_plan_is_published_however_late_anybody_looks() -> None:
    world = world_of(nodes=1)
    drain_workers(world)
    world.clock.advance(30 * 86_400)

    world.deliver_commit()

    assert [result.outcome for result in world.committed] == [CommitOutcome.COMPLETE]


def test_a_watch_message_of_the_last_day_of_the_calendar_waits_like_any_other() -> None:
    world = World()
    message = CommitMessage(run_id="99991231T235959Z")

    with pytest.raises(NoPlanError, match="run 99991231T235959Z: there is no plan yet"):
        world.commit.handle(message, Delivery(message.encode(), "0", 1))


# The end


def test_a_published_run_is_left_alone() -> None:
    world = world_of()
    world.run_until_committed()
    before = dict(world.store.objects)
    watched(world)

    world.deliver_commit()

    assert world.committed[-1] == CommitResult(RUN_ID, CommitOutcome.LATE)
    assert world.store.objects == before


def test_a_run_redriven_after_its_parts_expired_is_left_alone() -> None:
    world = world_of()
    world.run_until_committed()
    for key in [key for key in world.store.objects if not key.startswith("lake/")]:
        del world.store.objects[key]
    before = dict(world.store.objects)
    world.discover_queue.send([(DiscoverMessage(run_id=RUN_ID, account_id=HOME, region="eu-central-1").encode(), "")])
    world.collect_queue.send(
        [(CollectMessage(run_id=RUN_ID, account_id=HOME, region="eu-central-1", batch=0).encode(), "")]
    )
    watched(world)

    world.drain()
    world.plan.handle({"scheduled_time": SCHEDULED_TIME})

    assert world.failures == []
    assert world.committed[-1].outcome is CommitOutcome.LATE
    assert world.store.objects == before
    assert all(not queue.messages for queue in (world.discover_queue, world.collect_queue, world.commit_queue))


def test_a_corrupt_run_ends_in_the_dead_letter_queue_and_is_not_published() -> None:
    world = world_of()
    drain_workers(world)
    key = part_key(RUN_ID, EU, 0)
    world.store.objects[key] = b"damaged"

    world.deliver_commit()

    (result,) = world.committed
    assert result.outcome is CommitOutcome.CORRUPT
    assert (result.detail or "").startswith(f"{key}: ")
    assert world.commit_queue.dead == [WATCH]
    assert world.commit_queue.messages == {}
    assert not [key for key in world.store.objects if key.startswith("lake/")]


def test_a_corrupt_plan_ends_in_the_dead_letter_queue() -> None:
    world = watched(World())
    world.store.create(plan_key(RUN_ID), b"{}")

    world.deliver_commit()

    assert [(result.outcome, result.detail and plan_key(RUN_ID) in result.detail) for result in world.committed] == [
        (CommitOutcome.CORRUPT, True)
    ]


class UnusableQueue(MemoryQueue):
    """A queue that neither puts a message off nor reaches its dead-letter queue."""

    def dead_letter(self, delivery: Delivery) -> None:
        raise RetryableError(f"not sent: {delivery.body}")

    def defer(self, delivery: Delivery, seconds: int) -> None:
        raise RetryableError(f"not put off by {seconds} seconds: {delivery.body}")


def test_a_corrupt_run_is_not_acknowledged_before_its_dead_letter_is_sent() -> None:
    world = World()
    world.commit_queue = UnusableQueue(world.clock, 960, 1000)
    watched(world).store.create(plan_key(RUN_ID), b"{}")

    world.deliver_commit()

    assert world.committed == []
    assert len(world.commit_queue.messages) == 1
    [failure] = world.failures
    assert isinstance(failure, PermanentError)
    assert plan_key(RUN_ID) in str(failure)
    assert str(failure).endswith(f"could not be sent to the dead-letter queue: not sent: {WATCH}")


def test_a_message_that_cannot_be_put_off_fails_for_the_reason_that_it_would_be_put_off_for() -> None:
    world = World()
    world.commit_queue = UnusableQueue(world.clock, 960, 1000)

    watched(world).deliver_commit()

    assert [type(failure) for failure in world.failures] == [NoPlanError]
    assert len(world.commit_queue.messages) == 1


# Metrics


def test_the_counts_of_a_published_run_have_every_status_by_the_name_of_its_metric() -> None:
    world = world_of()
    del world.apis.of(EU).states["i-00000000000000001"]

    assert world.run_until_committed().counts() == {
        "RunsComplete": 1,
        "NodesCollected": 2,
        "NodesNoPatchState": 1,
        "NodesNotCollected": 0,
        "NodesInvalidResponse": 0,
        "TargetsListed": 1,
        "TargetsRoleNotAssumable": 0,
        "TargetsAccessDenied": 0,
        "TargetsRegionDisabled": 0,
        "TargetsNotListed": 0,
        "TargetsAccountNotActive": 0,
        "RowsWithoutId": 0,
        "DetailGaps": 0,
    }


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (CommitOutcome.LATE, {"LateMessages": 1}),
        (CommitOutcome.MISSED, {"RunsMissed": 1}),
        (CommitOutcome.CORRUPT, {"RunsCorrupt": 1}),
    ],
)
def test_any_other_end_counts_itself_alone(outcome: CommitOutcome, counts: dict[str, int]) -> None:
    assert CommitResult(RUN_ID, outcome).counts() == counts


def test_every_tick_reports_both_ends_of_a_run_zeros_included() -> None:
    world = world_of()

    waiting = invoke(world, "commit", records(WATCH))
    world.run_until_committed()
    late = invoke(world, "commit", records(WATCH))

    for invocation in (waiting, late):
        [reported] = [line for line in invocation.lines if "_aws" in line]
        assert {name: reported[name] for name in ("Ticks", *PUBLISHED_METRICS)} == {
            "Ticks": [1],
            "RunsComplete": [0],
            "RunsPartial": [0],
        }


def test_a_deadline_set_shorter_by_another_deploy_is_not_the_plans() -> None:
    world = world_of()
    lose_everything(world.discover_queue)
    stage = replace(world.commit, deadline_seconds=1)

    with pytest.raises(NotReadyError):
        stage.handle(CommitMessage(run_id=RUN_ID), Delivery(WATCH, "0", 1))


def test_every_outcome_and_status_has_a_metric_of_its_own() -> None:
    assert set(RUN_METRICS) == set(CommitOutcome)
    assert set(NODE_METRICS) == set(CollectionStatus)
    assert set(TARGET_METRICS) == set(ListingStatus)
    names = [*RUN_METRICS.values(), *NODE_METRICS.values(), *TARGET_METRICS.values()]
    assert len(names) == len(set(names))
