"""The parsers of events, messages and plans raise only the declared errors, for any input."""

import contextlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from patchlake.core.keys import coverage_key, part_key, plan_key, shard_key, snapshot_key
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import Account, decode_plan, encode_plan, make_plan
from patchlake.core.run import run_at, run_id_of
from patchlake.errors import InputError, IntegrityError
from tests.world import EU, HOME, RUN_AT, RUN_ID, World

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MESSAGE: dict[str, Any] = {"v": 1, "run_id": RUN_ID, "account_id": HOME, "region": "eu-central-1", "batch": 0}
PLAN: dict[str, Any] = msgspec.to_builtins(
    make_plan(
        RUN_ID,
        planned_at=RUN_AT,
        deadline_seconds=60,
        batch_size=10,
        include_sensitive_fields=False,
        home_account_id=HOME,
        accounts=[Account(HOME), Account("999999999999", "second", active=False)],
        regions=["eu-central-1"],
    )
)
KEY_PATTERN = re.compile(
    r"(plans/[0-9]{8}T[0-9]{6}Z\.json"
    r"|runs/[0-9]{8}T[0-9]{6}Z/shards/[0-9]{12}\.[a-z0-9-]+\.parquet"
    r"|runs/[0-9]{8}T[0-9]{6}Z/parts/[0-9]{12}\.[a-z0-9-]+/[0-9]{5}\.parquet"
    r"|lake/(coverage|patch_states)/run_date=[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{8}T[0-9]{6}Z\.parquet)"
)


def changed(members: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw these members, some of them dropped, replaced or joined by others."""
    near_misses = st.sampled_from([value for value in members.values() if isinstance(value, str)]).flatmap(
        lambda text: st.tuples(st.integers(0, len(text)), st.text(max_size=3)).map(
            lambda cut: text[: cut[0]] + cut[1] + text[cut[0] + len(cut[1]) :]
        )
    )
    return st.dictionaries(st.sampled_from(sorted(members)), JSON | near_misses, max_size=2).flatmap(
        lambda changes: st.sets(st.sampled_from(sorted(members)), max_size=1).map(
            lambda dropped: {name: value for name, value in {**members, **changes}.items() if name not in dropped}
        )
    )


@given(scheduled_time=JSON | st.datetimes(timezones=st.none() | st.timezones()).map(str))
@example("0001-01-01T00:00:00+23:59")
@example("9999-12-31T23:59:59-23:59")
@example("\ud800T")
def test_any_scheduled_time_names_a_run_or_is_refused(scheduled_time: object) -> None:
    with contextlib.suppress(InputError):
        run_id = run_id_of(scheduled_time)
        assert run_id_of(run_at(run_id).isoformat()) == run_id


@given(event=JSON | st.dictionaries(st.just("scheduled_time"), JSON))
def test_any_event_is_planned_or_refused(event: object) -> None:
    world = World()

    with contextlib.suppress(InputError):
        world.plan.handle(event)
    assert world.store.objects == {}


@pytest.mark.parametrize("message", [DiscoverMessage, CollectMessage, CommitMessage])
@given(body=st.text() | JSON.map(lambda value: msgspec.json.encode(value).decode()))
@example('"\ud800')
@example('{"v":' + "[" * 10_000)
def test_any_body_is_a_message_or_is_refused(
    message: type[DiscoverMessage | CollectMessage | CommitMessage], body: str
) -> None:
    with contextlib.suppress(InputError):
        assert message.decode(message.decode(body).encode()) == message.decode(body)


@given(members=changed(MESSAGE))
def test_a_message_that_is_accepted_gives_safe_keys_and_the_same_message_again(members: dict[str, Any]) -> None:
    with contextlib.suppress(InputError):
        message = CollectMessage.decode(msgspec.json.encode(members).decode())
        keys = [
            plan_key(message.run_id),
            shard_key(message.run_id, message.target),
            part_key(message.run_id, message.target, message.batch),
            coverage_key(message.run_id),
            snapshot_key(message.run_id),
        ]
        assert [key for key in keys if not KEY_PATTERN.fullmatch(key)] == []
        assert msgspec.json.decode(message.encode()) == {"v": 1, **members}


@given(body=st.binary() | JSON.map(msgspec.json.encode))
@example(b'{"run_id":"\xff"}')
@example(b'{"later":' + b"[" * 10_000)
def test_any_bytes_are_a_plan_or_damaged(body: bytes) -> None:
    with contextlib.suppress(IntegrityError):
        decode_plan(body, RUN_ID)


@given(members=changed(PLAN))
def test_a_plan_that_is_accepted_is_one_that_can_be_used(members: dict[str, Any]) -> None:
    with contextlib.suppress(IntegrityError):
        plan = decode_plan(msgspec.json.encode(members), RUN_ID)
        assert decode_plan(encode_plan(plan), RUN_ID) == plan
        assert plan.deadline_at - plan.planned_at is not None
        assert plan.active_targets() == sorted(set(plan.active_targets()))
        assert plan.run_at == RUN_AT


@given(position=st.integers(0), byte=st.integers(0, 255))
def test_a_plan_with_one_byte_changed_is_another_plan_or_damaged(position: int, byte: int) -> None:
    body = bytearray(msgspec.json.encode(PLAN))
    body[position % len(body)] = byte

    with contextlib.suppress(IntegrityError):
        assert decode_plan(bytes(body), RUN_ID).run_id == RUN_ID


def test_the_fuzzed_message_and_plan_are_accepted_unchanged() -> None:
    assert CollectMessage.decode(msgspec.json.encode(MESSAGE).decode()).target == EU
    assert decode_plan(msgspec.json.encode(PLAN), RUN_ID).active_targets() == [EU]
