"""``patchlake check --stack``: the usual misconfigurations of a deployed stack, each with its fix."""

import json
from dataclasses import asdict
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from patchlake.adapters.parquet import ParquetTables
from patchlake_cli.consoles import output_console
from patchlake_cli.failure import ExitCode
from patchlake_cli.operations.checks import check_all
from patchlake_cli.operations.deployment import find_deployment
from patchlake_cli.operations.findings import Checked, Stack, Verdict
from patchlake_cli.operations.runs import Runs

_STYLES: Final = {Verdict.OK: "green", Verdict.FINDING: "bold red", Verdict.UNKNOWN: "bold yellow"}


def check_stack(stack: str, *, profile: str | None, as_json: bool) -> ExitCode:
    """Check a deployed stack, by its name: COMPLETE where all is well, else PARTIAL.

    Raises:
        CommandError: there is no such stack.
    """
    aws, deployment = find_deployment(stack, profile)
    checked = check_all(Stack(aws, deployment, Runs(deployment.store(aws), ParquetTables(), aws.clock)))
    if as_json:
        typer.echo(json.dumps({"stack": stack, "checks": [asdict(each) for each in checked]}))
    else:
        _print(output_console(), checked)
    well = all(each.verdict is Verdict.OK for each in checked)
    return ExitCode.COMPLETE if well else ExitCode.PARTIAL


def _print(console: Console, checked: list[Checked]) -> None:
    width = max(len(each.name) for each in checked)
    for each in checked:
        console.print(Text.assemble(f"{each.name:{width}}  ", (each.verdict, _STYLES[each.verdict])))
        for finding in each.findings:
            console.print(Text(f"  {finding.text}."), soft_wrap=True)
            console.print(Text(f"  → {finding.fix}"), soft_wrap=True)
        if each.reason is not None:
            console.print(Text(f"  It could not be looked into: {each.reason}"), soft_wrap=True)
    well = sum(each.verdict is Verdict.OK for each in checked)
    console.print(f"{well} of {len(checked)} checks are well.")
