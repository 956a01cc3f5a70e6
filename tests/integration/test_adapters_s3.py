"""S3Store's handling of S3's errors and accidents."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import md5
from io import BytesIO
from itertools import count, islice
from typing import TYPE_CHECKING

import pytest
from botocore.config import Config
from urllib3.exceptions import SSLError

from patchlake.adapters.clients import make_client
from patchlake.adapters.s3 import S3Store
from patchlake.adapters.s3_redirects import follow_only_regions
from patchlake.bootstrap import bucket_store
from patchlake.errors import PatchlakeError, PermanentError, RetryableError
from tests.http_stub import DATE, Answer, HttpStub, Lost, Raw, Request, http_stub, session

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


STORED = Answer(200, headers={"Date": DATE, "ETag": '"1"'})


@pytest.fixture
def s3() -> Iterator[HttpStub]:
    with http_stub() as stub:
        stub.answer = lambda _: STORED
        yield stub


def client(s3: HttpStub, attempts: int) -> "S3Client":
    """Return a client with so many tries; between two tries it waits up to a second."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts}, s3={"addressing_style": "path"}, read_timeout=5
    )
    made: S3Client = session().client("s3", endpoint_url=s3.url, config=config)
    follow_only_regions(made.meta.events)
    return made


def store(s3: HttpStub, attempts: int = 1) -> S3Store:
    """Return a store with such a client."""
    return S3Store(client(s3, attempts), "lake", "shared/", pause=lambda _: None, chance=lambda: 0)


def error(status: int, code: str) -> Answer:
    """Return an error as S3 sends it."""
    return Answer(status, f"<Error><Code>{code}</Code><Message>why</Message></Error>".encode())


@pytest.mark.parametrize("status", [302, 403, 429, 500, 503])
def test_only_a_404_says_that_an_object_does_not_exist(s3: HttpStub, status: int) -> None:
    s3.answer = lambda _: error(404, "NoSuchKey")
    assert store(s3).get("plans/1.json") is None

    s3.answer = lambda _: error(status, "NoSuchKey")
    with pytest.raises(PatchlakeError, match="GetObject"):
        store(s3).get("plans/1.json")


@pytest.mark.parametrize("status", [302, 304])
def test_an_answer_of_a_proxy_or_a_cache_is_a_passing_failure(s3: HttpStub, status: int) -> None:
    # After a 302, the SDK asks for the bucket's region.
    s3.answer = lambda request: Answer(200 if request.method == "HEAD" else status)

    with pytest.raises(RetryableError, match=rf"GetObject failed for now: .* a proxy or a cache \({status}\)"):
        store(s3).get("a")
    with pytest.raises(RetryableError, match=rf"PutObject failed for now: .* a proxy or a cache \({status}\)"):
        store(s3).create("a", b"")


def test_a_connection_whose_encryption_breaks_within_a_body_is_a_passing_failure(
    s3: HttpStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Torn:
        def read(self) -> bytes:
            raise SSLError("bad record mac")

    torn = client(s3, 1)
    monkeypatch.setattr(torn, "get_object", lambda **_: {"Body": Torn()})

    with pytest.raises(RetryableError, match=r"s3://lake/a: GetObject failed .*the body broke off: bad record mac"):
        bucket_store(torn, "lake").get("a")


def test_creating_says_on_the_wire_that_nothing_may_be_there(s3: HttpStub) -> None:
    assert store(s3).create("plans/a.json", b"content") is True

    [request] = s3.requests
    assert (request.method, request.path) == ("PUT", "/lake/shared/plans/a.json")
    assert request.headers["If-None-Match"] == "*"


def test_412_says_that_the_object_exists(s3: HttpStub) -> None:
    s3.answer_in_turn(error(412, "PreconditionFailed"))

    assert store(s3).create("a", b"") is False


PAGE = b"<html>Please sign in to the network</html>"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, PAGE),
        Answer(200, PAGE, {"ETag": '"1"', "Content-Type": "text/html; charset=utf-8"}),
        Answer(200),
        Answer(202, headers=STORED.headers),
        Answer(204, headers=STORED.headers),
    ],
    ids=["page", "page of a web server", "nothing", "accepted", "no content"],
)
def test_an_answer_that_is_none_of_a_store_says_nothing_about_an_object(s3: HttpStub, answer: Answer) -> None:
    s3.answer_in_turn(answer)

    for call in (store(s3).get, store(s3).exists, lambda key: store(s3).create(key, b"content")):
        with pytest.raises(
            RetryableError, match=r"s3://lake/shared/a: the answer to \w+ is not that of an object store"
        ):
            call("a")


def test_a_part_of_an_object_is_not_the_object(s3: HttpStub) -> None:
    s3.answer_in_turn(Answer(206, b"half of", STORED.headers))

    with pytest.raises(RetryableError, match="expected status 200"):
        store(s3).get("a")


@pytest.mark.parametrize("size", [b"-5", b"zz", b"f" * 18, b"1" * 100_000], ids=["negative", "text", "huge", "endless"])
def test_a_body_in_pieces_of_no_size_breaks_off(s3: HttpStub, size: bytes) -> None:
    head = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nTransfer-Encoding: chunked\r\n\r\n'
    s3.answer_in_turn(Raw(200, head + size + b"\r\ncontent"))

    with pytest.raises(RetryableError, match="s3://lake/shared/a: "):
        store(s3).get("a")


def test_a_body_without_a_length_may_have_broken_off(s3: HttpStub) -> None:
    s3.answer_in_turn(Raw(200, b'HTTP/1.1 200 OK\r\nETag: "1"\r\n\r\nhalf of'))

    with pytest.raises(RetryableError, match="a body of the length that the answer names"):
        store(s3).get("a")


@pytest.mark.parametrize("body", [b"content", BytesIO(b"content")], ids=["bytes", "file"])
def test_a_write_whose_answer_was_lost_is_tried_again_and_found_to_exist(s3: HttpStub, body: bytes | BytesIO) -> None:
    s3.answer_in_turn(Lost(), error(412, "PreconditionFailed"))

    assert store(s3, attempts=2).create("a", body) is False

    first, second = s3.requests
    assert first.body == second.body
    assert b"content" in first.body


@pytest.mark.parametrize(
    "answer",
    [
        error(409, "ConditionalRequestConflict"),
        error(500, "InternalError"),
        error(503, "SlowDown"),
        error(400, "RequestTimeout"),
        error(400, "ExpiredToken"),
        Answer(503, b"<html><body>Service Unavailable</body></html>"),
        Lost(),
    ],
    ids=["conflict", "internal", "slow_down", "time_out", "expired", "html", "lost"],
)
def test_what_passes_by_itself_is_worth_a_retry(s3: HttpStub, answer: Answer) -> None:
    s3.answer_in_turn(answer)

    with pytest.raises(RetryableError, match="s3://lake/shared/a"):
        store(s3).create("a", b"")
    with pytest.raises(RetryableError, match="s3://lake/shared/a"):
        store(s3).get("a")
    with pytest.raises(RetryableError, match="s3://lake/shared/a"):
        list(store(s3).keys("a"))


def test_a_server_that_cannot_be_reached_is_worth_a_retry() -> None:
    with http_stub() as stub:
        gone = store(stub)

    with pytest.raises(RetryableError, match="EndpointConnectionError"):
        gone.exists("a")


def test_a_refusal_names_the_object_and_the_permission_to_look_for(s3: HttpStub) -> None:
    s3.answer_in_turn(error(403, "AccessDenied"))

    denied = r"s3://lake/shared/a: PutObject was refused: access denied \(AccessDenied\): .* s3:PutObject"
    with pytest.raises(PermanentError, match=denied):
        store(s3).create("a", b"")
    with pytest.raises(PermanentError, match=r"s3://lake/shared/a: GetObject .* s3:GetObject and s3:ListBucket"):
        store(s3).get("a")
    with pytest.raises(PermanentError, match=r"s3://lake/shared/a: HeadObject .* s3:GetObject and s3:ListBucket"):
        store(s3).exists("a")
    with pytest.raises(PermanentError, match=r"s3://lake/shared/a: ListObjectsV2 .* s3:ListBucket"):
        list(store(s3).keys("a"))


def test_a_missing_bucket_is_not_a_missing_object(s3: HttpStub) -> None:
    s3.answer_in_turn(error(404, "NoSuchBucket"))

    with pytest.raises(PermanentError, match="NoSuchBucket"):
        store(s3).get("a")


def test_a_body_that_breaks_off_is_worth_a_retry(s3: HttpStub) -> None:
    s3.answer_in_turn(Answer(200, b"half of", length=100))

    with pytest.raises(RetryableError, match="GetObject failed for now"):
        store(s3).get("a")


def test_a_listing_follows_its_pages_and_leaves_the_prefix_of_the_lake_out(s3: HttpStub) -> None:
    page = (
        "<ListBucketResult><IsTruncated>{more}</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        "<EncodingType>url</EncodingType><Contents><Key>shared/runs/{key}</Key></Contents></ListBucketResult>"
    )
    s3.answer_in_turn(
        Answer(200, page.format(more="true", key="a%2Bb").encode()),
        Answer(200, page.format(more="false", key="c").encode()),
    )

    assert list(store(s3).keys("runs/")) == ["runs/a+b", "runs/c"]
    assert "continuation-token=t" in s3.requests[1].path


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<ListBucketResult/>",
        b"<html></html>",
        b"<?xml version='1.0' encoding='x-unknown'?><ListBucketResult/>",
        b"<AccessDenied><Code>AccessDenied</Code><IsTruncated>false</IsTruncated></AccessDenied>",
        b"<ListBucketResult><Error><Code>InternalError</Code></Error><IsTruncated>false</IsTruncated></ListBucketResult>",
        b"<ListBucketResult><Code>InternalError</Code><IsTruncated>false</IsTruncated></ListBucketResult>",
        b"<ListBucketResult><isTruncated>true</isTruncated><IsTruncated>false</IsTruncated></ListBucketResult>",
        b"<ListBucketResult><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>runs/a</Key></Contents></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken/></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents/></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key/></Contents></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>shared/plans/a</Key></Contents></ListBucketResult>",
        b"<ListBucketResult><Prefix>shared/plans/</Prefix><IsTruncated>false</IsTruncated></ListBucketResult>",
        b"<ListBucketResult><IsTruncated/></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>maybe</IsTruncated></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>TRUE</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
        b"<ListBucketResult><IsTruncated nil='true'/></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>true</IsTruncated><IsTruncated>false</IsTruncated></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><IsTruncated/></ListBucketResult>",
        (
            b"<ListBucketResult><IsTruncated>true</IsTruncated>"
            b"<NextContinuationToken>t</NextContinuationToken><NextContinuationToken>u</NextContinuationToken></ListBucketResult>"
        ),
        b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>shared/runs/a</Key><Key>shared/runs/b</Key></Contents></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents nil='true'/></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents>shared/runs/a</Contents></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType><Contents><Size>1</Size></Contents></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType><CommonPrefixes/></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>1</KeyCount></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>2</KeyCount><Contents><Key>shared/runs/a</Key></Contents></ListBucketResult>",
    ],
)
def test_an_answer_that_is_no_listing_is_not_an_empty_one(
    s3: HttpStub, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    s3.answer_in_turn(Answer(200, body))
    once = make_client(session(), "s3", Config(retries={"total_max_attempts": 1}))

    with pytest.raises(RetryableError, match="ListObjectsV2"):
        list(bucket_store(once, "lake", "shared/").keys("runs/"))


def test_a_listing_that_breaks_on_its_second_page_is_no_short_listing(s3: HttpStub) -> None:
    first = (
        b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        b"<Contents><Key>shared/a</Key></Contents></ListBucketResult>"
    )
    for second in (error(500, "InternalError"), Answer(200, first[:-30])):
        s3.answer_in_turn(Answer(200, first), second)

        with pytest.raises(RetryableError, match="ListObjectsV2"):
            list(store(s3).keys(""))


@pytest.mark.parametrize("contents", ["", "<Contents><Key>shared/a</Key></Contents>"], ids=["empty", "the_same"])
def test_a_listing_without_an_end_fails_for_now(s3: HttpStub, contents: str) -> None:
    def page(_: Request) -> Answer:
        token = f"<NextContinuationToken>{len(s3.requests)}</NextContinuationToken>"
        return Answer(
            200, f"<ListBucketResult><IsTruncated>true</IsTruncated>{token}{contents}</ListBucketResult>".encode()
        )

    s3.answer = page

    with pytest.raises(RetryableError, match=r"s3://lake/shared/: ListObjectsV2 returned 101 pages in a row without"):
        list(store(s3).keys(""))


def test_a_listing_that_goes_on_naming_keys_fails_for_now(s3: HttpStub) -> None:
    def page(_: Request) -> Answer:
        number = f"{len(s3.requests):06}"
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{number}</NextContinuationToken>"
        return Answer(
            200, f"<ListBucketResult>{more}<Contents><Key>shared/{number}</Key></Contents></ListBucketResult>".encode()
        )

    s3.answer = page
    seconds = count()
    endless = S3Store(
        client(s3, 1),
        "lake",
        "shared/",
        pause=lambda _: None,
        chance=lambda: 0,
        elapsed=lambda: float(next(seconds)),
    )

    with pytest.raises(RetryableError, match=r"s3://lake/shared/: ListObjectsV2 has not ended after 121 seconds"):
        for _ in islice(endless.keys(""), 1000):
            pass


CONFLICT = error(409, "ConditionalRequestConflict")


@pytest.mark.parametrize("body", [b"content", BytesIO(b"content")], ids=["bytes", "file"])
@pytest.mark.parametrize("last", [STORED, error(412, "PreconditionFailed")], ids=["created", "exists"])
def test_a_write_that_conflicts_is_repeated_whole_within_the_call(
    s3: HttpStub, body: bytes | BytesIO, last: Answer
) -> None:
    pauses: list[float] = []
    s3.answer_in_turn(CONFLICT, CONFLICT, last)

    created = S3Store(client(s3, 1), "lake", pause=pauses.append, chance=lambda: 0.5).create("plans/a.json", body)

    assert created is (last.status == 200)
    assert pauses == [0.1, 0.2]
    assert [request.headers["If-None-Match"] for request in s3.requests] == ["*"] * 3
    assert all(b"content" in request.body for request in s3.requests)


def test_a_write_that_conflicts_again_and_again_fails_for_now(s3: HttpStub) -> None:
    pauses: list[float] = []
    s3.answer_in_turn(CONFLICT)

    with pytest.raises(RetryableError, match=r"another request for the same object was in progress \(Conditional"):
        S3Store(client(s3, 1), "lake", pause=pauses.append, chance=lambda: 0.999).create("a", b"")

    assert (len(s3.requests), len(pauses)) == (5, 4)
    assert sum(pauses) < 3


def test_a_store_is_asked_whether_it_takes_conditions_without_a_write(s3: HttpStub) -> None:
    s3.answer_in_turn(error(400, "BadDigest"))

    store(s3).require_conditional_writes()

    [request] = s3.requests
    assert (request.headers["If-None-Match"], request.path) == ("*", "/lake/shared/check/conditional-writes")
    assert request.headers["Content-MD5"] != b64encode(md5(b"-", usedforsecurity=False).digest()).decode()


@pytest.mark.parametrize("answer", [error(501, "NotImplemented"), Answer(405), Answer(501, b"<html>no</html>")])
def test_a_store_that_takes_no_conditions_is_refused(s3: HttpStub, answer: Answer) -> None:
    s3.answer_in_turn(answer)

    for refused in (store(s3).require_conditional_writes, lambda: store(s3).create("a", b"")):
        with pytest.raises(PermanentError, match=r"does not support conditional writes \(If-None-Match\)"):
            refused()


@pytest.mark.parametrize("answer", [error(403, "AccessDenied"), error(412, "PreconditionFailed")])
def test_another_refusal_says_nothing_about_conditions(s3: HttpStub, answer: Answer) -> None:
    s3.answer_in_turn(answer)

    store(s3).require_conditional_writes()


@pytest.mark.parametrize("answer", [error(503, "SlowDown"), Lost(), Answer(304), Answer(200, b"<html>hello</html>")])
def test_no_answer_of_the_store_says_nothing_about_conditions_and_is_told(s3: HttpStub, answer: Answer) -> None:
    s3.answer_in_turn(answer)

    with pytest.raises(RetryableError, match=r"^s3://lake/shared/check/conditional-writes: .*PutObject"):
        store(s3).require_conditional_writes()


def test_a_store_that_stores_a_body_with_a_wrong_checksum_is_refused(s3: HttpStub) -> None:
    s3.answer_in_turn(Answer(200, headers={"ETag": '"1"'}))

    with pytest.raises(PermanentError, match=r"^s3://lake/shared/check/conditional-writes: .*Remove this object"):
        store(s3).require_conditional_writes()
