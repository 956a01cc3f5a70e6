"""A run that is started by hand, and followed."""

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from patchlake.core.keys import part_key, plan_key
from patchlake.stages.step import Step
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.lake.runs import Run, RunStatus
from patchlake_cli.operations.manual_run import Started, follow, require_stored, scheduled_event
from patchlake_cli.operations.manual_run_page import NewLetterNotice
from tests.runs import runs_of, two_regions
from tests.world import EU, RUN_ID, SCHEDULED_TIME

if TYPE_CHECKING:
    from patchlake_cli.operations.deployment import Deployment


def test_a_run_is_followed_until_it_is_published() -> None:
    world = two_regions()
    world.start()
    seen: list[Run] = []

    ended = follow(runs_of(world), RUN_ID, pause=world.drain, show=seen.append)

    assert [run.status for run in seen] == [RunStatus.RUNNING, RunStatus.COMPLETE]
    assert ended == seen[-1]


def test_a_new_dead_letter_is_noticed_once() -> None:
    counts = iter([1, 1, 0, 2, 3, 1, 4])
    notice = NewLetterNotice(lambda: next(counts))

    assert [notice.is_due() for _ in range(6)] == [False, False, True, False, False, False]


def test_a_dead_letter_is_new_after_an_earlier_one_was_sent_back() -> None:
    counts = iter([1, 0, 1])
    notice = NewLetterNotice(lambda: next(counts))

    assert [notice.is_due() for _ in range(2)] == [False, True]


def test_following_ends_when_the_run_is_damaged() -> None:
    world = two_regions()
    world.start()
    while world.deliver_discover() or world.deliver_collect():
        pass
    part = part_key(RUN_ID, EU, 0)
    world.store.objects[part] = b"damaged"

    with pytest.raises(CommandError, match=part):
        follow(runs_of(world), RUN_ID, pause=world.drain, show=lambda _: None)


def test_following_ends_when_the_deadline_is_long_past() -> None:
    world = two_regions()
    world.start()

    def pause() -> None:
        world.clock.advance(3600)

    with pytest.raises(CommandError, match=f"run {RUN_ID} is past its deadline and is not published"):
        follow(runs_of(world), RUN_ID, pause=pause, show=lambda _: None)


def test_damage_in_the_lake_is_one_line_that_names_the_object() -> None:
    world = two_regions()
    world.start()
    world.store.objects[plan_key(RUN_ID)] = b"{}"

    with pytest.raises(CommandError, match=plan_key(RUN_ID)):
        follow(runs_of(world), RUN_ID, pause=world.drain, show=lambda _: None)


def test_an_answer_of_plan_of_which_the_lake_has_nothing_is_not_followed() -> None:
    world = two_regions()
    runs = runs_of(world)
    deployment = cast("Deployment", SimpleNamespace(plan_function="patchlake-plan", bucket="lake"))

    def refused(step: Step) -> str:
        with pytest.raises(CommandError) as caught:
            require_stored(runs, deployment, Started(RUN_ID, step))
        return str(caught.value)

    for step in (Step.STORED, Step.ADOPTED):
        answered = f"function patchlake-plan answered {step} for run {RUN_ID}"
        assert refused(step).startswith(f"{answered}, but s3://lake has no plan of that run: ")
    world.start()
    require_stored(runs, deployment, Started(RUN_ID, Step.ADOPTED))
    assert "answered LATE" in refused(Step.LATE)
    assert "s3://lake has no snapshot of that run: the function uses another bucket, or a proxy" in refused(Step.LATE)
    world.drain()
    require_stored(runs, deployment, Started(RUN_ID, Step.LATE))


def test_the_event_is_the_schedules() -> None:
    assert scheduled_event(RUN_ID) == {"scheduled_time": SCHEDULED_TIME}
