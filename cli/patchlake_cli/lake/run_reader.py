"""Reads runs: those of a bucket by its keys and coverage, and one run of an opened lake by its tables.

`Runs` lists keys and reads a bounded number of objects; it opens no snapshot.
"""

from dataclasses import fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.core.keys import PLANS, coverage_key, parts_prefix, plan_key, run_ids
from patchlake.core.plan import Plan
from patchlake.core.run import run_at
from patchlake.core.tables import Columns, ColumnType
from patchlake.errors import InputError, IntegrityError
from patchlake.ports import Clock, Store, TableFile, TableFormat
from patchlake.sources.coverage import is_complete
from patchlake.sources.registry import COVERAGE, SOURCES
from patchlake.sources.source import Source
from patchlake.stages.stored_objects import about, open_table
from patchlake.stages.stored_plan import is_published, stored_plan
from patchlake.stages.stored_run import READ_AHEAD, StoredRuns
from patchlake_cli.lake.commit_rehearsal import CommitRehearsal
from patchlake_cli.lake.runs import NODE_COUNTS, Progress, Run, RunStatus, TargetCoverage, with_targets_left_out
from patchlake_cli.lake.source_coverage import SourceCoverage, columns_of, source_coverage

if TYPE_CHECKING:
    from patchlake_cli.lake.engine import Lake

MOST_MONTHS = 13
"""The number of months in which to look for runs: one listing of keys per month."""

MOST_SHARDS = 500
"""The most shards to read to find the number of parts; with more shards, the number stays unknown."""

MOST_PARTS = 3_000
"""The most parts of a run to look for damage in: those of 100,000 nodes with patches, with the default sizes."""

OVERDUE_AFTER = timedelta(minutes=30)
"""The time after its deadline from which an unpublished run is overdue: two ticks of the longest kind."""

_TARGET = tuple(field.name for field in fields(TargetCoverage))


class Runs:
    """The runs of a lake; what was found in shards and parts is kept between calls.

    Every method raises PatchlakeError where the store cannot be read, or what is stored is damaged.
    """

    def __init__(self, store: Store, tables: TableFormat, clock: Clock) -> None:
        """Read nothing yet."""
        self.clock = clock
        self._store = store
        self._tables = tables
        parallel_map = ThreadedMap(READ_AHEAD, "lake")
        self._runs = StoredRuns(store, tables, SOURCES, parallel_map)
        self._rehearsal = CommitRehearsal(store, tables, clock, parallel_map)

    def newest(self, most: int) -> list[Run]:
        """Return the newest runs that have a plan, newest first, of the last ``MOST_MONTHS`` months."""
        found: list[str] = []
        month = self.clock.now()
        for _ in range(MOST_MONTHS):
            found += sorted(run_ids(self._store.keys(f"{PLANS}{month:%Y%m}")), reverse=True)
            if len(found) >= most:
                break
            month = month.replace(day=1) - timedelta(days=1)
        return with_targets_left_out([self._run_or_damage(run_id) for run_id in found[:most]])

    def _run_or_damage(self, run_id: str) -> Run:
        """Return a run; one that is damaged costs no other one."""
        try:
            return self.run(run_id)
        except (IntegrityError, InputError) as error:
            return Run(run_id, run_at(run_id), RunStatus.CORRUPT, targets=0, problem=str(error))

    def run(self, run_id: str) -> Run:
        """Return a run that has a plan."""
        return self._published(run_id) if self.is_published(run_id) else self._under_way(run_id)

    def is_published(self, run_id: str) -> bool:
        """Whether the run has a snapshot, and so never changes."""
        return is_published(self._store, run_id)

    def is_planned(self, run_id: str) -> bool:
        """Whether the run has a plan, and so continues without its event."""
        return self._store.exists(plan_key(run_id))

    def _published(self, run_id: str) -> Run:
        key = coverage_key(run_id)
        names = ["run_id", *_TARGET, *NODE_COUNTS.values()]
        table = open_table(self._tables, key, self._store.get(key))
        with about(key):
            columns = _columns(table, names)
            if others := {*columns["run_id"]} - {run_id}:
                msg = f"it is the coverage of run {min(map(str, others))}"
                raise IntegrityError(msg)
            sources = {source.name: _source(source, table) for source in SOURCES.secondary}
        coverage = tuple(TargetCoverage(*row) for row in zip(*(columns[name] for name in _TARGET), strict=True))
        nodes = {str(status): sum(filter(None, columns[name])) for status, name in NODE_COUNTS.items()}
        without_id = sum(target.rows_without_id or 0 for target in coverage)
        complete = is_complete([target.listing_status for target in coverage], nodes, without_id)
        return Run(
            run_id=run_id,
            run_at=run_at(run_id),
            status=RunStatus.COMPLETE if complete else RunStatus.PARTIAL,
            targets=len(coverage),
            coverage=coverage,
            nodes=nodes,
            sources=sources,
        )

    def _under_way(self, run_id: str) -> Run:
        plan = stored_plan(self._store, run_id)
        progress, now = self._progress(plan), self.clock.now()
        if _is_small(progress) and (progress.is_all_stored or now >= plan.closes_details_at):
            flaw = self._rehearsal.flaw(plan)
            if flaw is not None:
                raise IntegrityError(flaw)
        overdue = now > plan.deadline_at + OVERDUE_AFTER
        return Run(
            run_id=run_id,
            run_at=plan.run_at,
            status=RunStatus.OVERDUE if overdue else RunStatus.RUNNING,
            targets=len(plan.targets),
            progress=progress,
        )

    def _progress(self, plan: Plan) -> Progress:
        active = plan.active_targets()
        run = self._runs.of(plan)
        unlisted = run.missing_shards(SOURCES.nodes)
        listed = [target for target in active if target not in unlisted]
        secondary = SOURCES.details(plan)
        progress = Progress(
            plan.deadline_at, len(active), len(listed), 0, None, detail_deadline_at=plan.detail_deadline_at
        )
        if len(listed) > MOST_SHARDS:
            return replace(
                progress,
                parts=self._count(parts_prefix(plan.run_id)),
                details=sum(self._count(parts_prefix(plan.run_id, source.name)) for source in secondary),
            )
        batches = run.batches(listed)
        places = [(source, run.slices(source, batches)) for source in (SOURCES.patch_states, *secondary)]
        [(parts, expected), *details] = [
            (len(slices) - len(run.missing_parts(source, slices)), len(slices)) for source, slices in places
        ]
        return replace(
            progress,
            parts=parts,
            parts_expected=expected,
            details=sum(stored for stored, _ in details),
            details_expected=sum(most for _, most in details) if details else None,
        )

    def _count(self, prefix: str) -> int:
        return sum(1 for _ in self._store.keys(prefix))


def _is_small(progress: Progress) -> bool:
    """Whether the run has few enough objects to read them all."""
    if progress.parts_expected is None:
        return False
    return progress.targets <= MOST_SHARDS and progress.parts_expected + (progress.details_expected or 0) <= MOST_PARTS


def _columns(coverage: TableFile, names: list[str]) -> Columns:
    """Return columns of a stored coverage, each of the type that the table declares.

    Raises:
        IntegrityError: a value is of another type, or absent where there must be one.
    """
    columns = coverage.columns(names)
    for column in (column for column in COVERAGE if column.name in columns):
        type_ = str if column.type is ColumnType.STRING else int
        if not all(column.nullable if value is None else isinstance(value, type_) for value in columns[column.name]):
            msg = f"a value of its column {column.name} is not of type {column.type}"
            raise IntegrityError(msg)
    return columns


def _source(source: Source, coverage: TableFile) -> SourceCoverage:
    """Return the coverage of a secondary source; an older file has no columns about it."""
    members = columns_of(source, coverage.column_names)
    names = ["account_id", "region", *(f"{source.name}_{member}" for member in members)]
    columns = _columns(coverage, names)
    rows = zip(*(columns[name] for name in names), strict=True)
    return source_coverage(dict(zip(("account_id", "region", *members), row, strict=True)) for row in rows)


def read_run(lake: "Lake", run_id: str) -> Run:
    """Return a published run from the tables of a lake: the counts of its rows, not the counts of its coverage.

    Raises:
        LakeError: a file cannot be read.
    """
    run = (run_id,)
    [(status,)] = lake.select("SELECT run_status FROM runs WHERE run_id = ?", run).rows
    targets = lake.select(
        f"SELECT {', '.join(_TARGET)} FROM coverage WHERE run_id = ? ORDER BY account_id, region",  # noqa: S608
        run,
    ).rows
    left = lake.select(
        f"SELECT {', '.join(_TARGET)} FROM target_runs WHERE run_id = ? AND is_active AND NOT is_planned "  # noqa: S608
        "ORDER BY account_id, region",
        run,
    ).rows
    nodes = lake.select(
        "SELECT collection_status, count(*) FROM patch_states WHERE run_id = ? GROUP BY collection_status", run
    ).rows
    return Run(
        run_id=run_id,
        run_at=run_at(run_id),
        status=RunStatus(status),
        sources={source.name: _source_in_lake(lake, source, run_id) for source in SOURCES.secondary},
        targets=len(targets),
        coverage=tuple(TargetCoverage(*row) for row in targets),
        nodes=dict.fromkeys(map(str, NODE_COUNTS), 0) | dict(nodes),
        not_planned=tuple(TargetCoverage(*row) for row in left),
    )


def _source_in_lake(lake: "Lake", source: Source, run_id: str) -> SourceCoverage:
    members = columns_of(source, COVERAGE.column_names)
    columns = ", ".join(f"{source.name}_{member}" for member in members)
    sql = f"SELECT account_id, region, {columns} FROM coverage WHERE run_id = ? ORDER BY account_id, region"  # noqa: S608
    rows = lake.select(sql, (run_id,)).rows
    [(published,)] = lake.select(f"SELECT count(*) FROM {source.name} WHERE run_id = ?", (run_id,)).rows  # noqa: S608
    return source_coverage((dict(zip(("account_id", "region", *members), row, strict=True)) for row in rows), published)
