"""A run of a lake: its status, its targets, and the nodes that it accounts for."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from patchlake.core.counts import counted
from patchlake.core.run import run_id_of
from patchlake.core.statuses import NOT_READ, CollectionStatus, ListingStatus
from patchlake.ports import Clock
from patchlake_cli.lake.source_coverage import SourceCoverage

NODE_COUNTS: Mapping[str, str] = {status: f"nodes_{status.lower()}" for status in CollectionStatus}
"""The column of coverage that counts the nodes with each collection status; also the name of the count in JSON."""

_SETTLED = frozenset({ListingStatus.LISTED, ListingStatus.ACCOUNT_NOT_ACTIVE})


TARGETS_NAMED = 5
"""The most targets to name in one sentence."""


class RunStatus(StrEnum):
    """The state of a run."""

    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"
    RUNNING = "RUNNING"
    OVERDUE = "OVERDUE"
    """Not published, and past its deadline and the time that commit needs."""
    UNPUBLISHED = "UNPUBLISHED"
    """Its coverage exists, but its snapshot is incomplete."""
    CORRUPT = "CORRUPT"
    """Its plan, coverage, a shard or a part cannot be read, or contradicts another."""


@dataclass(frozen=True, slots=True)
class TargetCoverage:
    """One target of a run, from the run's coverage."""

    account_id: str
    account_name: str | None
    region: str
    listing_status: str
    listing_detail: str | None
    nodes_listed: int | None
    rows_without_id: int | None


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a run.

    Attributes:
        shards: active targets that have been listed, or have refused.
        parts: batches of nodes that have been collected.
        parts_expected: the batches of the shards so far; None where there are too many shards to read.
        details: parts of secondary detail sources that are stored.
        details_expected: the parts that they have for these batches; None where the batches are not known.
        detail_deadline_at: when the run stops waiting for secondary sources; None if it has none.
    """

    deadline_at: datetime
    targets: int
    shards: int
    parts: int
    parts_expected: int | None
    details: int = 0
    details_expected: int | None = None
    detail_deadline_at: datetime | None = None

    @property
    def is_all_stored(self) -> bool:
        """Whether every target is listed and every part stored; shards of secondary sources are not counted."""
        return (
            self.shards == self.targets
            and self.parts == self.parts_expected
            and self.details == (self.details_expected or 0)
        )


@dataclass(frozen=True, slots=True)
class Run:
    """A run.

    Attributes:
        targets: the targets of the plan, including those of accounts that are not active.
        coverage: the coverage of each target; empty until the run is published.
        nodes: the nodes by ``collection_status``; None until the run is published.
        not_planned: active targets that earlier runs covered and this run did not plan; None if it was not compared.
        sources: the coverage of each secondary source; empty until the run is published.
        progress: None once the run is published.
        problem: what is wrong with a run that is corrupt; nothing else about it is known.
    """

    run_id: str
    run_at: datetime
    status: RunStatus
    targets: int
    coverage: tuple[TargetCoverage, ...] = ()
    nodes: Mapping[str, int] | None = None
    not_planned: tuple[TargetCoverage, ...] | None = None
    sources: Mapping[str, SourceCoverage] = field(default_factory=dict)
    progress: Progress | None = None
    problem: str | None = None

    @property
    def is_published(self) -> bool:
        """Whether its snapshot is published."""
        return self.status in {RunStatus.COMPLETE, RunStatus.PARTIAL}

    @property
    def targets_active(self) -> int:
        """The targets of the plan without those of accounts that are not active."""
        if self.progress is not None:
            return self.progress.targets
        return sum(target.listing_status != ListingStatus.ACCOUNT_NOT_ACTIVE for target in self.coverage)

    @property
    def targets_listed(self) -> int | None:
        """The targets whose nodes are known; None until the run is published."""
        if self.nodes is None:
            return None
        return sum(target.listing_status == ListingStatus.LISTED for target in self.coverage)

    @property
    def targets_in_words(self) -> str:
        """The numbers of targets read, of those that the run no longer planned, and of rows without an id."""
        gone = f", {len(self.not_planned)} no longer planned" if self.not_planned else ""
        nameless = f", {rows_in_words(self.rows_without_id)}" if self.rows_without_id else ""
        return f"{self.targets_listed} of {self.targets_active} targets read{gone}{nameless}"

    @property
    def unread(self) -> tuple[TargetCoverage, ...]:
        """The targets that were not listed, without those of accounts that are not active."""
        return tuple(target for target in self.coverage if target.listing_status not in _SETTLED)

    @property
    def incomplete(self) -> tuple[TargetCoverage, ...]:
        """The targets whose listing had rows without an id."""
        return tuple(target for target in self.coverage if target.rows_without_id)

    @property
    def rows_without_id(self) -> int | None:
        """The rows of listings that are in no snapshot, since they name no node; None until the run is published."""
        return None if self.nodes is None else sum(target.rows_without_id or 0 for target in self.incomplete)

    @property
    def nodes_listed(self) -> int | None:
        """The nodes of the snapshot."""
        return None if self.nodes is None else sum(self.nodes.values())

    @property
    def nodes_not_read(self) -> int | None:
        """The listed nodes whose state could not be read."""
        if self.nodes is None:
            return None
        return sum(self.nodes[status] for status in NOT_READ)


def left_out(covered: Iterable[TargetCoverage], planned: Container[tuple[str, str]]) -> tuple[TargetCoverage, ...]:
    """Return the active targets among these that are not planned, by account and region."""
    return tuple(
        target
        for target in covered
        if target.listing_status != ListingStatus.ACCOUNT_NOT_ACTIVE
        and (target.account_id, target.region) not in planned
    )


def with_targets_left_out(runs: Sequence[Run]) -> list[Run]:
    """Return runs, newest first, each with the targets that earlier ones of them covered and it did not plan."""
    earlier: dict[tuple[str, str], TargetCoverage] = {}
    compared = []
    for run in reversed(runs):
        covered = {(target.account_id, target.region): target for target in run.coverage}
        compared.append(replace(run, not_planned=left_out(earlier.values(), covered)) if run.is_published else run)
        earlier |= covered
    return compared[::-1]


def named(targets: Sequence[tuple[str, str]]) -> str:
    """Name targets by account and region, the first few of many."""
    names = ", ".join(f"{account_id} {region}" for account_id, region in targets[:TARGETS_NAMED])
    more = len(targets) - TARGETS_NAMED
    return f"{names} and {more} more" if more > 0 else names


def first_named(names: Sequence[str], noun: str) -> list[str]:
    """Return the first ``TARGETS_NAMED`` of these names, and the number of further ones, counted with the noun."""
    more = len(names) - TARGETS_NAMED
    return [*names[:TARGETS_NAMED], *([counted(more, noun)] if more > 0 else [])]


def rows_in_words(rows_without_id: int) -> str:
    """Return the number of rows without an id."""
    return f"{counted(rows_without_id, 'row')} without an id"


def counts_as_json(run: Run) -> dict[str, Any]:
    """Return a run's status and counts, as every ``--json`` names them; a count that is not known yet is null."""
    return {
        "run_id": run.run_id,
        "status": run.status,
        "targets": run.targets,
        "targets_listed": run.targets_listed,
        "not_planned": None
        if run.not_planned is None
        else [{"account_id": target.account_id, "region": target.region} for target in run.not_planned],
        "targets_not_active": run.targets - run.targets_active,
        "nodes_listed": run.nodes_listed,
        **{name: None if run.nodes is None else run.nodes[status] for status, name in NODE_COUNTS.items()},
        "rows_without_id": run.rows_without_id,
        "sources": None if run.nodes is None else {name: coverage.as_json() for name, coverage in run.sources.items()},
    }


def current_run_id(clock: Clock) -> str:
    """Return the id of the run of the current minute, by AWS's clock."""
    return run_id_of(clock.now().replace(second=0).isoformat())
