"""Commands that Ctrl-C interrupts at their start, after the run is published, or in the middle of a query."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from patchlake import __version__
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.exit_codes import ExitCode
from tests.analytics.synthetic import collected, listed, write_run
from tests.command_line import patchlake_here, variables

RUN_ID = "20261112T060000Z"


def test_an_export_that_is_interrupted_after_it_published_says_so(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("patchlake_cli.export.snapshot.read_page", interrupted)

    ended = patchlake_here(variables(aws.endpoint), "export", "--lake", "lake", folder=tmp_path)

    assert (ended.returncode, ended.stdout) == (ExitCode.INTERRUPTED, "")
    [run] = (tmp_path / "lake" / "lake" / "patch_states").glob("*/*.parquet")
    assert ended.stderr.splitlines()[-1] == (
        f"patchlake: interrupted: run {run.stem} is published; `patchlake report --lake lake` shows it"
    )


@pytest.mark.parametrize("early", ["open_session", "begin"])
def test_an_export_that_is_interrupted_before_its_run_is_known_says_how_to_go_on(
    aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early: str
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"patchlake_cli.export.snapshot.{early}", interrupted)

    ended = patchlake_here(variables(aws.endpoint), "export", "--lake", "lake", folder=tmp_path)

    assert (ended.returncode, ended.stdout) == (ExitCode.INTERRUPTED, "")
    assert ended.stderr.splitlines() == [
        "patchlake: interrupted: what is stored by now stays; the same command continues the run, or starts it"
    ]


def test_a_command_line_that_is_interrupted_while_it_is_built_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("typer.main.get_command", interrupted)

    ended = patchlake_here({}, "--version")

    assert (ended.returncode, ended.stdout, ended.stderr) == (ExitCode.INTERRUPTED, "", "patchlake: interrupted\n")


INTERRUPTED_IN_DUCKDB = """
import os, signal, threading
from patchlake_cli.lake import engine
from patchlake_cli.main import main

class Database(engine.InterruptibleDatabase):
    def execute(self, sql, *values):
        if "of_the_test" in sql:
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
            return super().execute("SELECT count(*) FROM range(100000000000) AS r (n) WHERE hash(n) % 7 = 3")
        return super().execute(sql, *values)

engine.InterruptibleDatabase = Database
main()
"""
"""The command, with Ctrl-C half a second after DuckDB began with a statement of many minutes."""


def test_a_query_that_is_interrupted_is_one_line(tmp_path: Path) -> None:
    write_run(tmp_path, RUN_ID, [listed(1)], [collected(RUN_ID, 1)])
    typed = ["query", "--lake", str(tmp_path), "SELECT 1 AS of_the_test"]

    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IN_DUCKDB, *typed],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=dict(os.environ),
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (ExitCode.INTERRUPTED, "", "patchlake: interrupted\n")


INTERRUPTED_WHILE_A_FILE_IS_AWAITED = """
import os, signal
from threading import Event, Timer
from patchlake_cli.lake.interruptible import InterruptibleDatabase

class Connection:
    register = executemany = None
    file, interrupted, ended = Event(), Event(), []

    def execute(self, sql, values):
        if not self.interrupted.is_set():
            Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
            self.file.wait(60)
        self.ended.append(sql)
        return sql

    def interrupt(self):
        self.interrupted.set()

connection = Connection()
database = InterruptibleDatabase(connection)
try:
    database.execute("first")
except KeyboardInterrupt:
    print("interrupted", connection.ended)
connection.file.set()
print(database.execute("second"), connection.ended)
"""
"""A connection whose first statement waits for a file that does not come, until Ctrl-C and longer."""


def test_ctrl_c_does_not_wait_for_a_file_and_the_next_statement_does() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_A_FILE_IS_AWAITED],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )

    assert (ended.stdout, ended.stderr) == ("interrupted []\nsecond ['first', 'second']\n", "")


INTERRUPTED_AT_THE_START = """
import os, signal, sys
from patchlake_cli.start import main

signal.signal(signal.SIGINT, signal.{handler})

class Interrupt:
    def find_spec(self, name, path, target=None):
        if name == "patchlake_cli.main":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
main()
"""
"""The command, with Ctrl-C while its modules are loaded."""


@pytest.mark.parametrize(
    ("handler", "code", "output"),
    [("default_int_handler", -signal.SIGINT, ""), ("SIG_IGN", 0, f"patchlake {__version__}\n")],
)
def test_ctrl_c_at_the_start_ends_the_command_unless_it_is_ignored(handler: str, code: int, output: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT_THE_START.format(handler=handler), "--version"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (code, output, "")
