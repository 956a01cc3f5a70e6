"""A test that does what its level must not do fails."""

import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "unit" / "conftest.py"


def outcome(folder: Path, code: str) -> str:
    """Return the output of a unit test with this code, in a project of its own."""
    unit = folder / "tests" / "unit"
    unit.mkdir(parents=True)
    (folder / "README.md").write_text("Read me.")
    (unit / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"))
    (unit / "test_it.py").write_text(f"def test_it():\n    {code}\n")
    command: list[str | Path] = [sys.executable, "-m", "pytest", "-p", "no:hypothesis", "-p", "no:cacheprovider", unit]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder).stdout


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("import subprocess; subprocess.run(['true'])", "here is subprocess.Popen: move it to another level"),
        ("import socket; socket.create_connection(('127.0.0.1', 1))", "opens no connection, but here is socket."),
        ("open('README.md')", "README.md: move it to tests/repository"),
        ("assert __import__('pathlib').Path(__file__).read_text()", "1 passed"),
    ],
)
def test_a_unit_test_that_reaches_beyond_its_module_fails(code: str, seen: str, tmp_path: Path) -> None:
    assert seen in outcome(tmp_path, code)
