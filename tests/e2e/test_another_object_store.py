"""The lake on an S3 that is not ours: the store's contract, races of writers, and two exports at once."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from threading import Barrier

import pytest

from patchlake.adapters.s3 import S3Store
from patchlake.core.keys import table_key
from patchlake.ports import Store
from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.aws.settings import Settings
from tests.command_line import PATCHLAKE, variables
from tests.contract.test_store import StoreContract
from tests.e2e.seaweedfs import SeaweedFs, running_seaweedfs

WRITERS = 8
KEYS = 2
SETTINGS = Settings(nodes=120, accounts=2)
ARGUMENTS = ("--accounts", "organization", "--batch-size", "50", "--patches")


@pytest.fixture(scope="module")
def seaweedfs() -> Iterator[SeaweedFs]:
    with running_seaweedfs() as store:
        yield store


def store_in(seaweedfs: SeaweedFs, bucket: str, prefix: str = "") -> S3Store:
    return S3Store(seaweedfs.client(), bucket, prefix, pause=lambda _: None, chance=lambda: 0)


@pytest.fixture(scope="module")
def empty_prefixes(seaweedfs: SeaweedFs) -> Iterator[S3Store]:
    """Lakes that share one bucket: it takes SeaweedFS a second to make one."""
    bucket = seaweedfs.make_bucket("contract")
    return (store_in(seaweedfs, bucket, f"lake-{number}/") for number in count())


@pytest.fixture
def store(empty_prefixes: Iterator[S3Store]) -> Store:
    return next(empty_prefixes)


class TestStoreOverSeaweedFs(StoreContract):
    """The store's contract."""


def versions(seaweedfs: SeaweedFs, bucket: str) -> Counter[str]:
    """Return how often each key of a bucket has been written or deleted."""
    pages = seaweedfs.client().get_paginator("list_object_versions").paginate(Bucket=bucket)
    return Counter(
        version["Key"] for page in pages for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    )


def test_of_eight_writers_of_one_key_one_wins_and_the_others_learn_so(seaweedfs: SeaweedFs) -> None:
    bucket = seaweedfs.make_bucket("raced")
    stores = [store_in(seaweedfs, bucket) for _ in range(WRITERS)]
    keys = [f"runs/raced/{number}" for number in range(KEYS)]
    start = Barrier(WRITERS)

    def write(writer: int, key: str) -> bool:
        start.wait()
        return stores[writer].create(key, bytes([writer]) * 100_000)

    for key in keys:
        with ThreadPoolExecutor(WRITERS) as pool:
            created = list(pool.map(write, range(WRITERS), [key] * WRITERS))

        assert Counter(created) == {True: 1, False: WRITERS - 1}
        assert stores[0].get(key) == bytes([created.index(True)]) * 100_000
    assert versions(seaweedfs, bucket) == dict.fromkeys(keys, 1)


def test_a_key_under_a_delete_marker_can_be_created_again(seaweedfs: SeaweedFs) -> None:
    bucket = seaweedfs.make_bucket("deleted")
    store = store_in(seaweedfs, bucket)
    store.create("a", b"first")

    seaweedfs.client().delete_object(Bucket=bucket, Key="a")

    assert store.create("a", b"second") is True
    assert versions(seaweedfs, bucket) == {"a": 3}


def test_two_exports_at_once_write_every_object_once_and_both_end_with_the_same_run(seaweedfs: SeaweedFs) -> None:
    bucket = seaweedfs.make_bucket("exported")
    with start_server(SETTINGS) as aws:
        now = datetime.now(UTC)
        aws.set_clock(now)
        # The embedded AWS knows these credentials too: it takes any for the home account's.
        environment = variables(
            aws.endpoint,
            AWS_ENDPOINT_URL_S3=seaweedfs.url,
            AWS_ACCESS_KEY_ID=seaweedfs.access_key,
            AWS_SECRET_ACCESS_KEY=seaweedfs.secret_key,
        )
        options = ("--scheduled-time", now.replace(second=0, microsecond=0).isoformat(), *ARGUMENTS, "--json")
        command = [str(PATCHLAKE), "export", "--lake", f"s3://{bucket}", *options]
        both = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
            for _ in range(2)
        ]
        said = [process.communicate(timeout=120) for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    runs = [json.loads(out) for out, _ in said]
    [run_id] = {run["run_id"] for run in runs}
    found = versions(seaweedfs, bucket)
    assert set(found.values()) == {1}
    assert {table_key(run_id, name) for name in ("coverage", "patches", "patch_states")} <= found.keys()
