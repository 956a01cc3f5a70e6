"""A command loads what it needs when it runs, so that help costs next to nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from patchlake_cli.main import app

PATCHLAKE = Path(sys.executable).with_name("patchlake")
HEAVY = {"boto3", "botocore", "duckdb", "jinja2", "moto", "pyarrow", "sqlglot", "vl_convert"}
COMMANDS = sorted(getattr(get_command(app), "commands", {}))


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_no_heavy_package(command: str) -> None:
    # -X importtime names every module that the real entry point loads, on standard error.
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", PATCHLAKE, *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert f"Usage: patchlake {command}".strip() in ended.stdout
    assert "patchlake_cli.main" in loaded
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
