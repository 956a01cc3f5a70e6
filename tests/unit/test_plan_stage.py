"""plan: decide a run once, and send its first messages."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO

import pytest

from patchlake.adapters.memory import MemoryClock, MemoryQueue, MemoryStore
from patchlake.core.keys import plan_key, snapshot_key
from patchlake.core.messages import CommitMessage, DiscoverMessage
from patchlake.core.plan import Account, Plan, decode_plan
from patchlake.errors import ConfigError, InputError, IntegrityError, PermanentError, RetryableError
from patchlake.stages.plan import PlanResult
from patchlake.stages.step import Step
from tests.watched_store import WatchedStore, fail_once, once
from tests.world import EU, HOME, RUN_AT, RUN_ID, SCHEDULED_TIME, US, FixedAccounts, World

EVENT = {"scheduled_time": SCHEDULED_TIME}
SECOND = "444455556666"
UNIT, EMPTY = "ou-abcd-11111111", "ou-abcd-22222222"


def bodies(queue: MemoryQueue) -> list[str]:
    return [message.body for message in queue.messages.values()]


def stored_plan(world: World) -> Plan:
    return decode_plan(world.store.objects[plan_key(RUN_ID)], RUN_ID)


class ForgetfulQueue(MemoryQueue):
    """A queue that accepts only its first message."""

    def send(self, messages: Iterable[tuple[str, str]]) -> None:
        super().send(islice(messages, 1 - len(self.messages)))
        msg = "the rest could not be sent"
        raise RetryableError(msg)


class RefusedAccounts(FixedAccounts):
    """An organization that may not be listed."""

    def organization_accounts(self) -> list[Account]:
        msg = "organizations:ListAccounts is refused"
        raise PermanentError(msg)


def test_a_list_of_accounts_without_our_own_is_no_list() -> None:
    world = World(accounts="organization")
    world.accounts.organization = [Account("444455556666"), Account("777788889999")]

    with pytest.raises(RetryableError, match=rf"list of 2 accounts lacks your own, {HOME}"):
        world.plan.handle(EVENT)

    assert world.store.get(plan_key(RUN_ID)) is None
    assert bodies(world.discover_queue) == []


def test_a_run_is_planned_and_everybody_woken() -> None:
    world = World(regions=("us-east-1", "eu-central-1"))

    result = world.plan.handle(EVENT)

    plan = stored_plan(world)
    assert result == PlanResult(RUN_ID, Step.STORED, 2, 2)
    assert [planned.target for planned in plan.targets] == [EU, US]
    assert bodies(world.commit_queue) == [CommitMessage(run_id=RUN_ID).encode()]
    assert bodies(world.discover_queue) == [
        DiscoverMessage(run_id=RUN_ID, account_id=HOME, region=region).encode()
        for region in ("eu-central-1", "us-east-1")
    ]


def test_a_plan_takes_its_times_from_the_clock_and_its_settings_from_the_environment() -> None:
    world = World(batch_size=7)

    world.start()

    plan = stored_plan(world)
    assert plan.planned_at == world.clock.now()
    assert (plan.deadline_at - plan.planned_at).total_seconds() == 14_400
    assert (plan.batch_size, plan.include_sensitive_fields, plan.home_account_id) == (7, False, HOME)


def test_accounts_of_a_list_are_planned_without_names() -> None:
    world = World(accounts=(SECOND, HOME))

    world.start()

    assert [(p.account_id, p.account_name, p.active) for p in stored_plan(world).targets] == [
        (HOME, None, True),
        (SECOND, None, True),
    ]


def test_a_suspended_account_of_the_organization_is_planned_and_not_asked() -> None:
    world = World(accounts="organization")
    world.accounts.organization = [Account(HOME, "tools"), Account(SECOND, "closed", active=False)]

    result = world.plan.handle(EVENT)

    assert (result.targets, result.active_targets) == (2, 1)
    assert [(p.account_name, p.active) for p in stored_plan(world).targets] == [("tools", True), ("closed", False)]
    assert [DiscoverMessage.decode(body).target for body in bodies(world.discover_queue)] == [EU]


def test_our_own_account_is_read_whatever_the_organization_says_of_it() -> None:
    world = World(accounts="organization")
    world.accounts.organization = [Account(HOME, "tools", active=False), Account(SECOND, "closed", active=False)]

    result = world.plan.handle(EVENT)

    assert (result.targets, result.active_targets) == (2, 1)
    assert [(p.account_name, p.active) for p in stored_plan(world).targets] == [("tools", True), ("closed", False)]


def test_the_home_account_is_our_own_wherever_it_stands_in_the_organization() -> None:
    world = World(accounts="organization")
    world.accounts.organization = [Account(SECOND, "first to be listed"), Account(HOME, "tools")]

    world.start()

    assert stored_plan(world).home_account_id == HOME


def test_every_discover_message_has_its_target_for_its_group() -> None:
    world = World(regions=("us-east-1", "eu-central-1"))

    world.start()

    assert [message.group for message in world.discover_queue.messages.values()] == [str(EU), str(US)]


def test_an_excluded_account_of_the_organization_is_not_planned_and_named_by_the_plan() -> None:
    world = World(accounts="organization", excluded_accounts=(SECOND,))
    world.accounts.organization = [Account(HOME, "tools"), Account(SECOND, "sandbox")]

    result = world.plan.handle(EVENT)

    assert (result.targets, result.active_targets) == (1, 1)
    assert [DiscoverMessage.decode(body).target for body in bodies(world.discover_queue)] == [EU]
    assert stored_plan(world).excluded_account_ids == (SECOND,)


def test_accounts_of_a_unit_are_planned_with_what_the_organization_knows() -> None:
    third = "777788889999"
    world = World(accounts=(SECOND, third, UNIT))
    world.accounts.units = {UNIT: [Account(SECOND, "shop", active=False), Account(HOME, "tools")]}

    result = world.plan.handle(EVENT)

    assert (result.targets, result.active_targets) == (3, 2)
    assert [(p.account_id, p.account_name, p.active) for p in stored_plan(world).targets] == [
        (HOME, "tools", True),
        (SECOND, "shop", False),
        (third, None, True),
    ]


def test_an_excluded_account_of_a_unit_is_not_planned() -> None:
    world = World(accounts=(UNIT,), excluded_accounts=(SECOND,))
    world.accounts.units = {UNIT: [Account(HOME), Account(SECOND)]}

    world.start()

    assert [planned.account_id for planned in stored_plan(world).targets] == [HOME]
    assert stored_plan(world).excluded_account_ids == (SECOND,)


def test_a_unit_without_accounts_is_covered_where_there_are_others() -> None:
    world = World(accounts=(EMPTY, HOME))
    world.accounts.units = {EMPTY: []}

    world.start()

    assert [planned.account_id for planned in stored_plan(world).targets] == [HOME]


def test_units_without_any_account_are_never_planned() -> None:
    world = World(accounts=(EMPTY,))
    world.accounts.units = {EMPTY: []}

    with pytest.raises(ConfigError, match=f"no account in {EMPTY}, nor in the units below: expected at least one"):
        world.start()

    assert world.store.objects == {}


def test_all_enabled_regions_are_those_of_our_own_account() -> None:
    world = World(accounts=(HOME, SECOND), regions="all-enabled")
    world.accounts.regions = ["us-east-1", "eu-central-1"]

    world.start()

    assert [(planned.account_id, planned.region) for planned in stored_plan(world).targets] == [
        (account_id, region) for account_id in (HOME, SECOND) for region in ("eu-central-1", "us-east-1")
    ]


def test_a_run_without_any_account_is_never_planned() -> None:
    world = World(excluded_accounts=(HOME,))

    with pytest.raises(ConfigError, match=f"every account is excluded .{HOME}.: expected at least one to cover"):
        world.start()

    assert world.store.objects == {}


def test_the_same_time_again_gives_the_same_plan_and_sends_every_message_again() -> None:
    world = World()
    world.start()
    plan = world.store.objects[plan_key(RUN_ID)]
    world.clock.advance(30)
    world.settings = replace(world.settings, regions=("us-east-1",), batch_size=1)

    result = world.plan.handle({"scheduled_time": "2026-11-01T07:00:00+01:00"})

    assert result == PlanResult(RUN_ID, Step.ADOPTED, 1, 1)
    assert world.store.objects[plan_key(RUN_ID)] == plan
    for queue in (world.discover_queue, world.commit_queue):
        first, second = bodies(queue)
        assert first == second
    assert world.accounts.asked == 1


def test_a_plan_that_another_invocation_stores_at_the_same_time_is_adopted() -> None:
    world, other = World(regions=("us-east-1",)), World()
    other.start()
    world.store = WatchedStore(before=once("create", "plans/", lambda: world.store.objects.update(other.store.objects)))

    result = world.plan.handle(EVENT)

    assert result.step is Step.ADOPTED
    assert [DiscoverMessage.decode(body).target for body in bodies(world.discover_queue)] == [EU]


def test_the_watch_message_is_sent_before_anything_that_may_fail() -> None:
    world = World(accounts="organization")
    world.accounts = RefusedAccounts()

    with pytest.raises(PermanentError, match="organizations:ListAccounts"):
        world.start()

    assert bodies(world.commit_queue) == [CommitMessage(run_id=RUN_ID).encode()]
    assert world.store.objects == {}
    assert bodies(world.discover_queue) == []


def test_a_plan_that_crashed_after_the_watch_message_is_made_by_the_next_attempt() -> None:
    world = World()
    world.store = WatchedStore(before=fail_once("create", "plans/"))
    with pytest.raises(RetryableError, match="create failed for now"):
        world.start()

    result = world.plan.handle(EVENT)

    assert result.step is Step.STORED
    assert len(world.commit_queue.messages) == 2
    assert len(world.discover_queue.messages) == 1


def test_a_plan_that_crashed_after_it_was_stored_is_finished_by_the_next_attempt() -> None:
    world = World(regions=("eu-central-1", "us-east-1"))
    queue, world.discover_queue = world.discover_queue, ForgetfulQueue(world.clock, 960, 20)
    with pytest.raises(RetryableError, match="the rest could not be sent"):
        world.start()
    plan = world.store.objects[plan_key(RUN_ID)]
    world.discover_queue = queue

    result = world.plan.handle(EVENT)

    assert result == PlanResult(RUN_ID, Step.ADOPTED, 2, 2)
    assert world.store.objects == {plan_key(RUN_ID): plan}
    assert [DiscoverMessage.decode(body).target for body in bodies(queue)] == [EU, US]


def test_a_run_that_is_published_is_left_alone_however_old_it_is() -> None:
    world = World()
    world.store.create(snapshot_key(RUN_ID), b"")
    world.clock.advance(10 * 86_400)

    result = world.plan.handle(EVENT)

    assert result == PlanResult(RUN_ID, Step.LATE)
    assert bodies(world.commit_queue) + bodies(world.discover_queue) == []


@pytest.mark.parametrize(
    "event",
    [{}, {"scheduled_time": None}, {"scheduled_time": "<aws.scheduler.scheduled-time>"}, {"time": SCHEDULED_TIME}],
    ids=str,
)
def test_an_event_without_a_scheduled_time_is_refused_and_now_is_no_substitute(event: dict[str, object]) -> None:
    world = World()

    with pytest.raises(InputError, match=r"the event's scheduled_time is .* expected an ISO 8601 time"):
        world.plan.handle(event)

    assert world.store.objects == {}
    assert bodies(world.commit_queue) == []


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(-61, "its scheduled time is in the future"), (86_341, "more than 86400 seconds ago; SSM keeps no history")],
    ids=["in the future", "too late"],
)
def test_a_time_in_the_future_or_too_long_ago_is_refused(seconds: int, reason: str) -> None:
    world = World()
    world.clock.advance(seconds)

    with pytest.raises(InputError, match=f"run {RUN_ID}: .*{reason}"):
        world.plan.handle(EVENT)

    assert world.store.objects == {}
    assert bodies(world.commit_queue) == []


def test_a_plan_is_not_stored_whose_time_has_jumped_to_before_its_run() -> None:
    class Jumping(MemoryClock):
        looks = 0

        def now(self) -> datetime:
            self.looks += 1
            return super().now() - (timedelta(days=9) if self.looks == 2 else timedelta())

    world = World()
    stage = replace(world.plan, clock=Jumping(RUN_AT))

    with pytest.raises(InputError, match=f"run {RUN_ID}: its scheduled time is in the future"):
        stage.handle(EVENT)

    assert world.store.objects == {}
    assert stage.handle(EVENT).step is Step.STORED


@pytest.mark.parametrize("seconds", [-60, 86_340], ids=["at once", "just in time"])
def test_a_time_from_now_to_the_greatest_lateness_is_planned(seconds: int) -> None:
    world = World()
    world.clock.advance(seconds)

    assert world.plan.handle(EVENT).step is Step.STORED


def test_a_damaged_plan_stops_the_stage_by_its_key() -> None:
    world = World()
    world.store.create(plan_key(RUN_ID), b"{}")

    with pytest.raises(IntegrityError, match=f"plans/{RUN_ID}.json"):
        world.plan.handle(EVENT)


class ContradictoryStore(MemoryStore):
    """A store that refuses to create what it does not have."""

    def create(self, key: str, body: bytes | BinaryIO) -> bool:  # noqa: ARG002
        return False


def test_a_store_that_has_and_has_not_a_plan_stops_the_stage() -> None:
    world = World()
    world.store = ContradictoryStore()

    with pytest.raises(
        IntegrityError, match=f"plans/{RUN_ID}.json: the store reports that it exists, but does not return it"
    ):
        world.start()
