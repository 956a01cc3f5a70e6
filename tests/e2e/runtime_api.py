"""Lambda's Runtime API for one execution environment: where AWS's runtime client asks for events and leaves answers.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

_VERSION = "/2018-06-01/runtime"


class Event(NamedTuple):
    """An invocation on its way to the function."""

    request_id: str
    function_arn: str
    deadline_ms: int
    body: bytes


class Ready(NamedTuple):
    """The function has been imported, and asks for its first event."""


class Answered(NamedTuple):
    """The handler has returned."""

    value: Any


class Failed(NamedTuple):
    """The handler has raised, or could not be imported."""

    error_type: str
    error_message: str


type Said = Ready | Answered | Failed


class RuntimeApi:
    """A server for one process of a function.

    Attributes:
        address: host and port, for ``AWS_LAMBDA_RUNTIME_API``.
        said: all that the process has said, in order.
    """

    def __init__(self) -> None:
        self.said: queue.SimpleQueue[Said | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._is_ready = False
        self._server = _Server(self)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="runtime-api", daemon=True)
        self._thread.start()

    def send(self, event: Event) -> None:
        """Hand out an event, to the process's next request."""
        self._events.put(event)

    def close(self) -> None:
        """Stop answering; call this when the process has ended."""
        self._events.put(None)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next_event(self) -> Event | None:
        """Wait for an event; None at the end."""
        if not self._is_ready:
            self._is_ready = True
            self.said.put(Ready())
        return self._events.get()

    def hear(self, path: str, body: bytes) -> bool:
        """Take what the process has posted; False where there is no such path."""
        document = json.loads(body)
        match path.removeprefix(_VERSION).split("/")[1:]:
            case ["invocation", _, "response"]:
                self.said.put(Answered(document))
            case ["invocation", _, "error"] | ["init", "error"]:
                self.said.put(Failed(document["errorType"], document["errorMessage"]))
            case _:
                return False
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # With Nagle's algorithm each answer's body would wait 40 ms for the client to acknowledge the headers.
    disable_nagle_algorithm = True
    server: "_Server"

    def do_GET(self) -> None:
        event = self.server.api.next_event() if self.path == f"{_VERSION}/invocation/next" else None
        if event is None:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        self._answer(
            HTTPStatus.OK,
            event.body,
            {
                "Lambda-Runtime-Aws-Request-Id": event.request_id,
                "Lambda-Runtime-Deadline-Ms": str(event.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
            },
        )

    def do_POST(self) -> None:
        is_known = self.server.api.hear(self.path, self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(HTTPStatus.ACCEPTED if is_known else HTTPStatus.NOT_FOUND)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: HTTPStatus, body: bytes = b"{}", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as socketserver has it
        # A process that is killed takes its connection with it.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
