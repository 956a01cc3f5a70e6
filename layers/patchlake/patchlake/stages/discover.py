"""The second stage: list one target with one listing source, once.

The shard of the nodes decides the batches of the target, so discover then sends a collect message for each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from patchlake.core.keys import ROOT_LISTING, shard_key
from patchlake.core.listing import ListingResult, listing_metadata, read_listing
from patchlake.core.messages import CollectMessage, DiscoverMessage
from patchlake.core.paging import read_chain
from patchlake.core.plan import Plan
from patchlake.core.records import Page
from patchlake.core.statuses import ListingStatus
from patchlake.core.targets import Target
from patchlake.core.timings import LISTING_PAUSE_SECONDS, LONGEST_PAGE_SECONDS
from patchlake.errors import OutOfTimeError, RefusedError
from patchlake.ports import Clock, Delivery, Queue, Store, TableFormat, TargetApis
from patchlake.sources.registry import Registry
from patchlake.sources.source import ListedRows, ListingSource
from patchlake.stages.listing_progress import ListingProgress
from patchlake.stages.retry_policy import Attempt, RetryPolicy
from patchlake.stages.step import Step
from patchlake.stages.stored_objects import create_or_adopt, open_shard
from patchlake.stages.stored_plan import is_published, stored_plan

TOO_LARGE = "too many nodes to list in one invocation (docs/limits.md)"
"""The reason for NOT_LISTED of a target whose listing fills an invocation, without any waiting."""


@dataclass(frozen=True, slots=True)
class DiscoverResult:
    """The result of a discover message; ``listing`` is None if it came late."""

    run_id: str
    target: Target
    step: Step
    listing: ListingResult | None = None
    rows: int = 0
    source: str = ROOT_LISTING


@dataclass(frozen=True, slots=True)
class DiscoverStage:
    """The stage that turns one target of a plan into a stored shard and, for the nodes, one collect message per batch.

    Attributes:
        detail_queues: the queue of each detail source, by its name.
        clock: the time of the answers of ``apis``.
        page_seconds: the longest time that a full page of a listing takes while nothing delays it.
    """

    store: Store
    tables: TableFormat
    apis: TargetApis
    sources: Registry
    detail_queues: Mapping[str, Queue]
    retry_policy: RetryPolicy
    clock: Clock
    page_seconds: float = LONGEST_PAGE_SECONDS

    def handle(self, message: DiscoverMessage, delivery: Delivery) -> DiscoverResult:
        """List the message's target; an existing shard is adopted, and AWS is not asked.

        Nothing is done once the run is published, or its deadline for the source has passed: SSM keeps no history, so
        what it knows then is not the state of the run's time.

        Raises:
            InputError: the message names no active target of a stored plan.
            RetryableError: the message fails for now; nothing was recorded.
            IntegrityError: the plan or the shard cannot be read.
        """
        with self.retry_policy.attempt(delivery, message.run_id, message.target) as attempt:
            return self._discover(message, attempt)

    def _discover(self, message: DiscoverMessage, attempt: Attempt) -> DiscoverResult:
        run_id, target = message.run_id, message.target
        if is_published(self.store, run_id):
            return DiscoverResult(run_id, target, Step.LATE, source=message.source)
        plan = stored_plan(self.store, run_id)
        plan.require(target)
        source = self.sources.listing(plan, message.source)
        if self.clock.now() >= plan.closes_at(source.name):
            return DiscoverResult(run_id, target, Step.LATE, source=source.name)
        key = shard_key(run_id, target, source.name)
        body, step = self.store.get(key), Step.ADOPTED
        if body is None:
            body, step = create_or_adopt(self.store, key, self._shard(plan, target, source, attempt))
        run_target = plan.run_target(target)
        shard = open_shard(self.tables, source, run_target, body)
        if source is self.sources.nodes:
            self.detail_queues[self.sources.patch_states.name].send(
                CollectMessage.of(run_id, target, batch).grouped() for batch in range(len(shard.row_counts))
            )
        listing = read_listing(run_target, shard.metadata, source.name)
        return DiscoverResult(run_id, target, step, listing, sum(shard.row_counts), source.name)

    def _shard(self, plan: Plan, target: Target, source: ListingSource, attempt: Attempt) -> bytes:
        is_root = source is self.sources.nodes
        calls = attempt.calls() if is_root else attempt.calls(LISTING_PAUSE_SECONDS)
        progress = ListingProgress(source.operation.page_size, calls, self.apis.call_counter, self.page_seconds)
        run_target = plan.run_target(target)

        def ask(*, fresh_session: bool) -> ListedRows:
            api = calls.call(partial(self.apis.open, plan, target, fresh_session=fresh_session))

            def page(token: str | None) -> Page[Any]:
                return progress.page(partial(api.page, source.operation, (), token), is_first=token is None)

            return read_chain(page, partial(source.listed, run_target, plan), plan.most_nodes, calls.subject)

        try:
            rows = attempt.ask(ask)
        except RefusedError as refusal:
            listing = ListingResult(ListingStatus(refusal.listing_status), refusal.code)
        except OutOfTimeError as error:
            if not progress.fills_an_invocation:
                raise
            attempt.require_final(error)
            listing = ListingResult(ListingStatus.NOT_LISTED, TOO_LARGE)
        else:
            groups = list(rows.groups(plan.batch_size))
            if len(groups) <= plan.max_batches:
                listing = ListingResult(ListingStatus.LISTED, None, rows.listed_at_ms, rows.without_id)
                metadata = listing_metadata(run_target, listing, source.name)
                return self.tables.encode(source.table, groups, metadata)
            too_many = f"more than {plan.max_batches:,} batches: raise the batch size"
            listing = ListingResult(ListingStatus.NOT_LISTED, too_many)
        return self.tables.encode(source.table, [], listing_metadata(run_target, listing, source.name))
