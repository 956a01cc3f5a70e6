"""The checks of a stack, as a page or as one JSON object: each with its verdict and the fixes."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from patchlake_cli.operations.findings import Checked, Verdict
from patchlake_cli.terminal.console import output_console

_STYLES: Final = {Verdict.OK: "green", Verdict.FINDING: "bold red", Verdict.UNKNOWN: "bold yellow"}


def print_checks(stack: str, checked: Sequence[Checked], *, as_json: bool) -> None:
    """Print the checks of a stack, as a page or as one JSON object."""
    if as_json:
        typer.echo(json.dumps({"stack": stack, "checks": [asdict(each) for each in checked]}))
    else:
        _print(output_console(), checked)


def _print(console: Console, checked: Sequence[Checked]) -> None:
    passed = sum(each.verdict is Verdict.OK for each in checked)
    console.print(f"{passed} of {len(checked)} checks passed.\n")
    width = max(len(each.name) for each in checked)
    for each in checked:
        console.print(Text.assemble(f"{each.name:{width}}  ", (each.verdict, _STYLES[each.verdict])))
        for finding in each.findings:
            console.print(f"  {finding.text}.", soft_wrap=True)
            console.print(f"  → {finding.fix}", soft_wrap=True)
        if each.reason is not None:
            console.print(f"  Could not be checked: {each.reason}", soft_wrap=True)
