"""Mistakes about instances and tags: one for each must, never, only and before of their design."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from patchlake.adapters.xml_page_decoding import XmlPageDecoder
from patchlake.core import paging
from patchlake.core.plan import Plan
from patchlake.core.records import Page
from patchlake.core.tables import Columns
from patchlake.errors import BrokenAnswerError
from patchlake.sources import registry, tags
from patchlake.sources.coverage import SourceRead, has_gap
from patchlake.sources.registry import Registry
from patchlake.sources.source import ListedRows, ListingSource
from patchlake.stages import commit, discover, fence, publish, stored_objects
from patchlake.stages.commit import CommitStage
from patchlake.stages.plan import PlanStage
from patchlake.stages.step import Step
from patchlake.stages.stored_run import StoredRun
from tests.simulation.faults import Fault
from tests.simulation.mutants.answers import alter_page_size, alter_request
from tests.simulation.mutants.deaf_queue import DeafQueue
from tests.simulation.mutants.mutant import MUTANTS, Mutant, Patch, alter_coverage
from tests.simulation.mutants.mutant import mutant as any_mutant
from tests.simulation.mutants.provocations import (
    BROKEN_ANSWERS,
    INSTANCES_REFUSED,
    INSTANCES_THROTTLED,
    LOSSES_OF_TOYS,
    NAMELESS_INSTANCES,
    PEOPLED,
    RUNS_IN_FUNCTIONS,
    TAGS_REFUSED,
    TOYS_UNHEALTHY,
    WITH_TAGS,
)
from tests.simulation.mutants.secondary import close_all_but, publish_after, with_queues
from tests.simulation.mutants.values import alter_merge
from tests.simulation.provocation import ANY, CALM, Provocation, having, struck_by
from tests.simulation.world import UNMANAGED
from tests.world import node_id


def mutant(
    invariant: str, name: str, provocation: Provocation = ANY
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register what makes a mistake in a world in which runs list instances and tags."""
    return any_mutant(invariant, name, WITH_TAGS & provocation)


# The questions: all instances, and the allowed keys alone.


def _filters(**wanted: Sequence[str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a change of a request: other values of its filters, or none."""

    def change(request: dict[str, Any]) -> dict[str, Any]:
        filters = ({**each, "Values": wanted.get(each["Name"], each["Values"])} for each in request["Filters"])
        return {"Filters": [each for each in filters if each["Values"]]}

    return change


for _name, _operation, _altered in (
    ("EC2 is asked for no instances that a service manages", "DescribeInstances", lambda _: {}),
    ("tags are asked for with any key", "DescribeTags", _filters(key=())),
    ("tags of any resource are asked for", "DescribeTags", _filters(**{"resource-type": ()})),
    ("tags are asked for with a key that the plan does not name", "DescribeTags", _filters(key=["env", "password"])),
):
    _ask = partial(alter_request, operation=_operation, alter=_altered)
    MUTANTS.append(Mutant(_name, "C8", _ask, WITH_TAGS & CALM))

MUTANTS += [
    Mutant(
        f"{_operation} is asked for pages of a hundred",
        "C8",
        partial(alter_page_size, operation=_operation, size=100),
        WITH_TAGS & CALM,
    )
    for _operation in ("DescribeInstances", "DescribeTags")
]


# The rows.


def _alter_rows(patch: Patch, name: str, alter: Callable[[Columns], Columns]) -> None:
    """Let a listing source make other rows of a page."""
    own = ListingSource.__dict__["rows"]

    def rows(source: ListingSource) -> Any:  # noqa: ANN401
        made = own.__get__(source)
        return (lambda *arguments: alter(made(*arguments))) if source.name == name else made

    patch.setattr(ListingSource, "rows", property(rows, own.__set__))


def _alter_listed(patch: Patch, name: str, alter: Callable[[ListedRows], ListedRows]) -> None:
    """Let a listing source make another shard of the rows."""
    listed = ListingSource.listed

    def altered(source: ListingSource, *arguments: Any) -> ListedRows:  # noqa: ANN401
        rows = listed(source, *arguments)
        return alter(rows) if source.name == name else rows

    patch.setattr(ListingSource, "listed", altered)


@mutant("C8", "a tag that was not asked for is stored", PEOPLED & struck_by(Fault.NOT_ASKED_FOR))
def _keeps_any_tag(patch: Patch) -> None:
    patch.setattr(tags, "_may_be_kept", lambda *_: True)


@mutant("C8", "the keys of tags are compared without their case", PEOPLED & struck_by(Fault.NOT_ASKED_FOR))
def _ignores_case(patch: Patch) -> None:
    patch.setattr(tags, "_may_be_kept", lambda _, tag, plan: tag.key is None or tag.key.lower() in plan.tag_keys)


@mutant("C8", "a tag of a resource whose type is absent is a tag of an instance", struck_by(Fault.NOT_ASKED_FOR))
def _takes_any_resource(patch: Patch) -> None:
    def may_be_kept(_: str, tag: Any, plan: Plan) -> bool:  # noqa: ANN401
        return tag.resource_type in {None, "instance"} and tag.key in {None, *plan.tag_keys}

    patch.setattr(tags, "_may_be_kept", may_be_kept)


@mutant("C8", "tags are asked for, though the plan allows no key", having(tag_keys=()) & CALM)
def _asks_without_keys(patch: Patch) -> None:
    patch.setattr(registry, "_is_read", registry._is_known)  # noqa: SLF001


@mutant("I15", "tags that need no call are a gap", having(tag_keys=()) & CALM & RUNS_IN_FUNCTIONS)
def _misses_what_is_not_asked(patch: Patch) -> None:
    def not_read(made: Registry, plan: Plan) -> set[str]:
        return {each.name for each in plan.sources} - {each.name for each in made.secondary_of(plan)}

    patch.setattr(Registry, "unknown_of", not_read)


@mutant("C8", "an address is stored", CALM)
def _stores_addresses(patch: Patch) -> None:
    def with_addresses(columns: Columns) -> Columns:
        return columns | {"vpc_id": ["10.66.0.1"] * len(columns["vpc_id"])}

    _alter_rows(patch, "instances", with_addresses)


@mutant("C8", "the error of a broken answer of EC2 repeats it", BROKEN_ANSWERS)
def _repeats_the_answer(patch: Patch) -> None:
    page = XmlPageDecoder.page

    def page_or_body(decoder: XmlPageDecoder, body: bytes, answered_at_ms: int) -> Page[Any]:
        try:
            return page(decoder, body, answered_at_ms)
        except BrokenAnswerError as error:
            raise BrokenAnswerError(body.decode()) from error

    patch.setattr(XmlPageDecoder, "page", page_or_body)


@mutant("I1", "an answer of EC2 without its list is an empty page", PEOPLED & struck_by(Fault.BROKEN_BODY))
def _reads_nothing(patch: Patch) -> None:
    page = XmlPageDecoder.page

    def page_or_nothing(decoder: XmlPageDecoder, body: bytes, answered_at_ms: int) -> Page[Any]:
        try:
            return page(decoder, body, answered_at_ms)
        except BrokenAnswerError:
            return Page([], None, answered_at_ms)

    patch.setattr(XmlPageDecoder, "page", page_or_nothing)


@mutant("C2", "an empty page ends a listing of EC2", CALM)
def _ends_early(patch: Patch) -> None:
    read_chain = paging.read_chain

    def read_until_empty(ask: Callable[[str | None], Page[Any]], *others: Any) -> Any:  # noqa: ANN401
        def page(token: str | None) -> Page[Any]:
            found = ask(token)
            return found if found.records or found.invalid else dataclasses.replace(found, next_token=None)

        return read_chain(page, *others)

    patch.setattr(discover, "read_chain", read_until_empty)


@mutant(
    "C2", "an instance that is listed twice counts as its first row has it", PEOPLED & struck_by(Fault.LISTED_TWICE)
)
def _first_row_counts(patch: Patch) -> None:
    listed = ListingSource.listed

    def backwards(source: ListingSource, run_target: Any, plan: Any, pages: Iterable[Page[Any]]) -> ListedRows:  # noqa: ANN401
        pages = list(pages)
        if source.name == "instances":
            rows = [row for page in pages for row in page.rows][::-1]
            pages = [dataclasses.replace(pages[-1], rows=rows)]
        return listed(source, run_target, plan, pages)

    patch.setattr(ListingSource, "listed", backwards)


@mutant("C2", "a bad value costs its instance", PEOPLED & struck_by(Fault.BAD_VALUE))
def _loses_the_instance(patch: Patch) -> None:
    named_rows = Page.named_rows
    patch.setattr(Page, "named_rows", lambda page: [row for row in named_rows(page) if row.reason is None])


@mutant("C2", "an instance whose id has an unknown form is left out", TOYS_UNHEALTHY & struck_by(Fault.UNKNOWN_ID))
def _leaves_out_strangers(patch: Patch) -> None:
    _alter_rows(patch, "instances", partial(_where, name="instance_id", is_kept=lambda one: one.startswith("i-")))


def _where(columns: Columns, name: str, is_kept: Callable[[Any], bool]) -> Columns:
    kept = [row for row, value in enumerate(columns[name]) if is_kept(value)]
    return {column: [values[row] for row in kept] for column, values in columns.items()}


def _changed(columns: Columns, name: str, change: Callable[[Any], Any]) -> Columns:
    return columns | {name: [change(value) for value in columns[name]]}


def _swapped(columns: Columns, first: str, second: str) -> Columns:
    return columns | {first: columns[second], second: columns[first]}


for _name, _table, _alter, _where_from in (
    (
        "a launch time that cannot be read is 1970",
        "instances",
        partial(_changed, name="launch_time", change=lambda time: time or 0),
        struck_by(Fault.BAD_VALUE),
    ),
    (
        "a launch time is stored in whole seconds",
        "instances",
        partial(_changed, name="launch_time", change=lambda time: time and time // 1000 * 1000),
        CALM,
    ),
    (
        "an instance that may be managed by a service is not",
        "instances",
        partial(_changed, name="operator_managed", change=bool),
        CALM,
    ),
    (
        "a reason that EC2 leaves empty is absent",
        "instances",
        partial(_changed, name="state_transition_reason", change=lambda text: text or None),
        CALM,
    ),
    ("image and VPC are swapped", "instances", partial(_swapped, first="image_id", second="vpc_id"), CALM),
    (
        "the empty value of a tag is absent",
        "tags",
        partial(_changed, name="value", change=lambda text: text or None),
        CALM,
    ),
    (
        "a tag whose value cannot be read is left out",
        "tags",
        partial(_where, name="value", is_kept=lambda value: value is not None),
        struck_by(Fault.BAD_VALUE),
    ),
):
    _apply = partial(_alter_rows, name=_table, alter=_alter)
    MUTANTS.append(Mutant(_name, "C2", _apply, WITH_TAGS & _where_from))


for _table in ("instances", "tags"):
    _uncounted = partial(_alter_listed, name=_table, alter=lambda rows: rows._replace(without_id=0))
    _nameless = WITH_TAGS & TOYS_UNHEALTHY & struck_by(Fault.NAMELESS_ROW)
    MUTANTS.append(Mutant(f"rows of {_table} without an id are not counted", "C2", _uncounted, _nameless))


# What commit makes of them.


for _name, _table, _alter in (
    (
        "terminated instances are not published",
        "instances",
        partial(_where, name="state", is_kept=lambda state: state != "terminated"),
    ),
    (
        "instances that a service manages are not published",
        "instances",
        partial(_where, name="operator_managed", is_kept=lambda is_managed: not is_managed),
    ),
    (
        "only instances that SSM lists are published",
        "instances",
        partial(_where, name="instance_id", is_kept=lambda one: one < node_id(UNMANAGED)),
    ),
    ("one tag of each instance is published", "tags", partial(_where, name="key", is_kept=lambda key: key == "env")),
):
    MUTANTS.append(Mutant(_name, "C4", partial(alter_merge, alter=_alter, table=_table), WITH_TAGS & CALM))


def _no_longer_null(row: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    return row | {name: value} if name in row and row[name] is None else row


def _set(row: dict[str, Any], name: str, value: object) -> dict[str, Any]:
    return row | {name: value} if name in row else row


for _table, _provocation in (("instances", INSTANCES_REFUSED), ("tags", TAGS_REFUSED)):
    for _name, _invariant, _change in (
        ("a refused listing of {} has no rows", "C5", partial(_no_longer_null, name=f"{_table}_rows", value=0)),
        (
            "a refused listing of {} has no rows without an id",
            "C5",
            partial(_no_longer_null, name=f"{_table}_rows_without_id", value=0),
        ),
        ("every listing of {} is called LISTED", "C9", partial(_set, name=f"{_table}_status", value="LISTED")),
        ("the reason of a refused listing of {} is dropped", "C9", partial(_set, name=f"{_table}_detail", value=None)),
    ):
        _apply_change = partial(alter_coverage, alter=_change)
        MUTANTS.append(Mutant(_name.format(_table), _invariant, _apply_change, _provocation))


@mutant("C9", "instances have the status of the nodes", INSTANCES_REFUSED)
def _takes_the_status_of_nodes(patch: Patch) -> None:
    alter_coverage(patch, lambda row: _set(row, "instances_status", row["listing_status"]))


@mutant("I7", "a refused listing of instances makes a run PARTIAL", INSTANCES_REFUSED)
def _partial_for_instances(patch: Patch) -> None:
    publish_run = publish.publish

    def partial_if_refused(run: StoredRun, metadata: dict[str, str]) -> publish.Published:
        published = publish_run(run, metadata)
        return dataclasses.replace(published, rows_without_id=len(published.source_gaps))

    patch.setattr(commit, "publish", partial_if_refused)


@mutant("I15", "a refused listing is no gap", INSTANCES_REFUSED & RUNS_IN_FUNCTIONS)
def _counts_no_gap(patch: Patch) -> None:
    def of_details(source: Any, read: Any) -> bool:  # noqa: ANN401
        return not isinstance(source, ListingSource) and has_gap(source, read)

    patch.setattr(publish, "has_gap", of_details)


@mutant("I15", "rows without an id are no gap", NAMELESS_INSTANCES & RUNS_IN_FUNCTIONS)
def _nameless_are_no_gap(patch: Patch) -> None:
    def of_named(source: Any, read: Any) -> bool:  # noqa: ANN401
        named = {
            name: SourceRead(found.listing and found.listing._replace(rows_without_id=0), found.nodes, found.gaps)
            for name, found in read.sources.items()
        }
        return has_gap(source, dataclasses.replace(read, sources=named))

    patch.setattr(publish, "has_gap", of_named)


@mutant("C5", "the table of the instances is published before coverage", CALM)
def _table_first(patch: Patch) -> None:
    publish_after(patch, "/coverage/", "/instances/")


@mutant("C5", "the snapshot is published before the table of the tags", CALM)
def _table_last(patch: Patch) -> None:
    publish_after(patch, "/tags/", "/patch_states/")


# Messages and deadlines.


@mutant("C3", "plan does not ask for the tags", CALM)
def _lists_no_tags(patch: Patch) -> None:
    with_queues(patch, PlanStage, "handle", "listing_queues", lambda _: {"tags": DeafQueue()})


@mutant("C3", "a listing of instances is acknowledged before it is stored", CALM)
def _stores_no_instances(patch: Patch) -> None:
    create = stored_objects.create_or_adopt

    def create_others(store: Any, key: str, body: bytes) -> Any:  # noqa: ANN401
        return (body, Step.STORED) if "/instances/" in key else create(store, key, body)

    patch.setattr(discover, "create_or_adopt", create_others)


@mutant("C10", "the instances go to the queue of the nodes", CALM)
def _shares_a_queue(patch: Patch) -> None:
    with_queues(
        patch, PlanStage, "handle", "listing_queues", lambda stage: {"instances": stage.listing_queues["nodes"]}
    )


@mutant("L4", "commit sends nothing again for the instances", LOSSES_OF_TOYS)
def _never_sends_again(patch: Patch) -> None:
    send_again = CommitStage._send_again  # noqa: SLF001

    def send_others(stage: CommitStage, planned: Any, expected: Sequence[Any]) -> None:  # noqa: ANN401
        send_again(stage, planned, [each for each in expected if each.source.name != "instances"])

    patch.setattr(CommitStage, "_send_again", send_others)


@mutant("L3", "the instances are closed at the run's deadline", INSTANCES_THROTTLED)
def _closes_at_the_deadline(patch: Patch) -> None:
    close_all_but(patch, "instances")


@mutant("C6", "instances that are refused once are closed at once", INSTANCES_THROTTLED)
def _closes_at_once(patch: Patch) -> None:
    require = CommitStage._require_everything  # noqa: SLF001

    def close_first(stage: CommitStage, run: StoredRun, now: Any) -> None:  # noqa: ANN401
        fence.close_secondary(run, [])
        require(stage, run, now)

    patch.setattr(CommitStage, "_require_everything", close_first)


@mutant("C11", "a listing of instances waits for EC2 as long as one of nodes", INSTANCES_THROTTLED)
def _waits_for_ec2(patch: Patch) -> None:
    patch.setattr(discover, "LISTING_PAUSE_SECONDS", 900)
