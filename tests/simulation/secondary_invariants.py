"""The invariants of the secondary sources: C1 to C12 after every act of a handler, L3 and L4 at the end.

Once someone has reached into the objects of a run, others may have been made from them: most do not look at such runs.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product

from patchlake.core.messages import CollectMessage, DiscoverMessage
from patchlake.core.targets import Target
from patchlake.errors import InputError
from patchlake.stages.collect import CollectResult
from patchlake.stages.commit import CommitOutcome, CommitResult
from patchlake.stages.discover import DiscoverResult
from patchlake.stages.plan import PlanResult
from patchlake.stages.step import Step
from tests.simulation import ec2_oracle, ec2_service, patch_service, patches_oracle
from tests.simulation import secondary_oracle as oracle
from tests.simulation.checking import holds
from tests.simulation.events import Asked, Deferred, Ended, Failed, Opened, Requested, Rested, Sent, Waited, Wrote
from tests.simulation.faults import Fault
from tests.simulation.invocations import Invocation
from tests.simulation.keys import (
    child_key,
    coverage_key,
    part_key,
    secondary_shard_key,
    shard_key,
    snapshot_key,
    table_key,
)
from tests.simulation.liveness import lateness, sent_again_by
from tests.simulation.oracle import (
    ChildPlace,
    CoveragePlace,
    PartPlace,
    PlanPlace,
    SecondaryShardPlace,
    ShardPlace,
    SnapshotPlace,
    TablePlace,
    is_complete,
    parts,
    rows,
)
from tests.simulation.proof import is_witness
from tests.simulation.world import World

_MOST_PAUSED_SECONDS = 120
_CALLS_BETWEEN_LOOKS = 10
_IDS_PER_CALL = 1
_SECRETS = (ec2_service.SECRET_TAG.encode(), ec2_service.ADDRESS.encode())


@holds("C8", Wrote)
def no_tag_or_address_that_is_not_allowed_is_stored(world: World, wrote: Wrote) -> Iterator[str]:
    """No object has an address, a tag of an instance, or a tag with a key that the plan does not allow."""
    if secret := [text for text in _SECRETS if text in world.objects[wrote.key]]:
        yield f"{wrote.by} wrote {secret[0]!r} into {wrote.key}"
    match wrote.place:
        case SecondaryShardPlace(run_id, source="tags") | TablePlace(run_id, "tags"):
            keys = {*world.tables[wrote.key].columns(["key"])["key"]}
            if strange := keys - {*world.plans[run_id].tag_keys}:
                yield f"{wrote.by} stored tags with the keys {sorted(strange)} in {wrote.key}"


@holds("C8", Failed)
def no_error_has_a_tag_or_an_address(_: World, failed: Failed) -> Iterator[str]:
    """No error has a tag of an instance, or an address: it goes to the log."""
    if any(text.decode() in str(failed.error) for text in _SECRETS):
        yield f"{failed.by} fails with {failed.error}"


@holds("C1", Wrote, Sent)
def a_child_needs_its_parent(world: World, event: Wrote | Sent) -> Iterator[str]:
    """A part of a secondary source is written, and sent for, only where its parent's part exists."""
    match event:
        case Wrote(key, ChildPlace(run_id, target, batch=batch)):
            if part_key(run_id, target, batch) not in world.tables and run_id not in world.tampered:
                yield f"{event.by} wrote {key}, and batch {batch} of {target} has no part"
        case Sent(message=CollectMessage(run_id=run_id, source=source) as message) if source in oracle.DETAILS:
            if part_key(run_id, message.target, message.batch) not in world.tables and run_id not in world.tampered:
                yield f"{event.by} sent {message}, and its batch has no part"


@holds("C2", Wrote)
def secondary_objects_hold_what_aws_answered(world: World, wrote: Wrote) -> Iterator[str]:
    """A part has the nodes that its parent's slice asks about, each with at least one row, a status row alone.

    The rows are what AWS answered, or the true reason why that is not known; those of a shard also.
    """
    if not isinstance(wrote.place, SecondaryShardPlace | ChildPlace) or wrote.place.run_id in world.tampered:
        return
    table, plan, where = world.tables[wrote.key], world.plans[wrote.place.run_id], wrote.place
    if list(table.column_names) != oracle.TABLE_COLUMNS[where.source]:
        yield f"{wrote.by} wrote {wrote.key} with the columns {list(table.column_names)}"
        return
    match where:
        case SecondaryShardPlace(target=target, source=source):
            yield from oracle.shard_problems(table, source, target, wrote.by, plan)
        case ChildPlace(run_id, target, source, batch, slice_):
            states = oracle.slice_rows(world, run_id, target, source, batch, slice_)
            if states is not None:
                seconds = world.scenario.retry_seconds
                yield from oracle.part_problems(table, source, target, states, wrote.by, plan, seconds)


@holds("C3", Wrote)
def plan_and_nodes_name_every_key(world: World, wrote: Wrote) -> Iterator[str]:
    """The plan names the secondary sources; with the nodes' shards it decides every key, and each exists at the end."""
    match wrote.place:
        case PlanPlace(run_id):
            yield from _plan_problems(world, run_id, wrote.by)
        case ChildPlace(run_id, target, source, batch, slice_):
            if (batch, slice_) not in oracle.slices(world, run_id, target, source) and run_id not in world.tampered:
                yield f"{wrote.by} wrote {wrote.key}, and batch {batch} of {target} has no slice {slice_}"
        case SnapshotPlace(run_id):
            for source in oracle.known(world.plans[run_id], wrote.by.build):
                if lost := [key for key in oracle.object_keys(world, run_id, source) if key not in world.objects]:
                    yield f"{wrote.key} is published, and there is no {lost[0]}"


def _plan_problems(world: World, run_id: str, by: Invocation) -> Iterator[str]:
    plan, scenario, toys = world.plans[run_id], world.scenario, by.build.toys
    found = [(source.name, source.nodes_per_part, source.asks_version) for source in plan.sources]
    if toys is None:
        if found or plan.detail_deadline_at is not None or plan.tag_keys or b"detail" in world.plan_bodies[run_id]:
            yield f"{by} planned {found} until {plan.detail_deadline_at}, and knows no secondary source"
        return
    wanted = [("gadgets", None, None), ("toys", toys.nodes_per_part, toys.asks_version)]
    if by.build.patches_per_part is not None:
        wanted.append(("patches", by.build.patches_per_part, 1))
    if by.build.lists_ec2:
        wanted += [("instances", None, None), ("tags", None, None)]
    if found != wanted:
        yield f"{by} planned the sources {found}, and knows {wanted}"
    seconds = min(scenario.detail_deadline_seconds, by.build.deadline_seconds)
    if plan.detail_deadline_at != plan.planned_at + timedelta(seconds=seconds):
        yield f"{by} set the detail deadline {plan.detail_deadline_at} for a run planned at {plan.planned_at}"


@holds("C3", Ended, Sent)
def children_come_before_the_acknowledgement(world: World, event: Ended | Sent) -> Iterator[str]:
    """The worker that stores or finds a parent's part writes its empty children, and asks for the absent others."""
    by = event.by
    match event:
        case Sent(message=CollectMessage(run_id=run_id, source=source) as message) if (
            source in oracle.DETAILS and by.stage == "collect"
        ):
            states = oracle.slice_rows(world, run_id, message.target, source, message.batch, message.slice)
            has_none = states is not None and not oracle.asked(world.plans[run_id], source, states)
            if has_none and run_id not in world.tampered:
                yield f"{by} sent {message}, which has nothing to ask"
        case Ended(PlanResult(run_id, targets=int())):
            asked_for = {(m.source, m.target) for m in by.sent if isinstance(m, DiscoverMessage)}
            wanted = oracle.LISTINGS.keys() & {*oracle.known(world.plans[run_id], by.build)}
            for source, target in product(sorted(wanted), sorted(world.active[run_id])):
                if (source, target) not in asked_for:
                    yield f"{by} is done, and has not sent for the {source} of {target}"
        case Ended(DiscoverResult(run_id, target, Step.STORED | Step.ADOPTED, source=source)):
            if source in oracle.LISTINGS and secondary_shard_key(run_id, source, target) not in world.objects:
                yield f"{by} is done, and {target} has no shard of {source}"
        case Ended(CollectResult(step=Step.STORED | Step.ADOPTED) as result):
            yield from _forgotten_children(world, result, by)


def _forgotten_children(world: World, result: CollectResult, by: Invocation) -> Iterator[str]:
    run_id, target, batch = result.run_id, result.target, result.batch
    plan = world.plans[run_id]
    if run_id in world.tampered:
        return
    asked_for = {(m.source, m.slice) for m in by.sent if isinstance(m, CollectMessage) and m.batch == batch}
    is_child = result.source in oracle.DETAILS
    for source in [result.source] if is_child else oracle.details(plan):
        if source not in oracle.known(plan, by.build):
            continue
        numbers = [number for of_batch, number in oracle.slices(world, run_id, target, source) if of_batch == batch]
        for number in [result.slice] if is_child else numbers:
            key = child_key(run_id, source, target, oracle.number_of(plan, source, batch, number))
            if key not in world.objects and (is_child or (source, number) not in asked_for):
                yield f"{by} is done with batch {batch} of {target}, and no one makes {key}"


@holds("C4", Wrote)
def a_table_is_its_parts_in_the_order_of_their_keys(world: World, wrote: Wrote) -> Iterator[str]:
    """The table of a secondary source is the concatenation of its shards or parts in the order of their keys."""
    match wrote.place:
        case TablePlace(run_id, source):
            names, table = oracle.TABLE_COLUMNS[source], world.tables[wrote.key]
            if list(table.column_names) != names:
                yield f"{wrote.by} wrote {wrote.key} with the columns {list(table.column_names)}"
                return
            keys = [key for key in oracle.object_keys(world, run_id, source) if key in world.tables]
            expected = [row for key in sorted(keys) for row in rows(world.tables[key], names)]
            if rows(table, names) != expected and run_id not in world.tampered:
                yield f"{wrote.by} wrote {wrote.key} with {rows(table, names)}, and its parts have {expected}"


@holds("C5", Wrote)
def coverage_counts_what_is_stored(world: World, wrote: Wrote) -> Iterator[str]:
    """Coverage has the columns of the sources that its build knows, and counts what their objects hold."""
    match wrote.place:
        case CoveragePlace(run_id):
            known = oracle.known(world.plans[run_id], wrote.by.build)
            names = [name for name in world.tables[wrote.key].column_names if name.startswith(oracle.PREFIXES)]
            expected = [name for source in known for name in oracle.COVERAGE_COLUMNS[source]]
            if names != expected:
                yield f"{wrote.by} wrote {wrote.key} with the columns {names}, and knows {expected}"
                return
            if run_id not in world.tampered:
                yield from _coverage_problems(world, wrote, oracle.COUNT_COLUMNS)


@holds("C5", Wrote)
def coverage_is_published_first_and_the_snapshot_last(world: World, wrote: Wrote) -> Iterator[str]:
    """Objects come before coverage, coverage before tables, and these before the snapshot."""
    match wrote.place:
        case CoveragePlace(run_id):
            for source in oracle.known(world.plans[run_id], wrote.by.build):
                if lost := [key for key in oracle.object_keys(world, run_id, source) if key not in world.objects]:
                    yield f"{wrote.by} wrote {wrote.key} before {lost[0]}"
        case TablePlace(run_id, source):
            if coverage_key(run_id) not in world.objects:
                yield f"{wrote.by} wrote {wrote.key} before its coverage"
            publisher = world.writers.get(snapshot_key(run_id))
            if publisher is not None and source in oracle.known(world.plans[run_id], publisher.build):
                yield f"{wrote.by} wrote {wrote.key} after the snapshot"
        case SnapshotPlace(run_id):
            known = oracle.known(world.plans[run_id], wrote.by.build)
            if lost := [source for source in known if table_key(run_id, source) not in world.objects]:
                yield f"{wrote.by} wrote {wrote.key} before the tables of {lost}"


def _coverage_problems(world: World, wrote: Wrote, of: tuple[str, ...]) -> Iterator[str]:
    """Yield where coverage says something else of a secondary source than its objects do."""
    coverage = world.tables[wrote.key]
    run_id = wrote.place.run_id if isinstance(wrote.place, CoveragePlace) else ""
    names = [name for name in coverage.column_names if name in of]
    if not names:
        return
    expected = [oracle.coverage_values(world, run_id, target) for target in world.plans[run_id].targets]
    wanted = [tuple(values[name] for name in names) for values in expected]
    if rows(coverage, names) != wanted and not world.may_have_lost_what_it_read(wrote.by):
        yield f"{wrote.by} wrote the coverage {names} {rows(coverage, names)}, and its objects give {wanted}"


@holds("C6", Wrote, Sent)
def nothing_is_closed_before_its_deadline(world: World, event: Wrote | Sent) -> Iterator[str]:
    """No secondary tombstone comes before the detail deadline, no other before the deadline.

    From its detail deadline on a run asks for no children: they are closed.
    """
    by = event.by
    match event:
        case Wrote(key, (ShardPlace(run_id) | PartPlace(run_id)) as where) if by.stage == "commit":
            if not _shows(by, world.plans[run_id].deadline_at):
                yield f"{by} put a tombstone at {key} before the deadline of its {type(where).__name__}"
        case Wrote(key, (SecondaryShardPlace(run_id) | ChildPlace(run_id))) if not by.is_secondary:
            has_rows = sum(world.tables[key].row_counts) or by.stage == "commit"
            if has_rows and not _shows(by, world.plans[run_id].detail_deadline_at):
                yield f"{by} put a tombstone at {key} before the detail deadline"
        case Sent(message=CollectMessage(run_id=run_id, source=source) as message) if source in oracle.DETAILS:
            if _shows(by, world.plans[run_id].detail_deadline_at):
                yield f"{by} sent {message} after the detail deadline"


def _shows(by: Invocation, at: datetime | None) -> bool:
    """Whether a handler's clock has shown a time."""
    return at is not None and bool(by.readings) and max(by.readings) >= at


@holds("C7", Wrote, Ended)
def the_snapshot_never_depends_on_them(world: World, event: Wrote | Ended) -> Iterator[str]:
    """Whatever becomes of secondary sources, snapshot and outcome are those of the root sources alone."""
    match event:
        case Wrote(key, SnapshotPlace(run_id)) if world.plans[run_id].sources:
            names = list(world.tables[key].column_names)
            expected = [row for part in parts(world, run_id) for row in rows(part, names)]
            if rows(world.tables[key], names) != expected and not world.may_have_lost_what_it_read(event.by):
                yield f"{event.by} wrote {key} with other rows than its parts have"
        case Ended(CommitResult(run_id, CommitOutcome.COMPLETE | CommitOutcome.PARTIAL as outcome) as result):
            if not world.plans[run_id].sources or snapshot_key(run_id) not in world.tables:
                return
            if (outcome is CommitOutcome.COMPLETE) != is_complete(world, run_id):
                yield f"{event.by} calls run {run_id} {outcome}, and its nodes say the contrary"
            snapshot = world.tables[snapshot_key(run_id)]
            statuses = Counter(snapshot.columns(["collection_status"])["collection_status"])
            if Counter(result.statuses) != statuses:
                yield f"{event.by} counts {result.statuses}, and the snapshot has {statuses}"


@holds("C8", Wrote, Asked, Opened)
def a_child_asks_only_for_its_slice(world: World, event: Wrote | Asked | Opened) -> Iterator[str]:
    """A child asks only about nodes of its slice, one a call, and looks for its part before every tenth call.

    After a node failed alone, one other node of the target may be asked about. One that has no node to ask about calls
    no API. The plan's tag keys are those of the settings, and no others.
    """
    by = event.by
    match event:
        case Wrote(_, PlanPlace(run_id)):
            keys, wanted = world.plans[run_id].tag_keys, tuple(sorted({*world.scenario.tag_keys}))
            if keys != (wanted if by.build.toys is not None else ()):
                yield f"{by} planned the tag keys {keys}, and the settings name {wanted}"
        case Asked(operation, target, ids) if operation in oracle.ASKED_BY:
            is_ours = set(ids) <= set(_to_ask(world, by)) or by.run_id in world.tampered
            is_ours |= is_witness(by, operation, ids)
            if not is_ours or not 0 < len(ids) <= _IDS_PER_CALL:
                yield f"{by} asked {target} about {ids}, and its slice is {_to_ask(world, by)}"
            if by.calls_since_look > _CALLS_BETWEEN_LOOKS:
                yield f"{by} made {by.calls_since_look} calls without looking for its part"
        case Opened(target) if by.source in oracle.DETAILS and by.run_id in world.plans:
            if not _to_ask(world, by) and by.run_id not in world.tampered:
                yield f"{by} goes for {target}, and has no node to ask about"


def _to_ask(world: World, by: Invocation) -> list[str]:
    """Return the nodes that a child's message is about."""
    match by.message:
        case CollectMessage(run_id=run_id, source=source) as message if source in oracle.details(world.plans[run_id]):
            states = oracle.slice_rows(world, run_id, message.target, source, message.batch, message.slice)
            return [] if states is None else oracle.asked(world.plans[run_id], source, states)
    return []


@holds("C8", Requested)
def only_what_the_table_needs_is_asked_of_ec2(world: World, requested: Requested) -> Iterator[str]:
    """EC2 is asked for all instances of a target, and for their tags with the keys of the plan, a thousand a page."""
    if requested.operation in ec2_service.OPERATIONS:
        keys = world.plans[requested.by.run_id or ""].tag_keys
        problem = ec2_oracle.request_problem(requested.operation, dict(requested.request), requested.page_size, keys)
        if problem is not None:
            yield f"{requested.by} asks EC2 for {problem}"


@holds("C8", Requested)
def only_patches_that_count_are_asked_for(_: World, requested: Requested) -> Iterator[str]:
    """SSM is asked for the patches of one node in the five states that count, fifty a page, by one filter.

    Only once it refused that filter, it is asked for one state after another, and never with that filter again.
    """
    by = requested.by
    if requested.operation != patch_service.DESCRIBE_PATCHES:
        return
    problem = patches_oracle.request_problem(
        requested.instance_ids, dict(requested.request), requested.page_size, refused=by.is_filter_refused
    )
    if problem is not None:
        yield f"{by} asks for {problem}"


@holds("C8", Asked)
def a_refusal_ends_the_questions(_: World, asked: Asked) -> Iterator[str]:
    """Access that is denied ends all questions about a slice; a node that is unknown, those about the node.

    Calls that were under way come to their end.
    """
    by = asked.by
    if by.source not in oracle.DETAILS or asked.operation not in oracle.ASKED_BY:
        return
    if by.denied is not None:
        by.denied.add(asked.instance_ids)
        if len(by.denied) > by.under_way:
            yield f"{by} was denied the access, and asks about {len(by.denied)}: {by.under_way} were under way"
    if any(ask.code == "InvalidInstanceId" and ask.ids == asked.instance_ids for ask in by.asks[by.asked_from :]):
        yield f"{by} asks again about {asked.instance_ids}, which SSM does not know"


@holds("C9", Wrote)
def coverage_says_how_each_source_ended(world: World, wrote: Wrote) -> Iterator[str]:
    """Coverage says of each target and source how the listing ended, or whether every node was read, and why not."""
    if isinstance(wrote.place, CoveragePlace):
        yield from _coverage_problems(world, wrote, oracle.STATUS_COLUMNS)


@holds("C10", Sent, Deferred, Failed)
def secondary_work_has_queues_of_its_own(world: World, event: Sent | Deferred | Failed) -> Iterator[str]:
    """A message goes to its source's queue and stays there; root sources are sent for first, and never named.

    One of a source that this build does not know is tried again until its run is published, and then acknowledged.
    """
    by = event.by
    match event:
        case Sent(queue, DiscoverMessage() | CollectMessage() as message):
            if queue != _QUEUES.get(message.source):
                yield f"{by} sent {message} to {queue}"
            if message.source in _ROOT and '"source"' in event.body:
                yield f"{by} names the root source in {event.body}"
            earlier = [m.source for m in by.sent[:-1] if isinstance(m, DiscoverMessage | CollectMessage)]
            if by.stage == "commit" and message.source in _ROOT and any(source not in _ROOT for source in earlier):
                yield f"{by} sends {message} again, and secondary ones went before it"
        case Deferred(queue) if queue != by.queue:
            yield f"{by} defers a message of {by.queue} on {queue}"
        case Failed(error) if by.is_secondary and by.run_id in world.plans:
            plan = world.plans[by.run_id]
            if by.source in oracle.planned(plan) and by.source not in oracle.known(plan, by.build):
                if by.begun_late and "does not read" in str(error):
                    yield f"{by} does not acknowledge a message of the published run {by.run_id}: {error}"
                target = by.message.target if isinstance(by.message, DiscoverMessage | CollectMessage) else None
                if isinstance(error, InputError) and target in world.active[by.run_id]:
                    yield f"{by} refuses a message of a source that it does not know: {error}"


_ROOT = ("nodes", "patch_states")
_QUEUES = {
    "nodes": "discover",
    "patch_states": "collect",
    "gadgets": "listing",
    "toys": "detail",
    "patches": "detail",
    "instances": "listing",
    "tags": "listing",
}


@holds("C11", Waited)
def a_secondary_listing_pauses_for_two_minutes(_: World, waited: Waited) -> Iterator[str]:
    """A secondary listing pauses for throttling at most 120 seconds in one invocation."""
    by = waited.by
    if by.stage == "discover" and by.is_secondary and by.waited_seconds > _MOST_PAUSED_SECONDS:
        yield f"{by} pauses for {by.waited_seconds:.0f} seconds"


@holds("C12", Asked)
def the_patch_states_come_first(world: World, asked: Asked) -> Iterator[str]:
    """A child that was throttled asks no more while a root part of its target is missing.

    Only in the second half of the time for details it does so all the same.
    """
    by = asked.by
    if by.must_yield and by.run_id is not None and by.run_id not in world.tampered:
        plan, shard = world.plans[by.run_id], world.tables[shard_key(by.run_id, asked.target)]
        closes_at = plan.detail_deadline_at or plan.deadline_at
        keys = [part_key(by.run_id, asked.target, number) for number in range(len(shard.row_counts))]
        missing = [key for key in keys if key not in world.objects]
        if missing and not _shows(by, plan.planned_at + (closes_at - plan.planned_at) / 2):
            yield f"{by} was throttled, and asks {asked.target} before {missing[0]} is stored"


@holds("L3", Rested)
def secondary_sources_hold_back_until_their_deadline(world: World, _: Rested) -> Iterator[str]:
    """A run is published two ticks after its last root part, or after its detail deadline where that is later."""
    for run_id, plan in world.plans.items():
        if plan.detail_deadline_at is not None and run_id in world.published_at:
            last = world.last_root_part_at.get(run_id, plan.planned_at)
            yield from lateness(world, run_id, min(plan.deadline_at, max(last, plan.detail_deadline_at)))


@holds("L4", Rested)
def healthy_apis_mean_complete_sources(world: World, _: Rested) -> Iterator[str]:
    """With healthy APIs and enough time until the detail deadline, every source of a run is complete.

    The build of that time must know the sources, and things must have stopped breaking before the last round of
    re-sending.
    """
    scenario = world.scenario
    if not (scenario.healthy and scenario.toys_healthy) or scenario.stalled:
        return
    for run_id, plan in world.plans.items():
        if plan.detail_deadline_at is None or run_id in world.gaps | world.blanked | world.corrupt.keys():
            continue
        known = oracle.known(plan, world.build)
        if snapshot_key(run_id) not in world.tables or not sent_again_by(world, plan, plan.detail_deadline_at):
            continue
        coverage = world.tables[coverage_key(run_id)]
        for name in [f"{source}_status" for source in known]:
            found = {*coverage.columns([name])[name]} if name in coverage.column_names else {"LISTED"}
            if found - {"LISTED", "COMPLETE", "ACCOUNT_NOT_ACTIVE", None}:
                yield f"run {run_id} has the {name} {sorted(map(str, found))}"


@holds("L4", Rested)
def instances_and_tags_are_those_of_ec2(world: World, _: Rested) -> Iterator[str]:
    """With a healthy API a run has every instance of each target that it listed, and every tag with an allowed key."""
    changes = (Fault.NODE_SCANNED, Fault.NODE_APPEARED, Fault.NODE_VANISHED)
    if not (world.scenario.healthy and world.scenario.toys_healthy) or any(world.dice.struck[one] for one in changes):
        return
    for run_id in world.published_at.keys() - world.tampered.keys():
        coverage = world.tables[coverage_key(run_id)]
        for source in oracle.LISTINGS.keys() & {*oracle.planned(world.plans[run_id])} - {"gadgets"}:
            table = world.tables.get(table_key(run_id, source))
            if table is None:
                continue
            found = Counter(rows(table, ["account_id", "region", *_EC2_KEYS[source]]))
            statuses = rows(coverage, ["account_id", "region", f"{source}_status"])
            if not any(status for *_, status in statuses):
                # A build that does not know the source published the run; another one was late with its table.
                continue
            listed = [Target(*one) for *one, status in statuses if status == "LISTED"]
            wanted = Counter(row for target in listed for row in _of_ec2(world, run_id, target, source))
            if found != wanted:
                yield f"run {run_id} lacks the {source} {wanted - found}, and has {found - wanted} without reason"


_EC2_KEYS = {"instances": ("instance_id",), "tags": ("instance_id", "key")}


def _of_ec2(world: World, run_id: str, target: Target, source: str) -> Iterator[tuple[str, ...]]:
    """Yield account, region and key of each row that a target has in a table."""
    for instance_id, instance in world.instances[target].items():
        if source == "instances":
            yield (*target, instance_id)
        else:
            yield from ((*target, instance_id, key) for key in instance.tags if key in world.plans[run_id].tag_keys)


@holds("L4", Rested)
def patches_agree_with_the_counts(world: World, _: Rested) -> Iterator[str]:
    """With a healthy API a node has as many patches of each state as its scan counted, if it was scanned only once."""
    if not (world.scenario.healthy and world.scenario.toys_healthy) or world.dice.struck[Fault.NODE_SCANNED]:
        return
    for run_id in world.published_at:
        table, snapshot = (world.tables.get(key) for key in (table_key(run_id, "patches"), snapshot_key(run_id)))
        if table is None or snapshot is None or run_id in world.tampered:
            continue
        found: dict[str, Counter[str]] = {}
        for instance_id, status, state in rows(table, ["instance_id", "collection_status", "state"]):
            if status in {"COLLECTED", "NO_PATCHES"}:
                found.setdefault(instance_id, Counter())[state or ""] += 1
        for instance_id, *counts in rows(snapshot, ["instance_id", *patch_service.COUNTED_STATES]):
            for state, count in zip(patch_service.COUNTED_STATES.values(), counts, strict=True):
                if instance_id in found and count is not None and found[instance_id][state] != count:
                    yield f"run {run_id} has {found[instance_id][state]} patches {state} of {instance_id}, not {count}"
