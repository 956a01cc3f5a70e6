"""A test that does what its level forbids fails, and the error says where it belongs."""

import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "unit" / "conftest.py"
TESTS = """
import socket, subprocess
from pathlib import Path

def test_process(): subprocess.run(["true"])
def test_connection(): socket.create_connection(("127.0.0.1", 1))
def test_file(): open("README.md")
def test_itself(): assert Path(__file__).read_text()
"""


def test_a_unit_test_that_reaches_beyond_its_module_fails(tmp_path: Path) -> None:
    unit = tmp_path / "tests" / "unit"
    unit.mkdir(parents=True)
    (tmp_path / "README.md").write_text("Read me.")
    (unit / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"))
    (unit / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:hypothesis", "-p", "no:cacheprovider", "tests/unit"]

    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path).stdout

    assert "3 failed, 1 passed" in said
    assert "but here is subprocess.Popen: move it to another level" in said
    assert "but here is socket.getaddrinfo: move it to another level" in said
    assert f"but here is {tmp_path}/README.md: move it to tests/repository" in said
