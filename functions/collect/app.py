"""Collect messages → parts."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from patchlake.bootstrap.collect import collect_stage
from patchlake.config import CollectConfig
from patchlake.core.messages import CollectMessage
from patchlake.failures import log_failures
from patchlake.ports import Delivery
from patchlake.stages.collect import CollectStage
from patchlake.stages.step import Step

logger = Logger()
metrics = Metrics()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@cache
def stage() -> CollectStage:
    """Build the stage once per execution environment."""
    return collect_stage(CollectConfig.read())


def handle_record(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """Collect one batch."""
    message = CollectMessage.decode(record.body)
    logger.append_keys(run_id=message.run_id, account_id=message.account_id, region=message.region)
    result = stage().handle(message, Delivery.of(record.raw_event, lambda_context.get_remaining_time_in_millis))
    logger.info(
        "collected",
        source=result.source,
        step=result.step,
        batch=result.batch,
        slice=result.slice,
        nodes=result.statuses,
    )
    metrics.add_metric("LateMessages", MetricUnit.Count, int(result.step is Step.LATE))


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle each message separately; report the failed ones, which SQS delivers again."""
    stage().clock.begin()
    call_counter = stage().apis.call_counter
    response = process_partial_response(event, handle_record, processor, context)
    log_failures(processor.exceptions, logger)
    for name, count in call_counter.drain().metrics().items():
        metrics.add_metric(name, MetricUnit.Count, count)
    return response
