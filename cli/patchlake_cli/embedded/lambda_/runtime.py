"""The process in which a handler runs: a Lambda runtime over pipes instead of its HTTP API.

`environment` starts it by its path and with only the function's variables, so it can import only the function's code,
its layers and the installed packages. One line of JSON on standard input is one invocation, and one line on standard
output is its answer; the first output line says whether the handler could be imported. The handler's output and logs go
to standard error, with ``END RequestId: …`` after each invocation. The process ends with its parent. If the parent
could not, it removes the folder of its temporary files, its only argument.
"""

import importlib
import json
import os
import queue
import shutil
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TextIO


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The context that Lambda hands to a handler with the event.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    aws_request_id: str
    invoked_function_arn: str
    deadline: float
    function_name: str = field(default_factory=lambda: os.environ["AWS_LAMBDA_FUNCTION_NAME"])
    function_version: str = field(default_factory=lambda: os.environ["AWS_LAMBDA_FUNCTION_VERSION"])
    memory_limit_in_mb: str = field(default_factory=lambda: os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
    log_group_name: str = field(default_factory=lambda: os.environ["AWS_LAMBDA_LOG_GROUP_NAME"])
    log_stream_name: str = field(default_factory=lambda: os.environ["AWS_LAMBDA_LOG_STREAM_NAME"])
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the time-out, 0 once it has passed."""
        return max(0, int((self.deadline - time.time()) * 1000))


class _Answer:
    """Turns an error in its block into one line for the parent, as Lambda does with a handler's errors."""

    def __init__(self, out: TextIO, request_id: str | None = None) -> None:
        self._out = out
        self._request_id = request_id
        self._line = json.dumps({"result": None})
        self.failed = False

    def result(self, value: object) -> None:
        self._line = json.dumps({"result": value})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is not None:
            if not isinstance(error, Exception):
                return False  # an exit ends the process, as it does in Lambda
            self.failed = True
            traceback.print_exception(error)
            self._line = json.dumps({"error": {"errorType": type(error).__name__, "errorMessage": str(error)}})
        if self._request_id:
            sys.stdout.flush()
            # On a new line, even if the handler left one unfinished.
            sys.stderr.write(f"\nEND RequestId: {self._request_id}\n")
        sys.stderr.flush()
        self._out.write(self._line + "\n")
        self._out.flush()
        return True


def _invocations(folder: str) -> "queue.SimpleQueue[str]":
    """Read invocations in the background, so that this process ends with its parent even while the handler runs."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    source = os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8")

    def read() -> None:
        for line in source:
            lines.put(line)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=read, name="invocations", daemon=True).start()
    return lines


def _keep_streams_from_handler() -> TextIO:
    """Redirect the handler's standard output to the log, its standard input to nothing; return the pipe for answers."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return out


def _load(handler: str) -> Any:  # noqa: ANN401 - a handler takes and returns any JSON
    module, _, function = handler.rpartition(".")
    return getattr(importlib.import_module(module), function)


def main() -> None:
    """Import the handler, then run it once per invocation until the parent ends."""
    invocations = _invocations(sys.argv[1])
    out = _keep_streams_from_handler()
    handler: Any = None
    with _Answer(out) as answer:
        handler = _load(os.environ["_HANDLER"])
    if answer.failed:
        os._exit(1)
    while True:
        invocation = json.loads(invocations.get())
        context = LambdaContext(
            aws_request_id=invocation["request_id"],
            invoked_function_arn=invocation["function_arn"],
            deadline=invocation["deadline"],
        )
        with _Answer(out, context.aws_request_id) as answer:
            answer.result(handler(invocation["event"], context))


if __name__ == "__main__":
    main()
