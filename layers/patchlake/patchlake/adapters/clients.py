"""The SDK's clients, with a limit for the total time of each call, and with one kind of error for unreadable answers.

The SDK's read time-out starts again at each byte, so a call whose answer trickles in would never end. With these
clients, an attempt has the read time-out for each ``BYTES_IN_TIME`` that it sends or receives. An answer that never
ends has no limit of time, but one of bytes.
"""

import io
import math
import socket
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import ProtocolError

from patchlake.adapters.addresses import require_addresses
from patchlake.adapters.answer_encoding import unasked_encoding
from patchlake.adapters.answer_form import FIRST_ERROR_STATUS, failure_in, is_in_form
from patchlake.adapters.answer_times import read_time
from patchlake.adapters.error_bodies import keep_errors_readable
from patchlake.adapters.session_credentials import renew_readably
from patchlake.core.timings import BYTES_IN_TIME, CALL
from patchlake.errors import ConfigError

if TYPE_CHECKING:
    import boto3
    from _typeshed import ReadableBuffer, WriteableBuffer

CONFIG = Config(
    connect_timeout=CALL.connect_seconds,
    read_timeout=CALL.answer_seconds,
    retries={"mode": "standard", "total_max_attempts": CALL.attempts},
)
"""The time-outs and attempts of every call."""

LARGEST_ANSWER = 64 * 1024 * 1024
"""The most bytes of an answer of any service but S3, whose objects may be of any size."""

REQUIRE_SUCCESS = "RequireSuccess"
"""The name of the check of answers without an error status."""

_PIECE = 64 * 1024
"""The bytes that are sent at once: each piece has the time that is left."""


def make_client(session: "boto3.Session", service: str, config: Config | None = None, region: str | None = None) -> Any:  # noqa: ANN401  # each service has its own type
    """Make a client whose calls end, and whose errors have their HTTP status.

    Args:
        session: the session.
        service: the service, by its name in the SDK.
        config: what differs from ``CONFIG``.
        region: the region, by default that of the session.

    Raises:
        ConfigError: a setting cannot be used, such as the address of the endpoint or of the proxy.
    """
    own = CONFIG if config is None else CONFIG.merge(config)
    try:
        client: Any = session.client(service, region_name=region, config=own)  # type: ignore[call-overload]
    except BotoCoreError:
        raise
    except ValueError as error:
        msg = f"the AWS settings of your environment or profile cannot be used for {service}: {error}"
        raise ConfigError(msg) from error
    require_addresses(service, client.meta.endpoint_url)
    # The SDK has no setting for this. A test with an answer that trickles in shows that these classes are used.
    largest = math.inf if service == "s3" else LARGEST_ANSWER
    pools = _pools(client.meta.config.read_timeout, largest)
    client._endpoint.http_session._pool_classes_by_scheme.update(pools)  # noqa: SLF001
    # Nor for this.
    client._endpoint._response_parser_factory = _Parsers(client._endpoint._response_parser_factory)  # noqa: SLF001
    client.meta.events.register("before-parse", _require_success, unique_id=REQUIRE_SUCCESS)
    keep_errors_readable(client.meta.events)
    renew_readably(client)
    return client


def _require_success(response_dict: Mapping[str, Any], **_: object) -> None:
    status = response_dict["status_code"]
    if status < FIRST_ERROR_STATUS and (failure := failure_in(status, response_dict["headers"])):
        raise ResponseParserError(failure)


class _Parsers:
    """The SDK's parsers, with one error for every malformed answer.

    A parser trusts the answer: for a malformed one, it raises an error of Python, or one that repeats the whole body.
    The body may contain credentials. It also reads what is no time as one.
    """

    def __init__(self, factory: Any) -> None:  # noqa: ANN401
        self._factory = factory

    def create_parser(self, protocol: str) -> Any:  # noqa: ANN401
        """Return the parser of a protocol."""
        parser = self._factory.create_parser(protocol)
        # The SDK has a setting for this, but of the session, and so of clients that are not ours.
        parser._timestamp_parser = read_time  # noqa: SLF001
        parse = parser.parse

        def parse_or_refuse(answer: dict[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401
            found: Any = None
            # Not with the SDK's error as the cause: a log of both would have the body.
            with suppress(ResponseParserError, LookupError, AttributeError, TypeError, ValueError, RuntimeError):
                found = parse(answer, shape) if is_in_form(answer, protocol, shape) else None
            if isinstance(found, dict):
                return found
            encoding = unasked_encoding(answer["headers"])
            msg = f"the answer was cut short, or is malformed{encoding}"
            raise ResponseParserError(msg)

        parser.parse = parse_or_refuse
        return parser


def _pools(answer_seconds: float, largest_answer: float) -> dict[str, Any]:
    """Return the SDK's connection pools, of connections whose calls have a limit."""

    class Plain(_TimedConnection, AWSHTTPConnection):  # type: ignore[misc]
        limit = answer_seconds
        largest = largest_answer

    class Secure(_TimedConnection, AWSHTTPSConnection):  # type: ignore[misc]
        limit = answer_seconds
        largest = largest_answer

    class PlainPool(AWSHTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(AWSHTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


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
