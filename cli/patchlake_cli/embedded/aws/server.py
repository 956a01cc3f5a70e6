"""Starts the embedded AWS in a process of its own, and ends it.

moto is large and keeps its state in globals, so it never runs in patchlake's process: the two communicate by HTTP, as a
Lambda function and AWS do.
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
    """The embedded AWS did not start; the text is the output of its process."""


class EmbeddedAws(ControlClient):
    """A running embedded AWS, and its control calls.

    Args:
        port: the port that it listens on.
        settings: the settings that it was started with.
        process: the process that it runs in.
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
        """The fleet of its SSM, computed here with equal values, without a call."""
        return self.settings.fleet()

    def close(self) -> None:
        """End it, and wait until it has ended; a second call does nothing."""
        _end(self._process)


@contextmanager
def start_server(settings: Settings, log: Path | None = None) -> Iterator[EmbeddedAws]:
    """Start an embedded AWS, and end it with the context; it also ends if this process is killed.

    Args:
        settings: the settings of the embedded AWS.
        log: a file to which its errors are appended; by default, they only explain a failed start.

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
            # Ctrl-C reaches only this process, which then ends the other one in order.
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
            # Popen itself waits only a moment after Ctrl-C.
            _end(process)


def _end(process: Popen[bytes]) -> None:
    """Close the process's standard input, which ends the process, and wait for it."""
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
    """Return this process's environment without the variables that change moto or its SDK."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "MOTO_DISABLE_GLOBAL_CORS": "true",
    }
