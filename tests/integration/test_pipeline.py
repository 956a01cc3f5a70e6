"""The deployed handlers on the embedded AWS, over HTTP: whole runs, and the faults of queues and people."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from patchlake.core.keys import part_key, plan_key, shard_key
from patchlake.core.messages import CollectMessage
from patchlake.core.targets import Target
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.aws.state import Statistics
from patchlake_cli.embedded.lambda_.environment import ExecutionEnvironment
from patchlake_cli.embedded.lambda_.sqs_event import sqs_event
from tests.deployed import DeployedRun, new_stack, readable_nodes, running, set_queue, sqs
from tests.integration.conftest import DAYS

EVENTS = Path(__file__).parents[2] / "events"
LAST_DAY = DAYS - 1
BATCH_SIZE = 120


def slice_keys(run: DeployedRun) -> list[str]:
    """Return the keys of the parts of patches: each batch of 120 nodes has slices of 50."""
    refused = run.aws.settings.conditions.refused_accounts
    return [
        f"runs/{run.run_id}/details/patches/{target}/{3 * batch + number:07d}.parquet"
        for target in run.aws.fleet.targets
        if target.account_id not in refused
        for batch, first in enumerate(range(0, run.aws.fleet.size(target), BATCH_SIZE))
        for number in range(-(-min(BATCH_SIZE, run.aws.fleet.size(target) - first) // 50))
    ]


@dataclass(frozen=True)
class Undisturbed:
    """An undisturbed run on functions that stay warm, and the calls that the embedded AWS counted until its end."""

    run: DeployedRun
    statistics: Statistics


@pytest.fixture(scope="module")
def undisturbed(shared_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    usual = shared_aws.settings.conditions
    shared_aws.change(short_pages=0.0, empty_pages=0.0)
    stack = new_stack(shared_aws, BatchSize=str(BATCH_SIZE))
    with running(shared_aws, stack, 0, tmp_path_factory.mktemp("undisturbed"), concurrency=2) as run:
        run.fire()
        run.wait_until_committed()
        statistics = shared_aws.statistics()
        shared_aws.change(short_pages=usual.short_pages, empty_pages=usual.empty_pages)
        yield Undisturbed(run, statistics)


def test_a_run_accounts_for_every_node_of_the_fleet(undisturbed: Undisturbed) -> None:
    run, aws = undisturbed.run, undisturbed.run.aws

    assert run.observation.outcome == "PARTIAL"
    assert [row[:3] for row in run.nodes()] == readable_nodes(run)
    assert set(run.versions().values()) == {1}
    refused = aws.settings.conditions.refused_accounts
    assert run.coverage() == [
        (*target, "ROLE_NOT_ASSUMABLE", None)
        if target.account_id in refused
        else (*target, "LISTED", aws.fleet.size(target))
        for target in sorted(aws.fleet.targets)
    ]


def test_never_scanned_nodes_are_rows_of_their_own_kind(undisturbed: Undisturbed) -> None:
    fleet = undisturbed.run.aws.fleet

    scanned = {
        (*target, node.instance_id): node.patch_state is not None
        for target in fleet.targets
        for node in fleet.nodes(target, 0)
    }
    assert {row[3] for row in undisturbed.run.nodes()} == {"COLLECTED", "NO_PATCH_STATE"}
    assert all((row[3] == "COLLECTED") == scanned[row[:3]] for row in undisturbed.run.nodes())


def test_ssm_is_asked_for_at_most_fifty_nodes_and_no_more_often_than_needed(undisturbed: Undisturbed) -> None:
    run, statistics = undisturbed.run, undisturbed.statistics

    sizes = [run.aws.fleet.size(target) for target, *_ in {(Target(*row[:2]),) for row in run.nodes()}]
    full, rest = zip(*(divmod(size, BATCH_SIZE) for size in sizes), strict=True)
    assert statistics.most_ids == 50
    assert statistics.count("ssm", "DescribeInstancePatchStates") == sum(full) * 3 + sum(-(-r // 50) for r in rest)


def test_every_object_of_a_run_has_the_key_of_the_design(undisturbed: Undisturbed) -> None:
    run, fleet = undisturbed.run, undisturbed.run.aws.fleet

    refused = run.aws.settings.conditions.refused_accounts
    date = f"{run.at:%Y-%m-%d}"
    assert sorted(run.objects()) == sorted(
        [
            plan_key(run.run_id),
            *(shard_key(run.run_id, target, name) for target in fleet.targets for name in ("nodes", "instances")),
            *(
                part_key(run.run_id, target, number)
                for target in fleet.targets
                if target.account_id not in refused
                for number in range(-(-fleet.size(target) // BATCH_SIZE))
            ),
            *slice_keys(run),
            f"lake/coverage/run_date={date}/{run.run_id}.parquet",
            f"lake/instances/run_date={date}/{run.run_id}.parquet",
            f"lake/patches/run_date={date}/{run.run_id}.parquet",
            f"lake/patch_states/run_date={date}/{run.run_id}.parquet",
        ]
    )


def test_a_message_redriven_after_the_commit_changes_nothing(undisturbed: Undisturbed) -> None:
    run = undisturbed.run
    before, late = run.versions(), run.observation.metrics["LateMessages"]
    account_id, region = run.nodes()[0][:2]
    message = CollectMessage(run_id=run.run_id, account_id=account_id, region=region, batch=0)

    sqs(run.aws.endpoint).send_message(QueueUrl=run.queue_url("collect"), MessageBody=message.encode())
    run.wait(lambda: run.observation.metrics["LateMessages"] == late + 1)

    assert run.versions() == before


def test_a_value_that_breaks_a_rule_is_named_and_costs_nothing_else(aws: EmbeddedAws, undisturbed: Undisturbed) -> None:
    run = undisturbed.run.on_day(1)
    target = min(aws.fleet.targets)
    first, second = [node for node in aws.fleet.nodes(target, run.day) if node.patch_state is not None][:2]
    negative = {"InstanceId": first.instance_id, "PatchGroup": "web", "MissingCount": -1}
    aws.change(patch_state_answers={first.instance_id: json.dumps(negative)})
    run.fire()
    run.wait_until_committed()

    statuses = {row[2]: row[3:] for row in run.nodes()}
    status, detail = statuses[first.instance_id]
    assert status == "COLLECTED"
    assert "MissingCount: expected `int` >= 0" in detail.split("; ")
    assert statuses[second.instance_id] == ("COLLECTED", None)
    assert Counter(status for status, _ in statuses.values())["INVALID_RESPONSE"] == 0


def test_at_the_deadline_what_never_came_is_named(aws: EmbeddedAws, undisturbed: Undisturbed) -> None:
    run = undisturbed.run.on_day(2)
    run.pipeline.pumps["collect"].pause()
    run.fire()
    run.wait(lambda: run.observation.targets_done == run.observation.targets)
    aws.advance_clock(14_400)
    run.wait_until_committed()
    run.pipeline.pumps["collect"].resume()

    assert run.observation.outcome == "PARTIAL"
    assert [row[:3] for row in run.nodes()] == readable_nodes(run)
    details = Counter(row[3:] for row in run.nodes())
    assert details[("NOT_COLLECTED", "no part by the run's deadline")] + details[("COLLECTED", None)] + details[
        ("NO_PATCH_STATE", None)
    ] == len(run.nodes())
    assert details[("NOT_COLLECTED", "no part by the run's deadline")] > 0
    assert set(run.versions().values()) == {1}


def test_without_the_account_that_refuses_a_run_is_complete_and_its_plan_names_it(
    aws: EmbeddedAws, tmp_path: Path
) -> None:
    [refused] = aws.settings.conditions.refused_accounts
    with running(aws, new_stack(aws, ExcludedAccounts=refused), 0, tmp_path) as run:
        run.fire()
        run.wait_until_committed()

        assert run.observation.outcome == "COMPLETE"
        assert refused not in {account_id for account_id, *_ in run.coverage()}
        assert [row[:3] for row in run.nodes()] == readable_nodes(run)
        assert json.loads(run.objects()[plan_key(run.run_id)])["excluded_account_ids"] == [refused]


def test_a_poisoned_message_ends_in_the_dead_letter_queue_and_harms_no_other(aws: EmbeddedAws, tmp_path: Path) -> None:
    stack = new_stack(aws)
    _, source = stack.event_sources["collect"]
    assert source.dead_letter_queue_url is not None
    set_queue(aws, source.queue_url, visibility_seconds=1, receives=2)
    client = sqs(aws.endpoint)
    poison = json.dumps({"v": 1, "run_id": "../../x", "role_arn": "arn:aws:iam::999999999999:role/admin"})
    client.send_message(QueueUrl=source.queue_url, MessageBody=poison)
    with running(aws, stack, 0, tmp_path) as run:
        run.fire()
        run.wait_until_committed()

        received: list[str] = []

        def is_dead() -> bool:
            answer = client.receive_message(QueueUrl=source.dead_letter_queue_url or "")
            received.extend(message["Body"] for message in answer.get("Messages", []))
            return bool(received)

        run.wait(is_dead)
        assert received == [poison]
        assert [row[:3] for row in run.nodes()] == readable_nodes(run)


def test_a_run_waits_a_hundred_ticks_without_an_error(aws: EmbeddedAws, tmp_path: Path) -> None:
    with running(aws, new_stack(aws), 0, tmp_path) as run:
        for pump in run.pipeline.pumps.values():
            pump.pause()
        run.fire()
        client = sqs(aws.endpoint)
        [message] = client.receive_message(
            QueueUrl=run.queue_url("commit"), MessageSystemAttributeNames=["All"], WaitTimeSeconds=5
        )["Messages"]
        said: list[str] = []
        commit = ExecutionEnvironment(run.pipeline.stack.functions["commit"], aws.endpoint, said.append)
        try:
            answers = [commit.invoke(sqs_event([message], "arn:aws:sqs:eu-central-1:1:q")) for _ in range(100)]
        finally:
            commit.close()

        waiting = {"batchItemFailures": [{"itemIdentifier": message["MessageId"]}]}
        assert answers == [waiting] * 100
        assert {json.loads(line)["level"] for line in said if "level" in json.loads(line)} == {"INFO"}


def test_two_commits_that_race_publish_once(aws: EmbeddedAws, undisturbed: Undisturbed) -> None:
    run = undisturbed.run.on_day(3)
    run.pipeline.pumps["commit"].pause()
    run.fire()
    run.wait(lambda: run.observation.targets_done == run.observation.targets)
    run.wait(lambda: run.observation.nodes_done == len(readable_nodes(run)))
    run.wait(lambda: set(slice_keys(run)) <= set(run.pipeline.store.keys("runs/")))
    client = sqs(aws.endpoint)
    [message] = client.receive_message(
        QueueUrl=run.queue_url("commit"), MessageSystemAttributeNames=["All"], WaitTimeSeconds=5
    )["Messages"]
    event = sqs_event([message], "arn:aws:sqs:eu-central-1:1:q")
    function = run.pipeline.stack.functions["commit"]
    racers = [ExecutionEnvironment(function, aws.endpoint, lambda _line: None) for _ in range(2)]
    answers: list[object] = []
    threads = [threading.Thread(target=lambda r=racer: answers.append(r.invoke(event))) for racer in racers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for racer in racers:
        racer.close()
    run.pipeline.pumps["commit"].resume()

    assert answers == [{"batchItemFailures": []}] * 2
    assert len(run.nodes()) == len(readable_nodes(run))
    assert set(run.versions().values()) == {1}


def test_the_events_of_the_repository_are_real_ones(aws: EmbeddedAws, tmp_path: Path) -> None:
    events = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in EVENTS.glob("*.json")}
    target = Target("111122223333", "eu-central-1")
    with running(aws, new_stack(aws), LAST_DAY, tmp_path) as run, ExitStack() as closing:
        for pump in run.pipeline.pumps.values():
            pump.pause()
        answers = {}
        for stage in ("plan", "discover", "collect", "commit"):
            environment = ExecutionEnvironment(run.pipeline.stack.functions[stage], aws.endpoint, lambda _line: None)
            closing.callback(environment.close)
            answers[stage] = environment.invoke(events[stage])

        [watch] = events["commit"]["Records"]
        assert answers == {
            "plan": {"run_id": run.run_id, "step": "STORED", "targets": 6},
            "discover": {"batchItemFailures": []},
            "collect": {"batchItemFailures": []},
            "commit": {"batchItemFailures": [{"itemIdentifier": watch["messageId"]}]},
        }
        assert sorted(run.objects()) == [
            plan_key(run.run_id),
            part_key(run.run_id, target, 0),
            shard_key(run.run_id, target),
        ]
