"""A database that Ctrl-C interrupts, while it waits for a file."""

import os
import signal
from threading import Event, Timer
from typing import Any

import pytest

from patchlake_cli.lake.interruptible import InterruptibleDatabase


class StalledConnection:
    """A connection whose first statement waits for a file that does not come, and then meets Ctrl-C."""

    def __init__(self) -> None:
        self.file = Event()
        self.interrupted = Event()
        self.ended: list[str] = []

    def execute(self, sql: str, _: object) -> str:
        if not self.interrupted.is_set():
            Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            self.file.wait(20)
        self.ended.append(sql)
        return sql

    def interrupt(self) -> None:
        self.interrupted.set()

    register = executemany = None


def test_ctrl_c_does_not_wait_for_a_file_and_the_next_statement_does() -> None:
    connection: Any = StalledConnection()
    database = InterruptibleDatabase(connection)

    with pytest.raises(KeyboardInterrupt):
        database.execute("first")

    assert connection.interrupted.is_set()
    assert connection.ended == []
    connection.file.set()
    assert database.execute("second") == "second"  # type: ignore[comparison-overlap]
    assert connection.ended == ["first", "second"]
