"""A Lambda execution environment: a process with only the code, variables and layers of one function.

The handlers of the embedded run execute here, driven by `pump` (the events of a queue) and `schedule` (the scheduled
event). A process that dies is replaced, as in Lambda.
"""

import os
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable
from typing import Any

from patchlake_cli.embedded.aws.endpoint import Endpoint
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedFunction
from patchlake_cli.embedded.lambda_.function_process import HandlerProcess, InvocationError


class ExecutionEnvironment:
    """Runs one function, one event at a time; its process starts with the first event.

    ``kill`` and ``close`` may be called from any thread, also while an event is handled.
    """

    def __init__(self, function: DeployedFunction, endpoint: Endpoint, on_log: Callable[[str], None]) -> None:
        """Start nothing yet.

        Args:
            function: the function to run.
            endpoint: the AWS that it calls.
            on_log: called with each line that the handler prints or logs, from a thread of the environment.
        """
        self._function = function
        self._endpoint = endpoint
        self._on_log = on_log
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._invoking = threading.Lock()
        self._process_lock = threading.Lock()
        self._process: HandlerProcess | None = None
        self._closed = False

    def invoke(self, event: object) -> Any:  # noqa: ANN401 - any JSON
        """Run the handler on one event and return its answer, after passing on everything that it logged.

        Raises:
            InvocationError: the handler raised or could not be imported; it took longer than the function's time-out,
                which kills the process; or the process was killed or the environment closed.
        """
        with self._invoking:
            process = self._warm_process()
            return process.invoke(event, self._function.arn, self._function.timeout_seconds)

    def kill(self) -> None:
        """Kill the process, as a failing host would; the next invocation starts another."""
        with self._process_lock:
            if self._process:
                self._process.kill()

    def close(self) -> None:
        """Kill the process and remove its files; a current invocation fails, and so do later ones."""
        self._closed = True
        self.kill()
        with self._invoking:
            self._drop_process()
            if self._folder:
                self._folder.cleanup()

    def _warm_process(self) -> HandlerProcess:
        if self._process and self._process.is_alive:
            return self._process
        self._drop_process()
        with self._process_lock:
            if self._closed:
                raise InvocationError("Runtime.ExitError", "the execution environment is closed")
            self._folder = self._folder or tempfile.TemporaryDirectory(prefix=f"{self._function.name}-")
            folder = self._folder.name
            process = self._process = self._function.runtime(self._variables(folder), folder, self._on_log)
        try:
            process.wait_until_ready()
        except InvocationError:
            self._drop_process()
            raise
        return process

    def _drop_process(self) -> None:
        with self._process_lock:
            process, self._process = self._process, None
        if process:
            process.close()

    def _variables(self, folder: str) -> dict[str, str]:
        """Return the function's variables, and those that Lambda adds.

        Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        """
        function = self._function
        return {
            **function.environment,
            **self._endpoint.environment,
            "AWS_ACCESS_KEY_ID": function.role_name,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": uuid.uuid4().hex,
            # The function sees neither the user's ~/.aws nor another environment's temporary files.
            "HOME": folder,
            "TMPDIR": folder,
            "LAMBDA_TASK_ROOT": str(function.code_path),
            "LANG": "C.UTF-8",
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": os.pathsep.join(str(folder) for folder in (function.code_path, *function.layer_paths)),
            "TZ": "UTC",
            "_HANDLER": function.handler,
        }
