"""Starts the embedded AWS in a process of its own, and ends it.

moto is large and keeps its state in globals, so it never enters the process that runs patchlake: between the two is HTTP,
as between a Lambda function and AWS.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile
from typing import IO, Final

import msgspec

from patchlake_cli.embedded.control import HOST, ControlClient
from patchlake_cli.embedded.fleet import Fleet
from patchlake_cli.embedded.settings import Settings

ACCESS_KEY_ID: Final = "AKIAIOSFODNN7EXAMPLE"
SECRET_ACCESS_KEY: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105
"""The example key of the AWS documentation. Any key leads to the home account; signatures are not checked."""


class StartError(Exception):
    """The embedded AWS did not start; says what its process wrote."""


class EmbeddedAws(ControlClient):
    """A running embedded AWS, and the calls that control it.

    Attributes:
        endpoint_url: for SDK clients of every service, region and account.
        settings: it was started with.
        fleet: what its SSM answers from; the same values, without a call.
        process_id: of its process.
    """

    def __init__(self, port: int, settings: Settings, process: Popen[bytes]) -> None:
        super().__init__(HOST, port)
        self.endpoint_url = f"http://{HOST}:{port}"
        self.settings = settings
        self.process_id = process.pid
        self._process = process
        self._fleet: Fleet | None = None

    @property
    def fleet(self) -> Fleet:
        """Return the fleet that its SSM answers from."""
        if self._fleet is None:
            self._fleet = self.settings.fleet()
        return self._fleet

    def close(self) -> None:
        """End it, and wait until it has ended; once more does nothing."""
        # Closes standard input, at whose end the process ends itself.
        self._process.__exit__(None, None, None)


@contextmanager
def start_server(settings: Settings, log: Path | None = None) -> Iterator[EmbeddedAws]:
    """Start an embedded AWS, and end it with the context; it ends also if this process is killed.

    Args:
        settings: what it is like.
        log: a file to which its errors are appended; by default they are kept only to explain a failed start.

    Raises:
        StartError: it did not start.
    """
    with _opened(log) as errors, Popen(
        [sys.executable, "-m", "patchlake_cli.embedded.server"],
        stdin=PIPE,
        stdout=PIPE,
        stderr=errors,
        env=_environment(),
        start_new_session=True,  # Ctrl-C reaches this process alone, which then ends that one in its own order
    ) as process:
        port = _handshake(process, settings)
        if port is None:
            errors.seek(0)
            raise StartError(errors.read().decode(errors="replace"))
        yield EmbeddedAws(port, settings, process)
