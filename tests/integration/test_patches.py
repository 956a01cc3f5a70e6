"""The real secondary source over the stages in memory: which nodes are asked about, and what becomes of each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec
import pytest

from patchlake.adapters.memory import MemoryApi
from patchlake.core.keys import part_key, plan_key, snapshot_key, table_key
from patchlake.core.messages import CollectMessage
from patchlake.core.paging import ATTEMPTS, EMPTY_PAGES
from patchlake.core.plan import decode_plan
from patchlake.core.records import InvalidRow, Page, Record
from patchlake.core.tables import Columns
from patchlake.errors import FailedCallError, OutOfTimeError, RefusedError, RetryableError, ThrottledError
from patchlake.ports import Delivery, TableFormat
from patchlake.sources.patches import AVAILABLE_COUNT, DECIDING_COUNTS, PATCHES, Patch
from patchlake.sources.registry import SOURCES
from patchlake.sources.source import Operation
from patchlake.stages.commit import CommitOutcome
from patchlake.stages.step import Step
from tests.world import EU, ROOT_SOURCES, RUN_ID, World, node_id

BATCH = 120
NODES = 130
LACKING = [node_id(number) for number in range(0, NODES, 3)]
OPERATION = PATCHES.operation.name
CLEAN = {
    str(column.member): 0
    for column in ROOT_SOURCES.patch_states.answer_columns
    if column.name in {*DECIDING_COUNTS, AVAILABLE_COUNT}
}


def patch(number: int, state: str = "Missing", **members: object) -> Record:
    sent = {
        "Title": f"kernel-{number:04d}",
        "KBId": "kernel.x86_64",
        "Classification": "Security",
        "Severity": "",
        "State": state,
        "InstalledTime": 0.0,
    }
    return msgspec.convert(sent | members, type=Patch)


def patch_world(tables: TableFormat | None = None) -> World:
    """Return a world in which every third node misses two patches, and the others lack nothing."""
    world = World(batch_size=BATCH, tables=tables, sources=SOURCES)
    for number in range(NODES):
        world.add_nodes(EU, [number], **CLEAN | {"MissingCount": 2 if number % 3 == 0 else 0})
    world.apis.of(EU).others[OPERATION] = {instance_id: [patch(2), patch(1)] for instance_id in LACKING}
    return world


def published(world: World) -> Columns:
    file = world.tables.open(world.store.objects[table_key(RUN_ID, "patches")])
    return file.columns(file.column_names)


def statuses(world: World) -> dict[str, str]:
    """Return the status of each node's rows; a node has rows of one status."""
    rows = published(world)
    found = set(zip(rows["instance_id"], rows["collection_status"], strict=True))
    assert len(found) == len(set(rows["instance_id"]))
    return dict(found)


def calls_about_patches(world: World, *errors: Exception) -> list[int]:
    """Count the calls in the answered list, and let as many of the first fail as there are errors."""
    calls: list[int] = []
    waiting = list(errors)

    def before(operation: str) -> None:
        if operation == OPERATION:
            calls.append(len(calls))
            if waiting:
                raise waiting.pop(0)

    world.apis.of(EU).before_call = before
    return calls


def run(world: World) -> CommitOutcome:
    world.start()
    return world.run_until_committed().outcome


def test_each_node_that_lacks_something_is_asked_about_once_and_has_its_patches(tables: TableFormat) -> None:
    world = patch_world(tables)
    calls = calls_about_patches(world)

    assert run(world) is CommitOutcome.COMPLETE

    rows = published(world)
    assert rows["instance_id"] == [instance_id for instance_id in LACKING for _ in range(2)]
    assert rows["title"] == ["kernel-0001", "kernel-0002"] * len(LACKING)
    assert set(rows["severity"]) == {""}
    assert set(rows["installed_time"]) == {None}
    assert len(calls) == len(LACKING)
    assert world.coverage()["patches_status"] == ["COMPLETE"]
    assert world.coverage()["patches_rows"] == [2 * len(LACKING)]


def test_the_plan_names_the_source_with_its_parts_and_its_rule() -> None:
    world = patch_world()
    world.start()

    plan = msgspec.json.decode(world.store.objects[plan_key(RUN_ID)])

    assert {"name": "patches", "nodes_per_part": 50, "asks_version": 1} in plan["sources"]
    assert decode_plan(world.store.objects[plan_key(RUN_ID)], RUN_ID).part_number("patches", 1, 0) == 3


def test_a_node_without_patches_in_these_states_has_one_row_that_says_so() -> None:
    world = patch_world()
    del world.apis.of(EU).others[OPERATION][LACKING[1]]
    world.apis.of(EU).others[OPERATION][LACKING[2]] = []

    run(world)

    assert Counter(statuses(world).values()) == {"COLLECTED": len(LACKING) - 2, "NO_PATCHES": 2}
    assert world.coverage()["patches_status"] == ["COMPLETE"]


def test_a_denied_operation_is_recorded_for_the_slice_and_not_asked_about_again_and_again() -> None:
    world = patch_world()
    denied = [RefusedError("ACCESS_DENIED", "AccessDeniedException", "no")] * 1000
    calls = calls_about_patches(world, *denied)

    assert run(world) is CommitOutcome.COMPLETE

    rows = published(world)
    assert rows["instance_id"] == LACKING
    assert set(rows["collection_status"]) == {"NOT_COLLECTED"}
    assert set(rows["collection_detail"]) == {"AccessDeniedException"}
    assert len(calls) < len(LACKING) / 2
    assert (world.coverage()["patches_status"], world.coverage()["patches_detail"]) == (
        ["PARTIAL"],
        ["AccessDeniedException"],
    )


@pytest.mark.parametrize(
    "error",
    [RetryableError("InternalServerError"), ThrottledError("Rate exceeded"), RefusedError("ACCESS_DENIED", "no", "no")],
    ids=lambda error: type(error).__name__,
)
def test_whatever_fails_about_patches_changes_nothing_of_the_patch_states(error: Exception) -> None:
    undisturbed, world = patch_world(), patch_world()
    run(undisturbed)
    calls_about_patches(world, *[error] * 10_000)

    assert run(world) is CommitOutcome.COMPLETE

    expected, found = undisturbed.snapshot(), world.snapshot()
    assert {name: values for name, values in found.items() if name != "collected_at"} == {
        name: values for name, values in expected.items() if name != "collected_at"
    }
    assert set(statuses(world)) == set(LACKING)


def test_from_the_deadline_of_details_on_each_asked_node_has_one_row_with_the_reason() -> None:
    world = patch_world()
    calls_about_patches(world, *[RetryableError("InternalServerError")] * 10_000)
    world.start()
    closes_at = decode_plan(world.store.objects[plan_key(RUN_ID)], RUN_ID).closes_details_at

    world.run_until_committed()

    assert closes_at <= world.clock.at < closes_at + timedelta(seconds=180)
    rows = published(world)
    assert rows["instance_id"] == LACKING
    assert len(set(rows["collection_detail"])) == 1
    assert "deadline" in rows["collection_detail"][0]


def test_a_failure_that_passes_costs_no_row() -> None:
    world = patch_world()
    calls_about_patches(world, *[RetryableError("InternalServerError")] * 5)

    run(world)

    assert set(statuses(world).values()) == {"COLLECTED"}


def test_a_row_that_cannot_be_read_makes_its_node_alone_an_invalid_response(monkeypatch: pytest.MonkeyPatch) -> None:
    world = patch_world()
    api = world.apis.of(EU)
    answer = type(api).page

    def broken(self: object, operation: object, ids: tuple[str, ...], token: str | None) -> Page[Record]:
        page = answer(self, operation, ids, token)  # type: ignore[arg-type]
        if ids == (LACKING[4],):
            return Page([*page.rows, InvalidRow(None, "the row is not an object")], None, page.answered_at_ms)
        return page

    monkeypatch.setattr(type(api), "page", broken)

    run(world)

    assert Counter(statuses(world).values()) == {"COLLECTED": len(LACKING) - 1, "INVALID_RESPONSE": 1}
    assert world.coverage()["patches_status"] == ["PARTIAL"]


@dataclass
class FailingApi(MemoryApi):
    """An SSM on which every call about the patches of some nodes fails; it counts the calls about each node."""

    errors: Mapping[str, Exception] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:
        if operation.name == OPERATION:
            self.asked.update(ids)
            for instance_id in self.errors.keys() & {*ids}:
                raise self.errors[instance_id]
        return super().page(operation, ids, token)


def fail_about(world: World, nodes: Sequence[str], error: Exception) -> Counter[str]:
    """Let every call about the patches of these nodes fail, and count the calls in the answered counter."""
    api = world.apis.of(EU)
    failing = FailingApi(world.clock, world.apis.call_counter, api.nodes, api.states, api.others)
    failing.errors = dict.fromkeys(nodes, error)
    world.apis.targets[EU] = failing
    return failing.asked


@pytest.mark.parametrize(
    ("error", "asks"),
    [
        (RefusedError("NOT_LISTED", "InvalidInstanceId", "gone", OPERATION), 1),
        (RefusedError("NOT_LISTED", "ValidationException", "no", OPERATION), 2),
        (FailedCallError("InternalServerError", "down"), 2),
    ],
    ids=lambda value: getattr(value, "code", str(value)),
)
def test_a_node_about_which_no_call_succeeds_costs_no_other_node(
    error: RefusedError | FailedCallError, asks: int
) -> None:
    world = patch_world()
    bad = [LACKING[0], LACKING[7]]
    asked = fail_about(world, bad, error)

    assert run(world) is CommitOutcome.COMPLETE

    rows = published(world)
    reasons = zip(rows["instance_id"], rows["collection_status"], rows["collection_detail"], strict=True)
    assert [row for row in reasons if row[1] != "COLLECTED"] == [(i, "NOT_COLLECTED", error.code) for i in bad]
    assert {i: asked[i] for i in bad} == dict.fromkeys(bad, asks)
    assert set(statuses(world)) == set(LACKING)
    assert world.coverage()["patches_status"] == ["PARTIAL"]


@dataclass
class EndlessApi(MemoryApi):
    """An SSM whose chain of pages about the patches of one node never ends: the same rows again, or none."""

    node: str = ""
    pages: int = 0

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:
        if operation.name != OPERATION or ids != (self.node,):
            return super().page(operation, ids, token)
        self.pages += 1
        page = super().page(operation, ids, None)
        return replace(page, rows=page.rows if self.pages % 2 else (), next_token=f"page {self.pages}")


def test_a_chain_of_pages_that_never_ends_is_given_up_and_costs_no_other_node() -> None:
    world = patch_world()
    api = world.apis.of(EU)
    endless = EndlessApi(world.clock, world.apis.call_counter, api.nodes, api.states, api.others, node=LACKING[3])
    world.apis.targets[EU] = endless

    assert run(world) is CommitOutcome.COMPLETE

    rows = published(world)
    reasons = zip(rows["instance_id"], rows["collection_status"], rows["collection_detail"], strict=True)
    assert [row for row in reasons if row[1] != "COLLECTED"] == [(LACKING[3], "NOT_COLLECTED", "BrokenChain")]
    assert set(statuses(world)) == set(LACKING)
    assert endless.pages <= 2 * ATTEMPTS * (EMPTY_PAGES + 3)


def test_a_worker_whose_time_is_nearly_over_begins_no_page_of_a_long_chain() -> None:
    world = patch_world()
    world.apis.of(EU).page_size = 1
    world.start()
    while world.deliver_discover():
        pass
    world.deliver_collect()
    before = dict(world.store.objects)
    calls = calls_about_patches(world)
    message = CollectMessage.of(RUN_ID, EU, 0, "patches", 0)

    # Every node has two pages: the time is over after the first one of the third node.
    with pytest.raises(OutOfTimeError):
        world.collect.handle(message, Delivery(message.encode(), "0", 1, seconds_left=lambda: 900 - 160 * len(calls)))

    assert len(calls) == 5
    assert world.store.objects == before


def test_the_only_node_of_a_slice_is_recorded_for_its_own_failure_if_ssm_does_not_know_another_one() -> None:
    world = patch_world()
    world.add_nodes(EU, range(NODES, BATCH * 2), **CLEAN | {"MissingCount": 0})
    alone, others = node_id(126), [i for i in LACKING if i < node_id(BATCH)]
    for number in (120, 123, 129):
        world.add_nodes(EU, [number], **CLEAN | {"MissingCount": 0})
    asked = fail_about(world, [alone, *others], RefusedError("NOT_LISTED", "InvalidInstanceId", "gone", OPERATION))
    api = world.apis.of(EU)
    assert isinstance(api, FailingApi)
    api.errors = {**api.errors, alone: FailedCallError("InternalServerError", "down")}

    run(world)

    rows = published(world)
    reasons = dict(zip(rows["instance_id"], rows["collection_detail"], strict=True))
    assert reasons == dict.fromkeys(others, "InvalidInstanceId") | {alone: "InternalServerError"}
    assert asked[alone] == 2


def stored_batches(world: World, batches: int) -> CollectMessage:
    """Store some of the two batches of the target; return the message of a child."""
    world.start()
    while world.deliver_discover():
        pass
    for batch in range(batches):
        collect(world, CollectMessage.of(RUN_ID, EU, batch))
    return CollectMessage.of(RUN_ID, EU, 0, "patches", 0)


def collect(world: World, message: CollectMessage) -> Step:
    return world.collect.handle(message, Delivery(message.encode(), "0", 1)).step


def test_a_throttled_child_leaves_its_target_to_the_patch_states(monkeypatch: pytest.MonkeyPatch) -> None:
    world = patch_world()
    child = stored_batches(world, 1)
    calls = calls_about_patches(world, ThrottledError("Rate exceeded"))
    made: list[int] = []
    advance = world.clock.advance

    def pause(seconds: float) -> None:
        advance(seconds)
        made.append(len(calls))
        if len(made) == 5:
            collect(world, CollectMessage.of(RUN_ID, EU, 1))

    monkeypatch.setattr(world.clock, "advance", pause)

    assert collect(world, child) is Step.STORED
    assert made == [1] * 5
    assert len(calls) > 1


def test_a_child_of_a_target_whose_patch_states_are_stored_pauses_once() -> None:
    world = patch_world()
    child = stored_batches(world, 2)
    calls_about_patches(world, ThrottledError("Rate exceeded"))
    before = world.clock.at

    assert collect(world, child) is Step.STORED
    assert world.clock.at - before < timedelta(seconds=2)


def test_a_batch_that_is_never_stored_costs_the_others_no_more_than_half_of_the_time_for_details() -> None:
    world = patch_world()
    child = stored_batches(world, 1)
    calls_about_patches(world, ThrottledError("Rate exceeded"))
    plan = decode_plan(world.store.objects[plan_key(RUN_ID)], RUN_ID)
    half = (plan.closes_details_at - plan.planned_at) / 2

    assert collect(world, child) is Step.STORED
    assert half <= world.clock.at - plan.planned_at < half + timedelta(seconds=30)


def test_a_slice_of_nodes_that_ssm_no_longer_knows_is_recorded_without_a_pause() -> None:
    world = patch_world()
    asked = fail_about(world, LACKING, RefusedError("NOT_LISTED", "InvalidInstanceId", "gone", OPERATION))
    world.start()
    before = world.clock.at

    world.run_until_committed()

    assert set(published(world)["collection_detail"]) == {"InvalidInstanceId"}
    assert asked == Counter(LACKING)
    assert world.clock.at == before


def test_slices_of_fifty_nodes_are_stored_under_keys_of_their_own() -> None:
    world = patch_world()
    run(world)

    numbers = [(0, 0), (0, 1), (0, 2), (1, 0)]
    expected = {part_key(RUN_ID, EU, batch * 3 + number, "patches") for batch, number in numbers}
    assert {key for key in world.store.objects if "/details/" in key} == expected
    assert snapshot_key(RUN_ID) in world.store.objects
