"""The script of continuous integration, with fakes for its programs: the packages that it installs, and its limits."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTES = '#!/bin/sh\necho "${0##*/} $*" >>"$LOG"\n'
CHECKS = ["make test", "make verify"]


def run(folder: Path, **programs: str) -> list[str]:
    """Run it on a machine that has these programs, and return what it started."""
    log = folder / "log"
    path = folder / "bin"
    path.mkdir()
    for command in ("dirname", "sh"):
        (path / command).symlink_to(shutil.which(command) or command)
    for name, script in {"make": NOTES, "apt-get": NOTES, **programs}.items():
        (path / name).write_text(script)
        (path / name).chmod(0o755)
    subprocess.run([ROOT / ".ci" / "run"], env={"PATH": os.fspath(path), "LOG": os.fspath(log)}, check=False)
    return log.read_text().splitlines()


def is_user(number: int) -> str:
    return f"#!/bin/sh\necho {number}\n"


def test_a_machine_without_a_browser_gets_one(tmp_path: Path) -> None:
    update, install, *checks = run(tmp_path, id=is_user(0))

    assert update.startswith("apt-get update")
    assert install.startswith("apt-get install")
    assert install.endswith(" chromium")
    assert checks == CHECKS


@pytest.mark.parametrize("programs", [{"id": is_user(0), "chromium": NOTES}, {"id": is_user(1000)}])
def test_nothing_is_installed_twice_or_by_who_may_not(tmp_path: Path, programs: dict[str, str]) -> None:
    assert run(tmp_path, **programs) == CHECKS


def test_nothing_is_verified_when_a_test_has_failed(tmp_path: Path) -> None:
    assert run(tmp_path, id=is_user(1000), make=f"{NOTES}exit 1\n") == ["make test"]
