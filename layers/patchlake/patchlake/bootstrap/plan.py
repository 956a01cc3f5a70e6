"""The composition of plan, which needs no tables: pyarrow would be a quarter of its start."""

from functools import partial

from patchlake.adapters.regions import region_problem
from patchlake.adapters.sqs import SqsQueue
from patchlake.adapters.sts import caller_account_id
from patchlake.bootstrap import Aws, bucket_store, secondary_sources
from patchlake.config import PlanConfig
from patchlake.core.targets import ALL_ENABLED
from patchlake.errors import ConfigError
from patchlake.sources.registry import SOURCES
from patchlake.stages.plan import PlanSettings, PlanStage


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
            **dict.fromkeys(SOURCES.secondary_listings, SqsQueue(sqs, config.listing_queue_url)),
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
