"""The results of a probe, as a page or as one JSON object; both can be pasted into an issue."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any, Final

import typer
from rich.console import Console
from rich.text import Text

from patchlake import __version__
from patchlake_cli.probe.findings import Verdict
from patchlake_cli.probe.observations import Asked
from patchlake_cli.probe.probing import Probe
from patchlake_cli.terminal.console import output_console
from patchlake_cli.terminal.tables import new_table

_STYLES: Final = {Verdict.CONFIRMED: "green", Verdict.REFUTED: "bold red", Verdict.NOT_OBSERVABLE: ""}


def print_probe(probe: Probe, *, as_json: bool) -> None:
    """Print a probe, as a page or as one JSON object."""
    if as_json:
        typer.echo(json.dumps(_as_json(probe)))
    else:
        _print(output_console(), probe)


def _as_json(probe: Probe) -> dict[str, Any]:
    return {
        "patchlake": __version__,
        "partition": probe.partition,
        "region": probe.region,
        "findings": [asdict(finding) for finding in probe.findings],
        "calls": list(_operations(probe.asked)),
        "throttles": [asdict(throttle) for throttle in probe.throttles],
    }


def _operations(asked: Sequence[Asked]) -> Iterator[dict[str, Any]]:
    """Yield the calls of each operation, and the milliseconds of those that were answered."""
    for operation in sorted({call.operation for call in asked}):
        calls = [call for call in asked if call.operation == operation]
        times = [1000 * call.seconds for call in calls if call.is_answer]
        yield {
            "operation": operation,
            "calls": len(calls),
            "answered": len(times),
            "median_ms": round(median(times)) if times else None,
            "slowest_ms": round(max(times)) if times else None,
        }


def _print(console: Console, probe: Probe) -> None:
    numbers = ", ".join(f"{probe.count(verdict)} {verdict}" for verdict in Verdict)
    console.print(
        f"patchlake {__version__}, partition {probe.partition}, {probe.region}, {len(probe.asked)} calls: {numbers}.\n"
    )
    width = max(len(finding.assumption) for finding in probe.findings)
    for finding in probe.findings:
        name = f"{finding.assumption:{width}}  "
        console.print(Text.assemble(name, (finding.verdict, _STYLES[finding.verdict])))
        console.print(f"  {finding.statement}: {finding.seen}.", soft_wrap=True)
    console.print()
    table = new_table("Calls", "operation", "calls", "answered", "median ms", "slowest ms")
    for row in _operations(probe.asked):
        table.add_row(*("-" if value is None else str(value) for value in row.values()))
    console.print(table)
