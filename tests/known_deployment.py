"""A deployed stack as the operators' commands know it, with the names that the resolved template gives."""

from patchlake_cli.operations.deployment import QUEUES, Deployment, Home, QueueAddress, StageQueue
from tests.resolved_template import ACCOUNT_ID, REGION, STACK_NAME

BUCKET = "the-bucket"
NO_QUEUE = QueueAddress("", "")
DEPLOYMENT = Deployment(
    stack=STACK_NAME,
    home=Home("aws", ACCOUNT_ID, REGION),
    bucket=BUCKET,
    plan_function=f"{STACK_NAME}-plan",
    plan_dead_letters=NO_QUEUE,
    queues=tuple(StageQueue(name, NO_QUEUE, NO_QUEUE) for name in QUEUES),
    alarm_topic_arn="",
    parameters={},
)
