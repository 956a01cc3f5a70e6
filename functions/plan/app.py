"""The schedule's event → plan."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from patchlake.bootstrap.plan import plan_stage
from patchlake.config import PlanConfig
from patchlake.stages.plan import PlanStage
from patchlake.stages.step import Step

logger = Logger()
metrics = Metrics()


@cache
def stage() -> PlanStage:
    """Build the stage once per execution environment."""
    return plan_stage(PlanConfig.read())


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Plan the run of ``event["scheduled_time"]``; any error fails the invocation."""
    metrics.add_metric("SchedulesFired", MetricUnit.Count, 1)
    stage().clock.begin()
    result = stage().handle(event)
    logger.append_keys(run_id=result.run_id)
    logger.info("planned", step=result.step, targets=result.targets, active_targets=result.active_targets)
    metrics.add_metric("RunsPlanned", MetricUnit.Count, int(result.step is Step.STORED))
    metrics.add_metric("LateMessages", MetricUnit.Count, int(result.step is Step.LATE))
    return {"run_id": result.run_id, "step": result.step, "targets": result.targets}
