"""Checks of a stack's services: its schedule, event sources, dead letters, alarms, logs and limits."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from patchlake.core.counts import counted
from patchlake_cli.operations.calls import AwsRefusedError, Time, asking, read_answer, read_pages, require_about
from patchlake_cli.operations.deployment import QUEUES
from patchlake_cli.operations.findings import Finding
from patchlake_cli.operations.queues import read_depths
from patchlake_cli.operations.stack import Stack

_Limit = Annotated[int, Meta(ge=0)]


class _Target(TypedDict):
    Arn: Annotated[str, Meta(pattern=r"^arn:.+")]
    Input: NotRequired[str]


class _Schedule(TypedDict):
    Arn: str
    State: Literal["ENABLED", "DISABLED"]
    Target: _Target
    ScheduleExpression: Annotated[str, Meta(pattern=r"^(at|cron|rate)\(.+\)$")]
    StartDate: NotRequired[Time]
    EndDate: NotRequired[Time]


class _Subscription(TypedDict):
    TopicArn: str
    SubscriptionArn: Annotated[str, Meta(pattern=r"^(arn:.+|PendingConfirmation|Deleted)$")]
    Endpoint: str


class _Subscriptions(TypedDict):
    Subscriptions: list[_Subscription]


class _LogGroup(TypedDict):
    arn: str
    retentionInDays: NotRequired[Annotated[int, Meta(ge=1)]]


class _LogGroups(TypedDict):
    logGroups: list[_LogGroup]


class _Limits(TypedDict):
    ConcurrentExecutions: _Limit
    UnreservedConcurrentExecutions: NotRequired[_Limit]


class _AccountSettings(TypedDict):
    AccountLimit: _Limits


class _Scaling(TypedDict):
    MaximumConcurrency: NotRequired[_Limit]


class _FilterCriteria(TypedDict):
    Filters: NotRequired[list[Any]]


class _EventSource(TypedDict):
    UUID: str
    EventSourceArn: str
    FunctionArn: Annotated[str, Meta(pattern=r"^arn:[^:]+:lambda:[^:]+:[0-9]{12}:function:[^:]+")]
    State: Literal["Creating", "Enabling", "Enabled", "Disabling", "Disabled", "Updating", "Deleting"]
    ScalingConfig: NotRequired[_Scaling]
    FunctionResponseTypes: NotRequired[list[str]]
    FilterCriteria: NotRequired[_FilterCriteria]
    KMSKeyArn: NotRequired[str]


class _EventSources(TypedDict):
    EventSourceMappings: list[_EventSource]


_PENDING = "not confirmed"
_DEAF = {"PendingConfirmation": _PENDING, "Deleted": "deleted"}
"""What a subscription is that has one of these texts in place of its ARN: it has no others."""
_INPUT = '{"scheduled_time": "<aws.scheduler.scheduled-time>"}'
"""The event of plan."""
_WORKING_STATES = frozenset({"Creating", "Enabled", "Enabling", "Updating"})


def check_schedule(stack: Stack) -> Iterator[Finding]:
    """Check that the schedule exists, is enabled, has begun, does not end, and invokes plan with its event."""
    own, name = stack.deployment, stack.deployment.schedule
    client = stack.aws.client("scheduler")
    try:
        with asking("scheduler:GetSchedule", f"schedule {name}"):
            schedule = read_answer(client.get_schedule(Name=name), _Schedule)
            require_about(own.home.arn("scheduler", f"schedule/default/{name}"), schedule["Arn"])
    except AwsRefusedError as refusal:
        if refusal.code != "ResourceNotFoundException":
            raise
        yield Finding(
            f"there is no schedule {name}", "deploy the stack with another name, or create the schedule again"
        )
        return
    if schedule["State"] != "ENABLED":
        yield Finding(
            f"the schedule {name} is {schedule['State']}: no run starts on schedule",
            "enable it in the console (EventBridge, Schedules); until then `patchlake run` starts runs",
        )
    if (start := schedule.get("StartDate")) is not None and start > stack.runs.clock.now():
        yield Finding(
            f"the schedule {name} begins at {_time(start)}: until then no run starts on schedule",
            "remove its start date in the console (EventBridge, Schedules)",
        )
    if (end := schedule.get("EndDate")) is not None:
        yield Finding(
            f"the schedule {name} ends at {_time(end)}: later no run starts on schedule",
            "remove its end date in the console (EventBridge, Schedules)",
        )
    if (expression := schedule["ScheduleExpression"]).startswith("at("):
        yield Finding(
            f"the schedule {name} is {expression}: it starts one run", "deploy the stack with a cron or rate expression"
        )
    invoked, plan = schedule["Target"]["Arn"], _functions(stack) + own.plan_function
    if invoked.startswith(f"{plan}:"):
        yield Finding(
            f"the schedule {name} invokes {invoked.removeprefix(_functions(stack))}, a version or alias of the "
            "function: it may have older code than the stack, and needs a permission that the stack's role lacks",
            f"change its target to {plan}",
        )
    elif invoked != plan:
        yield Finding(f"the schedule {name} invokes {invoked}", f"change its target to {plan}")
    if "".join(schedule["Target"].get("Input", "").split()) != "".join(_INPUT.split()):
        yield Finding(
            f"the schedule {name} does not send the event of {own.plan_function}, which refuses all others",
            f"change the input of its target to {_INPUT}",
        )


def check_event_sources(stack: Stack) -> Iterator[Finding]:
    """Check that each queue invokes its function."""
    functions, arns = _functions(stack), _queue_arns(stack)
    for name, sources in _event_sources(stack).items():
        function = f"{stack.deployment.stack}-{QUEUES[name]}"
        by_it = [source for source in sources if _function_of(source) == functions + function]
        own = [source for source in by_it if source["State"] != "Deleting"]
        if not own:
            yield Finding(
                f"{function} does not read the queue {name}: its event source mapping does not exist",
                f"aws lambda create-event-source-mapping --function-name {function} "
                f"--event-source-arn {arns[name]} --batch-size 1 "
                "--function-response-types ReportBatchItemFailures",
            )
        elif not any(_is_working(source) for source in own):
            yield Finding(
                f"the event source mapping of the queue {name} is {own[0]['State']}: its messages are not read",
                f"aws lambda update-event-source-mapping --uuid {own[0]['UUID']} --enabled",
            )
        for source in own:
            yield from _losses(name, source)
        for source in sources:
            if source not in own and _is_working(source):
                other = _function_of(source).removeprefix(functions)
                yield Finding(
                    f"the function {other} reads the queue {name}, too: it takes messages of the runs",
                    f"aws lambda delete-event-source-mapping --uuid {source['UUID']}",
                )


def _losses(name: str, source: _EventSource) -> Iterator[Finding]:
    """Find settings with which Lambda deletes messages that no function has processed."""
    mapping = f"the event source mapping of the queue {name}"
    update = f"aws lambda update-event-source-mapping --uuid {source['UUID']}"
    if "ReportBatchItemFailures" not in source.get("FunctionResponseTypes", ()):
        yield Finding(
            f"{mapping} lacks ReportBatchItemFailures: messages that fail are deleted, not received again",
            f"{update} --function-response-types ReportBatchItemFailures",
        )
    # Lambda lists a filter that is encrypted as none, next to its key.
    if source.get("FilterCriteria", {}).get("Filters") or source.get("KMSKeyArn"):
        yield Finding(
            f"{mapping} has a filter: messages that it does not let through are deleted",
            f"{update} --filter-criteria '{{}}' --kms-key-arn ''",
        )


def check_dead_letters(stack: Stack) -> Iterator[Finding]:
    """Check that there are no dead letters and no failed events."""
    for depth in read_depths(stack.aws.client("sqs"), stack.deployment):
        if count := depth.dead_letters.total:
            yield Finding(
                f"dead letters of {depth.stage}: {count:,}",
                f"fix the cause (see {depth.stage.title()}DeadLetterAlarm in docs/operations.md), then run "
                f"`patchlake redrive --stack {stack.deployment.stack}`",
            )


def check_alarm_topic(stack: Stack) -> Iterator[Finding]:
    """Check that the alarms reach someone."""
    topic = stack.deployment.alarm_topic_arn
    with asking("sns:ListSubscriptionsByTopic", f"topic {topic.rpartition(':')[2]}"):
        pages = stack.aws.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        found = [row for page in read_pages(pages, _Subscriptions) for row in page["Subscriptions"]]
        require_about(topic, *(subscription["TopicArn"] for subscription in found))
    yield from unheard(topic, found)


def unheard(topic: str, subscriptions: Sequence[_Subscription]) -> Iterator[Finding]:
    """Find a topic whose subscriptions reach no one: only one with an ARN does."""
    deaf: dict[str, list[str]] = defaultdict(list)
    for subscription in subscriptions:
        arn = subscription["SubscriptionArn"]
        if arn.startswith("arn:"):
            return
        deaf[_DEAF[arn]].append(subscription["Endpoint"])
    subscribe = f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint EMAIL"
    if not deaf:
        yield Finding("no one receives the alarms: their topic has no subscription", f"set AlarmEmail, or {subscribe}")
        return
    counts = ", ".join(f"{len(who)} {state} ({', '.join(sorted(who))})" for state, who in sorted(deaf.items()))
    confirm = "open the link in the e-mail from AWS Notifications; if it is older than three days, subscribe again"
    yield Finding(
        f"no one receives the alarms; subscriptions of their topic: {counts}",
        f"{confirm}: {subscribe}" if _PENDING in deaf else subscribe,
    )


def check_log_retention(stack: Stack) -> Iterator[Finding]:
    """Check that the functions' log groups exist, with the stack's retention."""
    days, home, prefix = (
        stack.number("LogRetentionDays"),
        stack.deployment.home,
        f"/aws/lambda/{stack.deployment.stack}-",
    )
    with asking("logs:DescribeLogGroups", f"the log groups of {stack.deployment.stack}"):
        paginator = stack.aws.client("logs").get_paginator("describe_log_groups")
        pages = paginator.paginate(logGroupNamePrefix=prefix)
        found = {
            group["arn"]: group.get("retentionInDays")
            for page in read_pages(pages, _LogGroups)
            for group in page["logGroups"]
        }
        require_about(home.arn("logs", f"log-group:{prefix}*"), *found)
    for name in stack.deployment.log_groups:
        if (arn := home.arn("logs", f"log-group:{name}:*")) not in found:
            yield Finding(f"there is no log group {name}", f"aws logs create-log-group --log-group-name {name}")
        elif (set_days := found[arn]) != days:
            kept = "forever" if set_days is None else f"for {counted(set_days, 'day')}"
            yield Finding(
                f"the logs in {name} are kept {kept}, but LogRetentionDays is {days}",
                f"aws logs put-retention-policy --log-group-name {name} --retention-in-days {days}",
            )


PLAN_AND_COMMIT = 2
"""One of each runs at a time: a run has one watch message."""


def check_concurrency(stack: Stack) -> Iterator[Finding]:
    """Check that the account's concurrency limit is high enough for the stack."""
    with asking("lambda:GetAccountSettings", "the account's Lambda limits"):
        answer = stack.aws.client("lambda").get_account_settings()
        limits = read_answer(answer, _AccountSettings)["AccountLimit"]
    limit = limits.get("UnreservedConcurrentExecutions", limits["ConcurrentExecutions"])
    workers = sum(
        source.get("ScalingConfig", {}).get("MaximumConcurrency", 0)
        for name, sources in _event_sources(stack).items()
        for source in sources
        if name != "commit"
    )
    wanted = workers + PLAN_AND_COMMIT
    if wanted > limit:
        yield Finding(
            f"the stack may run {wanted} functions at once, but the account only {limit}: they are throttled",
            "raise the limit (aws service-quotas request-service-quota-increase --service-code lambda --quota-code "
            f"L-B99A9384 --desired-value {max(1000, wanted)}), or lower DiscoverConcurrency, CollectConcurrency and "
            "DetailConcurrency",
        )


def _queue_arns(stack: Stack) -> dict[str, str]:
    return {queue.name: queue.address.arn for queue in stack.deployment.queues}


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _functions(stack: Stack) -> str:
    """Return what the ARNs of the stack's functions begin with."""
    return stack.deployment.home.arn("lambda", "function:")


def _is_working(source: _EventSource) -> bool:
    return source["State"] in _WORKING_STATES


def _function_of(source: _EventSource) -> str:
    """Return the function's ARN, without the version or alias that may follow."""
    return ":".join(source["FunctionArn"].split(":")[:7])


def _event_sources(stack: Stack) -> dict[str, list[_EventSource]]:
    paginator = stack.aws.client("lambda").get_paginator("list_event_source_mappings")
    found = {}
    for name, arn in _queue_arns(stack).items():
        with asking("lambda:ListEventSourceMappings", f"the event source of the queue {name}"):
            pages = read_pages(paginator.paginate(EventSourceArn=arn), _EventSources)
            found[name] = [source for page in pages for source in page["EventSourceMappings"]]
            require_about(arn, *(source["EventSourceArn"] for source in found[name]))
    return found
