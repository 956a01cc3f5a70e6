"""The composition of each stage from its function's environment: the only place where adapters are chosen.

Each stage has a module of its own, so that a function starts without the others. What they share is here.
"""

import random
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from patchlake.adapters.clients import LimitedSession, make_client
from patchlake.adapters.clock import ServiceClock
from patchlake.adapters.enabled_regions import enabled_regions
from patchlake.adapters.organizations import AwsAccounts
from patchlake.adapters.s3 import S3Store
from patchlake.adapters.sts import RoleSessions, caller_account_id
from patchlake.adapters.target_apis import AwsTargetApis
from patchlake.sources.instances import INSTANCES
from patchlake.sources.patches import PATCHES
from patchlake.sources.tags import TAGS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

DETAIL_CONNECTIONS = 2
"""The concurrent calls of one worker about secondary details: the account's own use shares SSM's limit."""


class Aws:
    """A session whose clients share one clock."""

    def __init__(self, session: boto3.Session | None = None, local_time: Callable[[], datetime] | None = None) -> None:
        """Use a session, by default the SDK's.

        Args:
            session: of the home account.
            local_time: returns this machine's time, if that counts where all clients talk to AWS.
        """
        self.session = session or boto3.Session(botocore_session=LimitedSession())
        self.clock = ServiceClock(self._ask_for_the_time, local_time)

    def accounts(self, home_account_id: Callable[[], str]) -> AwsAccounts:
        """Make the access to our own account and the organization.

        Args:
            home_account_id: asks for the account of the session.
        """
        # Few runs ask EC2 here, and its client takes longest to make.
        return AwsAccounts(home_account_id, self._enabled_regions, self.client("organizations"))

    @cached_property
    def sts(self) -> "STSClient":
        """The client of the session's own identity."""
        client: STSClient = self.client("sts")
        return client

    def client(self, service: str, config: Config | None = None) -> Any:  # noqa: ANN401  # each service has its own type
        """Make a client for the session's own account and region."""
        client = make_client(self.session, service, config)
        self.clock.watch(client)
        return client

    def target_apis(self, role_name: str, external_id: str, connections: int) -> AwsTargetApis:
        """Make the access to every target."""
        roles = RoleSessions(self.session, role_name, external_id)
        return AwsTargetApis(self.session, roles, self.clock, connections=connections)

    def _enabled_regions(self) -> Sequence[str]:
        return enabled_regions(self.client("ec2"), self.session.get_partition_for_region)

    def _ask_for_the_time(self) -> None:
        # Needs no permission. A refusal has the time as well.
        caller_account_id(self.sts)


def bucket_store(client: "S3Client", bucket: str, prefix: str = "") -> S3Store:
    """Make the store in a bucket; with a prefix, that of a lake which shares the bucket with others."""
    return S3Store(client, bucket, prefix, pause=time.sleep, chance=random.random)


def secondary_sources(*, patches: bool, instances: bool, tag_keys: Collection[str]) -> tuple[str, ...]:
    """Return the names of the secondary sources that a run reads: tags only if there are keys to ask for."""
    wanted = {PATCHES.name: patches, INSTANCES.name: instances, TAGS.name: bool(tag_keys)}
    return tuple(name for name, is_wanted in wanted.items() if is_wanted)
