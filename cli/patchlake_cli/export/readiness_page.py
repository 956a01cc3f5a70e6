"""The readiness of an export, as a page or as one JSON object."""

import json
from dataclasses import asdict
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from patchlake_cli.access.checks import OK, OWN, STEPS, UNTRIED
from patchlake_cli.export.readiness import Readiness
from patchlake_cli.terminal.console import output_console
from patchlake_cli.terminal.tables import new_table

_BUCKET_WORKS = "no problem found; only an export shows whether a bucket can be written"
_FOLDER_WORKS = "can be written"
_COLUMNS = ("role", "nodes", "states", "patches", "instances", "tags")
"""The headings of STEPS: with words this short, the table fits into 80 columns."""

_CELLS = {OK: ("ok", "green"), OWN: ("own", "green"), UNTRIED: ("-", "")}
_ERROR = ("error", "bold red")
"""The cell of a failed step; the line of the target below the table has its code."""


def print_readiness(readiness: Readiness, *, as_json: bool) -> None:
    """Print a readiness, as a page or as one JSON object."""
    if as_json:
        typer.echo(json.dumps(_as_json(readiness)))
    else:
        _print(output_console(), readiness)


def _as_json(readiness: Readiness) -> dict[str, Any]:
    return {
        "account_id": readiness.identity.account_id,
        "arn": readiness.identity.arn,
        "lake": None if readiness.lake is None else readiness.lake.text,
        "lake_obstacle": readiness.lake_obstacle,
        "targets": [
            {
                "account_id": check.target.account_id,
                "region": check.target.region,
                "works": check.works,
                **{step: getattr(check, step) for step in STEPS},
                "detail": check.detail,
                "missing_permissions": list(check.missing),
            }
            for check in readiness.targets
        ],
        "advice": [asdict(advice) for advice in readiness.advice],
    }


def _print(console: Console, readiness: Readiness) -> None:
    console.print(f"You are {readiness.identity.arn} in account {readiness.identity.account_id}.\n")
    if readiness.lake is not None:
        works = _FOLDER_WORKS if readiness.lake.bucket is None else _BUCKET_WORKS
        console.print(f"Lake {readiness.lake.text}: {readiness.lake_obstacle or works}.\n", soft_wrap=True)
    console.print(f"{readiness.readable} of {len(readiness.targets)} targets can be read.\n")
    table = new_table("Targets", "account", "region", *_COLUMNS)
    table.collapse_padding = True
    for check in readiness.targets:
        steps = (Text(*_CELLS.get(getattr(check, step), _ERROR)) for step in STEPS)
        table.add_row(check.target.account_id, check.target.region, *steps)
    console.print(table)
    for check in readiness.targets:
        if check.detail is not None:
            console.print(f"{check.target.account_id} {check.target.region}: {check.detail}", soft_wrap=True)
    for advice in readiness.advice:
        console.print(f"\n{advice}", soft_wrap=True)
