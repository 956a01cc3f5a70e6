"""The second stage: list the managed nodes of one target, once, and ask for the batches of what was stored."""

from dataclasses import dataclass
from functools import partial

from patchlake.core.keys import MAX_BATCHES, shard_key
from patchlake.core.listing import Listing, RunTarget, listing_metadata, read_listing
from patchlake.core.messages import CollectMessage, DiscoverMessage
from patchlake.core.paging import read_chain
from patchlake.core.plan import Plan
from patchlake.core.rows import batches, listed_nodes
from patchlake.core.tables import SHARD, ListingStatus
from patchlake.core.targets import Target
from patchlake.errors import OutOfTimeError, RefusedError, UnlistableError
from patchlake.ports import Delivery, Queue, Store, TableFormat, TargetApis
from patchlake.stages.retry_policy import RetryPolicy
from patchlake.stages.stored import Step, create_or_adopt, is_published, open_shard, run_target_of, stored_plan

TOO_LARGE = "too many nodes to list in one invocation (docs/limits.md)"
"""Why a target is NOT_LISTED that no worker could list in its time, though nothing held it up."""

TOO_MANY_BATCHES = f"more than {MAX_BATCHES:,} batches: raise the batch size"
"""Why a target is NOT_LISTED whose batches could not all have a key."""


@dataclass(frozen=True, slots=True)
class DiscoverResult:
    """What became of a discover message; ``listing`` is None where the run was published already."""

    run_id: str
    target: Target
    step: Step
    listing: Listing | None = None
    nodes: int = 0


@dataclass(frozen=True, slots=True)
class DiscoverStage:
    """Turns one target of a plan into a stored shard and one collect message per batch of it."""

    store: Store
    tables: TableFormat
    apis: TargetApis
    collect_queue: Queue
    retry_policy: RetryPolicy

    def handle(self, message: DiscoverMessage, delivery: Delivery) -> DiscoverResult:
        """List the message's target; its shard, where there is one, is adopted and SSM is not asked.

        Raises:
            InputError: the message names no active target of a stored plan.
            RetryableError: the message fails for now; nothing was recorded.
            IntegrityError: the plan or the shard cannot be read.
        """
        with self.retry_policy.deferring(delivery):
            return self._discover(message.run_id, message.target, delivery)

    def _discover(self, run_id: str, target: Target, delivery: Delivery) -> DiscoverResult:
        if is_published(self.store, run_id):
            return DiscoverResult(run_id, target, Step.LATE)
        plan = stored_plan(self.store, run_id)
        plan.require(target)
        key = shard_key(run_id, target)
        body, step = self.store.get(key), Step.ADOPTED
        if body is None:
            body, step = create_or_adopt(self.store, key, self._shard(plan, target, delivery))
        run_target = run_target_of(plan, target)
        shard = open_shard(self.tables, run_target, body)
        batches_stored = range(len(shard.row_counts))
        self.collect_queue.send(CollectMessage.of(run_id, target, batch).grouped() for batch in batches_stored)
        return DiscoverResult(run_id, target, step, read_listing(run_target, shard.metadata), sum(shard.row_counts))

    def _shard(self, plan: Plan, target: Target, delivery: Delivery) -> bytes:
        run_target = run_target_of(plan, target)
        calls = self.retry_policy.calls(f"run {plan.run_id}, target {target}", delivery)
        try:
            source = self.apis.open(target, plan.home_account_id)
            nodes, listed_at = read_chain(
                lambda token: calls.call(lambda: source.node_page(token)),
                partial(listed_nodes, run_target, include_sensitive_fields=plan.include_sensitive_fields),
            )
        except RefusedError as refusal:
            self.retry_policy.require_lasting(refusal, delivery)
            return self._reason_shard(run_target, Listing(ListingStatus(refusal.listing_status), refusal.code))
        except UnlistableError as error:
            self.retry_policy.require_lasting(error, delivery)
            return self._reason_shard(run_target, Listing(ListingStatus.NOT_LISTED, error.detail))
        except OutOfTimeError as error:
            if calls.is_held_up:
                raise
            self.retry_policy.require_lasting(error, delivery)
            return self._reason_shard(run_target, Listing(ListingStatus.NOT_LISTED, TOO_LARGE))
        if len(nodes["instance_id"]) > MAX_BATCHES * plan.batch_size:
            return self._reason_shard(run_target, Listing(ListingStatus.NOT_LISTED, TOO_MANY_BATCHES))
        metadata = listing_metadata(run_target, Listing(ListingStatus.LISTED, None, listed_at))
        return self.tables.encode(SHARD, batches(nodes, plan.batch_size), metadata)

    def _reason_shard(self, run_target: RunTarget, listing: Listing) -> bytes:
        return self.tables.encode(SHARD, [], listing_metadata(run_target, listing))
