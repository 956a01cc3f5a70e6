"""One plain embedded AWS for all contract suites: moto's server over HTTP."""

from collections.abc import Iterator
from itertools import count

import boto3
import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def aws_session() -> boto3.Session:
    return boto3.Session("testing", "testing", region_name="eu-west-1")


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    """Numbers for names that no other test uses."""
    return count()
