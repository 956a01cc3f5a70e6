"""The composition root of a run in one process: the stages of the functions, over queues in memory.

Waiting times in a queue use this machine's clock, as in SQS; every time that a run stores or compares is AWS's time.
"""

import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event

from patchlake import __version__
from patchlake.adapters.memory import MemoryQueue
from patchlake.adapters.parquet import ParquetTables
from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.bootstrap import DETAIL_CONNECTIONS, Aws, secondary_sources
from patchlake.ports import Accounts, Clock, Store, TargetApis
from patchlake.sources.registry import SOURCES
from patchlake.stages.collect import CollectStage
from patchlake.stages.commit import CommitStage
from patchlake.stages.discover import DiscoverStage
from patchlake.stages.plan import PlanSettings, PlanStage
from patchlake.stages.retry_policy import RetryPolicy
from patchlake.stages.stored_run import READ_AHEAD, StoredRuns
from patchlake_cli.access.sessions import Caller, Identity
from patchlake_cli.export.settings import ExportSettings

WORKERS = 8
"""The number of targets to read at the same time; of one target, one message at a time."""

MAX_LATENESS_SECONDS = 24 * 60 * 60
"""The maximum age of a scheduled time, as in the template."""

TICK_SECONDS = 1
"""The shortest time between two looks of commit at the run."""

_NEVER_SECONDS = 10**9
"""No message is lost within one process, so a received message never becomes visible again by itself."""


class _RunningTime:
    """``QueueTime`` by this machine's monotonic clock."""

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=time.monotonic())


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one export.

    Attributes:
        identify: asks AWS for the caller's identity, which stays in one account; the answer sets the clock.
    """

    store: Store
    accounts: Accounts
    apis: TargetApis
    clock: Clock
    identify: Callable[[], Identity]


@dataclass(frozen=True, slots=True)
class Stages:
    """The four stages, and the queues between them.

    Attributes:
        collect: one stage for each worker, with its own connections.
        stopping: set it to end the pauses of throttled workers.
    """

    plan: PlanStage
    discover: DiscoverStage
    collect: list[CollectStage]
    commit: CommitStage
    discover_queue: MemoryQueue
    collect_queue: MemoryQueue
    listing_queue: MemoryQueue
    detail_queue: MemoryQueue
    commit_queue: MemoryQueue
    stopping: Event


def aws_ports(aws: Aws, settings: ExportSettings, store: Store) -> Ports:
    """Make the ports of AWS."""
    apis = aws.target_apis(settings.role_name, settings.external_id, settings.connections)
    caller = Caller(aws.sts)
    accounts = aws.accounts(lambda: caller.identify().account_id)
    return Ports(store, accounts, apis, aws.clock, caller.identify)


def compose(ports: Ports, settings: ExportSettings) -> Stages:
    """Build the stages; a refusal counts at once, since a person is waiting."""
    time_of_queues = _RunningTime()
    discover_queue, collect_queue, listing_queue, detail_queue, commit_queue = (
        MemoryQueue(time_of_queues, visibility_seconds=_NEVER_SECONDS, max_receive_count=sys.maxsize, name=name)
        for name in ("discover", "collect", "listing", "detail", "commit")
    )
    source_queues = {
        SOURCES.nodes.name: discover_queue,
        SOURCES.patch_states.name: collect_queue,
        **dict.fromkeys(SOURCES.secondary_details, detail_queue),
        **dict.fromkeys(SOURCES.secondary_listings, listing_queue),
    }
    tables = ParquetTables()
    stopping = Event()

    def pause(seconds: float) -> None:
        stopping.wait(seconds)

    def retry_policy(*queues: MemoryQueue) -> RetryPolicy:
        return RetryPolicy(queues, settings.retry_seconds, random.random, pause, records_at_once=True)

    def collect() -> CollectStage:
        return CollectStage(
            store=ports.store,
            tables=tables,
            apis=ports.apis,
            sources=SOURCES,
            detail_queues=source_queues,
            retry_policy=retry_policy(collect_queue, detail_queue),
            parallel_map=ThreadedMap(settings.connections, "ssm"),
            detail_map=ThreadedMap(DETAIL_CONNECTIONS, "detail"),
            clock=ports.clock,
        )

    return Stages(
        plan=PlanStage(
            store=ports.store,
            accounts=ports.accounts,
            sources=SOURCES,
            listing_queues=source_queues,
            commit_queue=commit_queue,
            clock=ports.clock,
            settings=PlanSettings(
                accounts=settings.accounts,
                excluded_accounts=settings.excluded_accounts,
                regions=settings.regions,
                batch_size=settings.batch_size,
                deadline_seconds=settings.deadline_seconds,
                max_lateness_seconds=MAX_LATENESS_SECONDS,
                include_sensitive_fields=False,
                sources=secondary_sources(
                    patches=settings.patches, instances=settings.instances, tag_keys=settings.tag_keys
                ),
                tag_keys=settings.tag_keys,
                detail_deadline_seconds=settings.detail_deadline_seconds,
            ),
        ),
        discover=DiscoverStage(
            ports.store,
            tables,
            ports.apis,
            SOURCES,
            source_queues,
            retry_policy(discover_queue, listing_queue),
            ports.clock,
        ),
        collect=[collect() for _ in range(WORKERS)],
        commit=CommitStage(
            runs=StoredRuns(ports.store, tables, SOURCES, ThreadedMap(READ_AHEAD, "lake")),
            source_queues=source_queues,
            commit_queue=commit_queue,
            clock=ports.clock,
            tick_seconds=TICK_SECONDS,
            max_lateness_seconds=MAX_LATENESS_SECONDS,
            deadline_seconds=settings.deadline_seconds,
            version=__version__,
        ),
        discover_queue=discover_queue,
        collect_queue=collect_queue,
        listing_queue=listing_queue,
        detail_queue=detail_queue,
        commit_queue=commit_queue,
        stopping=stopping,
    )
