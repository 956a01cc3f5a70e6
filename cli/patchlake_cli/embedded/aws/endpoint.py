"""The endpoint of the embedded AWS; how this process and the functions' processes reach it, and nothing else."""

from dataclasses import dataclass
from functools import cached_property

from boto3.session import Session
from botocore.config import Config

_ACCESS_KEY_ID = "embedded"
_SECRET_ACCESS_KEY = "embedded-secret"  # noqa: S105 - the embedded AWS checks no signature


@dataclass(frozen=True)
class Endpoint:
    """The embedded AWS's one address, for all services, and the region in which the stack lives."""

    url: str
    region: str

    @cached_property
    def session(self) -> Session:
        """A session of the stack's own account, independent of the user's profiles and variables.

        One for all clients, since each session reads the SDK's description of a service again.
        """
        return Session(
            aws_access_key_id=_ACCESS_KEY_ID, aws_secret_access_key=_SECRET_ACCESS_KEY, region_name=self.region
        )

    @property
    def config(self) -> Config:
        """The configuration of every client: straight to this machine, whatever proxy the user has set."""
        return Config(proxies={}, retries={"mode": "standard"})

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a function's SDK finds the embedded AWS; Lambda sets all but the first itself."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": _ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": _SECRET_ACCESS_KEY,
        }
