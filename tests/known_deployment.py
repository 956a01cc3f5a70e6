"""A deployed stack as the operators' commands know it, with the names that the resolved template gives."""

from patchlake_cli.operations.deployment import QUEUES, Deployment, StageQueue
from tests.resolved_template import ACCOUNT_ID, REGION, STACK_NAME

BUCKET = "the-bucket"
DEPLOYMENT = Deployment(
    stack=STACK_NAME,
    partition="aws",
    account_id=ACCOUNT_ID,
    region=REGION,
    bucket=BUCKET,
    plan_function=f"{STACK_NAME}-plan",
    plan_dead_letter_url="",
    queues=tuple(StageQueue(name, "", "") for name in QUEUES),
    alarm_topic_arn="",
    parameters={},
)
