"""The start of a schedule: the planned targets, the settings, and the time for which things break."""

from dataclasses import dataclass, replace
from random import Random

from patchlake.core.plan import Account
from patchlake.core.targets import Target
from tests.simulation.toys import KnownToys
from tests.world import HOME

REGIONS = ("eu-central-1", "us-east-1")
_CROWD_REGIONS = tuple(f"eu-{side}-{n}" for side in ("north", "south", "west") for n in range(1, 10))
_CROWD = 80
_CLOSE_RACES = 0.06
_STALLED_CROWDS, _STALLED = 0.5, 0.01
_SABOTAGE = 0.2
_DEPLOYED = 0.05
_WITH_TOYS, _WITH_PATCHES, _WITH_EC2 = 0.3, 0.7, 0.7
_HOME_ACTIVE = 0.95
_GIANTS, _GIANT_ROW_SECONDS = 0.01, 18.3
"""Giant targets take about as long to list as one invocation has; SSM takes long, so that few nodes are enough."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One stack and its fleet.

    Attributes:
        excluded_accounts: the ids of accounts that are left out on purpose.
        nodes: how many nodes each target has at first.
        ssm_page_size: rows of one answer of SSM.
        row_seconds: how long SSM takes to list a row; 0 where that is no time.
        store_page_size: keys of one page of a listing.
        run_spacings: seconds from the first run's scheduled time to each run's.
        quiet_after_seconds: from the first run's scheduled time to the moment from which on nothing breaks.
        pace_seconds: how long a step takes at most, while things may break.
        most_overslept: the share of its time left by which a worker's pause may be too long.
        close_race: whether a target is throttled to about the deadline, so that its workers race the fence.
        in_turns: the share of handlers that may be interrupted; the others run at one go, which is quicker.
        include_sensitive_fields: whether plans include them.
        stalled: whether no worker lists anything while things break.
        deployed: whether handlers that run at one go are the deployed functions, with their answers and metrics.
        sabotage: whether someone may reach into the bucket and the queues.
        healthy: whether the API is healthy: whatever breaks, it neither refuses for long nor breaks its own rules.
        toys: the toys of the run, as the first build knows them; there is no other secondary source without them.
        patches_per_part: the nodes of a part of the patches, as the first build cuts them; None in a run without them.
        lists_ec2: whether the first build lists instances, and the tags of those keys that are allowed.
        refuses_filters: whether SSM refuses a filter of several values in some targets.
        toys_healthy: whether the operations of the secondary sources are healthy.
        detail_deadline_seconds: how long a run waits for them.
        tag_keys: those that the environment of plan names.
    """

    accounts: tuple[Account, ...]
    excluded_accounts: tuple[str, ...]
    regions: tuple[str, ...]
    nodes: dict[Target, int]
    batch_size: int
    ssm_page_size: int
    row_seconds: float
    store_page_size: int
    tick_seconds: int
    deadline_seconds: int
    max_lateness_seconds: int
    retry_seconds: int
    run_spacings: tuple[int, ...]
    quiet_after_seconds: int
    pace_seconds: float
    most_overslept: float
    close_race: bool
    in_turns: float
    include_sensitive_fields: bool
    stalled: bool
    deployed: bool
    sabotage: bool
    healthy: bool
    toys: KnownToys | None
    patches_per_part: int | None
    lists_ec2: bool
    refuses_filters: bool
    toys_healthy: bool
    detail_deadline_seconds: int
    tag_keys: tuple[str, ...]


def draw(random: Random, *, crowd: bool) -> Scenario:
    """Draw a scenario, with thousands of targets or with a few; now and then these have large batches."""
    large = not crowd and random.random() < 0.03
    giant = not crowd and not large and random.random() < _GIANTS
    accounts = _accounts(random, _CROWD if crowd else random.randint(1, 3))
    regions = _CROWD_REGIONS if crowd else REGIONS[: random.randint(1, 2)]
    targets = [Target(account.account_id, region) for account in accounts for region in regions]
    most_nodes = 1 if crowd else 130 if large else 60 if giant else 5
    close_race = not crowd and random.random() < _CLOSE_RACES
    stalled = not close_race and random.random() < (_STALLED_CROWDS if crowd else _STALLED)
    deadline_seconds = 2880 if close_race or stalled else random.choice((2880, 2880, 7200, 14_400))
    scenario = Scenario(
        accounts=accounts,
        excluded_accounts=_excluded(random, accounts),
        regions=regions,
        nodes={target: random.randint(0, most_nodes) for target in targets},
        batch_size=random.choice((60, 100)) if large or giant else random.randint(1, 4),
        ssm_page_size=random.choice((20, 50)) if large else 1 if giant else random.randint(1, 4),
        row_seconds=_GIANT_ROW_SECONDS if giant else 0,
        store_page_size=1000 if crowd else random.choice((3, 1000)),
        tick_seconds=random.choice((60, 180)) if deadline_seconds < 7200 else random.choice((300, 900)),
        deadline_seconds=deadline_seconds,
        max_lateness_seconds=random.choice((3600, 86_400)),
        retry_seconds=random.choice((30, 100, 240)),
        run_spacings=(0,) if crowd or random.random() < 0.7 else (0, random.choice((600, 3600))),
        quiet_after_seconds=deadline_seconds + 900
        if close_race or stalled
        else _quiet_after_seconds(random, deadline_seconds),
        pace_seconds=60 if close_race else random.choice((0.1, 5, 60)),
        most_overslept=0.5,
        close_race=close_race,
        in_turns=0.8 if close_race else random.choice((0.1, 0.3, 0.6)),
        include_sensitive_fields=random.random() < 0.3,
        stalled=stalled,
        deployed=random.random() < _DEPLOYED,
        sabotage=random.random() < _SABOTAGE,
        healthy=random.random() < 0.5,
        toys=None if crowd else _toys(random, large=large),
        patches_per_part=None,
        lists_ec2=False,
        refuses_filters=False,
        toys_healthy=random.random() < 0.6,
        detail_deadline_seconds=random.choice((1200, 3600, 3600, 14_400)),
        tag_keys=random.choice(((), ("team", "env", "team"))),
    )
    if scenario.toys is None:
        return scenario
    if random.random() < _WITH_PATCHES:
        nodes_per_part = 50 if large else random.randint(1, 4)
        scenario = replace(scenario, patches_per_part=nodes_per_part, refuses_filters=random.random() < 0.5)
    return replace(scenario, lists_ec2=random.random() < _WITH_EC2)


def _toys(random: Random, *, large: bool) -> KnownToys | None:
    if random.random() >= _WITH_TOYS:
        return None
    return KnownToys(50 if large else random.randint(1, 3))


def _quiet_after_seconds(random: Random, deadline_seconds: int) -> int:
    """Return when things stop breaking: soon, or at any time, or not before the deadline has passed."""
    most = random.choice((600, 5000, deadline_seconds))
    return random.choice((0, 0, deadline_seconds)) + random.randint(0, most)


def _accounts(random: Random, count: int) -> tuple[Account, ...]:
    """Return accounts, of which some are not active, and the home account, which no order distinguishes."""
    others = (Account(f"{444455550000 + n}", f"account {n}", random.random() < 0.8) for n in range(1, count))
    return (*others, Account(HOME, "home", random.random() < _HOME_ACTIVE))


def _excluded(random: Random, accounts: tuple[Account, ...]) -> tuple[str, ...]:
    """Return one account, which may be the home account: without it, a plan may have no active target."""
    several = len(accounts) > 1
    return (random.choice(accounts).account_id,) if several and random.random() < 0.2 else ()
