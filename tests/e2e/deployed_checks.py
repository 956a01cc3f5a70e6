"""The checks of a deployed stack, in the order in which they are made; each fails with an AssertionError."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import Any

from botocore.exceptions import ClientError

from patchlake.core.keys import plan_key
from patchlake.core.messages import CommitMessage
from patchlake.core.run import run_at, run_id_of
from patchlake.core.targets import Target
from patchlake.core.timings import COLLECT, COMMIT, DISCOVER
from patchlake.sources.patches import STATES
from patchlake.sources.registry import SOURCES
from patchlake_cli.operations.checks import CHECKS as STACK_CHECKS
from patchlake_cli.operations.deployment import QUEUES
from tests.e2e.deployment import PARAMETERS, SETTINGS, STACK, Deployment
from tests.e2e.ministack_gaps import CHECKS_WITH_FINDINGS
from tests.ec2_of_fleet import instances

type Members = Mapping[str, Any]

TIMINGS = {"discover": DISCOVER, "collect": COLLECT, "commit": COMMIT}
FLEET = SETTINGS.fleet()
NODES = [(target, node) for target in sorted(FLEET.targets) for node in FLEET.nodes(target, 0)]
INSTANCES = [(target, instance) for target, found in instances(SETTINGS, 0).items() for instance in found]
SENSITIVE = {column.name for table in SOURCES.tables for column in table.columns if column.sensitive}
COLUMNS_OF_ONE_MEMBER = {"state": "Name", "iam_instance_profile": "Arn"}
WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def a_run_reads_every_target(deployment: Deployment) -> None:
    """Check the coverage of the run, which this first check starts and follows to its end."""
    found = {Target(row["account_id"], row["region"]): row for row in deployment.rows("coverage")}

    assert found.keys() == set(FLEET.targets)
    for target, row in found.items():
        assert (row["listing_status"], row["nodes_listed"]) == ("LISTED", FLEET.size(target))
        assert (row["patches_status"], row["instances_status"], row["tags_status"]) == ("COMPLETE", "LISTED", "LISTED")


def each_node_has_its_patch_state(deployment: Deployment) -> None:
    """Compare the snapshot with the nodes of the fleet, value by value."""
    expected = [
        (
            target,
            {**node.information, **(node.patch_state or {})},
            "COLLECTED" if node.patch_state else "NO_PATCH_STATE",
        )
        for target, node in NODES
    ]
    rows = deployment.rows("patch_states")

    assert [row["collection_status"] for row in rows] == [status for *_, status in expected]
    same_values(rows, [(target, members) for target, members, _ in expected])


def each_patch_has_its_row(deployment: Deployment) -> None:
    """Compare the patches of every node that lacks some with those of the fleet, value by value."""
    expected = [
        (target, {"InstanceId": node.instance_id, **patch})
        for target, node in NODES
        for patch in sorted(node.patches(STATES), key=lambda patch: (patch["KBId"], patch["Title"]))
    ]
    rows = [row for row in deployment.rows("patches") if row["collection_status"] == "COLLECTED"]

    same_values(sorted(rows, key=place), sorted(expected, key=lambda found: place(row_of(*found))))


def each_instance_has_its_row(deployment: Deployment) -> None:
    """Compare the EC2 instances with those of the fleet, value by value."""
    same_values(deployment.rows("instances"), [(target, instance.members) for target, instance in INSTANCES])


def each_tag_that_is_asked_for_has_its_row(deployment: Deployment) -> None:
    """Compare the tags with those of the fleet, without the keys that the stack does not read."""
    keys = PARAMETERS["TagKeys"].split(",")
    expected = [
        (target, {"InstanceId": instance.instance_id, "Key": key, "Value": instance.tags[key]})
        for target, instance in INSTANCES
        for key in sorted(keys)
        if key in instance.tags
    ]

    same_values(deployment.rows("tags"), expected)


def every_key_has_one_version(deployment: Deployment) -> None:
    """Check that no object was written twice or deleted."""
    pages = deployment.cloud.client("s3").get_paginator("list_object_versions")
    found = [
        version["Key"]
        for page in pages.paginate(Bucket=deployment.outputs["BucketName"])
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    ]

    assert plan_key(deployment.run_id) in found
    assert len(found) == len(set(found))


def glue_has_the_columns_of_the_files(deployment: Deployment) -> None:
    """Compare the tables that are deployed with the files that are published."""
    glue = deployment.cloud.client("glue")
    for table in SOURCES.tables:
        found = glue.get_table(DatabaseName=deployment.outputs["DatabaseName"], Name=table.name)["Table"]
        columns = [column["Name"] for column in found["StorageDescriptor"]["Columns"]]
        assert columns == list(deployment.columns(table.name))


def status_shows_the_run(deployment: Deployment) -> None:
    """Compare `patchlake status` with the run: it has found the bucket, the queues and the snapshot."""
    ended = deployment.patchlake("status", "--stack", STACK, "--json")
    status = json.loads(ended.stdout)

    assert ended.returncode == 0, ended.stderr
    assert status["snapshot"] == deployment.run_id
    assert status["runs"][0]["nodes_listed"] == len(NODES)
    assert [queue["dead_letters"]["waiting"] for queue in status["queues"]] == [0] * len(status["queues"])


def check_finds_nothing_but_what_the_emulator_lacks(deployment: Deployment) -> None:
    """Compare the findings of `patchlake check --stack` with those that have a reason."""
    ended = deployment.patchlake("check", "--stack", STACK, "--json")
    verdicts = {check["name"]: check["verdict"] for check in json.loads(ended.stdout)["checks"]}

    assert verdicts == {name: "FINDING" if name in CHECKS_WITH_FINDINGS else "OK" for name in STACK_CHECKS}, (
        ended.stdout
    )


def query_answers_from_the_bucket(deployment: Deployment) -> None:
    """Compare `patchlake query --stack` with the fleet."""
    sql = "SELECT count(*) AS nodes, count(DISTINCT account_id) AS accounts FROM patch_states"
    ended = deployment.patchlake("query", "--stack", STACK, "--format", "json", sql)

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [{"nodes": len(NODES), "accounts": SETTINGS.accounts}]


def not_even_an_administrator_deletes_an_object(deployment: Deployment) -> None:
    """Try to delete the plan of the run, which the bucket's policy denies."""
    try:
        deployment.cloud.client("s3").delete_object(
            Bucket=deployment.outputs["BucketName"], Key=plan_key(deployment.run_id)
        )
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"  # noqa: PT017 - a check is no test
    else:
        raise AssertionError("the plan was deleted")


def each_queue_has_its_dead_letters_and_times(deployment: Deployment) -> None:
    """Compare the queues with the times that the protocol relies on."""
    sqs = deployment.cloud.client("sqs")

    def attributes(url: str) -> dict[str, str]:
        found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return found

    for name, stage in QUEUES.items():
        queue = attributes(deployment.outputs[f"{name.title()}QueueUrl"])
        dead_letters = attributes(deployment.outputs[f"{name.title()}DeadLetterQueueUrl"])
        assert "RedrivePolicy" in queue, name
        policy = json.loads(queue["RedrivePolicy"])
        assert int(queue["VisibilityTimeout"]) == TIMINGS[stage].visibility_seconds
        assert int(policy["maxReceiveCount"]) == TIMINGS[stage].max_receive_count
        assert policy["deadLetterTargetArn"] == dead_letters["QueueArn"]
        assert int(dead_letters["MessageRetentionPeriod"]) > int(queue["MessageRetentionPeriod"])


def a_failed_event_of_plan_becomes_a_dead_letter(deployment: Deployment) -> None:
    """Invoke plan as Scheduler does, with an event that names no time."""
    event = json.dumps({"scheduled_time": None})
    deployment.cloud.client("lambda").invoke(
        FunctionName=deployment.outputs["PlanFunctionName"], InvocationType="Event", Payload=event
    )

    assert event in received(deployment, "PlanDeadLetterQueueUrl")


def the_message_of_a_corrupt_run_becomes_a_dead_letter(deployment: Deployment) -> None:
    """Store a plan that is none, and let commit find it; it is the last check, since the plan stays."""
    corrupt = run_id_of((run_at(deployment.run_id) - timedelta(minutes=1)).isoformat())
    deployment.cloud.client("s3").put_object(
        Bucket=deployment.outputs["BucketName"], Key=plan_key(corrupt), Body=b"no plan", IfNoneMatch="*"
    )
    message = CommitMessage(run_id=corrupt).encode()
    deployment.cloud.client("sqs").send_message(QueueUrl=deployment.outputs["CommitQueueUrl"], MessageBody=message)

    assert received(deployment, "CommitDeadLetterQueueUrl") == message


CHECKS: tuple[Callable[[Deployment], None], ...] = (
    a_run_reads_every_target,
    each_node_has_its_patch_state,
    each_patch_has_its_row,
    each_instance_has_its_row,
    each_tag_that_is_asked_for_has_its_row,
    every_key_has_one_version,
    glue_has_the_columns_of_the_files,
    status_shows_the_run,
    check_finds_nothing_but_what_the_emulator_lacks,
    query_answers_from_the_bucket,
    not_even_an_administrator_deletes_an_object,
    each_queue_has_its_dead_letters_and_times,
    a_failed_event_of_plan_becomes_a_dead_letter,
    the_message_of_a_corrupt_run_becomes_a_dead_letter,
)


def received(deployment: Deployment, queue: str) -> str:
    """Wait for a message in a queue, by the name of its output; nothing if none arrives."""
    sqs, url = deployment.cloud.client("sqs"), deployment.outputs[queue]
    end, pause = time.monotonic() + deployment.patience_seconds, Event()
    while time.monotonic() < end:
        for message in sqs.receive_message(QueueUrl=url).get("Messages", []):
            body: str = message["Body"]
            return body
        pause.wait(0.5)
    return ""


def same_values(rows: list[dict[str, Any]], expected: Sequence[tuple[Target, Members]]) -> None:
    """Compare rows of a table with members of the API, in the columns that are named after one."""
    wanted = [row_of(target, members) for target, members in expected]
    columns = set().union(*wanted).intersection(*rows)

    assert [{name: row[name] for name in columns} for row in rows] == [
        {name: row.get(name) for name in columns} for row in wanted
    ]


def row_of(target: Target, members: Members) -> dict[str, Any]:
    """Return members of the API as a row has them."""
    values = {WORD_ENDS.sub("_", name).lower(): value for name, value in members.items()}
    return {
        "account_id": target.account_id,
        "region": target.region,
        **{name: None if name in SENSITIVE else as_value(name, value) for name, value in values.items()},
    }


def as_value(name: str, value: object) -> object:
    """Return a value of the API as a column has it: times in milliseconds, and none for a time that says nothing."""
    if isinstance(value, datetime):
        value = value.timestamp()
    if name == "install_override_list":
        # Its query is a signature.
        return str(value).partition("?")[0]
    if name in COLUMNS_OF_ONE_MEMBER and isinstance(value, Mapping):
        return value[COLUMNS_OF_ONE_MEMBER[name]]
    if name.endswith(("_time", "_date")) and isinstance(value, int | float):
        return round(value * 1000) or None
    return value


def place(row: Members) -> tuple[str, ...]:
    """Return the place of a patch among all others."""
    return tuple(row[name] for name in ("account_id", "region", "instance_id", "kb_id", "title", "state"))
