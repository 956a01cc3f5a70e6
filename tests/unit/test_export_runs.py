"""The run that an export continues or starts."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from patchlake.adapters.memory import MemoryClock, MemoryStore
from patchlake.core.keys import plan_key, snapshot_key
from patchlake.core.plan import Account
from patchlake.errors import InputError
from patchlake.stages.commit import CommitOutcome
from patchlake_cli.access.sessions import CredentialsError
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.export.composition import compose
from patchlake_cli.export.late_runs import LateRun
from patchlake_cli.export.resume import begin
from tests.export_world import SETTINGS, ExportWorld
from tests.watched_store import WatchedStore, once
from tests.world import EU, HOME, RUN_AT, RUN_ID

OTHER = "444455556666"


def begin_and_die(world: ExportWorld, run_id: str | None = None, **changes: object) -> str:
    """Plan a run and do nothing more, like an export that is killed early; return its id."""
    settings = replace(SETTINGS, **changes)  # type: ignore[arg-type]
    return begin(compose(world.ports(), settings).plan, run_id, world.wait).plan.run_id


def test_a_first_run_is_that_of_the_current_minute_by_the_time_of_aws() -> None:
    world = ExportWorld()

    exported = world.export()

    assert (exported.plan.run_id, exported.is_new) == (RUN_ID, True)
    assert exported.result is not None
    assert exported.result.outcome is CommitOutcome.COMPLETE


def test_the_same_command_takes_up_what_was_left_unfinished() -> None:
    world = ExportWorld()
    begin_and_die(world)
    world.clock.advance(600)

    exported = world.export()

    assert (exported.plan.run_id, exported.is_new) == (RUN_ID, False)


@pytest.mark.parametrize(("jump", "now"), [(2, "in the future"), (-2, "more than 86400 seconds ago")])
def test_a_time_that_jumps_is_not_called_a_wrong_scheduled_time(jump: int, now: str) -> None:
    class Jumping(MemoryClock):
        looks = 0

        def now(self) -> datetime:
            self.looks += 1
            return super().now() + (timedelta(days=jump) if self.looks == 1 else timedelta())

    world = ExportWorld(clock=Jumping(RUN_AT))

    with pytest.raises(CommandError, match=f"the time of AWS's answers jumps: .* {now}.* look for a proxy"):
        begin_and_die(world)


def test_a_run_that_was_planned_at_a_wrong_time_does_not_stop_the_next_one() -> None:
    world = ExportWorld()
    world.clock.advance(2 * 86_400)
    begin_and_die(world)
    world.clock.advance(-2 * 86_400)

    exported = world.export()

    assert (exported.plan.run_id, exported.is_new) == (RUN_ID, True)


def test_of_several_unfinished_runs_the_newest_is_taken_up_first_and_then_the_others() -> None:
    world = ExportWorld()
    for scheduled in ("20261101T050000Z", "20261101T055900Z", "20261101T030000Z"):
        begin_and_die(world, scheduled)

    taken = [world.export().plan.run_id for _ in range(4)]

    assert taken == ["20261101T055900Z", "20261101T050000Z", "20261101T030000Z", RUN_ID]


def test_how_targets_are_reached_may_change_from_one_attempt_to_the_next() -> None:
    world = ExportWorld()
    begin_and_die(world, role_name="mispelt")

    exported = world.export(role_name="right", external_id="secret", connections=2)

    assert not exported.is_new


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"batch_size": 3}, "batch size"),
        ({"deadline_seconds": 60}, "deadline"),
        ({"regions": ("us-east-1",)}, "accounts or regions"),
        ({"accounts": (HOME, OTHER)}, "accounts or regions"),
        ({"patches": True}, "sources, detail deadline"),
    ],
)
def test_a_run_with_other_settings_is_left_alone_and_the_next_minute_is_taken(
    change: dict[str, object], named: str
) -> None:
    world = ExportWorld()
    begin_and_die(world)

    exported = world.export(**change)  # type: ignore[arg-type]

    assert (exported.plan.run_id, exported.is_new) == ("20261101T060100Z", True)
    assert world.waits == [
        (
            f"run {RUN_ID} already exists with different settings ({named}): "
            "this one starts in the next minute, in 55 seconds"
        )
    ]
    assert not world.store.exists(snapshot_key(RUN_ID))


def test_the_next_minute_is_taken_also_if_the_next_answer_is_a_second_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ExportWorld()
    begin_and_die(world)
    advance = world.clock.advance
    monkeypatch.setattr(world.clock, "advance", lambda seconds: advance(seconds - 1))

    assert world.export(batch_size=3).plan.run_id == "20261101T060100Z"


def test_a_run_that_is_named_is_not_waited_for_and_refused_with_other_settings() -> None:
    world = ExportWorld()
    begin_and_die(world)

    refusal = (
        rf"{RUN_ID} already exists with different settings \(batch size\): "
        "use another --scheduled-time, or leave it out to take a snapshot now$"
    )
    with pytest.raises(CommandError, match=refusal):
        world.export(RUN_ID, batch_size=3)
    assert world.waits == []


def test_a_minute_that_does_not_pass_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ExportWorld()
    begin_and_die(world)
    monkeypatch.setattr(world.clock, "advance", lambda _: None)

    with pytest.raises(CommandError, match=r"\(batch size\): retry in a minute$"):
        world.export(batch_size=3)
    assert len(world.waits) == 1


def test_a_published_run_of_this_minute_with_other_settings_is_waited_for_too() -> None:
    world = ExportWorld()
    world.export()

    assert world.export().plan.run_id == RUN_ID
    assert world.export(batch_size=3).plan.run_id == "20261101T060100Z"


def test_a_run_with_patches_has_the_length_of_their_deadline_in_its_settings() -> None:
    world = ExportWorld()
    begin_and_die(world, patches=True)

    with pytest.raises(CommandError, match=rf"{RUN_ID} already exists with different settings \(detail deadline\)"):
        world.export(RUN_ID, patches=True, detail_deadline_seconds=600)

    assert not world.export(RUN_ID, patches=True).is_new


def test_the_names_and_states_of_accounts_do_not_tell_runs_apart() -> None:
    world = ExportWorld()
    world.accounts.organization = [Account(HOME, "old name"), Account("999999999999")]
    begin_and_die(world, accounts="organization")
    world.accounts.organization = [Account(HOME, "new name"), Account("999999999999", active=False)]

    assert not world.export(accounts="organization").is_new


def test_a_published_run_is_not_collected_again() -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(3))
    world.export(RUN_ID)
    world.apis.call_counter.drain()

    again = world.export(RUN_ID)

    assert again.result is None
    assert world.apis.call_counter.drain().calls == 0


def test_a_run_that_another_export_has_just_planned_with_other_settings_is_not_taken_up() -> None:
    store = WatchedStore()
    world = ExportWorld(store)
    other = ExportWorld(MemoryStore(store.objects))
    store.before = once("create", "plans/", lambda: begin_and_die(other, RUN_ID, batch_size=7))

    with pytest.raises(CommandError, match="batch size"):
        world.export(RUN_ID)


@pytest.mark.parametrize("scheduled", ["20261101T060100Z", "20261031T055900Z"])
def test_a_new_run_must_be_of_the_last_day(scheduled: str) -> None:
    with pytest.raises(InputError, match="scheduled time"):
        ExportWorld().export(scheduled)


@pytest.mark.parametrize("changes", [{}, {"batch_size": 3}, {"regions": ("us-east-1",)}], ids=str)
def test_a_late_run_is_closed_whatever_its_settings_and_todays_is_taken(changes: dict[str, object]) -> None:
    world = ExportWorld()
    world.add_nodes(EU, range(3))
    begin_and_die(world, None, **changes)
    world.clock.at += timedelta(days=1)

    exported = world.export()

    assert exported.late == [LateRun(RUN_ID)]
    assert set(world.coverage(RUN_ID)["listing_status"]) == {"NOT_LISTED"}
    assert (exported.plan.run_id, exported.is_new) == ("20261102T060000Z", True)
    assert exported.result is not None
    assert exported.result.outcome is CommitOutcome.COMPLETE
    assert len(world.snapshot("20261102T060000Z")["instance_id"]) == 3


def test_every_late_run_is_closed_the_oldest_first_and_none_twice() -> None:
    world = ExportWorld()
    for scheduled in ("20261101T050000Z", "20261101T030000Z"):
        begin_and_die(world, scheduled)
    world.clock.at += timedelta(days=40)

    first, second = world.export(), world.export()

    assert first.late == [LateRun("20261101T030000Z"), LateRun("20261101T050000Z")]
    assert second.late == []


def test_a_late_run_that_cannot_be_closed_costs_nothing_of_todays() -> None:
    world = ExportWorld()
    begin_and_die(world)
    world.store.create(f"runs/{RUN_ID}/shards/{EU}.parquet", b"not Parquet")
    world.clock.at += timedelta(days=1)

    exported = world.export()

    [late] = exported.late
    assert f"shards/{EU}.parquet" in str(late.obstacle)
    assert f"Run {RUN_ID} passed its deadline unfinished, and cannot be closed: runs/" in str(late)
    assert exported.result is not None
    assert exported.result.outcome is CommitOutcome.COMPLETE


def test_credentials_that_have_ended_end_the_export_before_a_late_run_is_closed() -> None:
    world = ExportWorld()
    begin_and_die(world)
    world.clock.at += timedelta(days=1)

    def ended() -> None:
        raise CredentialsError("renew them")

    world.identify = ended  # type: ignore[assignment]

    with pytest.raises(CredentialsError):
        world.export()


def test_a_run_that_is_named_is_finished_however_old_it_is() -> None:
    world = ExportWorld()
    begin_and_die(world)
    world.clock.at += timedelta(days=40)

    exported = world.export(RUN_ID)

    assert (exported.plan.run_id, exported.late) == (RUN_ID, [])
    assert exported.result is not None
    assert exported.result.outcome is CommitOutcome.PARTIAL


def test_plans_that_cannot_be_read_are_not_taken_up() -> None:
    world = ExportWorld()
    world.store.create(plan_key("20261101T055900Z"), b'{"schema_version": 2}')
    world.store.create("plans/notes.txt", b"")

    assert world.export().plan.run_id == RUN_ID
