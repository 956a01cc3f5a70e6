"""``patchlake`` as people type it: a separate process that finds the embedded AWS by environment variables alone."""

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest

from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.main import run_command_line

PATCHLAKE = Path(sys.executable).with_name("patchlake")
TIMEOUT_SECONDS = 120


def variables(endpoint: Endpoint, **changes: str) -> dict[str, str]:
    """Return a shell's environment variables, with the embedded AWS in place of the shell's own account."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # Without AWS_REGION, which would win: a test changes the region by AWS_DEFAULT_REGION alone.
    found = {name: value for name, value in endpoint.environment.items() if name != "AWS_REGION"}
    return ours | {"AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"} | found | changes


def patchlake(
    environment: dict[str, str], *arguments: str | Path, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [PATCHLAKE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
        env=environment,
        cwd=folder,
    )


def patchlake_here(
    environment: dict[str, str], *arguments: str | Path, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command in this process, which saves the seconds that a new one takes to start."""
    out, errors = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(errors):
        for name in os.environ.keys() - environment.keys():
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["patchlake", *map(str, arguments)])
        if folder is not None:
            patch.chdir(folder)
        code = run_command_line()
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), errors.getvalue())


def objects(lake: Path) -> dict[str, str]:
    """Return the checksum of every object of a lake in a folder, by key."""
    return {
        path.relative_to(lake).as_posix(): sha256(path.read_bytes()).hexdigest()
        for top in ("plans", "runs", "lake")
        for path in sorted((lake / top).rglob("*"))
        if path.is_file()
    }
