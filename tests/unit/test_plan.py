"""The plan: decided once, sorted, and read back exactly as stored, or not at all."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchlake.core.plan import Account, Plan, decode_plan, encode_plan, make_plan, plan_sha256
from patchlake.core.targets import Target
from patchlake.errors import ConfigError, InputError, IntegrityError, RetryableError
from tests.world import HOME, RUN_AT, RUN_ID

REGIONS = ["us-east-1", "eu-central-1", "eu-west-1"]
ACCOUNTS = st.lists(
    st.builds(
        Account,
        account_id=st.integers(0, 10**12 - 1).map("{:012d}".format),
        name=st.none() | st.text(max_size=5),
        active=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def plan_of(
    accounts: list[Account], regions: list[str], planned_at: datetime = RUN_AT, excluded: Sequence[str] = ()
) -> Plan:
    return make_plan(
        RUN_ID,
        planned_at=planned_at,
        deadline_seconds=14_400,
        batch_size=2000,
        include_sensitive_fields=False,
        home_account_id=HOME,
        accounts=accounts,
        regions=regions,
        excluded_account_ids=excluded,
    )


def stored(**changes: object) -> bytes:
    """Return a stored plan of two targets, with some members changed."""
    members: dict[str, Any] = msgspec.json.decode(encode_plan(plan_of([Account(HOME)], REGIONS[:2])))
    return msgspec.json.encode(members | changes)


@given(accounts=ACCOUNTS, regions=st.lists(st.sampled_from(REGIONS)))
def test_a_plan_covers_every_region_of_every_account_once_and_sorted(
    accounts: list[Account], regions: list[str]
) -> None:
    plan = plan_of(accounts, regions)

    targets = [planned.target for planned in plan.targets]
    assert targets == sorted({Target(account.account_id, region) for account in accounts for region in regions})
    assert plan.active_targets() == [planned.target for planned in plan.targets if planned.active]


@given(accounts=ACCOUNTS, regions=st.lists(st.sampled_from(REGIONS)))
def test_a_plan_comes_back_as_it_was_stored(accounts: list[Account], regions: list[str]) -> None:
    plan = plan_of(accounts, regions)

    assert decode_plan(encode_plan(plan), RUN_ID) == plan


def test_equal_plans_give_equal_bytes_whatever_the_order_of_what_they_are_made_of() -> None:
    accounts = [Account("1" * 12, "one"), Account("2" * 12, "two", active=False)]

    first, second = plan_of(accounts, REGIONS), plan_of(accounts[::-1], REGIONS[::-1])

    assert encode_plan(first) == encode_plan(second)
    assert plan_sha256(encode_plan(first)) == plan_sha256(encode_plan(second))


def test_a_stored_plan_is_json_that_people_can_read() -> None:
    body = encode_plan(plan_of([Account(HOME, "production")], ["eu-central-1"]))

    assert body.decode() == (
        """{
  "schema_version": 1,
  "run_id": "20261101T060000Z",
  "planned_at": "2026-11-01T06:00:00Z",
  "deadline_at": "2026-11-01T10:00:00Z",
  "batch_size": 2000,
  "include_sensitive_fields": false,
  "home_account_id": "111122223333",
  "targets": [
    {
      "account_id": "111122223333",
      "region": "eu-central-1",
      "account_name": "production",
      "active": true
    }
  ]
}"""
    )


@given(accounts=ACCOUNTS, data=st.data())
def test_an_excluded_account_has_no_target_and_is_named(accounts: list[Account], data: st.DataObject) -> None:
    covered = Account("9" * 12)
    others = {account.account_id for account in accounts} - {covered.account_id}
    excluded = data.draw(st.lists(st.sampled_from([*sorted(others), "0" * 12])))

    plan = plan_of([*accounts, covered], REGIONS, excluded=excluded)

    assert {planned.account_id for planned in plan.targets} == {a.account_id for a in [*accounts, covered]} - {
        *excluded
    }
    assert plan.excluded_account_ids == tuple(sorted({*excluded}))
    assert decode_plan(encode_plan(plan), RUN_ID) == plan


def test_excluded_accounts_stand_in_the_json_and_only_if_there_are_any() -> None:
    plan = plan_of([Account(HOME)], REGIONS, excluded=["2" * 12])

    assert msgspec.json.decode(encode_plan(plan))["excluded_account_ids"] == ["2" * 12]
    assert b"excluded" not in encode_plan(plan_of([Account(HOME)], REGIONS))


def test_a_plan_that_excludes_every_account_is_refused() -> None:
    with pytest.raises(ConfigError, match=f"^run {RUN_ID}: every account is excluded .{HOME}, {'2' * 12}.: expected"):
        plan_of([Account(HOME)], REGIONS, excluded=["2" * 12, HOME])


def test_a_plan_without_any_account_is_refused_for_now() -> None:
    with pytest.raises(RetryableError, match=f"^run {RUN_ID}: there is no account to cover"):
        plan_of([], REGIONS)


def test_the_times_of_a_plan_are_in_utc_whatever_the_zone_of_the_clock() -> None:
    plan = plan_of([Account(HOME)], [], RUN_AT.astimezone(timezone(timedelta(hours=9))))

    assert plan.planned_at.tzinfo is UTC
    assert plan.deadline_at == datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert plan.run_at == RUN_AT


def test_a_plan_accepts_its_active_targets_and_no_others() -> None:
    plan = plan_of([Account(HOME), Account("2" * 12, active=False)], ["eu-central-1"])

    plan.require(Target(HOME, "eu-central-1"))
    for other in (Target(HOME, "eu-west-1"), Target("3" * 12, "eu-central-1"), Target("2" * 12, "eu-central-1")):
        with pytest.raises(InputError, match=f"{RUN_ID}: its plan names no active target {other}"):
            plan.require(other)


def test_members_that_a_later_version_added_are_ignored() -> None:
    assert decode_plan(stored(paused=True), RUN_ID) == decode_plan(stored(), RUN_ID)


def test_the_plan_of_another_run_is_refused() -> None:
    with pytest.raises(IntegrityError, match=r"plans/20261101T060000Z\.json is the plan of run 20261102T060000Z"):
        decode_plan(stored(run_id="20261102T060000Z"), RUN_ID)


TARGETS = msgspec.json.decode(stored())["targets"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        stored()[:-1],
        b"\xff" + stored(),
        stored().replace(b"111122223333", b"\xff\xff"),
        b'{"later":' + b"[" * 100_000,
        stored(schema_version=2),
        stored(run_id="../../x"),
        stored(batch_size=0),
        stored(batch_size=10_001),
        stored(planned_at="2026-11-01T06:00:00"),
        stored(deadline_at="tomorrow"),
        stored(home_account_id="1"),
        stored(include_sensitive_fields="yes"),
        stored(targets=None),
        stored(targets=[*TARGETS, {}]),
        stored(targets=TARGETS[::-1]),
        stored(targets=[*TARGETS, TARGETS[-1]]),
        stored(excluded_account_ids=[HOME]),
        stored(excluded_account_ids=["1"]),
        stored(excluded_account_ids=None),
    ],
    ids=[
        "empty",
        "null",
        "cut short",
        "not UTF-8",
        "a text that is not UTF-8",
        "nested without end",
        "of another schema version",
        "of what is no run",
        "batches of nothing",
        "batches too large",
        "a time without a zone",
        "a deadline that is no time",
        "a home that is no account",
        "a setting that is neither true nor false",
        "no targets",
        "a target without members",
        "targets out of order",
        "a target twice",
        "an excluded account with targets",
        "an excluded account that is none",
        "excluded accounts that are no list",
    ],
)
def test_a_damaged_plan_is_refused_by_its_key(body: bytes) -> None:
    with pytest.raises(IntegrityError, match=rf"run {RUN_ID}: plans/{RUN_ID}\.json"):
        decode_plan(body, RUN_ID)
