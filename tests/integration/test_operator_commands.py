"""The operators' commands on a deployed stack, which they find by its name and the shell's environment variables."""

import json
import re
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.lambda_.deployed_stack import DeployedStack
from patchlake_cli.exit_codes import ExitCode
from tests.command_line import PATCHLAKE, patchlake, patchlake_here, variables
from tests.command_lines import ROOT, command_lines
from tests.deployed import DeployedRun
from tests.integration.conftest import REFUSED
from tests.operators import client, command, said

COMMANDS = [("status",), ("run",), ("redrive",), ("check",)]
NO_COLOUR = re.compile(r"\x1b\[")


def test_a_run_is_started_and_followed_to_its_snapshot_and_status_shows_it(
    aws: EmbeddedAws, a_run: DeployedRun
) -> None:
    name = a_run.pipeline.stack.name

    before = command(aws, "status", "--stack", name)
    ended = patchlake(variables(aws.endpoint), "run", "--stack", name, "--json")
    status = command(aws, "status", "--stack", name, "--json")
    again = command(aws, "run", "--stack", name, "--scheduled-time", f"{a_run.at:%Y-%m-%dT%H:%M:%SZ}")

    assert (before.returncode, "No run has been planned." in before.stdout) == (ExitCode.PARTIAL, True)
    assert ended.returncode == status.returncode == again.returncode == ExitCode.PARTIAL
    run = said(ended)
    assert (run["run_id"], run["status"], run["targets"], run["targets_listed"]) == (a_run.run_id, "PARTIAL", 6, 4)
    assert {target["account_id"] for target in run["unread"]} == {REFUSED}
    assert run["nodes_listed"] == len(a_run.nodes())
    shown = said(status)
    assert shown["runs"] == [run]
    assert (shown["snapshot"], shown["snapshot_age_seconds"]) == (a_run.run_id, 0)
    assert [queue["stage"] for queue in shown["queues"]] == [
        *("plan", "discover", "listing", "collect", "detail", "commit")
    ]
    assert f"run {a_run.run_id}: already published; nothing was started" in again.stderr
    assert f"Not read: {REFUSED} eu-central-1: role not assumable (ROLE_NOT_ASSUMABLE: AccessDenied)" in again.stdout


def test_a_complete_run_ends_with_0_and_then_nothing_is_amiss(aws: EmbeddedAws, a_run: DeployedRun) -> None:
    name = a_run.pipeline.stack.name
    aws.change(refused_accounts=frozenset())
    aws.advance_clock(60)

    ended = command(aws, "run", "--stack", name)
    status = command(aws, "status", "--stack", name)
    check = command(aws, "check", "--stack", name)

    assert (ended.returncode, status.returncode) == (ExitCode.COMPLETE, ExitCode.COMPLETE), ended.stderr
    assert "is COMPLETE: 6 of 6 targets read" in ended.stdout
    assert "COMPLETE, 0 min old: 6 of 6 targets read." in status.stdout
    assert (check.returncode, "14 of 14 checks passed." in check.stdout) == (ExitCode.COMPLETE, True), check.stdout


def test_ctrl_c_stops_following_and_not_the_run(aws: EmbeddedAws, a_run: DeployedRun) -> None:
    stack = a_run.pipeline.stack
    aws.advance_clock(120)
    a_run.pipeline.pumps["discover"].pause()
    with subprocess.Popen(
        [PATCHLAKE, "run", "--stack", stack.name],
        env=variables(aws.endpoint),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stderr is not None
        planned = following.stderr.readline()
        following.send_signal(signal.SIGINT)
        _, rest = following.communicate(timeout=60)
    run_id = planned.split()[2].rstrip(":")
    under_way = said(command(aws, "status", "--stack", stack.name, "--json"))["runs"][0]
    a_run.pipeline.pumps["discover"].resume()
    followed = command(aws, "run", "--stack", stack.name, "--scheduled-time", _time_of(run_id))

    assert following.returncode == ExitCode.INTERRUPTED
    assert rest == (
        f"patchlake: interrupted; run {run_id} continues: `patchlake status --stack {stack.name}` shows it\n"
    )
    assert (under_way["run_id"], under_way["status"]) == (run_id, "RUNNING")
    assert under_way["progress"]["targets"] == 6
    assert followed.returncode in {ExitCode.COMPLETE, ExitCode.PARTIAL}, followed.stderr
    assert "already planned; its messages were sent again" in followed.stderr


def _time_of(run_id: str) -> str:
    return f"{run_id[:4]}-{run_id[4:6]}-{run_id[6:11]}:{run_id[11:13]}:{run_id[13:]}"


@pytest.mark.parametrize(
    ("scheduled_time", "why"),
    [
        ("2027-01-01T00:00:00Z", "its scheduled time is in the future"),
        ("2026-01-01T00:00:00Z", "its scheduled time is more than 86400 seconds ago"),
    ],
)
def test_what_plan_refuses_is_said_in_its_words(
    aws: EmbeddedAws, a_run: DeployedRun, scheduled_time: str, why: str
) -> None:
    refused = command(aws, "run", "--stack", a_run.pipeline.stack.name, "--scheduled-time", scheduled_time)

    assert (refused.returncode, refused.stdout) == (ExitCode.ERROR, "")
    assert refused.stderr.startswith(f"patchlake: {a_run.pipeline.stack.name}-plan failed. run ")
    assert why in refused.stderr


def test_a_watch_goes_on_until_ctrl_c_and_prints_one_object_a_line(aws: EmbeddedAws, standing: DeployedStack) -> None:
    with subprocess.Popen(
        [PATCHLAKE, "status", "--stack", standing.name, "--watch", "--json"],
        env=variables(aws.endpoint, PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        looks = [json.loads(watching.stdout.readline()) for _ in range(2)]
        watching.send_signal(signal.SIGINT)
        _, errors = watching.communicate(timeout=60)

    assert [look["stack"] for look in looks] == [standing.name] * 2
    assert (watching.returncode, errors) == (ExitCode.PARTIAL, "")


@pytest.mark.parametrize("name", [name for (name,) in COMMANDS])
def test_a_stack_that_is_not_there_or_not_ours_is_one_line(aws: EmbeddedAws, name: str) -> None:
    cloudformation = client(aws, "cloudformation")
    topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    cloudformation.create_stack(StackName=f"other-{name}", TemplateBody=json.dumps(topic))

    absent = command(aws, name, "--stack", "nowhere")
    other = command(aws, name, "--stack", f"other-{name}")

    assert absent.returncode == other.returncode == ExitCode.ERROR
    assert absent.stderr.startswith("patchlake: there is no stack nowhere in eu-central-1: ")
    assert f"stack other-{name} in eu-central-1 (CREATE_COMPLETE) has no output 'BucketName'" in other.stderr
    assert absent.stderr.count("\n") == other.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("run",),
        ("redrive",),
        ("status", "--stack"),
        ("status", "--stack", "any", "--runs", "0"),
        ("run", "--stack", "any", "--scheduled-time", "tomorrow"),
        ("run", "--stack", "any", "--scheduled-time", "2026-11-01"),
        ("redrive", "--stack", "any", "--queue", "collect"),
        ("redrive", "any"),
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_one_line_and_exit_2(aws: EmbeddedAws, arguments: tuple[str, ...]) -> None:
    ended = command(aws, *arguments)

    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    assert ended.stderr.count("\n") == 1
    assert "--help` for usage" in ended.stderr


def test_without_credentials_or_a_network_the_commands_say_so(aws: EmbeddedAws) -> None:
    unknown = command(aws, "status", "--stack", "any", AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    elsewhere = command(aws, "status", "--stack", "any", AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    profile = command(aws, "status", "--stack", "any", "--profile", "absent")

    assert (unknown.returncode, elsewhere.returncode, profile.returncode) == (1, 1, 1)
    assert "no AWS credentials found" in unknown.stderr
    assert "Could not connect to the endpoint URL" in elsewhere.stderr
    assert "absent" in profile.stderr


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("status", "--stack", "any"), "--region"),
        (("run", "--stack", "any"), "--region"),
        (("redrive", "--stack", "any"), "--region"),
        (("check", "--stack", "any"), "--region"),
        (("check",), "--regions"),
        (("export", "--lake", "lake"), "--regions"),
    ],
)
def test_without_a_region_a_command_names_only_options_that_it_has(
    aws: EmbeddedAws, tmp_path: Path, arguments: tuple[str, ...], option: str
) -> None:
    shell = {name: value for name, value in variables(aws.endpoint).items() if name != "AWS_DEFAULT_REGION"}

    ended = patchlake_here(shell, *arguments, folder=tmp_path)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.endswith(
        f"no region is set: use {option}, or set AWS_REGION, or a region in the profile that --profile selects\n"
    )


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        (("--region", "eu-central-1"), {"AWS_REGION": "us-east-1"}),
        ((), {"AWS_REGION": "eu-central-1"}),
        (("--region", "eu-central-1"), {}),
    ],
)
def test_the_region_is_that_of_the_option_then_of_aws_region_then_the_sdks_own(
    aws: EmbeddedAws, standing: DeployedStack, arguments: tuple[str, ...], changes: dict[str, str]
) -> None:
    """The stack is in eu-central-1."""
    found = command(
        aws, "status", "--stack", standing.name, *arguments, **{"AWS_DEFAULT_REGION": "us-east-1"} | changes
    )
    elsewhere = command(aws, "status", "--stack", standing.name, "--region", "us-west-2")

    assert found.returncode == ExitCode.PARTIAL, found.stderr
    assert (elsewhere.returncode, "us-west-2" in elsewhere.stderr) == (ExitCode.ERROR, True)


def test_the_stack_may_come_from_a_variable_and_an_option_wins(aws: EmbeddedAws, standing: DeployedStack) -> None:
    by_variable = command(aws, "status", PATCHLAKE_STACK=standing.name)
    by_option = command(aws, "status", "-s", standing.name, PATCHLAKE_STACK="absent")
    wrong = command(aws, "status", PATCHLAKE_STACK="a b")

    assert by_variable.returncode == by_option.returncode == ExitCode.PARTIAL
    assert wrong.returncode == ExitCode.USAGE
    assert wrong.stderr.startswith("patchlake: PATCHLAKE_STACK is 'a b': expected the name of a")


def test_the_profile_may_come_from_a_variable(aws: EmbeddedAws, standing: DeployedStack) -> None:
    absent = command(aws, "status", "--stack", standing.name, PATCHLAKE_PROFILE="absent")
    lake = command(aws, "query", "--lake", "s3://bucket", "SELECT 1", PATCHLAKE_PROFILE="absent")

    assert (absent.returncode, lake.returncode) == (ExitCode.ERROR, ExitCode.ERROR)
    assert "absent" in absent.stderr
    assert "absent" in lake.stderr


def test_a_region_without_a_stack_is_refused(aws: EmbeddedAws) -> None:
    refused = command(aws, "check", "--region", "eu-central-1")

    assert refused.returncode == ExitCode.USAGE
    assert "--region has no effect without --stack" in refused.stderr


def test_no_color_reaches_a_pipe(aws: EmbeddedAws, standing: DeployedStack) -> None:
    printed = [command(aws, name, "--stack", standing.name, FORCE_COLOR="").stdout for name in ("status", "check")]

    assert all(printed)
    assert not NO_COLOUR.search("".join(printed))


def test_a_status_asks_s3_a_bounded_number_of_times(aws: EmbeddedAws, a_run: DeployedRun) -> None:
    before = aws.statistics().count("s3")

    command(aws, "status", "--stack", a_run.pipeline.stack.name)

    # Thirteen listings of plans at most, and two calls for each of seven published runs.
    assert 0 < aws.statistics().count("s3") - before <= 13 + 2 * 7


def test_the_operators_commands_of_the_documents_run_as_they_are_written(aws: EmbeddedAws, a_run: DeployedRun) -> None:
    documents = [ROOT / "README.md", ROOT / "docs" / "operations.md"]
    typed = [
        line.partition("patchlake ")[2]
        for document in documents
        for line in command_lines(document)
        if "--stack patchlake" in line and line.startswith("patchlake ")
    ]
    aws.set_clock(datetime(2026, 11, 23, 6, 5, tzinfo=UTC))

    ended = {
        line: command(
            aws, *line.partition("#")[0].replace("--stack patchlake", f"--stack {a_run.pipeline.stack.name}").split()
        )
        for line in typed
    }

    assert {line.split()[0] for line in typed} == {"status", "run", "redrive", "check", "query"}
    assert {line: each.stderr for line, each in ended.items() if each.returncode not in {0, 3}} == {}
