"""A lake in a bucket gives the same answers as the same lake in a folder."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from patchlake.adapters import clients
from patchlake.core.timings import CallTiming
from patchlake_cli.lake import bucket as lake_bucket
from patchlake_cli.lake.engine import open_lake
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.lake.files import find_lake
from patchlake_cli.lake.location import LakeLocation
from tests.analytics import story
from tests.http_stub import Answer, Request, Silent, http_stub

NAMES = ("missing_patches", "platforms")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("story")
    story.tell(folder)
    return folder


@pytest.fixture(scope="module")
def bucket(folder: Path) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        environment.setenv("AWS_ACCESS_KEY_ID", "testing")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        environment.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        s3 = boto3.client("s3")
        # All servers of one process share their buckets, and this one may be started twice in it.
        name = f"story-{uuid4()}"
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        for path in folder.rglob("*.parquet"):
            for prefix in ("", "copies/of/"):
                s3.put_object(Bucket=name, Key=f"{prefix}{path.relative_to(folder)}", Body=path.read_bytes())
        yield name
    server.stop()


@pytest.mark.parametrize("prefix", ["", "/copies/of/"])
def test_a_bucket_answers_as_a_folder_does(folder: Path, bucket: str, prefix: str) -> None:
    on_s3 = open_lake(LakeLocation.parse(f"s3://{bucket}{prefix}"), now=story.NOW)
    in_folder = open_lake(LakeLocation(str(folder)), now=story.NOW)

    assert [on_s3.named(name) for name in NAMES] == [in_folder.named(name) for name in NAMES]
    assert find_lake(LakeLocation.parse(f"s3://{bucket}{prefix}")).column_bytes("coverage") == find_lake(
        LakeLocation(str(folder))
    ).column_bytes("coverage")


def test_a_bucket_without_a_lake_or_without_being_there_is_refused(bucket: str) -> None:
    with pytest.raises(LakeError, match=f"s3://{bucket}/elsewhere contains no lake"):
        open_lake(LakeLocation.parse(f"s3://{bucket}/elsewhere"))
    with pytest.raises(LakeError, match=r"s3://no-such-bucket cannot be opened: the bucket does not exist \(404\)"):
        open_lake(LakeLocation.parse("s3://no-such-bucket"))


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_stops_answering_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: Request) -> Answer:
        return Answer() if request.method == "HEAD" else Silent()

    short = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 2})
    monkeypatch.setattr(clients, "CONFIG", short)
    with http_stub() as service:
        service.answer = answer
        monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)

        with pytest.raises(LakeError, match=r"s3://silent cannot be read: .*Read timeout"):
            open_lake(LakeLocation.parse("s3://silent"))

        assert [request.method for request in service.requests] == ["HEAD", "GET", "GET"]


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_stops_answering_while_a_query_reads_its_files_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lake_bucket, "CALL", CallTiming(attempts=2, connect_seconds=1, answer_seconds=1))
    key = f"lake/coverage/run_date={story.NOW:%Y-%m-%d}/{story.NOW:%Y%m%dT%H%M%SZ}.parquet"

    def answer(request: Request) -> Answer:
        if "list-type" in request.path:
            contents = f"<Contents><Key>{key}</Key></Contents>" if "coverage" in request.path else ""
            return Answer(
                200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode()
            )
        return Answer() if request.path.count("/") < 3 else Silent()

    with http_stub() as service:
        service.answer = answer
        monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
        lake = open_lake(LakeLocation.parse("s3://story"), now=story.NOW)

        with pytest.raises(LakeError, match=r"the lake cannot be read: .*coverage"):
            lake.query("SELECT count(*) FROM coverage")


def test_without_credentials_a_bucket_is_not_opened(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(LakeError, match="cannot be opened"):
        open_lake(LakeLocation.parse(f"s3://{bucket}"))
