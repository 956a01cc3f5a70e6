"""collect: one finished row per node of a batch; the part is the receipt."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from patchlake.adapters.memory import MemoryApi
from patchlake.core.keys import part_key, plan_key, shard_key, snapshot_key
from patchlake.core.listing import ListingResult, listing_metadata
from patchlake.core.messages import CollectMessage
from patchlake.core.records import InvalidRow, NodeRecord, Page, Record
from patchlake.core.statuses import ListingStatus
from patchlake.core.tables import Columns, Table
from patchlake.core.targets import RunTarget, Target
from patchlake.errors import (
    FailedCallError,
    InputError,
    IntegrityError,
    OutOfTimeError,
    RefusedError,
    RestartError,
    RetryableError,
    ThrottledError,
)
from patchlake.ports import Delivery, TableFormat
from patchlake.sources.nodes import NODES, SHARD
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.source import Operation
from patchlake.stages.collect import CollectResult
from patchlake.stages.step import Step
from tests.target_apis import plan_of
from tests.watched_store import WatchedStore, fail_once, once
from tests.world import DEADLINE_SECONDS, EU, HOME, RUN_AT, RUN_ID, US, World, node_id, node_information, patch_state

PART_KEY = part_key(RUN_ID, EU, 0)
SHARD_KEY = shard_key(RUN_ID, EU)


def listed_world(nodes: int = 3, batch_size: int = 2, tables: TableFormat | None = None) -> World:
    """Return a world whose run is planned and whose one target is listed, its collect messages queued."""
    world = World(tables=tables, batch_size=batch_size)
    world.add_nodes(EU, range(nodes))
    world.start()
    world.deliver_discover()
    world.apis.call_counter.drain()
    return world


def collect(
    world: World,
    target: Target = EU,
    batch: int = 0,
    receive_count: int = 1,
    seconds_left: Callable[[], float] = lambda: math.inf,
) -> CollectResult:
    message = CollectMessage(run_id=RUN_ID, account_id=target.account_id, region=target.region, batch=batch)
    return world.collect.handle(message, Delivery(message.encode(), "0", receive_count, seconds_left=seconds_left))


def part(world: World, batch: int = 0) -> Columns:
    file = world.tables.open(world.store.objects[part_key(RUN_ID, EU, batch)])
    return file.columns(file.column_names)


def refusing(status: str, code: str) -> Callable[[object], None]:
    def refuse(_: object) -> None:
        raise RefusedError(status, code, f"{EU}: {code}")

    return refuse


def test_a_batch_becomes_a_part_with_one_row_per_node_in_the_order_of_the_shard(tables: TableFormat) -> None:
    world = listed_world(tables=tables)

    result = collect(world)

    columns = part(world)
    assert result == CollectResult(RUN_ID, EU, 0, Step.STORED, Counter(COLLECTED=2))
    assert tuple(columns) == PATCH_STATES.table.column_names
    assert columns["instance_id"] == [node_id(0), node_id(1)]
    assert columns["run_at"] == [RUN_AT.timestamp() * 1000] * 2
    assert columns["ping_status"] == ["Online"] * 2
    assert columns["collection_status"] == ["COLLECTED"] * 2
    assert columns["missing_count"] == [0, 0]
    assert columns["operation_end_time"] == [(RUN_AT.timestamp() - 3540) * 1000] * 2


def test_the_last_batch_holds_the_rest() -> None:
    world = listed_world()

    collect(world, batch=1)

    assert part(world, 1)["instance_id"] == [node_id(2)]


@dataclass
class RecordingSource(MemoryApi):
    """An SSM that remembers which ids each call asked for."""

    asked: list[list[str]] = field(default_factory=list)

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:
        self.asked.append(list(ids))
        return super().page(operation, ids, token)


def record(world: World) -> list[list[str]]:
    """Return the list to which the ids of each call will be added."""
    before = world.apis.of(EU)
    source = RecordingSource(world.clock, world.apis.call_counter, before.nodes, before.states)
    world.apis.targets[EU] = source
    return source.asked


@pytest.mark.parametrize(("nodes", "sizes"), [(1, [1]), (50, [50]), (51, [50, 1]), (120, [50, 50, 20])])
def test_at_most_fifty_ids_are_asked_for_in_one_call_and_each_once(nodes: int, sizes: list[int]) -> None:
    world = listed_world(nodes, batch_size=1000)
    asked = record(world)

    result = collect(world)

    assert result.statuses == Counter(COLLECTED=nodes)
    assert [len(ids) for ids in asked] == sizes
    assert [instance_id for ids in asked for instance_id in ids] == [node_id(number) for number in range(nodes)]


@dataclass
class PoisonedSource(RecordingSource):
    """An SSM on which every call about some nodes fails, and every call of an operation that is down."""

    poisoned: dict[str, FailedCallError | RefusedError] = field(default_factory=dict)
    down: frozenset[str] = frozenset()

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:
        page = super().page(operation, ids, token)
        for instance_id in ids:
            if instance_id in self.poisoned:
                raise self.poisoned[instance_id]
        if operation.name in self.down:
            raise FailedCallError("InternalServerError", "down")
        return page


def failed(code: str = "InternalServerError") -> FailedCallError:
    return FailedCallError(code, f"{EU}: {code}")


def refused(code: str) -> RefusedError:
    return RefusedError("NOT_LISTED", code, f"{EU}: {code}", "DescribeInstancePatchStates")


def poison(world: World, *numbers: int, error: FailedCallError | RefusedError | None = None) -> PoisonedSource:
    before = world.apis.of(EU)
    source = PoisonedSource(world.clock, world.apis.call_counter, before.nodes, before.states)
    source.poisoned = {node_id(number): error or failed() for number in numbers}
    world.apis.targets[EU] = source
    return source


@pytest.mark.parametrize("error", [failed(), refused("ValidationException"), refused("InvalidInstanceId")], ids=str)
def test_a_node_on_which_every_call_fails_costs_no_other_node(error: FailedCallError | RefusedError) -> None:
    world = listed_world(120, batch_size=120)
    source = poison(world, 3, 77, error=error)

    assert collect(world).statuses == Counter(COLLECTED=118, NOT_COLLECTED=2)
    rows = {i: n for n, i in enumerate(part(world)["instance_id"])}
    bad = [rows[node_id(number)] for number in (3, 77)]
    assert [part(world)["collection_detail"][row] for row in bad] == [error.code] * 2
    assert [part(world)["collected_at"][row] for row in bad] == [None] * 2
    assert len(source.asked) <= 3 + 2 * 2 * 6 + 1 + 2


def test_a_node_that_ssm_does_not_know_is_recorded_at_once() -> None:
    world = listed_world(1)
    source = poison(world, 0, error=refused("InvalidInstanceId"))

    assert collect(world).statuses == Counter(NOT_COLLECTED=1)
    assert part(world)["collection_detail"] == ["InvalidInstanceId"]
    assert source.asked == [[node_id(0)]]


def test_the_only_node_of_a_batch_is_recorded_once_another_node_of_the_target_is_answered() -> None:
    world = listed_world(3, batch_size=2)
    source = poison(world, 2)

    assert collect(world, batch=1).statuses == Counter(NOT_COLLECTED=1)
    [first, other, second] = source.asked
    assert (first, second) == ([node_id(2)], [node_id(2)])
    assert other in ([node_id(0)], [node_id(1)])


def test_the_only_node_of_a_target_is_recorded_once_a_listing_is_answered() -> None:
    world = listed_world(1)
    source = poison(world, 0)

    assert collect(world).statuses == Counter(NOT_COLLECTED=1)
    assert source.asked == [[node_id(0)], [], [node_id(0)]]


@pytest.mark.parametrize("nodes", [1, 2, 120])
def test_an_outage_is_never_recorded_and_ends_after_a_few_calls(nodes: int) -> None:
    world = listed_world(nodes, batch_size=120)
    source = poison(world)
    source.down = frozenset({"DescribeInstancePatchStates", "DescribeInstanceInformation"})

    with pytest.raises(RetryableError, match="down"):
        collect(world, receive_count=9)
    assert part_key(RUN_ID, EU, 0) not in world.store.objects
    assert len(source.asked) <= 2 + 2 * 7


def test_a_target_that_refuses_every_node_is_refused_as_a_target() -> None:
    world = listed_world(120, batch_size=120)
    poison(world, *range(120), error=refused("SubscriptionRequiredException"))

    with pytest.raises(RetryableError, match=r"receive 2 of 3 before it is recorded"):
        collect(world, receive_count=2)
    assert collect(world, receive_count=3).statuses == Counter(NOT_COLLECTED=120)
    assert set(part(world)["collection_detail"]) == {"SubscriptionRequiredException"}


def test_a_worker_without_the_time_to_confirm_a_failure_gives_its_message_back() -> None:
    world = listed_world(2)
    poison(world, 0)
    left = iter([900.0] * 4)

    with pytest.raises(OutOfTimeError):
        collect(world, seconds_left=lambda: next(left, 130))
    assert part_key(RUN_ID, EU, 0) not in world.store.objects


def test_answers_of_many_pages_are_read_to_their_end() -> None:
    world = listed_world(nodes=5, batch_size=5)
    world.apis.of(EU).page_size = 2

    assert collect(world).statuses == Counter(COLLECTED=5)
    assert world.apis.call_counter.drain().calls == 3


def test_a_worker_whose_time_is_nearly_over_gives_its_message_back_and_stores_nothing() -> None:
    world = listed_world(120, batch_size=120)
    before = dict(world.store.objects)
    asked: list[str] = []
    world.apis.of(EU).before_call = asked.append

    with pytest.raises(OutOfTimeError, match=f"run {RUN_ID}, target {EU}: 19 seconds are left"):
        collect(world, receive_count=9, seconds_left=lambda: 819 - 400 * len(asked))

    assert world.store.objects == before
    assert world.apis.call_counter.drain().calls == 2
    assert collect(world).statuses == Counter(COLLECTED=120)


def test_a_target_that_throttles_for_a_while_is_collected_by_the_same_worker() -> None:
    world = listed_world(120, batch_size=120)
    remaining = [ThrottledError("slow down")] * 5

    def throttle(_: str) -> None:
        if remaining:
            raise remaining.pop()

    world.apis.of(EU).before_call = throttle

    assert collect(world).statuses == Counter(COLLECTED=120)
    assert world.apis.call_counter.drain().calls == 5 + 3


def test_a_node_that_was_never_scanned_has_no_patch_state(tables: TableFormat) -> None:
    world = listed_world(tables=tables)
    del world.apis.of(EU).states[node_id(1)]

    assert collect(world).statuses == Counter(COLLECTED=1, NO_PATCH_STATE=1)
    assert part(world)["missing_count"] == [0, None]
    assert part(world)["collected_at"] == [world.clock.now().timestamp() * 1000] * 2


def test_a_node_whose_id_has_an_unknown_form_is_not_asked_about(tables: TableFormat) -> None:
    world = World(tables=tables)
    world.add_nodes(EU, [0])
    world.start()
    run_target = RunTarget(RUN_ID, 0, EU)
    page: Page[NodeRecord] = Page([node_information(0), InvalidRow("j-1", "InstanceId: a form")], None, 0)
    nodes = NODES.listed(run_target, plan_of(HOME), [page]).groups(2)
    entries = listing_metadata(run_target, ListingResult(ListingStatus.LISTED))
    world.store.create(SHARD_KEY, tables.encode(SHARD, nodes, entries))
    asked = record(world)

    assert collect(world).statuses == Counter(COLLECTED=1, INVALID_RESPONSE=1)
    assert part(world)["collection_detail"] == [None, "InstanceId: a form"]
    assert asked == [[node_id(0)]]


def test_a_redelivered_batch_changes_nothing_and_asks_nothing(tables: TableFormat) -> None:
    world = listed_world(tables=tables)
    collect(world)
    before = dict(world.store.objects)
    world.apis.call_counter.drain()
    world.apis.of(EU).states[node_id(0)] = patch_state(0, MissingCount=9)

    assert collect(world) == CollectResult(RUN_ID, EU, 0, Step.ADOPTED)
    assert world.store.objects == before
    assert world.apis.call_counter.drain().calls == 0


def test_a_part_that_another_worker_stored_meanwhile_is_adopted() -> None:
    world = listed_world()
    world.store = WatchedStore(
        world.store.objects, before=once("create", PART_KEY, lambda: world.store.objects.update({PART_KEY: b"theirs"}))
    )

    assert collect(world) == CollectResult(RUN_ID, EU, 0, Step.ADOPTED)
    assert world.store.objects[PART_KEY] == b"theirs"


@pytest.mark.parametrize("error", [RetryableError("ThrottlingException"), RestartError("InvalidNextToken")], ids=repr)
def test_a_passing_failure_writes_nothing_and_comes_back_after_a_pause_of_its_own(error: RetryableError) -> None:
    world = listed_world(nodes=1)

    def fail(_: str) -> None:
        raise error

    world.apis.of(EU).before_call = fail
    before = dict(world.store.objects)

    world.deliver_collect()

    assert world.failures == [error]
    assert world.store.objects == before
    (message,) = world.collect_queue.messages.values()
    assert (message.visible_at - world.clock.at).total_seconds() == 75


def test_one_failing_call_of_many_leaves_no_part() -> None:
    world = listed_world(nodes=120, batch_size=120)
    calls: list[str] = []

    def fail_the_last(operation: str) -> None:
        calls.append(operation)
        if len(calls) == 3:
            raise RetryableError("InternalServerError")

    world.apis.of(EU).before_call = fail_the_last

    with pytest.raises(RetryableError, match="InternalServerError"):
        collect(world)
    assert PART_KEY not in world.store.objects


@pytest.mark.parametrize("call", ["exists", "get", "create"])
def test_a_store_that_cannot_answer_for_now_is_a_passing_failure(call: str) -> None:
    world = listed_world(nodes=1)
    world.store = WatchedStore(world.store.objects, before=fail_once(call, ""))
    world.deliver_collect()
    assert PART_KEY not in world.store.objects
    world.clock.advance(120)

    world.deliver_collect()

    assert [str(failure) for failure in world.failures] == [f"{call} failed for now"]
    assert PART_KEY in world.store.objects


def test_a_refusal_is_recorded_from_the_third_receive_on_with_every_node_named(tables: TableFormat) -> None:
    world = listed_world(tables=tables)
    world.apis.before_open = refusing("ROLE_NOT_ASSUMABLE", "AccessDenied")
    for receive in (1, 2):
        with pytest.raises(RetryableError, match=f"receive {receive} of 3"):
            collect(world, receive_count=receive)
        assert PART_KEY not in world.store.objects

    result = collect(world, receive_count=3)

    assert result.statuses == Counter(NOT_COLLECTED=2)
    assert part(world)["instance_id"] == [node_id(0), node_id(1)]
    assert part(world)["collection_detail"] == ["AccessDenied"] * 2
    assert part(world)["ping_status"] == ["Online"] * 2
    assert part(world)["missing_count"] == part(world)["collected_at"] == [None, None]


@pytest.mark.parametrize("refused", [{2}, {2, 4}], ids=["once", "twice"])
def test_a_refusal_of_one_call_of_a_batch_leaves_no_half_collected_part(refused: set[int]) -> None:
    world = listed_world(nodes=60, batch_size=60)
    calls: list[str] = []

    def refuse(operation: str) -> None:
        calls.append(operation)
        if len(calls) in refused:
            raise RefusedError("ACCESS_DENIED", "AccessDeniedException", "denied")

    world.apis.of(EU).before_call = refuse

    status = "NOT_COLLECTED" if len(refused) > 1 else "COLLECTED"
    assert collect(world, receive_count=3).statuses == Counter({status: 60})


def test_a_target_that_the_plan_does_not_name_is_refused_and_not_asked() -> None:
    world = listed_world()

    with pytest.raises(InputError, match=f"its plan names no active target {US}"):
        collect(world, US)
    assert world.apis.call_counter.drain().calls == 0


@pytest.mark.parametrize("batch", [2, 99_999])
def test_a_batch_that_the_shard_does_not_have_is_refused_and_not_asked(batch: int) -> None:
    world = listed_world()

    with pytest.raises(InputError, match=f"{SHARD_KEY} has 2 batches, so batch {batch} is refused"):
        collect(world, batch=batch)
    assert world.apis.call_counter.drain().calls == 0


def test_a_batch_of_a_target_without_a_shard_is_refused() -> None:
    world = World()
    world.start()

    with pytest.raises(InputError, match=f"run {RUN_ID}: there is no {SHARD_KEY}, so the message is refused"):
        collect(world)


def test_a_batch_of_a_run_without_a_plan_is_refused() -> None:
    world = listed_world()
    del world.store.objects[plan_key(RUN_ID)]

    with pytest.raises(InputError, match=f"there is no plans/{RUN_ID}.json"):
        collect(world)


def test_a_message_that_comes_after_the_run_was_published_changes_nothing() -> None:
    world = World()
    world.store.create(snapshot_key(RUN_ID), b"")

    assert collect(world) == CollectResult(RUN_ID, EU, 0, Step.LATE)
    assert world.store.objects == {snapshot_key(RUN_ID): b""}


def test_a_message_that_comes_after_the_deadline_asks_nothing_and_stores_nothing() -> None:
    world = listed_world()
    before = dict(world.store.objects)
    world.clock.advance(DEADLINE_SECONDS)

    assert collect(world) == CollectResult(RUN_ID, EU, 0, Step.LATE)
    assert world.store.objects == before
    assert world.apis.call_counter.drain().calls == 0


def test_a_message_that_comes_just_before_the_deadline_is_handled() -> None:
    world = listed_world()
    world.clock.advance(DEADLINE_SECONDS - 1)

    assert collect(world).step is Step.STORED


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"\x00" * 100])
def test_a_damaged_shard_is_named_and_nothing_is_asked(tables: TableFormat, damage: bytes) -> None:
    world = listed_world(tables=tables)
    world.store.objects[SHARD_KEY] = damage

    with pytest.raises(IntegrityError, match=SHARD_KEY):
        collect(world)
    assert world.apis.call_counter.drain().calls == 0


def test_the_shard_of_another_target_is_refused(tables: TableFormat) -> None:
    world = listed_world(tables=tables)
    shard = tables.open(world.store.objects[SHARD_KEY])
    columns = shard.columns(SHARD.column_names, 0)
    world.store.objects[SHARD_KEY] = tables.encode(SHARD, [columns], {**shard.metadata, "region": "us-east-1"})

    with pytest.raises(IntegrityError, match=f"{SHARD_KEY}: its footer names"):
        collect(world)
    assert world.apis.call_counter.drain().calls == 0


def test_a_shard_of_an_older_build_gives_null_where_it_lacks_a_column(tables: TableFormat) -> None:
    world = listed_world(tables=tables)
    older = Table("shard", "", tuple(c for c in SHARD if c.name not in {"source_type", "invalid_reason"}))
    shard = tables.open(world.store.objects[SHARD_KEY])
    groups = [shard.columns(older.column_names, group) for group in range(2)]
    world.store.objects[SHARD_KEY] = tables.encode(older, groups, shard.metadata)

    assert collect(world).statuses == Counter(COLLECTED=2)
    assert part(world)["source_type"] == [None, None]


@pytest.mark.parametrize("include", [True, False])
def test_sensitive_members_reach_the_store_only_where_the_plan_says_so(*, include: bool) -> None:
    world = World()
    world.settings = world.settings.__replace__(include_sensitive_fields=include)
    world.apis.of(EU).nodes[node_id(0)] = node_information(0, IPAddress="192.0.2.77")
    world.apis.of(EU).states[node_id(0)] = patch_state(0, OwnerInformation="the owner")
    world.start()
    world.deliver_discover()

    collect(world)

    stored = b"".join(world.store.objects.values())
    assert (b"192.0.2.77" in stored, b"the owner" in stored) == (include, include)


def test_one_call_opens_the_target_of_its_message_and_no_other() -> None:
    opened: list[Target] = []
    world = listed_world()
    world.apis.before_open = opened.append

    collect(world)

    assert opened == [EU]
    assert part(world)["account_id"] == [HOME, HOME]
