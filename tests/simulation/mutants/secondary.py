"""Mistakes in the protocol for secondary sources: one for each must, never, before and only of its design."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, BinaryIO

import msgspec
from msgspec.structs import replace

from patchlake.core import keys
from patchlake.core.messages import CollectMessage
from patchlake.core.plan import Plan, make_plan
from patchlake.core.rows import Outcome
from patchlake.core.tables import Columns
from patchlake.core.targets import RunTarget, Target
from patchlake.core.timings import ResendWindow
from patchlake.errors import InputError, RefusedError, RetryableError, UnknownSourceError
from patchlake.ports import Clock, Delivery
from patchlake.sources import coverage, registry
from patchlake.sources.coverage import TargetRead, coverage_row
from patchlake.sources.registry import Registry
from patchlake.sources.source import DetailSource, ListedRows, ListingSource
from patchlake.stages import collect, commit, discover, fence, plan, publish, stored_run
from patchlake.stages.collect import CollectStage
from patchlake.stages.commit import CommitStage
from patchlake.stages.discover import DiscoverStage
from patchlake.stages.plan import PlanStage
from patchlake.stages.retry_policy import Attempt, RetryPolicy
from patchlake.stages.stored_run import Batch, Slice, StoredRun
from tests.simulation.faults import Fault
from tests.simulation.mutants.answers import Pages, Settle, Settled, alter_ids_per_call, alter_settling
from tests.simulation.mutants.deaf_queue import DeafQueue
from tests.simulation.mutants.mutant import MUTANTS, Mutant, Patch, alter_coverage
from tests.simulation.mutants.mutant import mutant as any_mutant
from tests.simulation.mutants.provocations import (
    BUILDS_THAT_DIFFER,
    CHILDREN_SENT_AGAIN,
    LARGE_SLICES,
    LISTINGS_THROTTLED,
    LOSSES_OF_TOYS,
    PEOPLED,
    SLICES_OF_BATCHES,
    STATES_THROTTLED,
    TOYS_HELD_BACK,
    TOYS_OF_SLICES,
    TOYS_OR_STATES_REFUSED,
    TOYS_REFUSED,
    TOYS_STUCK,
    TOYS_UNHEALTHY,
    WITH_TOYS,
)
from tests.simulation.mutants.values import alter_merge
from tests.simulation.provocation import ANY, CALM, Provocation, having, struck_by


def mutant(
    invariant: str, name: str, provocation: Provocation = ANY
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register what makes a mistake in a world that has secondary sources."""
    return any_mutant(invariant, name, WITH_TOYS & provocation)


# Children: before acknowledging, only where the parent's part exists, and asked for only where they have to ask.


@mutant("C3", "collect acknowledges a batch before its children are asked for")
def _wakes_nobody(patch: Patch) -> None:
    patch.setattr(CollectStage, "_wake_children", lambda *_: None)


@mutant("C3", "a batch that is found wakes no children")
def _wakes_once(patch: Patch) -> None:
    wake = CollectStage._wake_children  # noqa: SLF001

    def wake_if_stored(stage: CollectStage, *arguments: Any) -> None:  # noqa: ANN401
        if arguments[-1] is not None:
            wake(stage, *arguments)

    patch.setattr(CollectStage, "_wake_children", wake_if_stored)


@mutant("C3", "collect asks for children that have nothing to ask")
def _asks_for_all(patch: Patch) -> None:
    def ask_for_all(
        stage: CollectStage, planned: Plan, children: Sequence[DetailSource], message: CollectMessage, _: object
    ) -> None:
        target, batch = message.target, message.batch
        states = stage._stored_batch(planned, target, batch)  # noqa: SLF001
        for child in children:
            numbers = planned.slices(child.name, len(states["instance_id"]))
            messages = [CollectMessage.of(planned.run_id, target, batch, child.name, number) for number in numbers]
            stage.detail_queues[child.name].send(message.grouped() for message in messages)

    patch.setattr(CollectStage, "_wake_children", ask_for_all)


@mutant("C3", "a build forgets the sources that the plan names")
def _forgets_sources(patch: Patch) -> None:
    patch.setattr(Registry, "details", lambda *_: ())


@mutant("C3", "plan does not ask for the secondary listings")
def _lists_no_gadgets(patch: Patch) -> None:
    with_queues(patch, PlanStage, "handle", "listing_queues", lambda _: {"gadgets": DeafQueue()})


@mutant("C1", "commit closes children whose parent is missing", TOYS_HELD_BACK)
def _closes_orphans(patch: Patch) -> None:
    close_secondary = fence.close_secondary

    def close_all(run: StoredRun, stored: Sequence[Batch]) -> None:
        close_secondary(run, stored)
        unlisted = run.missing_shards(run.sources.nodes)
        listed = [target for target in run.plan.active_targets() if target not in unlisted]
        for detail in run.sources.details(run.plan):
            orphans = run.missing_parts(detail, run.slices(detail, run.batches(listed)))
            for orphan in sorted(orphans):
                run.runs.store.create(run.part_key(detail, orphan), run.runs.tables.encode(detail.table, [], {}))

    patch.setattr(commit, "close_secondary", close_all)


@mutant("C1", "commit sends for children whose parent is missing")
def _sends_for_orphans(patch: Patch) -> None:
    children = CommitStage._children  # noqa: SLF001

    def of_every_batch(
        stage: CommitStage,
        run: StoredRun,
        detail: DetailSource,
        batches: Sequence[Slice],
        _: Sequence[Batch],
        window: ResendWindow,
    ) -> Any:  # noqa: ANN401
        return children(stage, run, detail, batches, [slice_.batch for slice_ in batches], window)

    patch.setattr(CommitStage, "_children", of_every_batch)


@mutant("C8", "a child that has nothing to ask goes for its target", CHILDREN_SENT_AGAIN)
def _opens_for_nothing(patch: Patch) -> None:
    part = CollectStage._part  # noqa: SLF001

    def open_first(stage: CollectStage, planned: Plan, *arguments: Any) -> Columns:  # noqa: ANN401
        with suppress(RefusedError):
            stage.apis.open(planned, arguments[2].target)
        return part(stage, planned, *arguments)

    patch.setattr(CollectStage, "_part", open_first)


@mutant("C8", "a child asks about its whole batch", SLICES_OF_BATCHES & having(patches_per_part=None))
def _asks_about_the_batch(patch: Patch) -> None:
    asks_about_batch(patch, "toys")


def asks_about_batch(patch: Patch, name: str) -> None:
    """Let a child of a source ask about all nodes of its batch."""
    part = CollectStage._part  # noqa: SLF001

    def of_batch(stage: CollectStage, planned: Plan, source: DetailSource, rows: Columns, *more: Any) -> Columns:  # noqa: ANN401
        if source.name == name:
            rows = stage._stored_batch(planned, more[0].target, more[0].batch)  # noqa: SLF001
        return part(stage, planned, source, rows, *more)

    patch.setattr(CollectStage, "_part", of_batch)


@mutant("C8", "the toys are asked about two nodes a call", TOYS_OF_SLICES)
def _asks_for_two(patch: Patch) -> None:
    alter_ids_per_call(patch, "DescribeToys", 2)
    alter_settling(patch, lambda settle, asked, pages: settle(asked[:1], pages), "toys")


@mutant("C8", "a child never looks whether its part is there", LARGE_SLICES)
def _never_looks(patch: Patch) -> None:
    patch.setattr(collect, "CALLS_BETWEEN_LOOKS", 1_000_000)


@mutant("C8", "a child looks for its part before every twentieth call", LARGE_SLICES)
def _looks_too_seldom(patch: Patch) -> None:
    patch.setattr(collect, "CALLS_BETWEEN_LOOKS", 20)


# Two deadlines.


@dataclasses.dataclass(frozen=True)
class _ShiftedClock:
    clock: Clock
    by: timedelta

    def begin(self) -> None:
        """Begin an invocation."""
        self.clock.begin()

    def now(self) -> datetime:
        """Return a time that is not the clock's."""
        return self.clock.now() + self.by


def _shift_clock(patch: Patch, by: timedelta) -> None:
    wake = CollectStage._wake_children  # noqa: SLF001

    def wake_at_another_time(stage: CollectStage, *arguments: Any) -> None:  # noqa: ANN401
        wake(dataclasses.replace(stage, clock=_ShiftedClock(stage.clock, by)), *arguments)

    patch.setattr(CollectStage, "_wake_children", wake_at_another_time)


@mutant("C6", "collect asks for children after the detail deadline")
def _asks_too_late(patch: Patch) -> None:
    _shift_clock(patch, timedelta(days=-1))


@mutant("C6", "collect closes children before the detail deadline")
def _closes_children_early(patch: Patch) -> None:
    _shift_clock(patch, timedelta(days=1))


@mutant("C6", "secondary sources are closed at once")
def _closes_at_once(patch: Patch) -> None:
    patch.setattr(Plan, "closes_details_at", property(lambda planned: planned.planned_at))


@mutant("C6", "the detail deadline is an hour, whatever the plan says", TOYS_STUCK)
def _closes_after_an_hour(patch: Patch) -> None:
    patch.setattr(Plan, "closes_details_at", property(lambda planned: planned.planned_at + timedelta(hours=1)))


@mutant("I22", "workers take a run's deadline for that of all sources", TOYS_HELD_BACK)
def _works_until_the_deadline(patch: Patch) -> None:
    patch.setattr(Plan, "closes_at", lambda planned, _source: planned.deadline_at)


@mutant("I10", "workers take the detail deadline for that of all sources")
def _works_until_the_detail_deadline(patch: Patch) -> None:
    patch.setattr(Plan, "closes_at", lambda planned, _source: planned.closes_details_at)


@mutant("L3", "commit closes secondary sources at the run's deadline", LISTINGS_THROTTLED)
def _closes_at_the_deadline(patch: Patch) -> None:
    patch.setattr(Plan, "closes_at", lambda planned, _source: planned.detail_deadline_at or planned.deadline_at)
    patch.setattr(Plan, "closes_details_at", property(lambda planned: planned.deadline_at))


def close_all_but(patch: Patch, name: str) -> None:
    """Let commit leave a source open at the detail deadline."""

    def close_others(run: StoredRun, stored: Sequence[Batch]) -> None:
        for listing in run.sources.listings(run.plan):
            if listing.name != name:
                fence._close_shards(run, listing, fence.NO_DETAIL_SHARD)  # noqa: SLF001
        for detail in run.sources.details(run.plan):
            if detail.name != name:
                fence._close_slices(run, detail, stored)  # noqa: SLF001

    patch.setattr(commit, "close_secondary", close_others)


@mutant("I13", "root sources are closed at the detail deadline", TOYS_HELD_BACK)
def _closes_all_at_once(patch: Patch) -> None:
    patch.setattr(commit, "close_secondary", lambda run, _batches: fence.close_run(run))


@mutant("L1", "children are closed before the batches at the deadline", STATES_THROTTLED)
def _closes_children_first(patch: Patch) -> None:
    def backwards(run: StoredRun) -> None:
        unlisted = run.missing_shards(run.sources.nodes)
        listed = [target for target in run.plan.active_targets() if target not in unlisted]
        fence.close_secondary(run, run.batches(listed))
        fence.close_run(run)

    patch.setattr(commit, "close_run", backwards)


@mutant("C11", "a secondary listing pauses for a quarter of an hour", LISTINGS_THROTTLED)
def _listing_is_patient(patch: Patch) -> None:
    patch.setattr(discover, "LISTING_PAUSE_SECONDS", 900)


# The plan is the only place that settings are read from.


@mutant("C3", "parts are cut as the build cuts them", BUILDS_THAT_DIFFER)
def _cuts_as_the_build(patch: Patch) -> None:
    wake = CollectStage._wake_children  # noqa: SLF001

    def wake_by_build(stage: CollectStage, planned: Plan, *arguments: Any) -> None:  # noqa: ANN401
        mine = {each.name: each.planned() for each in stage.sources.secondary}
        wake(stage, replace(planned, sources=tuple(mine.get(each.name, each) for each in planned.sources)), *arguments)

    patch.setattr(CollectStage, "_wake_children", wake_by_build)


@mutant("C2", "nodes are selected by another version of the rule than the plan's", BUILDS_THAT_DIFFER)
def _selects_as_the_build(patch: Patch) -> None:
    patch.setattr(registry, "_is_read", lambda source, planned: planned.planned_source(source.name) is not None)


@mutant("C8", "the plan names a tag key of its own")
def _plans_a_tag(patch: Patch) -> None:
    _alter_plan(patch, lambda planned: replace(planned, tag_keys=(*planned.tag_keys, "owner")))


@mutant("C8", "the plan drops the tag keys")
def _drops_tags(patch: Patch) -> None:
    _alter_plan(patch, lambda planned: replace(planned, tag_keys=()))


def _alter_plan(patch: Patch, alter: Callable[[Plan], Plan]) -> None:
    patch.setattr(plan, "make_plan", lambda *arguments, **wanted: alter(make_plan(*arguments, **wanted)))


# Queues, and sources that a build does not know.


def with_queues(patch: Patch, stage: type[Any], method: str, field: str, queues: Callable[[Any], Any]) -> None:
    """Let a method of a stage run with other queues for some sources."""
    handle = getattr(stage, method)

    def handle_with_others(made: Any, *arguments: Any) -> Any:  # noqa: ANN401
        return handle(dataclasses.replace(made, **{field: {**getattr(made, field), **queues(made)}}), *arguments)

    patch.setattr(stage, method, handle_with_others)


@mutant("C10", "children go to the queue of the batches")
def _shares_a_queue(patch: Patch) -> None:
    with_queues(
        patch, CollectStage, "_wake_children", "detail_queues", lambda stage: {"toys": stage.retry_policy.queues[0]}
    )


@mutant("C10", "secondary listings go to the queue of the nodes")
def _shares_the_discover_queue(patch: Patch) -> None:
    with_queues(patch, PlanStage, "handle", "listing_queues", lambda stage: {"gadgets": stage.listing_queues["nodes"]})


@mutant("C10", "the messages of root sources name their source")
def _names_root_sources(patch: Patch) -> None:
    def encode(message: CollectMessage) -> str:
        return msgspec.json.encode({**msgspec.to_builtins(message), "source": message.source}).decode()

    patch.setattr(CollectMessage, "encode", encode)


@mutant("C10", "a worker defers on its stage's first queue")
def _defers_elsewhere(patch: Patch) -> None:
    @contextmanager
    def attempt(policy: RetryPolicy, delivery: Delivery, run_id: str, target: Target) -> Iterator[Attempt]:
        try:
            yield Attempt(policy, delivery, run_id, target)
        except RetryableError:
            with suppress(RetryableError):
                policy.queues[0].defer(delivery, policy.base_seconds)
            raise

    patch.setattr(RetryPolicy, "attempt", attempt)


@mutant("C10", "commit sends for children before root parts", PEOPLED & struck_by(Fault.LOST))
def _children_first(patch: Patch) -> None:
    send_again = CommitStage._send_again  # noqa: SLF001

    def send_backwards(stage: CommitStage, planned: Plan, expected: Sequence[Any]) -> None:
        send_again(stage, planned, expected[::-1])

    patch.setattr(CommitStage, "_send_again", send_backwards)


@mutant("C10", "a message of a source that the build does not know is refused", BUILDS_THAT_DIFFER)
def _refuses_unknown(patch: Patch) -> None:
    named = registry.Registry._named  # noqa: SLF001

    def refuse(*arguments: Any) -> Any:  # noqa: ANN401
        try:
            return named(*arguments)
        except UnknownSourceError as error:
            raise InputError(str(error)) from error

    patch.setattr(registry.Registry, "_named", refuse)


@mutant("C10", "a message of a source that the build does not know is never acknowledged", BUILDS_THAT_DIFFER)
def _keeps_unknown(patch: Patch) -> None:
    for stage in (CollectStage, DiscoverStage):
        _handle_known_only(patch, stage)


def _handle_known_only(patch: Patch, stage: type[Any]) -> None:
    handle = stage.handle

    def handle_known(made: Any, message: Any, delivery: Delivery) -> Any:  # noqa: ANN401
        if message.source not in {each.name for each in made.sources.sources}:
            msg = f"this version does not read {message.source}"
            raise RetryableError(msg)
        return handle(made, message, delivery)

    patch.setattr(stage, "handle", handle_known)


@mutant("L4", "commit sends nothing again for secondary sources", LOSSES_OF_TOYS)
def _sends_root_again(patch: Patch) -> None:
    send_again = CommitStage._send_again  # noqa: SLF001

    def send_some(stage: CommitStage, planned: Plan, expected: Sequence[Any]) -> None:
        send_again(stage, planned, expected[:2])

    patch.setattr(CommitStage, "_send_again", send_some)


# Publication: coverage, the tables, and the snapshot last, which never depends on secondary sources.


@mutant("C5", "the tables of secondary sources are published before coverage")
def _tables_first(patch: Patch) -> None:
    publish_after(patch, "/coverage/", "/toys/")


@mutant("C5", "the snapshot is published before the tables of secondary sources")
def _tables_last(patch: Patch) -> None:
    publish_after(patch, "/toys/", "/patch_states/")


@mutant("C5", "the tables of secondary sources are not published")
def _publishes_no_tables(patch: Patch) -> None:
    publish_after(patch, "/toys/", "nothing")


def publish_after(patch: Patch, late: str, last: str) -> None:
    """Let one kind of object of runs with secondary sources wait until another one is published."""
    create = publish._create  # noqa: SLF001
    waiting: list[tuple[str, BinaryIO]] = []

    def create_in_turn(run: StoredRun, key: str, body: BinaryIO) -> None:
        if late in key and run.plan.sources:
            waiting[:] = [(key, body)]
            return
        create(run, key, body)
        if last in key and waiting:
            create(run, *waiting.pop())

    patch.setattr(publish, "_create", create_in_turn)


@mutant("I7", "a gap of a secondary source makes a run PARTIAL", TOYS_REFUSED)
def _partial_for_toys(patch: Patch) -> None:
    gaps: list[bool] = []

    def noting(read: TargetRead, *arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        gaps.append(any(found.gaps for found in read.sources.values()))
        return coverage_row(read, *arguments)

    def partial_if_any(run: StoredRun, metadata: dict[str, str]) -> publish.Published:
        gaps.clear()
        published = publish.publish(run, metadata)
        return dataclasses.replace(published, rows_without_id=1) if any(gaps) else published

    patch.setattr(publish, "coverage_row", noting)
    patch.setattr(commit, "publish", partial_if_any)


@mutant("C7", "nodes that a secondary source could not collect count as not collected", TOYS_OR_STATES_REFUSED)
def _counts_toys(patch: Patch) -> None:
    publish_run = publish.publish

    def count_gaps(run: StoredRun, metadata: dict[str, str]) -> publish.Published:
        gaps: Counter[str] = Counter()
        table = publish._Merge.table  # noqa: SLF001

        def count_gaps_of(merge: Any, merged: Any) -> BinaryIO:  # noqa: ANN401
            file = table(merge, merged)
            gaps.update(s for read in merge.reads.values() for found in read.sources.values() for s in found.gaps)
            return file

        with patch.context() as during:
            during.setattr(publish._Merge, "table", count_gaps_of)  # noqa: SLF001
            published = publish_run(run, metadata)
        return dataclasses.replace(published, statuses=published.statuses + Counter(NOT_COLLECTED=gaps.total()))

    patch.setattr(commit, "publish", count_gaps)


@mutant("C5", "coverage has the columns of sources that the plan does not name", BUILDS_THAT_DIFFER)
def _covers_all_sources(patch: Patch) -> None:
    covered = publish._Merge.coverage  # noqa: SLF001

    def cover_all(merge: Any, _: object) -> BinaryIO:  # noqa: ANN401
        return covered(merge, merge.run.sources.secondary)

    patch.setattr(publish._Merge, "coverage", cover_all)  # noqa: SLF001


# What the objects hold.


@mutant("C2", "toys keeps the first row of each node", CALM)
def _first_toy(patch: Patch) -> None:
    def first(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        return {instance_id: rows[:1] for instance_id, rows in settle(asked, pages).items()}

    alter_settling(patch, first, "toys")


@mutant("C2", "a node without toys has no row", CALM)
def _no_row(patch: Patch) -> None:
    def with_toys_only(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        settled = settle(asked, pages)
        return {i: [row for row in rows if row.status != "NO_TOYS"] for i, rows in settled.items()}

    alter_settling(patch, with_toys_only, "toys")


@mutant("C2", "a node with rows has a status row too", CALM)
def _status_and_rows(patch: Patch) -> None:
    def both(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        return {
            i: [*rows, Outcome("NO_TOYS", None, rows[-1].collected_at_ms)] for i, rows in settle(asked, pages).items()
        }

    alter_settling(patch, both, "toys")


@mutant("C2", "rows of toys that break a rule are ignored", TOYS_UNHEALTHY & struck_by(Fault.INVALID_ROW))
def _ignores_broken_toys(patch: Patch) -> None:
    def valid(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        return settle(asked, [dataclasses.replace(page, rows=page.records) for page in pages])

    alter_settling(patch, valid, "toys")


@mutant("C2", "a child's tombstone has no rows", TOYS_HELD_BACK)
def _empty_tombstones(patch: Patch) -> None:
    not_collected = DetailSource.not_collected

    def without_rows(detail: DetailSource, *arguments: Any) -> Columns:  # noqa: ANN401
        columns = not_collected(detail, *arguments)
        return columns if detail.name == "patch_states" else {name: [] for name in columns}

    patch.setattr(DetailSource, "not_collected", without_rows)


@mutant("C2", "children that were not collected in time have another reason", TOYS_HELD_BACK)
def _renames_no_detail(patch: Patch) -> None:
    for module in (fence, collect):
        patch.setattr(module, "NO_DETAIL", "no part")


@mutant("C2", "secondary shards that were not listed in time have another reason", TOYS_HELD_BACK)
def _renames_no_detail_shard(patch: Patch) -> None:
    patch.setattr(fence, "NO_DETAIL_SHARD", "no shard")


@mutant("I20", "a secondary refusal is recorded at once", TOYS_REFUSED)
def _records_at_once(patch: Patch) -> None:
    require_final = Attempt.require_final

    def require(attempt: Attempt, reason: Any) -> None:  # noqa: ANN401
        if attempt.delivery.queue_name not in {"listing", "detail"}:
            require_final(attempt, reason)

    patch.setattr(Attempt, "require_final", require)


@mutant(
    "C2", "the shards of a secondary source keep a row that was listed twice", PEOPLED & struck_by(Fault.LISTED_TWICE)
)
def _keeps_twins(patch: Patch) -> None:
    listed = ListingSource.listed

    def keep(listing: ListingSource, run_target: RunTarget, planned: Plan, pages: Pages) -> ListedRows:
        pages = list(pages)
        rows = listed(listing, run_target, planned, pages)
        if listing.name != "gadgets":
            return rows
        ids = sorted(record.gadget_id for page in pages for record in page.records)
        columns = {name: [values[0] for _ in ids] for name, values in rows.columns.items() if values}
        return rows._replace(columns={**columns, "gadget_id": ids}) if ids else rows

    patch.setattr(ListingSource, "listed", keep)


# What commit makes of them.


def _backwards(columns: Columns) -> Columns:
    return {name: values[::-1] for name, values in columns.items()}


def _without_status_rows(columns: Columns) -> Columns:
    kept = [row for row, status in enumerate(columns["collection_status"]) if status == "COLLECTED"]
    return {name: [values[row] for row in kept] for name, values in columns.items()}


def _without_names(columns: Columns) -> Columns:
    return columns | {"name": [None] * len(columns["name"])}


for _name, _table, _alter in (
    ("the rows of a secondary shard are published backwards", "gadgets", _backwards),
    ("the rows of a child part are published backwards", "toys", _backwards),
    ("rows of toys without an answer are not published", "toys", _without_status_rows),
    ("a column of toys is published empty", "toys", _without_names),
):
    MUTANTS.append(Mutant(_name, "C4", partial(alter_merge, alter=_alter, table=_table), WITH_TOYS & CALM))


def _set(row: dict[str, Any], **values: object) -> dict[str, Any]:
    return row | {name: value for name, value in values.items() if name in row}


for _name, _invariant, _change in (
    ("every detail source is called COMPLETE", "C9", lambda row: _set(row, toys_status="COMPLETE")),
    ("the reason of a detail source is dropped", "C9", lambda row: _set(row, toys_detail=None)),
    ("every secondary listing is called LISTED", "C9", lambda row: _set(row, gadgets_status="LISTED")),
    ("the reason of a secondary listing is dropped", "C9", lambda row: _set(row, gadgets_detail=None)),
    ("the time of a secondary listing is dropped", "C9", lambda row: _set(row, gadgets_listed_at=None)),
    (
        "coverage counts nodes of a detail source as its rows",
        "C5",
        lambda row: _set(row, toys_rows=row.get("toys_nodes_collected")),
    ),
    ("coverage drops the rows of a secondary listing", "C5", lambda row: _set(row, gadgets_rows=None)),
):
    MUTANTS.append(Mutant(_name, _invariant, partial(alter_coverage, alter=_change), WITH_TOYS))


@mutant("C9", "the gaps of the parents do not count for a detail source")
def _ignores_parents(patch: Patch) -> None:
    def own_reason(_read: TargetRead, gaps: Mapping[str, int]) -> str | None:
        return min(gaps, default=None)

    patch.setattr(coverage, "_detail_gap", own_reason)


# Keys.


@mutant("I11", "the parts of secondary sources lie among those of the batches")
def _mixes_parts(patch: Patch) -> None:
    for module in (keys, stored_run):
        patch.setattr(module, "parts_prefix", lambda run_id, _source: f"runs/{run_id}/parts/")


@mutant("I11", "the shards of secondary sources lie among those of the nodes")
def _mixes_shards(patch: Patch) -> None:
    for module in (keys, stored_run):
        patch.setattr(module, "shards_prefix", lambda run_id, source="nodes": f"runs/{run_id}/shards/{source}.")
