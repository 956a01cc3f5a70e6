"""What a person sees at the end of a run: the summary, the coverage, and the answers."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from patchlake_cli.lake.overview import Answer
from patchlake_cli.terminal.summary import Coverage, Summary
from patchlake_cli.terminal.tables import new_table

_GOOD = "green"
_BAD = "bold red"


def print_run(console: Console, summary: Summary, coverage: Sequence[Coverage], answers: Sequence[Answer]) -> None:
    """Print a run; colours are left out where the console has none."""
    console.print(_headline(summary))
    console.print()
    console.print(_nodes(summary))
    console.print(_coverage(coverage))
    for answer in answers:
        console.print(_answer(answer))
    console.print(f"Lake: {summary.lake}")


def _headline(summary: Summary) -> Text:
    style = _GOOD if summary.status == "COMPLETE" else "bold yellow"
    return Text.assemble(
        f"Run {summary.run_id} is ",
        (summary.status, style),
        f": {summary.targets_listed} of {summary.targets} targets read, "
        f"{summary.nodes_accounted_for:,} of {summary.nodes_listed:,} listed nodes accounted for. "
        f"{summary.api_calls:,} API calls, {summary.retries:,} retries, {summary.wall_seconds:.1f} s.",
    )


def _nodes(summary: Summary) -> Table:
    table = new_table("Nodes", "status", "nodes")
    table.columns[1].justify = "right"
    table.add_row("collected", f"{summary.nodes_collected:,}")
    table.add_row("no patch state (never scanned)", f"{summary.nodes_no_patch_state:,}")
    table.add_row("not collected", f"{summary.nodes_not_collected:,}")
    table.add_row("invalid response", f"{summary.nodes_invalid_response:,}")
    return table


def _coverage(coverage: Sequence[Coverage]) -> Table:
    table = new_table("Coverage", "account", "name", "region", "listing", "detail", "nodes")
    table.columns[-1].justify = "right"
    for target in coverage:
        table.add_row(
            target.account_id,
            target.account_name or "",
            target.region,
            Text(target.listing_status, style=_GOOD if target.listing_status == "LISTED" else _BAD),
            target.listing_detail or "",
            "unknown" if target.nodes_listed is None else f"{target.nodes_listed:,}",
        )
    return table


def _answer(answer: Answer) -> Table:
    table = new_table(answer.question, *answer.columns)
    for column, values in zip(table.columns, zip(*answer.rows, strict=True), strict=False):
        if any(isinstance(value, int) for value in values) or str(column.header).endswith("%"):
            column.justify = "right"
    for row in answer.rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    return table


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case int():
            return f"{value:,}"
        case _:
            return str(value)
