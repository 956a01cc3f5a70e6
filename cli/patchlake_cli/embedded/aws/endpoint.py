"""The endpoint of the embedded AWS, and the settings with which this process and the functions reach it."""

from dataclasses import dataclass
from functools import cached_property

from boto3.session import Session
from botocore.config import Config

_ACCESS_KEY_ID = "embedded"
_SECRET_ACCESS_KEY = "embedded-secret"  # noqa: S105 - the embedded AWS checks no signature


@dataclass(frozen=True)
class Endpoint:
    """The single address of the embedded AWS, for all services, and the region of the stack."""

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
        """The configuration of every client: it connects directly, without the user's proxy."""
        return Config(proxies={}, retries={"mode": "standard"})

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a function's SDK finds the embedded AWS; Lambda sets all but the first itself."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": _ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": _SECRET_ACCESS_KEY,
        }
