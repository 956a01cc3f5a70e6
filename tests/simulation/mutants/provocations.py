"""Worlds that provoke mistakes for which most schedules give no occasion."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from patchlake.core.plan import Account
from patchlake.core.targets import Target
from patchlake.errors import FailedCallError, RefusedError, RetryableError, ThrottledError
from tests.simulation.ec2_service import DESCRIBE_INSTANCES, DESCRIBE_TAGS
from tests.simulation.faults import Fault
from tests.simulation.patch_service import DESCRIBE_PATCHES
from tests.simulation.provocation import CALM, Provocation, having, struck_by
from tests.simulation.scenario import REGIONS
from tests.simulation.target_apis import ASSUME_ROLE, GET_STATES, LIST_NODES
from tests.simulation.toys import DESCRIBE_TOYS, LIST_GADGETS, KnownToys
from tests.simulation.troubles import Poison, Trouble
from tests.simulation.world import World
from tests.world import HOME

_FOREVER = timedelta(days=365)

# How often something breaks, and for how long.

CALLS_STRUCK_OFTEN = Provocation(call_rate=0.2)
OFTEN_IN_TURNS = having(in_turns=0.6) & Provocation(pause_rate=0.5)
BREAKS_FOR_AN_HOUR = having(deadline_seconds=7200, quiet_after_seconds=3600)
UNHEALTHY = having(healthy=False, toys_healthy=False)
SENSITIVE_FIELDS_LEFT_OUT = having(include_sensitive_fields=False)
RUNS_IN_FUNCTIONS = having(deployed=True, in_turns=0.1)

# Fleets.

_ACCOUNTS = (Account("444455550001", "one"), Account("444455550002", "two"), Account(HOME, "home"))
_TARGETS = tuple(Target(account.account_id, region) for account in _ACCOUNTS for region in REGIONS)


def _of_nodes(number: int, *, targets: tuple[Target, ...] = _TARGETS) -> Provocation:
    read = {target.account_id for target in targets}
    # Every organization's list has our own account.
    accounts = tuple(each for each in _ACCOUNTS if each.account_id in {*read, HOME})
    regions = tuple(dict.fromkeys(target.region for target in targets))
    return having(
        accounts=accounts,
        excluded_accounts=tuple({HOME} - read),
        regions=regions,
        nodes=dict.fromkeys(targets, number),
        row_seconds=0,
    )


PEOPLED = _of_nodes(4)
"""Six targets of four nodes each."""

TWO_TARGETS = _of_nodes(4, targets=_TARGETS[-2:])
"""Two targets of four nodes each."""

ONE_TARGET = _of_nodes(8, targets=_TARGETS[-1:])
"""One target of eight nodes."""

LARGE_BATCHES = _of_nodes(70, targets=_TARGETS[-1:]) & having(batch_size=60, ssm_page_size=50)
"""A batch takes several calls of SSM."""

GIANT_TARGETS = _of_nodes(45, targets=_TARGETS[-1:]) & having(batch_size=60, ssm_page_size=1, row_seconds=18.3)
"""A target takes longer to list than an invocation has."""

NO_ACTIVE_TARGET = having(
    accounts=(Account("444455550001", "closed", active=False), Account(HOME, "home")), excluded_accounts=(HOME,)
)
"""No account can be read."""

# Time.

TWO_PLANS_AT_ONCE = (
    PEOPLED
    & having(quiet_after_seconds=3000, in_turns=0.9)
    & struck_by(Fault.FIRED_AGAIN, Fault.ACCOUNTS_CHANGED)
    & Provocation(pause_rate=0.5)
)
"""The schedule fires twice, and the accounts change meanwhile."""

A_PLAN_THAT_NEVER_COMES = (
    struck_by(Fault.NO_ACCOUNTS)
    & having(max_lateness_seconds=3600, deadline_seconds=2880, tick_seconds=900, quiet_after_seconds=20_000)
    & Provocation(call_rate=1)
)
"""The organization is listed without accounts, each time."""

A_CLOSE_RACE = (
    PEOPLED
    & having(
        close_race=True,
        stalled=False,
        deadline_seconds=2880,
        tick_seconds=60,
        quiet_after_seconds=2880 + 900,
        pace_seconds=60,
        in_turns=0.8,
    )
    & struck_by(Fault.OVERLAPPED)
)
"""A target comes back just when its run is fenced, and its workers run next to commit."""

A_PLAN_THAT_COMES_LATE = (
    having(max_lateness_seconds=3600, deadline_seconds=2880, quiet_after_seconds=9000) & CALLS_STRUCK_OFTEN
)
"""Things break for longer than commit waits for a plan."""

MORE_TICKS_THAN_RECEIVES = (
    having(max_lateness_seconds=86_400, deadline_seconds=2880, tick_seconds=60) & CALLS_STRUCK_OFTEN
)
"""Commit looks for a plan more often than a message can be received, and plans often fail to come."""

ENDLESS_CHAINS = PEOPLED & struck_by(Fault.ENDLESS) & Provocation(call_rate=0.6)
"""Chains of pages often have no end."""

HURRIED = PEOPLED & struck_by(Fault.OUT_OF_TIME) & Provocation(call_rate=0.6)
"""The time of a worker is often nearly over."""

OVERWRITTEN = (
    PEOPLED
    & BREAKS_FOR_AN_HOUR
    & OFTEN_IN_TURNS
    & struck_by(Fault.FIRED_AGAIN, Fault.DUPLICATED, Fault.CRASHED_AFTER, Fault.UNACKNOWLEDGED)
    & Provocation(call_rate=0.08)
)
"""Objects are often made twice."""

WORKERS_STALLED = CALM & having(
    stalled=True, close_race=False, deadline_seconds=2880, tick_seconds=180, quiet_after_seconds=2880 + 900
)
"""A run comes to its deadline without a shard."""

SLOW_PAGES = PEOPLED & having(ssm_page_size=1, quiet_after_seconds=5000) & struck_by(Fault.SLOW)
"""Chains have several pages, some of which take minutes."""

# Deployments, messages, objects.

AN_ACCOUNT_LEFT_OUT = PEOPLED & having(excluded_accounts=(_ACCOUNTS[0].account_id,))
"""One account is left out on purpose."""

DEPLOYS_IN_MID_RUN = PEOPLED & OFTEN_IN_TURNS & BREAKS_FOR_AN_HOUR & struck_by(Fault.DEPLOYED)
"""Builds change while handlers take turns."""

DEPLOYS_BETWEEN_CALLS = (
    _of_nodes(1, targets=_TARGETS[-1:])
    & BREAKS_FOR_AN_HOUR
    & struck_by(Fault.DEPLOYED, Fault.CRASHED_BEFORE, Fault.CRASHED_AFTER, Fault.FIRED_AGAIN)
    & Provocation(call_rate=0.08)
)
"""Commits of different builds publish one run."""

FORGED_OFTEN = PEOPLED & BREAKS_FOR_AN_HOUR & struck_by(Fault.FORGED)
"""Messages are often forged."""

ANSWERS_OFTEN_LOST = (
    ONE_TARGET
    & struck_by(Fault.ANSWER_LOST, Fault.DUPLICATED)
    & having(deadline_seconds=2880, tick_seconds=180, quiet_after_seconds=3600)
)
"""The SDK often repeats calls whose answer was lost, and messages come twice."""

LOSSES_IN_A_LONG_RUN = (
    PEOPLED
    & struck_by(Fault.LOST)
    & having(healthy=True, stalled=False, close_race=False, deadline_seconds=7200, quiet_after_seconds=1200)
)
"""Messages are lost, of a run with a healthy API and the time to send them again."""


def _damaged(text: str) -> Provocation:
    def prepare(world: World) -> None:
        world.exposed = text

    return BREAKS_FOR_AN_HOUR & struck_by(Fault.DAMAGED) & Provocation(prepare=prepare)


PARTS_DAMAGED = ONE_TARGET & having(batch_size=1, toys=None) & _damaged("/parts/")
"""Parts are often damaged."""

# Secondary sources.

WITH_TOYS = PEOPLED & Provocation(lambda scenario: replace(scenario, toys=scenario.toys or KnownToys(2)))
"""The run has secondary sources."""

WITH_PATCHES = WITH_TOYS & Provocation(
    lambda scenario: replace(scenario, patches_per_part=scenario.patches_per_part or 2)
)
"""The run collects patches."""

WITH_INSTANCES = WITH_TOYS & having(lists_ec2=True)
"""The run lists instances."""

WITH_TAGS = WITH_INSTANCES & having(tag_keys=("team", "env", "team"))
"""The run lists instances, and their tags with two keys."""

BROKEN_ANSWERS = WITH_TAGS & UNHEALTHY & struck_by(Fault.BROKEN_BODY) & Provocation(call_rate=0.6)
"""Most answers are none."""

NAMELESS_INSTANCES = WITH_TAGS & UNHEALTHY & struck_by(Fault.NAMELESS_ROW)
"""Rows of listings have no id."""

MANY_SCANS = CALM & _of_nodes(20, targets=_TARGETS[:3])
"""So many nodes were scanned that each reason to ask for patches is there alone."""

TOYS_OF_SLICES = CALM & having(batch_size=4, toys=KnownToys(4), patches_per_part=None)
"""A slice has several nodes with toys."""

CHILDREN_SENT_AGAIN = (
    BREAKS_FOR_AN_HOUR
    & having(detail_deadline_seconds=7200, batch_size=4, toys=KnownToys(1), patches_per_part=1)
    & struck_by(Fault.CRASHED_BEFORE, Fault.CRASHED_AFTER)
)
"""Workers crash before they close the children that have nothing to ask, and commit sends for these again."""

CHILDREN_BEFORE_BATCHES = ONE_TARGET & having(batch_size=1, patches_per_part=1) & struck_by(Fault.THROTTLED)
"""Details are throttled while the patch states are not yet stored."""

SLICES_OF_BATCHES = CALM & having(batch_size=4, toys=KnownToys(1), patches_per_part=1)
"""A batch has several slices."""

CHILDREN_DAMAGED = SLICES_OF_BATCHES & _damaged("/details/")
"""Parts of secondary sources are often damaged."""

NODES_OF_SLICES = CALM & having(batch_size=4, toys=KnownToys(4), patches_per_part=4)
"""A slice has several nodes."""

LARGE_SLICES = CALM & LARGE_BATCHES & having(toys=KnownToys(50))
"""A slice takes many calls."""

PAGES_OF_PATCHES = NODES_OF_SLICES & having(ssm_page_size=1)
"""The patches of a node take several pages."""

FILTERS_REFUSED = having(refuses_filters=True)
"""Some targets refuse a filter of several values."""

BUILDS_THAT_DIFFER = WITH_TOYS & DEPLOYS_IN_MID_RUN
"""Builds change in mid-run that know other secondary sources, or the same ones otherwise."""

TOYS_UNHEALTHY = WITH_TOYS & having(toys_healthy=False)
"""The operations of secondary sources refuse, or break their own rules."""

LOSSES_OF_TOYS = (
    WITH_TOYS & LOSSES_IN_A_LONG_RUN & having(toys_healthy=True, detail_deadline_seconds=7200, quiet_after_seconds=600)
)
"""Messages are lost, of a run with healthy APIs and the time to send all of them again."""

TOYS_HELD_BACK = (
    WITH_TOYS
    & having(detail_deadline_seconds=1200, deadline_seconds=7200, quiet_after_seconds=3000)
    & struck_by(Fault.LOST, Fault.DELAYED, Fault.THROTTLED, Fault.INTERNAL_ERROR)
)
"""A run comes to its detail deadline, long before its deadline, with secondary objects missing."""

# Targets that refuse, throttle or fail, from the start and for good.


def _troubled(
    error: Callable[[Target], RefusedError | RetryableError], of: str | Callable[[Target], str] = ""
) -> Provocation:
    """Return a provocation in which each target gives an error to an operation; to all of them, where it is empty."""

    def prepare(world: World) -> None:
        for target in world.scenario.nodes:
            operation = of if isinstance(of, str) else of(target)
            world.troubles[target] = Trouble(error(target), world.clock.at + _FOREVER, operation)

    return PEOPLED & UNHEALTHY & CALM & Provocation(prepare=prepare)


def _throttles(target: Target) -> ThrottledError:
    return ThrottledError(f"{target} is throttled")


def _refuses(target: Target) -> RefusedError:
    return RefusedError("ACCESS_DENIED", "AccessDeniedException", f"{target} refuses", "")


def _refuses_by_region(target: Target) -> RefusedError:
    return RefusedError("NOT_LISTED", f"Refused{REGIONS.index(target.region)}Exception", f"{target} refuses", "")


REFUSED_FOR_GOOD = _troubled(_refuses, LIST_NODES)
"""Every target refuses to list its nodes."""

REFUSED_BY_ROLE_OR_LISTING = _troubled(
    _refuses, lambda target: LIST_NODES if target.region == REGIONS[0] else ASSUME_ROLE
)
"""The targets of an account refuse different operations, with one code."""

REFUSED_WITH_ANY_CODE = _troubled(_refuses_by_region, LIST_NODES)
"""The targets of an account refuse with different codes."""

THROTTLED_FOR_GOOD = _troubled(_throttles)
"""Every target throttles every operation."""

STATES_THROTTLED = _troubled(_throttles, GET_STATES) & TWO_TARGETS & having(deadline_seconds=2880, tick_seconds=180)
"""The patch states of every target are throttled."""

DEPLOYS_TO_THE_DEADLINE = (
    STATES_THROTTLED
    & _of_nodes(1, targets=_TARGETS[-1:])
    & having(deadline_seconds=7200, tick_seconds=300, quiet_after_seconds=9000)
    & struck_by(Fault.DEPLOYED)
)
"""Builds change until a run comes to its deadline without its patch states."""

TOYS_OR_STATES_REFUSED = WITH_TOYS & _troubled(
    _refuses, lambda target: DESCRIBE_TOYS if target.region == REGIONS[0] else GET_STATES
)
"""Some targets refuse the toys, and others the patch states."""

TOYS_REFUSED = WITH_TOYS & _troubled(_refuses, DESCRIBE_TOYS)
"""Every target refuses the toys."""

PATCHES_REFUSED = WITH_PATCHES & _troubled(_refuses, DESCRIBE_PATCHES)
"""Every target refuses the patches."""

INSTANCES_REFUSED = WITH_TAGS & _troubled(_refuses, DESCRIBE_INSTANCES)
"""Every target refuses to list its instances."""

TAGS_REFUSED = WITH_TAGS & _troubled(_refuses, DESCRIBE_TAGS)
"""Every target refuses to list its tags."""

INSTANCES_THROTTLED = (
    WITH_TAGS
    & _troubled(_throttles, DESCRIBE_INSTANCES)
    & TWO_TARGETS
    & having(
        detail_deadline_seconds=1200, deadline_seconds=7200, tick_seconds=300, quiet_after_seconds=0, most_overslept=0
    )
)
"""The instances are throttled for good, and their deadline is long before the run's."""

TOYS_STUCK = (
    WITH_TOYS & having(detail_deadline_seconds=7200, deadline_seconds=7200) & _troubled(_throttles, DESCRIBE_TOYS)
)
"""The toys are throttled for good, and are waited for until the deadline of the run."""

LISTINGS_THROTTLED = (
    WITH_TOYS
    & _troubled(_throttles, LIST_GADGETS)
    & TWO_TARGETS
    & having(
        detail_deadline_seconds=1200, deadline_seconds=7200, tick_seconds=300, quiet_after_seconds=0, most_overslept=0
    )
)
"""A secondary listing is throttled for good, and its deadline is long before the run's."""

POISONED = PEOPLED & UNHEALTHY & BREAKS_FOR_AN_HOUR & struck_by(Fault.POISONED)
"""Every call about some nodes fails, and soon."""


def _forget_every_second(world: World) -> None:
    """Let SSM list nodes of which it has no patches, since it does not know them."""
    for target in world.scenario.nodes:
        world.patches |= dict.fromkeys(sorted(world.apis.of(target).nodes)[::2])


UNKNOWN_NODES = UNHEALTHY & CALM & Provocation(prepare=_forget_every_second)
"""SSM says of every second node that it does not know it."""


def _forget_others(world: World) -> None:
    """Let every call for the patches of one node of each target fail, and let SSM know no other node's."""
    for target in world.scenario.nodes:
        first, *others = sorted(world.apis.of(target).nodes)
        world.poisoned[first] = Poison(FailedCallError("InternalServerError", "poisoned"), DESCRIBE_PATCHES)
        world.patches |= dict.fromkeys(others)


OTHERS_UNKNOWN = UNHEALTHY & CALM & BREAKS_FOR_AN_HOUR & SLICES_OF_BATCHES & Provocation(prepare=_forget_others)
"""SSM has no answer for one node of a target, and says of all others that it does not know them."""


def _fail_as_unknown(world: World) -> None:
    """Let every call about one node of each target fail with the code of an unknown node."""
    for target in world.scenario.nodes:
        world.poisoned |= dict.fromkeys(
            sorted(world.apis.of(target).nodes)[:1], Poison(FailedCallError("500 InvalidInstanceId", "poisoned"))
        )


FAILED_AS_UNKNOWN = PEOPLED & UNHEALTHY & CALM & BREAKS_FOR_AN_HOUR & Provocation(prepare=_fail_as_unknown)
"""The calls about one node of a target fail with a 5xx whose body says that SSM does not know the node."""
