"""``patchlake check --stack``: every misconfiguration is found, with its fix."""

from datetime import UTC, datetime

import pytest

from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.operations.deployment import QUEUES
from tests.aws_commands import parsed
from tests.deployed import DeployedRun, new_stack
from tests.operators import client, command, dead_letters, said


def findings(aws: EmbeddedAws, stack: DeployedStack) -> dict[str, list[str]]:
    """Return the findings of a check of a stack, by the check's name; each fix must be a command that can be typed."""
    checked = said(command(aws, "check", "--stack", stack.name, "--json"))["checks"]
    for fix in (finding["fix"] for check in checked for finding in check["findings"]):
        if fix.startswith("aws "):
            parsed(fix).parameters()
    return {
        check["name"]: [finding["text"] for finding in check["findings"]] or [check["reason"]]
        for check in checked
        if check["verdict"] != "OK"
    }


def change_schedule(aws: EmbeddedAws, stack: DeployedStack, **members: object) -> None:
    """Replace members of the stack's schedule; the others stay."""
    scheduler = client(aws, "scheduler")
    found = scheduler.get_schedule(Name=f"{stack.name}-plan")
    kept = {name: found[name] for name in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "State", "Target")}
    scheduler.update_schedule(**kept | members)


def change_target(aws: EmbeddedAws, stack: DeployedStack, **members: object) -> None:
    """Replace members of the target of the stack's schedule."""
    found = client(aws, "scheduler").get_schedule(Name=f"{stack.name}-plan")["Target"]
    change_schedule(aws, stack, Target=found | members)


def test_every_misconfiguration_is_found_with_its_fix(aws: EmbeddedAws, a_run: DeployedRun) -> None:
    stack = a_run.pipeline.stack
    command(aws, "run", "--stack", stack.name)
    functions, s3 = client(aws, "lambda"), client(aws, "s3")
    change_schedule(aws, stack, State="DISABLED")
    sources = functions.list_event_source_mappings(FunctionName=f"{stack.name}-collect")["EventSourceMappings"]
    [source] = [source for source in sources if source["EventSourceArn"].endswith("-detail")]
    functions.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    s3.delete_bucket_policy(Bucket=stack.bucket)
    s3.put_bucket_versioning(Bucket=stack.bucket, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_bucket_lifecycle(Bucket=stack.bucket)
    client(aws, "logs").delete_retention_policy(logGroupName=f"/aws/lambda/{stack.name}-plan")
    topic = stack.outputs["AlarmTopicArn"]
    sns = client(aws, "sns")
    for subscription in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    aws.change(concurrent_executions=5)
    aws.advance_clock(31 * 3600)

    with dead_letters(aws, stack, {"commit": ["{}"]}):
        found = findings(aws, stack)
    # Other tests share this stack.
    functions.update_event_source_mapping(UUID=source["UUID"], Enabled=True)

    assert found["schedule"] == [f"the schedule {stack.name}-plan is DISABLED: no run starts on schedule"]
    assert found["event sources"] == [
        "the event source mapping of the queue detail is Disabled: its messages are not read"
    ]
    assert found["dead letters"] == ["dead letters of commit: 1"]
    assert len(found["runs"]) == 1
    assert found["runs"][0].endswith("more than 30 hours old")
    [policy] = found["bucket policy"]
    assert "are missing or changed: OnlyOverTls, CreateOnce, NeverReplace, NeverDelete." in policy
    assert found["versions"] == ["the bucket's versioning is Suspended: an object that is replaced is lost"]
    assert found["retention"] == ["shards and parts never expire: no lifecycle rule covers runs/"]
    assert found["log retention"] == [
        f"the logs in /aws/lambda/{stack.name}-plan are kept forever, but LogRetentionDays is 30"
    ]
    assert found["alarm topic"] == ["no one receives the alarms: their topic has no subscription"]
    assert found["concurrency"] == [
        "the stack may run 10 functions at once, but the account only 5: they are throttled"
    ]


@pytest.mark.parametrize(
    ("region", "account_id"),
    [("us-east-1", "111122223333"), ("eu-central-1", "999900001111")],
    ids=["region", "account"],
)
def test_a_schedule_that_invokes_plan_of_another_region_or_account_is_found(
    aws: EmbeddedAws, region: str, account_id: str
) -> None:
    stack = new_stack(aws)
    function = f"{stack.name}-plan"
    target = f"arn:aws:lambda:{region}:{account_id}:function:{function}"
    change_target(aws, stack, Arn=target)

    assert findings(aws, stack)["schedule"] == [f"the schedule {function} invokes {target}"]


@pytest.mark.parametrize("qualifier", ["live", "3", "$LATEST"])
def test_a_schedule_that_invokes_a_version_or_alias_of_plan_is_found(aws: EmbeddedAws, qualifier: str) -> None:
    stack = new_stack(aws)
    function = f"{stack.name}-plan"
    scheduled = client(aws, "scheduler").get_schedule(Name=function)["Target"]["Arn"]
    change_target(aws, stack, Arn=f"{scheduled}:{qualifier}")

    [found] = findings(aws, stack)["schedule"]
    assert found == (
        f"the schedule {function} invokes {function}:{qualifier}, a version or alias of the function: it may have "
        "older code than the stack, and needs a permission that the stack's role lacks"
    )


@pytest.mark.parametrize("year", [2025, 2027])
def test_a_schedule_that_ends_is_found(aws: EmbeddedAws, year: int) -> None:
    stack = new_stack(aws)
    change_schedule(aws, stack, EndDate=datetime(year, 1, 1, 6, 30, tzinfo=UTC))

    assert findings(aws, stack)["schedule"] == [
        f"the schedule {stack.name}-plan ends at {year}-01-01T06:30:00Z: later no run starts on schedule"
    ]


@pytest.mark.parametrize(("year", "found"), [(2025, False), (2027, True)])
def test_a_schedule_that_has_not_begun_is_found(aws: EmbeddedAws, year: int, *, found: bool) -> None:
    stack = new_stack(aws)
    change_schedule(aws, stack, StartDate=datetime(year, 1, 1, 6, 30, tzinfo=UTC))

    problem = f"the schedule {stack.name}-plan begins at {year}-01-01T06:30:00Z: until then no run starts on schedule"
    assert findings(aws, stack).get("schedule") == ([problem] if found else None)


def test_a_schedule_of_one_run_is_found(aws: EmbeddedAws) -> None:
    stack = new_stack(aws)
    change_schedule(aws, stack, ScheduleExpression="at(2026-12-01T06:00:00)")

    assert findings(aws, stack)["schedule"] == [
        f"the schedule {stack.name}-plan is at(2026-12-01T06:00:00): it starts one run"
    ]


@pytest.mark.parametrize(
    ("event", "found"),
    [("{}", True), ('{ "scheduled_time" : "<aws.scheduler.scheduled-time>" }\n', False)],
)
def test_a_schedule_that_sends_another_event_is_found(aws: EmbeddedAws, event: str, *, found: bool) -> None:
    stack = new_stack(aws)
    change_target(aws, stack, Input=event)

    plan = f"{stack.name}-plan"
    problem = f"the schedule {plan} does not send the event of {plan}, which refuses all others"
    assert findings(aws, stack).get("schedule") == ([problem] if found else None)


def test_a_key_that_is_disabled_is_found(aws: EmbeddedAws) -> None:
    kms = client(aws, "kms")
    key = kms.create_key()["KeyMetadata"]
    stack = new_stack(aws, KmsKeyArn=key["Arn"])
    well = findings(aws, stack)
    kms.disable_key(KeyId=key["KeyId"])

    found = findings(aws, stack)

    assert "encryption key" not in well
    assert found["encryption key"] == [f"the KMS key {key['Arn']} is Disabled: nothing can be read or written"]


def test_a_history_that_is_shorter_than_the_window_is_found(aws: EmbeddedAws, standing: DeployedStack) -> None:
    stack = new_stack(aws, WindowDays="40", HistoryDays="39")

    assert "history" not in findings(aws, standing)
    assert findings(aws, stack)["history"] == [
        (
            "the history has 39 days, but the views look back 40 days: in Athena, nothing is overdue "
            "if the newest run is more than 39 days old"
        )
    ]


def test_what_cannot_be_told_is_unknown_and_what_is_gone_is_found(aws: EmbeddedAws, standing: DeployedStack) -> None:
    client(aws, "scheduler").delete_schedule(Name=f"{standing.name}-plan")
    client(aws, "logs").delete_log_group(logGroupName=f"/aws/lambda/{standing.name}-commit")

    found = findings(aws, standing)

    assert found["targets"] == ["there is no snapshot to check"]
    assert found["runs"] == ["there is no snapshot yet"]
    assert found["schedule"] == [f"there is no schedule {standing.name}-plan"]
    assert found["log retention"] == [f"there is no log group /aws/lambda/{standing.name}-commit"]
    assert [text.split(":")[0] for text in found["event sources"]] == [
        f"{standing.name}-{stage} does not read the queue {name}" for name, stage in QUEUES.items()
    ]
