"""The summary of a run that this process has finished: the run, its API calls, its time, and its printed page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from patchlake.core.counts import counted
from patchlake.core.statuses import CollectionStatus, listing_code, listing_words
from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.overview import AnsweredQuestion
from patchlake_cli.lake.run_reader import read_run
from patchlake_cli.lake.runs import Run, RunStatus, TargetCoverage, counts_as_json
from patchlake_cli.lake.source_coverage import sentence
from patchlake_cli.terminal.observation import Observation
from patchlake_cli.terminal.tables import new_table

_GOOD = "green"
_BAD = "bold red"
_STYLES: Mapping[RunStatus, str] = {
    RunStatus.COMPLETE: _GOOD,
    RunStatus.PARTIAL: "bold yellow",
    RunStatus.RUNNING: "cyan",
    RunStatus.OVERDUE: _BAD,
    RunStatus.UNPUBLISHED: "bold yellow",
    RunStatus.CORRUPT: _BAD,
}
_NODES = {
    CollectionStatus.COLLECTED: "collected",
    CollectionStatus.NO_PATCH_STATE: "no patch state (never scanned)",
    CollectionStatus.NOT_COLLECTED: "not collected",
    CollectionStatus.INVALID_RESPONSE: "invalid response",
}


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run, its calls and its time; ``lake`` is the location of the tables, ``wall_seconds`` real time."""

    run: Run
    api_calls: int
    retries: int
    wall_seconds: float
    lake: str

    @property
    def nodes_listed(self) -> int:
        """The nodes that the coverage counts."""
        return sum(target.nodes_listed or 0 for target in self.run.coverage)

    @property
    def nodes_accounted_for(self) -> int:
        """The nodes of the snapshot that have one of the four statuses."""
        nodes = self.run.nodes or {}
        return sum(nodes[status] for status in CollectionStatus)

    def as_json(self) -> dict[str, Any]:
        """Return the run as ``--json`` prints it."""
        return counts_as_json(self.run) | {
            "unread": [asdict(target) for target in self.run.unread],
            "api_calls": self.api_calls,
            "retries": self.retries,
            "wall_seconds": self.wall_seconds,
            "lake": self.lake,
        }


def read_summary(lake: Lake, tables: str, observation: Observation, wall_seconds: float) -> RunSummary:
    """Summarize a published run: its status, nodes and targets from the tables, its calls from the metrics.

    Args:
        lake: the lake of the run.
        tables: the location of its tables.
        observation: the observation of the run.
        wall_seconds: the real time that the run took.
    """
    return RunSummary(
        run=read_run(lake, observation.run_id),
        api_calls=int(observation.metrics["SsmCalls"]),
        retries=int(observation.metrics["SsmRetries"]),
        wall_seconds=round(wall_seconds, 2),
        lake=tables,
    )


def print_run(console: Console, summary: RunSummary, answers: Sequence[AnsweredQuestion]) -> None:
    """Print a run, in color where the console has colors."""
    console.print(_headline(summary))
    console.print()
    console.print(_nodes(summary.run))
    console.print(_coverage(summary.run.coverage))
    if print_sources(console, summary.run):
        console.print()
    for answer in answers:
        console.print(_answer(answer))
    console.print(f"Lake: {summary.lake}")


def print_sources(console: Console, run: Run) -> bool:
    """Print a sentence about each secondary source that the run was asked for, and return whether there are any."""
    texts = [text for name, coverage in run.sources.items() if (text := sentence(name, coverage)) is not None]
    for text in texts:
        console.print(Text(text), soft_wrap=True)
    return bool(texts)


def styled_status(run: Run) -> tuple[str, str]:
    """Return a run's status and its style."""
    return str(run.status), _STYLES[run.status]


def _headline(summary: RunSummary) -> Text:
    run = summary.run
    return Text.assemble(
        f"Run {run.run_id} is ",
        styled_status(run),
        f": {run.targets_in_words}, "
        f"{summary.nodes_accounted_for:,} of {summary.nodes_listed:,} listed nodes accounted for. "
        f"{counted(summary.api_calls, 'API call')}, {counted(summary.retries, 'retry', 'retries')}, "
        f"{summary.wall_seconds:.1f} s.",
    )


def _nodes(run: Run) -> Table:
    table = new_table("Nodes", "status", "nodes")
    table.columns[1].justify = "right"
    for status, words in _NODES.items():
        table.add_row(words, f"{(run.nodes or {})[status]:,}")
    if run.rows_without_id:
        table.add_row(Text("rows without an id (not in the snapshot)", style=_BAD), f"{run.rows_without_id:,}")
    return table


def _coverage(coverage: Sequence[TargetCoverage]) -> Table:
    table = new_table("Coverage", "account", "name", "region", "listing", "code", "nodes")
    table.columns[-1].justify = "right"
    for target in coverage:
        table.add_row(
            target.account_id,
            target.account_name or "",
            target.region,
            Text(listing_words(target.listing_status), style=_GOOD if target.listing_status == "LISTED" else _BAD),
            listing_code(target.listing_status, target.listing_detail),
            "not read" if target.nodes_listed is None else f"{target.nodes_listed:,}",
        )
    return table


def _answer(answer: AnsweredQuestion) -> Table:
    table = new_table(answer.question, *answer.columns)
    for column, values in zip(table.columns, zip(*answer.rows, strict=True), strict=False):
        if any(isinstance(value, int) for value in values) or str(column.header).endswith("%"):
            column.justify = "right"
    for row in answer.rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case int():
            return f"{value:,}"
        case _:
            return str(value)
