"""``patchlake export`` against the embedded AWS, which it finds by environment variables alone."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from patchlake.core.run import run_date
from patchlake_cli.embedded.aws.server import EmbeddedAws, start_server
from patchlake_cli.embedded.aws.settings import Conditions, FaultRates, Settings
from tests.analytics.synthetic import collected, listed, write_run
from tests.command_line import PATCHLAKE, objects, patchlake, patchlake_here, variables
from tests.deployed import s3

DEFAULTS = Settings()
REFUSED = DEFAULTS.account_list()[-1].account_id
DEMO = Settings(nodes=300, conditions=Conditions(refused_accounts=frozenset({REFUSED})))
WHOLE = ("--accounts", "organization", "--regions", ",".join(DEMO.region_list()))
RUN_ID = "20261101T060000Z"
_numbers = count(1)


@pytest.fixture(scope="module")
def shared_aws() -> Iterator[EmbeddedAws]:
    with start_server(DEMO) as aws:
        yield aws


@pytest.fixture
def environment(aws: EmbeddedAws) -> dict[str, str]:
    return variables(aws.endpoint)


@pytest.fixture
def bucket(aws: EmbeddedAws) -> str:
    name = f"lake-{next(_numbers)}"
    s3(aws.endpoint).create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return name


def bucket_objects(aws: EmbeddedAws, bucket: str) -> dict[str, bytes]:
    client = s3(aws.endpoint)
    keys = [found["Key"] for found in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_faults_change_nothing_in_it(aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path) -> None:
    patchlake_here(environment, "export", "--lake", tmp_path / "quiet", *WHOLE)
    aws.begin_day(0)
    aws.change(faults=FaultRates(throttling=0.1, internal_error=0.1, truncated_body=0.1, invalid_next_token=0.2))

    export = patchlake_here(environment, "export", "--lake", tmp_path / "noisy", *WHOLE, "--json")

    assert export.returncode == 3, export.stderr
    assert json.loads(export.stdout)["retries"] > 0
    assert objects(tmp_path / "noisy") == objects(tmp_path / "quiet")


def test_a_bucket_holds_what_a_folder_holds_under_its_prefix(
    aws: EmbeddedAws, environment: dict[str, str], bucket: str, tmp_path: Path
) -> None:
    patchlake_here(environment, "export", "--lake", tmp_path, *WHOLE)

    export = patchlake_here(environment, "export", "--lake", f"s3://{bucket}/patch/lake", *WHOLE, "--json")

    assert export.returncode == 3, export.stderr
    assert json.loads(export.stdout)["lake"] == f"s3://{bucket}/patch/lake/lake"
    in_bucket = bucket_objects(aws, bucket)
    assert in_bucket == {f"patch/lake/{key}": (tmp_path / key).read_bytes() for key in objects(tmp_path)}


def test_people_see_the_demos_page_what_to_do_and_what_to_type_next(
    environment: dict[str, str], tmp_path: Path
) -> None:
    export = patchlake(environment, "export", "--lake", "lake", *WHOLE, folder=tmp_path)

    assert export.returncode == 3
    assert f"Run {RUN_ID} starts: 6 targets" in export.stderr
    assert f"Run {RUN_ID} is PARTIAL: 4 of 6 targets read" in export.stdout
    assert f"The role patchlake-member of {REFUSED} cannot be assumed" in export.stdout
    assert "What is unknown" in export.stdout
    assert "\x1b" not in export.stdout + export.stderr
    [following] = re.findall(r"^Next: patchlake (.*)$", export.stdout, re.MULTILINE)
    answered = patchlake_here(environment, *following.split(), folder=tmp_path)
    assert answered.returncode == 3, answered.stderr
    allowed = patchlake_here(environment, "export", "--lake", "lake", *WHOLE, "--allow-partial", folder=tmp_path)
    assert allowed.returncode == 0, allowed.stderr


def test_our_own_account_and_region_are_the_default_and_can_be_complete(
    environment: dict[str, str], tmp_path: Path
) -> None:
    export = patchlake_here(environment, "export", "--lake", tmp_path / "lake", "--json")

    summary = json.loads(export.stdout)
    assert (export.returncode, summary["status"], summary["targets"]) == (0, "COMPLETE", 1)


def test_exports_of_different_regions_into_one_lake_do_not_hide_each_other(
    environment: dict[str, str], tmp_path: Path
) -> None:
    here, there = DEMO.region_list()[:2]
    earlier = ("--scheduled-time", "2026-11-01T05:00:00Z")
    patchlake_here(environment, "export", "--lake", tmp_path, "--regions", here, *earlier)

    export = patchlake_here(environment, "export", "--lake", tmp_path, "--regions", there)
    again = patchlake_here(environment, "export", "--lake", tmp_path, "--regions", there, "--json")

    home = DEMO.account_list()[0].account_id
    assert f"Warning: run 20261101T050000Z of this lake covers {home} {here}, and this run does not." in export.stderr
    assert export.returncode == 0
    assert f"Run {RUN_ID} is COMPLETE: 1 of 1 targets read, 1 no longer planned" in export.stdout
    left = f"patchlake: run {RUN_ID} does not plan 1 target of earlier runs: {home} {here} ("
    assert left in export.stderr
    assert left in again.stderr
    assert json.loads(again.stdout)["not_planned"] == [{"account_id": home, "region": here}]


@pytest.mark.parametrize("later", ["20261101T055900Z", "20261112T060000Z"])
def test_a_later_run_of_the_lake_is_named(environment: dict[str, str], tmp_path: Path, later: str) -> None:
    write_run(tmp_path, later, [listed(1)], [collected(later, 1)])

    named = ("--scheduled-time", "2026-11-01T05:00:00Z")
    export = patchlake_here(environment, "export", "--lake", tmp_path, *named)

    assert export.returncode == 0, export.stderr
    assert (
        f"patchlake: the lake has a later run, {later}: as of {run_date(later)} and later dates, query and report "
        "do not answer from run 20261101T050000Z.\n"
    ) in export.stderr


def test_the_newest_run_of_a_lake_has_no_warning(environment: dict[str, str], tmp_path: Path) -> None:
    write_run(tmp_path, "20261031T060000Z", [listed(1)], [collected("20261031T060000Z", 1)])

    export = patchlake_here(environment, "export", "--lake", tmp_path)

    assert "later run" not in export.stderr


def test_the_same_command_again_finds_the_run_published(environment: dict[str, str], tmp_path: Path) -> None:
    first = patchlake_here(environment, "export", "--lake", tmp_path, "--json")

    again = patchlake_here(environment, "export", "--lake", tmp_path, "--json")

    assert "is already published" in again.stderr
    assert json.loads(again.stdout)["api_calls"] == 0
    unlike = {"api_calls", "wall_seconds"}
    assert {k: v for k, v in json.loads(again.stdout).items() if k not in unlike} == {
        k: v for k, v in json.loads(first.stdout).items() if k not in unlike
    }


@pytest.mark.parametrize("table", ["coverage", "patch_states"])
def test_a_run_with_a_missing_or_damaged_file_is_an_error_even_if_partial_runs_are_allowed(
    environment: dict[str, str], tmp_path: Path, table: str
) -> None:
    write_run(tmp_path, "20261031T060000Z", [listed(1)], [collected("20261031T060000Z", 1)])
    named = ("--scheduled-time", "2026-11-01T06:00:00Z", "--allow-partial")
    patchlake_here(environment, "export", "--lake", tmp_path, *named)
    [stored] = (tmp_path / "lake" / table / "run_date=2026-11-01").iterdir()
    rows = pq.read_table(stored)
    stored.unlink()
    if table == "patch_states":
        pq.write_table(rows.slice(1), stored)

    again = patchlake_here(environment, "export", "--lake", tmp_path, *named)

    assert (again.returncode, again.stdout) == (1, "")
    assert (
        f"patchlake: run {RUN_ID} has ended, but its file of coverage or patch_states is missing or damaged. Check "
        "that no one deletes or changes files of the lake, and that no proxy answers instead of the store\n"
    ) in again.stderr


def test_ctrl_c_is_one_line_and_the_same_command_goes_on(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    patchlake_here(environment, "export", "--lake", tmp_path / "whole", "--batch-size", "10")
    aws.change(latency_seconds=0.2)
    command: list[str | Path] = [PATCHLAKE, "export", "--lake", tmp_path / "lake", "--batch-size", "10"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert running.stderr is not None
        assert f"Run {RUN_ID} starts" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        output, errors = running.communicate(timeout=30)
    aws.change(latency_seconds=0.0)

    again = patchlake_here(environment, *command[1:])

    assert running.returncode == 130
    assert (output, errors.count("\n")) == ("", 1)
    assert "the same command continues it" in errors
    assert f"Run {RUN_ID} continues" in again.stderr
    assert objects(tmp_path / "lake") == objects(tmp_path / "whole")


def test_sessions_that_end_in_the_middle_are_renewed(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    settings = ("--accounts", DEMO.account_list()[1].account_id, "--batch-size", "5")
    patchlake_here(environment, "export", "--lake", tmp_path / "whole", *settings)
    aws.change(latency_seconds=0.05)
    command: list[str | Path] = [PATCHLAKE, "export", "--lake", tmp_path / "lake", *settings]

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as running:
        while not list((tmp_path / "lake").glob("runs/*/parts/*/*")):
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(0.02)
        aws.expire_sessions()
        code = running.wait(60)

    assert code == 0
    assert objects(tmp_path / "lake") == objects(tmp_path / "whole")


def test_two_exports_at_once_into_one_lake_are_one_run(environment: dict[str, str], tmp_path: Path) -> None:
    patchlake_here(environment, "export", "--lake", tmp_path / "alone", *WHOLE, "--batch-size", "20")
    command: list[str | Path] = [
        PATCHLAKE,
        "export",
        "--lake",
        tmp_path / "lake",
        *WHOLE,
        "--batch-size",
        "20",
        "--json",
    ]

    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) for _ in "ab"]
    ended = [(process.communicate(timeout=120), process.returncode) for process in both]

    assert [code for _, code in ended] == [3, 3], ended
    assert {json.loads(output)["run_id"] for (output, _), _ in ended} == {RUN_ID}
    assert objects(tmp_path / "lake") == objects(tmp_path / "alone")


def test_a_late_run_is_closed_as_partial_and_says_so_and_todays_is_taken(
    aws: EmbeddedAws, environment: dict[str, str], tmp_path: Path
) -> None:
    aws.change(
        denied_accounts=frozenset(), broken_targets=frozenset({f"{DEMO.account_list()[0].account_id}.us-east-1"})
    )
    command = ("export", "--lake", str(tmp_path), "--regions", "us-east-1", "--json")
    with subprocess.Popen([PATCHLAKE, *command], stderr=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stderr is not None
        running.stderr.readline()
        running.kill()
    aws.advance_clock(3700)
    aws.change(broken_targets=frozenset())

    late = patchlake_here(environment, *command)
    again = patchlake_here(environment, *command, "--scheduled-time", "2026-11-01T06:00:00Z")
    aws.advance_clock(-3700)

    assert late.returncode == 0, late.stderr
    assert f"Run {RUN_ID} passed its deadline unfinished, and is now closed" in late.stderr
    assert json.loads(late.stdout)["targets_listed"] == 1
    assert (again.returncode, json.loads(again.stdout)["targets_listed"]) == (3, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--accounts", "12"], 2, "--accounts is '12': expected self, organization"),
        (["--regions", "eu-centrl-1"], 2, "--regions names eu-centrl-1: the AWS SDK knows no such region of SSM"),
        (
            ["--regions", "eu-central-1,cn-north-1"],
            2,
            "--regions names cn-north-1: in the partition aws-cn, but the session",
        ),
        (["--scheduled-time", "today"], 2, "--scheduled-time is 'today': expected an ISO 8601 time"),
        (["--scheduled-time", "2026-12-01T00:00:00Z"], 1, "its scheduled time is in the future"),
        (["--scheduled-time", "2026-10-01T00:00:00Z"], 1, "SSM keeps no history"),
        (["--batch-size", "0"], 2, "--batch-size is '0': expected a whole number"),
        (["--deadline", "1"], 2, "--deadline is '1': expected a whole number"),
        (["--role-name", "a/b"], 2, "--role-name is 'a/b': expected the name of an IAM role"),
        (["--profile", "absent"], 1, "profile (absent) could not be found"),
        (["--lake", "gs://bucket"], 2, "--lake is 'gs://bucket': expected a folder, or s3://BUCKET"),
        (["--lake", "s3://no-such-bucket"], 1, "NoSuchBucket"),
        (["--lake", "file"], 1, "file is not a folder"),
        (["--lake", "file/lake"], 1, "file is not a folder"),
        (["--lake", "/proc/lake"], 1, "/proc"),
        (["--bogus"], 2, "--bogus is not an option of export"),
    ],
)
def test_what_is_wrong_is_one_line(
    environment: dict[str, str], tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    (tmp_path / "file").touch()
    lake = [] if "--lake" in arguments else ["--lake", "lake"]

    ended = patchlake_here(environment, "export", *lake, *arguments, folder=tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (code, "", 1), ended.stderr
    assert text in ended.stderr
    assert not (tmp_path / "lake").exists()


def test_without_credentials_a_region_or_an_aws_it_says_so(environment: dict[str, str], tmp_path: Path) -> None:
    def said(**changes: str | None) -> str:
        changed = {name: value for name, value in (environment | changes).items() if value is not None}
        ended = patchlake_here(changed, "export", "--lake", tmp_path / "lake")
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
        return ended.stderr

    assert "no AWS credentials found" in said(
        AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, AWS_SHARED_CREDENTIALS_FILE=os.devnull
    )
    assert "no region is set" in said(AWS_DEFAULT_REGION=None)
    assert "cannot get your identity from AWS" in said(AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
