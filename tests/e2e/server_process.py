"""A server that others have made: on free ports of the loopback interface, waited for, and ended with its children."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

START_SECONDS = 60
LOOPBACK = "127.0.0.1"
UNTIL_INPUT_ENDS = '{ "$@"; kill -s KILL 0; } & cat; kill -s KILL 0'
"""Runs a command until the input ends, also where the test's process is killed: then the whole group is. The state of a
server is thrown away, so it need not end in order."""


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listened on a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def running(
    command: Sequence[str | Path], variables: Mapping[str, str], folder: Path, answers: Callable[[], bool]
) -> Iterator[None]:
    """Run a server until the context ends, and wait for its first answer.

    Args:
        command: starts it.
        variables: all of its environment.
        folder: where it runs; its output is the file ``log`` there.
        answers: whether the server answers.
    """
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            ["/bin/sh", "-c", UNTIL_INPUT_ENDS, "sh", *command],
            env=variables,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as process,
    ):
        end, pause = time.monotonic() + START_SECONDS, Event()
        while not answers():
            is_alive = process.poll() is None and time.monotonic() < end
            assert is_alive, f"{command[0]} does not answer:\n{log.read_text(errors='replace')}"
            pause.wait(0.1)
        yield
