"""The deployed handlers read patches: every asked node has rows, and nothing about patches changes the snapshot."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, plan_key, snapshot_key, table_key
from patchlake.core.tables import Columns
from patchlake.sources.patches import PATCHES, STATES
from patchlake.stages.fence import NO_DETAIL
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.fleet.node import PATCH_STATES
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from tests.command_line import patchlake, variables
from tests.deployed import DeployedRun, new_stack, running
from tests.integration.conftest import REFUSED

HOME, MEMBER = "111122223333", "444455556666"
ACTION = "DescribeInstancePatches"


def stack_of(aws: EmbeddedAws, **parameters: str) -> DeployedStack:
    """Deploy a stack whose runs can read every target, and read patches alone besides the patch states."""
    settings = {"ExcludedAccounts": REFUSED, "BatchSize": "120", "CollectInstances": "false"}
    return new_stack(aws, **settings | parameters)


def table(run: DeployedRun, key: str) -> Columns:
    file = ParquetTables().open(run.objects()[key])
    return file.columns(file.column_names)


def patches(run: DeployedRun) -> list[dict[str, Any]]:
    columns = table(run, table_key(run.run_id, PATCHES.name))
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def statuses(run: DeployedRun) -> dict[str, set[str]]:
    """Return the status of patches in each account, by coverage."""
    columns = table(run, coverage_key(run.run_id))
    found = defaultdict(set)
    for account_id, status in zip(columns["account_id"], columns["patches_status"], strict=True):
        found[account_id].add(status)
    return dict(found)


def counts_of_snapshot(run: DeployedRun) -> dict[str, Counter[str]]:
    """Return the counts of each node by the states that patches are asked for in; those without any are left out."""
    columns = table(run, snapshot_key(run.run_id))
    names = {state: "".join(f"_{c.lower()}" if c.isupper() else c for c in PATCH_STATES[state])[1:] for state in STATES}
    rows = {
        instance_id: Counter({state: columns[name][row] or 0 for state, name in names.items()})
        for row, instance_id in enumerate(columns["instance_id"])
    }
    return {instance_id: +counter for instance_id, counter in rows.items() if counter.total()}


def finished(run: DeployedRun) -> DeployedRun:
    run.fire()
    run.wait_until_committed()
    return run


@pytest.fixture(scope="module")
def undisturbed(shared_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedRun]:
    with running(shared_aws, stack_of(shared_aws), 0, tmp_path_factory.mktemp("undisturbed")) as run:
        yield finished(run)


def test_the_rows_of_each_node_are_those_that_its_patch_state_counts(undisturbed: DeployedRun) -> None:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in patches(undisturbed):
        if row["collection_status"] == "COLLECTED":
            found[row["instance_id"]][row["state"]] += 1

    assert found == counts_of_snapshot(undisturbed)
    assert {row["collection_status"] for row in patches(undisturbed)} == {"COLLECTED", "NO_PATCHES"}
    assert statuses(undisturbed) == {HOME: {"COMPLETE"}, MEMBER: {"COMPLETE"}}
    assert set(undisturbed.versions().values()) == {1}


def test_a_run_that_read_all_patches_has_no_gap(undisturbed: DeployedRun) -> None:
    assert undisturbed.observation.outcome == "COMPLETE"
    assert undisturbed.detail_gaps() == 0


def test_an_older_member_role_changes_no_byte_of_the_snapshot_and_is_not_silent(
    aws: EmbeddedAws, undisturbed: DeployedRun, tmp_path: Path
) -> None:
    aws.change(denied_actions={MEMBER: frozenset({ACTION})})
    stack = stack_of(aws)
    with running(aws, stack, 0, tmp_path) as run:
        finished(run)

        assert run.objects()[snapshot_key(run.run_id)] == undisturbed.objects()[snapshot_key(run.run_id)]
        assert run.observation.outcome == "COMPLETE"
        assert run.detail_gaps() == 1
        assert statuses(run) == {HOME: {"COMPLETE"}, MEMBER: {"PARTIAL"}}
        asked = {row["instance_id"] for row in patches(undisturbed) if row["account_id"] == MEMBER}
        refused = [row for row in patches(run) if row["account_id"] == MEMBER]
        assert {row["instance_id"] for row in refused} == asked
        assert {(row["collection_status"], row["collection_detail"]) for row in refused} == {
            ("NOT_COLLECTED", "AccessDeniedException")
        }
        environment = variables(aws.endpoint)
        status = patchlake(environment, "status", "--stack", stack.name)
        checked = patchlake(environment, "check", "--stack", stack.name, "--json")

    assert status.returncode == 0
    assert "2 of 4 targets could not be read in full, for example: AccessDeniedException." in status.stdout
    [sources] = [each for each in json.loads(checked.stdout)["checks"] if each["name"] == "sources"]
    assert f'{{"Effect": "Allow", "Action": "ssm:{ACTION}", "Resource": "*"}}' in sources["findings"][0]["fix"]


def test_a_node_that_ssm_no_longer_knows_is_named_and_raises_no_alarm(
    aws: EmbeddedAws, undisturbed: DeployedRun, tmp_path: Path
) -> None:
    gone = next(row["instance_id"] for row in patches(undisturbed) if row["collection_status"] == "COLLECTED")
    with running(aws, stack_of(aws), 0, tmp_path) as run:
        run.pipeline.pumps["detail"].pause()
        run.fire()
        run.wait(lambda: run.observation.nodes_done == run.observation.nodes_listed > 0)
        aws.change(vanished_nodes=frozenset({gone}))
        run.pipeline.pumps["detail"].resume()
        run.wait_until_committed()

        [row] = [row for row in patches(run) if row["instance_id"] == gone]
        assert (row["collection_status"], row["collection_detail"]) == ("NOT_COLLECTED", "InvalidInstanceId")
        assert run.detail_gaps() == 0
        assert "PARTIAL" in statuses(run)[row["account_id"]]


def test_from_the_detail_deadline_on_a_run_waits_for_no_patch(
    aws: EmbeddedAws, undisturbed: DeployedRun, tmp_path: Path
) -> None:
    with running(aws, stack_of(aws, DetailDeadlineSeconds="600"), 0, tmp_path) as run:
        run.pipeline.pumps["detail"].pause()
        run.fire()
        run.wait(lambda: run.observation.nodes_done == run.observation.nodes_listed > 0)
        aws.advance_clock(599)
        run.wait(lambda: run.observation.metrics["Ticks"] > 3)
        assert not run.pipeline.store.exists(snapshot_key(run.run_id))

        aws.advance_clock(1)
        run.wait_until_committed()

        assert run.observation.outcome == "COMPLETE"
        assert run.detail_gaps() == 1
        assert {(row["collection_status"], row["collection_detail"]) for row in patches(run)} == {
            ("NOT_COLLECTED", NO_DETAIL)
        }
        assert {row["instance_id"] for row in patches(run)} == {row["instance_id"] for row in patches(undisturbed)}
        assert table(run, snapshot_key(run.run_id)) == table(undisturbed, snapshot_key(run.run_id))


def test_without_patches_a_run_has_no_word_of_them(aws: EmbeddedAws, undisturbed: DeployedRun, tmp_path: Path) -> None:
    before = aws.statistics().count("ssm", ACTION)
    with running(aws, stack_of(aws, CollectPatches="false"), 0, tmp_path) as run:
        finished(run)

        assert run.objects().keys() == {
            key for key in undisturbed.objects() if "/details/" not in key and not key.startswith("lake/patches/")
        }
        assert (
            not {"sources", "detail_deadline_at", "tag_keys"} & json.loads(run.objects()[plan_key(run.run_id)]).keys()
        )
        assert not [name for name in table(run, coverage_key(run.run_id)) if name.startswith("patches")]
        assert table(run, snapshot_key(run.run_id)) == table(undisturbed, snapshot_key(run.run_id))
        assert run.detail_gaps() == 0
    assert aws.statistics().count("ssm", ACTION) == before
