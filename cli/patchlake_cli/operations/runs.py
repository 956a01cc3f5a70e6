"""The runs of a stack, as its bucket tells of them: which there are, how each ended, how far one under way is.

Keys are listed and small objects read, a bounded number of them: no snapshot is opened.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from patchlake.core.keys import PLANS, coverage_key, parts_prefix, plan_key
from patchlake.core.plan import Plan
from patchlake.core.run import run_at
from patchlake.core.statuses import CollectionStatus, ListingStatus
from patchlake.ports import Clock, Store, TableFormat
from patchlake.sources.coverage import is_complete
from patchlake.sources.registry import SOURCES
from patchlake.stages.stored_objects import open_table
from patchlake.stages.stored_plan import is_published, stored_plan
from patchlake.stages.stored_run import StoredRuns
from patchlake_cli.summary import Coverage

MOST_MONTHS = 13
"""How far back runs are looked for: one listing of keys a month."""

MOST_SHARDS = 500
"""Shards that are read to know how many parts there will be, at most; beyond that the number stays unknown."""

OVERDUE_AFTER = timedelta(minutes=30)
"""How long after its deadline a run that is still not published counts as overdue: two ticks of the longest kind."""

_PLAN = re.compile(rf"{PLANS}(?P<run_id>\d{{8}}T\d{{6}}Z)\.json")
_SETTLED = frozenset({ListingStatus.LISTED, ListingStatus.ACCOUNT_NOT_ACTIVE})
NODE_COUNTS: dict[str, str] = {status: f"nodes_{status.lower()}" for status in CollectionStatus}
"""The column of coverage that counts the nodes with a collection status."""


class RunStatus(StrEnum):
    """How a run stands."""

    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"
    RUNNING = "RUNNING"
    OVERDUE = "OVERDUE"
    """Past its deadline by more than ``OVERDUE_AFTER``, and not published."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is.

    Attributes:
        shards: active targets that have been listed, or have refused.
        parts: batches of nodes that have been collected.
        parts_expected: those of the shards so far; None where there are too many shards to look into.
    """

    deadline_at: datetime
    targets: int
    shards: int
    parts: int
    parts_expected: int | None


@dataclass(frozen=True, slots=True)
class Run:
    """A run.

    Attributes:
        targets: of the plan, those of accounts that are not active included.
        targets_listed: None until it is published, like the counts of nodes.
        nodes: by ``collection_status``.
        unread: its targets that are not listed, those of accounts that are not active left out.
        progress: None once it is published.
    """

    run_id: str
    run_at: datetime
    status: RunStatus
    targets: int
    targets_listed: int | None = None
    nodes: Mapping[str, int] | None = None
    unread: tuple[Coverage, ...] = ()
    progress: Progress | None = None

    @property
    def is_published(self) -> bool:
        """Whether its snapshot is there."""
        return self.status in {RunStatus.COMPLETE, RunStatus.PARTIAL}

    @property
    def nodes_listed(self) -> int | None:
        """All nodes of the snapshot."""
        return None if self.nodes is None else sum(self.nodes.values())


class Runs:
    """The runs of a lake; what a shard says is remembered between two looks.

    Every method raises PatchlakeError where the store cannot be read, or what is stored is damaged.
    """

    def __init__(self, store: Store, tables: TableFormat, clock: Clock) -> None:
        """Prepare; nothing is read yet."""
        self.clock = clock
        self._store = store
        self._tables = tables
        self._runs = StoredRuns(store, tables, SOURCES, map)

    def newest(self, most: int) -> list[Run]:
        """Return the newest runs that have a plan, newest first, of the last ``MOST_MONTHS`` months."""
        found: list[str] = []
        month = self.clock.now()
        for _ in range(MOST_MONTHS):
            keys = self._store.keys(f"{PLANS}{month:%Y%m}")
            found += sorted((match["run_id"] for key in keys if (match := _PLAN.fullmatch(key))), reverse=True)
            if len(found) >= most:
                break
            month = month.replace(day=1) - timedelta(days=1)
        return [self.run(run_id) for run_id in found[:most]]

    def run(self, run_id: str) -> Run:
        """Return a run that has a plan."""
        return self._published(run_id) if is_published(self._store, run_id) else self._under_way(run_id)

    def is_planned(self, run_id: str) -> bool:
        """Whether the run has a plan, and so goes on whatever becomes of its event."""
        return self._store.exists(plan_key(run_id))

    def _published(self, run_id: str) -> Run:
        key = coverage_key(run_id)
        names = Coverage.__match_args__
        columns = open_table(self._tables, key, self._store.get(key)).columns([*names, *NODE_COUNTS.values()])
        targets = [Coverage(*row) for row in zip(*(columns[name] for name in names), strict=True)]
        nodes = {str(status): sum(filter(None, columns[name])) for status, name in NODE_COUNTS.items()}
        complete = is_complete([ListingStatus(target.listing_status) for target in targets], nodes)
        return Run(
            run_id=run_id,
            run_at=run_at(run_id),
            status=RunStatus.COMPLETE if complete else RunStatus.PARTIAL,
            targets=len(targets),
            targets_listed=sum(target.listing_status == ListingStatus.LISTED for target in targets),
            nodes=nodes,
            unread=tuple(target for target in targets if target.listing_status not in _SETTLED),
        )

    def _under_way(self, run_id: str) -> Run:
        plan = stored_plan(self._store, run_id)
        overdue = self.clock.now() > plan.deadline_at + OVERDUE_AFTER
        return Run(
            run_id=run_id,
            run_at=plan.run_at,
            status=RunStatus.OVERDUE if overdue else RunStatus.RUNNING,
            targets=len(plan.targets),
            progress=self._progress(plan),
        )

    def _progress(self, plan: Plan) -> Progress:
        active = plan.active_targets()
        run = self._runs.of(plan)
        unlisted = run.missing_shards(SOURCES.nodes)
        listed = [target for target in active if target not in unlisted]
        if len(listed) > MOST_SHARDS:
            parts = sum(1 for _ in self._store.keys(parts_prefix(plan.run_id)))
            return Progress(plan.deadline_at, len(active), len(listed), parts, None)
        batches = run.slices(SOURCES.patch_states, run.batches(listed))
        parts = len(batches) - len(run.missing_parts(SOURCES.patch_states, batches))
        return Progress(plan.deadline_at, len(active), len(listed), parts, len(batches))
