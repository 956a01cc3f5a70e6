"""A small HTTP server with the answers of a test: for errors and accidents that no embedded AWS makes on request."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from threading import Event, Thread
from time import monotonic
from typing import Any

import boto3
import pytest

from patchlake.adapters import timed_connections
from patchlake.core.timings import CALL

DATE = "Mon, 23 Nov 2026 06:00:07 GMT"


@cache
def session() -> boto3.Session:
    """Return one session for all tests: reading the SDK's service models takes longest."""
    return boto3.Session("testing", "testing", region_name="eu-west-1")


@dataclass(frozen=True)
class Request:
    """A client's request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        """The operation of a JSON or query service, without its service."""
        return self.headers.get("X-Amz-Target", "").rpartition(".")[2]


@dataclass(frozen=True)
class Answer:
    """The answer to a client; ``body`` may be shorter than ``length`` says."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Date": DATE})
    length: int | None = None


class Raw(Answer):
    """An answer whose ``body`` is everything that is sent, status line included; then the connection closes."""


class Lost(Raw):
    """No answer: the request was read, and the connection closes."""


class Hinted(Answer):
    """An answer that comes after an interim one, 103 Early Hints; the connection stays open."""


class Silent(Answer):
    """No answer: the request was read, and the connection stays open."""


@dataclass(frozen=True)
class Trickling(Answer):
    """An answer that comes byte by byte, each well within any read time-out, and takes minutes.

    Attributes:
        whole: the bytes that come at once, of status line, headers and body.
    """

    whole: int = 0


@dataclass
class HttpStub:
    """The server's address, the requests to it, and its answers.

    Attributes:
        trickled_seconds: how long a client has waited for answers that trickle in, if it takes its time from here.
    """

    url: str
    answer: Callable[[Request], Answer]
    requests: list[Request] = field(default_factory=list)
    trickled_seconds: float = 0

    def set_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let clients take their time from here: an answer that trickles in uses up a call's time at once."""
        monkeypatch.setattr(timed_connections, "monotonic", lambda: monotonic() + self.trickled_seconds)

    def answer_in_turn(self, *answers: Answer) -> None:
        """Give these answers one after the other, and repeat the last one."""
        remaining = list(answers)
        self.answer = lambda _: remaining.pop(0) if len(remaining) > 1 else remaining[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing about a client that has closed the connection, as one does after its read time-out."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def http_stub() -> Iterator[HttpStub]:
    """Run a server on a free port of the loopback interface."""
    closing = Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, dict(self.headers), body)
            stub.requests.append(request)
            answer = stub.answer(request)
            match answer:
                case Raw():
                    self.wfile.write(answer.body)
                    self.close_connection = True
                case Silent():
                    closing.wait()
                case Hinted():
                    self.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                    self.give(answer)
                case Trickling():
                    self.close_connection = True
                    _trickle(answer, self.wfile, stub, closing)
                case _:
                    self.give(answer)

        def give(self, answer: Answer) -> None:
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
            self.end_headers()
            self.wfile.write(answer.body if self.command != "HEAD" else b"")
            self.close_connection = answer.length is not None

        do_GET = do_HEAD = do_POST = do_PUT = handle_request  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    stub = HttpStub(f"http://127.0.0.1:{server.server_port}", lambda _: Answer())
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stub
    finally:
        closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _trickle(answer: Trickling, file: BufferedIOBase, stub: HttpStub, closing: Event) -> None:
    lines = [
        f"HTTP/1.1 {answer.status} OK",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
        f"Content-Length: {len(answer.body)}",
    ]
    content = "\r\n".join([*lines, "", ""]).encode() + answer.body
    with suppress(ConnectionError):
        file.write(content[: answer.whole])
        stub.trickled_seconds += CALL.answer_seconds
        for place in range(answer.whole, len(content)):
            file.write(content[place : place + 1])
            if closing.wait(0.02):
                return
