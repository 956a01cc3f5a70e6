"""The page of a stack: its runs, the targets that the newest snapshot could not read, its queues."""

from collections.abc import Iterator
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from patchlake.core.counts import counted
from patchlake.core.statuses import ROWS_WITHOUT_ID, CollectionStatus, listing_code, listing_words
from patchlake_cli.lake.runs import Progress, Run, RunStatus
from patchlake_cli.lake.source_coverage import SourceStatus, sentence
from patchlake_cli.operations.findings import OVERDUE_FIX
from patchlake_cli.operations.queues import Depth, StageDepth
from patchlake_cli.operations.status import Status, as_time
from patchlake_cli.terminal.run_summary import styled_status
from patchlake_cli.terminal.tables import new_table

_BAD = "bold red"
_DAYS_FROM_HOURS = 48


def status_page(status: Status) -> RenderableType:
    """Return the page of a status."""
    return Group(*_parts(status))


def _parts(status: Status) -> Iterator[RenderableType]:
    yield Text(f"Stack {status.stack} in {status.region}, account {status.account_id}, at {as_time(status.at)}")
    yield _headline(status)
    yield Text(f"Lake: {status.lake} (query and report read it with --stack {status.stack}, or with --lake)")
    if status.snapshot is not None:
        yield from _sources(status.snapshot)
    yield Text()
    for run in status.runs:
        if run.progress is not None:
            yield progress_line(run)
        if run.problem is not None:
            text = f": {run.problem}. See RunCorruptAlarm in docs/operations.md."
            yield Text.assemble(f"Run {run.run_id} is ", styled_status(run), text)
    if status.runs:
        yield _runs(status.runs)
    if status.snapshot is not None and status.snapshot.unread:
        yield _unread(status.snapshot)
    if status.snapshot is not None and status.snapshot.incomplete:
        yield _incomplete(status.snapshot)
    if status.snapshot is not None:
        yield from _source_gaps(status.snapshot)
    if status.snapshot is not None and status.snapshot.not_planned:
        yield _not_planned(status.snapshot)
    yield _queues(status.queues)


def run_line(run: Run) -> Text:
    """Return one line about a published run."""
    return Text.assemble(
        f"Run {run.run_id} is ",
        styled_status(run),
        f": {run.targets_in_words}, {counted(run.nodes_listed or 0, 'node')} listed, "
        f"{run.nodes_not_read or 0:,} of them not read.",
    )


def progress_line(run: Run) -> Text:
    """Return one line about the progress of a run."""
    if (progress := run.progress) is None:
        return run_line(run)
    late = f" It is past its deadline: {OVERDUE_FIX}."
    return Text.assemble(
        f"Run {run.run_id} is ",
        styled_status(run),
        f": {progress.shards} of {progress.targets} targets listed, {_parts_of(progress)}, "
        f"deadline {as_time(progress.deadline_at)}.",
        _details_of(progress),
        (late, _BAD) if run.status is RunStatus.OVERDUE else "",
    )


def in_words(age: timedelta) -> str:
    """Return an age in words: in minutes, hours or days."""
    minutes = int(age.total_seconds()) // 60
    hours = minutes // 60
    if hours == 0:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if hours < _DAYS_FROM_HOURS else f"{hours // 24} days {hours % 24} h"


def _headline(status: Status) -> Text:
    if status.snapshot is None:
        return Text("None of these runs has a snapshot." if status.runs else "No run has been planned.", style=_BAD)
    return Text.assemble(
        f"Newest snapshot: run {status.snapshot.run_id}, ",
        styled_status(status.snapshot),
        f", {in_words(status.at - status.snapshot.run_at)} old: {status.snapshot.targets_in_words}.",
    )


def _parts_of(progress: Progress) -> str:
    if progress.parts_expected is None:
        return f"{counted(progress.parts, 'part')} collected"
    so_far = "" if progress.shards == progress.targets else " so far"
    return f"{progress.parts:,} of {progress.parts_expected:,} parts collected{so_far}"


def _details_of(progress: Progress) -> str:
    if progress.detail_deadline_at is None:
        return ""
    of_all = "" if progress.details_expected is None else f" of {progress.details_expected:,}"
    return f" Details: {progress.details:,}{of_all} parts, deadline {as_time(progress.detail_deadline_at)}."


def _runs(runs: list[Run]) -> Table:
    table = new_table("Runs", "run", "status", "targets read", "nodes", "collected", "no patch state", "not read")
    for column in table.columns[2:]:
        column.justify = "right"
    for run in runs:
        nodes = run.nodes
        counts = (
            ("-",) * 4
            if nodes is None
            else (
                f"{run.nodes_listed:,}",
                f"{nodes[CollectionStatus.COLLECTED]:,}",
                f"{nodes[CollectionStatus.NO_PATCH_STATE]:,}",
                f"{run.nodes_not_read:,}",
            )
        )
        read = "-" if run.targets_listed is None else str(run.targets_listed)
        targets = "-" if run.problem is not None else f"{read} of {run.targets_active}"
        table.add_row(run.run_id, Text(*styled_status(run)), targets, *counts)
    return table


def _unread(run: Run) -> Table:
    table = new_table(f"Not read in run {run.run_id}", "account", "name", "region", "reason", "code")
    for target in run.unread:
        reason = Text(listing_words(target.listing_status), style=_BAD)
        code = listing_code(target.listing_status, target.listing_detail)
        table.add_row(target.account_id, target.account_name or "", target.region, reason, code)
    return table


def _incomplete(run: Run) -> RenderableType:
    table = new_table(f"Rows without an id in run {run.run_id}", "account", "name", "region", "rows")
    table.columns[-1].justify = "right"
    for target in run.incomplete:
        table.add_row(target.account_id, target.account_name or "", target.region, f"{target.rows_without_id:,}")
    return Group(table, Text(f"{ROWS_WITHOUT_ID.sentence} Fix: {ROWS_WITHOUT_ID.fix}."))


def _sources(run: Run) -> Iterator[Text]:
    for name, coverage in run.sources.items():
        if (text := sentence(name, coverage)) is not None:
            yield Text(text, style="" if coverage.status is SourceStatus.COMPLETE else _BAD)


def _source_gaps(run: Run) -> Iterator[Table]:
    for name, coverage in run.sources.items():
        if coverage.gaps:
            table = new_table(
                f"{name.capitalize()} not read in full in run {run.run_id}", "account", "region", "reason"
            )
            for gap in coverage.gaps:
                table.add_row(gap.account_id, gap.region, gap.reason)
            yield table


def _not_planned(run: Run) -> Table:
    table = new_table(f"No longer planned in run {run.run_id}", "account", "name", "region")
    for target in run.not_planned or ():
        table.add_row(target.account_id, target.account_name or "", target.region)
    return table


def _queues(queues: list[StageDepth]) -> Table:
    table = new_table("Queues", "queue", "waiting", "in flight", "dead letters")
    for column in table.columns[1:]:
        column.justify = "right"
    for depth in queues:
        queue = ("-", "-") if depth.queue is None else (f"{depth.queue.waiting:,}", f"{depth.queue.in_flight:,}")
        table.add_row(depth.stage, *queue, _dead(depth.dead_letters))
    return table


def _dead(depth: Depth) -> Text:
    return Text(f"{depth.total:,}", style=_BAD if depth.total else "")
