"""Mistakes about the patches: one for each must, never, only, before, first, at once and last of their design."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

from patchlake.adapters import narrower_calls
from patchlake.adapters.narrower_calls import NarrowerCalls
from patchlake.core import halving
from patchlake.core.paging import ListingNews
from patchlake.core.plan import Plan
from patchlake.core.records import InvalidRow, Page
from patchlake.core.rows import Outcome
from patchlake.core.tables import Columns
from patchlake.core.timings import ResendWindow
from patchlake.ports import TableFile
from patchlake.sources import patches
from patchlake.sources.coverage import coverage_row
from patchlake.sources.source import DetailSource, Operation, Source
from patchlake.stages import publish
from patchlake.stages.calls_about_ids import CallsAboutIds
from patchlake.stages.collect import CollectStage
from patchlake.stages.commit import CommitStage
from patchlake.stages.retry_policy import Attempt
from patchlake.stages.stored_run import StoredRun
from tests.simulation.faults import Fault
from tests.simulation.mutants.answers import (
    Pages,
    Settle,
    Settled,
    alter_ids_per_call,
    alter_page_size,
    alter_request,
    alter_settling,
)
from tests.simulation.mutants.mutant import MUTANTS, Mutant, Patch
from tests.simulation.mutants.mutant import mutant as any_mutant
from tests.simulation.mutants.provocations import (
    CHILDREN_BEFORE_BATCHES,
    CHILDREN_DAMAGED,
    CHILDREN_SENT_AGAIN,
    ENDLESS_CHAINS,
    FILTERS_REFUSED,
    LOSSES_OF_TOYS,
    MANY_SCANS,
    NODES_OF_SLICES,
    OTHERS_UNKNOWN,
    PAGES_OF_PATCHES,
    PATCHES_REFUSED,
    SLICES_OF_BATCHES,
    SLOW_PAGES,
    TOYS_HELD_BACK,
    TOYS_UNHEALTHY,
    UNKNOWN_NODES,
    WITH_PATCHES,
)
from tests.simulation.mutants.secondary import asks_about_batch, close_all_but, publish_after
from tests.simulation.mutants.values import alter_merge
from tests.simulation.provocation import ANY, Provocation, struck_by


def mutant(
    invariant: str, name: str, provocation: Provocation = ANY
) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    """Register what makes a mistake in a world in which runs collect patches."""
    return any_mutant(invariant, name, WITH_PATCHES & provocation)


# The nodes that SSM is asked about.


def _alter_asks(patch: Patch, asks: Callable[[Columns], list[str]]) -> None:
    own = DetailSource.__dict__["asks_about"]

    def rule(source: DetailSource) -> Any:  # noqa: ANN401
        return asks if source.name == "patches" else own.__get__(source)

    patch.setattr(DetailSource, "asks_about", property(rule, own.__set__))


def _asked(states: Columns, is_open: Callable[[Sequence[int | None], int | None], bool], *statuses: str) -> list[str]:
    """Return the nodes with one of these statuses and with counts that are a reason to ask."""
    deciding = zip(*(states[name] for name in patches.DECIDING_COUNTS), strict=True)
    rows = zip(
        states["instance_id"], states["collection_status"], deciding, states[patches.AVAILABLE_COUNT], strict=True
    )
    return [i for i, status, counts, available in rows if status in statuses and is_open(counts, available)]


def _lacks(counts: Iterable[int | None]) -> bool:
    return any(count != 0 for count in counts)


def _forget(patch: Patch, position: int) -> None:
    def is_open(counts: Sequence[int | None], available: int | None) -> bool:
        return _lacks((*counts[:position], *counts[position + 1 :])) or (available or 0) > 0

    _alter_asks(patch, lambda states: _asked(states, is_open, "COLLECTED"))


MUTANTS += [
    Mutant(
        f"{name} is no reason to ask for patches", "C2", partial(_forget, position=position), WITH_PATCHES & MANY_SCANS
    )
    for position, name in enumerate(patches.DECIDING_COUNTS)
]


@mutant("C2", "a deciding count that is absent is taken for 0", MANY_SCANS)
def _takes_absent_for_zero(patch: Patch) -> None:
    _alter_asks(
        patch,
        lambda states: _asked(states, lambda counts, available: any(counts) or (available or 0) > 0, "COLLECTED"),
    )


@mutant("C2", "security updates to approve are no reason to ask for patches", MANY_SCANS)
def _forgets_available(patch: Patch) -> None:
    _alter_asks(patch, lambda states: _asked(states, lambda counts, _: _lacks(counts), "COLLECTED"))


@mutant("C3", "security updates that were not counted are a reason to ask for patches", MANY_SCANS)
def _asks_for_uncounted(patch: Patch) -> None:
    _alter_asks(patch, lambda states: _asked(states, lambda counts, one: _lacks(counts) or one != 0, "COLLECTED"))


@mutant("C3", "nodes that lack nothing are asked about", MANY_SCANS)
def _asks_about_all(patch: Patch) -> None:
    _alter_asks(patch, lambda states: _asked(states, lambda *_: True, "COLLECTED"))


@mutant("C3", "nodes that were never scanned are asked about")
def _asks_about_unscanned(patch: Patch) -> None:
    _alter_asks(
        patch,
        lambda states: _asked(
            states, lambda counts, one: _lacks(counts) or (one or 0) > 0, "COLLECTED", "NO_PATCH_STATE"
        ),
    )


# The question.


def _with_states(request: dict[str, Any], states: Iterable[str]) -> dict[str, Any]:
    return {**request, "Filters": [{"Key": "State", "Values": list(states)}]}


for _name, _altered in (
    ("patches are asked for without a filter", lambda request: {"InstanceId": request["InstanceId"]}),
    ("patches are asked for in four states", lambda request: _with_states(request, patches.STATES[:-1])),
    (
        "installed patches are asked for too",
        lambda request: _with_states(request, [*patches.STATES, "Installed"]),
    ),
    (
        "states are spelled as in the API model",
        lambda request: _with_states(request, ["MISSING", "FAILED", "INSTALLED_PENDING_REBOOT"]),
    ),
    (
        "each state has a filter of its own",
        lambda request: {**request, "Filters": [{"Key": "State", "Values": [state]} for state in patches.STATES]},
    ),
):
    MUTANTS.append(
        Mutant(_name, "C8", partial(alter_request, operation="DescribeInstancePatches", alter=_altered), WITH_PATCHES)
    )


@mutant("C8", "patches are asked for in pages of a hundred")
def _asks_for_a_hundred(patch: Patch) -> None:
    alter_page_size(patch, "DescribeInstancePatches", 100)


@mutant("C8", "the patches are asked for two nodes a call", NODES_OF_SLICES)
def _asks_for_two(patch: Patch) -> None:
    alter_ids_per_call(patch, "DescribeInstancePatches", 2)
    alter_settling(patch, lambda settle, asked, pages: settle(asked[:1], pages), "patches")


@mutant("C8", "a child of the patches asks about its whole batch", SLICES_OF_BATCHES)
def _asks_about_the_batch(patch: Patch) -> None:
    asks_about_batch(patch, "patches")


@mutant("C8", "a child of the patches that has nothing to ask goes for its target", CHILDREN_SENT_AGAIN)
def _opens_for_nothing(patch: Patch) -> None:
    part = CollectStage._part  # noqa: SLF001

    def open_first(stage: CollectStage, planned: Plan, source: DetailSource, *arguments: Any) -> Columns:  # noqa: ANN401
        if source.name == "patches":
            stage.apis.open(planned, arguments[1].target)
        return part(stage, planned, source, *arguments)

    patch.setattr(CollectStage, "_part", open_first)


@mutant(
    "C8", "a worker looks for its part of the patches before every tenth node, whatever its pages", PAGES_OF_PATCHES
)
def _looks_by_node(patch: Patch) -> None:
    page = CallsAboutIds._page  # noqa: SLF001

    def look_at_first(calls: CallsAboutIds, chunk: Any, token: str | None) -> Page[Any]:  # noqa: ANN401
        one = calls if token is None else dataclasses.replace(calls, look=lambda: None)
        return page(one, chunk, token)

    patch.setattr(CallsAboutIds, "_page", look_at_first)


# The filter's fall-back.


@mutant("C8", "the refused filter is tried again for each node", FILTERS_REFUSED)
def _forgets_the_refusal(patch: Patch) -> None:
    class Forgetful(set[Operation]):
        def __init__(self) -> None:
            super().__init__()
            self._left = 0

        def add(self, operation: Operation) -> None:
            self._left = 1
            super().add(operation)

        def __contains__(self, operation: object) -> bool:
            self._left -= 1
            return super().__contains__(operation) and self._left >= 0

    def begin(calls: NarrowerCalls) -> None:
        calls._refused = Forgetful()  # noqa: SLF001

    patch.setattr(NarrowerCalls, "__init__", begin)


def _alter_narrower(patch: Patch, alter: Callable[[Sequence[Any]], Sequence[Any]]) -> None:
    own = Operation.__dict__["narrower"]

    def narrower(operation: Operation) -> Any:  # noqa: ANN401
        made = own.__get__(operation)
        return lambda *arguments: alter(made(*arguments))

    patch.setattr(Operation, "narrower", property(narrower, own.__set__))


@mutant("C2", "where the filter is refused, the last state is left out", FILTERS_REFUSED)
def _leaves_out_the_last(patch: Patch) -> None:
    _alter_narrower(patch, lambda calls: calls[:-1])


@mutant("C2", "where the filter is refused, only the first state is asked for", FILTERS_REFUSED)
def _asks_for_the_first(patch: Patch) -> None:
    _alter_narrower(patch, lambda calls: calls[:1])


@mutant("C8", "where the filter is refused, patches are asked for without one", FILTERS_REFUSED)
def _drops_the_filter(patch: Patch) -> None:
    _alter_narrower(patch, lambda calls: [{"InstanceId": call["InstanceId"]} for call in calls[:1]])


@mutant("C8", "one call for each state comes before the filter of all")
def _asks_narrowly_first(patch: Patch) -> None:
    place = narrower_calls._place  # noqa: SLF001
    patch.setattr(narrower_calls, "_place", lambda token, _first: place(token, 1))


@mutant("C8", "a refused filter is a refused node", FILTERS_REFUSED)
def _gives_up_the_filter(patch: Patch) -> None:
    patch.setattr(narrower_calls, "FILTER_REFUSED", "nothing")


# Refusals.


@mutant("C8", "a worker that is denied the access goes on with the other nodes", NODES_OF_SLICES & PATCHES_REFUSED)
def _goes_on(patch: Patch) -> None:
    patch.setattr(
        CallsAboutIds, "is_about_ids", lambda calls, refusal: refusal.operation == calls.source.operation.name
    )


@mutant("I20", "a denied access to the patches is recorded at once", PATCHES_REFUSED)
def _records_at_once(patch: Patch) -> None:
    require_final = Attempt.require_final

    def require(attempt: Attempt, reason: Any) -> None:  # noqa: ANN401
        if getattr(reason, "operation", "") != "DescribeInstancePatches":
            require_final(attempt, reason)

    patch.setattr(Attempt, "require_final", require)


@mutant("C8", "a node that SSM does not know is asked about again", UNKNOWN_NODES)
def _asks_again(patch: Patch) -> None:
    patch.setattr(halving, "INVALID_ID", "nothing")


@mutant("C2", "a node that SSM does not know has no patches", UNKNOWN_NODES)
def _unknown_has_none(patch: Patch) -> None:
    settled = CallsAboutIds.settled

    def without_failures(calls: CallsAboutIds, ids: Sequence[str]) -> dict[str, Sequence[Outcome]]:
        found = settled(calls, ids)
        nothing = (Outcome("NO_PATCHES", None, None),)
        is_patches = calls.source.name == "patches"
        return {i: nothing if is_patches and rows[0].status == "NOT_COLLECTED" else rows for i, rows in found.items()}

    patch.setattr(CallsAboutIds, "settled", without_failures)


@mutant("C2", "that SSM does not know another node is no answer", OTHERS_UNKNOWN)
def _wants_a_known_witness(patch: Patch) -> None:
    require = CallsAboutIds.require_answer

    def require_patches(calls: CallsAboutIds, answered: Sequence[str]) -> None:
        other = next(iter(answered), None) or next(calls.other_ids, None)
        if other is None:
            require(calls, answered)
        else:
            calls.calls.call(partial(calls.ask, (other,)))

    patch.setattr(CallsAboutIds, "require_answer", require_patches)


@mutant("I21", "a worker looks at its time before each node, not before each page", PAGES_OF_PATCHES & SLOW_PAGES)
def _begins_pages_late(patch: Patch) -> None:
    def page(calls: CallsAboutIds, chunk: Any, token: str | None) -> Page[Any]:  # noqa: ANN401
        calls.look()
        return calls.api.page(calls.source.operation, chunk, token)

    patch.setattr(CallsAboutIds, "_page", page)


@mutant("I19", "a chain of patches goes on without anything new", ENDLESS_CHAINS)
def _reads_on(patch: Patch) -> None:
    class Patient(ListingNews):
        def require(self, known: int) -> None:
            """Require nothing."""

    patch.setattr(patches, "ListingNews", Patient)


@mutant("C12", "a throttled worker asks for patches before the patch states are stored", CHILDREN_BEFORE_BATCHES)
def _yields_to_nobody(patch: Patch) -> None:
    patch.setattr(CollectStage, "_must_yield", lambda *_: lambda: False)


# The rows.


@mutant("C2", "a node without patches has no row", NODES_OF_SLICES)
def _no_row(patch: Patch) -> None:
    def some(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        return {i: [row for row in rows if row.status != "NO_PATCHES"] for i, rows in settle(asked, pages).items()}

    alter_settling(patch, some, "patches")


@mutant("C2", "a node with patches has a status row too", NODES_OF_SLICES)
def _status_and_rows(patch: Patch) -> None:
    def both(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        return {
            i: [*rows, Outcome("NO_PATCHES", None, rows[-1].collected_at_ms)]
            for i, rows in settle(asked, pages).items()
        }

    alter_settling(patch, both, "patches")


@mutant("C2", "only the first page of patches counts", NODES_OF_SLICES)
def _first_page(patch: Patch) -> None:
    def first(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        return settle(asked, list(pages)[:1])

    alter_settling(patch, first, "patches")


@mutant(
    "C2", "a patch that comes twice counts as its first row has it", TOYS_UNHEALTHY & struck_by(Fault.ANSWERED_TWICE)
)
def _first_row_counts(patch: Patch) -> None:
    def backwards(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        return settle(asked, [dataclasses.replace(page, rows=page.rows[::-1]) for page in pages])

    alter_settling(patch, backwards, "patches")


@mutant("C2", "patches keep the service's order", NODES_OF_SLICES)
def _keeps_the_order(patch: Patch) -> None:
    numbers = count()
    key = patches._key  # noqa: SLF001
    patch.setattr(patches, "_key", lambda record, number: (f"{next(numbers):09}", *key(record, number)))


@mutant("C2", "patches of one id are one patch", NODES_OF_SLICES)
def _ignores_titles(patch: Patch) -> None:
    key = patches._key  # noqa: SLF001
    patch.setattr(patches, "_key", lambda record, number: (key(record, number)[0], "", key(record, number)[2]))


def _altered_invalid(alter: Callable[[Any], Iterable[Any]]) -> Callable[[Settle, Sequence[str], Pages], Settled]:
    def settle_altered(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        return settle(asked, map(altered, pages))

    def altered(page: Page[Any]) -> Page[Any]:
        rows = [one for row in page.rows for one in (alter(row) if isinstance(row, InvalidRow) else (row,))]
        return dataclasses.replace(page, rows=rows)

    return settle_altered


for _name, _fault, _rows in (
    (
        "a patch of which nothing can be read is left out",
        Fault.INVALID_ROW,
        lambda row: [] if row.record is None else [row],
    ),
    ("a bad value costs its patch", Fault.BAD_VALUE, lambda row: [row] if row.record is None else []),
    (
        "a bad value costs its node",
        Fault.BAD_VALUE,
        lambda row: [dataclasses.replace(row, record=None)],
    ),
    (
        "a bad value of a patch is not named",
        Fault.BAD_VALUE,
        lambda row: [row if row.record is None else dataclasses.replace(row, reason=None)],
    ),
):
    MUTANTS.append(
        Mutant(
            _name,
            "C2",
            partial(alter_settling, altered=_altered_invalid(_rows), name="patches"),
            WITH_PATCHES & TOYS_UNHEALTHY & struck_by(_fault),
        )
    )


@mutant("C2", "the rows of a node have the time of its first page", PAGES_OF_PATCHES & struck_by(Fault.SLOW))
def _time_of_the_first(patch: Patch) -> None:
    def first_time(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        pages = list(pages)
        return settle(asked, [dataclasses.replace(page, answered_at_ms=pages[0].answered_at_ms) for page in pages])

    alter_settling(patch, first_time, "patches")


def _alter_part(patch: Patch, alter: Callable[[Columns], Columns]) -> None:
    part = DetailSource.part

    def altered(source: DetailSource, *arguments: Any) -> Columns:  # noqa: ANN401
        columns = part(source, *arguments)
        return alter(columns) if source.name == "patches" else columns

    patch.setattr(DetailSource, "part", altered)


def _changed(columns: Columns, name: str, old: object, new: object) -> Columns:
    return columns | {name: [new if value == old else value for value in columns[name]]}


for _name, _change in (
    ("a patch that is not installed was installed in 1970", ("installed_time", None, 0)),
    ("a severity that SSM leaves empty is absent", ("severity", "", None)),
    ("a title that SSM leaves empty is absent", ("title", "", None)),
    ("CVEs that SSM does not give are empty", ("cve_ids", None, "")),
    ("the state of a patch is spelled as in the API model", ("state", "Missing", "MISSING")),
):
    _alter = partial(lambda columns, change: _changed(columns, *change), change=_change)
    MUTANTS.append(Mutant(_name, "C2", partial(_alter_part, alter=_alter), WITH_PATCHES & MANY_SCANS))


# Children, deadlines, publication.


@mutant("C3", "collect acknowledges a batch before its patches are asked for")
def _wakes_no_patches(patch: Patch) -> None:
    wake = CollectStage._wake_children  # noqa: SLF001

    def wake_others(stage: CollectStage, planned: Plan, children: Sequence[DetailSource], *more: Any) -> None:  # noqa: ANN401
        wake(stage, planned, [child for child in children if child.name != "patches"], *more)

    patch.setattr(CollectStage, "_wake_children", wake_others)


@mutant("C10", "the patches go to the queue of the batches")
def _shares_a_queue(patch: Patch) -> None:
    wake = CollectStage._wake_children  # noqa: SLF001

    def wake_elsewhere(stage: CollectStage, *arguments: Any) -> None:  # noqa: ANN401
        queues = {**stage.detail_queues, "patches": stage.retry_policy.queues[0]}
        wake(dataclasses.replace(stage, detail_queues=queues), *arguments)

    patch.setattr(CollectStage, "_wake_children", wake_elsewhere)


@mutant("L4", "commit sends nothing again for the patches", LOSSES_OF_TOYS)
def _never_sends_again(patch: Patch) -> None:
    children = CommitStage._children  # noqa: SLF001

    def of_others(stage: CommitStage, run: StoredRun, detail: DetailSource, *arguments: Any) -> Any:  # noqa: ANN401
        *places, window = arguments
        due = ResendWindow(0, 0) if detail.name == "patches" else window
        return children(stage, run, detail, *places, due)  # type: ignore[call-arg]

    patch.setattr(CommitStage, "_children", of_others)


@mutant("C2", "each node of a slice of patches that was not collected in time has a row", TOYS_HELD_BACK)
def _closes_for_all(patch: Patch) -> None:
    not_collected = DetailSource.not_collected

    def about_all(source: DetailSource, run_target: Any, planned: Plan, rows: Columns, detail: str) -> Columns:  # noqa: ANN401
        found = not_collected(source, run_target, planned, rows, detail)
        if source.name != "patches" or not found["instance_id"]:
            return found
        ids = list(rows["instance_id"])
        return {name: values[:1] * len(ids) for name, values in found.items()} | {"instance_id": ids}

    patch.setattr(DetailSource, "not_collected", about_all)


@mutant("C6", "the patches are closed at the run's deadline", TOYS_HELD_BACK)
def _closes_at_the_deadline(patch: Patch) -> None:
    close_all_but(patch, "patches")


@mutant("C5", "the table of the patches is published before coverage")
def _table_first(patch: Patch) -> None:
    publish_after(patch, "/coverage/", "/patches/")


@mutant("C5", "the snapshot is published before the table of the patches")
def _table_last(patch: Patch) -> None:
    publish_after(patch, "/patches/", "/patch_states/")


@dataclasses.dataclass(frozen=True)
class _AnyColumns:
    file: TableFile
    column_names: Sequence[str]

    def columns(self, names: Iterable[str]) -> Columns:
        """Return the columns of the file."""
        return self.file.columns(names)

    def differing(self, values: Mapping[str, str | int]) -> list[str]:
        """Return the columns of the file with another value."""
        return self.file.differing(values)


@mutant("I14", "the part of another source is published", CHILDREN_DAMAGED)
def _publishes_others(patch: Patch) -> None:
    require = publish._require_detail_rows  # noqa: SLF001

    def require_rows(source: DetailSource, run_target: Any, part: TableFile, asked: bytes) -> Columns:  # noqa: ANN401
        return require(source, run_target, _AnyColumns(part, source.table.column_names), asked)  # type: ignore[arg-type]

    patch.setattr(publish, "_require_detail_rows", require_rows)


def _alter_coverage(patch: Patch, **values: object) -> None:
    def altered(read: Any, sources: Sequence[Source]) -> dict[str, Any]:  # noqa: ANN401
        row = coverage_row(read, sources)
        return row | {name: value for name, value in values.items() if name in row}

    patch.setattr(publish, "coverage_row", altered)


for _name, _invariant, _values in (
    ("the patches are always called COMPLETE", "C9", {"patches_status": "COMPLETE"}),
    ("the reason of incomplete patches is dropped", "C9", {"patches_detail": None}),
    ("coverage drops the nodes whose patches were not collected", "C5", {"patches_nodes_not_collected": 0}),
    ("coverage drops the rows of patches", "C5", {"patches_rows": None}),
):
    MUTANTS.append(Mutant(_name, _invariant, partial(_alter_coverage, **_values), WITH_PATCHES))


def _without_status_rows(columns: Columns) -> Columns:
    kept = [row for row, status in enumerate(columns["collection_status"]) if status == "COLLECTED"]
    return {name: [values[row] for row in kept] for name, values in columns.items()}


MUTANTS.append(
    Mutant(
        "nodes without patches are not published",
        "C4",
        partial(alter_merge, alter=_without_status_rows, table="patches"),
        WITH_PATCHES & MANY_SCANS,
    )
)
