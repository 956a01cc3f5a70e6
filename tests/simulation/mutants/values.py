"""Mistakes in single values: one that is dropped, swapped or altered on its way, a key or a reason that is another."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from patchlake.adapters.memory import MemoryTables, MemoryTableWriter
from patchlake.core import keys
from patchlake.core.plan import Plan
from patchlake.core.records import Page
from patchlake.core.run import run_date
from patchlake.core.tables import Columns, Table
from patchlake.core.targets import RunTarget
from patchlake.ports import TableFile
from patchlake.sources.source import DetailSource, ListedRows, ListingSource
from patchlake.stages import discover, fence, stored_run
from tests.simulation.faults import Fault
from tests.simulation.mutants.answers import Pages, Settle, Settled, alter_settling
from tests.simulation.mutants.mutant import MUTANTS, Mutant, Patch, alter_coverage, mutant
from tests.simulation.mutants.provocations import (
    GIANT_TARGETS,
    PEOPLED,
    SENSITIVE_FIELDS_LEFT_OUT,
    STATES_THROTTLED,
    THROTTLED_FOR_GOOD,
)
from tests.simulation.provocation import CALM, struck_by

type Alter = Callable[[Columns], Columns]


def _swapped(first: str, second: str) -> Alter:
    return lambda columns: {**columns, first: columns[second], second: columns[first]}


def _without(name: str) -> Alter:
    return lambda columns: {**columns, name: [None] * len(columns[name])}


def _moved(name: str) -> Alter:
    return lambda columns: {**columns, name: columns[name][1:] + columns[name][:1]}


def _with_plain_spaces(columns: Columns) -> Columns:
    def plain(value: object) -> object:
        return " ".join(value.split()) if isinstance(value, str) else value

    return {name: [plain(value) for value in values] for name, values in columns.items()}


def _in_another_order(columns: Columns) -> Columns:
    return {name: values[::-1] for name, values in columns.items()}


# What discover stores.


def _alter_listings(
    patch: Patch, alter: Callable[[ListedRows], ListedRows] = lambda rows: rows, pages: Callable[[Pages], Pages] = iter
) -> None:
    """Let discover see each listing's pages, and each shard of the nodes its rows, as these leave them."""
    listed = ListingSource.listed

    def altered(source: ListingSource, run_target: RunTarget, plan: Plan, answered: Pages) -> ListedRows:
        if source.name != "nodes":
            return listed(source, run_target, plan, answered)
        return alter(listed(source, run_target, plan, pages(answered)))

    patch.setattr(ListingSource, "listed", altered)


def _alter_shards(patch: Patch, alter: Alter) -> None:
    _alter_listings(patch, lambda listed: listed._replace(columns=alter(listed.columns)))


for _name, _alter in (
    ("discover swaps two attributes", _swapped("ping_status", "agent_version")),
    ("discover swaps two times", _swapped("last_ping_date_time", "registration_date")),
    ("discover drops an attribute", _without("computer_name")),
    ("discover gives an attribute to the next node", _moved("platform_name")),
    ("discover holds texts for one that differ in spaces only", _with_plain_spaces),
):
    MUTANTS.append(Mutant(_name, "I1", partial(_alter_shards, alter=_alter)))


@mutant(
    "I1",
    "discover keeps the first description of a node that was listed twice",
    PEOPLED & struck_by(Fault.LISTED_TWICE),
)
def _keeps_the_first(patch: Patch) -> None:
    def first(pages: Pages) -> Pages:
        seen: set[str] = set()
        for page in pages:
            rows: list[Any] = [row for row in page.rows if row.instance_id not in seen]
            seen.update(row.instance_id for row in rows)
            yield dataclasses.replace(page, rows=rows)

    _alter_listings(patch, pages=first)


# What collect stores.


def _alter_parts(patch: Patch, alter: Alter) -> None:
    part = DetailSource.part

    def altered(source: DetailSource, *arguments: Any) -> Columns:  # noqa: ANN401
        columns = part(source, *arguments)
        return alter(columns) if source.name == "patch_states" else columns

    patch.setattr(DetailSource, "part", altered)


for _name, _alter in (
    ("collect swaps two counts", _swapped("missing_count", "failed_count")),
    ("collect swaps two texts", _swapped("baseline_id", "patch_group")),
    ("collect drops a count", _without("critical_non_compliant_count")),
    ("collect drops an attribute of the shard", _without("platform_type")),
    ("collect gives a count to the next node", _moved("installed_count")),
    ("collect holds texts for one that differ in spaces only", _with_plain_spaces),
    ("collect stores its rows in another order", _in_another_order),
):
    MUTANTS.append(Mutant(_name, "I1", partial(_alter_parts, alter=_alter)))


@mutant("I1", "sensitive fields are stored, whatever the plan says", SENSITIVE_FIELDS_LEFT_OUT)
def _stores_sensitive(patch: Patch) -> None:
    part = DetailSource.part

    def all_fields(source: DetailSource, run_target: RunTarget, plan: Plan, *arguments: Any) -> Columns:  # noqa: ANN401
        return part(source, run_target, replace(plan, include_sensitive_fields=True), *arguments)

    patch.setattr(DetailSource, "part", all_fields)


@mutant("I1", "sensitive fields are listed, whatever the plan says", SENSITIVE_FIELDS_LEFT_OUT)
def _lists_sensitive(patch: Patch) -> None:
    listed = ListingSource.listed

    def all_fields(source: ListingSource, run_target: RunTarget, plan: Plan, pages: Pages) -> ListedRows:
        return listed(source, run_target, replace(plan, include_sensitive_fields=True), pages)

    patch.setattr(ListingSource, "listed", all_fields)


@mutant(
    "I1", "a node that comes twice with different values has the first ones", PEOPLED & struck_by(Fault.ANSWERED_TWICE)
)
def _takes_the_first_state(patch: Patch) -> None:
    def first(settle: Settle, asked: Sequence[str], pages: Pages) -> Settled:
        def once(page: Page[Any]) -> Page[Any]:
            rows = {row.instance_id: row for row in reversed(page.rows)}
            return dataclasses.replace(page, rows=[*rows.values()])

        return settle(asked, map(once, pages))

    alter_settling(patch, first)


# What commit publishes.


def alter_merge(patch: Patch, alter: Alter, table: str = "patch_states") -> None:
    """Let the merge of a table see every part as ``alter`` leaves it."""
    append = MemoryTableWriter.append

    def append_altered(writer: MemoryTableWriter, file: TableFile) -> None:
        if writer.table.name == table:
            altered = alter(file.columns(writer.table.column_names))
            file = writer.tables.open(writer.tables.encode(writer.table, [altered], file.metadata))
        append(writer, file)

    patch.setattr(MemoryTableWriter, "append", append_altered)


def _collected_only(columns: Columns) -> Columns:
    kept = [row for row, status in enumerate(columns["collection_status"]) if status != "NOT_COLLECTED"]
    return {name: [values[row] for row in kept] for name, values in columns.items()}


def _absent_as_zero(columns: Columns) -> Columns:
    return columns | {"failed_count": [count or 0 for count in columns["failed_count"]]}


for _name, _invariant, _alter in (
    ("the merge turns absent counts into zeros", "I5", _absent_as_zero),
    ("the merge sorts each part again", "I3", _in_another_order),
    ("the merge swaps two counts", "I5", _swapped("installed_count", "installed_other_count")),
    ("the merge swaps two attributes", "I5", _swapped("platform_name", "platform_version")),
    ("the merge swaps two times", "I5", _swapped("operation_start_time", "operation_end_time")),
    ("the merge drops a count", "I5", _without("security_non_compliant_count")),
    ("the merge drops an attribute", "I5", _without("resource_type")),
    ("the merge gives a value to the next node", "I5", _moved("snapshot_id")),
    ("the merge holds texts for one that differ in spaces only", "I5", _with_plain_spaces),
):
    MUTANTS.append(Mutant(_name, _invariant, partial(alter_merge, alter=_alter)))


@mutant("I1", "the merge leaves out nodes that were not collected", STATES_THROTTLED)
def _leaves_out_nodes(patch: Patch) -> None:
    alter_merge(patch, _collected_only)


@mutant("I5", "the merge leaves out a column")
def _leaves_out_a_column(patch: Patch) -> None:
    writer = MemoryTables.writer

    def narrower(tables: MemoryTables, table: Table, metadata: Any) -> MemoryTableWriter:  # noqa: ANN401
        kept = tuple(column for column in table if column.name != "operation")
        return writer(tables, Table(table.name, table.description, kept), metadata)

    patch.setattr(MemoryTables, "writer", narrower)


@mutant("I6", "coverage swaps two counts")
def _swaps_coverage(patch: Patch) -> None:
    alter_coverage(
        patch, lambda row: {**row, "nodes_collected": row["nodes_no_patch_state"], "nodes_no_patch_state": None}
    )


@mutant("I6", "coverage drops the time of the listing")
def _drops_listed_at(patch: Patch) -> None:
    alter_coverage(patch, lambda row: {**row, "listed_at": None})


@mutant("I6", "coverage drops the reason of a target that was not read")
def _drops_reason(patch: Patch) -> None:
    alter_coverage(patch, lambda row: {**row, "listing_detail": None})


# Keys and reasons.


@mutant("I11", "parts lie elsewhere")
def _moves_parts(patch: Patch) -> None:
    for module in (keys, stored_run):
        patch.setattr(module, "parts_prefix", lambda run_id, _source: f"runs/{run_id}/part/")


@mutant("I11", "shards lie elsewhere")
def _moves_shards(patch: Patch) -> None:
    for module in (keys, stored_run):
        patch.setattr(module, "shards_prefix", lambda run_id, _source: f"runs/{run_id}/shard/")


@mutant("I11", "snapshots lie under the month", CALM)
def _moves_snapshots(patch: Patch) -> None:
    patch.setattr(keys, "run_date", lambda run_id: run_date(run_id)[:7])


@mutant("I1", "a target that was not listed in time has another reason", THROTTLED_FOR_GOOD)
def _renames_no_shard(patch: Patch) -> None:
    patch.setattr(fence, "NO_SHARD", "no shard")


@mutant("I1", "nodes that were not collected in time have another reason", STATES_THROTTLED)
def _renames_no_part(patch: Patch) -> None:
    patch.setattr(fence, "NO_PART", "no part")


@mutant("I1", "a target that is too large has another reason", GIANT_TARGETS & CALM)
def _renames_too_large(patch: Patch) -> None:
    patch.setattr(discover, "TOO_LARGE", "too large")
