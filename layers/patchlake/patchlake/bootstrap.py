"""The composition of each stage from its function's environment: the only place where adapters are chosen."""

import random
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from patchlake import __version__
from patchlake.adapters.clients import LimitedSession, make_client
from patchlake.adapters.clock import ServiceClock
from patchlake.adapters.enabled_regions import enabled_regions
from patchlake.adapters.organizations import AwsAccounts
from patchlake.adapters.regions import region_problem
from patchlake.adapters.s3 import S3Store
from patchlake.adapters.sqs import SqsQueue
from patchlake.adapters.sts import RoleSessions, caller_account_id
from patchlake.adapters.target_apis import AwsTargetApis
from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.config import CollectConfig, CommitConfig, DiscoverConfig, PlanConfig
from patchlake.core.targets import ALL_ENABLED
from patchlake.errors import ConfigError
from patchlake.ports import TableFormat
from patchlake.sources.instances import INSTANCES
from patchlake.sources.patches import PATCHES
from patchlake.sources.registry import SOURCES
from patchlake.sources.tags import TAGS
from patchlake.stages.collect import CollectStage
from patchlake.stages.commit import CommitStage
from patchlake.stages.discover import DiscoverStage
from patchlake.stages.plan import PlanSettings, PlanStage
from patchlake.stages.retry_policy import RetryPolicy
from patchlake.stages.stored_run import READ_AHEAD, StoredRuns

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


def plan_stage(config: PlanConfig) -> PlanStage:
    """Build plan.

    Raises:
        ConfigError: a region has no SSM, or the stack's credentials are not for it: each target there would fail,
            repeatedly, until the deadline.
    """
    aws = Aws()
    if config.regions != ALL_ENABLED and (problem := region_problem(aws.session, config.regions)) is not None:
        msg = f"PATCHLAKE_REGIONS: {problem}"
        raise ConfigError(msg)
    sqs = aws.client("sqs")
    return PlanStage(
        store=bucket_store(aws.client("s3"), config.bucket),
        accounts=aws.accounts(partial(caller_account_id, aws.sts)),
        sources=SOURCES,
        listing_queues={
            SOURCES.nodes.name: SqsQueue(sqs, config.discover_queue_url),
            **dict.fromkeys((INSTANCES.name, TAGS.name), SqsQueue(sqs, config.listing_queue_url)),
        },
        commit_queue=SqsQueue(sqs, config.commit_queue_url),
        clock=aws.clock,
        settings=PlanSettings(
            accounts=config.accounts,
            excluded_accounts=config.excluded_accounts,
            regions=config.regions,
            batch_size=config.batch_size,
            deadline_seconds=config.deadline_seconds,
            max_lateness_seconds=config.max_lateness_seconds,
            include_sensitive_fields=config.include_sensitive_fields,
            sources=secondary_sources(
                patches=config.collect_patches, instances=config.collect_instances, tag_keys=config.tag_keys
            ),
            tag_keys=config.tag_keys,
            detail_deadline_seconds=config.detail_deadline_seconds,
        ),
    )


def discover_stage(config: DiscoverConfig) -> DiscoverStage:
    """Build discover: one connection, since each page of a listing needs the token of the previous one."""
    aws = Aws()
    sqs = aws.client("sqs")
    return DiscoverStage(
        store=bucket_store(aws.client("s3"), config.bucket),
        tables=_tables(),
        apis=aws.target_apis(config.role_name, config.external_id, connections=1),
        sources=SOURCES,
        detail_queues={SOURCES.patch_states.name: SqsQueue(sqs, config.collect_queue_url)},
        retry_policy=_retry_policy(
            config, SqsQueue(sqs, config.discover_queue_url), SqsQueue(sqs, config.listing_queue_url)
        ),
        clock=aws.clock,
    )


def collect_stage(config: CollectConfig) -> CollectStage:
    """Build collect."""
    aws = Aws()
    sqs = aws.client("sqs")
    detail_queue = SqsQueue(sqs, config.detail_queue_url)
    return CollectStage(
        store=bucket_store(aws.client("s3"), config.bucket),
        tables=_tables(),
        apis=aws.target_apis(config.role_name, config.external_id, config.connections),
        retry_policy=_retry_policy(config, SqsQueue(sqs, config.collect_queue_url), detail_queue),
        sources=SOURCES,
        detail_queues={PATCHES.name: detail_queue},
        parallel_map=ThreadedMap(config.connections, "ssm"),
        detail_map=ThreadedMap(DETAIL_CONNECTIONS, "detail"),
        clock=aws.clock,
    )


def commit_stage(config: CommitConfig) -> CommitStage:
    """Build commit."""
    aws = Aws()
    sqs = aws.client("sqs")
    s3 = aws.client("s3", Config(max_pool_connections=READ_AHEAD))
    return CommitStage(
        runs=StoredRuns(
            bucket_store(s3, config.bucket),
            _tables(),
            SOURCES,
            ThreadedMap(READ_AHEAD, "s3"),
        ),
        source_queues={
            SOURCES.nodes.name: SqsQueue(sqs, config.discover_queue_url),
            SOURCES.patch_states.name: SqsQueue(sqs, config.collect_queue_url),
            PATCHES.name: SqsQueue(sqs, config.detail_queue_url),
            **dict.fromkeys((INSTANCES.name, TAGS.name), SqsQueue(sqs, config.listing_queue_url)),
        },
        commit_queue=SqsQueue(sqs, config.commit_queue_url),
        clock=aws.clock,
        tick_seconds=config.tick_seconds,
        max_lateness_seconds=config.max_lateness_seconds,
        deadline_seconds=config.deadline_seconds,
        version=__version__,
    )


def _retry_policy(config: DiscoverConfig | CollectConfig, *queues: SqsQueue) -> RetryPolicy:
    return RetryPolicy(queues, config.retry_seconds, random.random, time.sleep)


def _tables() -> TableFormat:
    # Not at the top: plan has no tables, and pyarrow was a quarter of its start time.
    from patchlake.adapters.parquet import ParquetTables  # noqa: PLC0415

    return ParquetTables()
