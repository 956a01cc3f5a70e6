"""A function as AWS runs it: under its runtime client, with its code and its layers on the path, and nothing else."""

import contextlib
import json
import os
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from patchlake_cli.embedded.lambda_.function_process import InvocationError
from tests.e2e.runtime_api import Answered, Event, Failed, RuntimeApi
from tests.e2e.tools import program

START_SECONDS = 60
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Usage:
    """The time and memory that a process has used.

    Attributes:
        first_seconds: from its start to its first answer.
        first_cpu_seconds: the same, of processor time.
        peak_bytes: of its memory, up to its latest answer.
    """

    first_seconds: float
    first_cpu_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Invocation:
    """The time that an answered invocation took, and the most memory that its process had held by then."""

    event: Any
    seconds: float
    cpu_seconds: float
    peak_bytes: int


class LambdaProcess:
    """A `HandlerProcess` under `awslambdaric`, as in Lambda.

    Attributes:
        function: its name.
        usage: None until the first answer.
        invocations: that were answered.
    """

    def __init__(self, variables: Mapping[str, str], _folder: str, on_log: Callable[[str], None]) -> None:
        self.function = variables["AWS_LAMBDA_FUNCTION_NAME"]
        self.usage: Usage | None = None
        self.invocations: list[Invocation] = []
        self._on_log = on_log
        self._killed = False
        self._marker = ""
        self._log_is_complete = threading.Event()
        self._api = RuntimeApi()
        log, self._log = os.pipe()
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            # -B: nothing is written to the build, as in Lambda.
            [program("lambda", "python3.13"), "-u", "-s", "-P", "-B", "-m", "awslambdaric", variables["_HANDLER"]],
            env={**variables, "AWS_LAMBDA_RUNTIME_API": self._api.address},
            cwd=variables["LAMBDA_TASK_ROOT"],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._threads = [
            threading.Thread(target=self._read_log, args=[log], name="log", daemon=True),
            threading.Thread(target=self._watch, name="watch", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_alive(self) -> bool:
        return not self._killed and self._process.poll() is None

    def wait_until_ready(self) -> None:
        self._hear(START_SECONDS)

    def invoke(self, event: object, function_arn: str, timeout_seconds: int) -> Any:  # noqa: ANN401 - any JSON
        deadline_ms = int((time.time() + timeout_seconds) * 1000)
        began, spent = time.monotonic(), self._spent()
        self._api.send(Event(str(uuid.uuid4()), function_arn, deadline_ms, json.dumps(event).encode()))
        try:
            answer = self._hear(timeout_seconds)
            now = self._spent()
            if spent is not None and now is not None:
                seconds = time.monotonic() - began
                self.invocations.append(Invocation(event, seconds, now[0] - spent[0], now[1]))
            return answer
        finally:
            self._wait_for_log()

    def kill(self) -> None:
        self._killed = True
        self._process.kill()

    def close(self) -> None:
        self.kill()
        self._process.wait()
        self._api.close()
        os.close(self._log)
        for thread in self._threads:
            thread.join()

    def _hear(self, timeout_seconds: int) -> Any:  # noqa: ANN401 - any JSON
        """Return the handler's answer; None if the process only reported that it is ready."""
        try:
            said = self._api.said.get(timeout=timeout_seconds)
        except Empty:
            self.kill()
            raise InvocationError("Sandbox.Timedout", f"Task timed out after {timeout_seconds}.00 seconds") from None
        match said:
            case None:
                raise InvocationError("Runtime.ExitError", f"the process ended with {self._process.wait()}")
            case Failed(error_type, error_message):
                raise InvocationError(error_type, error_message)
            case Answered(value):
                self._note_usage()
                return value
        return None

    def _note_usage(self) -> None:
        seconds = time.monotonic() - self._began
        if (spent := self._spent()) is not None:
            self.usage = self.usage or Usage(seconds, *spent)
            self.usage.peak_bytes = spent[1]

    def _spent(self) -> tuple[float, int] | None:
        """Return the processor time and the peak memory of the process; None if it has ended."""
        # It may have been killed in the meantime.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, StopIteration):
            folder = Path(f"/proc/{self._process.pid}")
            user, system = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
            status = (folder / "status").read_text().splitlines()
            peak_bytes = 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
            return (int(user) + int(system)) / TICKS_A_SECOND, peak_bytes
        return None

    def _wait_for_log(self) -> None:
        """Wait until everything written so far has been read: our own line follows it in the pipe."""
        self._log_is_complete.clear()
        self._marker = f"END RequestId: {uuid.uuid4()}"
        os.write(self._log, f"\n{self._marker}\n".encode())
        self._log_is_complete.wait()

    def _read_log(self, log: int) -> None:
        with os.fdopen(log, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                text = line.rstrip("\n")
                if text and text == self._marker:
                    self._log_is_complete.set()
                elif text:
                    self._on_log(text)

    def _watch(self) -> None:
        self._process.wait()
        self._api.said.put(None)
