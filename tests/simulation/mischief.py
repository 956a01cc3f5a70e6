"""Trouble between the handlers: with messages, with the fleet, with the schedule, with deployments."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from patchlake.core.messages import VERSION, CommitMessage
from patchlake.core.plan import Plan
from patchlake.core.targets import Target
from patchlake.errors import FailedCallError, RefusedError, ThrottledError
from tests.simulation.ec2_service import OPERATIONS as EC2_OPERATIONS
from tests.simulation.faults import Fault
from tests.simulation.invocations import QueueName
from tests.simulation.keys import run_of
from tests.simulation.patch_service import DESCRIBE_PATCHES
from tests.simulation.scenario import REGIONS
from tests.simulation.target_apis import ASSUME_ROLE, GET_STATES, LIST_NODES
from tests.simulation.toys import OPERATIONS as TOY_OPERATIONS
from tests.simulation.troubles import Poison, StoreTrouble, Trouble
from tests.simulation.world import World
from tests.world import HOME

_FOREVER = timedelta(days=365)
_LONGEST_DELAY_SECONDS = 900
_MOST = 30
"""So much goes wrong in a schedule at most: some of it makes more messages, with which more can go wrong."""

_MOST_FIRED_AGAIN = 8
"""So often the schedule fires again: each time adds a watch message, which sends all that is missing once more."""

_OPERATIONS = ("", LIST_NODES, GET_STATES)
_HINTS: tuple[QueueName, ...] = ("discover", "collect")
_SECONDARY_HINTS: tuple[QueueName, ...] = ("listing", "detail")
_STORE_OPERATIONS = (
    ("get",),
    ("create",),
    ("exists",),
    ("keys",),
    ("get", "create"),
    ("get", "create", "exists", "keys"),
)
_REFUSALS = (
    ("ROLE_NOT_ASSUMABLE", "AccessDenied", ASSUME_ROLE),
    ("NOT_LISTED", "RegionDisabledException", ASSUME_ROLE),
    ("ACCESS_DENIED", "AccessDeniedException", ""),
    ("REGION_DISABLED", "UnrecognizedClientException", ""),
    ("NOT_LISTED", "SubscriptionRequiredException", ""),
    ("NOT_LISTED", "404", ""),
)
"""Listing status, code and operation; an empty one means the operation that is called."""
_POISONS = (
    FailedCallError("InternalServerError", "poisoned"),
    FailedCallError("500 InvalidInstanceId", "poisoned"),
    RefusedError("NOT_LISTED", "ValidationException", "poisoned"),
    RefusedError("NOT_LISTED", "InvalidInstanceId", "poisoned"),
)


def maybe(world: World, fire: Callable[[int], None]) -> None:
    """Let one thing go wrong, or nothing.

    Args:
        world: where.
        fire: lets the schedule of the n-th run fire.
    """
    dice = world.dice
    fault = dice.choose(dice.world_rate, _FAULTS)
    if fault is None or sum(dice.struck[fault] for fault in _FAULTS) >= _MOST:
        return
    if fault is Fault.FIRED_AGAIN:
        if dice.struck[fault] >= _MOST_FIRED_AGAIN:
            return
        fire(world.random.randrange(len(world.scenario.run_spacings)))
    what = _MISCHIEF[fault](world)
    if what is not None:
        dice.note(fault)
        world.story.tell("", "%s: %s", fault, what)


def throttle_to_the_deadline(world: World, plan: Plan) -> None:
    """Let a target of a new plan come back just when commit is about to fence the run."""
    if world.scenario.close_race and (targets := plan.active_targets()):
        target = world.random.choice(targets)
        until = plan.deadline_at + timedelta(seconds=world.random.randint(-60, 60))
        world.dice.note(Fault.THROTTLED_FOR_A_WHILE)
        world.story.tell("", "%s: %s", Fault.THROTTLED_FOR_A_WHILE, _throttle(world, target, until))


def _hints(world: World) -> tuple[QueueName, ...]:
    """Return the queues whose messages are mere hints."""
    return _HINTS if world.scenario.toys is None else (*_HINTS, *_SECONDARY_HINTS)


# Each of these returns what it did, or None where there was nothing that could go wrong.


def _delay(world: World) -> str | None:
    messages = world.queues[world.random.choice((*_hints(world), "commit"))].messages
    if not messages:
        return None
    message = messages[world.random.choice(list(messages))]
    delay = timedelta(seconds=world.random.randint(1, _LONGEST_DELAY_SECONDS))
    message.visible_at = max(message.visible_at, world.clock.at + delay)
    return message.body


def _lose(world: World) -> str | None:
    """Lose a message, or all of a queue; the watch message is no mere hint."""
    messages = world.queues[world.random.choice(_hints(world))].messages
    if not messages:
        return None
    if world.random.random() < 0.2:
        lost = len(messages)
        messages.clear()
        return f"all {lost} of a queue"
    return messages.pop(world.random.choice(list(messages))).body


def _lose_watch(world: World) -> str | None:
    """Lose the watch message of a run, as an operator does who purges the queue; nothing sends it again."""
    bodies = sorted({message.body for message in world.queues["commit"].messages.values()})
    if not bodies:
        return None
    run_id = CommitMessage.decode(world.random.choice(bodies)).run_id
    world.lose_watch(run_id)
    return f"that of {run_id}"


def _damage(world: World) -> str | None:
    """Put other bytes into an object of a run that is not published: cut off, none, or those of another object.

    A damaged object is no such other: its bytes may be an earlier listing of this very target, which is true and fits.
    """
    keys = [key for key in _unpublished(world) if world.exposed in key]
    if not keys:
        return None
    key, body = world.random.choice([(key, world.objects[key]) for key in keys])
    undamaged = [other for other in keys if other.count("/") == key.count("/") and other not in world.damaged]
    others = [world.objects[other] for other in undamaged] or [body]
    damaged = world.random.choice((b"", body[: len(body) // 2], world.random.choice(others)))
    if damaged == body:
        return None
    world.tamper(key, damaged)
    return key


def _vanish_object(world: World) -> str | None:
    """Delete an object of a run that is not published; while handlers are under way, only a part.

    A plan is left alone: a run without one is planned again, or missed.
    """
    keys = [key for key in _unpublished(world) if "/parts/" in key or not (world.under_way or key.startswith("plans/"))]
    if not keys:
        return None
    key = world.random.choice(keys)
    world.tamper(key, None)
    return key


def _unpublished(world: World) -> list[str]:
    return [key for key in world.objects if run_of(key) not in world.published_at]


def _refuse_store(world: World) -> str:
    """Refuse the bucket, one operation or the use of the key, until someone grants it again."""
    operations = world.random.choice(_STORE_OPERATIONS)
    until = min(_some_time_later(world), world.quiet_at)
    world.store_trouble = StoreTrouble(frozenset(operations), until)
    return f"{', '.join(operations)}, until {until:%d %H:%M:%S}"


def _reorder(world: World) -> str | None:
    name = world.random.choice((*_hints(world), "commit"))
    order = list(world.queues[name].messages.items())
    if not order:
        return None
    world.random.shuffle(order)
    world.queues[name].messages = dict(order)
    return f"those for {name}"


def _redrive(world: World) -> str | None:
    return world.redrive(*world.random.choice(world.sent)) if world.sent else None


def _forge(world: World) -> str:
    """Put a message into a queue that no stage ever sent; it has two receives left."""
    random = world.random
    name = random.choice(_hints(world))
    run_id = random.choice([*world.plans, "20200101T000000Z", "../../plans/x"])
    strange = Target("999999999999", random.choice(("eu-central-1", "../..")))
    target = random.choice((*world.targets, strange, strange))
    forged: dict[str, object] = {
        "v": VERSION,
        "run_id": run_id,
        "account_id": target.account_id,
        "region": target.region,
    }
    if name in {"collect", "detail"}:
        forged["batch"] = random.choice((0, 99, -1))
    if name in _SECONDARY_HINTS:
        details = ("toys",) if world.scenario.patches_per_part is None else ("toys", "patches")
        listings = ("gadgets", "instances", "tags") if world.scenario.lists_ec2 else ("gadgets",)
        strangers = ("nodes", "patch_states", "x", "../x")
        forged["source"] = random.choice(random.choice((details, listings, strangers)))
    if name == "detail":
        forged["slice"] = random.choice((0, 1, 99, -1))
    forged |= random.choice(({}, {}, {"role_arn": f"arn:aws:iam::{HOME}:role/admin"}, {"v": 2}))
    body = random.choice((json.dumps(forged),) * 8 + ("not JSON",))
    queue = world.queues[name]
    queue.send([(body, "")])
    queue.messages[max(queue.messages)].receive_count = queue.max_receive_count - 2
    return f"for {name}: {body}"


def _change_regions(world: World) -> str | None:
    if len(world.regions) > len(REGIONS):
        return None
    world.regions = REGIONS[: 1 if len(world.regions) > 1 else 2]
    return ", ".join(world.regions)


def _change_accounts(world: World) -> str:
    world.change_accounts()
    return ", ".join(account.account_id for account in world.accounts)


def _vanish(world: World) -> str | None:
    target = world.random.choice(world.targets)
    nodes = world.apis.of(target).nodes
    if not nodes:
        return None
    instance_id = world.random.choice(sorted(nodes))
    world.remove_node(target, instance_id)
    return f"{instance_id} of {target}"


def _appear(world: World) -> str:
    target = world.random.choice(world.targets)
    return f"{world.add_node(target)} of {target}"


def _scan(world: World) -> str | None:
    target = world.random.choice(world.targets)
    nodes = world.apis.of(target).nodes
    if not nodes:
        return None
    instance_id = world.random.choice(sorted(nodes))
    world.scan_node(target, instance_id)
    if world.random.random() < 0.5:
        world.describe_node(target, instance_id)
    return f"{instance_id} of {target}"


def _throttle_for_a_while(world: World) -> str:
    return _throttle(world, world.random.choice(world.targets), _some_time_later(world))


def _throttle(world: World, target: Target, until: datetime) -> str:
    """Let AWS throttle a target, in one operation or in all, until a time; a healthy API does so while things break."""
    operation = world.random.choice(_operations(world))
    if world.is_healthy(operation):
        until = min(until, world.quiet_at)
    world.troubles[target] = Trouble(ThrottledError(f"{target} is throttled"), until, operation)
    return f"{target}, {operation or 'all operations'}, until {until:%d %H:%M:%S}"


def _operations(world: World) -> tuple[str, ...]:
    """Return the operations that a run calls, and an empty name for all of them."""
    if world.scenario.toys is None:
        return _OPERATIONS
    patches = () if world.scenario.patches_per_part is None else (DESCRIBE_PATCHES,)
    ec2 = (*EC2_OPERATIONS, *EC2_OPERATIONS) if world.scenario.lists_ec2 else ()
    return (*_OPERATIONS, *TOY_OPERATIONS, *patches, *ec2)


def _throttle_for_good(world: World) -> str | None:
    if any(trouble.until > world.quiet_at for trouble in world.troubles.values()):
        return None
    return _throttle(world, world.random.choice(world.targets), world.clock.at + _FOREVER)


def _refuse_for_a_while(world: World) -> str | None:
    return _refuse(world, _some_time_later(world))


def _refuse_for_good(world: World) -> str | None:
    return _refuse(world, world.clock.at + _FOREVER)


def _refuse(world: World, until: datetime) -> str | None:
    operations = [operation for operation in _operations(world) if not world.is_healthy(operation)]
    if not operations:
        return None
    target = world.random.choice(world.targets)
    status, code, refused = world.random.choice(_REFUSALS)
    operation = world.random.choice(operations)
    world.troubles[target] = Trouble(RefusedError(status, code, f"{target} refuses", refused), until, operation)
    return f"{target}, {operation or 'all operations'}, with {code}, until {until:%d %H:%M:%S}"


def _poison(world: World) -> str | None:
    """Let every call about a node fail, for as long as anything breaks."""
    target = world.random.choice(world.targets)
    nodes = world.apis.of(target).nodes
    if not nodes or world.scenario.healthy or world.scenario.toys_healthy:
        return None
    instance_id = world.random.choice(sorted(nodes))
    operation = world.random.choice([one for one in _operations(world) if one not in {LIST_NODES, *EC2_OPERATIONS}])
    error = world.random.choice(_POISONS)
    world.poisoned[instance_id] = Poison(error, operation)
    return f"{instance_id} of {target}, {operation or 'all operations'}, with {error.code}"


def _some_time_later(world: World) -> datetime:
    """Return a time to come, often one near the deadline of a run, when commit fences it."""
    random = world.random
    deadlines = [plan.deadline_at for plan in world.plans.values()]
    if deadlines and random.random() < 0.6:
        return random.choice(deadlines) + timedelta(seconds=random.randint(-120, 120))
    return world.clock.at + timedelta(seconds=random.randint(1, 4000))


def _deploy(world: World) -> str:
    world.deploy()
    return f"{world.build.version}, batches of {world.build.batch_size}"


_MISCHIEF: dict[Fault, Callable[[World], str | None]] = {
    Fault.DELAYED: _delay,
    Fault.REORDERED: _reorder,
    Fault.LOST: _lose,
    Fault.REDRIVEN: _redrive,
    Fault.FORGED: _forge,
    Fault.FIRED_AGAIN: lambda _: "",
    Fault.ACCOUNTS_CHANGED: _change_accounts,
    Fault.REGIONS_CHANGED: _change_regions,
    Fault.NODE_VANISHED: _vanish,
    Fault.NODE_APPEARED: _appear,
    Fault.NODE_SCANNED: _scan,
    Fault.THROTTLED_FOR_A_WHILE: _throttle_for_a_while,
    Fault.WATCH_LOST: _lose_watch,
    Fault.STORE_REFUSED_FOR_A_WHILE: _refuse_store,
    Fault.DAMAGED: _damage,
    Fault.VANISHED: _vanish_object,
    Fault.THROTTLED_FOR_GOOD: _throttle_for_good,
    Fault.REFUSED_FOR_A_WHILE: _refuse_for_a_while,
    Fault.POISONED: _poison,
    Fault.REFUSED_FOR_GOOD: _refuse_for_good,
    Fault.DEPLOYED: _deploy,
}
_FAULTS = tuple(_MISCHIEF)
