"""The process of the embedded AWS: moto's server with a faithful SSM, a stricter STS and the control calls.

``python -m patchlake_cli.embedded.aws.application`` reads its settings, one line of JSON, from standard input, prints
one line with its port, and serves until standard input ends, so it never outlives the process that started it.

Subclasses extend moto and replace nothing in it. The application answers the operations of SSM and the control calls
itself, and passes the rest to moto, with response classes of its own for EC2, STS and Organizations.
"""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import cache
from http import HTTPStatus
from io import BytesIO
from threading import Thread
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qs

import msgspec
from flask import Flask
from moto.backends import SERVICE_NAMES
from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.core.utils import convert_to_flask_response
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.wsgi import ClosingIterator

from patchlake.core.targets import Target
from patchlake_cli.embedded.aws.bucket_policy import answer_about_policy, is_about_policy
from patchlake_cli.embedded.aws.checksums import refusal_of_checksum
from patchlake_cli.embedded.aws.control import PATH_PREFIX, ControlServer
from patchlake_cli.embedded.aws.ec2_fleet import Ec2Fleet
from patchlake_cli.embedded.aws.ec2_refusals import Ec2Refusals
from patchlake_cli.embedded.aws.organizations import EmbeddedOrganizations
from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.aws.ssm import Ssm
from patchlake_cli.embedded.aws.ssm_calls import Operation
from patchlake_cli.embedded.aws.state import State
from patchlake_cli.embedded.aws.sts import CALLER_HEADER, EmbeddedSts

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_CREDENTIAL: Final = re.compile(r"Credential=(?P<access_key>[^/]+)/[^/]+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
_SSM_OPERATIONS: Final = {f"AmazonSSM.{operation}": operation for operation in Operation}
_CALLER: Final = f"HTTP_{CALLER_HEADER.upper().replace('-', '_')}"
_BODILESS: Final = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
_REPLACED_HEADERS: Final = {"connection", "content-length", "date", "server", "transfer-encoding"}


class _Signer(NamedTuple):
    """The signer of a request, by its Authorization header; an unsigned one counts as the home account's."""

    access_key: str
    account_id: str
    region: str
    service: str


class EmbeddedApplication(DomainDispatcherApplication):
    """The WSGI application: sends each request to the part that answers it.

    Args:
        state: of the embedded AWS.
    """

    def __init__(self, state: State) -> None:
        super().__init__(self._create_app)
        self._state = state
        self._ssm = Ssm(state)
        self._control = ControlServer(state)
        self._ec2_fleet = Ec2Fleet(state)
        self._ec2_refusals = Ec2Refusals(state)
        self._backend_for_host = cache(super().get_backend_for_host)

    def get_backend_for_host(self, host: str | None) -> str | None:
        """Return the backend for a host; moto lists all its folders to find it, so each host is asked about once."""
        backend: str | None = self._backend_for_host(host)
        return backend

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request, given its whole body.

        Raises:
            ConnectionResetError: the simulated connection breaks before the answer.
        """
        path: str = environ["PATH_INFO"]
        if path.startswith(PATH_PREFIX):
            status, body = self._control.answer(path.removeprefix(PATH_PREFIX), environ["wsgi.input"].read())
            start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
            return [body]
        signer = self._signer(environ)
        operation = _SSM_OPERATIONS.get(environ.get("HTTP_X_AMZ_TARGET", ""))
        if operation is None:
            self._count(signer, environ)
            if (own := self._own_answer(signer, environ)) is not None:
                status, headers, body = own
                start_response(f"{status.value} {status.phrase}", headers)
                return [body]
            # moto reads the caller's account from here first.
            environ["HTTP_X_MOTO_ACCOUNT_ID"] = signer.account_id
            environ[_CALLER] = signer.access_key
            answer: Iterable[bytes] = super().__call__(environ, start_response)
            return answer
        body = environ["wsgi.input"].read()
        answered = self._ssm.answer(operation, Target(signer.account_id, signer.region), signer.access_key, body)
        status = HTTPStatus(answered.status)
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", answered.request_id)]
        start_response(f"{status.value} {status.phrase}", headers)
        return [answered.body]

    def _own_answer(
        self, signer: _Signer, environ: "WSGIEnvironment"
    ) -> tuple[HTTPStatus, list[tuple[str, str]], bytes] | None:
        """Answer a request that moto cannot answer, or would answer wrongly; return None for all others."""
        if is_about_policy(environ, signer.service):
            policy = answer_about_policy(self._state.bucket_policies, environ)
            return policy.status, [("Content-Type", policy.content_type)], policy.body
        if (refused := refusal_of_checksum(environ, signer.service)) is not None:
            return HTTPStatus.BAD_REQUEST, [("Content-Type", "application/xml")], refused
        if signer.service == "ec2":
            return self._ec2_refusal(signer, environ)
        if signer.service != "lambda":
            return None
        answered = self._state.functions.answer(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            environ.get("QUERY_STRING", ""),
            environ["wsgi.input"].read(),
            concurrent_executions=self._state.conditions.concurrent_executions,
        )
        if answered is None:
            environ["wsgi.input"].seek(0)
            return None
        return answered.status, [("Content-Type", "application/json"), *answered.headers], answered.body

    def _ec2_refusal(
        self, signer: _Signer, environ: "WSGIEnvironment"
    ) -> tuple[HTTPStatus, list[tuple[str, str]], bytes] | None:
        form = environ["wsgi.input"].read()
        environ["wsgi.input"].seek(0)
        refusal = self._ec2_refusals.of(Target(signer.account_id, signer.region), signer.access_key, form)
        return None if refusal is None else (refusal.status, [("Content-Type", "text/xml")], refusal.body)

    def _signer(self, environ: "WSGIEnvironment") -> _Signer:
        credential = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        if credential is None:
            return _Signer("", self._state.home_account_id, "", "")
        access_key = credential["access_key"]
        # A key that moto made, such as that of an assumed role, belongs to its account; any other to the home account.
        accounts = (
            account_id for account_id, keys in list(iam_backends.items()) if access_key in keys["aws"].access_keys
        )
        account_id = next(accounts, self._state.home_account_id)
        return _Signer(access_key, account_id, credential["region"], credential["service"])

    def _count(self, signer: _Signer, environ: "WSGIEnvironment") -> None:
        operation: str = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        if not operation and environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            form = environ["wsgi.input"].read().decode()
            environ["wsgi.input"].seek(0)
            operation = parse_qs(form).get("Action", [""])[0]
        self._state.counts.call(
            (signer.service, operation or environ["REQUEST_METHOD"], signer.account_id, signer.region),
            is_retry=not environ.get("HTTP_AMZ_SDK_REQUEST", "attempt=1").startswith("attempt=1"),
        )

    def _create_app(self, service: SERVICE_NAMES) -> Flask:
        """Make moto's application for a service, with our response class if there is one."""
        app = create_backend_app(service)
        # An operation that moto lacks gives an answer with status 500, not an exception in the server.
        app.config["PROPAGATE_EXCEPTIONS"] = False
        own = {"ec2": self._ec2, "sts": self._sts, "organizations": self._organizations}.get(service)
        if own is not None:
            app.view_functions = dict.fromkeys(app.view_functions, convert_to_flask_response(own))
        return app

    def _sts(self, request: Request, url: str, headers: object) -> TYPE_RESPONSE:
        return EmbeddedSts(self._state).answer(request, url, headers)

    def _ec2(self, request: Request, url: str, headers: object) -> TYPE_RESPONSE:
        # Not at the top: most runs do not ask EC2, and moto's takes as long to import as all others together.
        from patchlake_cli.embedded.aws.ec2 import EmbeddedEc2  # noqa: PLC0415

        return EmbeddedEc2(self._state, self._ec2_fleet).answer(request, url, headers)

    def _organizations(self, request: Request, url: str, headers: object) -> TYPE_RESPONSE:
        return EmbeddedOrganizations(self._state).answer(request, url, headers)


class EmbeddedServer(ThreadedWSGIServer):
    """The HTTP server, on a free port of the loopback interface.

    Args:
        state: of the embedded AWS.
    """

    def __init__(self, state: State) -> None:
        self.clock = state.clock
        super().__init__("127.0.0.1", 0, EmbeddedApplication(state), EmbeddedRequestHandler)


class EmbeddedRequestHandler(MotoRequestHandler):
    """Reads requests and writes answers, many over one connection, each with the simulated ``Date``.

    werkzeug's own handler closes every connection after one answer, which costs SDK clients a new one for each call.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: EmbeddedServer

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the simulated time, unless another time is given."""
        return self.server.clock.http_date() if timestamp is None else super().date_time_string(timestamp)

    def handle_expect_100(self) -> bool:
        """Let the client send the body that it holds back."""
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def run_wsgi(self) -> None:
        """Answer one request."""
        environ = self.make_environ()
        chunked = environ.get("wsgi.input_terminated", False)
        body = environ["wsgi.input"].read(*() if chunked else (int(environ.get("CONTENT_LENGTH") or 0),))
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        status, headers = "", list[tuple[str, str]]()

        def start_response(
            given_status: str, given_headers: list[tuple[str, str]], _: object = None
        ) -> Callable[..., object]:
            nonlocal status, headers
            status, headers = given_status, given_headers
            return self.wfile.write

        with closing(ClosingIterator(self.server.app(environ, start_response))) as chunks:
            content = b"".join(chunks)
        self._send(status, headers, content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log no single requests; the statistics count them."""

    def _send(self, status: str, headers: list[tuple[str, str]], content: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        self.send_header("Date", self.date_time_string())
        for name, value in headers:
            if name.lower() not in _REPLACED_HEADERS:
                self.send_header(name, value)
        if int(code) not in _BODILESS:
            # The answer to HEAD has the length of what GET would send.
            stated = {name.lower(): value for name, value in headers}.get("content-length")
            self.send_header("Content-Length", stated if self.command == "HEAD" and stated else str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def main() -> None:
    """Serve until standard input ends."""
    # Ctrl-C reaches the whole process group of a terminal; the parent process decides what to do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=Settings)
    server = EmbeddedServer(State(settings))
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    # moto prints sometimes, and no one reads the pipe from here on: a full pipe would block it.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
