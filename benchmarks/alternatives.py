"""What users would write instead of patchlake: the same nodes from the same SSM, into Parquet, each by its own process.

First the patch states alone, of nodes that are known: collect and commit beside the scripts. Then the whole job, the
listing included, of one account in eight regions: ``patchlake export`` as a user calls it, which does more than the
scripts, since it keeps the listing's attributes, checks every value, and publishes coverage too. awswrangler writes to
S3 only, so an embedded AWS stands beside it.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import boto3

from benchmarks.environments import command, make_environment
from benchmarks.loopback_ssm import REGION, running_ssm
from benchmarks.measured import ROOT, deployed_variables, machine
from benchmarks.states_alone import CONNECTIONS, prepare
from benchmarks.tables import table, write
from patchlake_cli.embedded.server import start_server
from patchlake_cli.embedded.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CALL = 50
BUCKET = "rival"
NAMES = {"pandas": "paginator and pandas", "awswrangler": "awswrangler", "dlt": "dlt"}


class Used(NamedTuple):
    """What a process used, and what it left."""

    wall_seconds: float
    cpu_seconds: float
    peak_mebibytes: float
    files: int
    size: int


class World(NamedTuple):
    """An SSM and an S3, and the variables that lead there."""

    variables: dict[str, str]
    s3: "S3Client"


@contextmanager
def world(nodes: int, latency_seconds: float, regions: Sequence[str]) -> Iterator[World]:
    """Run the services."""
    with (
        running_ssm(nodes, latency_seconds, regions) as ssm,
        start_server(Settings(nodes=0, accounts=1, regions=1)) as aws,
    ):
        s3 = aws.endpoint.session.client("s3", endpoint_url=aws.endpoint_url)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        variables = {
            "AWS_ENDPOINT_URL_SSM": ssm,
            "AWS_ENDPOINT_URL_STS": ssm,
            "AWS_ENDPOINT_URL_S3": aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": REGION,
        }
        yield World(variables, s3)


def states_alone(nodes: int, latency_seconds: float, rounds: int) -> str:
    """Return the table of the states of nodes that are known."""
    used: dict[str, list[Used]] = {}
    with world(nodes, latency_seconds, [REGION]) as around, tempfile.TemporaryDirectory() as name:
        ids = listed(around)
        given = Path(name, "ids.json")
        given.write_text(json.dumps(ids))
        for number in range(rounds):
            folder = Path(name, str(number))
            prepare(folder, ids)
            ours = [sys.executable, "-m", "benchmarks.states_alone", str(folder)]
            deployed = around._replace(variables=around.variables | deployed_variables())
            used.setdefault("patchlake, collect and commit", []).append(run(ours, deployed, folder / "lake"))
            for rival, one in rivals(around, folder / "rivals", [REGION, "--ids", given]):
                used.setdefault(rival, []).append(one)
    least = -(-nodes // CALL) * latency_seconds / CONNECTIONS
    took = median(one.wall_seconds for one in used["patchlake, collect and commit"])
    head = f"states of {nodes:,} nodes, {1000 * latency_seconds:.0f} ms a call"
    return (
        f"{rows(head, used, nodes)}\n\nIn parentheses: times patchlake's. The calls' latency over eight connections is "
        f"{least:.1f} s; patchlake took {took / least:.2f} times that. Medians of {rounds}. "
        f"{machine('boto3', 'pyarrow')}; the others as locked in benchmarks/rivals."
    )


def whole_job(nodes: int, latency_seconds: float) -> str:
    """Return the table of listing and states, over eight regions and, for patchlake, over one."""
    regions = Settings(regions=8).region_list()
    used: dict[str, list[Used]] = {}
    for places in (regions, [REGION]):
        with world(nodes, latency_seconds, places) as around, tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            program = Path(sys.executable).with_name("patchlake")
            export = [str(program), "export", "--lake", str(folder / "ours"), "--regions", ",".join(places)]
            named = f"patchlake export, {'one region' if len(places) == 1 else f'{len(places)} regions'}"
            used[named] = [run(export, around, folder / "ours" / "lake" / "patch_states")]
            if places is regions:
                used |= {rival: [one] for rival, one in rivals(around, folder, places)}
    chain = -(-nodes // CALL) * latency_seconds
    head = f"listing and states of {nodes:,} nodes, {1000 * latency_seconds:.0f} ms a call"
    return (
        f"{rows(head, used, nodes)}\n\nOne call after the other is {2 * chain:.0f} s. Each page of a listing needs the "
        f"token of the one before, so that one region takes everybody {chain:.0f} s; {len(regions)} regions are "
        f"listed at the same time. {machine('boto3', 'pyarrow')}."
    )


def rows(head: str, used: Mapping[str, Sequence[Used]], nodes: int) -> str:
    """Write a table, with each figure's ratio to patchlake's, which stands first."""
    medians = {name: Used(*map(median, zip(*runs, strict=True))) for name, runs in used.items()}
    ours = next(iter(medians.values()))

    def beside(name: str, digits: int, scale: float = 1) -> list[str]:
        pairs = ((getattr(one, name), getattr(ours, name)) for one in medians.values())
        return [f"{figure * scale:.{digits}f} ({figure / least:.2f})" for figure, least in pairs]

    cells = zip(
        medians,
        beside("wall_seconds", 1),
        beside("cpu_seconds", 1),
        beside("peak_mebibytes", 0),
        (f"{one.files:.0f}" for one in medians.values()),
        beside("size", 1, 1 / nodes),
        strict=True,
    )
    return table([head, "wall s", "CPU s", "peak MiB", "files", "bytes a node"], map(list, cells))


def listed(around: World) -> list[str]:
    """Return the ids of all nodes of the home region, in order."""
    session = boto3.Session("key", "secret", region_name=REGION)
    ssm = session.client("ssm", endpoint_url=around.variables["AWS_ENDPOINT_URL_SSM"])
    pages = ssm.get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": CALL})
    return sorted(node["InstanceId"] for page in pages for node in page["InstanceInformationList"])


def rivals(around: World, folder: Path, arguments: Iterable[object]) -> Iterator[tuple[str, Used]]:
    """Run every script, one after the other."""
    for name, text in NAMES.items():
        out = f"s3://{BUCKET}{folder}" if name == "awswrangler" else str(folder / name)
        used = run(command(name, f"{name}_script", out, *arguments), around, folder / name / "lake")
        if name == "awswrangler":
            found = around.s3.list_objects_v2(Bucket=BUCKET, Prefix=str(folder)[1:])["Contents"]
            used = used._replace(files=len(found), size=sum(item["Size"] for item in found))
        assert used.files > 0
        yield text, used


def run(words: Sequence[str], around: World, out: Path) -> Used:
    """Run a command to its end and look at what it left.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    measured = [sys.executable, "-m", "benchmarks.process", *words]
    environment = os.environ | around.variables
    result = subprocess.run(measured, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    sizes = [path.stat().st_size for path in out.rglob("*.parquet") if "coverage" not in path.parts]
    return Used(**json.loads(result.stdout), files=len(sizes), size=sum(sizes))


def main(*, full: bool) -> None:
    """Write both tables into the docs."""
    for name in NAMES:
        make_environment(name)
    nodes = 100_000 if full else 5000
    write("performance.md", "states", states_alone(nodes, 0.06, 3 if full else 1))
    write("performance.md", "alternatives", whole_job(nodes, 0.06))
