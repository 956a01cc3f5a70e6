"""The invariants, whatever breaks: I1 to I22 after every act of a handler, L1 and L2 at the end."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from patchlake.core.messages import CollectMessage, CommitMessage, DiscoverMessage
from patchlake.core.plan import plan_sha256
from patchlake.core.timings import PERMANENT_FROM_RECEIVE
from patchlake.errors import OutOfTimeError, PermanentError, RefusedError, RetryableError
from patchlake.sources.coverage import coverage_table
from patchlake.sources.nodes import SHARD
from patchlake.sources.patch_states import TABLE
from patchlake.stages.collect import CollectResult
from patchlake.stages.commit import CommitOutcome, CommitResult
from patchlake.stages.discover import DiscoverResult
from patchlake.stages.plan import PlanResult
from patchlake.stages.step import Step
from tests.simulation import secondary_oracle
from tests.simulation.checking import holds
from tests.simulation.counts import metrics
from tests.simulation.events import (
    Answered,
    Asked,
    AskedAgain,
    Continued,
    Ended,
    Failed,
    Hastened,
    Hurried,
    Misread,
    Offered,
    Opened,
    Outlived,
    Read,
    Rested,
    Rewrote,
    Sent,
    Waited,
    Wrote,
)
from tests.simulation.invocations import Invocation
from tests.simulation.keys import coverage_key, part_key, run_of, shard_key, snapshot_key
from tests.simulation.liveness import lateness, sent_again_by
from tests.simulation.operator import is_repairable, named_key
from tests.simulation.oracle import (
    CoveragePlace,
    PartPlace,
    PlanPlace,
    ShardPlace,
    SnapshotPlace,
    batch,
    column_problems,
    coverage_row,
    fits,
    is_complete,
    is_unknown_form,
    keys_read,
    listed,
    part_problems,
    parts,
    planned_targets,
    rows,
    shard_problems,
    source_of,
)
from tests.simulation.proof import GET_STATES, Proof, is_witness
from tests.simulation.world import World, watch_body
from tests.world import HOME

_RESERVE_SECONDS = 2 * (3 * (5 + 15) + (1 + 5) + (2 + 5))
_SECOND_ASK_SECONDS = 5
_MOST_PAGES = 300
"""A page for each row of the largest question of a schedule, and a hundred without news."""
_NODE = ("account_id", "region", "instance_id")


@holds("I1", Wrote)
def one_row_per_listed_node(world: World, wrote: Wrote) -> Iterator[str]:
    """Each node that SSM lists has one row: what SSM answered about it, or the true reason why that is not known."""
    match wrote.place:
        case ShardPlace(run_id):
            yield from column_problems(world.tables[wrote.key].column_names, SHARD, wrote.by)
            sensitive = world.plans[run_id].include_sensitive_fields
            yield from shard_problems(world.tables[wrote.key], wrote.by, sensitive=sensitive)
        case PartPlace(run_id, target, nodes):
            yield from column_problems(world.tables[wrote.key].column_names, TABLE, wrote.by)
            sensitive = world.plans[run_id].include_sensitive_fields
            asked = {i for *_, i in listed(world, run_id, target) if not is_unknown_form(i)}
            known = asked - {i for ask in wrote.by.asks if ask.code == "InvalidInstanceId" for i in ask.ids}
            proof = Proof(wrote.by, GET_STATES, world.scenario.retry_seconds, listing_counts=len(known) <= 1)
            yield from part_problems(world.tables[wrote.key], nodes, wrote.by, proof, sensitive=sensitive)
        case SnapshotPlace(run_id):
            published = Counter(rows(world.tables[wrote.key], _NODE))
            expected = Counter(listed(world, run_id))
            if published != expected and not world.may_have_lost_what_it_read(wrote.by):
                lost, extra = expected - published, published - expected
                yield f"{wrote.key} lacks {sorted(lost.elements())} and has too many of {sorted(extra.elements())}"


@holds("I1", Misread)
def what_is_no_answer_is_not_read_as_one(_: World, misread: Misread) -> Iterator[str]:
    """A body that is cut short, lacks its list or is an error says nothing about any node."""
    yield f"{misread.by} read {misread.body!r} as a page"


@holds("I2", Wrote)
def a_reader_sees_a_whole_snapshot_or_none(world: World, wrote: Wrote) -> Iterator[str]:
    """A visible snapshot has its coverage, and as many rows as the coverage counts."""
    match wrote.place:
        case SnapshotPlace(run_id):
            coverage = world.tables.get(coverage_key(run_id))
            if coverage is None:
                yield f"{wrote.key} can be seen, and its coverage cannot"
                return
            promised = sum(n or 0 for n in coverage.columns(["nodes_listed"])["nodes_listed"])
            count = sum(world.tables[wrote.key].row_counts)
            if count != promised:
                yield f"{wrote.key} has {count} rows, and its coverage promises {promised}"


@holds("I3", Wrote, Offered)
def the_snapshot_is_a_pure_function(world: World, event: Wrote | Offered) -> Iterator[str]:
    """Published objects follow from plan, shards and parts alone: every finisher of one build has the same bytes."""
    if not event.key.startswith("lake/"):
        return
    if isinstance(event, Offered):
        writer = world.writers.get(event.key)
        if event.key in world.damaged or any(world.may_have_lost_what_it_read(by) for by in (writer, event.by) if by):
            return
        if writer is not None and writer.build == event.by.build and world.objects[event.key] != event.body:
            yield f"{event.by} would publish other bytes as {event.key} than {writer} did"
        return
    run_id, file = run_of(event.key), world.tables[event.key]
    follows = {
        "run_id": run_id,
        "plan_sha256": plan_sha256(world.plan_bodies[run_id]),
        "patchlake_version": event.by.build.version,
        "table": event.key.split("/")[1],
    }
    if dict(file.metadata) != follows:
        yield f"the footer of {event.key} is {dict(file.metadata)}, and what follows from the plan is {follows}"
    if event.key == snapshot_key(run_id):
        merged = [row for part in parts(world, run_id) for row in rows(part, _NODE)]
        if rows(file, _NODE) != merged and not world.may_have_lost_what_it_read(event.by):
            yield f"the nodes of {event.key} do not come in the order of its parts' keys"


@holds("I4", Rewrote)
def one_version_per_key(world: World, rewrote: Rewrote) -> Iterator[str]:
    """No object is ever written again, changed or deleted by a function."""
    did = "wrote again" if rewrote.key in world.objects else "deleted"
    yield f"{rewrote.by} {did} {rewrote.key}, which {world.writers[rewrote.key]} had written"


@holds("I5", Wrote)
def published_rows_are_the_union_of_part_rows(world: World, wrote: Wrote) -> Iterator[str]:
    """The rows of a snapshot are those of the run's parts: no more, no fewer, none altered."""
    match wrote.place:
        case SnapshotPlace(run_id):
            yield from column_problems(world.tables[wrote.key].column_names, TABLE, wrote.by)
            names = list(world.tables[wrote.key].column_names)
            published = Counter(rows(world.tables[wrote.key], names))
            collected = Counter(row for part in parts(world, run_id) for row in rows(part, names))
            if published != collected and not world.may_have_lost_what_it_read(wrote.by):
                less, more = (collected - published).total(), (published - collected).total()
                yield f"{wrote.key} lacks {less} rows of its parts, and has {more} that no part has"


@holds("I6", Wrote)
def a_coverage_row_for_every_target(world: World, wrote: Wrote) -> Iterator[str]:
    """A plan names each region of each account, and coverage has a row for each, as its shard and its parts say."""
    match wrote.place:
        case PlanPlace(run_id):
            plan, by = world.plans[run_id], wrote.by
            targets = planned_targets(by, world.scenario.excluded_accounts)
            if list(plan.targets) != targets or plan.excluded_account_ids != world.scenario.excluded_accounts:
                yield f"{by} planned {plan.targets} without {plan.excluded_account_ids}, where there are {targets}"
            if HOME not in {account.account_id for account in by.accounts}:
                yield f"{by} planned a run by a list without our own account: every organization's list has it"
        case CoveragePlace(run_id):
            coverage = world.tables[wrote.key]
            names = [name for name in coverage.column_names if not name.startswith(secondary_oracle.PREFIXES)]
            yield from column_problems(names, coverage_table(()), wrote.by)
            expected = [
                tuple(row[name] for name in names)
                for row in (coverage_row(world, run_id, planned) for planned in world.plans[run_id].targets)
            ]
            if rows(coverage, names) != expected and not world.may_have_lost_what_it_read(wrote.by):
                yield f"the rows of {wrote.key} are {rows(coverage, names)}, and its run gives {expected}"


@holds("I7", Ended)
def complete_means_complete(world: World, ended: Ended) -> Iterator[str]:
    """A run is COMPLETE exactly when there is an active target, each was listed, and no node is unknown or nameless."""
    match ended.result:
        case CommitResult(run_id, CommitOutcome.COMPLETE | CommitOutcome.PARTIAL | CommitOutcome.LATE as outcome):
            if run_id not in world.published_at:
                yield f"{ended.by} calls run {run_id} {outcome}, and it is not published"
            elif outcome is not CommitOutcome.LATE and (outcome is CommitOutcome.COMPLETE) != is_complete(
                world, run_id
            ):
                yield f"{ended.by} calls run {run_id} {outcome}, and its published tables say the contrary"


@holds("I8", Wrote, Sent)
def duplicate_fires_give_one_plan(world: World, event: Wrote | Sent) -> Iterator[str]:
    """However often the schedule fires, one stored plan decides the run's targets and batches."""
    match event:
        case Sent(message=DiscoverMessage(run_id=run_id) as message):
            if run_id not in world.plans:
                yield f"{event.by} sends for {message.target}, and run {run_id} has no plan yet"
            elif message.target not in world.active[run_id]:
                yield f"{event.by} sends for {message.target}, which the plan of run {run_id} does not name"
        case Sent(message=CollectMessage(run_id=run_id, batch=number) as message) if run_id not in world.tampered:
            if batch(world, run_id, message.target, number) is None:
                yield f"{event.by} sends for batch {number} of {message.target}, which no shard has"
        case Wrote(key, ShardPlace(run_id, target)):
            counts, size = world.tables[key].row_counts, world.plans[run_id].batch_size
            if counts and (set(counts[:-1]) - {size} or not 0 < counts[-1] <= size):
                yield f"{event.by} cut {target} into batches of {list(counts)}, and the plan says {size}"


@holds("I8", Ended)
def what_is_stored_is_sent_for(world: World, ended: Ended) -> Iterator[str]:
    """No handler is done before its object is stored, by it or by another, and all that it names is sent for."""
    sent = ended.by.sent
    match ended.result:
        case PlanResult(run_id, targets=int(targets)):
            if run_id not in world.plans or targets != len(world.plans[run_id].targets):
                yield f"{ended.by} planned {targets} targets, and the stored plan has others"
            elif unsent := world.active[run_id] - {
                m.target for m in sent if isinstance(m, DiscoverMessage) and m.source == "nodes"
            }:
                yield f"{ended.by} is done, and has not sent for {sorted(unsent)}"
        case DiscoverResult(run_id, target, Step.STORED | Step.ADOPTED, source="nodes"):
            count = len(world.tables[shard_key(run_id, target)].row_counts)
            if lost := set(range(count)) - {m.batch for m in sent if isinstance(m, CollectMessage)}:
                yield f"{ended.by} is done, and has not sent for the batches {sorted(lost)} of {target}"
        case CollectResult(run_id, target, number, Step.STORED | Step.ADOPTED, source="patch_states"):
            if part_key(run_id, target, number) not in world.tables and run_id not in world.tampered:
                yield f"{ended.by} is done, and batch {number} of {target} has no part"


@holds("I9", Wrote, Sent)
def runs_share_no_key(_: World, event: Wrote | Sent) -> Iterator[str]:
    """Objects and messages of one run are written and sent for that run alone."""
    touched = event.key if isinstance(event, Wrote) else event.message
    run_id = run_of(event.key) if isinstance(event, Wrote) else event.message.run_id
    if run_id != event.by.run_id:
        yield f"{event.by} works for run {event.by.run_id}, and touches {touched}"


@holds("I10", Wrote, Sent, Opened, Failed)
def late_redrive_changes_nothing(world: World, event: Wrote | Sent | Opened | Failed) -> Iterator[str]:
    """A message handled after the commit, however late, is acknowledged; it writes, sends and asks nothing.

    A handler that was under way may still write for a source that the publisher did not know.
    """
    by = event.by
    if isinstance(event, Failed):
        if by.begun_late and not isinstance(event.error, RetryableError | PermanentError):
            yield f"{by} began after run {by.run_id} was published, and refuses its message: {event.error}"
    elif by.begun_late:
        yield f"{by} began after run {by.run_id} was published, and still does this: {event}"
    elif isinstance(event, Wrote) and by.run_id in world.published_at and event.key != snapshot_key(by.run_id):
        publisher = world.writers[snapshot_key(by.run_id)].build
        if source_of(event.place) in {None, *secondary_oracle.known(world.plans[by.run_id], publisher)}:
            yield f"{by} wrote {event.key} after run {by.run_id} was published"


@holds("I10", Ended)
def only_what_is_over_is_late(world: World, ended: Ended) -> Iterator[str]:
    """A message is late only where its run is published, or its handler's clock showed that the source is closed."""
    by = ended.by
    match ended.result:
        case (
            PlanResult(run_id, step=Step.LATE)
            | DiscoverResult(run_id, step=Step.LATE)
            | CollectResult(run_id, step=Step.LATE)
        ) if run_id not in world.published_at:
            if by.stage == "plan" or not any(at >= _closes_at(world, by) for at in by.readings):
                yield f"{by} calls its message late, and run {run_id} is not published"


@holds("I22", Wrote, Sent, Asked, Opened)
def what_is_closed_is_left_to_commit(world: World, event: Wrote | Sent | Asked | Opened) -> Iterator[str]:
    """A worker that begins once its source is closed asks, writes and sends nothing.

    AWS knows only its present state, and not that of the run's time.
    """
    by = event.by
    if by.stage in {"discover", "collect"} and by.run_id in world.plans:
        closes_at = _closes_at(world, by)
        if by.begun_at + by.skew >= closes_at:
            yield f"{by} began after its source was closed at {closes_at}, and still does this: {event}"


def _closes_at(world: World, by: Invocation) -> datetime:
    plan = world.plans[by.run_id or ""]
    return plan.detail_deadline_at or plan.deadline_at if by.is_secondary else plan.deadline_at


@holds("I11", Wrote, Opened)
def a_message_alone_chooses_nothing(world: World, event: Wrote | Opened) -> Iterator[str]:
    """Accounts, roles and keys come from the stored plan and shards, never from a message."""
    match event:
        case Wrote(key, None):
            yield f"{event.by} wrote {key}, which follows from no plan and no shard"
        case Opened(target, home_account_id):
            run_id = event.by.run_id
            if run_id not in world.plans or target not in world.active[run_id]:
                yield f"{event.by} goes for {target}, which no plan of its run names"
            elif not home_account_id == world.plans[run_id].home_account_id == HOME:
                yield f"{event.by} takes {home_account_id} for the home account, which is {HOME}"


@holds("I12", Wrote, Asked)
def only_planned_nodes_and_at_most_50_a_call(world: World, event: Wrote | Asked) -> Iterator[str]:
    """SSM is asked for at most 50 nodes a call, each of the message's batch, and no other node is stored.

    After a node failed alone, one other node of the target may be asked about alone.
    """
    match event:
        case Asked(target=target, instance_ids=asked):
            if not 0 < len(set(asked)) == len(asked) <= 50:
                yield f"{event.by} asked for {len(asked)} nodes in one call, {len(set(asked))} of them different"
            if unknown := [instance_id for instance_id in asked if is_unknown_form(instance_id)]:
                yield f"{event.by} asked for {unknown}, whose form SSM's model does not have"
            match event.by.message:
                case CollectMessage(run_id=run_id, batch=number):
                    if event.by.is_secondary:
                        return
                    nodes = batch(world, run_id, target, number) or {"instance_id": []}
                    ours = (
                        {i for *_, i in listed(world, run_id, target)}
                        if is_witness(event.by, GET_STATES, asked)
                        else ()
                    )
                    if not set(asked) <= {*nodes["instance_id"], *ours}:
                        yield f"{event.by} asked for nodes that are not of its batch: {asked}"
                case other:
                    yield f"{event.by} asked about nodes, with the message {other}"
        case Wrote(key, PartPlace(nodes=nodes)):
            stored = set(world.tables[key].columns(["instance_id"])["instance_id"])
            if strange := stored - set(nodes["instance_id"]):
                yield f"{event.by} stored nodes in {key} that are not of its batch: {sorted(strange)}"


@holds("I13", Wrote)
def clock_skew_changes_timing_only(world: World, wrote: Wrote) -> Iterator[str]:
    """A clock decides when a run is planned and when it is fenced; no other time in the lake comes from one."""
    by = wrote.by
    match wrote.place:
        case PlanPlace(run_id):
            plan = world.plans[run_id]
            if plan.planned_at not in by.readings:
                yield f"{by} planned at {plan.planned_at}, which its clock never showed"
            if plan.deadline_at - plan.planned_at != timedelta(seconds=by.build.deadline_seconds):
                yield f"{by} set the deadline {plan.deadline_at} for a run planned at {plan.planned_at}"
            for at in (min(by.readings), plan.planned_at):
                lateness = at - plan.run_at
                if not timedelta() <= lateness <= timedelta(seconds=world.scenario.max_lateness_seconds):
                    yield f"{by} planned run {run_id} {lateness} after its time, by its clock"
        case ShardPlace(run_id) | PartPlace(run_id) if by.stage == "commit":
            deadline_at = world.plans[run_id].deadline_at
            if max(by.readings) < deadline_at:
                yield f"{by} put a tombstone at {wrote.key} at {max(by.readings)} by its clock, before {deadline_at}"
        case ShardPlace():
            listed_at = world.tables[wrote.key].metadata.get("listed_at")
            if listed_at is not None and int(listed_at) != by.listing[-1].answered_at_ms:
                yield f"{by} says that SSM listed the nodes at {listed_at}, which is not what SSM said"


@holds("I18", Read)
def one_wrong_date_changes_nothing(_: World, read: Read) -> Iterator[str]:
    """A time that a handler takes from AWS is that of an answer whose Date header was right."""
    if read.at not in read.by.dates:
        yield f"{read.by} takes {read.at} for the time, which no right Date header said"


@holds("I19", Continued)
def every_chain_ends(_: World, continued: Continued) -> Iterator[str]:
    """A chain of pages is given up once it has more pages than its question can need."""
    if continued.pages > _MOST_PAGES:
        yield f"{continued.by} reads page {continued.pages} of a chain that never ends"


@holds("I14", Wrote, Ended)
def nothing_damaged_is_published(world: World, event: Wrote | Ended) -> Iterator[str]:
    """A run with a damaged object is CORRUPT, not published: its watch is a dead letter, counted, and names a key."""
    match event:
        case Wrote(key, SnapshotPlace(run_id)):
            for damaged in sorted(world.damaged.keys() & {*keys_read(world, run_id, event.by.build)}):
                if event.by.number > world.damaged[damaged] and not fits(world, damaged):
                    yield f"{event.by} wrote {key}, and {damaged} is damaged"
        case Ended(CommitResult(run_id, CommitOutcome.CORRUPT, detail=detail) as result):
            if watch_body(run_id) not in world.queues["commit"].dead:
                yield f"{event.by} calls run {run_id} CORRUPT, and its watch message is no dead letter"
            if result.counts() != {"RunsCorrupt": 1}:
                yield f"{event.by} calls run {run_id} CORRUPT, and counts {result.counts()}"
            if run_of(named_key(detail or "")) != run_id:
                yield f"{event.by} calls run {run_id} CORRUPT, and names none of its objects: {detail}"


@holds("I15", Answered)
def a_function_tells_what_happened(world: World, answered: Answered) -> Iterator[str]:
    """A function acknowledges exactly the messages that its stage handled, and counts what they came to."""
    if both := answered.failed & answered.results.keys():
        yield f"{answered.stage} reports messages as failed that it handled: {sorted(both)}"
    if lost := answered.received - answered.failed - answered.results.keys():
        yield f"{answered.stage} acknowledges messages that failed: {sorted(lost)}"
    counted = {name: value for name, value in answered.metrics.items() if value and name != "RunDuration"}
    expected = {name: value for name, value in metrics(world, answered).items() if value}
    if counted != expected:
        yield f"{answered.stage} counts {counted}, where {expected} happened"


@holds("I16", Outlived)
def what_is_over_is_over(_: World, outlived: Outlived) -> Iterator[str]:
    """A handler leaves no call behind: Lambda would let it go on in the middle of a later invocation."""
    yield f"{outlived.by} has ended, and still makes a call: {outlived.call}"


@holds("I17", Waited, Hurried)
def a_throttled_worker_pauses_within_its_time(_: World, event: Waited | Hurried) -> Iterator[str]:
    """A worker that is throttled asks nothing more before it has paused, and never pauses for longer than it has."""
    match event:
        case Hurried(by):
            yield f"{by} was throttled, and asks again at once"
        case Waited(seconds, left, by) if not 0 < seconds <= left - _RESERVE_SECONDS:
            yield f"{by} pauses for {seconds:.1f} seconds, and has {left:.1f}"


@holds("I20", AskedAgain, Failed)
def a_refusal_counts_when_it_lasts(world: World, event: AskedAgain | Failed) -> Iterator[str]:
    """From the third receive on a refused target is asked again, after a pause, with a fresh session: then it counts.

    After that the same process asks the account for the same once, and the refusal counts. What counts is recorded.
    """
    by = event.by
    refusal = next(reversed(by.refused[False]), None)
    if isinstance(event, AskedAgain):
        if refusal is None or by.receive_count < PERMANENT_FROM_RECEIVE:
            yield f"{by} asks again at receive {by.receive_count} after the refusal {refusal}"
        elif by.final_refusal is not None:
            yield f"{by} asks again, and its process knows the refusal {refusal}"
        elif min(world.scenario.retry_seconds, _SECOND_ASK_SECONDS) not in by.refusal_pauses:
            yield f"{by} asks again after pauses of {by.refusal_pauses} seconds"
    elif isinstance(event.error, RefusedError):
        yield f"{by} neither records nor waits for a refusal: {event.error}"
    elif isinstance(event.error.__cause__, RefusedError):
        if by.final_refusal is not None:
            yield f"{by} does not record that it is refused: {by.final_refusal}"
        elif by.receive_count >= PERMANENT_FROM_RECEIVE and by.seconds_left >= _RESERVE_SECONDS + _SECOND_ASK_SECONDS:
            yield f"{by} does not ask again at receive {by.receive_count}, with {by.seconds_left:.0f} seconds left"


@holds("I20", Failed)
def a_target_that_is_too_large_is_recorded(_: World, failed: Failed) -> Iterator[str]:
    """From the third receive on, a target that takes longer to list than any invocation has is recorded as that."""
    is_final = failed.by.receive_count >= PERMANENT_FROM_RECEIVE
    if is_final and isinstance(failed.error, OutOfTimeError) and failed.by.is_too_large_to_list:
        yield f"{failed.by} does not record that its target is too large"


@holds("I21", Hastened)
def a_call_that_is_never_answered_still_ends_in_time(_: World, hastened: Hastened) -> Iterator[str]:
    """A worker begins no call of a chain once less time is left than such a call and storing may take."""
    left = hastened.by.seconds_left if hastened.left is None else min(hastened.left, hastened.by.seconds_left)
    if left < _RESERVE_SECONDS:
        yield f"{hastened.by} begins a call, and has {left:.1f} seconds"


@holds("L1", Ended)
def no_run_is_given_up(world: World, ended: Ended) -> Iterator[str]:
    """No planned run is given up, unless someone reached into its objects."""
    match ended.result:
        case CommitResult(run_id, CommitOutcome.CORRUPT, detail=detail) if run_id not in world.tampered:
            yield f"run {run_id} will never be published: {detail}"
        case CommitResult(run_id, CommitOutcome.MISSED) if run_id in world.plans:
            yield f"run {run_id} is given up as missed, and it has a plan"


@holds("L1", Rested)
def every_planned_run_commits(world: World, rested: Rested) -> Iterator[str]:
    """Once nothing breaks any more, each planned run commits two ticks after its last part or its deadline.

    A watch message that was under way when something broke last comes back after its queue's visibility at the latest.
    Only an operator sends a lost one again. A CORRUPT run is published once the operator has deleted
    the shard or part that it names, and never where it names the plan or a published object.
    """
    for run_id in world.plans:
        if run_id in world.published_at:
            plan = world.plans[run_id]
            ready_at = min(plan.deadline_at, world.last_part_at.get(run_id, plan.planned_at))
            yield from lateness(world, run_id, ready_at)
        elif run_id not in world.corrupt and (rested.attended or run_id not in world.unwatched):
            yield f"run {run_id} was planned, and is never published"
        elif rested.attended and is_repairable(world, run_id):
            yield f"run {run_id} is CORRUPT, though an operator deleted what is damaged"
    for body in world.queues["commit"].dead:
        if CommitMessage.decode(body).run_id not in world.tampered:
            yield f"a watch message became a dead letter while commit was waiting: {body}"


@holds("L2", Rested)
def a_healthy_api_means_complete(world: World, _: Rested) -> Iterator[str]:
    """With a healthy API each planned run is COMPLETE, even after a crash of plan or the loss of messages.

    A healthy API answers by its rules and refuses no two asks from the third receive of a message on; it may fail as
    often as it likes. Things must have stopped breaking before commit's last round of re-sending.
    """
    if not world.scenario.healthy or world.scenario.stalled:
        return
    for run_id, plan in world.plans.items():
        if run_id in world.blanked or not world.active[run_id]:
            continue
        if sent_again_by(world, plan, plan.deadline_at) and not is_complete(world, run_id):
            counts = Counter(world.tables[snapshot_key(run_id)].columns(["collection_status"])["collection_status"])
            listings = Counter(world.tables[coverage_key(run_id)].columns(["listing_status"])["listing_status"])
            yield f"run {run_id} is PARTIAL: {dict(listings)}, {dict(counts)}"
