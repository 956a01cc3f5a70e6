"""Connections of the SDK with a limit for the time and the bytes of each call.

The SDK's read time-out starts again at each byte, so a call whose answer trickles in would never end. Over these
connections, an attempt has the time of an answer for each ``BYTES_IN_TIME`` that it sends or receives. An answer that
never ends has no limit of time, but one of bytes.
"""

import io
import socket
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from urllib3.exceptions import ProtocolError

from patchlake.core.timings import BYTES_IN_TIME

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_PIECE = 64 * 1024
"""The bytes that are sent at once: each piece has the time that is left."""


def limit_calls(http_session: Any, answer_seconds: float, largest_answer: float) -> None:  # noqa: ANN401  # has no stubs
    """Limit each call over the connections that this HTTP session of the SDK opens from now on.

    Args:
        http_session: the SDK's, such as that of a client.
        answer_seconds: the time of an answer.
        largest_answer: the most bytes of an answer.
    """

    class Plain(_TimedConnection, AWSHTTPConnection):  # type: ignore[misc]
        limit = answer_seconds
        largest = largest_answer

    class Secure(_TimedConnection, AWSHTTPSConnection):  # type: ignore[misc]
        limit = answer_seconds
        largest = largest_answer

    class PlainPool(_WithoutRedirects, AWSHTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(_WithoutRedirects, AWSHTTPSConnectionPool):
        ConnectionCls = Secure

    # The SDK has no setting for this. A test with an answer that trickles in shows that these classes are used.
    http_session._pool_classes_by_scheme.update({"http": PlainPool, "https": SecurePool})  # noqa: SLF001


class _WithoutRedirects:
    """A pool that returns every answer as it is; mixed into the SDK's own pool.

    By itself it changes the request after a 303, and fails on the headers of the SDK, though it would not send it.
    """

    def urlopen(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        """Return the answer to a request."""
        return super().urlopen(*arguments, **options, redirect=False)  # type: ignore[misc]


class _TimedConnection:
    """A connection whose socket limits the time of each call; mixed into the SDK's own connection.

    Attributes:
        limit: the seconds of a call, or of each ``BYTES_IN_TIME`` of a large one.
        largest: the most bytes of an answer.
    """

    limit: float
    largest: float
    sock: Any

    def connect(self) -> None:
        """Connect, and limit the calls from then on."""
        super().connect()  # type: ignore[misc]
        self.sock = _TimedSocket(self.sock, self.limit, self.largest)

    def request(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        """Begin a call."""
        if self.sock is not None:
            self.sock.begin_call()
        super().request(*arguments, **options)  # type: ignore[misc]

    def getresponse(self) -> Any:  # noqa: ANN401
        """Return the answer to the call.

        Raises:
            ProtocolError: it is an interim one, such as 103: Python ignores only 100, and the next call on this
                connection would get the final one.
        """
        answer = super().getresponse()  # type: ignore[misc]
        if answer.status < HTTPStatus.OK:
            msg = f"the interim answer {answer.status}"
            raise ProtocolError(msg)
        return answer


class _TimedSocket:
    """A socket that waits only as long as the call still may take; it passes on everything else."""

    def __init__(self, sock: socket.socket, limit: float, largest: float) -> None:
        self._sock = sock
        self._limit = limit
        self._largest = largest
        self._timeout = sock.gettimeout()
        self.begin_call()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._sock, name)

    def begin_call(self) -> None:
        """Begin a call."""
        self._received = 0
        self._begin()

    def _begin(self) -> None:
        """Begin a call, or the next bytes of a large one."""
        self._began = monotonic()
        self._bytes = 0

    def settimeout(self, seconds: float | None) -> None:
        """Set the longest wait for the next byte."""
        self._timeout = seconds
        self._sock.settimeout(seconds)

    def sendall(self, data: "ReadableBuffer", *flags: int) -> None:
        """Send bytes."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _PIECE):
            piece = view[start : start + _PIECE]
            self.wait()
            self._sock.sendall(piece, *flags)
            self.moved(len(piece))

    def makefile(self, mode: str = "rb", buffering: int | None = None, **_: Any) -> Any:  # noqa: ANN401
        """Return a file that reads the answer."""
        raw = _TimedReads(self, self._sock.makefile(mode, buffering=0))  # type: ignore[call-overload]
        return raw if buffering == 0 else io.BufferedReader(raw)

    def wait(self) -> None:
        """Let the next wait take no longer than the call still may.

        Raises:
            TimeoutError: its time is over.
        """
        left = self._began + self._limit - monotonic()
        if left <= 0:
            msg = f"only {self._bytes} bytes in {self._limit} seconds"
            raise TimeoutError(msg)
        self._sock.settimeout(left if self._timeout is None else min(self._timeout, left))

    def moved(self, count: int) -> None:
        """Count bytes that were sent or received."""
        self._bytes += count
        if self._bytes >= BYTES_IN_TIME:
            self._begin()

    def received(self, count: int) -> None:
        """Count bytes of the answer.

        Raises:
            OSError: there are too many.
        """
        self.moved(count)
        self._received += count
        if self._received > self._largest:
            msg = f"an answer of more than {self._largest} bytes"
            raise OSError(msg)


class _TimedReads(io.RawIOBase):
    """The bytes of an answer."""

    def __init__(self, sock: _TimedSocket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Read what has arrived, or wait for it."""
        self._sock.wait()
        count: int | None = self._raw.readinto(buffer)
        self._sock.received(count or 0)
        return count

    def close(self) -> None:
        """Close it, and the connection if that was closed before."""
        self._raw.close()
        super().close()
