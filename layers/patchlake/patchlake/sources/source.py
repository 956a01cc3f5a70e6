"""The two kinds of source, and everything that the stages need to know about one.

A listing source is read target by target, as one chain of pages, into a shard. A detail source asks about nodes, a few
ids per call; the rows of its parent decide which ones. Each is declared as data and a few pure functions, in a module
of its own; ``registry`` lists them all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, NamedTuple

from patchlake.core.keys import ROOT_DETAIL
from patchlake.core.paging import ListingNews
from patchlake.core.plan import Plan, PlannedSource
from patchlake.core.records import Page, Record
from patchlake.core.rows import Outcome, collection_values, record_values, target_columns
from patchlake.core.statuses import NOT_READ, CollectionStatus, Explanation
from patchlake.core.tables import (
    INSTANCE_ID,
    RUN_COLUMNS,
    TARGET_COLUMNS,
    Column,
    Columns,
    Table,
    collection_columns,
)
from patchlake.core.targets import RunTarget


def _no_parameters(_ids: Sequence[str], _plan: Plan) -> dict[str, Any]:
    return {}


def _always(_plan: Plan) -> bool:
    return True


def _no_calls(_ids: Sequence[str], _plan: Plan) -> Sequence[dict[str, Any]]:
    return ()


@dataclass(frozen=True, eq=False, slots=True)
class Operation:
    """One operation of an AWS service, and the shape of its answer.

    Attributes:
        service: the service, by its name in the SDK.
        name: the operation, by its name in the API.
        rows_member: the member of an answer that holds the list of rows; ``Reservations.Instances`` are the rows of
            all lists ``Instances`` in a list ``Reservations``.
        record: the type of a row.
        page_size: MaxResults of each call.
        id_member: the member of a row that names its node; None if rows do not name one.
        ids_per_call: the ids that one call may ask about; 0 for a listing.
        request: the parameters of a call about some ids, without the size and the token of the page.
        narrower: the parameters of several calls with the same rows as one of ``request``, for a service that refuses
            the filter of that one; none if it has no filter.
        rows_per_id: the most rows that one id can have.
    """

    service: str
    name: str
    rows_member: str
    record: type[Record]
    page_size: int
    id_member: str | None = None
    ids_per_call: int = 0
    request: Callable[[Sequence[str], Plan], dict[str, Any]] = _no_parameters
    narrower: Callable[[Sequence[str], Plan], Sequence[dict[str, Any]]] = _no_calls
    rows_per_id: int = 1


class ListedRows(NamedTuple):
    """The rows of one target's shard.

    Attributes:
        listed_at_ms: when AWS answered the last page.
        without_id: the number of rows that named nothing.
    """

    columns: Columns
    listed_at_ms: int | None
    without_id: int = 0

    def groups(self, rows: int) -> Iterator[Columns]:
        """Split the rows into consecutive groups of at most ``rows`` rows."""
        first, *_ = self.columns.values()
        for start in range(0, len(first), rows):
            yield {name: values[start : start + rows] for name, values in self.columns.items()}


@dataclass(frozen=True, eq=False, slots=True)
class ListingSource:
    """A source that is read target by target, as one chain of pages.

    Attributes:
        table: of a shard; the published table of a secondary source is the concatenation of its shards.
        row_key: the columns by which the rows of a shard are sorted; each combination of values occurs once.
        rows: the rows of one page that have an id, in the columns of ``table``.
        asks: whether a plan leaves anything to ask; if not, no call is made, and the run does not have the source.
    """

    name: str
    operation: Operation
    table: Table
    row_key: tuple[str, ...]
    rows: Callable[[RunTarget, Page[Any], Plan], Columns]
    asks: Callable[[Plan], bool] = _always

    def listed(self, run_target: RunTarget, plan: Plan, pages: Iterable[Page[Any]]) -> ListedRows:
        """Return a target's rows, sorted by key, each once; only the values of each page are kept in memory.

        If a row comes twice (it moved between pages while they were read), the last one counts. A row whose key could
        not be read is counted, and left out. Once there are more rows than the plan has room for, no further page is
        read.

        Raises:
            RestartError: too many pages in a row bring no further row: the chain would never end.
        """
        columns: Columns = {name: [] for name in self.table.column_names}
        texts: dict[str | None, str | None] = {}
        listed_at_ms = None
        without_id = 0
        last: dict[tuple[Any, ...], int] = {}
        places = count()
        news = ListingNews(str(run_target))
        for page in pages:
            without_id += sum(row.instance_id is None for row in page.invalid)
            found = self.rows(run_target, page, plan)
            for column in self.table:
                values = found[column.name]
                # Many rows share one copy of an equal text.
                columns[column.name] += (
                    [texts.setdefault(text, text) for text in values] if column.repetitive else values
                )
            listed_at_ms = page.answered_at_ms
            for key, place in zip(zip(*(found[name] for name in self.row_key), strict=True), places, strict=False):
                if None in key:
                    without_id += 1
                else:
                    last[key] = place
            news.require(len(last))
            if len(last) > plan.most_nodes:
                break
        rows = [last[key] for key in sorted(last)]
        sorted_columns = {name: [values[row] for row in rows] for name, values in columns.items()}
        return ListedRows(sorted_columns, listed_at_ms, without_id)

    def planned(self) -> PlannedSource:
        """Return the source as a plan names it."""
        return PlannedSource(self.name)


def _nothing(_parent_rows: Columns) -> dict[str, Outcome]:
    return {}


@dataclass(frozen=True, eq=False, slots=True)
class DetailSource:
    """A source that asks about nodes, a few ids per call.

    Attributes:
        answer_columns: the columns of an answered row, as the API has them.
        table: of a part; the published table is the concatenation of the parts.
        statuses: each ``collection_status``: COLLECTED, the source's own for a node for which AWS answered nothing,
            NOT_COLLECTED and INVALID_RESPONSE.
        asks_about: the ids to ask about, selected from the parent's rows and in their order.
        settle: the outcomes of each id of one call, from its chain of pages; each id has at least one.
        parent: the source whose rows ``asks_about`` reads.
        parent_columns: the columns that it reads.
        nodes_per_part: the nodes of one part; None if a part is a whole batch.
        asks_version: raised whenever ``asks_about`` selects other nodes than before.
        unasked: the outcomes of nodes that are in the table without being asked about.
        carried: columns copied from the parent's rows.
        parent_reasons: the column of the parent's rows that names their broken values; an answered row names them too.
    """

    name: str
    operation: Operation
    answer_columns: tuple[Column, ...]
    table: Table
    statuses: Mapping[str, Explanation]
    asks_about: Callable[[Columns], list[str]]
    settle: Callable[[Sequence[str], Iterable[Page[Any]]], dict[str, Sequence[Outcome]]]
    parent: str = ROOT_DETAIL
    parent_columns: tuple[str, ...] = ()
    nodes_per_part: int | None = None
    asks_version: int = 1
    unasked: Callable[[Columns], dict[str, Outcome]] = _nothing
    carried: tuple[Column, ...] = ()
    parent_reasons: str | None = None

    def planned(self) -> PlannedSource:
        """Return the source as a plan names it."""
        return PlannedSource(self.name, self.nodes_per_part, self.asks_version)

    def part(
        self, run_target: RunTarget, plan: Plan, parent_rows: Columns, settled: Mapping[str, Sequence[Outcome]]
    ) -> Columns:
        """Return the finished rows of one part, in the order of the parent's rows.

        Args:
            run_target: of the rows.
            plan: decides whether sensitive members are kept.
            parent_rows: of the part's nodes.
            settled: the outcomes of each id that ``asks_about`` names.
        """
        outcomes_of: dict[str, Sequence[Outcome]] = {i: settled[i] for i in self.asks_about(parent_rows)}
        outcomes_of |= {i: (outcome,) for i, outcome in self.unasked(parent_rows).items()}
        rows = [
            (place, outcome)
            for place, instance_id in enumerate(parent_rows["instance_id"])
            for outcome in outcomes_of.get(instance_id, ())
        ]
        places = [place for place, _ in rows]
        outcomes = [self._with_parent_reason(outcome, parent_rows, place) for place, outcome in rows]
        return {
            **target_columns(run_target, len(rows)),
            **{name: [parent_rows[name][place] for place in places] for name in self._taken_over()},
            **collection_values(outcomes),
            **record_values(
                self.answer_columns,
                [outcome.record for outcome in outcomes],
                include_sensitive_fields=plan.include_sensitive_fields,
            ),
        }

    def not_collected(self, run_target: RunTarget, plan: Plan, parent_rows: Columns, detail: str) -> Columns:
        """Return a part in which each id that had to be asked about is NOT_COLLECTED."""
        outcome = Outcome(CollectionStatus.NOT_COLLECTED, detail)
        return self.part(run_target, plan, parent_rows, dict.fromkeys(self.asks_about(parent_rows), (outcome,)))

    def _with_parent_reason(self, outcome: Outcome, parent_rows: Columns, place: int) -> Outcome:
        reason = None if self.parent_reasons is None else parent_rows[self.parent_reasons][place]
        if reason is None or outcome.status in NOT_READ:
            return outcome
        return outcome._replace(detail="; ".join(filter(None, (reason, outcome.detail))))

    def _taken_over(self) -> Iterator[str]:
        yield INSTANCE_ID.name
        yield from (column.name for column in self.carried)


def detail_table(
    name: str,
    description: str,
    columns: Iterable[Column],
    statuses: Mapping[str, Explanation],
    carried: Iterable[Column] = (),
) -> Table:
    """Declare the table of a detail source: run, target, node, collection, answer.

    A node without a collected row has no answer, so members that an answer requires may be NULL.
    """
    answer = (replace(column, nullable=True) for column in columns)
    return Table(
        name,
        description,
        (*RUN_COLUMNS, *TARGET_COLUMNS, INSTANCE_ID, *carried, *collection_columns(statuses), *answer),
    )


type Source = ListingSource | DetailSource


def slice_of(rows: Columns, size: int, number: int) -> Columns:
    """Return one slice of the rows of a batch, of ``size`` rows; the last one may have fewer."""
    return {name: values[number * size : (number + 1) * size] for name, values in rows.items()}
