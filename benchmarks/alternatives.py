"""Programs that users would write instead of patchlake: the same nodes from the same SSM, into Parquet, in processes.

Two comparisons are of known nodes, of their patch states only and of their patches only: collect and commit against the
scripts. The third is the whole job, listing included, of one account in eight regions. There patchlake is
``patchlake export`` as a user runs it, which does more than the scripts: it keeps the listing's attributes, checks
every value, and publishes coverage too. awswrangler writes to S3 only, so it gets an embedded AWS. All programs must
write the same number of rows.
"""

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import boto3
import pyarrow.parquet as pq

from benchmarks.deployed import ROOT, variables
from benchmarks.environments import command, make_environment
from benchmarks.known_nodes import CONNECTIONS, ids_with_patches, prepare
from benchmarks.loopback_ssm import REGION, running_ssm
from benchmarks.measured import machine, spread
from benchmarks.tables import report, table
from patchlake.sources.registry import SOURCES
from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.aws.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "rival"
NAMES = {"pandas": "paginator and pandas", "awswrangler": "awswrangler", "dlt": "dlt"}
SCRIPTS = {"patch_states": ("--ids", list(NAMES)), "patches": ("--patches-of", ["pandas"])}
"""The option of the scripts for each source of known nodes, and the scripts that are compared."""

OURS = "patchlake, collect and commit"
PAGE_SIZE = SOURCES.nodes.operation.page_size
STEPS = ("start", "collect", "publish")
FIGURES = {"wall s": "wall_seconds", "CPU s": "cpu_seconds", "peak MiB": "peak_mebibytes", "bytes per node": "size"}


class Used(NamedTuple):
    """The time and memory that a process used, and the files that it left.

    Attributes:
        rows: those that SSM answered.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_mebibytes: float
    said: str
    files: int = 0
    size: int = 0
    rows: int = 0


class World(NamedTuple):
    """An SSM and an S3, and the environment variables that connect to them."""

    variables: Mapping[str, str]
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
        found = {
            # All of them write Parquet with pyarrow, so all use the functions' setting of its memory.
            **variables(),
            "AWS_ENDPOINT_URL_SSM": ssm,
            "AWS_ENDPOINT_URL_STS": ssm,
            "AWS_ENDPOINT_URL_S3": aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": REGION,
            "RUNTIME__DLTHUB_TELEMETRY": "false",
        }
        yield World(found, s3)


def states_alone(nodes: int, latency_seconds: float, rounds: int) -> str:
    """Return the table of the patch states of known nodes."""
    with world(nodes, latency_seconds, [REGION]) as around, tempfile.TemporaryDirectory() as name:
        stored, ids = Path(name, "stored"), listed(around)
        prepare(stored, ids, [])
        used = interleaved(rounds, around, stored, "patch_states", ids)
    return of_known_nodes(f"states of {nodes:,} nodes", used, nodes, latency_seconds)


def patches_alone(nodes: int, latency_seconds: float, rounds: int) -> str:
    """Return the table of the patches of those of so many nodes that may lack some."""
    with world(nodes, latency_seconds, [REGION]) as around, tempfile.TemporaryDirectory() as name:
        stored = Path(name, "stored")
        prepare(stored, listed(around), ["patches"])
        collected(around, stored, "patch_states")
        ids = ids_with_patches(stored)
        used = interleaved(rounds, around, stored, "patches", ids)
    return of_known_nodes(f"patches of {len(ids):,} of {nodes:,} nodes", used, len(ids), latency_seconds)


def interleaved(
    rounds: int, around: World, stored: Path, source: str, ids: Sequence[str]
) -> Mapping[str, Sequence[Used]]:
    """Collect one source of a stored run, and let scripts ask about the same ids, in turns."""
    given = stored.with_name("ids.json")
    given.write_text(json.dumps(ids))
    option, names = SCRIPTS[source]
    used: dict[str, list[Used]] = {}
    for number in range(rounds):
        folder = stored.with_name(str(number))
        shutil.copytree(stored, folder)
        used.setdefault(OURS, []).append(collected(around, folder, source))
        for rival, one in rivals(names, around, folder / "rivals", [REGION, option, given]):
            used.setdefault(rival, []).append(one)
    return used


def collected(around: World, folder: Path, source: str) -> Used:
    """Collect the parts of a source, and publish the run if it was the last one."""
    ours = [sys.executable, "-m", "benchmarks.known_nodes", str(folder), source]
    return run(ours, around, folder / "lake" / source)


def of_known_nodes(what: str, used: Mapping[str, Sequence[Used]], nodes: int, latency_seconds: float) -> str:
    """Return the table of a comparison, and how patchlake used its time."""
    rounds = len(used[OURS])
    often = "one run each" if rounds == 1 else f"{rounds} interleaved rounds"
    head = f"{what}, {1000 * latency_seconds:.0f} ms per call, {often}"
    said = [json.loads(one.said) for one in used[OURS]]
    steps = {step: median(one[step] for one in said) for step in STEPS}
    calls = said[0]["calls"]
    least = calls * latency_seconds / CONNECTIONS
    took = median(one.wall_seconds for one in used[OURS])
    return (
        f"{compared(head, used, nodes)}\n\nSpread over {CONNECTIONS} connections, the latency of the {calls:,} calls "
        f"adds up to {least:.1f} s; patchlake took {took / least:.2f} times that. Its processor time is "
        f"{steps['start']:.1f} s for starting, {steps['collect']:.1f} s for collecting and {steps['publish']:.1f} s "
        f"for publishing. {machine('boto3', 'pyarrow')}; the other programs use the versions locked in "
        "benchmarks/rivals."
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
                used |= {rival: [one] for rival, one in rivals(NAMES, around, folder, places)}
    chain = -(-nodes // PAGE_SIZE) * latency_seconds
    head = f"listing and states of {nodes:,} nodes, {1000 * latency_seconds:.0f} ms per call, one run each"
    return (
        f"{compared(head, used, nodes)}\n\nOne call after the other, all calls take {2 * chain:.0f} s. Each page of a "
        f"listing needs the token of the page before, so listing one region takes every program {chain:.0f} s; "
        f"patchlake lists {len(regions)} regions at the same time. {machine('boto3', 'pyarrow')}."
    )


def compared(head: str, used: Mapping[str, Sequence[Used]], nodes: int) -> str:
    """Write a table of medians, each with its spread if it has one, and its ratio to patchlake's, the first."""
    assert len({one.rows for runs in used.values() for one in runs}) == 1
    lines = []
    for name, runs in used.items():
        cells = [name]
        for figure in FIGURES.values():
            values, ours = (
                [getattr(one, figure) / (nodes if figure == "size" else 1) for one in some]
                for some in (runs, next(iter(used.values())))
            )
            cells += [
                spread(values, 1) if len(values) > 1 else f"{values[0]:,.1f}",
                f"{median(values) / median(ours):.2f}",
            ]
        lines.append([*cells, f"{runs[0].files}"])
    return table([head, *(word for title in FIGURES for word in (title, "ratio")), "files"], lines)


def listed(around: World) -> list[str]:
    """Return the ids of all nodes of the home region, in order."""
    session = boto3.Session("key", "secret", region_name=REGION)
    ssm = session.client("ssm", endpoint_url=around.variables["AWS_ENDPOINT_URL_SSM"])
    pages = ssm.get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": PAGE_SIZE})
    return sorted(node["InstanceId"] for page in pages for node in page["InstanceInformationList"])


def rivals(
    names: Iterable[str], around: World, folder: Path, arguments: Iterable[object]
) -> Iterator[tuple[str, Used]]:
    """Run scripts, one after the other."""
    for name in names:
        out = f"s3://{BUCKET}{folder}" if name == "awswrangler" else str(folder / name)
        used = run(command(name, f"{name}_script", out, *arguments), around, folder / name / "lake")
        if name == "awswrangler":
            listing = around.s3.list_objects_v2(Bucket=BUCKET, Prefix=str(folder)[1:])["Contents"]
            used = left(used, (around.s3.get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in listing))
        yield NAMES[name], used


def run(words: Sequence[str], around: World, out: Path) -> Used:
    """Run a command to its end and measure the files that it left.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    measured = [sys.executable, "-m", "benchmarks.process", *words]
    environment = os.environ | around.variables
    result = subprocess.run(measured, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True)
    *said, used = result.stdout.splitlines()
    return left(Used(**json.loads(used), said="".join(said)), (path.read_bytes() for path in out.rglob("*.parquet")))


def left(used: Used, files: Iterable[bytes]) -> Used:
    """Add the files that a process left."""
    for body in files:
        table = pq.read_table(io.BytesIO(body))
        statuses = table["collection_status"].to_pylist() if "collection_status" in table.column_names else None
        rows = table.num_rows if statuses is None else statuses.count("COLLECTED")
        used = used._replace(files=used.files + 1, size=used.size + len(body), rows=used.rows + rows)
    return used


def main(*, full: bool) -> None:
    """Report the tables."""
    for name in NAMES:
        make_environment(name)
    nodes, fewer, rounds = (100_000, 36_000, 3) if full else (5000, 2000, 1)
    report("performance.md", "states", states_alone(nodes, 0.06, rounds), full=full)
    report("performance.md", "patches alone", patches_alone(fewer, 0.06, rounds), full=full)
    report("performance.md", "alternatives", whole_job(nodes, 0.06), full=full)
