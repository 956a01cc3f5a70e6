"""Bad answers of SSM as a user sees them: each with its rows in the snapshot, and what they say."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from patchlake.adapters.memory import MemoryApi
from patchlake.adapters.page_decoding import PageDecoder
from patchlake.core.keys import part_key, plan_key, shard_key
from patchlake.core.messages import CollectMessage, DiscoverMessage
from patchlake.core.plan import decode_plan
from patchlake.core.records import Page, Record
from patchlake.sources.source import Operation
from patchlake.stages.commit import CommitOutcome
from tests.handlers import invoke, records
from tests.world import EU, HOME, RUN_AT, RUN_ID, World, node_id

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


def body_of(members: Mapping[str, object], **changes: object) -> str:
    return msgspec.json.encode({**members, **changes}).decode()


def case(name: str, *values: object) -> Any:  # noqa: ANN401  # a ParameterSet, which pytest does not export
    return pytest.param(*values, id=name)


# Answers of SSM about one node of two, and its row in the snapshot. The other node is collected in any case.

COLLECTED = ("COLLECTED", None)
INVALID = "INVALID_RESPONSE"


def named(detail: str) -> tuple[str, str]:
    """Return the result for a node that is collected, with a value that is NULL and named."""
    return "COLLECTED", detail


TWICE = (INVALID, "the node occurs twice, with different values")


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
        case("an error", [UNKNOWN_OPERATION], "status 200, but is the error UnknownOperationException"),
        case("a token that is none", [b'{"InstancePatchStates":[],"NextToken":7}'], "and a NextToken of text"),
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
        case("an error", UNKNOWN_OPERATION, "status 200, but is the error UnknownOperationException"),
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


def test_the_cases_stand_on_a_run_that_is_good_without_them() -> None:
    world = world_answering(states=[answer(row(), NEIGHBOURS)], nodes=[listing(NODE_ROW, NODES_ROW)])

    assert world.run_until_committed().outcome is CommitOutcome.COMPLETE
    assert decode_plan(world.store.objects[plan_key(RUN_ID)], RUN_ID).active_targets() == [EU]
