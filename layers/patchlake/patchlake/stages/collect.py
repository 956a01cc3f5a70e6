"""The third stage: collect the patch states of one batch. The part it stores is the receipt of its message."""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from itertools import batched

from patchlake.core.keys import part_key, shard_key
from patchlake.core.messages import CollectMessage
from patchlake.core.paging import read_chain
from patchlake.core.plan import Plan
from patchlake.core.rows import Outcome, outcomes, part_columns
from patchlake.core.tables import PATCH_STATES, SHARD, CollectionStatus, Columns
from patchlake.core.targets import Target
from patchlake.errors import InputError, RefusedError
from patchlake.ports import Delivery, ParallelMap, Store, TableFormat, TargetApi, TargetApis
from patchlake.stages.retry_policy import RetryPolicy
from patchlake.stages.stored import Step, about, is_published, open_shard, run_target_of, stored_plan
from patchlake.stages.throttled_calls import ThrottledCalls

IDS_PER_CALL = 50
"""What DescribeInstancePatchStates takes at most."""


@dataclass(frozen=True, slots=True)
class CollectResult:
    """What became of a collect message; ``statuses`` counts the nodes of a part that this very call stored."""

    run_id: str
    target: Target
    batch: int
    step: Step
    statuses: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class CollectStage:
    """Turns one batch of a stored shard into a stored part."""

    store: Store
    tables: TableFormat
    apis: TargetApis
    retry_policy: RetryPolicy
    parallel_map: ParallelMap

    def handle(self, message: CollectMessage, delivery: Delivery) -> CollectResult:
        """Collect the message's batch; where its part exists, SSM is not asked.

        Raises:
            InputError: the message names no batch of a stored shard of an active target.
            RetryableError: the message fails for now; nothing was recorded.
            IntegrityError: the plan or the shard cannot be read.
        """
        with self.retry_policy.deferring(delivery):
            return self._collect(message.run_id, message.target, message.batch, delivery)

    def _collect(self, run_id: str, target: Target, batch: int, delivery: Delivery) -> CollectResult:
        if is_published(self.store, run_id):
            return CollectResult(run_id, target, batch, Step.LATE)
        key = part_key(run_id, target, batch)
        if self.store.exists(key):
            return CollectResult(run_id, target, batch, Step.ADOPTED)
        plan = stored_plan(self.store, run_id)
        plan.require(target)
        columns = self._part(plan, target, self._nodes(plan, target, batch), delivery)
        if not self.store.create(key, self.tables.encode(PATCH_STATES, [columns], {})):
            return CollectResult(run_id, target, batch, Step.ADOPTED)
        return CollectResult(run_id, target, batch, Step.STORED, Counter(columns["collection_status"]))

    def _nodes(self, plan: Plan, target: Target, batch: int) -> Columns:
        key = shard_key(plan.run_id, target)
        body = self.store.get(key)
        if body is None:
            msg = f"run {plan.run_id}: there is no {key}, so the message is refused"
            raise InputError(msg)
        shard = open_shard(self.tables, run_target_of(plan, target), body)
        if batch >= len(shard.row_counts):
            msg = f"run {plan.run_id}: {key} has {len(shard.row_counts)} batches, so batch {batch} is refused"
            raise InputError(msg)
        with about(key):
            return shard.columns(SHARD.column_names, batch)

    def _part(self, plan: Plan, target: Target, nodes: Columns, delivery: Delivery) -> Columns:
        calls = self.retry_policy.calls(f"run {plan.run_id}, target {target}", delivery)
        try:
            settled = self._ask(self.apis.open(target, plan.home_account_id), nodes, calls)
        except RefusedError as refusal:
            self.retry_policy.require_lasting(refusal, delivery)
            refused = Outcome(CollectionStatus.NOT_COLLECTED, refusal.code)
            settled = dict.fromkeys(nodes["instance_id"], refused)
        return part_columns(
            run_target_of(plan, target),
            nodes,
            settled,
            include_sensitive_fields=plan.include_sensitive_fields,
        )

    def _ask(self, source: TargetApi, nodes: Columns, calls: ThrottledCalls) -> dict[str, Outcome]:
        def ask(chunk: tuple[str, ...]) -> dict[str, Outcome]:
            return read_chain(partial(source.patch_state_page, chunk), partial(outcomes, chunk))

        valid = (i for i, reason in zip(nodes["instance_id"], nodes["invalid_reason"], strict=True) if reason is None)
        settled: dict[str, Outcome] = {}
        for chunk in calls.call_each(ask, list(batched(valid, IDS_PER_CALL, strict=False)), self.parallel_map):
            settled.update(chunk)
        return settled
