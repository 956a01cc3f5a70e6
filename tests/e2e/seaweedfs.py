"""SeaweedFS, an S3 of other makers."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.server_process import LOOPBACK, free_ports, running
from tests.e2e.tools import program

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SERVERS = ("master", "volume", "filer", "s3")


@dataclass(frozen=True)
class SeaweedFs:
    """A running SeaweedFS."""

    url: str
    access_key: str = "weed"
    secret_key: str = "weed-secret"  # noqa: S105 - it guards nothing

    def client(self) -> "S3Client":
        """Return a new client, with connections of its own."""
        session = boto3.Session(self.access_key, self.secret_key, region_name="eu-west-1")
        return session.client(
            "s3", endpoint_url=self.url, config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard"})
        )

    def make_bucket(self, name: str) -> str:
        """Make a bucket that keeps every version of its objects, and return its name."""
        client = self.client()
        client.create_bucket(Bucket=name)
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name


@contextmanager
def running_seaweedfs() -> Iterator[SeaweedFs]:
    """Start SeaweedFS, empty, and end it with the context."""
    ports = dict(zip([f"{name}.port{kind}" for name in SERVERS for kind in ("", ".grpc")], free_ports(8), strict=True))
    store = SeaweedFs(f"http://{LOOPBACK}:{ports['s3.port']}")
    with TemporaryDirectory(prefix="seaweedfs-") as folder:
        command: list[str | Path] = [
            *(program("seaweedfs", "weed"), "server", "-s3", f"-dir={folder}"),
            *(f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", "-s3.port.iceberg=0"),
            *("-volume.max=1000", "-master.volumeSizeLimitMB=32"),
            *(f"-{name}={port}" for name, port in ports.items()),
        ]
        variables = {
            "PATH": os.defpath,
            "HOME": folder,
            "AWS_ACCESS_KEY_ID": store.access_key,
            "AWS_SECRET_ACCESS_KEY": store.secret_key,
        }
        with running(command, variables, Path(folder), lambda: _answers(store, ports["s3.port"])):
            yield store


def _answers(store: SeaweedFs, port: int) -> bool:
    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)):
            return False
    try:
        store.client().list_buckets()
    except (BotoCoreError, ClientError):
        return False
    return True
