"""Bad input as a user sees it: each case with its input and its result."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from patchlake.adapters.memory import MemoryApi
from patchlake.adapters.page_decoding import PageDecoder
from patchlake.core.keys import part_key, plan_key, shard_key
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import decode_plan
from patchlake.core.records import Page, Record
from patchlake.sources.source import Operation
from patchlake.stages.commit import CommitOutcome
from tests.handlers import Context, invoke, records
from tests.world import EU, HOME, RUN_AT, RUN_ID, SCHEDULED_TIME, World, node_id

NODE, NEIGHBOUR = node_id(1), node_id(2)
SCANNED = RUN_AT.timestamp() - 3600
STATE = {
    "InstanceId": NODE,
    "PatchGroup": "web",
    "BaselineId": "pb-0123456789abcdef0",
    "OperationStartTime": SCANNED,
    "OperationEndTime": SCANNED + 60,
    "Operation": "Scan",
    "MissingCount": 2,
}
DISCOVER = {"v": 1, "run_id": RUN_ID, "account_id": HOME, "region": "eu-central-1"}
ABOUT = f"run {RUN_ID}, target {EU}"
COLLECT = {**DISCOVER, "batch": 0}
COMMIT = {"v": 1, "run_id": RUN_ID}


def body_of(members: Mapping[str, object], **changes: object) -> str:
    return msgspec.json.encode({**members, **changes}).decode()


def case(name: str, *values: object) -> Any:  # noqa: ANN401  # a ParameterSet, which pytest does not export
    return pytest.param(*values, id=name)


# Events of the schedule: the invocation fails with this message, and nothing is stored or sent.


@pytest.mark.parametrize(
    ("event", "seen"),
    [
        case("no time", {}, "scheduled_time is None: expected an ISO 8601 time"),
        case("a time under another name", {"time": SCHEDULED_TIME}, "scheduled_time is None"),
        case("null", {"scheduled_time": None}, "scheduled_time is None"),
        case("a number", {"scheduled_time": 1_793_512_800}, "scheduled_time is 1793512800"),
        case("an empty text", {"scheduled_time": ""}, "scheduled_time is ''"),
        case("a placeholder", {"scheduled_time": "<aws.scheduler.scheduled-time>"}, "scheduled_time is '<aws."),
        case("a date", {"scheduled_time": "2026-11-01"}, "scheduled_time is '2026-11-01'"),
        case("no offset", {"scheduled_time": "2026-11-01T06:00:00"}, "expected an ISO 8601 time with an offset"),
        case("a fraction", {"scheduled_time": "2026-11-01T06:00:00.5Z"}, "and whole seconds"),
        case("the 30th of February", {"scheduled_time": "2026-02-30T06:00:00Z"}, "scheduled_time is '2026-02-30T"),
        case("before the calendar", {"scheduled_time": "0001-01-01T00:00:00+14:00"}, "scheduled_time is '0001-"),
        case("tomorrow", {"scheduled_time": "2026-11-02T06:00:00Z"}, "its scheduled time is in the future"),
        case("the day before", {"scheduled_time": "2026-10-31T06:00:00Z"}, "SSM keeps no history"),
        case("year 1", {"scheduled_time": "0001-01-01T00:00:00Z"}, "SSM keeps no history"),
        case("year 9999", {"scheduled_time": "9999-12-31T23:59:59Z"}, "its scheduled time is in the future"),
        case("a list", [], "scheduled_time is None"),
        case("nothing", None, "scheduled_time is None"),
    ],
)
def test_a_bad_event_of_the_schedule_fails_the_invocation_and_does_nothing(event: object, seen: str) -> None:
    world = World()

    invocation = invoke(world, "plan", event)

    assert type(invocation.error).__name__ == "InputError"
    assert seen in str(invocation.error)
    assert world.store.objects == {}
    assert not world.commit_queue.messages
    assert not world.discover_queue.messages


# Bodies of messages: the message is reported as failed and ends as a dead letter; the other messages are processed.


@pytest.mark.parametrize(
    ("stage", "body", "seen"),
    [
        case("empty", "collect", "", "Input data was truncated"),
        case("no JSON", "discover", "hello", "is not a DiscoverMessage of version 1: JSON is malformed"),
        case("cut short", "collect", body_of(COLLECT)[:-3], "Input data was truncated"),
        case("a list", "commit", "[]", "Expected `object`, got `array`"),
        case("null", "collect", "null", "Expected `object`, got `null`"),
        case("nested without end", "collect", "[" * 100_000, "Expected `object`, got `array`"),
        case("not Unicode", "discover", '"\ud800"', "is not a DiscoverMessage of version 1"),
        case("no members", "collect", "{}", "missing required field `run_id`"),
        case("version 2", "collect", body_of(COLLECT, v=2), "Invalid enum value 2 - at `$.v`"),
        case("a version that is a text", "commit", body_of(COMMIT, v="1"), "Expected `int`, got `str` - at `$.v`"),
        case("a role", "discover", body_of(DISCOVER, role_arn="arn:aws:iam::1:role/x"), "unknown field `role_arn`"),
        case("a bucket", "collect", body_of(COLLECT, bucket="mine"), "unknown field `bucket`"),
        case("ids of nodes", "collect", body_of(COLLECT, instance_ids=[NODE]), "unknown field `instance_ids`"),
        case("a path as run", "collect", body_of(COLLECT, run_id="../../x"), "`$.run_id`"),
        case("a path behind the run", "commit", body_of(COMMIT, run_id=f"{RUN_ID}/../x"), "`$.run_id`"),
        case(
            "month 99", "discover", body_of(DISCOVER, run_id="20269999T000000Z"), "'20269999T000000Z' is not a run id"
        ),
        case("11 digits", "discover", body_of(DISCOVER, account_id="1" * 11), "`$.account_id`"),
        case("a path as region", "discover", body_of(DISCOVER, region="../eu-west-1"), "`$.region`"),
        case("batch -1", "collect", body_of(COLLECT, batch=-1), "Expected `int` >= 0 - at `$.batch`"),
        case("batch 100000", "collect", body_of(COLLECT, batch=100_000), "Expected `int` <= 99999 - at `$.batch`"),
        case("a batch that is no number", "collect", body_of(COLLECT, batch="0"), "Expected `int`, got `str`"),
        case("a batch that is not there", "collect", body_of(COLLECT, batch=7), "has 1 batches, so batch 7 is refused"),
        case(
            "a target that is not planned",
            "discover",
            body_of(DISCOVER, region="us-east-1"),
            f"its plan names no active target {HOME}.us-east-1, so the message is refused",
        ),
        case(
            "an account that is not planned",
            "collect",
            body_of(COLLECT, account_id="999999999999"),
            "its plan names no active target 999999999999.eu-central-1",
        ),
        case(
            "a run that expired, or never was",
            "collect",
            body_of(COLLECT, run_id="20250101T060000Z"),
            "there is no plans/20250101T060000Z.json, so the message is refused",
        ),
    ],
)
def test_a_bad_message_fails_alone_and_changes_nothing(stage: str, body: str, seen: str) -> None:
    world, undisturbed = listed_world(), listed_world()
    good = {"discover": body_of(DISCOVER), "collect": body_of(COLLECT), "commit": body_of(COMMIT)}[stage]

    invocation = invoke(world, stage, records(body, good))

    alone = invoke(undisturbed, stage, records(good))
    assert 0 in invocation.failed
    assert [line["message"] for line in invocation.logged("ERROR") if seen in line["message"]] != []
    assert world.store.objects == undisturbed.store.objects
    assert invocation.metric("SsmCalls") == alone.metric("SsmCalls")


def listed_world() -> World:
    """Return a world of two nodes in one batch, planned and listed."""
    world = World(batch_size=2)
    world.add_nodes(EU, [1, 2])
    world.start()
    world.deliver_discover()
    world.apis.call_counter.drain()
    return world


def test_the_same_message_twice_in_one_invocation_is_done_once() -> None:
    world = listed_world()

    invocation = invoke(world, "collect", records(body_of(COLLECT), body_of(COLLECT)))

    assert invocation.failed == []
    assert [line["step"] for line in invocation.logged("INFO")] == ["STORED", "ADOPTED"]
    assert invocation.metric("SsmCalls") == 1


def test_a_message_that_comes_when_the_time_is_nearly_over_goes_back_with_a_warning() -> None:
    world = listed_world()

    invocation = invoke(world, "collect", records(body_of(COLLECT)), Context(milliseconds_left=10_000))

    assert invocation.failed == [0]
    [warning] = invocation.logged("WARNING")
    assert "10 seconds are left of the invocation" in warning["message"]
    assert invocation.metric("SsmCalls") == 0


@pytest.mark.parametrize(
    ("stage", "event"),
    [
        ("plan", {"scheduled_time": SCHEDULED_TIME}),
        ("discover", records(body_of(DISCOVER))),
        ("collect", records(body_of(COLLECT))),
        ("commit", records(body_of(COMMIT))),
    ],
)
def test_a_message_of_a_published_run_is_counted_as_late_and_changes_nothing(stage: str, event: object) -> None:
    world = listed_world()
    world.run_until_committed()
    before = dict(world.store.objects)

    invocation = invoke(world, stage, event)

    assert invocation.error is None
    assert invocation.metric("LateMessages") == 1
    assert world.store.objects == before


def test_a_run_is_counted_as_planned_once_however_often_its_schedule_fires() -> None:
    world = World()
    event = {"scheduled_time": SCHEDULED_TIME}

    assert [invoke(world, "plan", event).metric("RunsPlanned") for _ in range(3)] == [1, 0, 0]


@pytest.mark.parametrize("stage", ["discover", "collect", "commit"])
@pytest.mark.parametrize("event", [{"Records": []}, {}], ids=["no records", "no event of a queue"])
def test_an_event_without_records_fails_the_invocation(stage: str, event: dict[str, object]) -> None:
    assert invoke(World(), stage, event).error is not None


# The environment: the function does not start. Every variable and its wrong values are in test_config.py.


@pytest.mark.parametrize("stage", ["plan", "discover", "collect", "commit"])
@pytest.mark.parametrize(
    ("bucket", "seen"),
    [
        case("missing", None, "PATCHLAKE_BUCKET is not set: expected the name of an S3 bucket"),
        case("wrong", "s3://mine", "PATCHLAKE_BUCKET is 's3://mine': expected the name of an S3 bucket"),
    ],
)
def test_a_bad_environment_fails_every_invocation_by_the_name_of_the_variable(
    monkeypatch: pytest.MonkeyPatch, stage: str, bucket: str | None, seen: str
) -> None:
    monkeypatch.delenv("PATCHLAKE_BUCKET", raising=False)
    if bucket is not None:
        monkeypatch.setenv("PATCHLAKE_BUCKET", bucket)

    invocation = invoke(None, stage, records(body_of(COMMIT)))

    assert type(invocation.error).__name__ == "ConfigError"
    assert str(invocation.error) == seen


# Answers of SSM about one node of two, and its row in the snapshot. The other node is collected in any case.

COLLECTED = ("COLLECTED", None)
INVALID = "INVALID_RESPONSE"


def named(detail: str) -> tuple[str, str]:
    """Return the result for a node that is collected, with a value that is NULL and named."""
    return "COLLECTED", detail


TWICE = (INVALID, "the node came twice, with different values")


@dataclass
class RawSource(MemoryApi):
    """An SSM whose answers are given as the bytes of each page, or as the rows of the only one."""

    state_bodies: Sequence[bytes] = ()
    node_bodies: Sequence[bytes] = ()
    asked: list[int] = field(default_factory=list)
    asked_ids: list[list[str]] = field(default_factory=list)

    def page(self, operation: Operation, ids: Sequence[str], token: str | None) -> Page[Record]:
        """Return the page whose number is the token."""
        self.asked += [len(ids)] if ids else []
        self.asked_ids += [list(ids)] if ids else []
        bodies = self.state_bodies if ids else self.node_bodies
        if not bodies:
            return super().page(operation, ids, token)
        return PageDecoder(operation).page(bodies[int(token or 0)], 1)


def asked_ids(world: World) -> list[list[str]]:
    """Return the ids of each call."""
    source = world.apis.of(EU)
    assert isinstance(source, RawSource)
    return source.asked_ids


def answer(*rows: object, then: str | None = None, member: str = "InstancePatchStates") -> bytes:
    return json.dumps({member: rows, "NextToken": then}).encode()


def row(**changes: object) -> dict[str, object]:
    return {**STATE, **changes}


def without(member: str) -> dict[str, object]:
    return {name: value for name, value in STATE.items() if name != member}


NEIGHBOURS = row(InstanceId=NEIGHBOUR)
UNKNOWN_OPERATION = (
    b'{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException","message":null},"Version":"1.0"}'
)


def world_answering(*, states: Sequence[bytes] = (), nodes: Sequence[bytes] = ()) -> World:
    """Return a planned world of two nodes, whose SSM gives these answers."""
    world = World(batch_size=2)
    world.apis.targets[EU] = RawSource(
        world.clock, world.apis.call_counter, state_bodies=list(states), node_bodies=list(nodes)
    )
    world.add_nodes(EU, [1, 2])
    world.start()
    return world


@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        case("a good row", [row()], COLLECTED),
        case("no row", [], ("NO_PATCH_STATE", None)),
        case("no group", [without("PatchGroup")], named("PatchGroup: it is absent")),
        case("no end", [without("OperationEndTime")], named("OperationEndTime: it is absent")),
        case("a null baseline", [row(BaselineId=None)], named("BaselineId: it is absent")),
        case("a null count", [row(MissingCount=None)], COLLECTED),
        case("count -1", [row(MissingCount=-1)], named("MissingCount: expected `int` >= 0")),
        case("a count as text", [row(MissingCount="2")], named("MissingCount: expected `int | null`, got `str`")),
        case("half a patch", [row(MissingCount=1.5)], named("MissingCount: expected `int | null`, got `float`")),
        case("count 2^31", [row(MissingCount=2**31)], named("MissingCount: expected `int` <= 2147483647")),
        case("count 2^63", [row(MissingCount=2**63)], named("MissingCount: ")),
        case("a count that is true", [row(FailedCount=True)], named("FailedCount: expected `int | null`, got `bool`")),
        case(
            "a count that is a list", [row(FailedCount=[1])], named("FailedCount: expected `int | null`, got `array`")
        ),
        case("an unknown operation", [row(Operation="Rollback")], COLLECTED),
        case("unknown members", [row(Invented={"a": [None]})], COLLECTED),
        case("a garbage date", [row(OperationEndTime="yesterday")], named("OperationEndTime: expected")),
        case("second -1", [row(OperationEndTime=-1)], COLLECTED),
        case("year 1", [row(OperationEndTime=-62_135_596_800)], COLLECTED),
        case("year 0", [row(OperationEndTime=-62_135_596_801)], named("OperationEndTime: ")),
        case("year 10000 when rounded", [row(OperationEndTime=253_402_300_799.9999)], named("OperationEndTime: ")),
        case("year 10000", [row(OperationEndTime=253_402_300_800)], named("OperationEndTime: ")),
        case("300 characters", [row(PatchGroup="x" * 300)], COLLECTED),
        case("control characters", [row(PatchGroup="a\x00\x1b[31m\r\nb")], COLLECTED),
        case("markup", [row(PatchGroup="<script>alert(1)</script>")], COLLECTED),
        case("a formula", [row(PatchGroup="=cmd()")], COLLECTED),
        case("twice, equal", [row(), row()], COLLECTED),
        case("twice with other values", [row(), row(MissingCount=3)], TWICE),
        case("twice, once bad", [row(), row(MissingCount=-1)], TWICE),
        case("nothing but an id", [{"InstanceId": NODE}], (INVALID, "PatchGroup: it is absent")),
        case("a node that was not asked for", [row(), row(InstanceId=node_id(9))], COLLECTED),
        case("a null row", [None], (INVALID, "a row of the answer has no usable id: the row is not an object")),
        case("no id", [without("InstanceId")], (INVALID, "a row of the answer has no usable id")),
        case("an id of another form", [row(InstanceId="i-1")], (INVALID, "a row of the answer has no usable id")),
    ],
)
def test_a_bad_row_about_a_node_costs_that_node_alone(rows: list[object], seen: tuple[str, str | None]) -> None:
    world = world_answering(states=[answer(*rows, NEIGHBOURS)])

    world.run_until_committed()

    snapshot = world.snapshot()
    status, detail = seen
    assert snapshot["instance_id"] == [NODE, NEIGHBOUR]
    assert snapshot["collection_status"] == [status, "COLLECTED"]
    assert (snapshot["collection_detail"][0] is None) == (detail is None)
    assert (detail or "") in (snapshot["collection_detail"][0] or "")
    assert snapshot["missing_count"][1] == 2


def test_a_bad_value_is_null_and_costs_no_other_value_of_its_node() -> None:
    bad = row(MissingCount=3, NotApplicableCount=2**31)
    world = world_answering(states=[answer(bad, NEIGHBOURS)])

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE
    snapshot = world.snapshot()
    assert snapshot["collection_status"] == ["COLLECTED", "COLLECTED"]
    assert snapshot["collection_detail"] == ["NotApplicableCount: expected `int` <= 2147483647", None]
    assert (snapshot["missing_count"], snapshot["not_applicable_count"]) == ([3, 2], [None, None])
    assert snapshot["patch_group"] == ["web", "web"]


@pytest.mark.parametrize(
    "bodies",
    [
        case("an empty page with a token", [answer(then="1"), answer(row(), NEIGHBOURS)]),
        case("an empty last page", [answer(row(), NEIGHBOURS, then="1"), answer()]),
        case("an empty last token", [answer(row(), NEIGHBOURS, then="")]),
        case("a row a page", [answer(NEIGHBOURS, then="1"), answer(row())]),
    ],
)
def test_strange_pages_are_read_to_their_end(bodies: list[bytes]) -> None:
    world = world_answering(states=bodies)

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE
    assert world.snapshot()["collection_status"] == ["COLLECTED"] * 2


@pytest.mark.parametrize(
    ("bodies", "seen"),
    [
        case("a token in a circle", [answer(row(), then="0")], f"{ABOUT}: the service gave the same NextToken twice"),
        case("an empty body", [b""], "is not JSON, or was cut short: it has 0 bytes"),
        case("a body cut short", [answer(row(), NEIGHBOURS)[:-20]], "is not JSON, or was cut short"),
        case("no JSON", [b"<html>502 Bad Gateway</html>"], "is not JSON"),
        case("a list", [b"[]"], "is not an object with a list InstancePatchStates"),
        case("a list that is none", [b'{"InstancePatchStates":{}}'], "is not an object with a list"),
        case("a list that is null", [b'{"InstancePatchStates":null}'], "is not an object with a list"),
        case("no list", [b"{}"], "is not an object with a list InstancePatchStates"),
        case("no list on the way", [answer(row(), then="1"), b'{"NextToken":"2"}'], "is not an object with a list"),
        case("an error", [UNKNOWN_OPERATION], "status 200, and is the error UnknownOperationException"),
        case("a token that is none", [b'{"InstancePatchStates":[],"NextToken":7}'], "and a text NextToken"),
    ],
)
def test_an_answer_that_cannot_be_read_is_no_answer_and_the_message_is_tried_again(
    bodies: list[bytes], seen: str
) -> None:
    world = world_answering(states=bodies)
    world.deliver_discover()
    message = CollectMessage.decode(body_of(COLLECT)).encode()

    invocation = invoke(world, "collect", records(message))

    assert invocation.failed == [0]
    assert [seen in line["message"] for line in invocation.logged("WARNING")] == [True]
    assert part_key(RUN_ID, EU, 0) not in world.store.objects


NODE_ROW = {"InstanceId": NODE, "PingStatus": "Online"}
NODES_ROW = {"InstanceId": NEIGHBOUR, "PingStatus": "Online"}


def listing(*rows: object, then: str | None = None) -> bytes:
    return answer(*rows, then=then, member="InstanceInformationList")


@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        case("nothing but an id", [{"InstanceId": NODE}], COLLECTED),
        case("an unknown status", [{**NODE_ROW, "PingStatus": "Asleep"}], COLLECTED),
        case("a garbage date", [{**NODE_ROW, "LastPingDateTime": "now"}], named("LastPingDateTime: ")),
        case("a flag as text", [{**NODE_ROW, "IsLatestVersion": "true"}], named("IsLatestVersion: ")),
        case("a number as name", [{**NODE_ROW, "ComputerName": 7}], named("ComputerName: ")),
        case("an address as a list", [{**NODE_ROW, "IPAddress": ["10.0.0.1"]}], named("IPAddress: ")),
        case("a node on two pages", [NODE_ROW, NODE_ROW], COLLECTED),
    ],
)
def test_a_bad_description_of_a_node_costs_its_bad_value_alone(
    rows: list[dict[str, object]], seen: tuple[str, str | None]
) -> None:
    pages = [*(listing(row, then=str(number + 1)) for number, row in enumerate(rows)), listing(NODES_ROW)]
    world = world_answering(nodes=pages)

    world.run_until_committed()

    status, detail = seen
    assert world.snapshot()["instance_id"] == [NODE, NEIGHBOUR]
    assert world.snapshot()["collection_status"] == [status, "COLLECTED"]
    assert (detail or "") in (world.snapshot()["collection_detail"][0] or "")
    if "PingStatus" in rows[0]:
        assert world.snapshot()["ping_status"][0] == rows[0]["PingStatus"]


@pytest.mark.parametrize("instance_id", ["eks_c:production_0123456789abcdef0", "i-1", "../../plans/x"])
def test_an_id_of_a_form_that_is_not_known_is_a_node_that_is_never_asked_about(instance_id: str) -> None:
    world = world_answering(nodes=[listing({**NODE_ROW, "InstanceId": instance_id}, NODES_ROW)])

    assert world.run_until_committed().outcome is CommitOutcome.PARTIAL
    rows = {i: n for n, i in enumerate(world.snapshot()["instance_id"])}
    assert rows.keys() == {instance_id, NEIGHBOUR}
    place = rows[instance_id]
    assert world.snapshot()["collection_status"][place] == INVALID
    assert world.snapshot()["collection_detail"][place].startswith("InstanceId: expected `str` matching regex")
    assert world.snapshot()["ping_status"][place] == "Online"
    assert asked_ids(world) == [[NEIGHBOUR]]


@pytest.mark.parametrize("bad", [{"PingStatus": "Online"}, {"InstanceId": 7}, {"InstanceId": ""}, None, [[]]], ids=repr)
def test_a_row_without_an_id_is_counted_and_makes_the_run_partial(bad: object) -> None:
    world = world_answering(nodes=[listing(bad, NODE_ROW, then="1"), listing(bad, NODES_ROW)])

    result = world.run_until_committed()

    assert result.outcome is CommitOutcome.PARTIAL
    assert result.counts()["RowsWithoutId"] == 2
    assert world.coverage()["listing_status"] == ["LISTED"]
    assert world.coverage()["rows_without_id"] == [2]
    assert world.snapshot()["instance_id"] == [NODE, NEIGHBOUR]
    assert world.snapshot()["collection_status"] == ["COLLECTED"] * 2


@pytest.mark.parametrize(
    "pages",
    [
        case("an empty page with a token", [listing(then="1"), listing(NODE_ROW, NODES_ROW)]),
        case("an empty last page", [listing(NODE_ROW, NODES_ROW, then="1"), listing()]),
        case("an empty last token", [listing(NODE_ROW, NODES_ROW, then="")]),
        case("nodes in no order", [listing(NODES_ROW, then="1"), listing(NODE_ROW)]),
        case("unknown members", [listing({**NODE_ROW, "Invented": {"a": [None]}}, NODES_ROW)]),
    ],
)
def test_a_strange_listing_is_read_to_its_end(pages: list[bytes]) -> None:
    world = world_answering(nodes=pages)

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE
    assert world.snapshot()["instance_id"] == [NODE, NEIGHBOUR]


@pytest.mark.parametrize(
    ("page", "seen"),
    [
        case("no list", b"{}", "is not an object with a list InstanceInformationList"),
        case("a null list", b'{"InstanceInformationList":null}', "is not an object with a list"),
        case("a null list on the way", b'{"InstanceInformationList":null,"NextToken":"1"}', "is not an object with a"),
        case("an error", UNKNOWN_OPERATION, "status 200, and is the error UnknownOperationException"),
        case("an error with a list", b'{"__type":"x","InstanceInformationList":[]}', "is the error x"),
        case("an empty body", b"", "is not JSON, or was cut short: it has 0 bytes"),
        case("a body cut short", listing(NODE_ROW)[:-5], "is not JSON, or was cut short"),
        case("a list that is none", b'{"InstanceInformationList":7}', "is not an object with a list"),
        case("a token in a circle", listing(NODE_ROW, then="0"), f"{ABOUT}: the service gave the same NextToken twice"),
    ],
)
def test_a_listing_that_may_not_be_complete_is_not_taken_for_one(page: bytes, seen: str) -> None:
    world = world_answering(nodes=[page])
    message = DiscoverMessage.decode(body_of(DISCOVER)).encode()

    invocation = invoke(world, "discover", records(message))

    assert invocation.failed == [0]
    assert [seen in line["message"] for line in invocation.logged("WARNING")] == [True]
    assert shard_key(RUN_ID, EU) not in world.store.objects


@pytest.mark.parametrize(
    ("nodes", "asked"), [case("0 ids", 0, []), case("50 ids", 50, [50]), case("51 ids", 51, [50, 1])]
)
def test_at_most_fifty_ids_are_asked_for_at_once_and_none_is_not_asked_for(nodes: int, asked: list[int]) -> None:
    world = World(batch_size=1000)
    source = RawSource(world.clock, world.apis.call_counter)
    world.apis.targets[EU] = source
    world.add_nodes(EU, range(nodes))
    world.start()

    world.run_until_committed()

    assert source.asked == asked
    assert len(world.snapshot()["instance_id"]) == nodes


# Stored objects: detected, named, never published. More of them in test_publish.py and test_plan.py.


@pytest.mark.parametrize(
    ("key", "damage"),
    [
        case("an empty plan", plan_key(RUN_ID), b""),
        case("a plan of another version", plan_key(RUN_ID), b'{"schema_version":2}'),
        case("an empty shard", shard_key(RUN_ID, EU), b""),
        case("a shard that is no table", shard_key(RUN_ID, EU), b"PAR1"),
        case("an empty part", part_key(RUN_ID, EU, 0), b""),
        case("a part that is no table", part_key(RUN_ID, EU, 0), b"garbage"),
    ],
)
def test_a_damaged_object_ends_the_run_with_an_error_that_names_it(key: str, damage: bytes) -> None:
    world = listed_world()
    world.deliver_collect()
    world.store.objects[key] = damage

    invocation = invoke(world, "commit", records(CommitMessage(run_id=RUN_ID).encode()))

    assert invocation.failed == []
    assert [key in line["message"] for line in invocation.logged("ERROR")] == [True]
    assert invocation.metric("RunsCorrupt") == 1
    assert world.commit_queue.dead == [CommitMessage(run_id=RUN_ID).encode()]
    assert not [stored for stored in world.store.objects if stored.startswith("lake/")]


def test_the_cases_stand_on_a_run_that_is_good_without_them() -> None:
    world = world_answering(states=[answer(row(), NEIGHBOURS)], nodes=[listing(NODE_ROW, NODES_ROW)])

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE
    assert decode_plan(world.store.objects[plan_key(RUN_ID)], RUN_ID).active_targets() == [EU]
