"""``patchlake export --patches`` against the embedded AWS: every asked node accounted for, whatever happens."""

from collections import Counter, defaultdict
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, snapshot_key, table_key
from patchlake.core.tables import Columns
from patchlake.sources.patches import STATES
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.aws.settings import FaultRates
from patchlake_cli.embedded.fleet.node import PATCH_STATES
from tests.command_line import objects, patchlake_here, variables

RUN_ID = "20261029T060000Z"
EXPORT = ("export", "--lake")


@pytest.fixture
def environment(aws: EmbeddedAws) -> dict[str, str]:
    aws.begin_day(0)
    return variables(aws.endpoint)


def run(environment: dict[str, str], lake: Path) -> CompletedProcess[str]:
    """Export our own account and two regions with patches."""
    return patchlake_here(environment, *EXPORT, lake, "--regions", "eu-central-1,us-east-1", "--patches")


def export(environment: dict[str, str], lake: Path) -> int:
    """Export, and return the exit code."""
    return run(environment, lake).returncode


def rows(lake: Path, key: str) -> Columns:
    file = ParquetTables().open((lake / key).read_bytes())
    return file.columns(file.column_names)


def patches(lake: Path) -> list[dict[str, Any]]:
    columns = rows(lake, table_key(RUN_ID, "patches"))
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def coverage(lake: Path) -> dict[str, list[Any]]:
    columns = rows(lake, coverage_key(RUN_ID))
    return {name: values for name, values in columns.items() if name.startswith("patches_")}


def counts_of_snapshot(lake: Path) -> dict[str, Counter[str]]:
    """Return the counts of each node by the states that patches are asked for in; those without any are left out."""
    columns = rows(lake, snapshot_key(RUN_ID))
    found: dict[str, Counter[str]] = {}
    for row, instance_id in enumerate(columns["instance_id"]):
        names = {state: _snake(PATCH_STATES[state]) for state in STATES}
        counted = Counter({state: columns[name][row] or 0 for state, name in names.items()})
        if counted.total():
            found[instance_id] = +counted
    return found


def _snake(member: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in member).removeprefix("_")


def test_the_rows_of_each_node_are_those_that_its_patch_state_counts(
    environment: dict[str, str], tmp_path: Path
) -> None:
    exported = run(environment, tmp_path)

    assert exported.returncode == 0
    assert f"Patches are COMPLETE: {len(patches(tmp_path)):,} rows." in exported.stdout
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in patches(tmp_path):
        if row["collection_status"] == "COLLECTED":
            found[row["instance_id"]][row["state"]] += 1
    assert found == counts_of_snapshot(tmp_path)
    assert sum(counter["Missing"] for counter in found.values()) > 100
    assert {row["collection_status"] for row in patches(tmp_path)} == {"COLLECTED", "NO_PATCHES"}
    assert coverage(tmp_path)["patches_status"] == ["COMPLETE", "COMPLETE"]
    assert sum(coverage(tmp_path)["patches_rows"]) == len(patches(tmp_path))


def test_an_asked_node_without_a_patch_is_one_that_has_no_counts_by_severity(
    environment: dict[str, str], tmp_path: Path
) -> None:
    export(environment, tmp_path)

    without = {row["instance_id"] for row in patches(tmp_path) if row["collection_status"] == "NO_PATCHES"}
    snapshot = rows(tmp_path, snapshot_key(RUN_ID))
    unknown = zip(snapshot["instance_id"], snapshot["critical_non_compliant_count"], strict=True)
    assert without <= {instance_id for instance_id, count in unknown if count is None}
    assert without


def test_without_the_option_a_lake_has_no_word_of_patches(environment: dict[str, str], tmp_path: Path) -> None:
    exported = patchlake_here(environment, *EXPORT, tmp_path, "--no-patches")

    assert "Patches are" not in exported.stdout
    assert not [key for key in objects(tmp_path) if "patches" in key]
    assert not coverage(tmp_path)


def test_faults_and_narrow_filters_change_no_row(aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path) -> None:
    export(environment, tmp_path / "quiet")
    aws.begin_day(0)
    aws.change(
        single_filter_values=True,
        short_pages=0.3,
        empty_pages=0.2,
        faults=FaultRates(throttling=0.05, internal_error=0.1, truncated_body=0.1, invalid_next_token=0.2),
    )

    assert export(environment, tmp_path / "noisy") == 0

    assert objects(tmp_path / "noisy") == objects(tmp_path / "quiet")


def test_a_role_without_the_new_action_changes_no_byte_of_the_snapshot(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    export(environment, tmp_path / "allowed")
    aws.begin_day(0)
    aws.change(denied_actions={aws.settings.account_list()[0].account_id: frozenset({"DescribeInstancePatches"})})

    denied = run(environment, tmp_path / "denied")

    assert denied.returncode == 0
    assert "In your own account 111122223333, your identity needs ssm:DescribeInstancePatches:" in denied.stdout
    assert "DescribeInstancePatchStates" not in denied.stdout
    assert "targets could not be read in full, for example: AccessDeniedException." in denied.stdout
    snapshot = snapshot_key(RUN_ID)
    assert objects(tmp_path / "denied")[snapshot] == objects(tmp_path / "allowed")[snapshot]
    asked = {row["instance_id"] for row in patches(tmp_path / "allowed")}
    refused = patches(tmp_path / "denied")
    assert {row["instance_id"] for row in refused} == asked
    assert {(row["collection_status"], row["collection_detail"]) for row in refused} == {
        ("NOT_COLLECTED", "AccessDeniedException")
    }
    assert coverage(tmp_path / "denied")["patches_status"] == ["PARTIAL", "PARTIAL"]
    assert coverage(tmp_path / "denied")["patches_detail"] == ["AccessDeniedException"] * 2


def test_patches_that_are_installed_between_the_two_calls_leave_a_row_for_each_node(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    aws.change(rescanned=1.0)

    assert export(environment, tmp_path) == 0

    found = patches(tmp_path)
    assert set(counts_of_snapshot(tmp_path)) <= {row["instance_id"] for row in found}
    assert "Missing" not in {row["state"] for row in found}
    assert coverage(tmp_path)["patches_status"] == ["COMPLETE", "COMPLETE"]
