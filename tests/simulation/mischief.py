"""What goes wrong between the handlers: with messages, with the fleet, with the schedule, with deployments."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from patchlake.core.messages import VERSION
from patchlake.core.plan import Account, Plan
from patchlake.core.targets import Target
from patchlake.errors import RefusedError, RetryableError
from tests.simulation.faults import Fault
from tests.simulation.ports import GET_STATES, LIST_NODES
from tests.simulation.scenario import REGIONS
from tests.simulation.world import NEWEST_COLUMNS, Build, Stage, Trouble, World
from tests.world import HOME

_FOREVER = timedelta(days=365)
_LONGEST_DELAY_SECONDS = 900
_MOST = 30
"""So much goes wrong in a schedule at most: some of it makes more messages, with which more can go wrong."""

_FAULTS = (
    Fault.DELAYED,
    Fault.REORDERED,
    Fault.LOST,
    Fault.REDRIVEN,
    Fault.FORGED,
    Fault.FIRED_AGAIN,
    Fault.ACCOUNTS_CHANGED,
    Fault.REGIONS_CHANGED,
    Fault.NODE_VANISHED,
    Fault.NODE_APPEARED,
    Fault.NODE_SCANNED,
    Fault.THROTTLED_FOR_A_WHILE,
    Fault.REFUSED_FOR_A_WHILE,
    Fault.REFUSED_FOR_GOOD,
    Fault.DEPLOYED,
)
_OPERATIONS = ("", LIST_NODES, GET_STATES)
_HINTS: tuple[Stage, ...] = ("discover", "collect")
_QUEUES: tuple[Stage, ...] = (*_HINTS, "commit")
_REFUSALS = (
    ("ROLE_NOT_ASSUMABLE", "AccessDenied"),
    ("ACCESS_DENIED", "AccessDeniedException"),
    ("REGION_DISABLED", "UnrecognizedClientException"),
)


def maybe(world: World, fire: Callable[[int], None]) -> None:  # noqa: C901, PLR0912  # a flat list of mischief
    """Let one thing go wrong, or nothing.

    Args:
        world: where.
        fire: lets the schedule of the n-th run fire.
    """
    random, dice = world.random, world.dice
    if sum(dice.struck[fault] for fault in _FAULTS) >= _MOST:
        return
    fault = dice.strike(dice.world_rate, _FAULTS)
    target = random.choice(world.targets)
    source = world.sources.of(target)
    match fault:
        case None:
            return
        case Fault.DELAYED | Fault.LOST:
            _hit_a_message(world, fault)
        case Fault.REORDERED:
            queue = world.queues[random.choice(_QUEUES)]
            order = list(queue.messages.items())
            random.shuffle(order)
            queue.messages = dict(order)
        case Fault.REDRIVEN if world.sent:
            redrive(world, *random.choice(world.sent))
        case Fault.FORGED:
            _forge(world, random.choice(_HINTS))
        case Fault.FIRED_AGAIN:
            fire(random.randrange(len(world.scenario.run_spacings)))
        case Fault.ACCOUNTS_CHANGED:
            kept = [account for account in world.accounts if account.account_id == HOME or random.random() < 0.7]
            world.accounts = [*kept, Account(f"{random.randrange(6, 9) * 10**11 + world.dice.struck.total()}", "new")]
        case Fault.REGIONS_CHANGED:
            world.regions = REGIONS[: 3 - len(world.regions)] if len(world.regions) < 3 else world.regions
        case Fault.NODE_VANISHED if source.nodes:
            world.remove_node(target, random.choice(sorted(source.nodes)))
        case Fault.NODE_APPEARED:
            world.add_node(target)
        case Fault.NODE_SCANNED if source.nodes:
            world.scan_node(target, random.choice(sorted(source.nodes)), missing=random.randrange(1000))
        case Fault.THROTTLED_FOR_A_WHILE:
            throttle(world, target, _some_time_later(world))
            return
        case Fault.REFUSED_FOR_A_WHILE | Fault.REFUSED_FOR_GOOD:
            status, code = random.choice(_REFUSALS)
            until = _some_time_later(world) if fault is Fault.REFUSED_FOR_A_WHILE else world.clock.at + _FOREVER
            error = RefusedError(status, code, f"{target} refuses")
            world.troubles[target] = Trouble(error, until, random.choice(_OPERATIONS))
        case Fault.DEPLOYED:
            unknown = random.choice((frozenset[str](), NEWEST_COLUMNS))
            world.build = Build(str(int(world.build.version) + 1), random.randint(1, 4), unknown)
        case _:
            return
    world.story.tell("", "%s%s", fault, f" ({target})" if fault in _OF_A_TARGET else "")


_OF_A_TARGET = {
    Fault.NODE_VANISHED,
    Fault.NODE_APPEARED,
    Fault.NODE_SCANNED,
    Fault.THROTTLED_FOR_A_WHILE,
    Fault.REFUSED_FOR_A_WHILE,
    Fault.REFUSED_FOR_GOOD,
}


def _some_time_later(world: World) -> datetime:
    """Return a time to come, often one near the deadline of a run, when commit fences it."""
    random = world.random
    deadlines = [plan.deadline_at for plan in world.plans.values()]
    if deadlines and random.random() < 0.6:
        return random.choice(deadlines) + timedelta(seconds=random.randint(-120, 120))
    return world.clock.at + timedelta(seconds=random.randint(1, 4000))


def throttle(world: World, target: Target, until: datetime) -> None:
    """Let SSM throttle a target, in one operation or in all, until a time; a healthy API does so while things break."""
    if world.scenario.healthy:
        until = min(until, world.quiet_at)
    operation = world.random.choice(_OPERATIONS)
    world.troubles[target] = Trouble(RetryableError(f"{target} is throttled"), until, operation)
    world.story.tell("", "%s throttles %s until %s", target, operation or "everything", until)


def throttle_to_the_deadline(world: World, plan: Plan) -> None:
    """Let a target of a new plan come back just when commit is about to fence the run."""
    if world.scenario.close_race:
        world.dice.note(Fault.THROTTLED_FOR_A_WHILE)
        until = plan.deadline_at + timedelta(seconds=world.random.randint(-60, 60))
        throttle(world, world.random.choice(plan.active_targets()), until)


def redrive(world: World, stage: Stage, body: str) -> None:
    """Send an old message once more, as somebody does who empties a dead-letter queue."""
    world.queues[stage].send([(body, "")])
    world.story.tell("", "redriven to %s: %s", stage, body)


def _hit_a_message(world: World, fault: Fault) -> None:
    """Delay a message, or lose one, or all of a queue; the watch message is no mere hint, and SQS does not lose it."""
    random = world.random
    queue = world.queues[random.choice(_HINTS if fault is Fault.LOST else _QUEUES)]
    if not queue.messages:
        return
    chosen = random.choice(list(queue.messages))
    if fault is Fault.DELAYED:
        delay = timedelta(seconds=random.randint(1, _LONGEST_DELAY_SECONDS))
        queue.messages[chosen].visible_at = max(queue.messages[chosen].visible_at, world.clock.at + delay)
    elif random.random() < 0.2:
        queue.messages.clear()
    else:
        del queue.messages[chosen]


def _forge(world: World, stage: Stage) -> None:
    """Put a message into a queue that no stage ever sent; it has two receives left."""
    random = world.random
    run_id = random.choice([*world.plans, "20200101T000000Z", "../../plans/x"])
    strange = Target("999999999999", random.choice(("eu-central-1", "../..")))
    target = random.choice((*world.targets, strange, strange))
    forged: dict[str, object] = {
        "v": VERSION,
        "run_id": run_id,
        "account_id": target.account_id,
        "region": target.region,
    }
    if stage == "collect":
        forged["batch"] = random.choice((0, 99, -1))
    forged |= random.choice(({}, {}, {"role_arn": f"arn:aws:iam::{HOME}:role/admin"}, {"v": 2}))
    body = random.choice((json.dumps(forged),) * 8 + ("not JSON",))
    queue = world.queues[stage]
    queue.send([(body, "")])
    queue.messages[max(queue.messages)].receive_count = queue.max_receive_count - 2
    world.story.tell("", "forged for %s: %s", stage, body)
