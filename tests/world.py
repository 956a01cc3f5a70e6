"""A whole patchlake in memory: the production stages over the memory adapters, one clock, and a delivery loop."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from patchlake.adapters.memory import MemoryApis, MemoryClock, MemoryQueue, MemoryStore, MemoryTables
from patchlake.core.keys import coverage_key, snapshot_key
from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import Account
from patchlake.core.records import NodeRecord
from patchlake.core.tables import Columns
from patchlake.core.targets import AccountChoice, RegionChoice, Target
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER, QueueTiming
from patchlake.errors import PatchlakeError
from patchlake.ports import Delivery, Queue, TableFormat
from patchlake.sources.nodes import NodeInformation
from patchlake.sources.patch_states import PatchState
from patchlake.sources.registry import SOURCES, Registry
from patchlake.sources.source import ListingSource
from patchlake.stages.collect import CollectStage
from patchlake.stages.commit import CommitResult, CommitStage
from patchlake.stages.discover import DiscoverStage
from patchlake.stages.plan import PlanSettings, PlanStage
from patchlake.stages.retry_policy import FinalRefusals, RetryPolicy
from patchlake.stages.stored_run import StoredRuns

ROOT_SOURCES = Registry(SOURCES.nodes, SOURCES.patch_states)
"""The root sources alone, so that a further source does not change what a test of these expects."""

HOME = "111122223333"
RUN_ID = "20261101T060000Z"
SCHEDULED_TIME = "2026-11-01T06:00:00Z"
RUN_AT = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
DEADLINE_SECONDS = 14_400
"""From the planning of a run, which a world starts with, to its deadline."""
EU = Target(HOME, "eu-central-1")
US = Target(HOME, "us-east-1")


def node_id(number: int) -> str:
    """Return the id of the n-th node; ids ascend with n."""
    return f"i-{number:017x}"


def node_information(number: int, **members: object) -> NodeRecord:
    """Return a node as SSM describes it."""
    return msgspec.convert({"InstanceId": node_id(number), "PingStatus": "Online", **members}, type=NodeInformation)


def patch_state(number: int, **members: object) -> NodeRecord:
    """Return a compliant node's patch state, scanned an hour before the run."""
    scanned = RUN_AT.timestamp() - 3600
    required = {
        "InstanceId": node_id(number),
        "PatchGroup": "web",
        "BaselineId": "pb-0123456789abcdef0",
        "OperationStartTime": scanned,
        "OperationEndTime": scanned + 60,
        "Operation": "Scan",
        "MissingCount": 0,
    }
    return msgspec.convert(required | members, type=PatchState)


@dataclass
class FixedAccounts:
    """The home account, and an organization, its units and regions that the test sets."""

    organization: list[Account] = field(default_factory=list)
    units: dict[str, list[Account]] = field(default_factory=dict)
    regions: list[str] = field(default_factory=list)
    asked: int = 0

    def home_account_id(self) -> str:
        """Return the home account."""
        self.asked += 1
        return HOME

    def enabled_regions(self) -> list[str]:
        """Return the test's regions."""
        return self.regions

    def unit_accounts(self, unit_ids: Iterable[str]) -> list[Account]:
        """Return the accounts of the test's units."""
        return [account for unit_id in unit_ids for account in self.units[unit_id]]

    def organization_accounts(self) -> list[Account]:
        """Return the test's organization."""
        return self.organization


class World:
    """Everything that one stack has, in memory."""

    def __init__(  # noqa: PLR0913
        self,
        *,
        regions: RegionChoice = ("eu-central-1",),
        accounts: AccountChoice = "self",
        excluded_accounts: tuple[str, ...] = (),
        batch_size: int = 2,
        tables: TableFormat | None = None,
        sources: Registry = ROOT_SOURCES,
    ) -> None:
        self.clock = MemoryClock(RUN_AT.replace(minute=1))
        self.store = MemoryStore()
        self.tables = tables or MemoryTables()
        self.apis = MemoryApis(self.clock)
        self.accounts = FixedAccounts()
        self.sources = sources
        self.discover_queue = self._queue("discover", DISCOVER)
        self.listing_queue = self._queue("listing", DISCOVER)
        self.collect_queue = self._queue("collect", COLLECT)
        self.detail_queue = self._queue("detail", COLLECT)
        self.commit_queue = self._queue("commit", COMMIT)
        self.settings = PlanSettings(
            accounts,
            excluded_accounts,
            regions,
            batch_size,
            DEADLINE_SECONDS,
            86_400,
            include_sensitive_fields=False,
            sources=tuple(source.name for source in sources.secondary),
            detail_deadline_seconds=3600,
        )
        self.final_refusals = FinalRefusals()
        self.committed: list[CommitResult] = []
        self.failures: list[PatchlakeError] = []

    def _queue(self, name: str, timing: QueueTiming) -> MemoryQueue:
        return MemoryQueue(self.clock, timing.visibility_seconds, timing.max_receive_count, name)

    @property
    def source_queues(self) -> dict[str, Queue]:
        """The queue of each source."""
        secondary = {
            source.name: self.listing_queue if isinstance(source, ListingSource) else self.detail_queue
            for source in self.sources.secondary
        }
        return {"nodes": self.discover_queue, "patch_states": self.collect_queue, **secondary}

    @property
    def runs(self) -> StoredRuns:
        """The stored runs, of which nothing is remembered yet."""
        return StoredRuns(self.store, self.tables, self.sources, map)

    @property
    def plan(self) -> PlanStage:
        """The plan stage."""
        return PlanStage(
            self.store, self.accounts, self.sources, self.source_queues, self.commit_queue, self.clock, self.settings
        )

    @property
    def discover(self) -> DiscoverStage:
        """The discover stage."""
        retry_policy = self._retry_policy(self.discover_queue, self.listing_queue)
        return DiscoverStage(
            self.store, self.tables, self.apis, self.sources, self.source_queues, retry_policy, self.clock
        )

    @property
    def collect(self) -> CollectStage:
        """The collect stage."""
        retry_policy = self._retry_policy(self.collect_queue, self.detail_queue)
        return CollectStage(
            self.store, self.tables, self.apis, self.sources, self.source_queues, retry_policy, map, map, self.clock
        )

    def _retry_policy(self, *queues: Queue) -> RetryPolicy:
        return RetryPolicy(queues, 30, lambda: 0.5, self.clock.advance, final_refusals=self.final_refusals)

    @property
    def commit(self) -> CommitStage:
        """A commit stage that has seen nothing yet."""
        return CommitStage(
            runs=self.runs,
            source_queues=self.source_queues,
            commit_queue=self.commit_queue,
            clock=self.clock,
            tick_seconds=60,
            max_lateness_seconds=86_400,
            deadline_seconds=DEADLINE_SECONDS,
            version="test",
        )

    def add_nodes(self, target: Target, numbers: Iterable[int], **members: object) -> None:
        """Let SSM list these nodes, each with a patch state."""
        source = self.apis.of(target)
        for number in numbers:
            source.nodes[node_id(number)] = node_information(number)
            source.states[node_id(number)] = patch_state(number, **members)

    def start(self) -> None:
        """Let the schedule fire."""
        self.plan.handle({"scheduled_time": SCHEDULED_TIME})

    def deliver_discover(self) -> bool:
        """Deliver one message to discover, if one is visible."""
        return self._discover(self.discover_queue) or self._discover(self.listing_queue)

    def deliver_collect(self) -> bool:
        """Deliver one message to collect, if one is visible."""
        return self._collect(self.collect_queue) or self._collect(self.detail_queue)

    def deliver_root(self) -> bool:
        """Deliver one message of the root sources, if one is visible."""
        return self._discover(self.discover_queue) or self._collect(self.collect_queue)

    def deliver_commit(self) -> bool:
        """Deliver one watch message, if one is visible."""
        stage = self.commit

        def handle(delivery: Delivery) -> None:
            self.committed.append(stage.handle(CommitMessage.decode(delivery.body), delivery))

        return self._deliver(self.commit_queue, handle)

    def _discover(self, queue: MemoryQueue) -> bool:
        stage = self.discover
        return self._deliver(queue, lambda d: stage.handle(DiscoverMessage.decode(d.body), d))

    def _collect(self, queue: MemoryQueue) -> bool:
        stage = self.collect
        return self._deliver(queue, lambda d: stage.handle(CollectMessage.decode(d.body), d))

    def _deliver(self, queue: MemoryQueue, handle: Callable[[Delivery], object]) -> bool:
        delivery = queue.receive()
        if delivery is None:
            return False
        try:
            handle(delivery)
        except PatchlakeError as error:
            self.failures.append(error)
        else:
            queue.delete(delivery)
        return True

    def drain(self) -> None:
        """Deliver everything that is visible now, commit last."""
        while self.deliver_discover() or self.deliver_collect():
            pass
        while self.deliver_commit():
            pass

    def run_until_committed(self, ticks: int = 500) -> CommitResult:
        """Let time pass, tick by tick, until commit ends its watch."""
        for _ in range(ticks):
            self.drain()
            if self.committed:
                return self.committed[-1]
            self.clock.advance(60)
        msg = f"not committed after {ticks} ticks: {self.failures[-3:]}"
        raise AssertionError(msg)

    def snapshot(self) -> Columns:
        """Return the published rows."""
        return self._columns(snapshot_key(RUN_ID))

    def coverage(self) -> Columns:
        """Return the published coverage."""
        return self._columns(coverage_key(RUN_ID))

    def _columns(self, key: str) -> Columns:
        file = self.tables.open(self.store.objects[key])
        return file.columns(file.column_names)
