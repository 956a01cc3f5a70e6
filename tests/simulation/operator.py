"""The steps of a person for a run that is planned and not published, by docs/operations.md."""

import re
from collections.abc import Callable
from datetime import timedelta

from tests.simulation.keys import run_of
from tests.simulation.world import World, watch_body

_KEY = re.compile(r"(?:plans|runs|lake)/[^\s:,]+\.(?:json|parquet)")


def attend(world: World, fire: Callable[[str], None]) -> bool:
    """Put right what keeps one planned run from being published; return whether there was anything to put right.

    Args:
        world: where things have stopped breaking, or stop now.
        fire: starts the run again, as ``patchlake run`` does.
    """
    for run_id in [run_id for run_id in world.plans if run_id not in world.published_at]:
        if run_id in world.unwatched or is_repairable(world, run_id):
            world.clock.at = max(world.clock.at, world.quiet_at)
            world.dice.rolling = False
            if is_repairable(world, run_id):
                _delete_named_object(world, run_id)
            _watch_again(world, run_id, fire)
            return True
    return False


def is_repairable(world: World, run_id: str) -> bool:
    """Whether a run is CORRUPT for a shard or a part, without which it can be published."""
    return run_id in world.corrupt and named_key(world.corrupt[run_id]).startswith("runs/")


def named_key(detail: str) -> str:
    """Return the first key that an error names."""
    found = _KEY.search(detail)
    return found.group() if found else ""


def _watch_again(world: World, run_id: str, fire: Callable[[str], None]) -> None:
    """Start the run again, where that is still allowed; otherwise send the watch message by hand."""
    plan = world.plans[run_id]
    late = world.clock.at - plan.run_at > timedelta(seconds=world.scenario.max_lateness_seconds)
    if late or run_id in world.tampered:
        world.story.tell("", "the operator sends the watch message of %s again", run_id)
        world.redrive("commit", watch_body(run_id))
    else:
        world.story.tell("", "the operator starts %s again", run_id)
        fire(run_id)


def _delete_named_object(world: World, run_id: str) -> None:
    """Delete the shard or part that a CORRUPT run names, once its deadline has passed: a tombstone takes its place."""
    world.clock.at = max(world.clock.at, world.plans[run_id].deadline_at)
    key = named_key(world.corrupt[run_id])
    if key in world.objects and run_of(key) == run_id:
        world.story.tell("", "the operator deletes %s", key)
        world.tamper(key, None)
