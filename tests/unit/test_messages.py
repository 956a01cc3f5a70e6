"""The three messages: what they carry, and that they carry nothing else."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.core.keys import MAX_BATCHES
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.targets import Target
from patchlake.errors import InputError
from tests.world import EU, HOME, RUN_ID

DISCOVER = {"v": 1, "run_id": RUN_ID, "account_id": HOME, "region": "eu-central-1"}
COLLECT = {**DISCOVER, "batch": 3}
COMMIT = {"v": 1, "run_id": RUN_ID}
Message = type[DiscoverMessage] | type[CollectMessage] | type[CommitMessage]
EVERY_MESSAGE = pytest.mark.parametrize(
    ("message", "members"),
    [(DiscoverMessage, DISCOVER), (CollectMessage, COLLECT), (CommitMessage, COMMIT)],
    ids=["discover", "collect", "commit"],
)


def body_of(members: dict[str, Any]) -> str:
    return msgspec.json.encode(members).decode()


@EVERY_MESSAGE
def test_a_message_is_these_members_on_the_wire(message: Message, members: dict[str, Any]) -> None:
    assert msgspec.json.decode(message.decode(body_of(members)).encode()) == members


@given(
    account_id=st.from_regex(r"[0-9]{12}", fullmatch=True),
    region=st.sampled_from(["eu-central-1", "us-gov-west-1"]),
    batch=st.integers(0, MAX_BATCHES - 1),
)
def test_a_message_comes_back_as_it_was_sent(account_id: str, region: str, batch: int) -> None:
    message = CollectMessage(run_id=RUN_ID, account_id=account_id, region=region, batch=batch)

    assert CollectMessage.decode(message.encode()) == message
    assert message.target == Target(account_id, region)


def test_a_message_without_a_version_is_of_the_first_one() -> None:
    assert CommitMessage.decode(body_of({"run_id": RUN_ID})).v == 1


@EVERY_MESSAGE
@pytest.mark.parametrize("version", [0, 2, -1, "1", 1.5, None, True])
def test_a_message_of_another_version_is_refused(message: Message, members: dict[str, Any], version: object) -> None:
    with pytest.raises(InputError, match=f"the message is not a {message.__name__} of version 1"):
        message.decode(body_of({**members, "v": version}))


@EVERY_MESSAGE
@pytest.mark.parametrize("name", ["role_arn", "bucket", "key", "external_id", "batch_size", "V"])
def test_a_message_with_a_member_too_many_is_refused(message: Message, members: dict[str, Any], name: str) -> None:
    with pytest.raises(InputError, match=f"unknown field `{name}`"):
        message.decode(body_of({**members, name: "x"}))


@EVERY_MESSAGE
def test_a_message_with_a_member_too_few_is_refused(message: Message, members: dict[str, Any]) -> None:
    for name in members.keys() - {"v"}:
        with pytest.raises(InputError, match=f"missing required field `{name}`"):
            message.decode(body_of({key: value for key, value in members.items() if key != name}))


@EVERY_MESSAGE
@pytest.mark.parametrize("run_id", ["../../x", "20269999T000000Z", "20261101T060000Z/..", "20261101T060000Z\n", "", 1])
def test_a_message_of_what_is_no_run_is_refused(message: Message, members: dict[str, Any], run_id: object) -> None:
    with pytest.raises(InputError, match="run"):
        message.decode(body_of({**members, "run_id": run_id}))


@pytest.mark.parametrize("account_id", ["", "1" * 11, "1" * 13, "../..", 111122223333, None])
def test_a_message_of_what_is_no_account_is_refused(account_id: object) -> None:
    with pytest.raises(InputError, match="account_id"):
        DiscoverMessage.decode(body_of({**DISCOVER, "account_id": account_id}))


@pytest.mark.parametrize("region", ["", "eu-central", "../eu-central-1", "eu-central-1/x", 1, None])
def test_a_message_of_what_is_no_region_is_refused(region: object) -> None:
    with pytest.raises(InputError, match="region"):
        DiscoverMessage.decode(body_of({**DISCOVER, "region": region}))


@pytest.mark.parametrize("batch", [-1, MAX_BATCHES, 2**63, 1.5, "0", None, True, [0]])
def test_a_message_of_what_is_no_batch_is_refused(batch: object) -> None:
    with pytest.raises(InputError, match="batch"):
        CollectMessage.decode(body_of({**COLLECT, "batch": batch}))


@EVERY_MESSAGE
def test_a_message_for_another_stage_is_refused(message: Message, members: dict[str, Any]) -> None:
    others: set[Message] = {DiscoverMessage, CollectMessage, CommitMessage}
    for other in others - {message}:
        with pytest.raises(InputError):
            other.decode(body_of(members))


def test_the_group_of_a_message_is_its_target() -> None:
    assert DiscoverMessage.decode(body_of(DISCOVER)).target == EU
