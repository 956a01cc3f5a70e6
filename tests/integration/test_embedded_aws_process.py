"""The process of the embedded AWS: it starts, keeps connections, and never outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import msgspec
import pytest

from patchlake_cli.embedded.aws.server import StartError, start_server
from patchlake_cli.embedded.aws.settings import Settings

SERVER = [sys.executable, "-m", "patchlake_cli.embedded.aws.application"]
SMALL = Settings(nodes=0)
PATIENCE_SECONDS = 20

PARENT = """
import sys
from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.aws.settings import Settings
with start_server(Settings(nodes=0)) as aws:
    print(aws.endpoint_url.rpartition(":")[2], flush=True)
    sys.stdin.read()
"""


@contextmanager
def running(command: list[str], first_line: bytes = b"") -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a process that prints the port of an embedded AWS, and kill it in the end if it still runs."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(first_line)
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def watched(port: int) -> Iterator[socket.socket]:
    """Hold a connection to the server: it breaks when the server's process ends, not earlier."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(b"POST /_embedded/clock HTTP/1.1\r\nContent-Length: 4\r\n\r\nnull")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK")
        yield connection


def has_ended(connection: socket.socket) -> bool:
    """Wait until the server at the other end is gone."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_it_serves_and_ends_with_its_context() -> None:
    with start_server(SMALL) as aws, watched(int(aws.endpoint_url.rpartition(":")[2])) as connection:
        assert aws.clock() == aws.fleet.run_at(0)
        aws.close()
        assert has_ended(connection)
        aws.close()


def test_it_ends_when_its_standard_input_does() -> None:
    with running(SERVER, msgspec.json.encode(SMALL) + b"\n") as (process, port), watched(port) as connection:
        assert process.stdin is not None

        process.stdin.close()

        assert has_ended(connection)
        assert process.wait(PATIENCE_SECONDS) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_it_ends_when_the_process_that_started_it_is_killed() -> None:
    with running([sys.executable, "-c", PARENT]) as (parent, port), watched(port) as connection:
        parent.kill()

        assert has_ended(connection)


def test_it_ends_with_an_exception_in_its_context() -> None:
    with ExitStack() as connections:

        def interrupted() -> None:
            with start_server(SMALL) as aws:
                watch.append(connections.enter_context(watched(int(aws.endpoint_url.rpartition(":")[2]))))
                raise KeyboardInterrupt

        watch: list[socket.socket] = []
        with pytest.raises(KeyboardInterrupt):
            interrupted()

        assert has_ended(watch[0])


def test_an_interrupt_does_not_reach_it_and_says_nothing() -> None:
    with running(SERVER, msgspec.json.encode(SMALL) + b"\n") as (process, port):
        process.send_signal(signal.SIGINT)

        with watched(port):
            assert process.poll() is None
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.close()
        assert process.stderr.read() == b""


def test_it_stands_in_a_session_of_its_own() -> None:
    with start_server(SMALL) as aws:
        assert os.getsid(aws.process_id) == aws.process_id != os.getsid(0)


def test_a_signal_to_terminate_ends_it() -> None:
    with running(SERVER, msgspec.json.encode(SMALL) + b"\n") as (process, port), watched(port) as connection:
        process.terminate()

        assert has_ended(connection)
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGTERM


def test_a_start_that_fails_says_why() -> None:
    with pytest.raises(StartError, match="a fleet has 1 to 16 regions, not 99"), start_server(Settings(regions=99)):
        pass


def test_settings_of_the_user_do_not_reach_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("not an ini file")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "999999999999")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "missing")

    with start_server(SMALL) as aws:
        monkeypatch.undo()
        sqs = aws.endpoint.session.client("sqs", endpoint_url=aws.endpoint_url, config=aws.endpoint.config)

        assert "/111122223333/" in sqs.create_queue(QueueName="q")["QueueUrl"]


def test_its_errors_go_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "aws.log"
    log.write_text("before\n")
    with start_server(SMALL, log) as aws:
        connection = HTTPConnection(aws.endpoint_url.removeprefix("http://"), timeout=PATIENCE_SECONDS)
        headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=any/20261101/eu-central-1/ssm/aws4_request, x"}
        connection.request("POST", "/", "{}", headers | {"X-Amz-Target": "AmazonSSM.DescribePatchGroupState"})
        assert connection.getresponse().status == 500
        connection.close()

    assert log.read_text().startswith("before\n")
    assert "The describe_patch_group_state action has not been implemented" in log.read_text()


def test_many_requests_share_a_connection() -> None:
    with start_server(SMALL) as aws:
        connection = HTTPConnection(aws.endpoint_url.removeprefix("http://"), timeout=PATIENCE_SECONDS)
        connection.connect()
        first = connection.sock

        for path, body in (("/_embedded/clock", "null"), ("/bucket", ""), ("/_embedded/clock", "null"), ("/", "")):
            connection.request("POST" if body else "GET", path, body)
            connection.getresponse().read()

        assert connection.sock is first
        connection.close()
