"""What users would write instead of patchlake: the same nodes from the same SSM, into Parquet, each by its own process.

patchlake is ``patchlake export``, as a user calls it, which does more: it keeps the listing's attributes, checks every
value, and publishes coverage too. awswrangler writes to S3 only, so an embedded AWS stands beside it.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.loopback_ssm import running_ssm
from benchmarks.measured import MEBIBYTE, machine
from benchmarks.tables import table, write
from patchlake_cli.embedded.server import start_server
from patchlake_cli.embedded.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
RIVALS = ROOT / "benchmarks" / "rivals"
REGION = "eu-central-1"
CONNECTIONS = 8


class Used(NamedTuple):
    """What a process used, and what it left."""

    wall_seconds: float
    cpu_seconds: float
    peak_mebibytes: float
    files: int
    size: int


def measure(nodes: int, latency_seconds: float) -> str:
    """Return the table: each writes the same nodes, one after the other."""
    for name in ("pandas", "awswrangler", "dlt"):
        make_environment(name)
    used: dict[str, Used] = {}
    with (
        running_ssm(nodes, latency_seconds) as ssm,
        start_server(Settings(nodes=0, accounts=1, regions=1)) as aws,
        tempfile.TemporaryDirectory(prefix="patchlake-alternatives-") as folder,
    ):
        s3 = aws.endpoint.session.client("s3", endpoint_url=aws.endpoint_url)
        s3.create_bucket(Bucket="rival", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        variables = {
            "AWS_ENDPOINT_URL_SSM": ssm,
            "AWS_ENDPOINT_URL_STS": ssm,
            "AWS_ENDPOINT_URL_S3": aws.endpoint_url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": REGION,
        }
        lake, plain, loaded = (Path(folder, name) for name in ("patchlake", "pandas", "dlt"))
        export = [Path(sys.executable).with_name("patchlake"), "export", "--lake", lake, "--regions", REGION]
        used["patchlake export"] = run(export, variables, lake / "lake" / "patch_states")
        used["paginator and pandas"] = run(script("pandas", plain), variables, plain)
        wrangled = run(script("awswrangler", "s3://rival"), variables, Path(folder, "nothing"))
        found = s3.list_objects_v2(Bucket="rival").get("Contents", [])
        used["awswrangler"] = wrangled._replace(files=len(found), size=sum(item["Size"] for item in found))
        used["dlt"] = run(script("dlt", loaded), variables, loaded / "lake")
    calls = -(-nodes // 50) * latency_seconds
    floor = calls + calls / CONNECTIONS
    rows = [
        [
            name,
            f"{one.wall_seconds:.1f}",
            f"{one.cpu_seconds:.1f}",
            f"{one.peak_mebibytes:.0f}",
            f"{one.files}",
            f"{one.size / nodes:.0f}",
        ]
        for name, one in used.items()
    ]
    head = [
        f"{nodes:,} nodes, {1000 * latency_seconds:.0f} ms a call",
        "wall s",
        "CPU s",
        "peak MiB",
        "files",
        "bytes a node",
    ]
    waiting = (
        f"Listing is a chain of pages: everybody waits {calls:.1f} s for it. The states, at {CONNECTIONS} connections, "
        f"are {calls / CONNECTIONS:.1f} s more: {floor:.1f} s is the least for patchlake, {2 * calls:.1f} s for who "
        "makes one call at a time."
    )
    return (
        table(head, rows) + f"\n\n{waiting} {machine('boto3', 'pyarrow')}; the others as locked in benchmarks/rivals."
    )


def script(name: str, out: object) -> list[object]:
    """Return the command of a rival."""
    return [ROOT / ".venv-benchmarks" / name / "bin" / "python", RIVALS / f"{name}_script.py", out]


def make_environment(name: str) -> None:
    """Make a rival's environment from its lock, every hash verified; one that is there is brought up to date."""
    uv, folder = Path(sys.executable).with_name("uv"), ROOT / ".venv-benchmarks" / name
    if not folder.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    lock = RIVALS / f"{name}.txt"
    python = folder / "bin" / "python"
    subprocess.run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, lock], check=True)


def run(command: list[object], variables: Mapping[str, str], out: Path) -> Used:
    """Run a command to its end and look at what it left.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    began = time.perf_counter()
    words = [str(word) for word in command]
    with subprocess.Popen(words, env=os.environ | dict(variables), stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    sizes = [path.stat().st_size for path in out.rglob("*.parquet")]
    peak = usage.ru_maxrss * 1024 / MEBIBYTE
    return Used(seconds, usage.ru_utime + usage.ru_stime, peak, len(sizes), sum(sizes))


def main(*, full: bool) -> None:
    """Write the table into the docs."""
    write("performance.md", "alternatives", measure(*((100_000, 0.06) if full else (5_000, 0.06))))
