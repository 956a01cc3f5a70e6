"""A fast SSM on the loopback interface, in its own process: its three operations, from prepared rows.

It answers every caller, in the order of a call's ids and fifty a page, after a latency that takes no processor time.
The rows come from the simulated fleet, so they are as varied, and compress as badly, as the demo's.
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from typing import Any, Final

from patchlake.sources.patches import PATCHES, STATES
from patchlake.sources.registry import SOURCES
from patchlake.sources.source import Operation
from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.fleet.node import PATCH_STATES

REGION: Final = "eu-central-1"
_IDENTITY = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account>"
    b"<Arn>arn:aws:iam::111122223333:user/benchmark</Arn><UserId>benchmark</UserId>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)
_OPERATION = re.compile(rb"AmazonSSM\.(\w+)")
_REGION = re.compile(rb"/([a-z0-9-]+)/ssm/aws4_request")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Rows:
    """The nodes of one account, as JSON, spread evenly over its regions."""

    def __init__(self, nodes: int, regions: Sequence[str]) -> None:
        """Make the nodes."""
        fleet = Settings(nodes=nodes, accounts=1, regions=1).fleet()
        [target] = fleet.targets
        found = sorted(fleet.nodes(target, 0), key=lambda node: node.instance_id)
        self._listings = {
            region.encode(): [json.dumps(node.information).encode() for node in found[number :: len(regions)]]
            for number, region in enumerate(regions)
        }
        self._states = {
            node.instance_id: json.dumps(node.patch_state).encode() for node in found if node.patch_state is not None
        }
        self._patches = {
            node.instance_id: [json.dumps(patch).encode() for patch in node.patches(frozenset(STATES))]
            for node in found
            if node.patch_state is not None and any(node.patch_state.get(PATCH_STATES[state]) for state in STATES)
        }

    def answer(self, region: bytes, operation: bytes, body: bytes) -> bytes:
        """Return the body of an answer."""
        request = json.loads(body)
        if operation == b"DescribeInstancePatchStates":
            rows = (self._states[i] for i in request["InstanceIds"] if i in self._states)
            return b'{"InstancePatchStates":[' + b",".join(rows) + b"]}"
        if operation == b"DescribeInstancePatches":
            assert request["Filters"] == [{"Key": "State", "Values": list(STATES)}]
            return _page(PATCHES.operation, self._patches.get(request["InstanceId"], []), request)
        return _page(SOURCES.nodes.operation, self._listings[region], request)


def _page(operation: Operation, rows: Sequence[bytes], request: Mapping[str, Any]) -> bytes:
    start = int(request.get("NextToken") or 0)
    end = start + operation.page_size
    token = b',"NextToken":"%d"' % end if end < len(rows) else b""
    return b'{"%s":[%s]%s}' % (operation.rows_member.encode(), b",".join(rows[start:end]), token)


class _Connection(asyncio.Protocol):
    """One connection: a request at a time, kept alive."""

    def __init__(self, rows: Rows, latency_seconds: float) -> None:
        self._rows = rows
        self._latency_seconds = latency_seconds
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not separator or length is None or len(body) < int(length[1]):
            return
        self._received = b""
        operation, region = _OPERATION.search(head), _REGION.search(head)
        content = self._rows.answer(region[1] if region else b"", operation[1], body) if operation else _IDENTITY
        asyncio.get_running_loop().call_later(self._latency_seconds, self._send, content)

    def _send(self, content: bytes) -> None:
        if self._transport is not None:
            head = f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: application/x-amz-json-1.1\r\n"
            self._transport.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)


async def _serve(nodes: int, latency_seconds: float, regions: Sequence[str]) -> None:
    rows = Rows(nodes, regions)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(rows, latency_seconds), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    # The process that started it holds its standard input open.
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def running_ssm(nodes: int, latency_seconds: float, regions: Sequence[str] = (REGION,)) -> Iterator[str]:
    """Run the server; yield its URL."""
    command = [sys.executable, "-m", "benchmarks.loopback_ssm", str(nodes), str(latency_seconds), *regions]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.stdin.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
