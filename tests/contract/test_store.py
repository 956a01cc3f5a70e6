"""The contract of every Store: create once, never change, list in order."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from tempfile import TemporaryFile
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config

from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.memory import MemoryStore
from patchlake.adapters.s3 import S3Store
from patchlake.ports import Store

if TYPE_CHECKING:
    from pathlib import Path

    import boto3


def _memory(_: pytest.FixtureRequest) -> Store:
    return MemoryStore()


def _directory(request: pytest.FixtureRequest) -> Store:
    path: Path = request.getfixturevalue("tmp_path")
    return DirectoryStore(path / "lake")


def _s3(request: pytest.FixtureRequest, prefix: str = "") -> Store:
    session: boto3.Session = request.getfixturevalue("aws_session")
    client = session.client(
        "s3", endpoint_url=request.getfixturevalue("aws_url"), config=Config(s3={"addressing_style": "path"})
    )
    bucket = f"lake-{next(request.getfixturevalue('numbers'))}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    if prefix:
        client.put_object(Bucket=bucket, Key="plans/of-another-user", Body=b"")
    request.addfinalizer(client.close)
    return S3Store(client, bucket, prefix, pause=lambda _: None, chance=lambda: 0)


def _s3_under_a_prefix(request: pytest.FixtureRequest) -> Store:
    return _s3(request, "shared/lake/")


class StoreContract:
    """The tests of every Store; `store` is a fixture of the class that inherits them."""

    def test_what_was_created_is_there(self, store: Store) -> None:
        created = store.create("plans/a.json", b"content")

        assert created is True
        assert store.exists("plans/a.json") is True
        assert store.get("plans/a.json") == b"content"

    def test_what_was_never_created_is_not_there(self, store: Store) -> None:
        store.create("plans/a.json", b"content")

        assert store.exists("plans/a") is False
        assert store.exists("plans") is False
        assert store.get("plans/a.json.gz") is None

    def test_the_first_writer_wins_and_nothing_changes_any_more(self, store: Store) -> None:
        store.create("plans/a.json", b"first")

        created = store.create("plans/a.json", b"second")

        assert created is False
        assert store.get("plans/a.json") == b"first"

    def test_of_racing_writers_exactly_one_wins(self, store: Store) -> None:
        writers = 4
        start = Barrier(writers)

        def write(number: int) -> bool:
            start.wait()
            return store.create("runs/raced", str(number).encode() * 1000)

        with ThreadPoolExecutor(writers) as pool:
            created = list(pool.map(write, range(writers)))

        assert sorted(created) == [False] * (writers - 1) + [True]
        assert store.get("runs/raced") == str(created.index(True)).encode() * 1000

    def test_an_object_without_a_byte_exists(self, store: Store) -> None:
        store.create("empty", b"")

        assert store.exists("empty") is True
        assert store.get("empty") == b""
        assert store.create("empty", b"x") is False

    def test_a_big_file_is_created_whole_and_can_be_read_again_by_its_owner(self, store: Store) -> None:
        content = bytes(range(256)) * 40_000
        with TemporaryFile() as body:
            body.write(content)
            body.seek(0)

            created = store.create("lake/big.parquet", body)

            body.seek(0)
            assert body.read() == content
        assert created is True
        assert store.get("lake/big.parquet") == content

    def test_a_file_does_not_replace_an_object(self, store: Store) -> None:
        store.create("a", b"first")
        with TemporaryFile() as body:
            body.write(b"second")
            body.seek(0)

            created = store.create("a", body)

        assert created is False
        assert store.get("a") == b"first"

    def test_keys_are_listed_in_the_order_of_their_bytes(self, store: Store) -> None:
        # "-" and "." sort before "/", which a walk over folders gets wrong; capital letters sort before small ones.
        keys = ["p/a-b/1", "p/a.c", "p/a/00000.parquet", "p/a/00001.parquet", "p/B", "p/a0", "p/run_date=2026-11-23/x"]
        for key in keys:
            store.create(key, b"")

        assert list(store.keys("p/")) == sorted(keys)

    def test_a_prefix_is_the_beginning_of_a_key_not_a_folder(self, store: Store) -> None:
        for key in ["runs/1/parts/x", "runs/1/shards/x", "runs/10/parts/x", "plans/1"]:
            store.create(key, b"")

        assert list(store.keys("runs/1")) == ["runs/1/parts/x", "runs/1/shards/x", "runs/10/parts/x"]
        assert list(store.keys("runs/1/p")) == ["runs/1/parts/x"]
        assert list(store.keys("nothing/")) == []
        assert len(list(store.keys(""))) == 4

    def test_listings_are_of_their_own_time(self, store: Store) -> None:
        store.create("a", b"")
        before = store.keys("")

        listed = list(before)
        store.create("b", b"")

        assert listed == ["a"]
        assert isinstance(before, Iterator)
        assert list(store.keys("")) == ["a", "b"]


@pytest.fixture(params=[_memory, _directory, _s3, _s3_under_a_prefix], ids=lambda make: str(make.__name__).strip("_"))
def store(request: pytest.FixtureRequest) -> Store:
    make: Callable[[pytest.FixtureRequest], Store] = request.param
    return make(request)


class TestStore(StoreContract):
    """The adapters of the project, S3's over the embedded AWS's own."""
