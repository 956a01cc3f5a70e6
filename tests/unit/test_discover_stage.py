"""discover: list a target once, and ask for the batches of what was stored."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import pytest

from patchlake.adapters.memory import MemoryApi, MemoryQueue, MemoryTables
from patchlake.core.keys import plan_key, shard_key, snapshot_key
from patchlake.core.listing import ListingResult
from patchlake.core.messages import CollectMessage, DiscoverMessage
from patchlake.core.paging import ATTEMPTS, EMPTY_PAGES
from patchlake.core.plan import Account
from patchlake.core.records import InvalidRow, Page, Record
from patchlake.core.statuses import ListingStatus
from patchlake.core.tables import Column, Columns, ColumnType, Table
from patchlake.core.targets import Target
from patchlake.core.timings import DISCOVER, RESERVE_SECONDS
from patchlake.errors import (
    InputError,
    IntegrityError,
    OutOfTimeError,
    RefusedError,
    RestartError,
    RetryableError,
    ThrottledError,
)
from patchlake.ports import Delivery, TableFile, TableFormat
from patchlake.sources.nodes import SHARD
from patchlake.sources.source import Operation
from patchlake.stages.discover import TOO_LARGE, DiscoverResult
from patchlake.stages.step import Step
from tests.watched_store import WatchedStore, fail_once, once
from tests.world import DEADLINE_SECONDS, EU, HOME, RUN_ID, US, World, node_id, node_information

SHARD_KEY = shard_key(RUN_ID, EU)
REFUSALS = [
    ("NOT_LISTED", "ValidationException"),
    ("NOT_LISTED", "404"),
    ("ROLE_NOT_ASSUMABLE", "AccessDenied"),
    ("ACCESS_DENIED", "AccessDeniedException"),
    ("REGION_DISABLED", "UnrecognizedClientException"),
]


def planned_world(nodes: int = 3, tables: TableFormat | None = None) -> World:
    """Return a world whose run of one target, with batches of two, is planned."""
    world = World(tables=tables)
    world.add_nodes(EU, range(nodes))
    world.start()
    return world


def discover(
    world: World, target: Target = EU, receive_count: int = 1, seconds_left: Callable[[], float] = lambda: math.inf
) -> DiscoverResult:
    message = DiscoverMessage(run_id=RUN_ID, account_id=target.account_id, region=target.region)
    return world.discover.handle(message, Delivery(message.encode(), "0", receive_count, seconds_left=seconds_left))


def shard(world: World) -> TableFile:
    return world.tables.open(world.store.objects[SHARD_KEY])


def batches_asked_for(world: World) -> list[int]:
    """Return the batches of the collect messages, each of which must name the run and target, also as its group."""
    assert {message.group for message in world.collect_queue.messages.values()} <= {str(EU)}
    messages = [CollectMessage.decode(message.body) for message in world.collect_queue.messages.values()]
    assert {(message.run_id, message.target) for message in messages} <= {(RUN_ID, EU)}
    return [message.batch for message in messages]


def refuse(world: World, status: str = "ACCESS_DENIED", code: str = "AccessDeniedException") -> None:
    def raise_refusal(_: object) -> None:
        raise RefusedError(status, code, f"{EU}: {code}")

    world.apis.before_open = raise_refusal


def test_a_target_is_listed_and_its_batches_are_asked_for(tables: TableFormat) -> None:
    world = planned_world(nodes=5, tables=tables)

    result = discover(world)

    listing = ListingResult(ListingStatus.LISTED, None, 1_793_512_860_000)
    assert result == DiscoverResult(RUN_ID, EU, Step.STORED, listing, 5)
    assert list(shard(world).row_counts) == [2, 2, 1]
    assert shard(world).columns(["instance_id"]) == {"instance_id": [node_id(n) for n in range(5)]}
    assert batches_asked_for(world) == [0, 1, 2]


def test_a_listing_of_many_pages_is_read_to_its_end() -> None:
    world = planned_world(nodes=7)
    world.apis.of(EU).page_size = 2

    assert discover(world).rows == 7
    assert world.apis.call_counter.drain().calls == 4


def test_a_target_without_nodes_has_a_shard_and_no_batches(tables: TableFormat) -> None:
    world = planned_world(nodes=0, tables=tables)

    assert discover(world).rows == 0
    assert list(shard(world).row_counts) == []
    assert batches_asked_for(world) == []


def test_a_redelivered_message_changes_nothing_asks_nothing_and_sends_again(tables: TableFormat) -> None:
    world = planned_world(tables=tables)
    first = discover(world)
    before = dict(world.store.objects)
    world.apis.call_counter.drain()
    world.add_nodes(EU, [9])

    again = discover(world)

    assert (first.step, again.step) == (Step.STORED, Step.ADOPTED)
    assert (again.listing, again.rows) == (first.listing, first.rows)
    assert world.store.objects == before
    assert world.apis.call_counter.drain().calls == 0
    assert batches_asked_for(world) == [0, 1, 0, 1]


def test_a_shard_that_another_worker_stored_meanwhile_is_adopted() -> None:
    world, other = planned_world(nodes=1), planned_world(nodes=5)
    discover(other)
    theirs = {SHARD_KEY: other.store.objects[SHARD_KEY]}
    world.store = WatchedStore(
        world.store.objects, before=once("create", SHARD_KEY, lambda: world.store.objects.update(theirs))
    )

    result = discover(world)

    assert (result.step, result.rows) == (Step.ADOPTED, 5)
    assert batches_asked_for(world) == [0, 1, 2]


@pytest.mark.parametrize(("status", "code"), REFUSALS)
def test_a_refusal_is_recorded_from_the_third_receive_on(status: str, code: str) -> None:
    world = planned_world()
    refuse(world, status, code)
    before = dict(world.store.objects)
    for receive in (1, 2):
        with pytest.raises(RetryableError, match=rf"{code} \(receive {receive} of 3 before it is recorded\)"):
            discover(world, receive_count=receive)
        assert world.store.objects == before

    result = discover(world, receive_count=3)

    assert result == DiscoverResult(RUN_ID, EU, Step.STORED, ListingResult(ListingStatus(status), code), 0)
    assert list(shard(world).row_counts) == []
    assert batches_asked_for(world) == []


@dataclass
class LargeApi(MemoryApi):
    """An SSM that lists nodes for as long as it is asked, in pages of fifty.

    Attributes:
        page_seconds: the time of a page.
        retries: the SDK's retries of each call.
        rows: the rows of each page.
    """

    page_seconds: float = 0.1
    retries: int = 0
    rows: int = 50
    pages: int = 0

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:  # noqa: ARG002
        """Return another page."""
        first = self.pages * 50
        self.pages += 1
        self.call_counter.add(calls=1, retries=self.retries)
        self.clock.advance(self.page_seconds)
        self.before_call(operation.name)
        records = [node_information(number) for number in range(first, first + self.rows)]
        return Page(records, f"after {self.pages}", 1_793_512_860_000)


def listing_for_ever(**attributes: float) -> tuple[World, LargeApi]:
    world = planned_world(nodes=0)
    api = LargeApi(world.clock, world.apis.call_counter, **attributes)  # type: ignore[arg-type]
    world.apis.targets[EU] = api
    return world, api


def discover_in_time(world: World, receive_count: int = 3) -> DiscoverResult:
    """Discover within the time of one invocation."""
    began = world.clock.at
    return discover(
        world,
        receive_count=receive_count,
        seconds_left=lambda: DISCOVER.timeout_seconds - (world.clock.at - began).total_seconds(),
    )


def test_a_target_too_large_for_one_invocation_is_recorded_from_the_third_receive_on() -> None:
    world, _ = listing_for_ever(page_seconds=0.4)
    before = dict(world.store.objects)
    for receive in (1, 2):
        with pytest.raises(RetryableError, match=r" seconds are left .* \(receive . of 3 before it is recorded\)"):
            discover_in_time(world, receive)
        assert world.store.objects == before

    result = discover_in_time(world)

    assert result.listing == ListingResult(ListingStatus.NOT_LISTED, TOO_LARGE)
    assert list(shard(world).row_counts) == []
    assert batches_asked_for(world) == []


@pytest.mark.parametrize(
    "attributes",
    [{"page_seconds": 5}, {"page_seconds": 0.6}, {"retries": 1}, {"rows": 1}],
    ids=["slow", "rather_slow", "throttled_inside_the_sdk", "short_pages"],
)
def test_a_listing_that_was_delayed_is_not_taken_for_too_large(attributes: dict[str, float]) -> None:
    world, api = listing_for_ever(**{"page_seconds": 0.4, **attributes})
    before = dict(world.store.objects)

    with pytest.raises(OutOfTimeError):
        discover_in_time(world, receive_count=9)

    assert world.store.objects == before
    assert api.pages > 100


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (ThrottledError("slow down"), range(1000, 1030)),
        (RestartError("token refused"), [1000]),
        (RefusedError("ACCESS_DENIED", "AccessDenied", "refused once"), [1000]),
    ],
    ids=["throttled", "broken", "refused"],
)
def test_a_listing_that_lost_half_of_its_time_is_not_taken_for_too_large(
    error: Exception, calls: Sequence[int]
) -> None:
    world, api = listing_for_ever(page_seconds=0.4)

    def fail(_: str) -> None:
        if api.pages in calls:
            raise error

    api.before_call = fail

    with pytest.raises(OutOfTimeError):
        discover_in_time(world, receive_count=9)

    assert SHARD_KEY not in world.store.objects
    assert api.pages > 1000


def test_a_target_that_throttles_until_the_time_is_over_is_tried_again_however_often() -> None:
    world = planned_world()
    began = world.clock.at
    world.apis.of(EU).before_call = throttle
    before = dict(world.store.objects)

    with pytest.raises(OutOfTimeError, match=rf"^target {EU}: slow down \(.* seconds are left"):
        discover(world, receive_count=9, seconds_left=lambda: 900 - (world.clock.at - began).total_seconds())

    assert world.store.objects == before
    assert 900 - RESERVE_SECONDS - 24 < (world.clock.at - began).total_seconds() <= 900 - RESERVE_SECONDS


def test_a_target_that_throttles_for_a_while_is_listed_by_the_same_worker() -> None:
    world = planned_world()
    world.apis.of(EU).before_call = fail_times(5, ThrottledError("slow down"))

    assert discover(world).rows == 3


def throttle(_: str) -> None:
    raise ThrottledError(f"target {EU}: slow down")


def fail_times(times: int, error: Exception) -> Callable[[str], None]:
    remaining = [error] * times

    def fail(_: str) -> None:
        if remaining:
            raise remaining.pop()

    return fail


def test_a_refusal_that_passes_leaves_no_trace() -> None:
    world = planned_world()
    refuse(world)
    with pytest.raises(RetryableError):
        discover(world)
    world.apis.before_open = lambda _: None

    assert discover(world, receive_count=2).listing == ListingResult(ListingStatus.LISTED, None, 1_793_512_860_000)


def test_a_refusal_in_the_middle_of_a_listing_is_a_refusal_of_the_target() -> None:
    world = planned_world(nodes=4)
    source = world.apis.of(EU)
    source.page_size = 2
    calls: list[str] = []

    def refuse_every_second_page(operation: str) -> None:
        calls.append(operation)
        if len(calls) % 2 == 0:
            raise RefusedError("ACCESS_DENIED", "AccessDeniedException", "denied")

    source.before_call = refuse_every_second_page

    assert discover(world, receive_count=3).rows == 0
    assert list(shard(world).row_counts) == []
    assert len(calls) == 4


@pytest.mark.parametrize("error", [RetryableError("ThrottlingException"), RestartError("InvalidNextToken")], ids=repr)
def test_a_passing_failure_writes_nothing_and_comes_back_after_a_pause_of_its_own(error: RetryableError) -> None:
    world = planned_world()

    def fail(_: str) -> None:
        raise error

    world.apis.of(EU).before_call = fail
    before = dict(world.store.objects)

    world.deliver_discover()

    assert world.failures == [error]
    assert world.store.objects == before
    assert batches_asked_for(world) == []
    (message,) = world.discover_queue.messages.values()
    assert (message.visible_at - world.clock.at).total_seconds() == 75


@pytest.mark.parametrize("call", ["exists", "get", "create"])
def test_a_store_that_cannot_answer_for_now_is_a_passing_failure(call: str) -> None:
    world = planned_world()
    world.store = WatchedStore(world.store.objects, before=fail_once(call, ""))
    world.deliver_discover()
    assert not world.store.exists(SHARD_KEY)
    world.clock.advance(120)

    world.deliver_discover()

    assert [str(failure) for failure in world.failures] == [f"{call} failed for now"]
    assert world.store.exists(SHARD_KEY)
    assert batches_asked_for(world) == [0, 1]


class LosingQueue(MemoryQueue):
    """A queue that accepts no message and hides none."""

    def send(self, messages: Iterable[tuple[str, str]]) -> None:
        raise RetryableError(f"not sent: {len(list(messages))}")

    def defer(self, delivery: Delivery, seconds: int) -> None:
        raise RetryableError(f"not deferred: {delivery.body}, {seconds}")


def test_batches_that_could_not_be_sent_are_sent_from_the_stored_shard_next_time() -> None:
    world = planned_world()
    queue, world.collect_queue = world.collect_queue, LosingQueue(world.clock, 720, 20, "collect")
    with pytest.raises(RetryableError, match="not sent: 2"):
        discover(world)
    world.collect_queue = queue
    world.apis.call_counter.drain()

    assert discover(world).step is Step.ADOPTED
    assert batches_asked_for(world) == [0, 1]
    assert world.apis.call_counter.drain().calls == 0


def test_a_message_whose_pause_could_not_be_set_fails_with_its_own_error() -> None:
    world = planned_world()
    world.discover_queue = LosingQueue(world.clock, 960, 20, "discover")
    refuse(world)

    with pytest.raises(RetryableError, match="AccessDeniedException"):
        discover(world)


class NamelessSource(MemoryApi):
    """An SSM one of whose nodes has no id."""

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:
        page = super().page(operation, ids, token)
        return replace(page, rows=[*page.rows, InvalidRow(None, "InstanceId: it is absent")])


def test_rows_that_name_no_node_are_counted_in_the_shard_and_cost_no_node() -> None:
    world = planned_world()
    source = NamelessSource(world.clock, world.apis.call_counter, page_size=2)
    world.apis.targets[EU] = source
    world.add_nodes(EU, range(3))

    listing = discover(world).listing

    assert listing == ListingResult(ListingStatus.LISTED, None, listing and listing.listed_at_ms, rows_without_id=2)
    assert list(shard(world).row_counts) == [2, 1]
    assert batches_asked_for(world) == [0, 1]


def test_a_target_that_the_plan_does_not_name_is_refused_and_not_asked() -> None:
    world = planned_world()
    stranger = Target("999999999999", "eu-central-1")

    for target in (US, stranger):
        with pytest.raises(InputError, match=f"its plan names no active target {target}"):
            discover(world, target)

    assert world.store.objects.keys() == {plan_key(RUN_ID)}
    assert world.apis.call_counter.drain().calls == 0


def test_a_target_of_a_suspended_account_is_refused_and_not_asked() -> None:
    world = World(accounts="organization")
    suspended = Target("999999999999", EU.region)
    world.accounts.organization = [Account(HOME), Account(suspended.account_id, active=False)]
    world.start()

    with pytest.raises(InputError, match=f"its plan names no active target {suspended}"):
        discover(world, suspended)


def test_a_run_without_a_plan_is_refused() -> None:
    world = World()

    with pytest.raises(InputError, match=f"run {RUN_ID}: there is no plans/{RUN_ID}.json, so the message is refused"):
        discover(world)


def test_a_message_that_comes_after_the_run_was_published_changes_nothing() -> None:
    world = planned_world()
    world.store.objects.clear()
    world.store.create(snapshot_key(RUN_ID), b"")

    assert discover(world) == DiscoverResult(RUN_ID, EU, Step.LATE)
    assert world.store.objects == {snapshot_key(RUN_ID): b""}
    assert batches_asked_for(world) == []


def test_a_message_that_comes_after_the_deadline_asks_nothing_and_stores_nothing() -> None:
    world = planned_world()
    before = dict(world.store.objects)
    world.clock.advance(DEADLINE_SECONDS)

    assert discover(world) == DiscoverResult(RUN_ID, EU, Step.LATE)
    assert world.store.objects == before
    assert world.apis.call_counter.drain().calls == 0
    assert batches_asked_for(world) == []


def test_a_message_that_comes_just_before_the_deadline_is_handled() -> None:
    world = planned_world()
    world.clock.advance(DEADLINE_SECONDS - 1)

    assert discover(world).step is Step.STORED


def test_a_shard_that_was_stored_in_time_asks_for_no_batch_after_the_deadline() -> None:
    world = planned_world()
    discover(world)
    world.collect_queue.messages.clear()
    world.clock.advance(DEADLINE_SECONDS)

    assert discover(world).step is Step.LATE
    assert batches_asked_for(world) == []


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"\x00" * 100])
def test_a_damaged_shard_is_named_and_no_batch_is_asked_for(tables: TableFormat, damage: bytes) -> None:
    world = planned_world(tables=tables)
    world.store.create(SHARD_KEY, damage)

    with pytest.raises(IntegrityError, match=SHARD_KEY):
        discover(world)
    assert batches_asked_for(world) == []


def test_a_target_of_more_batches_than_keys_can_number_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    world = planned_world(nodes=5)
    monkeypatch.setattr("patchlake.core.plan.MAX_BATCHES", 2)

    assert discover(world).listing == ListingResult(
        ListingStatus.NOT_LISTED, "more than 2 batches: raise the batch size"
    )
    assert list(shard(world).row_counts) == []
    assert batches_asked_for(world) == []


def test_a_target_of_as_many_batches_as_keys_can_number_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = planned_world(nodes=5)
    monkeypatch.setattr("patchlake.core.plan.MAX_BATCHES", 3)

    assert discover(world).rows == 5


def test_a_shard_of_a_build_with_another_column_is_read_as_it_is(tables: TableFormat) -> None:
    later = Table("shard", "", (*SHARD.columns, Column("added_later", ColumnType.STRING, "")))
    world, other = planned_world(tables=tables), planned_world(tables=tables)
    discover(other)
    stored = shard(other)
    groups = [stored.columns(later.column_names, group) for group in range(2)]
    world.store.create(SHARD_KEY, tables.encode(later, groups, stored.metadata))

    assert (discover(world).step, discover(world).rows) == (Step.ADOPTED, 3)


def test_the_shard_of_another_target_is_refused() -> None:
    world = planned_world()
    entries = {"run_id": RUN_ID, "account_id": HOME, "region": "us-east-1", "listing_status": "LISTED"}
    columns: Columns = {name: [None] for name in SHARD.column_names}
    world.store.create(SHARD_KEY, MemoryTables().encode(SHARD, [columns], entries))

    with pytest.raises(IntegrityError, match=f"{SHARD_KEY}: its footer names .*us-east-1"):
        discover(world)
    assert batches_asked_for(world) == []


@pytest.mark.parametrize("rows", [0, 1, 50])
def test_a_listing_without_an_end_is_given_up_and_never_stored(rows: int) -> None:
    world = planned_world()
    asked: list[str | None] = []

    class Endless(MemoryApi):
        def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:  # noqa: ARG002
            asked.append(token)
            # What a node last reported may change from page to page; it is no other node for that.
            records = [node_information(number, PingStatus=f"page {len(asked)}") for number in range(rows)]
            return Page(records, f"token {len(asked)}", 0)

    world.apis.targets[EU] = Endless(world.clock, world.apis.call_counter)

    for receive in range(1, 5):
        with pytest.raises(RestartError, match="101 pages in a row returned nothing new"):
            discover(world, receive_count=receive)

    assert SHARD_KEY not in world.store.objects
    assert len(asked) == 4 * ATTEMPTS * (EMPTY_PAGES + 1 + (rows > 0))


def test_a_listing_of_more_nodes_than_keys_can_number_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    world = planned_world(nodes=50)
    world.apis.of(EU).page_size = 1
    monkeypatch.setattr("patchlake.core.plan.MAX_BATCHES", 2)

    assert discover(world).listing == ListingResult(
        ListingStatus.NOT_LISTED, "more than 2 batches: raise the batch size"
    )
    assert world.apis.call_counter.drain().calls == 5
