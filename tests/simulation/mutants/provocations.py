"""Worlds that provoke a mistake which most schedules give no occasion for."""

from tests.simulation.faults import Fault
from tests.simulation.world import World


def a_close_race(world: World) -> bool:
    """Whether a target comes back just when its run is fenced."""
    return world.scenario.close_race


def two_plans_at_once(world: World) -> bool:
    """Whether the schedule fires twice, the accounts change meanwhile, and handlers take turns."""
    return _may(world, Fault.FIRED_AGAIN, Fault.ACCOUNTS_CHANGED) and world.scenario.in_turns > 0.5


def a_plan_that_comes_late(world: World) -> bool:
    """Whether things break for longer than commit waits for a plan."""
    scenario = world.scenario
    return scenario.max_lateness_seconds + scenario.deadline_seconds < scenario.quiet_after_seconds


def deploys_in_mid_run(world: World) -> bool:
    """Whether builds change while handlers take turns."""
    return _may(world, Fault.DEPLOYED) and world.scenario.in_turns > 0.2


def large_batches(world: World) -> bool:
    """Whether a batch takes several calls of SSM."""
    return world.scenario.batch_size > 50


def losses_in_a_long_run(world: World) -> bool:
    """Whether messages are lost, of a run with a healthy API and the time to send them again."""
    scenario = world.scenario
    return _may(world, Fault.LOST) and scenario.healthy and scenario.deadline_seconds > 2880


def sensitive_fields_left_out(world: World) -> bool:
    """Whether plans leave out the sensitive fields."""
    return not world.scenario.include_sensitive_fields


def _may(world: World, *faults: Fault) -> bool:
    return world.dice.enabled.issuperset(faults)
