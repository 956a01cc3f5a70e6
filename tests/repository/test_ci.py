"""The script of continuous integration, with fakes for its programs: the packages that it installs, and its limits."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import LONG_FILES

ROOT = Path(__file__).parents[2]
NOTES = '#!/bin/sh\necho "${0##*/} $*" >>"$LOG"\n'
CHECKS = ["make setup", "make tools", "make test", "make verify"]


def run(folder: Path, **programs: str) -> list[str]:
    """Run it on a machine that has these programs, and return what it started; some of that runs side by side."""
    log = folder / "log"
    path = folder / "bin"
    path.mkdir()
    for command in ("dirname", "nice", "sh"):
        (path / command).symlink_to(shutil.which(command) or command)
    for name, script in {"make": NOTES, "apt-get": NOTES, **programs}.items():
        (path / name).write_text(script)
        (path / name).chmod(0o755)
    subprocess.run([ROOT / ".ci" / "run"], env={"PATH": os.fspath(path), "LOG": os.fspath(log)}, check=False)
    return log.read_text().splitlines()


def is_user(number: int) -> str:
    return f"#!/bin/sh\necho {number}\n"


def test_a_machine_without_a_browser_gets_one(tmp_path: Path) -> None:
    started = run(tmp_path, id=is_user(0))
    update, install = [line for line in started if line.startswith("apt-get")]

    assert update.startswith("apt-get update")
    assert install.startswith("apt-get install")
    assert install.endswith(" chromium")
    assert sorted(started) == sorted([update, install, *CHECKS])


@pytest.mark.parametrize("programs", [{"id": is_user(0), "chromium": NOTES}, {"id": is_user(1000)}])
def test_nothing_is_installed_twice_or_by_who_may_not(tmp_path: Path, programs: dict[str, str]) -> None:
    assert sorted(run(tmp_path, **programs)) == sorted(CHECKS)


def test_the_tests_do_not_wait_for_the_browser_but_verify_does(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    waiting = f'{NOTES}[ "$1" != update ] || read -r line <"{tmp_path}/fifo"\n'
    freeing = f'{NOTES}[ "$1" != test ] || echo tested >"{tmp_path}/fifo"\n'

    started = run(tmp_path, id=is_user(0), make=freeing, **{"apt-get": waiting})

    [install] = [line for line in started if line.startswith("apt-get install")]
    assert started.index("make setup") < started.index("make test") < started.index(install)
    assert started.index("make tools") < len(started) - 1 == started.index("make verify")


@pytest.mark.parametrize("failing", ["setup", "tools", "test"])
def test_nothing_is_verified_when_what_comes_before_has_failed(tmp_path: Path, failing: str) -> None:
    started = run(tmp_path, id=is_user(1000), make=f'{NOTES}[ "$1" != {failing} ]\n')

    assert f"make {failing}" in started
    assert "make verify" not in started


def test_nothing_is_verified_without_the_browser(tmp_path: Path) -> None:
    started = run(tmp_path, id=is_user(0), **{"apt-get": f"{NOTES}exit 1\n"})

    assert sorted(started) == ["apt-get update -qq", *sorted(CHECKS[:-1])]


def make(target: str) -> str:
    """Return what make would run, whatever the ARGS of a make that runs these tests."""
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "ARGS"}}
    command = ["make", "--dry-run", target]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_no_test_is_left_out() -> None:
    planned = {target: make(target) for target in ("test", "verify")}
    chosen = {target: {*re.findall(r"(?<!--ignore )\btests/(\w+)", plan)} for target, plan in planned.items()}
    ignored = {target: {*re.findall(r"--ignore tests/(\w+)", plan)} for target, plan in planned.items()}

    assert (chosen["test"], ignored["test"]) == (set(), chosen["verify"])
    assert (len(chosen["verify"]), ignored["verify"]) == (1, set())


def test_each_file_that_the_tests_begin_with_is_there() -> None:
    assert [name for name in LONG_FILES if not (ROOT / "tests" / name).is_file()] == []


def test_the_hooks_of_pre_commit_call_targets_of_make_and_nothing_else() -> None:
    [source] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]

    assert source["repo"] == "local"
    for hook in source["hooks"]:
        program, target = hook["entry"].split()
        assert (program, hook["language"]) == ("make", "system")
        assert make(target)
