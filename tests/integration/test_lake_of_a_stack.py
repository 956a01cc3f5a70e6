"""``query`` and ``report`` read the lake of a deployed stack, which they find by the stack's name."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.exit_codes import ExitCode
from tests.command_line import patchlake, patchlake_here, variables
from tests.deployed import DeployedRun, new_stack, running

if TYPE_CHECKING:
    from subprocess import CompletedProcess

OWN = ("--window-days", "20", "--scan-max-age-days", "3")
SQL = "SELECT instance_id, run_id FROM node_compliance ORDER BY 1"


@pytest.fixture(scope="module")
def a_run(shared_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedRun]:
    """A stack with one published run."""
    stack = new_stack(shared_aws, WindowDays="20", ScanMaxAgeDays="3")
    with running(shared_aws, stack, 1, tmp_path_factory.mktemp("run")) as run:
        name = run.pipeline.stack.name
        patchlake(variables(shared_aws.endpoint), "run", "--stack", name)
        yield run


def on(aws: EmbeddedAws, a_run: DeployedRun, *arguments: str, **changes: str) -> "CompletedProcess[str]":
    """Run a command as of the day of the run, with the name and bucket of the stack in place of STACK and BUCKET."""
    stack = a_run.pipeline.stack
    typed = [each.replace("STACK", stack.name).replace("BUCKET", stack.bucket) for each in arguments]
    return patchlake_here(variables(aws.endpoint, **changes), *typed, "--as-of", f"{a_run.at:%Y-%m-%d}")


def test_a_query_of_a_stack_answers_as_one_of_its_bucket_does(aws: EmbeddedAws, a_run: DeployedRun) -> None:
    of_bucket = on(aws, a_run, "query", "--lake", "s3://BUCKET", SQL)
    of_stack = on(aws, a_run, "query", "--stack", "STACK", SQL)
    by_variable = on(aws, a_run, "query", SQL, PATCHLAKE_STACK=a_run.pipeline.stack.name)

    assert a_run.run_id in of_bucket.stdout
    assert (of_stack.stdout, of_stack.stderr) == (of_bucket.stdout, of_bucket.stderr)
    assert by_variable.stdout == of_bucket.stdout


def test_the_settings_of_a_stack_are_those_of_its_views_unless_an_option_says_otherwise(
    aws: EmbeddedAws, a_run: DeployedRun
) -> None:
    asked = "SELECT max(scan_max_age_days) AS days, min(window_start) AS start FROM latest_patch_states, latest_run"

    own = on(aws, a_run, "query", "--stack", "STACK", asked, "--format", "json")
    other = on(aws, a_run, "query", "--stack", "STACK", "--scan-max-age-days", "9", asked, "--format", "json")

    assert json.loads(own.stdout) == [{"days": 3, "start": f"{a_run.at - timedelta(days=20):%Y-%m-%d}"}]
    assert json.loads(other.stdout) == [json.loads(own.stdout)[0] | {"days": 9}]


def test_a_report_of_a_stack_is_one_of_its_bucket(aws: EmbeddedAws, a_run: DeployedRun) -> None:
    of_bucket = on(aws, a_run, "report", "--lake", "s3://BUCKET", *OWN, "--format", "json", "--out", "-")
    of_stack = on(aws, a_run, "report", "--stack", "STACK", "--format", "json", "--out", "-")

    assert json.loads(of_stack.stdout) == json.loads(of_bucket.stdout)


def test_a_region_is_that_of_the_stack(aws: EmbeddedAws, a_run: DeployedRun) -> None:
    found = on(aws, a_run, "query", "--stack", "STACK", "--region", "eu-central-1", SQL, AWS_REGION="us-east-1")
    elsewhere = on(aws, a_run, "query", "--stack", "STACK", "--region", "us-east-1", SQL)

    assert a_run.run_id in found.stdout
    assert (elsewhere.returncode, elsewhere.stdout) == (ExitCode.ERROR, "")
    assert "there is no stack" in elsewhere.stderr


def test_an_option_wins_over_a_variable_and_the_variable_of_a_lake_over_that_of_a_stack(
    aws: EmbeddedAws, a_run: DeployedRun, tmp_path: Path
) -> None:
    name, absent = a_run.pipeline.stack.name, str(tmp_path / "absent")

    by_option = on(aws, a_run, "query", "--stack", "STACK", SQL, PATCHLAKE_LAKE=absent, PATCHLAKE_STACK="other")
    by_lake = on(aws, a_run, "query", "--lake", "s3://BUCKET", SQL, PATCHLAKE_STACK="other")
    both = on(aws, a_run, "query", SQL, PATCHLAKE_LAKE=absent, PATCHLAKE_STACK=name)

    assert a_run.run_id in by_option.stdout
    assert by_lake.stdout == by_option.stdout
    assert both.stderr.startswith(f"patchlake: {absent} does not exist")


@pytest.mark.parametrize("command", [("query", "SELECT 1"), ("report",)])
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            ("--lake", "lake", "--stack", "s"),
            "--stack has no effect with --lake: leave one of them out",
        ),
        (
            ("--lake", "lake", "--region", "eu-central-1"),
            "--region has no effect with a lake that does not belong to a stack: leave one of them out",
        ),
        (
            (),
            (
                "--lake is missing: write --lake FOLDER|s3://BUCKET or --stack STACK, or set PATCHLAKE_LAKE or "
                "PATCHLAKE_STACK"
            ),
        ),
    ],
)
def test_a_lake_that_is_not_named_once_is_a_usage_error(
    aws: EmbeddedAws, command: tuple[str, ...], options: tuple[str, ...], complaint: str
) -> None:
    ended = patchlake_here(variables(aws.endpoint), *command, *options)

    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    assert ended.stderr == f"patchlake: {complaint}. Run `patchlake {command[0]} --help` for usage.\n"


def test_the_status_of_a_stack_names_its_lake(aws: EmbeddedAws, a_run: DeployedRun) -> None:
    stack = a_run.pipeline.stack

    shown = patchlake_here(variables(aws.endpoint), "status", "--stack", stack.name)
    as_json = patchlake_here(variables(aws.endpoint), "status", "--stack", stack.name, "--json")

    assert f"\nLake: s3://{stack.bucket} (query and report read it with --stack {stack.name}," in shown.stdout
    assert json.loads(as_json.stdout)["lake"] == f"s3://{stack.bucket}"
