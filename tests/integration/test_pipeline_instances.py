"""The deployed handlers list EC2: a row per instance and allowed tag, and nothing about EC2 changes the snapshot."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, plan_key, snapshot_key, table_key
from patchlake.core.tables import Columns
from patchlake.sources.instances import INSTANCES
from patchlake.sources.tags import TAGS
from patchlake.stages.fence import NO_DETAIL_SHARD
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.aws.settings import FaultRates
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from tests.command_line import patchlake, variables
from tests.deployed import DeployedRun, new_stack, running
from tests.ec2_of_fleet import found_in, instances, values_that_are_not_allowed
from tests.integration.conftest import REFUSED

HOME, MEMBER = "111122223333", "444455556666"
ACTIONS = ("DescribeInstances", "DescribeTags")
KEYS = ("Environment", "Owner")
SOURCES = (INSTANCES.name, TAGS.name)


def stack_of(aws: EmbeddedAws, **parameters: str) -> DeployedStack:
    """Deploy a stack whose runs can read every target, and list EC2 alone besides the patch states."""
    settings = {"ExcludedAccounts": REFUSED, "BatchSize": "120", "CollectPatches": "false", "TagKeys": ",".join(KEYS)}
    return new_stack(aws, **settings | parameters)


def table(run: DeployedRun, key: str) -> Columns:
    file = ParquetTables().open(run.objects()[key])
    return file.columns(file.column_names)


def rows(run: DeployedRun, source: str) -> list[dict[str, Any]]:
    columns = table(run, table_key(run.run_id, source))
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def coverage(run: DeployedRun, source: str) -> dict[str, set[tuple[Any, ...]]]:
    """Return the status, the detail and the rows of a listing in each account, by coverage."""
    columns = table(run, coverage_key(run.run_id))
    found = defaultdict(set)
    for place, account_id in enumerate(columns["account_id"]):
        found[account_id].add(tuple(columns[f"{source}_{member}"][place] for member in ("status", "detail", "rows")))
    return dict(found)


def tables(run: DeployedRun) -> dict[str, bytes]:
    """Return the published tables of the two listings, which depend only on what EC2 has."""
    return {name: run.objects()[table_key(run.run_id, name)] for name in SOURCES}


def finished(run: DeployedRun) -> DeployedRun:
    run.fire()
    run.wait_until_committed()
    return run


@pytest.fixture(scope="module")
def undisturbed(shared_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedRun]:
    with running(shared_aws, stack_of(shared_aws), 0, tmp_path_factory.mktemp("undisturbed")) as run:
        yield finished(run)


def test_a_run_has_one_row_for_each_instance_and_one_for_each_allowed_tag(undisturbed: DeployedRun) -> None:
    of_fleet = [
        (target, instance)
        for target, found in instances(undisturbed.aws.settings, 0).items()
        if target.account_id != REFUSED
        for instance in found
    ]

    assert [
        (row["account_id"], row["region"], row["instance_id"], row["state"]) for row in rows(undisturbed, "instances")
    ] == [(*target, instance.instance_id, instance.members["State"]["Name"]) for target, instance in of_fleet]
    assert [(row["instance_id"], row["key"], row["value"]) for row in rows(undisturbed, "tags")] == [
        (instance.instance_id, key, instance.tags[key])
        for _, instance in of_fleet
        for key in KEYS
        if key in instance.tags
    ]
    assert set(undisturbed.versions().values()) == {1}


def test_a_run_that_listed_everything_has_no_gap(undisturbed: DeployedRun) -> None:
    assert undisturbed.observation.outcome == "COMPLETE"
    assert undisturbed.detail_gaps() == 0
    for source in SOURCES:
        found = coverage(undisturbed, source)
        assert {(status, detail) for each in found.values() for status, detail, _ in each} == {("LISTED", None)}
        assert sum(number for each in found.values() for *_, number in each) == len(rows(undisturbed, source))


def test_an_older_member_role_changes_no_byte_of_the_snapshot_and_is_not_silent(
    aws: EmbeddedAws, undisturbed: DeployedRun, tmp_path: Path
) -> None:
    aws.change(denied_actions={MEMBER: frozenset(ACTIONS)})
    stack = stack_of(aws)
    with running(aws, stack, 0, tmp_path) as run:
        finished(run)

        assert run.objects()[snapshot_key(run.run_id)] == undisturbed.objects()[snapshot_key(run.run_id)]
        assert run.observation.outcome == "COMPLETE"
        assert run.detail_gaps() == len(SOURCES)
        for source in SOURCES:
            assert coverage(run, source)[HOME] == coverage(undisturbed, source)[HOME]
            assert coverage(run, source)[MEMBER] == {("ACCESS_DENIED", "UnauthorizedOperation", None)}
            assert rows(run, source) == [row for row in rows(undisturbed, source) if row["account_id"] == HOME]
        environment = variables(aws.endpoint)
        status = patchlake(environment, "status", "--stack", stack.name)
        checked = patchlake(environment, "check", "--stack", stack.name, "--json")

    assert status.returncode == 0
    assert status.stdout.count("2 of 4 targets could not be read in full, for example: UnauthorizedOperation.") == 2
    [found] = [each for each in json.loads(checked.stdout)["checks"] if each["name"] == "sources"]
    fixes = {finding["fix"] for finding in found["findings"]}
    for action in ACTIONS:
        assert any(f'{{"Effect": "Allow", "Action": "ec2:{action}", "Resource": "*"}}' in fix for fix in fixes)


def test_throttling_refused_tokens_and_broken_answers_cost_no_row(
    aws: EmbeddedAws, undisturbed: DeployedRun, tmp_path: Path
) -> None:
    aws.change(
        short_pages=0.5,
        empty_pages=0.3,
        faults=FaultRates(
            throttling=0.15, internal_error=0.1, truncated_body=0.1, connection_reset=0.05, invalid_next_token=1.0
        ),
    )
    with running(aws, stack_of(aws), 0, tmp_path) as run:
        finished(run)

        assert run.observation.outcome == "COMPLETE"
        assert run.detail_gaps() == 0
        assert tables(run) == tables(undisturbed)


def test_no_object_and_no_line_has_a_tag_that_is_not_allowed_or_an_address(aws: EmbeddedAws, tmp_path: Path) -> None:
    aws.change(
        short_pages=0.5,
        faults=FaultRates(throttling=0.1, internal_error=0.1, truncated_body=0.3, invalid_next_token=0.5),
        denied_actions={MEMBER: frozenset({"DescribeTags"})},
    )
    stack = stack_of(aws, ExcludedAccounts="", TagKeys="Owner", IncludeSensitiveFields="true")
    not_allowed = values_that_are_not_allowed(aws.settings, days=[0])
    with running(aws, stack, 0, tmp_path) as run:
        finished(run)

        assert run.observation.outcome == "PARTIAL"
        assert {row["key"] for row in rows(run, "tags")} == {"Owner"}
        of_ec2 = {key: body for key, body in run.objects().items() if "instances" in key or "tags" in key}
        assert len(of_ec2) == 2 * (len(aws.fleet.targets) + 1)
        assert found_in(of_ec2, not_allowed | {"Environment"}) == set()
        lines = [json.dumps(line, ensure_ascii=False) for line in run.lines]
        assert [value for value in not_allowed if any(value in line for line in lines)] == []


def test_from_the_detail_deadline_on_a_run_waits_for_no_instance(
    aws: EmbeddedAws, undisturbed: DeployedRun, tmp_path: Path
) -> None:
    with running(aws, stack_of(aws, DetailDeadlineSeconds="600"), 0, tmp_path) as run:
        run.pipeline.pumps["listing"].pause()
        run.fire()
        run.wait(lambda: run.observation.nodes_done == run.observation.nodes_listed > 0)
        aws.advance_clock(599)
        run.wait(lambda: run.observation.metrics["Ticks"] > 3)
        assert not run.pipeline.store.exists(snapshot_key(run.run_id))

        aws.advance_clock(1)
        run.wait_until_committed()

        assert run.observation.outcome == "COMPLETE"
        assert run.detail_gaps() == len(SOURCES)
        for source in SOURCES:
            found = coverage(run, source)
            assert found[HOME] == found[MEMBER] == {("NOT_LISTED", NO_DETAIL_SHARD, None)}
            assert rows(run, source) == []
        assert table(run, snapshot_key(run.run_id)) == table(undisturbed, snapshot_key(run.run_id))


@pytest.mark.parametrize(
    ("parameters", "sources"),
    [
        ({"CollectInstances": "false", "TagKeys": ""}, set()),
        ({"TagKeys": ""}, {"instances"}),
    ],
)
def test_a_run_has_no_word_of_a_table_that_it_was_not_asked_for(
    aws: EmbeddedAws, undisturbed: DeployedRun, tmp_path: Path, parameters: dict[str, str], sources: set[str]
) -> None:
    before = {source: aws.statistics().count("ec2", action) for source, action in zip(SOURCES, ACTIONS, strict=True)}
    with running(aws, stack_of(aws, **parameters), 0, tmp_path) as run:
        finished(run)

        others = set(SOURCES) - sources
        assert run.objects().keys() == {
            key for key in undisturbed.objects() if not any(f"/{source}/" in key for source in others)
        }
        plan = json.loads(run.objects()[plan_key(run.run_id)])
        assert {source["name"] for source in plan.get("sources", [])} == sources
        assert plan.get("tag_keys") == (list(KEYS) if "tags" in sources else None)
        assert not [name for name in table(run, coverage_key(run.run_id)) if name.partition("_")[0] in others]
        assert table(run, snapshot_key(run.run_id)) == table(undisturbed, snapshot_key(run.run_id))
        assert run.detail_gaps() == 0
    asked = {source: aws.statistics().count("ec2", action) for source, action in zip(SOURCES, ACTIONS, strict=True)}
    assert {source for source in SOURCES if asked[source] > before[source]} == sources
