"""Alarms and dashboard watch metrics that the functions emit, and every alarm names its entry in the runbook."""

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from patchlake.core.call_counter import CallCounts
from patchlake.core.statuses import CollectionStatus, ListingStatus
from patchlake.core.timings import PLAN_WAIT_LIMIT_SECONDS
from patchlake.stages.commit import PUBLISHED_METRICS, CommitOutcome, CommitResult
from patchlake.stages.publish import Published
from patchlake_cli.embedded.cloudformation.template import (
    Template,
    read_template,
    resources_of_type,
)
from tests.resolved_template import STACK_NAME, resolved

ROOT = Path(__file__).parents[2]
PATH = ROOT / "template.yaml"
WEEK_SECONDS = 7 * 24 * 60 * 60


@pytest.fixture(scope="module")
def template(translated: Template) -> Template:
    """The template with its defaults, resolved."""
    return resolved(translated)


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    """Return the properties of every alarm."""
    return {name: body["Properties"] for name, body in resources_of_type(template, "AWS::CloudWatch::Alarm").items()}


def watched(alarm: dict[str, Any]) -> list[tuple[str, str, list[dict[str, str]]]]:
    """Return namespace, name and dimensions of each metric that an alarm reads."""
    metrics = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query] or [alarm]
    return [(metric["Namespace"], metric["MetricName"], metric["Dimensions"]) for metric in metrics]


def emitted() -> set[str]:
    """Return the name of every metric that a function emits in patchlake's namespace."""
    results = [CommitResult("20261123T060000Z", outcome, age=timedelta()) for outcome in CommitOutcome]
    of_commit = {name for result in results for name in result.counts()}
    of_ssm = set(CallCounts(0, 0, 0).metrics())
    handlers = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("functions/*/app.py"))
    return of_commit | of_ssm | set(re.findall(r'add_metric\("(\w+)"', handlers))


def test_every_metric_of_ours_that_an_alarm_reads_is_emitted_with_the_stacks_name(template: Template) -> None:
    ours = [metric for alarm in alarms(template).values() for metric in watched(alarm) if metric[0] == "patchlake"]

    assert {name for _, name, _ in ours} <= emitted()
    assert {json.dumps(dimensions) for *_, dimensions in ours} == {
        json.dumps([{"Name": "service", "Value": STACK_NAME}])
    }


def test_every_queue_and_function_that_an_alarm_reads_is_one_of_the_stack(template: Template) -> None:
    others = [metric for alarm in alarms(template).values() for metric in watched(alarm) if metric[0] != "patchlake"]
    named = {
        body["Properties"].get("QueueName") or body["Properties"].get("FunctionName")
        for kind in ("AWS::SQS::Queue", "AWS::Lambda::Function")
        for body in resources_of_type(template, kind).values()
    }

    assert {dimension["Value"] for *_, dimensions in others for dimension in dimensions} <= named


def test_every_dead_letter_queue_has_its_alarm(template: Template) -> None:
    queues = {
        body["Properties"]["QueueName"]
        for name, body in resources_of_type(template, "AWS::SQS::Queue").items()
        if name.endswith("DeadLetterQueue")
    }

    depths = {
        dimensions[0]["Value"]
        for alarm in alarms(template).values()
        for _, name, dimensions in watched(alarm)
        if name == "ApproximateNumberOfMessagesVisible"
    }
    assert depths == queues
    assert len(queues) == 6


READ = {ListingStatus.LISTED: 2, ListingStatus.ACCOUNT_NOT_ACTIVE: 1}, {CollectionStatus.COLLECTED: 5}, 0
UNREAD = [
    *({**READ[0], status: 1} for status in ListingStatus if status not in READ[0]),
    {ListingStatus.ACCOUNT_NOT_ACTIVE: 1},
    {},
]


@pytest.mark.parametrize(
    ("listings", "statuses", "rows_without_id", "is_gap"),
    [
        (*READ, False),
        (READ[0], {CollectionStatus.NO_PATCH_STATE: 1}, 0, False),
        (READ[0], {CollectionStatus.NOT_COLLECTED: 1}, 0, True),
        (READ[0], {CollectionStatus.INVALID_RESPONSE: 1}, 0, True),
        (READ[0], READ[1], 1, True),
        *((listings, READ[1], 0, True) for listings in UNREAD),
    ],
)
def test_everything_that_a_run_did_not_read_is_a_gap_for_whatever_reason(
    template: Template,
    listings: dict[str, int],
    statuses: dict[str, int],
    rows_without_id: int,
    *,
    is_gap: bool,
) -> None:
    alarm = alarms(template)["CoverageGapAlarm"]
    published = Published(Counter(statuses), Counter(listings), rows_without_id)
    outcome = CommitOutcome.COMPLETE if published.is_complete else CommitOutcome.PARTIAL

    counts = CommitResult("20261123T060000Z", outcome, age=timedelta()).counts()

    assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Sum", "GreaterThanThreshold")
    assert (counts.get(alarm["MetricName"], 0) > alarm["Threshold"]) == is_gap


def test_an_alarm_uses_every_metric_that_it_reads(template: Template) -> None:
    for name, alarm in alarms(template).items():
        queries = alarm.get("Metrics", [])
        [result] = [query for query in queries if "Expression" in query] or [None]
        inputs = {query["Id"] for query in queries if "MetricStat" in query}
        used = set(re.findall(r"\b[a-z]+\b", result["Expression"])) if result else set()
        assert inputs == used, name


def test_an_alarm_that_adds_metrics_up_reads_only_those_that_commit_reports_at_each_tick(template: Template) -> None:
    """FILL does nothing for a metric that was never reported: a sum with it would have no data at all."""
    added = {name for alarm in alarms(template).values() if "Metrics" in alarm for _, name, _ in watched(alarm)}

    assert added == {"Ticks", *PUBLISHED_METRICS}


def test_every_function_has_an_alarm_for_its_errors(template: Template) -> None:
    functions = {
        body["Properties"]["FunctionName"] for body in resources_of_type(template, "AWS::Lambda::Function").values()
    }

    errors = [
        dimensions[0]["Value"]
        for alarm in alarms(template).values()
        for _, name, dimensions in watched(alarm)
        if name == "Errors"
    ]
    assert sorted(errors) == sorted(functions)


def test_every_alarm_tells_the_topic_and_names_its_entry_in_the_runbook(template: Template) -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    topic = f"arn:aws:sns:eu-central-1:111122223333:{STACK_NAME}-alarms"

    for name, alarm in alarms(template).items():
        assert alarm["AlarmActions"] == [topic]
        assert alarm["AlarmName"].startswith(f"{STACK_NAME}-")
        assert alarm["AlarmDescription"].endswith(f"See docs/operations.md, {name}.")
        [entry] = re.findall(rf"^### (?:\w+, )*{name}(?:, \w+)*$(.*?)(?=^##|\Z)", runbook, re.MULTILINE | re.DOTALL)
        assert [part for part in ("What it means", "What to look at", "What to do") if part not in entry] == []


def test_the_runbook_has_no_entry_without_an_alarm(template: Template) -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

    headings = re.findall(r"^### (\w+Alarm(?:, \w+Alarm)*)$", runbook, re.MULTILINE)

    assert sorted(name for heading in headings for name in heading.split(", ")) == sorted(alarms(template))


def test_no_alarm_looks_back_further_than_cloudwatch_allows(translated: Template) -> None:
    parameters = read_template(PATH)["Parameters"]
    template = resolved(translated, MissedRunHours=str(parameters["MissedRunHours"]["MaxValue"]))

    for alarm in alarms(template).values():
        stats = [query["MetricStat"]["Period"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
        [period] = set(stats) or {alarm["Period"]}
        assert period * int(alarm["EvaluationPeriods"]) <= WEEK_SECONDS


def test_a_run_is_watched_too_long_only_after_every_deadline(template: Template) -> None:
    deadline = read_template(PATH)["Parameters"]["DeadlineSeconds"]["MaxValue"]

    alarm = alarms(template)["WatchTooOldAlarm"]

    assert PLAN_WAIT_LIMIT_SECONDS <= 3600
    assert alarm["EvaluationPeriods"] * 3600 > deadline


def test_without_an_address_nobody_is_subscribed(translated: Template) -> None:
    address = "platform@example.com"

    assert "AlarmSubscription" not in resolved(translated)["Resources"]
    subscription = resolved(translated, AlarmEmail=address)["Resources"]["AlarmSubscription"]["Properties"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", address)


def test_the_dashboard_shows_metrics_that_exist_and_every_one_of_ours(template: Template) -> None:
    body = json.loads(template["Resources"]["Dashboard"]["Properties"]["DashboardBody"])
    metrics = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]

    assert {metric[1] for metric in metrics if metric[0] == "patchlake"} == emitted()
    assert not [metric for metric in metrics if "$" in json.dumps(metric)]


def test_no_two_widgets_of_the_dashboard_overlap(template: Template) -> None:
    body = json.loads(template["Resources"]["Dashboard"]["Properties"]["DashboardBody"])

    cells = [
        (x, y)
        for widget in body["widgets"]
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
