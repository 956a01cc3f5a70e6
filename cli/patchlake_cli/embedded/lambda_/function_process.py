"""The process of one execution environment, seen from this side of its pipes; `runtime` is the other side."""

import contextlib
import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

# Lambda allows 10 seconds; a laptop that starts several processes at once needs more.
_START_SECONDS = 60

_END_OF_LOG = "END RequestId: "


class InvocationError(Exception):
    """An invocation failed: the handler raised, ran out of time, or its process ended.

    Attributes:
        error_type: the class of the handler's error, or ``Sandbox.Timedout`` or ``Runtime.ExitError`` as in Lambda.
        error_message: its text.
    """

    def __init__(self, error_type: str, error_message: str) -> None:
        super().__init__(f"{error_type}: {error_message}")
        self.error_type = error_type
        self.error_message = error_message


class HandlerProcess(Protocol):
    """A running handler, for one thread at a time except for ``kill``; see `FunctionProcess`."""

    @property
    def is_alive(self) -> bool:
        """Whether the process has neither ended nor been killed, as far as is known."""
        ...

    def wait_until_ready(self) -> None:
        """Return when the handler has been imported; raise InvocationError when it cannot be."""
        ...

    def invoke(self, event: object, function_arn: str, timeout_seconds: int) -> Any:  # noqa: ANN401 - any JSON
        """Run the handler on one event and return its answer; raise InvocationError when there is none."""
        ...

    def kill(self) -> None:
        """End the process at once, from any thread."""
        ...

    def close(self) -> None:
        """Kill the process, pass on the rest of its log, and remove its files."""
        ...


type Runtime = Callable[[Mapping[str, str], str, Callable[[str], None]], HandlerProcess]
"""Starts a process, given its whole environment, a folder for its files, and a function for each line of its log."""


class FunctionProcess:
    """The usual `HandlerProcess`: `runtime`, run by this interpreter."""

    def __init__(self, variables: Mapping[str, str], folder: str, on_log: Callable[[str], None]) -> None:
        """Start the process; ``wait_until_ready`` reports the result.

        Args:
            variables: its whole environment.
            folder: the folder of its temporary files, which it removes if this process dies first.
            on_log: called with each line that the handler prints or logs, from a thread of this object.
        """
        self._on_log = on_log
        self._killed = False
        self._log_is_complete = threading.Event()
        self._process = subprocess.Popen(  # noqa: S603 - our own file, by this interpreter
            # -u: a killed process has written its lines. -P: the files next to runtime.py are not importable.
            [sys.executable, "-u", "-P", str(Path(__file__).with_name("runtime.py")), folder],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches the parent alone
        )
        self._log_reader = threading.Thread(target=self._read_log, name="log", daemon=True)
        self._log_reader.start()

    @property
    def is_alive(self) -> bool:
        """Whether the process has neither ended nor been killed, as far as is known."""
        return not self._killed and self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Return when the handler has been imported.

        Raises:
            InvocationError: it could not be, or the process ended.
        """
        line = self._read_answer(_START_SECONDS)
        _result(line)

    def invoke(self, event: object, function_arn: str, timeout_seconds: int) -> Any:  # noqa: ANN401 - any JSON
        """Run the handler on one event and return its answer, after passing on its log.

        Raises:
            InvocationError: the handler raised, took longer than the time-out (and was killed), or was killed.
        """
        invocation = {
            "request_id": str(uuid.uuid4()),
            "function_arn": function_arn,
            "deadline": time.time() + timeout_seconds,
            "event": event,
        }
        self._log_is_complete.clear()
        stdin = _open(self._process.stdin)
        try:
            stdin.write(json.dumps(invocation) + "\n")
            stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        line = self._read_answer(timeout_seconds)
        self._log_is_complete.wait()
        return _result(line)

    def kill(self) -> None:
        """End the process at once, from any thread."""
        self._killed = True  # the system may take a moment to say so
        self._process.kill()

    def close(self) -> None:
        """Kill the process, pass on the rest of its log, and remove its files."""
        self.kill()
        self._process.wait()
        self._log_reader.join()
        for pipe in (self._process.stdout, self._process.stderr):
            _open(pipe).close()
        with contextlib.suppress(BrokenPipeError):  # an invocation was on its way when the process died
            _open(self._process.stdin).close()

    def _read_answer(self, timeout_seconds: int) -> str:
        """Return the process's next line; kill the process when none comes in time."""
        timed_out = threading.Event()

        def time_out() -> None:
            timed_out.set()
            self.kill()

        timer = threading.Timer(timeout_seconds, time_out)
        timer.start()
        try:
            line = _open(self._process.stdout).readline()
        finally:
            timer.cancel()
        if line.endswith("\n"):  # a process that is killed may leave half a line
            return line
        ended = self._ended()
        if timed_out.is_set():
            raise InvocationError("Sandbox.Timedout", f"Task timed out after {timeout_seconds}.00 seconds")
        raise ended

    def _ended(self) -> InvocationError:
        """Wait until nothing is left to read, and return the error for the end of the process."""
        status = self._process.wait()
        self._log_reader.join()
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return InvocationError("Runtime.ExitError", f"the process ended with {how}")

    def _read_log(self) -> None:
        for line in _open(self._process.stderr):
            text = line.rstrip("\n")
            if text.startswith(_END_OF_LOG):
                self._log_is_complete.set()
            elif text:
                self._on_log(text)


def _result(line: str) -> Any:  # noqa: ANN401 - any JSON
    answer = json.loads(line)
    if error := answer.get("error"):
        raise InvocationError(error["errorType"], error["errorMessage"])
    return answer["result"]


def _open(pipe: IO[str] | None) -> IO[str]:
    """Narrow the type: all three streams of the process are pipes."""
    if pipe is None:
        raise TypeError("the process was started without this pipe")
    return pipe
