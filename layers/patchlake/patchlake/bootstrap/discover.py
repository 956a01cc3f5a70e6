"""The composition of discover."""

import random
import time

from patchlake.adapters.parquet import ParquetTables
from patchlake.adapters.sqs import SqsQueue
from patchlake.bootstrap import Aws, bucket_store
from patchlake.config import DiscoverConfig
from patchlake.sources.registry import SOURCES
from patchlake.stages.discover import DiscoverStage
from patchlake.stages.retry_policy import RetryPolicy


def discover_stage(config: DiscoverConfig) -> DiscoverStage:
    """Build discover: one connection, since each page of a listing needs the token of the previous one."""
    aws = Aws()
    sqs = aws.client("sqs")
    return DiscoverStage(
        store=bucket_store(aws.client("s3"), config.bucket),
        tables=ParquetTables(),
        apis=aws.target_apis(config.role_name, config.external_id, connections=1),
        sources=SOURCES,
        detail_queues={SOURCES.patch_states.name: SqsQueue(sqs, config.collect_queue_url)},
        retry_policy=RetryPolicy(
            (SqsQueue(sqs, config.discover_queue_url), SqsQueue(sqs, config.listing_queue_url)),
            config.retry_seconds,
            random.random,
            time.sleep,
        ),
        clock=aws.clock,
    )
