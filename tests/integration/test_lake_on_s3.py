"""A lake in a bucket gives the same answers as the same lake in a folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from patchlake.adapters import clients
from patchlake.core.timings import CallTiming
from patchlake_cli.lake import bucket as lake_bucket
from patchlake_cli.lake.engine import Lake, open_lake
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.lake.files import find_lake
from patchlake_cli.lake.location import LakeLocation
from tests.analytics import story
from tests.http_stub import DATE, Answer, Lost, Request, Silent, http_stub

NAMES = ("missing_patches", "platforms")
KEY = f"lake/coverage/run_date={story.NOW:%Y-%m-%d}/{story.NOW:%Y%m%dT%H%M%SZ}.parquet"
LATER, ALLOW = "Retry in a minute", "Allow requests to the endpoint there"
ELSEWHERE = {"Date": DATE, "Location": "http://127.0.0.1:9/"}
PAGE = {"Date": DATE, "Content-Type": "text/html", "ETag": '"1"'}
DENIED, ABSENT = (f"<Error><Code>{code}</Code></Error>".encode() for code in ("AccessDenied", "NoSuchKey"))


def whole(content: bytes) -> Answer:
    """Return an object of a store that does not know ranges."""
    return Answer(200, content, {"Date": DATE, "ETag": '"1"'})


@contextmanager
def files_in_a_stub(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Request], Answer]) -> Iterator[Lake]:
    """Open a lake with one file, about which a stub answers in this way."""
    once = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
    monkeypatch.setattr(clients, "CONFIG", once)
    monkeypatch.setattr(lake_bucket, "CALL", CallTiming(attempts=1, connect_seconds=1, answer_seconds=1))

    def answer_about_a_lake(request: Request) -> Answer:
        if "list-type" in request.path:
            contents = f"<Contents><Key>{KEY}</Key></Contents>" if "coverage" in request.path else ""
            page = f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
            return Answer(200, page.encode())
        return answer(request) if request.path.count("/") > 2 else Answer()

    with http_stub() as service:
        service.answer = answer_about_a_lake
        monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
        yield open_lake(LakeLocation.parse("s3://story"), now=story.NOW)


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


@pytest.fixture
def file(folder: Path) -> bytes:
    return min((folder / "lake" / "coverage").rglob("*.parquet")).read_bytes()


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
    with (
        files_in_a_stub(monkeypatch, lambda _: Silent()) as lake,
        pytest.raises(LakeError, match=rf"the lake cannot be read: s3://story/{KEY}: .*Read timeout"),
    ):
        lake.query("SELECT count(*) FROM coverage")


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize(
    ("answer", "cause", "fix"),
    [
        (Answer(503), "GetObject failed for now: AWS returned an error or no usable answer (503)", LATER),
        (Lost(), "GetObject failed for now: AWS returned an error or no usable answer (ConnectionClosed", LATER),
        (
            Answer(301),
            "GetObject failed for now: the answer is not that of AWS, but of a proxy or a cache (301)",
            ALLOW,
        ),
        (
            Answer(302),
            "GetObject failed for now: the answer is not that of AWS, but of a proxy or a cache (302)",
            ALLOW,
        ),
        (
            Answer(307, b"", ELSEWHERE),
            "GetObject was refused: the resource is at another address (307)",
            "the endpoint",
        ),
        (Answer(200, b"<html>", PAGE), "the answer to GetObject is not that of an object", "Check that no proxy"),
        (Answer(403, DENIED), "GetObject was refused: access denied (AccessDenied)", "needs s3:GetObject"),
        (Answer(404, ABSENT), "no longer exists", "restore it"),
    ],
)
def test_a_file_that_the_bucket_does_not_return_is_not_damaged(  # noqa: PLR0913
    file: bytes, monkeypatch: pytest.MonkeyPatch, method: str, *, answer: Answer, cause: str, fix: str
) -> None:
    def answer_about_the_file(request: Request) -> Answer:
        return answer if request.method == method else whole(file)

    with files_in_a_stub(monkeypatch, answer_about_the_file) as lake, pytest.raises(LakeError) as refused:
        lake.query("SELECT count(*) FROM coverage")

    said = str(refused.value)
    assert said.startswith("the lake cannot be read: ")
    assert KEY in said
    if method == "HEAD":
        # The whole file can be read.
        assert said.endswith("; it can be read now: retry in a minute")
    else:
        assert f"s3://story/{KEY}" in said
        assert cause in said
        assert fix in said
        assert "copy" not in said


@pytest.mark.usefixtures("bucket")
def test_a_file_that_the_bucket_returns_damaged_is_to_be_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    restore = rf"cannot be read: .*{KEY}.*; restore a copy or an earlier version of it$"
    damaged = whole(b"PAR1, not")
    with files_in_a_stub(monkeypatch, lambda _: damaged) as lake, pytest.raises(LakeError, match=restore):
        lake.query("SELECT count(*) FROM coverage")


def test_without_credentials_a_bucket_is_not_opened(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(LakeError, match="cannot be opened"):
        open_lake(LakeLocation.parse(f"s3://{bucket}"))
