"""Mistakes in the stages, and in how they use the store and the queues."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import pytest
from msgspec.structs import replace

from patchlake.core import agreed_time, paging
from patchlake.core.agreed_time import AgreedTime
from patchlake.core.keys import plan_key, shard_key
from patchlake.core.listing import ListingResult, listing_metadata
from patchlake.core.messages import CommitMessage, DiscoverMessage
from patchlake.core.paging import EMPTY_PAGES
from patchlake.core.plan import Plan, decode_plan, encode_plan, make_plan
from patchlake.core.records import Page
from patchlake.core.rows import Outcome
from patchlake.core.run import run_at, run_id_of
from patchlake.core.statuses import CollectionStatus, ListingStatus
from patchlake.core.tables import Columns, Table
from patchlake.core.targets import RunTarget, Target
from patchlake.core.timings import ResendWindow, is_missed
from patchlake.errors import NotReadyError, OutOfTimeError, RestartError, RetryableError
from patchlake.ports import Delivery, Store
from patchlake.sources.coverage import coverage_row
from patchlake.sources.source import DetailSource, ListedRows, ListingSource
from patchlake.stages import collect, commit, discover, fence, plan, publish, stored_objects, stored_run
from patchlake.stages.collect import CollectStage
from patchlake.stages.commit import CommitOutcome, CommitResult, CommitStage
from patchlake.stages.discover import DiscoverResult, DiscoverStage
from patchlake.stages.plan import PlanResult, PlanStage
from patchlake.stages.step import Step
from patchlake.stages.stored_objects import create_or_adopt
from patchlake.stages.stored_plan import is_published
from patchlake.stages.stored_run import Slice, StoredRun
from tests.simulation.faults import Fault
from tests.simulation.mutants.answers import Pages, Settle, alter_ids_per_call, alter_settling
from tests.simulation.mutants.mutant import MUTANTS, Mutant, Patch, mutant
from tests.simulation.mutants.provocations import (
    A_CLOSE_RACE,
    A_PLAN_THAT_COMES_LATE,
    AN_ACCOUNT_LEFT_OUT,
    ANSWERS_OFTEN_LOST,
    DEPLOYS_BETWEEN_CALLS,
    DEPLOYS_TO_THE_DEADLINE,
    ENDLESS_CHAINS,
    FORGED_OFTEN,
    HURRIED,
    LARGE_BATCHES,
    LOSSES_IN_A_LONG_RUN,
    MORE_TICKS_THAN_RECEIVES,
    OVERWRITTEN,
    PEOPLED,
    REFUSED_FOR_GOOD,
    STATES_THROTTLED,
    TWO_PLANS_AT_ONCE,
)
from tests.simulation.ports import SimulatedQueue, SimulatedStore
from tests.simulation.provocation import CALM, having, struck_by

type Ask = Callable[[str | None], Page[Any]]
type Read = Callable[[Pages], ListedRows]


# Writing once.


def _put_without_condition(patch: Patch, chosen: Callable[[SimulatedStore, str], bool]) -> None:
    create = SimulatedStore._create  # noqa: SLF001

    def put(store: SimulatedStore, key: str, body: bytes) -> bool:
        if not chosen(store, key):
            return create(store, key, body)
        store.calls.world.objects[key] = body
        return True

    patch.setattr(SimulatedStore, "_create", put)


for _prefix, _part, _name, _where in (
    ("plans/", "", "plan overwrites the stored plan", TWO_PLANS_AT_ONCE),
    ("runs/", "/shards/", "discover overwrites a stored shard", OVERWRITTEN),
    ("runs/", "/parts/", "collect overwrites a stored part", OVERWRITTEN),
    ("lake/", "/coverage/", "commit overwrites published coverage", OVERWRITTEN),
    ("lake/", "/patch_states/", "commit overwrites a published snapshot", OVERWRITTEN),
):

    def _overwrite(patch: Patch, prefix: str = _prefix, part: str = _part) -> None:
        _put_without_condition(patch, lambda _, key: key.startswith(prefix) and part in key)

    MUTANTS.append(Mutant(_name, "I4", _overwrite, _where))


@mutant("I4", "a tombstone overwrites what came just in time", A_CLOSE_RACE)
def _tombstones_win(patch: Patch) -> None:
    _put_without_condition(
        patch, lambda store, key: store.calls.world.acting.stage == "commit" and key.startswith("runs/")
    )


@mutant("L1", "412 is taken for an error", ANSWERS_OFTEN_LOST)
def _existing_is_an_error(patch: Patch) -> None:
    create = SimulatedStore.create

    def insist(store: SimulatedStore, key: str, body: bytes | BinaryIO) -> bool:
        if not create(store, key, body):
            raise RetryableError(key)
        return True

    patch.setattr(SimulatedStore, "create", insist)


@mutant("I8", "409 is taken for 412", PEOPLED & struck_by(Fault.CONFLICT))
def _conflict_means_existing(patch: Patch) -> None:
    create = SimulatedStore.create

    def give_up(store: SimulatedStore, key: str, body: bytes | BinaryIO) -> bool:
        try:
            return create(store, key, body)
        except RetryableError as error:
            if str(error) == Fault.CONFLICT:
                return False
            raise

    patch.setattr(SimulatedStore, "create", give_up)


class DeafQueue:
    """A queue that takes nothing."""

    name = "deaf"

    def send(self, messages: Iterable[tuple[str, str]]) -> None:
        """Send nothing."""

    def defer(self, delivery: Delivery, seconds: int) -> None:
        """Defer nothing."""

    def dead_letter(self, delivery: Delivery) -> None:
        """Keep nothing."""


# Plan.


@mutant("I8", "plan sends messages before its plan is stored")
def _sends_first(patch: Patch) -> None:
    stored_plan = PlanStage._stored_plan  # noqa: SLF001

    def send_and_store(stage: PlanStage, run_id: str) -> tuple[Plan, Step]:
        stage.listing_queues["nodes"].send(_discover_messages(stage.new_plan(run_id)))
        return stored_plan(stage, run_id)

    patch.setattr(PlanStage, "_stored_plan", send_and_store)


@mutant("I8", "plan sends for its own targets, whatever is stored")
def _adopts_nothing(patch: Patch) -> None:
    stored_plan = PlanStage._stored_plan  # noqa: SLF001

    def store_and_forget(stage: PlanStage, run_id: str) -> tuple[Plan, Step]:
        own = stage.new_plan(run_id)
        return own, stored_plan(stage, run_id)[1]

    patch.setattr(PlanStage, "_stored_plan", store_and_forget)


@mutant("I8", "plan goes by what it wanted to store, where another plan was first", TWO_PLANS_AT_ONCE)
def _adopts_itself(patch: Patch) -> None:
    def create_or_ignore(store: Store, key: str, body: bytes) -> tuple[bytes, Step]:
        return body, create_or_adopt(store, key, body)[1]

    patch.setattr(plan, "create_or_adopt", create_or_ignore)


@mutant("I13", "plan takes any scheduled time", struck_by(Fault.SKEWED))
def _plans_any_time(patch: Patch) -> None:
    patch.setattr(PlanStage, "_require_current", lambda *_: None)


@mutant("I13", "plan does not look at the time again", struck_by(Fault.DATES_MOVED))
def _plans_whatever_the_time_is_then(patch: Patch) -> None:
    def store(stage: PlanStage, run_id: str) -> tuple[Plan, Step]:
        body, step = create_or_adopt(stage.store, plan_key(run_id), encode_plan(stage.new_plan(run_id)))
        return decode_plan(body, run_id), step

    patch.setattr(PlanStage, "_stored_plan", store)


@mutant("L1", "plan sends the watch message last")
def _watch_last(patch: Patch) -> None:
    def handle(stage: PlanStage, event: Mapping[str, object]) -> PlanResult:
        run_id = run_id_of(event.get("scheduled_time"))
        stage._require_current(run_id, stage.clock.now())  # noqa: SLF001
        stored, step = stage._stored_plan(run_id)  # noqa: SLF001
        stage.listing_queues["nodes"].send(_discover_messages(stored))
        stage.commit_queue.send([(CommitMessage(run_id=run_id).encode(), run_id)])
        return PlanResult(run_id, step, len(stored.targets), len(stored.active_targets()))

    patch.setattr(PlanStage, "handle", handle)


@mutant("I9", "plan names the run by its clock")
def _now(patch: Patch) -> None:
    handle = PlanStage.handle

    def handle_now(stage: PlanStage, _: Mapping[str, object]) -> PlanResult:
        return handle(stage, {"scheduled_time": f"{stage.clock.now():%Y-%m-%dT%H:%M:%SZ}"})

    patch.setattr(PlanStage, "handle", handle_now)


@mutant("I8", "plan sends nothing for a plan that was there")
def _plans_once(patch: Patch) -> None:
    handle = PlanStage.handle

    def handle_once(stage: PlanStage, event: Mapping[str, object]) -> PlanResult:
        if not stage.store.exists(plan_key(run_id_of(event.get("scheduled_time")))):
            return handle(stage, event)
        deaf = dict.fromkeys(stage.listing_queues, DeafQueue())
        return handle(dataclasses.replace(stage, listing_queues=deaf), event)

    patch.setattr(PlanStage, "handle", handle_once)


@mutant("I6", "plan leaves out accounts that are not active")
def _plans_active(patch: Patch) -> None:
    _alter_plans(patch, lambda wanted: {**wanted, "accounts": [a for a in wanted["accounts"] if a.active]})


@mutant("I6", "plan believes a list in which our own account is not active")
def _plans_home_as_listed(patch: Patch) -> None:
    def make(run_id: str, **wanted: Any) -> Plan:  # noqa: ANN401
        made, listed = make_plan(run_id, **wanted), {account.account_id: account for account in wanted["accounts"]}
        targets = [replace(one, active=listed[one.account_id].active) for one in made.targets]
        return replace(made, targets=tuple(targets))

    patch.setattr(plan, "make_plan", make)


@mutant("I6", "plan covers accounts that are left out on purpose", AN_ACCOUNT_LEFT_OUT)
def _plans_excluded(patch: Patch) -> None:
    _alter_plans(patch, lambda wanted: {**wanted, "excluded_account_ids": ()})


@mutant("I11", "plan takes the first account for the home account", PEOPLED & CALM)
def _plans_first(patch: Patch) -> None:
    _alter_plans(patch, lambda wanted: {**wanted, "home_account_id": wanted["accounts"][0].account_id})


def _alter_plans(patch: Patch, alter: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let plan make its plan of what ``alter`` leaves of it."""
    patch.setattr(plan, "make_plan", lambda run_id, **wanted: make_plan(run_id, **alter(wanted)))


@mutant("I10", "plan does not look for the snapshot")
def _plans_late(patch: Patch) -> None:
    patch.setattr(plan, "is_published", lambda _store, _run_id: False)


def _discover_messages(stored: Plan) -> list[tuple[str, str]]:
    return [
        (DiscoverMessage(run_id=stored.run_id, account_id=target.account_id, region=target.region).encode(), "")
        for target in stored.active_targets()
    ]


# Discover.


@mutant("I1", "discover keeps a node that was listed twice", PEOPLED & struck_by(Fault.LISTED_TWICE))
def _keeps_duplicates(patch: Patch) -> None:
    listed_rows = ListingSource.listed

    def keep(source: ListingSource, run_target: RunTarget, planned: Plan, pages: Iterable[Page[Any]]) -> ListedRows:
        if source.name != "nodes":
            return listed_rows(source, run_target, planned, pages)
        pages = list(pages)
        once, listed_at_ms, without_id = listed_rows(source, run_target, planned, pages)
        listed = [record.instance_id for page in pages for record in page.records]
        rows = [row for row, i in enumerate(once["instance_id"]) for _ in range(max(1, listed.count(i)))]
        return ListedRows(
            {name: [values[row] for row in rows] for name, values in once.items()}, listed_at_ms, without_id
        )

    patch.setattr(ListingSource, "listed", keep)


@mutant("I1", "a broken chain of pages is taken for its end")
def _stops_early(patch: Patch) -> None:
    def pages_so_far(ask: Ask, read: Read, _most_rows: int, _subject: str) -> ListedRows:
        pages: list[Page[Any]] = []
        token = None
        while not pages or token is not None:
            try:
                pages.append(ask(token))
            except RestartError:
                if not pages:
                    raise
                break
            token = pages[-1].next_token
        return read(pages)

    patch.setattr(discover, "read_chain", pages_so_far)


@mutant("I19", "a listing may go on without news", ENDLESS_CHAINS)
def _lists_for_ever(patch: Patch) -> None:
    patch.setattr(paging.ListingNews, "require", lambda *_: None)


@mutant("I19", "a chain of pages about nodes may go on and on", ENDLESS_CHAINS)
def _asks_for_ever(patch: Patch) -> None:
    patch.setattr(paging, "EMPTY_PAGES", 1_000_000)


@mutant("I1", "what was read of an endless listing is taken for the whole", ENDLESS_CHAINS)
def _takes_endless_for_whole(patch: Patch) -> None:
    def first_pages(ask: Ask, read: Read, _most_rows: int, _subject: str) -> ListedRows:
        pages = [ask(None)]
        while (token := pages[-1].next_token) is not None and len(pages) < EMPTY_PAGES:
            pages.append(ask(token))
        return read(pages)

    patch.setattr(discover, "read_chain", first_pages)


@mutant("I8", "discover cuts batches by a size of its own")
def _cuts_its_own(patch: Patch) -> None:
    groups = ListedRows.groups
    patch.setattr(ListedRows, "groups", lambda listed, rows: groups(listed, rows + 1))


@mutant("I9", "shards have keys without the run")
def _shares_shards(patch: Patch) -> None:
    def key(_run_id: str, target: Target, _source: str = "nodes") -> str:
        return f"runs/shards/{target}.parquet"

    for module in (discover, collect, stored_run, stored_objects):
        patch.setattr(module, "shard_key", key)


@mutant("I8", "discover sends nothing for a shard that was there")
def _discovers_once(patch: Patch) -> None:
    handle = DiscoverStage.handle

    def handle_once(stage: DiscoverStage, message: DiscoverMessage, delivery: Delivery) -> DiscoverResult:
        if not stage.store.exists(shard_key(message.run_id, message.target)):
            return handle(stage, message, delivery)
        return handle(dataclasses.replace(stage, detail_queues={"patch_states": DeafQueue()}), message, delivery)

    patch.setattr(DiscoverStage, "handle", handle_once)


@mutant("I1", "a refusal is recorded without its code", REFUSED_FOR_GOOD)
def _refuses_without_reason(patch: Patch) -> None:
    def metadata(run_target: RunTarget, listing: ListingResult, source: str) -> dict[str, str]:
        return listing_metadata(run_target, ListingResult(listing.status, None, listing.listed_at_ms), source)

    patch.setattr(discover, "listing_metadata", metadata)


@mutant("I10", "discover does not look for the snapshot")
def _discovers_late(patch: Patch) -> None:
    patch.setattr(discover, "is_published", lambda _store, _run_id: False)


@mutant("I11", "discover and collect trust the message for the target", FORGED_OFTEN)
def _trusts(patch: Patch) -> None:
    patch.setattr(Plan, "require", lambda _plan, _target: None)


@mutant("I1", "a listing that ran out of time is taken for the whole", HURRIED)
def _lists_until_time_is_out(patch: Patch) -> None:
    def pages_in_time(ask: Ask, read: Read, _most_rows: int, _subject: str) -> ListedRows:
        pages = [ask(None)]
        while (token := pages[-1].next_token) is not None:
            try:
                pages.append(ask(token))
            except OutOfTimeError:
                break
        return read(pages)

    patch.setattr(discover, "read_chain", pages_in_time)


# Collect.


def _guessed(
    _plan: Plan, _target: Target, _source: DetailSource, ids: Sequence[str], *_: object
) -> dict[str, Sequence[Outcome]]:
    return dict.fromkeys(ids, (Outcome(CollectionStatus.NO_PATCH_STATE),))


@mutant("I1", "a part is written when the time is out")
def _writes_in_part(patch: Patch) -> None:
    ask = CollectStage._ask  # noqa: SLF001

    def ask_in_time(stage: CollectStage, *arguments: Any, fresh_session: bool) -> dict[str, Sequence[Outcome]]:  # noqa: ANN401
        try:
            return ask(stage, *arguments, fresh_session=fresh_session)
        except OutOfTimeError:
            return _guessed(*arguments)

    patch.setattr(CollectStage, "_ask", ask_in_time)


@mutant("I1", "a part is written despite a transient error")
def _swallows(patch: Patch) -> None:
    ask = CollectStage._ask  # noqa: SLF001

    def ask_or_guess(stage: CollectStage, *arguments: Any, fresh_session: bool) -> dict[str, Sequence[Outcome]]:  # noqa: ANN401
        try:
            return ask(stage, *arguments, fresh_session=fresh_session)
        except RetryableError:
            return _guessed(*arguments)

    patch.setattr(CollectStage, "_ask", ask_or_guess)


@mutant("I1", "nodes that were not collected have no reason", STATES_THROTTLED)
def _gives_no_reason(patch: Patch) -> None:
    not_collected = DetailSource.not_collected

    def without_detail(*arguments: Any) -> Columns:  # noqa: ANN401
        columns = not_collected(*arguments)
        return columns | {"collection_detail": [None] * len(columns["instance_id"])}

    patch.setattr(DetailSource, "not_collected", without_detail)


@mutant("I10", "collect does not look for the snapshot")
def _collects_late(patch: Patch) -> None:
    patch.setattr(collect, "is_published", lambda _store, _run_id: False)


@mutant("I1", "a node that SSM does not answer for has no row")
def _drops_silent(patch: Patch) -> None:
    part = DetailSource.part

    def answered(*arguments: Any) -> Columns:  # noqa: ANN401
        columns = part(*arguments)
        statuses = columns["collection_status"]
        return {
            name: [value for value, status in zip(values, statuses, strict=True) if status != "NO_PATCH_STATE"]
            for name, values in columns.items()
        }

    patch.setattr(DetailSource, "part", answered)


@mutant("I1", "rows that break a rule are ignored")
def _ignores_invalid(patch: Patch) -> None:
    def valid(settle: Settle, asked: Sequence[str], pages: Pages) -> dict[str, Sequence[Outcome]]:
        return settle(asked, [dataclasses.replace(page, invalid=()) for page in pages])

    alter_settling(patch, valid)


@mutant("I12", "a node that was not asked for is kept", PEOPLED & struck_by(Fault.NOT_ASKED_FOR))
def _keeps_strangers(patch: Patch) -> None:
    part = DetailSource.part

    def every(settle: Settle, asked: Sequence[str], pages: Pages) -> dict[str, Sequence[Outcome]]:
        pages = list(pages)
        return settle([*asked, *(record.instance_id for page in pages for record in page.records)], pages)

    def with_strangers(
        source: DetailSource,
        run_target: RunTarget,
        planned: Plan,
        nodes: Columns,
        settled: Mapping[str, Sequence[Outcome]],
    ) -> Columns:
        strangers = [instance_id for instance_id in settled if instance_id not in nodes["instance_id"]]
        more = {name: values + [None] * len(strangers) for name, values in nodes.items()}
        more["instance_id"] = nodes["instance_id"] + strangers
        return part(source, run_target, planned, more, settled)

    alter_settling(patch, every)
    patch.setattr(DetailSource, "part", with_strangers)


@mutant("I12", "SSM is asked for 100 nodes a call", LARGE_BATCHES)
def _asks_for_more(patch: Patch) -> None:
    alter_ids_per_call(patch, "DescribeInstancePatchStates", 100)


# Commit.


@mutant("L1", "a run counts as complete when its queues are empty")
def _counts_messages(patch: Patch) -> None:
    def require_empty_queues(_: CommitStage, run: StoredRun, _now: object) -> None:
        world = run.runs.store.calls.world  # type: ignore[attr-defined]  # the simulated store
        if any(world.queues[name].messages for name in ("discover", "collect")):
            raise NotReadyError(run.plan.run_id)

    patch.setattr(CommitStage, "_require_everything", require_empty_queues)


@mutant("L1", "commit acknowledges a run that is not ready")
def _looks_once(patch: Patch) -> None:
    handle = CommitStage.handle

    def look_once(stage: CommitStage, message: CommitMessage, delivery: Delivery) -> CommitResult | None:
        try:
            return handle(stage, message, delivery)
        except NotReadyError:
            return None

    patch.setattr(CommitStage, "handle", look_once)


@mutant("L1", "there are no tombstones")
def _no_tombstones(patch: Patch) -> None:
    patch.setattr(commit, "close_run", lambda *_: None)


@mutant("L1", "there are tombstones for shards alone", STATES_THROTTLED)
def _no_part_tombstones(patch: Patch) -> None:
    patch.setattr(fence, "_close_batches", lambda *_: None)


@mutant("L2", "commit sends nothing again", LOSSES_IN_A_LONG_RUN)
def _no_resend(patch: Patch) -> None:
    patch.setattr(commit, "resend_window", lambda *_: ResendWindow(0, 0))


for _stage in ("discover", "collect"):

    def _never_again(patch: Patch, lost: str = _stage) -> None:
        send = SimulatedQueue.send

        def send_some(queue: SimulatedQueue, messages: Iterable[tuple[str, str]]) -> None:
            if (queue.calls.world.acting.stage, queue.name) != ("commit", lost):
                send(queue, messages)

        patch.setattr(SimulatedQueue, "send", send_some)

    MUTANTS.append(Mutant(f"commit sends no lost {_stage} message again", "L2", _never_again, LOSSES_IN_A_LONG_RUN))


@mutant("L1", "commit takes what another build published for a contradiction", DEPLOYS_BETWEEN_CALLS)
def _insists_on_bytes(patch: Patch) -> None:
    patch.setattr(publish, "_same_rows", lambda *_: False)


def _with_deadline(planned: Plan, at: datetime) -> Plan:
    closes_at = planned.detail_deadline_at
    return replace(planned, deadline_at=at, detail_deadline_at=closes_at and min(closes_at, at))


@mutant("I13", "commit counts the deadline from the scheduled time", STATES_THROTTLED & having(tick_seconds=60))
def _counts_from_schedule(patch: Patch) -> None:
    def decode_earlier(body: bytes, run_id: str) -> Plan:
        planned = decode_plan(body, run_id)
        return _with_deadline(planned, planned.run_at + (planned.deadline_at - planned.planned_at))

    patch.setattr(commit, "decode_plan", decode_earlier)


@mutant("L1", "commit goes by the parts that it found at its first look")
def _lists_once(patch: Patch) -> None:
    missing_parts = StoredRun.missing_parts

    def missing_parts_once(run: StoredRun, source: DetailSource, slices: Sequence[Slice]) -> set[Slice]:
        remembered: dict[str, Any] = run.runs._row_counts  # noqa: SLF001
        first: set[Slice] = remembered.setdefault(run.plan.run_id, missing_parts(run, source, slices))
        return first

    patch.setattr(StoredRun, "missing_parts", missing_parts_once)


@mutant("L1", "commit gives up an old run, though it has a plan", A_PLAN_THAT_COMES_LATE)
def _gives_up(patch: Patch) -> None:
    commit_run = CommitStage._commit  # noqa: SLF001

    def commit_young(stage: CommitStage, run_id: str) -> CommitResult:
        old = is_missed(run_at(run_id), stage.clock.now(), stage.max_lateness_seconds, stage.deadline_seconds)
        if old and not is_published(stage.runs.store, run_id):
            return CommitResult(run_id, CommitOutcome.MISSED)
        return commit_run(stage, run_id)

    patch.setattr(CommitStage, "_commit", commit_young)


@mutant("L1", "commit looks for a plan at every tick", MORE_TICKS_THAN_RECEIVES)
def _asks_for_a_plan(patch: Patch) -> None:
    patch.setattr(commit, "plan_wait_seconds", lambda tick_seconds, _receive_count: tick_seconds)


@mutant("I13", "commit counts the deadline by its own settings", DEPLOYS_TO_THE_DEADLINE)
def _counts_by_settings(patch: Patch) -> None:
    commit_run = CommitStage._commit  # noqa: SLF001

    def commit_by_settings(stage: CommitStage, run_id: str) -> CommitResult:
        def decode_otherwise(body: bytes, run_id: str) -> Plan:
            planned = decode_plan(body, run_id)
            return _with_deadline(planned, planned.planned_at + timedelta(seconds=stage.deadline_seconds))

        patch.setattr(commit, "decode_plan", decode_otherwise)
        return commit_run(stage, run_id)

    patch.setattr(CommitStage, "_commit", commit_by_settings)


@mutant("I13", "commit fences before the deadline")
def _fences_early(patch: Patch) -> None:
    patch.setattr(CommitStage, "_require_everything", lambda _stage, run, _now: fence.close_run(run))


@mutant("I10", "commit does not look for the snapshot")
def _commits_late(patch: Patch) -> None:
    patch.setattr(commit, "is_published", lambda _store, _run_id: False)


@mutant("I7", "a PARTIAL run is called COMPLETE")
def _calls_complete(patch: Patch) -> None:
    patch.setattr(publish, "is_complete", lambda *_: True)


@mutant("I2", "the snapshot is published before its coverage")
def _snapshot_first(patch: Patch) -> None:
    create = publish._create  # noqa: SLF001
    waiting: list[tuple[str, BinaryIO]] = []

    def create_in_turn(run: StoredRun, key: str, body: BinaryIO) -> None:
        if "/coverage/" in key:
            waiting[:] = [(key, body)]
            return
        create(run, key, body)
        create(run, *waiting[0])

    patch.setattr(publish, "_create", create_in_turn)


@mutant("I6", "coverage leaves out targets that were not read")
def _covers_listed(patch: Patch) -> None:
    publish_run = publish.publish

    def without_unread(run: StoredRun, metadata: dict[str, str]) -> publish.Published:
        encode = run.runs.tables.encode

        def encode_listed(table: Table, groups: Iterable[Columns], footer: Mapping[str, str]) -> bytes:
            if table.name == "coverage":
                (rows,) = groups
                kept = [n for n, status in enumerate(rows["listing_status"]) if status == ListingStatus.LISTED]
                groups = [{name: [values[n] for n in kept] for name, values in rows.items()}]
            return encode(table, groups, footer)

        with pytest.MonkeyPatch.context() as during:
            during.setattr(type(run.runs.tables), "encode", lambda _, *arguments: encode_listed(*arguments))
            return publish_run(run, metadata)

    patch.setattr(commit, "publish", without_unread)


@mutant("I6", "an unread target counts no nodes, where it does not know them")
def _counts_zero(patch: Patch) -> None:
    def zeros(*arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        row = coverage_row(*arguments)
        return {name: 0 if value is None and name.startswith("nodes_") else value for name, value in row.items()}

    patch.setattr(publish, "coverage_row", zeros)


@mutant("I18", "the time of one answer counts", PEOPLED & struck_by(Fault.DATE_JUMPED))
def _believes_one_answer(patch: Patch) -> None:
    patch.setattr(AgreedTime, "agreed", lambda time: time.latest)


@mutant("I18", "two times agree whatever lies between them", PEOPLED & struck_by(Fault.DATE_JUMPED))
def _agrees_with_everything(patch: Patch) -> None:
    patch.setattr(agreed_time, "AGREEMENT", timedelta(days=3))


@mutant("I3", "the clock is in the bytes")
def _dates(patch: Patch) -> None:
    def date(run: StoredRun, metadata: dict[str, str]) -> publish.Published:
        at = run.runs.store.calls.world.clock.now()  # type: ignore[attr-defined]  # the simulated store
        return publish.publish(run, {**metadata, "committed_at": str(at)})

    patch.setattr(commit, "publish", date)
