"""MiniStack, an AWS of other makers: it evaluates IAM, speaks TLS, and runs the functions of a stack as processes.

SSM, EC2 and Organizations, and the roles of other accounts, are those of our embedded AWS: its fleet has the nodes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from patchlake_cli.embedded.aws.endpoint import Endpoint
from tests.e2e.server_process import LOOPBACK, free_ports, running
from tests.e2e.tools import program

ACCOUNT_ID = "111122223333"
SERVED_BY_THE_EMBEDDED_AWS: Final = ("EC2", "ORGANIZATIONS", "SSM", "STS")
_NOT_CHECKED = Config(retries={"max_attempts": 0}, connect_timeout=1, read_timeout=5)
_EVERYTHING = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


@dataclass(frozen=True)
class MiniStack:
    """A running MiniStack, and credentials for it.

    Attributes:
        url: of all of its services.
        region: of the stack.
        certificate: the file that a client must trust.
        access_key: of the caller.
        secret_key: of the caller.
    """

    url: str
    region: str
    certificate: Path
    access_key: str
    secret_key: str

    @cached_property
    def session(self) -> boto3.Session:
        """A session of the caller."""
        return boto3.Session(self.access_key, self.secret_key, region_name=self.region)

    def client(self, service: str, config: Config | None = None) -> Any:  # noqa: ANN401 - of any service
        """Return a client of the caller's."""
        return self.session.client(
            service,  # type: ignore[call-overload]  # any of them
            endpoint_url=self.url,
            verify=str(self.certificate),
            config=config,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a command finds it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self.certificate),
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def as_user(self, name: str, policy: str) -> "MiniStack":
        """Return it with the credentials of a new user, who has one policy."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return MiniStack(self.url, self.region, self.certificate, key["AccessKeyId"], key["SecretAccessKey"])

    def answers(self) -> bool:
        """Whether it can be called."""
        try:
            self.client("sts", _NOT_CHECKED).get_caller_identity()
        except (BotoCoreError, OSError):
            return False
        return True


@contextmanager
def running_ministack(region: str, embedded: Endpoint | None = None) -> Iterator[MiniStack]:
    """Start MiniStack, empty, and end it and its functions with the context; the caller is an administrator.

    Args:
        region: of the stack.
        embedded: our embedded AWS, for the functions.
    """
    [port] = free_ports(1)
    # A function's process has its own copy of its layers there, 100 MB.
    with TemporaryDirectory(prefix="ministack-") as folder:
        certificate = Path(folder, "ministack-tls", "server.crt")
        owner = MiniStack(f"https://{LOOPBACK}:{port}", region, certificate, ACCOUNT_ID, "-")
        variables = {
            # It starts a function with the python3.13 on PATH, and makes its certificate with openssl.
            "PATH": os.pathsep.join([str(program("ministack", "")), os.environ.get("PATH", os.defpath)]),
            "HOME": folder,
            "TMPDIR": folder,
            "BIND_HOST": LOOPBACK,
            "MINISTACK_HOST": LOOPBACK,
            "GATEWAY_PORT": str(port),
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "MINISTACK_REGION": region,
            "AUTH": "true",
            "USE_SSL": "true",
            "IOT_MTLS_ENABLED": "false",
            # Seconds before an event is tried again.
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1",
        }
        if embedded is not None:
            variables |= {f"AWS_ENDPOINT_URL_{service}": embedded.url for service in SERVED_BY_THE_EMBEDDED_AWS}
        with running([program("ministack", "ministack")], variables, Path(folder), owner.answers):
            yield owner.as_user("administrator", _EVERYTHING)
