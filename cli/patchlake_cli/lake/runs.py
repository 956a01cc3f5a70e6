"""A run of a lake: its status, its targets, and the nodes that it accounts for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from patchlake.core.run import run_id_of
from patchlake.core.statuses import CollectionStatus, ListingStatus
from patchlake.ports import Clock

NODE_COUNTS: Mapping[str, str] = {status: f"nodes_{status.lower()}" for status in CollectionStatus}
"""The column of coverage that counts the nodes with a collection status, which is also the count's name in JSON."""

_SETTLED = frozenset({ListingStatus.LISTED, ListingStatus.ACCOUNT_NOT_ACTIVE})


class RunStatus(StrEnum):
    """The state of a run."""

    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"
    RUNNING = "RUNNING"
    OVERDUE = "OVERDUE"
    """Past its deadline, with the time that commit needs, and not published."""
    UNPUBLISHED = "UNPUBLISHED"
    """Its coverage is there, and its snapshot is not whole."""


@dataclass(frozen=True, slots=True)
class TargetCoverage:
    """One target of a run, as the run's coverage has it."""

    account_id: str
    account_name: str | None
    region: str
    listing_status: str
    listing_detail: str | None
    nodes_listed: int | None


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run.

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
        coverage: of each target; empty until the run is published.
        nodes: by ``collection_status``; None until the run is published.
        progress: None once it is published.
    """

    run_id: str
    run_at: datetime
    status: RunStatus
    targets: int
    coverage: tuple[TargetCoverage, ...] = ()
    nodes: Mapping[str, int] | None = None
    progress: Progress | None = None

    @property
    def is_published(self) -> bool:
        """Whether its snapshot is there."""
        return self.status in {RunStatus.COMPLETE, RunStatus.PARTIAL}

    @property
    def targets_listed(self) -> int | None:
        """Targets whose nodes are known; None until it is published."""
        if self.nodes is None:
            return None
        return sum(target.listing_status == ListingStatus.LISTED for target in self.coverage)

    @property
    def unread(self) -> tuple[TargetCoverage, ...]:
        """Its targets that are not listed, those of accounts that are not active left out."""
        return tuple(target for target in self.coverage if target.listing_status not in _SETTLED)

    @property
    def nodes_listed(self) -> int | None:
        """All nodes of the snapshot."""
        return None if self.nodes is None else sum(self.nodes.values())

    @property
    def nodes_unknown(self) -> int | None:
        """Nodes that were listed, and whose state could not be read."""
        if self.nodes is None:
            return None
        return self.nodes[CollectionStatus.NOT_COLLECTED] + self.nodes[CollectionStatus.INVALID_RESPONSE]


def counts_as_json(run: Run) -> dict[str, Any]:
    """Return a run's status and counts as every ``--json`` names them; what is not known yet is null."""
    return {
        "run_id": run.run_id,
        "status": run.status,
        "targets": run.targets,
        "targets_listed": run.targets_listed,
        "nodes_listed": run.nodes_listed,
        **{name: None if run.nodes is None else run.nodes[status] for status, name in NODE_COUNTS.items()},
    }


def current_run_id(clock: Clock) -> str:
    """Name the run of the current minute, by AWS's time."""
    return run_id_of(clock.now().replace(second=0).isoformat())
