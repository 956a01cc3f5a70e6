"""One stack and the AWS around it, in memory, and what is known of them for certain.

The invariants hold the stages to this: who wrote which object, what SSM really answered to whom, what was published
when.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from patchlake.adapters.memory import MemoryApis, MemoryClock, MemoryQueue, MemoryStore, MemoryTables
from patchlake.core.messages import CommitMessage
from patchlake.core.plan import Account, Plan, decode_plan
from patchlake.core.targets import Target
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER, PERMANENT_FROM_RECEIVE, QueueTiming
from patchlake.errors import FailedCallError, IntegrityError, RefusedError, RetryableError
from tests.simulation import ec2_service, fleet
from tests.simulation.builds import NEWEST_COLUMNS, build
from tests.simulation.ec2_service import Ec2Instance, launched
from tests.simulation.faults import Dice
from tests.simulation.invocations import Invocation, QueueName
from tests.simulation.keys import is_secondary, run_of, snapshot_key
from tests.simulation.objects import Objects
from tests.simulation.patch_service import DESCRIBE_PATCHES, Scan
from tests.simulation.patch_service import scanned as scanned_for_patches
from tests.simulation.scenario import Scenario
from tests.simulation.story import Story
from tests.simulation.toys import OPERATIONS as TOY_OPERATIONS
from tests.simulation.toys import KnownToys, equip, strip
from tests.world import HOME, RUN_AT, node_id

if TYPE_CHECKING:
    from patchlake.ports import TableFile
    from tests.simulation.troubles import Poison, StoreTrouble, Trouble

UNMANAGED = 0xA00000
"""The number of the first instance that SSM does not know."""

_TIMINGS: dict[QueueName, QueueTiming] = {
    "discover": DISCOVER,
    "listing": DISCOVER,
    "collect": COLLECT,
    "detail": COLLECT,
    "commit": COMMIT,
}


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
        self.objects = Objects(changed)
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
        self.build = build(
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
        self.build = build(version, self.random.randint(1, 4), deadline_seconds, unknown, toys, patches, lists_ec2)

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

    def may_have_lost_what_it_read(self, by: Invocation) -> bool:
        """Whether a handler began before someone damaged or deleted an object of its run, which was then made again."""
        return by.number <= self.tampered.get(by.run_id or "", 0)

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


def watch_body(run_id: str) -> str:
    """Return the body of a run's watch message."""
    return f'{{"v":1,"run_id":"{run_id}"}}'
