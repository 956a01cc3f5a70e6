"""Bad events, messages, settings and stored objects as a user sees them: each case with its input and its result."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from patchlake.core.keys import part_key, plan_key, shard_key
from patchlake.core.messages import CommitMessage
from tests.handlers import Context, invoke, records
from tests.world import EU, HOME, RUN_ID, SCHEDULED_TIME, World, node_id

DISCOVER = {"v": 1, "run_id": RUN_ID, "account_id": HOME, "region": "eu-central-1"}
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
        case("ids of nodes", "collect", body_of(COLLECT, instance_ids=[node_id(1)]), "unknown field `instance_ids`"),
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
