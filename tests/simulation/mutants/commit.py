"""Mistakes in commit: what it waits for, sends again, closes, and publishes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import pytest
from msgspec.structs import replace

from patchlake.core import agreed_time
from patchlake.core.agreed_time import AgreedTime
from patchlake.core.messages import CommitMessage
from patchlake.core.plan import Plan, decode_plan
from patchlake.core.run import run_at
from patchlake.core.statuses import ListingStatus
from patchlake.core.tables import Columns, Table
from patchlake.core.timings import ResendWindow, is_missed
from patchlake.errors import NotReadyError
from patchlake.ports import Delivery
from patchlake.sources.coverage import coverage_row
from patchlake.sources.source import DetailSource
from patchlake.stages import commit, fence, publish
from patchlake.stages.commit import CommitOutcome, CommitResult, CommitStage
from patchlake.stages.stored_plan import is_published
from patchlake.stages.stored_run import Slice, StoredRun
from tests.simulation.faults import Fault
from tests.simulation.mutants.mutant import MUTANTS, Mutant, Patch, mutant
from tests.simulation.mutants.provocations import (
    A_PLAN_THAT_COMES_LATE,
    DEPLOYS_BETWEEN_CALLS,
    DEPLOYS_TO_THE_DEADLINE,
    LOSSES_IN_A_LONG_RUN,
    MORE_TICKS_THAN_RECEIVES,
    PEOPLED,
    STATES_THROTTLED,
)
from tests.simulation.ports import SimulatedQueue
from tests.simulation.provocation import having, struck_by


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
