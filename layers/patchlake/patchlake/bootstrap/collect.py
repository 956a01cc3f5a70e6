"""The composition of collect."""

import random
import time

from patchlake.adapters.parquet import ParquetTables
from patchlake.adapters.sqs import SqsQueue
from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.bootstrap import DETAIL_CONNECTIONS, Aws, bucket_store
from patchlake.config import CollectConfig
from patchlake.sources.registry import SOURCES
from patchlake.stages.collect import CollectStage
from patchlake.stages.retry_policy import RetryPolicy


def collect_stage(config: CollectConfig) -> CollectStage:
    """Build collect."""
    aws = Aws()
    sqs = aws.client("sqs")
    detail_queue = SqsQueue(sqs, config.detail_queue_url)
    return CollectStage(
        store=bucket_store(aws.client("s3"), config.bucket),
        tables=ParquetTables(),
        apis=aws.target_apis(config.role_name, config.external_id, config.connections),
        retry_policy=RetryPolicy(
            (SqsQueue(sqs, config.collect_queue_url), detail_queue), config.retry_seconds, random.random, time.sleep
        ),
        sources=SOURCES,
        detail_queues=dict.fromkeys(SOURCES.secondary_details, detail_queue),
        parallel_map=ThreadedMap(config.connections, "ssm"),
        detail_map=ThreadedMap(DETAIL_CONNECTIONS, "detail"),
        clock=aws.clock,
    )
