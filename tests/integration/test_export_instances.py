"""``patchlake export --instances --tag-keys`` against the embedded AWS: all of EC2's rows, and nothing else of them."""

from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, snapshot_key, table_key
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.aws.settings import FaultRates
from patchlake_cli.embedded.fleet.instances import Instance
from tests.command_line import objects, patchlake_here, variables
from tests.ec2_of_fleet import found_in, instances, values_that_are_not_allowed

RUN_ID = "20261029T060000Z"
REGIONS = ("eu-central-1", "us-east-1")
OPTIONS = ("--regions", ",".join(REGIONS), "--instances", "--tag-keys", "Owner,Environment")


@pytest.fixture
def environment(aws: EmbeddedAws) -> dict[str, str]:
    aws.begin_day(0)
    return variables(aws.endpoint)


def run(environment: dict[str, str], lake: Path, *options: str) -> CompletedProcess[str]:
    """Export our own account and two regions."""
    return patchlake_here(environment, "export", "--lake", lake, *(options or OPTIONS))


def export(environment: dict[str, str], lake: Path, *options: str) -> int:
    """Export, and return the exit code."""
    return run(environment, lake, *options).returncode


def asked(environment: dict[str, str], lake: Path, table: str) -> tuple[int, str]:
    """Query a table as of the run's day; return the exit code and what standard error says."""
    sql = f"SELECT count(*) FROM {table}"  # noqa: S608  # the name of a table
    answered = patchlake_here(environment, "query", "--lake", lake, "--as-of", "2026-10-29", sql)
    return answered.returncode, answered.stderr


def rows(lake: Path, table: str) -> list[dict[str, Any]]:
    file = ParquetTables().open((lake / table_key(RUN_ID, table)).read_bytes())
    columns = file.columns(file.column_names)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def coverage(lake: Path, source: str) -> dict[str, list[Any]]:
    file = ParquetTables().open((lake / coverage_key(RUN_ID)).read_bytes())
    columns = file.columns(file.column_names)
    return {name: values for name, values in columns.items() if name.startswith(f"{source}_")}


def fleet(aws: EmbeddedAws) -> list[Instance]:
    """Return every instance of our own account, in the order of targets and ids."""
    home = aws.settings.account_list()[0].account_id
    return [one for target, found in instances(aws.settings, 0).items() if target.account_id == home for one in found]


def test_a_lake_has_every_instance_and_every_tag_with_an_allowed_key(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    exported = run(environment, tmp_path)

    assert exported.returncode == 0
    expected = fleet(aws)
    found = rows(tmp_path, "instances")
    assert [row["instance_id"] for row in found] == [one.instance_id for one in expected]
    assert [row["state"] for row in found] == [one.members["State"]["Name"] for one in expected]
    assert [row["launch_time"] for row in found] == [
        round(one.members["LaunchTime"].timestamp() * 1000) for one in expected
    ]
    assert {row["operator_managed"] for row in found} == {True, False}
    tags = [(row["instance_id"], row["key"], row["value"]) for row in rows(tmp_path, "tags")]
    assert tags == [
        (one.instance_id, key, one.tags[key]) for one in expected for key in ("Environment", "Owner") if key in one.tags
    ]
    assert coverage(tmp_path, "instances")["instances_status"] == ["LISTED", "LISTED"]
    assert sum(coverage(tmp_path, "tags")["tags_rows"]) == len(tags)
    assert asked(environment, tmp_path, "instances") == (0, "")
    assert asked(environment, tmp_path, "tags") == (0, "")
    assert f"Instances are COMPLETE: {len(found):,} rows." in exported.stdout
    assert f"Tags are COMPLETE: {len(tags):,} rows." in exported.stdout


def test_no_object_and_no_line_has_a_tag_that_is_not_allowed_or_an_address(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    aws.change(faults=FaultRates(throttling=0.2, internal_error=0.2, truncated_body=0.2, invalid_next_token=0.5))

    exported = run(environment, tmp_path)

    assert exported.returncode == 0
    written = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    ids = {one.instance_id for one in fleet(aws)}
    assert found_in(written, ids) == ids
    written["printed"] = (exported.stdout + exported.stderr).encode()
    assert found_in(written, values_that_are_not_allowed(aws.settings, [0])) == set()
    assert "owner" not in {row["key"] for row in rows(tmp_path, "tags")}


def test_without_the_options_a_lake_has_no_word_of_ec2(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    export(environment, tmp_path, "--regions", ",".join(REGIONS))

    assert not [key for key in objects(tmp_path) if "instances" in key or "tags" in key]
    assert not coverage(tmp_path, "instances")
    assert aws.statistics().count("ec2") == 0


def test_instances_without_tag_keys_make_no_call_about_tags(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    assert export(environment, tmp_path, "--instances") == 0
    exit_code, said = asked(environment, tmp_path, "tags")
    assert exit_code == 3
    assert "NOT_ASKED" in said

    assert aws.statistics().count("ec2", "DescribeTags") == 0
    assert aws.statistics().count("ec2", "DescribeInstances") > 0
    assert not [key for key in objects(tmp_path) if "tags" in key]


def test_faults_and_short_pages_change_no_row(aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path) -> None:
    export(environment, tmp_path / "quiet")
    aws.begin_day(0)
    aws.change(
        short_pages=0.3,
        empty_pages=0.2,
        faults=FaultRates(throttling=0.1, internal_error=0.1, truncated_body=0.1, invalid_next_token=0.3),
    )

    assert export(environment, tmp_path / "noisy") == 0

    assert objects(tmp_path / "noisy") == objects(tmp_path / "quiet")


def test_denied_ec2_changes_no_byte_of_the_snapshot_and_names_the_permissions(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    export(environment, tmp_path / "allowed")
    aws.begin_day(0)
    account_id = aws.settings.account_list()[0].account_id
    aws.change(denied_actions={account_id: frozenset({"DescribeInstances", "DescribeTags"})})

    denied = run(environment, tmp_path / "denied")

    assert denied.returncode == 0
    for action in ("ec2:DescribeInstances", "ec2:DescribeTags"):
        assert f"In your own account {account_id}, your identity needs {action}:" in denied.stdout
    assert (
        "Instances are PARTIAL: 0 rows; 2 of 2 targets could not be read in full, for example: UnauthorizedOperation."
        in (denied.stdout)
    )
    snapshot = snapshot_key(RUN_ID)
    assert objects(tmp_path / "denied")[snapshot] == objects(tmp_path / "allowed")[snapshot]
    for source in ("instances", "tags"):
        found = coverage(tmp_path / "denied", source)
        assert found[f"{source}_status"] == ["ACCESS_DENIED", "ACCESS_DENIED"]
        assert found[f"{source}_detail"] == ["UnauthorizedOperation"] * 2
        assert found[f"{source}_rows"] == [None, None]
        exit_code, said = asked(environment, tmp_path / "denied", source)
        assert exit_code == 3
        assert f"the {source} of run {RUN_ID} are PARTIAL; not read in full: {account_id} eu-central-1" in said
        assert said.count("(UnauthorizedOperation)") == 2


def test_a_role_that_cannot_be_assumed_is_the_reason_for_ec2_as_well(
    environment: dict[str, str], tmp_path: Path
) -> None:
    export(environment, tmp_path, "--accounts", "organization", "--role-name", "patchlake-export", "--instances")

    assert coverage(tmp_path, "instances")["instances_status"] == ["LISTED", "LISTED", "ROLE_NOT_ASSUMABLE"]


@pytest.mark.parametrize("keys", ["Own*", "?wner", "a\\b", "Owner,,x", ",".join(f"k{n}" for n in range(51))])
def test_keys_that_ec2_would_read_as_wildcards_are_refused(
    environment: dict[str, str], tmp_path: Path, keys: str
) -> None:
    refused = run(environment, tmp_path / "lake", "--tag-keys", keys)

    assert refused.returncode == 2
    assert "--tag-keys" in refused.stderr
    assert not (tmp_path / "lake").exists()


def test_a_run_is_not_continued_with_other_sources_or_tag_keys(environment: dict[str, str], tmp_path: Path) -> None:
    at = ("--scheduled-time", "2026-10-29T06:00:00Z")
    export(environment, tmp_path, "--instances", "--tag-keys", "Owner", *at)

    others = {
        options: run(environment, tmp_path, *options, *at).stderr
        for options in (("--tag-keys", "Owner"), ("--instances", "--tag-keys", "owner"), ("--instances",))
    }
    same = run(environment, tmp_path, "--instances", "--tag-keys", " Owner , Owner", *at)

    assert same.returncode == 0
    assert ["different settings (sources)" in others[("--tag-keys", "Owner")]] == [True]
    assert "different settings (tag keys)" in others[("--instances", "--tag-keys", "owner")]
    assert "different settings (sources, tag keys)" in others[("--instances",)]
