"""One stack and the AWS around it, in memory, and what is known of them for certain.

The invariants hold the stages to this: who wrote which object, what SSM really answered to whom, what was published
when.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Literal, NamedTuple

from patchlake.adapters.memory import MemoryApis, MemoryClock, MemoryQueue, MemoryStore, MemoryTables
from patchlake.core.agreed_time import AgreedTime
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import Account, Plan, decode_plan
from patchlake.core.records import Page
from patchlake.core.tables import Columns, Table
from patchlake.core.targets import Target
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER, PERMANENT_FROM_RECEIVE, RESERVE_SECONDS, QueueTiming
from patchlake.errors import FailedCallError, IntegrityError, RefusedError, RetryableError
from patchlake.ports import TableFile, TableWriter
from patchlake.sources.registry import Registry
from patchlake.stages.retry_policy import FinalRefusals
from tests.simulation import ec2_service, fleet
from tests.simulation.ec2_service import Ec2Instance, launched
from tests.simulation.faults import Dice
from tests.simulation.keys import is_secondary, run_of, snapshot_key
from tests.simulation.patch_service import DESCRIBE_PATCHES, Said, Scan
from tests.simulation.patch_service import scanned as scanned_for_patches
from tests.simulation.scenario import Scenario
from tests.simulation.story import Story
from tests.simulation.toys import OPERATIONS as TOY_OPERATIONS
from tests.simulation.toys import KnownToys, equip, registry, strip
from tests.world import HOME, RUN_AT, node_id

type Stage = Literal["plan", "discover", "collect", "commit"]
type QueueName = Literal["discover", "listing", "collect", "detail", "commit"]
type Message = DiscoverMessage | CollectMessage | CommitMessage


@dataclass(frozen=True, slots=True)
class Build:
    """One deployed version of patchlake with its settings; an older one knows fewer columns, or sources."""

    version: str
    batch_size: int
    deadline_seconds: int
    unknown_columns: frozenset[str] = frozenset()
    toys: KnownToys | None = None
    patches_per_part: int | None = None
    lists_ec2: bool = False

    @property
    def sources(self) -> Registry:
        """The sources that this build knows."""
        return registry(self.toys, self.patches_per_part, lists_ec2=self.lists_ec2)

    def encode(self, table: Table, row_groups: Iterable[Columns], metadata: Mapping[str, str]) -> bytes:
        """Return a file of the columns that this build knows."""
        return MemoryTables().encode(self._known(table), row_groups, metadata)

    def open(self, body: bytes) -> TableFile:
        """Read a file."""
        return MemoryTables().open(body)

    def writer(self, table: Table, metadata: Mapping[str, str]) -> TableWriter:
        """Begin a file of the columns that this build knows."""
        return MemoryTables().writer(self._known(table), metadata)

    def _known(self, table: Table) -> Table:
        if not self.unknown_columns:
            return table
        return Table(table.name, table.description, tuple(c for c in table if c.name not in self.unknown_columns))


_TIMEOUT_SECONDS = 900
UNMANAGED = 0xA00000
"""The number of the first instance that SSM does not know."""

_TIMINGS: dict[QueueName, QueueTiming] = {
    "discover": DISCOVER,
    "listing": DISCOVER,
    "collect": COLLECT,
    "detail": COLLECT,
    "commit": COMMIT,
}
NEWEST_COLUMNS = frozenset({"source_type", "available_security_update_count", "account_name"})


class Asking(NamedTuple):
    """One call of SSM: when it was made by its handler's time, and the code of its failure, None if it was answered."""

    operation: str
    ids: tuple[str, ...]
    at: float
    code: str | None


@dataclass(slots=True)
class Invocation:
    """One call of a handler, with everything that it was told: the evidence for what it writes.

    Attributes:
        run_id: the run that its event or message names; None where it names none.
        receive_count: of its message.
        begun_late: whether its run was published before it began.
        skew: how far its clock is ahead.
        regions: those that its environment names.
        accounts: those of the organization, as it was told the last time that it asked.
        heard: what its clock makes of the times of the answers.
        dates: the times of the answers whose Date header was right.
        jumps: how many Date headers were not.
        readings: what its clock said, each time it looked.
        sent: every message that it sent.
        queue: that its message came from.
        listing: the pages of its latest chain of a listing.
        ec2_rows: the rows of that chain as EC2 answered them.
        answers: the pages of a detail source, by the ids of the call.
        said: the pages of the patches as their service answered them, by the ids of the call.
        is_filter_refused: whether the service refused their filter, since the target's API was opened.
        denied: the ids of the calls since the target denied the access, None where it did not.
        under_way: the number of calls that were under way when another one failed.
        asked_from: the number of its calls of SSM before it asked its target again.
        is_aside: whether it asks once more about ids that were answered, to see whether SSM answers at all.
        asks: its calls of SSM.
        process: the process that runs it.
        refused: the refusals that it met, before it asked again and after that.
        asked_again: whether it asked its target again, after a refusal.
        refusal_pauses: how long it paused before that, for the refusal and for calls that were throttled.
        listing_seconds: how long the rows of that chain take, without any delay.
        seconds_left: the least that it was told of.
        waited_seconds: how long it waited for a target that throttled, in total.
        calls_since_look: about a secondary part, since it last looked whether there is one.
        over: whether it has ended.
        calls: how many of its calls reached SSM.
        absorbed: how often the SDK repeated a call of it.
        hurries: whether it was told that its time is nearly over, whatever the clock says.
        throttled: whether it was throttled, and has not paused since.
        must_yield: whether it asks for details, was throttled, and has not been answered or asked again since.
        wakes_at: when it goes on, after a pause or a slow call.
        lost_seconds: of its time, which passed for no other handler.
    """

    number: int
    stage: Stage
    run_id: str | None
    message: Message | None
    receive_count: int
    begun_at: datetime
    begun_late: bool
    build: Build
    skew: timedelta
    regions: Sequence[str]
    process: "Process"
    queue: QueueName | None = None
    accounts: Sequence[Account] = ()
    heard: AgreedTime = field(default_factory=AgreedTime)
    dates: set[datetime] = field(default_factory=set)
    jumps: int = 0
    readings: list[datetime] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    listing: list[Page[Any]] = field(default_factory=list)
    ec2_rows: list[ec2_service.Row] = field(default_factory=list)
    answers: dict[tuple[str, ...], list[Page[Any]]] = field(default_factory=dict)
    said: dict[tuple[str, ...], list[Said]] = field(default_factory=dict)
    is_filter_refused: bool = False
    denied: set[tuple[str, ...]] | None = None
    under_way: int = 0
    asked_from: int = 0
    is_aside: bool = False
    asks: list[Asking] = field(default_factory=list)
    refused: dict[bool, list[RefusedError]] = field(default_factory=lambda: {False: [], True: []})
    asked_again: bool = False
    refusal_pauses: list[float] = field(default_factory=list)
    listing_seconds: float = 0
    seconds_left: float = math.inf
    waited_seconds: float = 0
    calls_since_look: int = 0
    over: bool = False
    calls: int = 0
    absorbed: int = 0
    hurries: bool = False
    throttled: bool = False
    must_yield: bool = False
    wakes_at: datetime = RUN_AT
    lost_seconds: float = 0

    def __str__(self) -> str:
        """Name it as the story does."""
        return f"#{self.number} {self.stage}"

    @property
    def final_refusal(self) -> RefusedError | None:
        """The last refusal that it met, if it may record it."""
        refusal = next(reversed(self.refused[self.asked_again]), None)
        return None if refusal is None or not self.may_record(refusal) else refusal

    def final_refusal_with(self, code: str | None) -> RefusedError | None:
        """The refusal with this code that it may record; concurrent calls may have been refused for other reasons."""
        refusals = [each for each in self.refused[self.asked_again] if each.code == code and self.may_record(each)]
        return next(reversed(refusals), None)

    def may_record(self, refusal: RefusedError) -> bool:
        """Whether a refusal counts: of a second ask from the third receive on, or known to its process."""
        is_final = self.asked_again and self.receive_count >= PERMANENT_FROM_RECEIVE
        return is_final or self.process.knows(self, refusal)

    @property
    def is_too_large_to_list(self) -> bool:
        """Whether its time is over, and the rows that it listed take nine tenths of any invocation's time."""
        enough = 0.9 * (_TIMEOUT_SECONDS - RESERVE_SECONDS)
        return self.seconds_left < RESERVE_SECONDS and self.listing_seconds >= enough

    def time_left(self, now: datetime) -> float:
        """Return the time that a worker has."""
        return _TIMEOUT_SECONDS - (now - self.begun_at).total_seconds() - self.lost_seconds

    @property
    def account_id(self) -> str | None:
        """The account that its message names."""
        return getattr(self.message, "account_id", None)

    @property
    def source(self) -> str | None:
        """The source that its message names."""
        return getattr(self.message, "source", None)

    @property
    def is_secondary(self) -> bool:
        """Whether its message names a source that must not change the snapshot."""
        return self.source not in {None, "nodes", "patch_states"}


@dataclass(slots=True, eq=False)
class Process:
    """A process of a function: its memory of final refusals, and what it must remember of them.

    Attributes:
        memory: the one of the code under test.
        run_id: the run of which it remembers refusals.
        known: by account, operation and code.
        by: the invocation that it runs, or ran last.
        ended: whether it died, or its memory cannot be told.
    """

    memory: FinalRefusals = field(default_factory=FinalRefusals)
    run_id: str | None = None
    known: set[tuple[str | None, str, str]] = field(default_factory=set)
    by: Invocation | None = None
    ended: bool = False

    @property
    def is_idle(self) -> bool:
        """Whether it can run another invocation."""
        return not self.ended and (self.by is None or self.by.over)

    def knows(self, by: Invocation, refusal: RefusedError) -> bool:
        """Whether it recorded the refusal for the account of an invocation before."""
        return by.run_id == self.run_id and (by.account_id, refusal.operation, refusal.code) in self.known

    def learn(self, by: Invocation) -> None:
        """Remember a refusal that was met twice; of several at once, which one counts cannot be told.

        Nor can it where other ids might be answered: the worker may run out of time before it gives up on them.
        """
        first, second = (
            {(refusal.operation, refusal.code) for refusal in by.refused[again]} for again in (False, True)
        )
        is_about_ids = any(ask.code and ask.ids and ask.code == code for ask in by.asks for _, code in second)
        is_final = by.refused[True] and by.refused[True][-1].listing_status != "NOT_LISTED"
        self.ended |= max(len(first), len(second)) > 1 or (is_about_ids and not is_final)
        if first == second:
            self.known = (self.known if by.run_id == self.run_id else set()) | {(by.account_id, *r) for r in second}
            self.run_id = by.run_id


@dataclass(frozen=True, slots=True)
class Trouble:
    """A target's refusal: its error, its end, and its operation; an empty one means all operations."""

    error: RetryableError | RefusedError
    until: datetime
    operation: str


class Poison(NamedTuple):
    """The error of every call about a node: of one operation, or of all where it is empty."""

    error: FailedCallError | RefusedError
    operation: str = ""


@dataclass(frozen=True, slots=True)
class StoreTrouble:
    """A refusal of the store, and its end, when the bucket or the use of its key is granted again."""

    operations: frozenset[str]
    until: datetime


class _Objects(dict[str, bytes]):
    """A bucket's objects; each change is reported, with the object before it."""

    def __init__(self, changed: Callable[[str, bytes | None], None]) -> None:
        super().__init__()
        self._changed = changed

    def __setitem__(self, key: str, body: bytes) -> None:
        before = self.get(key)
        super().__setitem__(key, body)
        self._changed(key, before)

    def __delitem__(self, key: str) -> None:
        before = self[key]
        super().__delitem__(key)
        self._changed(key, before)

    def spoil(self, key: str, body: bytes | None) -> None:
        """Replace or delete an object without reporting the change."""
        if body is None:
            super().__delitem__(key)
        else:
            super().__setitem__(key, body)

    def expire(self, prefix: str) -> None:
        """Let a lifecycle rule remove objects."""
        for key in [key for key in self if key.startswith(prefix)]:
            super().__delitem__(key)


class World:
    """The state of the world: the objects, the queues, the fleet, the time.

    Attributes:
        acting: the invocation that moves at this moment.
        plans: each run's stored plan; ``plan_bodies`` as it is stored, ``active`` its active targets.
        tables: each stored table that can be read.
        writers: who wrote each object.
        last_part_at: when the latest shard or part of each run was stored; ``last_root_part_at`` of the root sources.
        published_at: when each run was published.
        sent: every message that was ever sent, with its stage.
        troubles: the targets that give no answers for now.
        poisoned: the nodes on which every call about them fails, each with the error, and the operation or none.
        blanked: the runs in which a refusal, a bad row or a lack of time lasted long enough to be recorded.
        gaps: the runs in which that happened to any source, secondary ones included.
        patches: the patches of each node, as its last scan found them; None of one that this operation does not know.
        instances: the EC2 instances of each target, by id.
        refuses_filters: the targets whose SSM refuses a filter of several values.
        store_trouble: what the store refuses for now.
        damaged: the objects with other bytes than were written, each with the number of handlers begun until then.
        tampered: the runs of which an object was damaged or vanished, each with the number of handlers begun
            until then.
        exposed: a text in the keys of the objects that someone may damage.
        deleted: the objects that someone deleted, and that were not made again.
        corrupt: the runs that commit called CORRUPT, each with the reason.
        unwatched: the runs whose watch message is lost.
        watched_again_at: when a lost watch message was sent again.
        begun: how many handlers have begun.
        under_way: those that paused.
        rewritten: how many objects were written again or deleted.
        quiet_at: from when on nothing breaks.
    """

    acting: Invocation

    def __init__(
        self, random: Random, scenario: Scenario, dice: Dice, changed: Callable[[str, bytes | None], None]
    ) -> None:
        """Set up a fleet; ``changed`` hears of every change in the bucket, after ``record`` was told."""
        self.random, self.scenario, self.dice = random, scenario, dice
        self.clock = MemoryClock(RUN_AT)
        self.story = Story(self.clock)
        self.objects = _Objects(changed)
        self.store = MemoryStore(self.objects)
        self.queues: dict[QueueName, MemoryQueue] = {
            name: MemoryQueue(self.clock, timing.visibility_seconds, timing.max_receive_count, name)
            for name, timing in _TIMINGS.items()
        }
        self.apis = MemoryApis(self.clock)
        self.accounts: Sequence[Account] = scenario.accounts
        self.regions: Sequence[str] = scenario.regions
        unknown = random.choice((frozenset[str](), NEWEST_COLUMNS))
        patches = scenario.patches_per_part
        self.build = _build(
            "1", scenario.batch_size, scenario.deadline_seconds, unknown, scenario.toys, patches, scenario.lists_ec2
        )
        self.patches: dict[str, Scan | None] = {}
        self.instances: defaultdict[Target, dict[str, Ec2Instance]] = defaultdict(dict)
        self.refuses_filters = {
            target for n, target in enumerate(scenario.nodes) if scenario.refuses_filters and n % 2 == 0
        }
        self._nodes = self._joined = 0
        self._serials = count()
        for target, number in scenario.nodes.items():
            self.apis.of(target).page_size = scenario.ssm_page_size
            for _ in range(number):
                self.add_node(target)
        self.plans: dict[str, Plan] = {}
        self.plan_bodies: dict[str, bytes] = {}
        self.active: dict[str, frozenset[Target]] = {}
        self.tables: dict[str, TableFile] = {}
        self.writers: dict[str, Invocation] = {}
        self.last_part_at: dict[str, datetime] = {}
        self.last_root_part_at: dict[str, datetime] = {}
        self.published_at: dict[str, datetime] = {}
        self.sent: list[tuple[QueueName, str]] = []
        self.troubles: dict[Target, Trouble] = {}
        self.poisoned: dict[str, Poison] = {}
        self.blanked: set[str] = set()
        self.gaps: set[str] = set()
        self.store_trouble: StoreTrouble | None = None
        self.damaged: dict[str, int] = {}
        self.exposed = ""
        self.tampered: dict[str, int] = {}
        self.deleted: set[str] = set()
        self.corrupt: dict[str, str] = {}
        self.unwatched: set[str] = set()
        self.watched_again_at: dict[str, datetime] = {}
        self.begun = 0
        self.under_way: Sequence[object] = ()
        self.rewritten = 0
        self.quiet_at = RUN_AT + timedelta(seconds=scenario.quiet_after_seconds)

    @property
    def who(self) -> str:
        """The acting invocation's name in the story."""
        return str(self.acting)

    @property
    def targets(self) -> list[Target]:
        """Every target that the next plan would name."""
        covered = [a.account_id for a in self.accounts if a.account_id not in self.scenario.excluded_accounts]
        return [Target(account_id, region) for account_id in covered for region in self.regions]

    def change_accounts(self) -> None:
        """Let accounts leave the organization, and another one join it."""
        kept = [account for account in self.accounts if account.account_id == HOME or self.random.random() < 0.7]
        self._joined += 1
        self.accounts = [*kept, Account(f"{666677770000 + self._joined}", f"joined {self._joined}")]

    def deploy(self) -> None:
        """Replace the functions by another build, a newer or an older one."""
        unknown = self.random.choice((frozenset[str](), NEWEST_COLUMNS))
        deadline_seconds = self.random.choice((self.scenario.deadline_seconds, 2880, 14_400))
        toys = None if self.scenario.toys is None else self._other_toys(self.scenario.toys)
        patches = self.scenario.patches_per_part
        if patches is not None:
            patches = self.random.choice((patches, patches, self.random.randint(1, 4), None))
        lists_ec2 = self.scenario.lists_ec2 and self.random.random() < 2 / 3
        version = str(int(self.build.version) + 1)
        self.build = _build(version, self.random.randint(1, 4), deadline_seconds, unknown, toys, patches, lists_ec2)

    def _other_toys(self, known: KnownToys) -> KnownToys | None:
        """Return the toys as another build may know them: in other parts, by another rule, or not at all."""
        return self.random.choice((known, KnownToys(self.random.randint(1, 4)), KnownToys(2, asks_version=2), None))

    def add_node(self, target: Target) -> str:
        """Let a new node register in a target; every third has never been scanned."""
        # Ids in an order that is not the order of registration.
        number = (self._nodes * 7919 + 1) % 100_003
        self._nodes += 1
        instance_id = node_id(number)
        self.describe_node(target, instance_id)
        if number % 3:
            self.scan_node(target, instance_id)
        if self.scenario.toys is not None:
            equip(self.apis.of(target), instance_id, self._nodes)
        return instance_id

    def remove_node(self, target: Target, instance_id: str) -> None:
        """Let a node disappear."""
        source = self.apis.of(target)
        del source.nodes[instance_id]
        source.states.pop(instance_id, None)
        self.patches.pop(instance_id, None)
        self._terminate(target, instance_id)
        if self.scenario.toys is not None:
            strip(source, instance_id)

    def describe_node(self, target: Target, instance_id: str) -> None:
        """Give a node attributes that no node had before."""
        serial = next(self._serials)
        self.apis.of(target).nodes[instance_id] = fleet.described(instance_id, serial)
        if self.scenario.lists_ec2:
            self._launch(target, instance_id, serial)

    def _launch(self, target: Target, instance_id: str, serial: int) -> None:
        """Let EC2 have a node's instance, except where the node is not of EC2; and another one that SSM does not know.

        Some have no tags of their own, or are managed by a service.
        """
        if serial % 5:
            self.instances[target][instance_id] = launched(instance_id, serial)
        if serial % 2:
            unmanaged = node_id(UNMANAGED + serial)
            self.instances[target][unmanaged] = launched(unmanaged, serial + 1)

    def _terminate(self, target: Target, instance_id: str) -> None:
        """Let the instance of a node disappear, or be terminated and still listed."""
        instance = self.instances[target].get(instance_id)
        if instance is None or instance.is_managed:
            self.instances[target].pop(instance_id, None)
        else:
            instance.row = {**instance.row, "instanceState": {"code": 48, "name": "terminated"}}

    def scan_node(self, target: Target, instance_id: str) -> None:
        """Let a node be scanned, with a result that no node had before."""
        serial, states = next(self._serials), self.apis.of(target).states
        if self.scenario.patches_per_part is None:
            states[instance_id] = fleet.scanned(instance_id, serial)
        else:
            states[instance_id], self.patches[instance_id] = scanned_for_patches(instance_id, serial)

    def trouble(self, target: Target, operation: str) -> RetryableError | RefusedError | None:
        """Return what a target answers to an operation instead of an answer, at this time."""
        trouble = self.troubles.get(target)
        if trouble is None or trouble.until <= self.clock.at or trouble.operation not in {"", operation}:
            return None
        error = trouble.error
        if isinstance(error, RefusedError) and not error.operation:
            return RefusedError(error.listing_status, error.code, str(error), operation)
        return error

    def poison(self, ids: Iterable[str], operation: str) -> FailedCallError | RefusedError | None:
        """Return the error of a call about some nodes, while anything breaks; a refusal is of that operation."""
        poisons = [self.poisoned[instance_id] for instance_id in ids if instance_id in self.poisoned]
        error = next((poison.error for poison in poisons if poison.operation in {"", operation}), None)
        if not self.dice.rolling:
            return None
        if isinstance(error, RefusedError):
            return RefusedError(error.listing_status, error.code, str(error), operation)
        return error

    def is_healthy(self, operation: str) -> bool:
        """Whether an operation never breaks its own rules, nor refuses for long."""
        is_secondary_one = operation in {*TOY_OPERATIONS, DESCRIBE_PATCHES, *ec2_service.OPERATIONS}
        return self.scenario.toys_healthy if is_secondary_one else self.scenario.healthy

    def store_refuses(self, operation: str) -> bool:
        """Whether the store refuses an operation at this time."""
        trouble = self.store_trouble
        return trouble is not None and self.clock.at < trouble.until and operation in trouble.operations

    def tamper(self, key: str, body: bytes | None) -> None:
        """Let an object have other bytes, or be gone: then it is as if it had never been written."""
        run_id = run_of(key)
        self.tampered[run_id] = self.begun
        self.blanked.add(run_id)
        self.gaps.add(run_id)
        self.objects.spoil(key, body)
        if body is None:
            self.deleted.add(key)
            for known in (self.tables, self.writers, self.damaged):
                known.pop(key, None)
        else:
            self.damaged[key] = self.begun
            if "/details/" in key:
                with suppress(IntegrityError):
                    self.tables[key] = MemoryTables().open(body)

    def lose_watch(self, run_id: str) -> None:
        """Lose every watch message of a run."""
        queue = self.queues["commit"]
        for number in [n for n, message in queue.messages.items() if watch_body(run_id) == message.body]:
            del queue.messages[number]
        self.unwatched.add(run_id)
        self.blanked.add(run_id)
        self.gaps.add(run_id)

    def watch(self, run_id: str) -> None:
        """Take note of a watch message that is sent."""
        self.corrupt.pop(run_id, None)
        if run_id in self.unwatched:
            self.unwatched.remove(run_id)
            self.watched_again_at[run_id] = self.clock.at

    def excuse(self, by: Invocation) -> None:
        """Remember a reason that may be recorded, so that no invariant expects its source to be complete."""
        if by.receive_count >= PERMANENT_FROM_RECEIVE:
            self.blank(by)

    def blank(self, by: Invocation) -> None:
        """Do so at any receive."""
        if by.run_id is not None:
            self.gaps.add(by.run_id)
            if not by.is_secondary:
                self.blanked.add(by.run_id)

    def redrive(self, queue: QueueName, body: str) -> str:
        """Send an old message once more, as an operator does who empties a dead-letter queue; return its body."""
        self.queues[queue].send([(body, "")])
        if queue == "commit":
            self.watch(CommitMessage.decode(body).run_id)
        return body

    def record(self, key: str) -> None:
        """Take note of an object that was just written."""
        body = self.objects[key]
        self.writers[key] = self.acting
        self.deleted.discard(key)
        if key.startswith("plans/"):
            run_id = key.removeprefix("plans/").removesuffix(".json")
            self.plans[run_id] = decode_plan(body, run_id)
            self.plan_bodies[run_id] = body
            self.active[run_id] = frozenset(self.plans[run_id].active_targets())
            return
        self.tables[key] = MemoryTables().open(body)
        if key.startswith("runs/"):
            self.last_part_at[run_of(key)] = self.clock.at
            if not is_secondary(key):
                self.last_root_part_at[run_of(key)] = self.clock.at
        if key == snapshot_key(run_of(key)):
            self.published_at[run_of(key)] = self.clock.at


def _build(  # noqa: PLR0913, PLR0917
    version: str,
    batch_size: int,
    deadline_seconds: int,
    unknown: frozenset[str],
    toys: KnownToys | None,
    patches_per_part: int | None,
    lists_ec2: bool,  # noqa: FBT001
) -> Build:
    """Return a build; one that knows the patches knows the columns by which it selects their nodes."""
    if patches_per_part is not None:
        unknown -= {"available_security_update_count"}
    return Build(version, batch_size, deadline_seconds, unknown, toys, patches_per_part, lists_ec2)


def watch_body(run_id: str) -> str:
    """Return the body of a run's watch message."""
    return f'{{"v":1,"run_id":"{run_id}"}}'
