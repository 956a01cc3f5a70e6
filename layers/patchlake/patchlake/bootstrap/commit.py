"""The composition of commit."""

from botocore.config import Config

from patchlake import __version__
from patchlake.adapters.parquet import ParquetTables
from patchlake.adapters.sqs import SqsQueue
from patchlake.adapters.threaded_map import ThreadedMap
from patchlake.bootstrap import Aws, bucket_store
from patchlake.config import CommitConfig
from patchlake.sources.registry import SOURCES
from patchlake.stages.commit import CommitStage
from patchlake.stages.stored_run import READ_AHEAD, StoredRuns


def commit_stage(config: CommitConfig) -> CommitStage:
    """Build commit."""
    aws = Aws()
    sqs = aws.client("sqs")
    s3 = aws.client("s3", Config(max_pool_connections=READ_AHEAD))
    return CommitStage(
        runs=StoredRuns(
            bucket_store(s3, config.bucket),
            ParquetTables(),
            SOURCES,
            ThreadedMap(READ_AHEAD, "s3"),
        ),
        source_queues={
            SOURCES.nodes.name: SqsQueue(sqs, config.discover_queue_url),
            SOURCES.patch_states.name: SqsQueue(sqs, config.collect_queue_url),
            **dict.fromkeys(SOURCES.secondary_details, SqsQueue(sqs, config.detail_queue_url)),
            **dict.fromkeys(SOURCES.secondary_listings, SqsQueue(sqs, config.listing_queue_url)),
        },
        commit_queue=SqsQueue(sqs, config.commit_queue_url),
        clock=aws.clock,
        tick_seconds=config.tick_seconds,
        max_lateness_seconds=config.max_lateness_seconds,
        deadline_seconds=config.deadline_seconds,
        version=__version__,
    )
