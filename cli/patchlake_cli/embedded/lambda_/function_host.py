"""A server through which the embedded AWS invokes the functions of a running pipeline.

A small HTTP server of the process that runs the pipeline; the embedded Lambda (`lambda_api`) is its only caller.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, override
from uuid import NAMESPACE_URL, uuid5

from patchlake_cli.embedded.aws.control import ControlClient
from patchlake_cli.embedded.aws.lambda_api import ServedEventSource, ServedFunction
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack, EventSource
from patchlake_cli.embedded.lambda_.function_process import InvocationError

type Invoke = Callable[[object], Any]
type Enable = Callable[[bool], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, invoke: Mapping[str, Invoke], enable: Mapping[str, Enable]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.invoke = invoke
        self.enable = enable


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        """Invoke a function, and answer as `runtime` does: a result or an error."""
        try:
            self._answer({"result": self.server.invoke[self._named()](self._body())})
        except InvocationError as error:
            self._answer({"error": {"errorType": error.error_type, "errorMessage": error.error_message}})

    def do_PUT(self) -> None:
        """Start or stop an event source."""
        self.server.enable[self._named()](bool(self._body()))
        self._answer(None)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the functions have their own logs."""

    def _named(self) -> str:
        return self.path.rpartition("/")[2]

    def _body(self) -> Any:  # noqa: ANN401 - any JSON
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def hosted(
    stack: DeployedStack, control: ControlClient, invoke: Mapping[str, Invoke], enable: Mapping[str, Enable]
) -> Iterator[None]:
    """Let the embedded Lambda invoke a stack's functions and switch their queues, until the block ends.

    Args:
        stack: the stack whose functions run in this process.
        control: the control calls of the embedded AWS.
        invoke: by stage, runs its function on one event; raises InvocationError if that fails.
        enable: by the name of an event source, starts or stops it.
    """
    by_name = {function.name: stage for stage, function in stack.functions.items()}
    server = _Server(
        {name: invoke[stage] for name, stage in by_name.items() if stage in invoke},
        {_uuid(source): enable[name] for name, (_, source) in stack.event_sources.items()},
    )
    Thread(target=server.serve_forever, name="function-host", daemon=True).start()
    control.serve_functions(_served(stack, server.server_port))
    try:
        yield
    finally:
        control.withdraw_functions(list(by_name))
        server.shutdown()
        server.server_close()


def _served(stack: DeployedStack, port: int) -> list[ServedFunction]:
    return [
        ServedFunction(
            name=function.name,
            arn=function.arn,
            port=port,
            timeout_seconds=function.timeout_seconds,
            event_sources=tuple(
                ServedEventSource(
                    uuid=_uuid(source),
                    queue_arn=source.queue_arn,
                    batch_size=source.batch_size,
                    maximum_concurrency=source.maximum_concurrency,
                    reports_item_failures=source.reports_item_failures,
                )
                for source in function.event_sources
            ),
        )
        for function in stack.functions.values()
    ]


def _uuid(source: EventSource) -> str:
    # Lambda reads a queue for one function only.
    return str(uuid5(NAMESPACE_URL, source.queue_arn))
