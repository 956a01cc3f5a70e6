"""A unit test starts no process, opens no connection and reads no file of the repository; a test that does fails."""

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REACHING_OUT = (
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.",
)
"""Audit events of Python that mean another process or a connection."""
ABOUT_THE_REPOSITORY = {".md", ".toml", ".txt", ".yaml"}

_running: set[str] = set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Watch a test of this folder with its fixtures; pytest calls this for the tests of every folder."""
    if item.path.is_relative_to(HERE):
        _running.add(item.nodeid)
    try:
        return (yield)
    finally:
        _running.clear()


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if not _running:
        return
    if event.startswith(REACHING_OUT):
        pytest.fail(
            f"a unit test starts no process and opens no connection, but here is {event}: move it to another level"
        )
    if event == "open" and isinstance(arguments[0], str):
        path = Path(arguments[0]).absolute()
        if path.suffix in ABOUT_THE_REPOSITORY and path.is_relative_to(ROOT) and ".venv" not in path.parts:
            pytest.fail(f"a unit test reads no file of the repository, but here is {path}: move it to tests/repository")


sys.addaudithook(_watch)
