"""The watch message → a snapshot."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from patchlake.bootstrap.commit import commit_stage
from patchlake.config import CommitConfig
from patchlake.core.messages import CommitMessage
from patchlake.failures import log_failures
from patchlake.ports import Delivery
from patchlake.stages.commit import PUBLISHED_METRICS, CommitStage

logger = Logger()
metrics = Metrics()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@cache
def stage() -> CommitStage:
    """Build the stage once per execution environment."""
    return commit_stage(CommitConfig.read())


def handle_record(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Check one run."""
    message = CommitMessage.decode(record.body)
    logger.append_keys(run_id=message.run_id)
    result = stage().handle(message, Delivery.of(record.raw_event, lambda_context.get_remaining_time_in_millis))
    logger.info(
        "committed",
        outcome=result.outcome,
        detail=result.detail,
        nodes=result.statuses,
        targets=result.listings,
        source_gaps=result.source_gaps,
    )
    if result.detail is not None:
        logger.error(result.detail)
    if result.age is not None:
        metrics.add_metric("RunDuration", MetricUnit.Seconds, result.age.total_seconds())
    for name, count in result.counts().items():
        metrics.add_metric(name, MetricUnit.Count, count)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle each message separately; report the failed ones, which SQS delivers again."""
    stage().clock.begin()
    metrics.add_metric("Ticks", MetricUnit.Count, len(event["Records"]))
    for name in PUBLISHED_METRICS:
        metrics.add_metric(name, MetricUnit.Count, 0)
    response = process_partial_response(event, handle_record, processor, context)
    log_failures(processor.exceptions, logger)
    return response
