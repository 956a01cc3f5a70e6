"""template.yaml agrees with the design, the timings and the configuration."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from patchlake.config import VARIABLES, CollectConfig, CommitConfig, Config, DiscoverConfig, PlanConfig
from patchlake.core.plan import MOST_TAG_KEYS, TAG_KEY_PATTERN
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER
from patchlake_cli.embedded.cloudformation.template import (
    Template,
    resources_of_type,
)
from patchlake_cli.operations.service_checks import PLAN_AND_COMMIT
from tests.resolved_template import properties, resolved

PATH = Path(__file__).parents[2] / "template.yaml"
STAGES = ["plan", "discover", "collect", "commit"]
TIMINGS = {"discover": DISCOVER, "collect": COLLECT, "commit": COMMIT}
EVENT_SOURCES = {
    "DiscoverFunctionQueue": ("DiscoverQueue", "discover"),
    "DiscoverFunctionListingQueue": ("ListingQueue", "discover"),
    "CollectFunctionQueue": ("CollectQueue", "collect"),
    "CollectFunctionDetailQueue": ("DetailQueue", "collect"),
    "CommitFunctionQueue": ("CommitQueue", "commit"),
}
"""The queue of each event source, and the stage that it feeds."""
EVERY_QUEUE = pytest.mark.parametrize(("queue", "stage"), EVENT_SOURCES.values())
EACH_QUEUE = pytest.mark.parametrize("queue", [queue for queue, _ in EVENT_SOURCES.values()])
CONFIGS = {"plan": PlanConfig, "discover": DiscoverConfig, "collect": CollectConfig, "commit": CommitConfig}


def statements(template: Template, role: str) -> list[dict[str, Any]]:
    """Return the statements of a role's policies, those that depend on a condition included."""
    found = [
        statement
        for policy in properties(template, role)["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    return [statement["Fn::If"][1] if "Fn::If" in statement else statement for statement in found]


def actions(template: Template, role: str) -> set[str]:
    """Return the actions that a role allows."""
    listed = [statement["Action"] for statement in statements(template, role)]
    return {action for each in listed for action in ([each] if isinstance(each, str) else each)}


def test_its_banners_stand_in_the_order_of_the_flow() -> None:
    banners = re.findall(r"^  # ─+ (\w+) ──$", PATH.read_text(encoding="utf-8"), re.MULTILINE)

    assert banners == ["layers", "bucket", *STAGES, "queues", "analytics", "alarms", "dashboard"]


def test_each_parameter_is_described_and_shown_in_one_group(written: Template) -> None:
    groups = written["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]

    assert sorted(grouped) == sorted(written["Parameters"])
    assert [name for name, parameter in written["Parameters"].items() if not parameter.get("Description")] == []


def test_each_parameter_is_constrained(written: Template) -> None:
    constraints = {"AllowedPattern", "AllowedValues", "MinValue"}

    assert [name for name, body in written["Parameters"].items() if not constraints & body.keys()] == []


def test_tag_keys_have_the_form_that_a_plan_requires(written: Template) -> None:
    key = TAG_KEY_PATTERN.removeprefix("^").removesuffix(r"\Z")

    no_blank = r"(?!\s*(,|$))"
    keys = f"{no_blank}{key}(,{no_blank}{key}){{0,{MOST_TAG_KEYS - 1}}}"
    assert written["Parameters"]["TagKeys"]["AllowedPattern"] == f"^({keys})?$"


@pytest.mark.parametrize("text", ["", "Owner", "Owner,cost center", "Owner, Team", " ", "Owner, ", "Owner,,Team"])
def test_the_template_takes_the_tag_keys_that_a_function_can_use(written: Template, text: str) -> None:
    pattern, variable = written["Parameters"]["TagKeys"]["AllowedPattern"], VARIABLES["PATCHLAKE_TAG_KEYS"]

    assert (re.match(pattern, text) is not None) is (variable.value(text) is not None)


@pytest.mark.parametrize("text", ["2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32", "0000-01-01", "2026-1-1"])
def test_the_first_day_of_the_tables_is_a_date(written: Template, text: str) -> None:
    pattern = written["Parameters"]["FirstDay"]["AllowedPattern"]

    assert re.match(pattern, "2026-11-30")
    assert re.match(pattern, text) is None


@pytest.mark.parametrize(
    ("parameter", "texts"),
    [
        (
            "Accounts",
            ["self", "organization", "1" * 12, "ou-abcd-11111111", "r-abcd", f"r-abcd,{'1' * 12},ou-a1b2-12ab34cd"],
        ),
        ("Accounts", ["", "all", "1" * 11, "r-abc", "ou-abcd-1111111", "OU-abcd-11111111", "self,r-abcd", "r-abcd,"]),
        ("Regions", ["eu-central-1", "all-enabled", "eu-central-1,us-gov-west-1"]),
        ("Regions", ["eu-central", "all", "eu-central-1,all-enabled", "all-enabled,"]),
    ],
)
def test_the_template_accepts_the_accounts_and_regions_that_plan_reads(
    written: Template, parameter: str, texts: list[str]
) -> None:
    pattern, variable = written["Parameters"][parameter]["AllowedPattern"], VARIABLES[f"PATCHLAKE_{parameter.upper()}"]

    for text in texts:
        assert (re.match(pattern, text) is not None) is (variable.value(text) is not None), text


@pytest.mark.parametrize("stage", STAGES)
def test_a_function_gets_exactly_the_variables_that_its_configuration_reads(translated: Template, stage: str) -> None:
    config: type[Config] = CONFIGS[stage]

    variables = properties(translated, f"{stage.title()}Function")["Environment"]["Variables"]

    of_patchlake = {name for name in variables if not name.startswith(("ARROW_", "MALLOC_", "POWERTOOLS_", "PYTHON"))}
    assert of_patchlake == set(config.variables().values())


def output_of(code: str, translated: Template) -> tuple[str, str]:
    """Run a program with the environment variables of a function that are the same in every stack."""
    variables = properties(translated, "CommitFunction")["Environment"]["Variables"]
    environment = {name: value for name, value in variables.items() if isinstance(value, str)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return ended.stdout, ended.stderr


def test_an_invocation_that_counts_nothing_logs_nothing_of_it(translated: Template) -> None:
    code = "from aws_lambda_powertools import Metrics; Metrics(service='s').flush_metrics()"

    assert output_of(code, translated) == ("", "")


def test_arrow_takes_its_memory_from_the_system(translated: Template) -> None:
    code = "import pyarrow; print(pyarrow.default_memory_pool().backend_name)"

    assert output_of(code, translated) == ("system\n", "")


@pytest.mark.parametrize("stage", STAGES)
def test_a_functions_code_is_the_folder_of_its_stage(translated: Template, stage: str) -> None:
    function = properties(translated, f"{stage.title()}Function")

    assert function["Code"]["S3Key"] == f"functions/{stage}/"
    assert (PATH.parent / "functions" / stage / "app.py").is_file()
    assert function["Handler"] == "app.lambda_handler"


@pytest.mark.parametrize("stage", STAGES)
def test_a_function_has_the_memory_that_the_measurements_call_for(translated: Template, stage: str) -> None:
    page = (PATH.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    [row] = re.findall(rf"^\| {stage} \| ((?:(?:\d+|-) \| )*(?:\d+|-)) \|$", page, re.MULTILINE)
    size, *measured = (int(figure) for figure in row.split(" | ") if figure != "-")

    assert properties(translated, f"{stage.title()}Function")["MemorySize"] == size
    assert size >= 3 * max(measured)


@EVERY_QUEUE
def test_a_queue_has_the_times_of_the_table_of_timings(translated: Template, queue: str, stage: str) -> None:
    timing = TIMINGS[stage]
    found = properties(translated, queue)

    assert properties(translated, f"{stage.title()}Function")["Timeout"] == timing.timeout_seconds
    assert found["VisibilityTimeout"] == timing.visibility_seconds
    assert found["RedrivePolicy"]["maxReceiveCount"] == timing.max_receive_count


def test_every_queue_feeds_its_function_with_partial_batch_responses(translated: Template) -> None:
    sources = {
        name: source["Properties"]
        for name, source in resources_of_type(translated, "AWS::Lambda::EventSourceMapping").items()
    }

    assert sources.keys() == EVENT_SOURCES.keys()
    for name, (queue, stage) in EVENT_SOURCES.items():
        assert sources[name]["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}
        assert sources[name]["FunctionName"] == {"Ref": f"{stage.title()}Function"}
        # Each message belongs to one run, account and region, and may take the whole timeout.
        assert sources[name]["BatchSize"] == 1
        assert sources[name]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert sources[name]["ScalingConfig"]["MaximumConcurrency"]


@EACH_QUEUE
def test_a_dead_letter_queue_keeps_messages_for_longer_than_its_source(translated: Template, queue: str) -> None:
    found = properties(translated, queue)
    dead_letter_queue = queue.replace("Queue", "DeadLetterQueue")

    assert found["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [dead_letter_queue, "Arn"]}
    assert properties(translated, dead_letter_queue)["MessageRetentionPeriod"] > found["MessageRetentionPeriod"]


@EVERY_QUEUE
def test_a_message_that_fails_each_time_is_a_dead_letter_before_it_expires(
    translated: Template, queue: str, stage: str
) -> None:
    timing = TIMINGS[stage]

    retention = properties(translated, queue)["MessageRetentionPeriod"]

    assert retention > timing.max_receive_count * timing.visibility_seconds


def test_any_deadline_leaves_each_stage_three_visibility_timeouts(written: Template) -> None:
    longest = max(timing.visibility_seconds for timing in TIMINGS.values())

    assert written["Parameters"]["DeadlineSeconds"]["MinValue"] >= 3 * longest


def test_details_have_three_visibility_timeouts_by_default_and_the_longest_deadline_covers_theirs(
    written: Template,
) -> None:
    parameters = written["Parameters"]

    assert parameters["DetailDeadlineSeconds"]["Default"] >= 3 * COLLECT.visibility_seconds
    assert parameters["DetailDeadlineSeconds"]["MaxValue"] == parameters["DeadlineSeconds"]["MaxValue"]


def test_no_choice_of_deadline_and_tick_needs_more_than_five_hundred_ticks(written: Template) -> None:
    parameters = written["Parameters"]

    assert parameters["DeadlineSeconds"]["MaxValue"] <= 500 * parameters["TickSeconds"]["MinValue"]


def test_the_schedule_sends_its_scheduled_time_alone(translated: Template) -> None:
    [schedule] = resources_of_type(translated, "AWS::Scheduler::Schedule").values()

    assert schedule["Properties"]["Target"]["Input"] == '{"scheduled_time": "<aws.scheduler.scheduled-time>"}'


@pytest.mark.parametrize("stage", STAGES)
def test_a_function_has_a_role_of_its_own(translated: Template, stage: str) -> None:
    function = properties(translated, f"{stage.title()}Function")

    assert function["Role"] == {"Fn::GetAtt": [f"{stage.title()}Role", "Arn"]}


def test_no_role_may_delete_objects_or_use_a_wildcard_in_an_action(translated: Template) -> None:
    granted = {
        action for role in resources_of_type(translated, "AWS::IAM::Role") for action in actions(translated, role)
    }

    assert [action for action in granted if "*" in action] == []
    assert [action for action in granted if "Delete" in action] == ["sqs:DeleteMessage"]


def test_only_discover_and_collect_may_assume_roles_and_only_the_members_role(translated: Template) -> None:
    assuming = {
        role: statement["Resource"]
        for role in resources_of_type(translated, "AWS::IAM::Role")
        for statement in statements(translated, role)
        if statement["Action"] == "sts:AssumeRole"
    }

    members_role = {"Fn::Sub": "arn:${AWS::Partition}:iam::*:role/${RoleName}"}
    assert assuming == {"DiscoverRole": members_role, "CollectRole": members_role}


@pytest.mark.parametrize("resource", ["Bucket", "BucketPolicy"])
def test_the_bucket_and_its_policy_outlive_the_stack_unless_its_first_deployment_fails(
    translated: Template, resource: str
) -> None:
    found = translated["Resources"][resource]

    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_the_default_concurrencies_and_one_plan_and_commit_fit_into_the_quota_of_a_new_account(
    translated: Template,
) -> None:
    sources = resources_of_type(resolved(translated), "AWS::Lambda::EventSourceMapping")
    workers = [
        int(source["Properties"]["ScalingConfig"]["MaximumConcurrency"])
        for name, source in sources.items()
        if EVENT_SOURCES[name][1] != "commit"
    ]

    assert len(workers) == 4
    assert sum(workers) + PLAN_AND_COMMIT <= 10


def test_the_bucket_keeps_versions(translated: Template) -> None:
    bucket = translated["Resources"]["Bucket"]

    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}


def expiries(template: Template) -> dict[str, int]:
    """Return the days after which the objects under each prefix expire."""
    rules = properties(template, "Bucket")["LifecycleConfiguration"]["Rules"]
    return {rule["Prefix"]: int(rule["ExpirationInDays"]) for rule in rules if "ExpirationInDays" in rule}


def test_only_what_lies_under_runs_expires_by_default(translated: Template) -> None:
    assert expiries(resolved(translated)) == {"runs/": 30}


def test_plans_are_kept_exactly_as_long_as_the_lake(translated: Template) -> None:
    assert expiries(resolved(translated, LakeRetentionDays="400")) == {"runs/": 30, "plans/": 400, "lake/": 400}


def test_no_choice_keeps_runs_for_as_long_as_the_lake(written: Template) -> None:
    parameters = written["Parameters"]

    shortest = min(days for days in parameters["LakeRetentionDays"]["AllowedValues"] if days)
    assert parameters["RunsRetentionDays"]["MaxValue"] < shortest


def test_shards_outlive_every_message_that_needs_them(written: Template, translated: Template) -> None:
    queues = resources_of_type(translated, "AWS::SQS::Queue").values()

    longest = max(queue["Properties"]["MessageRetentionPeriod"] for queue in queues)
    assert written["Parameters"]["RunsRetentionDays"]["MinValue"] * 86_400 > longest


def test_objects_are_locked_only_on_demand(translated: Template) -> None:
    assert not {"ObjectLockEnabled", "ObjectLockConfiguration"} & properties(resolved(translated), "Bucket").keys()

    locked = properties(resolved(translated, ObjectLockMode="COMPLIANCE", ObjectLockDays="7"), "Bucket")

    retention = {"Mode": "COMPLIANCE", "Days": "7"}
    assert locked["ObjectLockEnabled"] is True
    assert locked["ObjectLockConfiguration"]["Rule"] == {"DefaultRetention": retention}
