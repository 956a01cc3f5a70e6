"""The control calls with which tests and the demo change a running embedded AWS: both the server and the client.

A call is a POST of JSON to ``/_embedded/<command>``; no bucket can have that name, so it collides with nothing in moto.
The answer is JSON too, or status 400 and a reason as text.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Final
from urllib.parse import urlsplit

import msgspec

from patchlake_cli.embedded.aws.lambda_api import ServedFunction
from patchlake_cli.embedded.aws.settings import Conditions
from patchlake_cli.embedded.aws.state import State, Statistics

PATH_PREFIX: Final = "/_embedded/"

_TIMEOUT_SECONDS: Final = 60


class ControlError(Exception):
    """A control call was refused; the text gives the reason."""


class ControlServer:
    """The server of the control calls.

    Args:
        state: the state to read and change.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def answer(self, command: str, body: bytes) -> tuple[HTTPStatus, bytes]:
        """Carry out a command, and return status and body of the answer."""
        try:
            return HTTPStatus.OK, msgspec.json.encode(self._carry_out(command, body))
        except (msgspec.DecodeError, ValueError) as error:
            return HTTPStatus.BAD_REQUEST, f"{command}: {error}".encode()

    def _carry_out(self, command: str, body: bytes) -> object:  # noqa: C901 - one case for each command
        state = self._state
        result: object = None
        match command:
            case "begin-day":
                state.begin_day(msgspec.json.decode(body, type=int))
            case "clock":
                result = state.clock.now()
            case "set-clock":
                state.clock.set(msgspec.json.decode(body, type=datetime).astimezone(UTC))
            case "advance-clock":
                state.clock.advance(msgspec.json.decode(body, type=float))
            case "conditions":
                result = state.conditions
            case "change":
                state.change(msgspec.json.decode(body, type=Conditions))
            case "expire-sessions":
                state.expire_sessions()
            case "serve-functions":
                state.functions.serve(msgspec.json.decode(body, type=list[ServedFunction]))
            case "withdraw-functions":
                state.functions.withdraw(msgspec.json.decode(body, type=list[str]))
            case "statistics":
                result = state.counts.statistics()
            case "reset":
                state.reset()
            case _:
                raise ValueError("unknown command")
        return result


class ControlClient:
    """The client of the control calls; every call opens its own connection.

    Args:
        host: of the server.
        port: of the server.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    @classmethod
    def at(cls, url: str) -> "ControlClient":
        """Return a client of the embedded AWS at an address."""
        parts = urlsplit(url)
        return ControlClient(parts.hostname or "", parts.port or 0)

    def begin_day(self, day: int) -> None:
        """Move the fleet to a day, set the clock to the time of its run, and reset the counts of calls and attempts.

        Raises:
            ControlError: the fleet has no such day.
        """
        self._post("begin-day", day)

    def clock(self) -> datetime:
        """Return the simulated time, in UTC."""
        return msgspec.json.decode(self._post("clock"), type=datetime)

    def set_clock(self, now: datetime) -> None:
        """Set the simulated time, given with its zone."""
        self._post("set-clock", now)

    def advance_clock(self, seconds: float) -> None:
        """Move the simulated time on."""
        self._post("advance-clock", seconds)

    def conditions(self) -> Conditions:
        """Return the conditions that hold now."""
        return msgspec.json.decode(self._post("conditions"), type=Conditions)

    def change(self, **changes: object) -> None:
        """Change some conditions, named like the attributes of ``Conditions``, and leave the others unchanged.

        Raises:
            TypeError: there is no such condition.
            ControlError: a value has the wrong type.
        """
        self._post("change", msgspec.structs.replace(self.conditions(), **changes))

    def statistics(self) -> Statistics:
        """Return the calls since the start, the last reset, or the start of the last day."""
        return msgspec.json.decode(self._post("statistics"), type=Statistics)

    def serve_functions(self, functions: list[ServedFunction]) -> None:
        """Announce functions that run and can be invoked."""
        self._post("serve-functions", functions)

    def withdraw_functions(self, names: list[str]) -> None:
        """Forget functions that no longer run."""
        self._post("withdraw-functions", names)

    def expire_sessions(self) -> None:
        """Expire every role assumed so far for SSM; roles assumed from now on are valid."""
        self._post("expire-sessions")

    def reset(self) -> None:
        """Return to the settings' conditions and to the first day, and empty all of moto: buckets, queues, sessions."""
        self._post("reset")
        self._request("/moto-api/reset", b"")

    def _post(self, command: str, argument: object = None) -> bytes:
        return self._request(PATH_PREFIX + command, msgspec.json.encode(argument))

    def _request(self, path: str, body: bytes) -> bytes:
        connection = HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json", "Connection": "close"})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != HTTPStatus.OK:
            raise ControlError(answer.decode(errors="replace"))
        return answer
