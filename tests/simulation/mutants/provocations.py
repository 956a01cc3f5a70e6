"""Worlds that provoke a mistake which most schedules give no occasion for."""

from collections.abc import Callable

from tests.simulation.faults import Fault
from tests.simulation.world import World

_OFTEN = 0.2


def struck_by(*faults: Fault) -> Callable[[World], bool]:
    """Return whether all of these faults may strike."""
    return lambda world: world.dice.enabled.issuperset(faults)


def two_plans_at_once(world: World) -> bool:
    """Whether the schedule fires twice, the accounts change meanwhile, and handlers often take turns."""
    scenario = world.scenario
    in_turns = scenario.in_turns > 2 * _OFTEN and world.dice.pause_rate >= _OFTEN
    fired_again = scenario.quiet_after_seconds > 600 and struck_by(Fault.FIRED_AGAIN, Fault.ACCOUNTS_CHANGED)(world)
    return in_turns and fired_again


def a_close_race(world: World) -> bool:
    """Whether a target comes back just when its run is fenced."""
    return world.scenario.close_race


def a_plan_that_comes_late(world: World) -> bool:
    """Whether things break for longer than commit waits for a plan."""
    scenario = world.scenario
    return scenario.max_lateness_seconds + scenario.deadline_seconds < scenario.quiet_after_seconds


def more_ticks_than_receives(world: World) -> bool:
    """Whether commit looks for a plan more often than a message can be received, and plans often fail to come."""
    scenario = world.scenario
    ticks = (scenario.max_lateness_seconds + scenario.deadline_seconds) / scenario.tick_seconds
    return ticks > 1000 and world.dice.call_rate >= _OFTEN


def deploys_in_mid_run(world: World) -> bool:
    """Whether builds change while handlers take turns."""
    return struck_by(Fault.DEPLOYED)(world) and world.scenario.in_turns > _OFTEN


def large_batches(world: World) -> bool:
    """Whether a batch takes several calls of SSM."""
    return world.scenario.batch_size > 50


def losses_in_a_long_run(world: World) -> bool:
    """Whether messages are lost, of a run with a healthy API and the time to send them again."""
    scenario = world.scenario
    return struck_by(Fault.LOST)(world) and scenario.healthy and scenario.deadline_seconds > 2880


def with_toys(world: World) -> bool:
    """Whether the run has secondary sources."""
    return world.scenario.toys is not None


def with_patches(world: World) -> bool:
    """Whether the run collects patches."""
    return world.scenario.patches_per_part is not None


def filters_refused(world: World) -> bool:
    """Whether some targets refuse a filter of several values."""
    return world.scenario.refuses_filters


def builds_that_differ(world: World) -> bool:
    """Whether builds change in mid-run that know other secondary sources, or the same ones otherwise."""
    return with_toys(world) and struck_by(Fault.DEPLOYED)(world)


def forged_often(world: World) -> bool:
    """Whether messages are often forged."""
    return world.dice.world_rate > _OFTEN and struck_by(Fault.FORGED)(world)


def toys_forged(world: World) -> bool:
    """Whether messages about secondary sources are often forged."""
    return with_toys(world) and forged_often(world)


def answers_often_lost(world: World) -> bool:
    """Whether the SDK often repeats calls whose answer was lost, and messages come twice."""
    return world.dice.call_rate >= _OFTEN and struck_by(Fault.ANSWER_LOST, Fault.DUPLICATED)(world)


def deploys_between_calls(world: World) -> bool:
    """Whether commits of different builds often take turns."""
    return deploys_in_mid_run(world) and world.dice.call_rate >= _OFTEN


def toys_unhealthy(world: World) -> bool:
    """Whether the operations of secondary sources refuse, or break their own rules."""
    return with_toys(world) and not world.scenario.toys_healthy


def toys_throttled(world: World) -> bool:
    """Whether secondary operations may throttle for good, and soon do."""
    return toys_unhealthy(world) and world.dice.world_rate > _OFTEN / 4 and struck_by(Fault.THROTTLED_FOR_GOOD)(world)


def losses_of_toys(world: World) -> bool:
    """Whether messages are lost, of a run with healthy APIs and the time to send all of them again."""
    scenario = world.scenario
    seconds = min(scenario.detail_deadline_seconds, scenario.deadline_seconds)
    in_time = seconds >= 2880 and scenario.quiet_after_seconds < seconds / 3
    return scenario.healthy and scenario.toys_healthy and in_time and with_toys(world) and struck_by(Fault.LOST)(world)


def toys_stuck(world: World) -> bool:
    """Whether secondary operations may throttle for good, and the detail deadline is long before the run's."""
    scenario = world.scenario
    early = 2 * scenario.detail_deadline_seconds < scenario.deadline_seconds
    return toys_unhealthy(world) and early and struck_by(Fault.THROTTLED_FOR_GOOD)(world)


def toys_held_back(world: World) -> bool:
    """Whether a run may come to its detail deadline, long before its deadline, with secondary objects missing."""
    scenario = world.scenario
    return with_toys(world) and scenario.quiet_after_seconds > scenario.detail_deadline_seconds


def sensitive_fields_left_out(world: World) -> bool:
    """Whether plans leave out the sensitive fields."""
    return not world.scenario.include_sensitive_fields


def giant_targets(world: World) -> bool:
    """Whether targets take about as long to list as an invocation has."""
    return world.scenario.row_seconds > 0


def refused_for_good(world: World) -> bool:
    """Whether targets may refuse for good."""
    return struck_by(Fault.REFUSED_FOR_GOOD)(world) and not world.scenario.healthy


def throttled_for_good(world: World) -> bool:
    """Whether a target may throttle for good."""
    return struck_by(Fault.THROTTLED_FOR_GOOD)(world) and not world.scenario.healthy


def runs_in_functions(world: World) -> bool:
    """Whether the deployed functions handle events."""
    return world.scenario.deployed


def poisoned(world: World) -> bool:
    """Whether every call about some nodes fails, and soon."""
    unhealthy = not (world.scenario.healthy or world.scenario.toys_healthy)
    return unhealthy and world.dice.world_rate > _OFTEN / 4 and struck_by(Fault.POISONED)(world)


def no_active_target(world: World) -> bool:
    """Whether no account can be read."""
    return not any(account.active for account in world.scenario.accounts)


def workers_stalled(world: World) -> bool:
    """Whether a run comes to its deadline without a shard."""
    return world.scenario.stalled
