"""Starts the embedded AWS in a process of its own, and ends it.

moto is large and keeps its state in globals, so it never enters the process that runs patchlake: between the two is
HTTP, as between a Lambda function and AWS.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile
from typing import IO, Final, cast

import msgspec

from patchlake_cli.embedded.aws.control import ControlClient
from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.fleet.fleet import Fleet

_HOST: Final = "127.0.0.1"


class StartError(Exception):
    """The embedded AWS did not start; says what its process wrote."""


class EmbeddedAws(ControlClient):
    """A running embedded AWS, and the calls that control it.

    Args:
        port: where it listens.
        settings: it was started with.
        process: it runs in.
    """

    def __init__(self, port: int, settings: Settings, process: Popen[bytes]) -> None:
        super().__init__(_HOST, port)
        self.settings = settings
        self.process_id = process.pid
        self.endpoint = Endpoint(f"http://{_HOST}:{port}", settings.region_list()[0])
        self._process = process

    @property
    def endpoint_url(self) -> str:
        """The address for SDK clients of every service, region and account."""
        return self.endpoint.url

    @cached_property
    def fleet(self) -> Fleet:
        """The fleet that its SSM answers from, computed here: equal values, without a call."""
        return self.settings.fleet()

    def close(self) -> None:
        """End it, and wait until it has ended; once more does nothing."""
        _end(self._process)


@contextmanager
def start_server(settings: Settings, log: Path | None = None) -> Iterator[EmbeddedAws]:
    """Start an embedded AWS, and end it with the context; it ends also if this process is killed.

    Args:
        settings: what it is like.
        log: a file that its errors are appended to; by default they only serve to explain a failed start.

    Raises:
        StartError: it did not start.
    """
    with (
        log.open("ab+") if log else TemporaryFile() as errors,
        Popen(
            [sys.executable, "-m", "patchlake_cli.embedded.aws.application"],
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            env=_environment(),
            # Ctrl-C reaches this process alone, which then ends the other in its own order.
            start_new_session=True,
            bufsize=0,
        ) as process,
    ):
        try:
            port = _handshake(process, settings)
            if port is None:
                errors.seek(0)
                raise StartError(errors.read().decode(errors="replace"))
            yield EmbeddedAws(port, settings, process)
        finally:
            # Popen itself waits but a moment after Ctrl-C.
            _end(process)


def _end(process: Popen[bytes]) -> None:
    """Close the process's standard input, at whose end it ends itself, and wait for that."""
    _standard_input(process).close()
    process.wait()


def _handshake(process: Popen[bytes], settings: Settings) -> int | None:
    """Give the process its settings and return the port that it answers; None if it ends instead."""
    try:
        _standard_input(process).write(msgspec.json.encode(settings) + b"\n")
    except BrokenPipeError:
        return None
    line = cast("IO[bytes]", process.stdout).readline()
    return int(line) if line else None


def _standard_input(process: Popen[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", process.stdin)


def _environment() -> dict[str, str]:
    """Return our own environment without what would change how moto or its SDK behave."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "MOTO_DISABLE_GLOBAL_CORS": "true",
    }
